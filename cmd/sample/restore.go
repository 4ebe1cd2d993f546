package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
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

// restoreOutputs are the settings that decide what is kept and shown.
type restoreOutputs struct {
	out, plot, degraded string
	maps                string
	workers             int
	json, quiet         bool
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
	f.StringVar(&s.Method, "method", "", "method; see sample list methods (default: hqs, or corrected with --samples)")
	f.StringVar(&s.Prior, "prior", "patches", "prior: patches, gaussian, file:PRIOR.npz, images:DIR or none; see sample list priors")
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

// A restorePlan is the checked form of restoreSettings.
type restorePlan struct {
	settings restoreSettings // with the defaults filled in
	scene    *scene
	method   *methodEntry
	params   *params
	prior    *pictures
	sampler  *sampler
	path     interpolant.Path
	grid     []float64
}

// check turns settings into a plan or a usage error. It reads the input, and simulates.
func (s restoreSettings) check() (*restorePlan, error) {
	i := slices.IndexFunc(restoreTasks, func(t restoreTask) bool { return t.name == s.Task })
	if i < 0 {
		return nil, usagef("unknown task %q", s.Task)
	}
	task := restoreTasks[i]
	switch {
	case s.Samples < 1 || s.Samples > 10_000:
		return nil, usagef("--samples must be from 1 to 10000, got %d", s.Samples)
	case s.Steps < 0 || s.Steps > maxSteps:
		return nil, usagef("--steps must be from 1 to %d, got %d", maxSteps, s.Steps)
	case s.NFE < 0 || s.NFE > maxSteps:
		return nil, usagef("--nfe must be from 1 to %d, got %d", maxSteps, s.NFE)
	case s.NFE > 0 && s.Steps > 0:
		return nil, usagef("--nfe and --steps both say how long to work; give one")
	}
	if s.Method == "" {
		switch {
		case s.Sampler != "":
			s.Method = "mmps"
		case s.Samples > 1:
			s.Method = "corrected"
		default:
			s.Method = "hqs"
		}
	}
	p := &restorePlan{}
	var err error
	if p.method, p.params, err = buildMethod(s.Method, s.Task); err != nil {
		return nil, err
	}
	if p.method.estimate != nil && s.Samples > 1 {
		return nil, usagef("method %s gives one picture, not samples; leave --samples out or choose a posterior method, such as corrected", p.method.Name)
	}
	if err := s.route(p, task); err != nil {
		return nil, err
	}
	if p.scene, err = task.scene(&s); err != nil {
		return nil, err
	}
	if p.prior, err = buildPrior(s.Prior, p.scene.rows, p.scene.cols); err != nil {
		return nil, err
	}
	if p.prior.model == nil && !p.method.free {
		return nil, usagef("method %s needs a prior; --prior none is for tv, cgls, adjoint, fbp, zero-filled and cg-sense", p.method.Name)
	}
	p.settings = s
	return p, nil
}

// route sets the path, the sampler and the grid.
func (s *restoreSettings) route(p *restorePlan, task restoreTask) error {
	var err error
	if s.Path == "" {
		if s.Path = p.method.path; s.Path == "" {
			s.Path = restorePath
		}
	}
	entry, params, err := find("path", s.Path, pathTable, func(e *pathEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return err
	}
	if entry.build == nil {
		return usagef("path %s is not for restore; use edm, ve, vp, condot, trig, cosine, ddpm or subvp", entry.Name)
	}
	if p.path, err = entry.build(params); firstError(params.err(), err) != nil {
		return firstError(params.err(), err)
	}
	if s.Sampler != "" {
		if p.method.gain == nil {
			return usagef("method %s has steps of its own; --sampler drives mmps, pigdm, tmpd, ddnm, dds, diffpir and dmps", p.method.Name)
		}
		if p.sampler, err = buildSampler(s.Sampler); err != nil {
			return err
		}
		if p.sampler.adaptive {
			return usagef("sampler %s chooses its own steps; restore needs a fixed number", s.Sampler)
		}
	}
	switch {
	case s.NFE > 0 && p.sampler != nil:
		if s.Steps, err = p.sampler.stepsFor(s.NFE); err != nil {
			return err
		}
	case s.NFE > 0:
		s.Steps = s.NFE / max(1, p.method.nfe)
	case s.Steps == 0 && p.method.Kind == kindPosterior:
		if s.Steps = p.method.count; s.Steps == 0 {
			s.Steps = 12
		}
	case s.Steps == 0:
		s.Steps = task.steps
	}
	if s.Steps < 1 {
		return usagef("--nfe %d is less than one step of method %s", s.NFE, p.method.Name)
	}
	s.NFE = 0 // the steps stand for it
	if s.Grid == "" {
		s.Grid = "karras"
	}
	p.grid, err = buildGrid(s.Grid, p.path, nil, s.Steps)
	if err == nil {
		s.Steps = len(p.grid)
		if p.method.estimate == nil && p.path.At(p.grid[0]).Alpha == 0 {
			err = usagef("restore needs a grid that starts where there is some signal; path %s has none at t = %g, use --path edm", s.Path, p.grid[0])
		}
	}
	return err
}

// run restores all channels and returns the samples, sample after sample, channel after
// channel, in the units of the file.
func (p *restorePlan) run(ctx context.Context, workers int, show func(format string, args ...any)) ([]float64, *restoreReport, error) {
	begin := time.Now()
	sc, t := p.scene, new(tally)
	size, n := sc.size(), p.settings.Samples
	a := t.operator(sc.op)
	m, _ := sc.op.Dims()
	out := make([]float64, n*sc.channels*size)
	rep := &restoreReport{restoreSettings: p.settings, Kind: p.method.Kind, Rows: sc.rows, Cols: sc.cols, Channels: sc.channels,
		Sigma: sc.sigma * sc.scale, SigmaEstimated: sc.estimated, Scale: sc.scale, Acceleration: sc.accel, Workers: workers,
		Narrow: p.method.narrow && n > 1, AlphaIgnored: sc.alpha}
	model := p.prior.model
	if model == nil {
		model = flat{sc.rows * sc.cols}
	}
	if sc.pair {
		mean := 0.0
		if p.prior.law != nil {
			mean = p.prior.law.MeanValue()
		}
		model = newComplexPrior(model, mean)
	}
	model = t.watch(model)
	mean := make([]float64, size)
	square := 0.0
	for k := range sc.channels {
		problem, err := inverse.New(a, sc.y[k*m:(k+1)*m], sc.sigma)
		if err != nil {
			return nil, nil, asUsage(err)
		}
		if show != nil {
			t.problem = func(x []float64) float64 { return residual(problem, sc.op, x) }
			t.show = func(r float64) {
				done := t.nfe.Load()
				show("channel %d of %d: %d denoisings%s, data residual %.3g σ", k+1, sc.channels, done, p.left(done, time.Since(begin)), r)
			}
		}
		j := &job{task: p.settings.Task, scene: sc, problem: problem, prior: p.prior, model: model, path: p.path, grid: p.grid,
			sampler: p.sampler, n: n, first: k * n, seed: p.settings.Seed, workers: workers}
		x, err := j.draw(ctx, p.method, p.params)
		if err != nil {
			return nil, nil, err
		}
		clear(mean)
		for i := range n {
			copy(out[(i*sc.channels+k)*size:], x[i*size:(i+1)*size])
			for c, v := range x[i*size : (i+1)*size] {
				mean[c] += v / float64(n)
			}
		}
		square += math.Pow(residual(problem, sc.op, mean), 2) / float64(sc.channels)
	}
	for _, v := range out {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, fmt.Errorf("the result of method %s is not finite; more steps, or another method, may help", p.method.Name)
		}
	}
	rep.Residual = finite(math.Sqrt(square))
	rep.Warning = p.judge(rep.Residual)
	rep.NFE, rep.JVP, rep.Operator = t.work(n * sc.channels)
	rep.Seconds = time.Since(begin).Seconds()
	return out, rep, nil
}

// left tells the time to go, from the first level on, where the work is known beforehand.
func (p *restorePlan) left(done int64, taken time.Duration) string {
	runs := p.settings.Samples * p.scene.channels
	level := int64(runs * max(1, p.method.nfe))
	if p.method.Kind != kindPosterior || p.sampler != nil || done < level {
		return ""
	}
	all := level * int64(len(p.grid))
	return fmt.Sprintf(", about %.0f s to go", taken.Seconds()*float64(max(0, all-done))/float64(done))
}

// judge says what a residual of the data tells against a result, "" for nothing. No
// picture of n pixels comes nearer to m data than √(1 - n/m) σ in the mean; one that is
// well below has noise explained to it that is not there.
func (p *restorePlan) judge(residual *float64) string {
	const high, low = 1.5, 0.8
	if residual == nil || p.method.unfitted {
		return ""
	}
	m, n := p.scene.op.Dims()
	least := low * math.Sqrt(max(0, 1-float64(n)/float64(m)))
	switch r := *residual; {
	case r > high:
		causes := map[string]string{
			"deblur": "a wrong --psf or --boundary", "inpaint": "a wrong --mask", "superres": "a wrong --kernel or --factor", "denoise": "noise that is not white",
			"ct":  "a wrong geometry (--angles, --beam, --spacing, --offset)",
			"mri": "wrong coil maps (--maps espirit, or file:F) or a picture that is not real (--phase free)",
		}
		return fmt.Sprintf("the data residual is %.3g σ, above %g: the result does not explain the data. Likely causes: %s, a --noise that is too small (σ = %.3g), or too few --steps",
			r, high, causes[p.settings.Task], p.scene.sigma*p.scene.scale)
	case r < least:
		return fmt.Sprintf("the data residual is %.3g σ, below %.2g, which no true picture comes near: --noise is too large (σ = %.3g), and the result smoother than the data allow",
			r, least, p.scene.sigma*p.scene.scale)
	}
	return ""
}

// flat is no prior: methods that need none never call it.
type flat struct{ d int }

func (f flat) Dim() int                               { return f.d }
func (f flat) Denoise(dst, x []float64, _, _ float64) { copy(dst, x) }

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

// check refuses outputs that cannot be, or that would replace the input.
func (o restoreOutputs) check(s restoreSettings) error {
	if o.workers < 0 {
		return usagef("--workers must not be negative, got %d", o.workers)
	}
	if o.out == "" && o.plot == "" && !o.json && !s.Simulate {
		return usagef("nothing would be kept of the result: give --out FILE, --plot FILE, or both")
	}
	for _, in := range s.inputs() {
		a, err := os.Stat(in)
		if err != nil {
			continue // the reader says it better
		}
		for _, out := range o.files(s.Samples) {
			if b, err := os.Stat(out); err == nil && os.SameFile(a, b) {
				return usagef("%s is read by this command and would be replaced by its output; choose another name", out)
			}
		}
	}
	ending := func(flag, file string, known []string) error {
		if file != "" && !slices.Contains(known, strings.ToLower(filepath.Ext(file))) {
			return usagef("--%s %s: the ending must be %s", flag, file, strings.Join(known, ", "))
		}
		return nil
	}
	data := dataio.PictureFormats()
	switch s.Task {
	case "ct":
		data = []string{".npy"}
	case "mri":
		data = []string{".npy", ".cfl"}
	}
	return firstError(ending("save-maps", o.maps, data), ending("out", o.out, dataio.PictureFormats()), ending("plot", o.plot, []string{".png", ".svg"}), ending("save-degraded", o.degraded, data))
}

// files are all files that are written.
func (o restoreOutputs) files(samples int) []string {
	var out []string
	if o.out != "" {
		out = append(out, o.out, manifestPath(o.out))
		if samples > 1 {
			out = append(out, beside(o.out, "std"), beside(o.out, "samples"))
		}
	}
	for _, f := range []string{o.degraded, o.maps, o.plot} {
		if f != "" {
			out = append(out, f)
		}
	}
	return out
}

// beside returns the name of a file that goes with another: out.png, out-std.png.
func beside(file, what string) string {
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + what + ext
}
