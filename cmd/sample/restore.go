package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// restoreSettings are the settings that decide the bits of a restoration; the manifest
// keeps them.
type restoreSettings struct {
	Task     string `json:"task"`
	Input    string `json:"input"`
	Method   string `json:"method"`
	Prior    string `json:"prior"`
	Path     string `json:"path"`
	Grid     string `json:"grid"`
	Sampler  string `json:"sampler,omitempty"`
	Steps    int    `json:"steps"`
	NFE      int    `json:"nfe_budget,omitempty"`
	Samples  int    `json:"samples"`
	Noise    string `json:"noise,omitempty"`
	Simulate bool   `json:"simulate"`
	Seed     uint64 `json:"seed"`

	PSF      string `json:"psf,omitempty"`
	Boundary string `json:"boundary,omitempty"`
	Mask     string `json:"mask,omitempty"`
	Factor   int    `json:"factor,omitempty"`
	Kernel   string `json:"kernel,omitempty"`

	Angles    string  `json:"angles,omitempty"`
	Beam      string  `json:"beam,omitempty"`
	Detectors int     `json:"detectors,omitempty"`
	PixelSize float64 `json:"pixel_size,omitempty"`
	Spacing   float64 `json:"spacing,omitempty"`
	Offset    float64 `json:"offset,omitempty"`
	Size      int     `json:"size,omitempty"`

	Sampling string `json:"sampling,omitempty"`
	Coils    int    `json:"coils,omitempty"`
	Maps     string `json:"maps,omitempty"`
	Phase    string `json:"phase,omitempty"`
}

// A restoreTask is one subcommand of restore.
type restoreTask struct {
	name, short, long, example string
	steps                      int // default of the default method
	flags                      func(cmd *cobra.Command, s *restoreSettings)
	scene                      func(s *restoreSettings) (*scene, error)
}

var restoreTasks = []restoreTask{
	{name: "deblur", short: "Undo a known blur", steps: 13, scene: (*restoreSettings).pictureScene,
		example: "  sample restore deblur blurred.png --psf gaussian:sigma=2 --out sharp.png\n  sample restore deblur photo.png --simulate --psf motion:length=15,angle=30 --samples 8 --out mean.png --plot figure.png",
		flags: func(cmd *cobra.Command, s *restoreSettings) {
			f := cmd.Flags()
			f.StringVar(&s.PSF, "psf", "gaussian:sigma=2", "point spread function: gaussian, motion, disc or file:F; see sample list operators")
			f.StringVar(&s.Boundary, "boundary", "reflect", "how the scene goes on beyond the picture: reflect, circular, zero or valid (unknown; the result is larger)")
		}},
	{name: "inpaint", short: "Fill in lost pixels", steps: 13, scene: (*restoreSettings).pictureScene,
		example: "  sample restore inpaint holes.png --mask file:known.png --out filled.png\n  sample restore inpaint photo.png --simulate --mask random:keep=0.3 --out filled.png",
		flags: func(cmd *cobra.Command, s *restoreSettings) {
			cmd.Flags().StringVar(&s.Mask, "mask", "random:keep=0.3", "known pixels: random, box or file:F; see sample list operators")
		}},
	{name: "superres", short: "Enlarge a picture", steps: 9, scene: (*restoreSettings).pictureScene,
		example: "  sample restore superres small.png --factor 2 --out large.png",
		flags: func(cmd *cobra.Command, s *restoreSettings) {
			f := cmd.Flags()
			f.IntVar(&s.Factor, "factor", 2, "pixels of the result for one of the data, along each side")
			f.StringVar(&s.Kernel, "kernel", "box", "how pixels were merged: box, bicubic or lanczos")
		}},
	{name: "denoise", short: "Remove noise", steps: 6, scene: (*restoreSettings).pictureScene,
		example: "  sample restore denoise noisy.png --out clean.png\n  sample restore denoise photo.png --simulate --noise 0.1 --out clean.png",
		flags:   func(*cobra.Command, *restoreSettings) {}},
	{name: "ct", short: "Reconstruct a slice from its X-ray projections", steps: 16, scene: (*restoreSettings).ctScene,
		long:    "INPUT is a sinogram of line integrals, shape (views, detectors), in units of 1/length times\n--pixel-size's; with --simulate a picture to be scanned. Pixel (i, j) is at x = (j - (cols-1)/2)h,\ny = ((rows-1)/2 - i)h from the axis, and detector k of a parallel view at angle a sees the line\nx cos a + y sin a = (k - (detectors-1)/2) spacing + offset.",
		example: "  sample restore ct sinogram.npy --angles 180 --out slice.npy\n  sample restore ct phantom.png --simulate --angles limited:from=0,to=90,n=90 --out slice.png",
		flags: func(cmd *cobra.Command, s *restoreSettings) {
			f := cmd.Flags()
			f.StringVar(&s.Angles, "angles", "60", "views: a number over 180° (360° for fans), degrees separated by commas, limited:from=0,to=90,n=90 or list:FILE")
			f.StringVar(&s.Beam, "beam", "parallel", "parallel, fan:source=D,detector=D or arc:source=D, in the unit of --pixel-size")
			f.IntVar(&s.Detectors, "detectors", 0, "cells of the detector (default: those of the sinogram)")
			f.Float64Var(&s.PixelSize, "pixel-size", 1, "side of a pixel of the result")
			f.Float64Var(&s.Spacing, "spacing", 0, "distance of the detector's cells, radians for arc (default: one pixel, seen at the axis)")
			f.Float64Var(&s.Offset, "offset", 0, "shift of the detector")
			f.IntVar(&s.Size, "size", 0, "rows and columns of the result (default: the number of detectors)")
		}},
	{name: "mri", short: "Reconstruct a slice from undersampled k-space", steps: 13, scene: (*restoreSettings).mriScene,
		long:    "INPUT is a k-space with its origin in the middle, shape (coils, rows, cols): NAME.cfl and NAME.hdr\nof BART, or .npy, complex or with pairs (re, im) along a last axis; with --simulate a picture.\nNoise is the standard deviation of each real number. Samples that are 0 in all coils count as\nnot measured.",
		example: "  sample restore mri kspace.cfl --out slice.png\n  sample restore mri brain.png --simulate --coils 8 --sampling uniform:accel=4 --out slice.png",
		flags: func(cmd *cobra.Command, s *restoreSettings) {
			f := cmd.Flags()
			f.StringVar(&s.Sampling, "sampling", "", "measured samples: uniform, gaussian, poisson or file:F (default: those that are not 0; uniform with --simulate)")
			f.IntVar(&s.Coils, "coils", 8, "coils of a simulation")
			f.StringVar(&s.Maps, "maps", "", "sensitivities: lowres, espirit, file:F or none (default: espirit; lowres for one coil)")
			f.StringVar(&s.Phase, "phase", "maps", "maps: the picture is real, its phase that of the centre of k-space; free: it is complex")
		}},
}

func newRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore deblur|inpaint|superres|denoise|ct|mri INPUT",
		Short: "Restore a picture from blurred, incomplete or noisy data, with a posterior",
		Long: `restore solves y = A x + n for the picture x, given the data y, the measurement A and the
noise's standard deviation, with a prior of pictures. The default method gives the sharpest
single picture for its time; with --samples it draws from the posterior and gives its mean,
the standard deviation of every pixel, and the samples. That standard deviation is the
posterior's to 2 % for a Gaussian prior; of method mmps it is 20 to 30 % too small.

A data residual far from 1 σ is reported: then the measurement, the noise or the number of
steps is wrong, and so is the result.

With --simulate INPUT is a clean picture: it is degraded first, and PSNR and SSIM of the
data and the result are reported. Pixels are from 0 to 1, colours are restored one by one.`,
		Args: func(cmd *cobra.Command, args []string) error {
			var names []string
			for _, t := range restoreTasks {
				names = append(names, t.name)
			}
			if len(args) == 0 {
				return nil
			}
			return usagef("unknown task %q%s (one of %s)", args[0], didYouMean(args[0], names), strings.Join(names, ", "))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.FParseErrWhitelist.UnknownFlags = true // a wrong task says more than its flags
	for _, t := range restoreTasks {
		cmd.AddCommand(newRestoreTask(t))
	}
	return cmd
}

func newRestoreTask(t restoreTask) *cobra.Command {
	s := restoreSettings{Task: t.name}
	var o restoreOutputs
	cmd := &cobra.Command{
		Use: t.name + " INPUT", Short: t.short, Long: strings.TrimSpace(t.short + ".\n\n" + t.long), Example: t.example,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("restore %s needs one input file, got %d words; see sample restore %s --help", t.name, len(args), t.name)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Input = args[0]
			return restore(cmd.Context(), s, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	t.flags(cmd, &s)
	f := cmd.Flags()
	f.StringVar(&s.Method, "method", "", "method; see sample list methods (default: hqs, with --samples corrected, or diffpir for a network)")
	f.StringVar(&s.Prior, "prior", "patches", "prior: patches, unet, gaussian, file:PRIOR, images:DIR or none; see sample list priors")
	f.StringVar(&s.Path, "path", "", "path from noise to the picture (default: the method's)")
	f.StringVar(&s.Grid, "grid", "", "time grid (default: karras)")
	f.StringVar(&s.Sampler, "sampler", "", "sampler that drives a method which is a y-aware denoiser (default: the method's own steps)")
	f.IntVar(&s.Steps, "steps", 0, fmt.Sprintf("steps, the last of which is the denoising (default: %d, of posterior methods 12, of corrected 6)", t.steps))
	f.IntVar(&s.NFE, "nfe", 0, "evaluations of the prior's denoiser, in place of --steps")
	f.IntVar(&s.Samples, "samples", 1, "posterior samples")
	f.StringVar(&s.Noise, "noise", "", "standard deviation of the noise, or auto: an estimate from the data")
	f.BoolVar(&s.Simulate, "simulate", false, "INPUT is clean: degrade it first")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of every random number")
	f.StringVar(&o.out, "out", "", "file for the result, the mean of the samples: .png, .tiff or .npy")
	f.StringVar(&o.degraded, "save-degraded", "", "file for the simulated data: .png, .tiff or .npy; .npy or .cfl for mri")
	if t.name == "mri" {
		f.StringVar(&o.maps, "save-maps", "", "file for the coil maps that were used, to be read by --maps file:F: .npy or .cfl")
	}
	f.StringVar(&o.plot, "plot", "", "figure of the data beside the result: .png or .svg")
	f.IntVar(&o.workers, "workers", 0, "goroutines (default: all processors); never changes the result")
	f.BoolVar(&o.json, "json", false, "print one JSON object on stdout")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no messages on stderr")
	return cmd
}

// restore is the command.
func restore(ctx context.Context, s restoreSettings, o restoreOutputs, stdout, stderr io.Writer) error {
	if err := o.check(s); err != nil {
		return err
	}
	p, err := s.check()
	if err != nil {
		return err
	}
	for _, f := range o.files(s.Samples) {
		if err := checkWritable(f); err != nil {
			return err
		}
	}
	line := newRestoreLine(stderr, s.Task, o.quiet)
	x, rep, err := p.run(ctx, o.workers, line.callback())
	line.clear()
	if err != nil {
		return err
	}
	v := p.view(x)
	v.score(rep)
	if err := p.write(o, v, rep); err != nil {
		return err
	}
	if !o.quiet {
		rep.print(stderr, o.files(s.Samples))
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}
