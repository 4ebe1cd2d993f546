package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/inverse/prior"
)

// priorSettings decide the bits of a trained prior.
type priorSettings struct {
	Dir        string `json:"dir"`
	Side       int    `json:"patches"`
	Components int    `json:"components"`
	Draws      int    `json:"draws"`
	Iterations int    `json:"iterations"`
	Seed       uint64 `json:"seed"`
}

// A priorReport is the JSON line of train prior. Likelihoods are in nats a patch.
type priorReport struct {
	priorSettings
	Images     int     `json:"images"`
	Status     string  `json:"status"`
	LogLik     float64 `json:"log_likelihood"`
	Held       float64 `json:"held_out_log_likelihood"`
	Iterations int     `json:"iterations_done"`
	Out        string  `json:"out"`
}

func newTrainPrior() *cobra.Command {
	var s priorSettings
	var n pictureSettings
	var o outputs
	var network bool
	var checkpoint string
	cmd := &cobra.Command{
		Use:   "prior DIR",
		Short: "Fit a mixture of Gaussians on patches, or a denoising network, to the pictures of a folder",
		Long: `prior fits the mixture by expectation maximisation to patches of the .png and .jpeg
pictures of DIR, and writes it for sample restore --prior file:OUT.

With --network it trains a U-Net on crops of the pictures, leaves cut out of them and random
ellipse phantoms instead, which takes an hour or more. With --checkpoint an interrupted or killed
training goes on where it was, bit for bit.`,
		Example: "  sample train prior --patches 8 --components 200 photos --out prior.npz\n" +
			"  sample train prior --network photos --checkpoint state.safetensors --out prior.safetensors",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("train prior needs one folder of pictures, got %d words", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Dir = args[0]
			if network {
				n.Dir, n.Seed = s.Dir, s.Seed
				return trainPictures(cmd.Context(), n, o, checkpoint, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return trainPrior(cmd.Context(), s, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&s.Side, "patches", 8, "side of a patch, from 3 to 16 pixels")
	f.IntVar(&s.Components, "components", 200, "Gaussians of the mixture")
	f.IntVar(&s.Draws, "draws", 100_000, "patches that are drawn from the pictures")
	f.IntVar(&s.Iterations, "iterations", 30, "most iterations of expectation maximisation")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of the draws and of the start")
	f.BoolVar(&network, "network", false, "train a network in place of the mixture")
	f.IntVar(&n.Steps, "steps", 20_000, "of a network: steps of the optimiser")
	f.IntVar(&n.Batch, "batch", 16, "of a network: crops a step")
	f.IntVar(&n.Hidden, "hidden", 32, "of a network: channels of the finest level")
	f.IntVar(&n.Depth, "depth", 1, "of a network: residual blocks a level")
	f.StringVar(&checkpoint, "checkpoint", "", "of a network: file for the state of the run, from which it goes on if it is there")
	f.StringVar(&o.out, "out", "", "file for the prior: .npz, of a network .safetensors")
	addWorkFlags(cmd, &o)
	return cmd
}

func trainPrior(ctx context.Context, s priorSettings, o outputs, stdout, stderr io.Writer) error {
	switch {
	case strings.ToLower(filepath.Ext(o.out)) != ".npz":
		return usagef("--out %q: the prior needs a file that ends in .npz", o.out)
	case s.Side < 3 || s.Side > 16:
		return usagef("--patches must be from 3 to 16, got %d", s.Side)
	case s.Components < 1 || s.Components > 10_000:
		return usagef("--components must be from 1 to 10000, got %d", s.Components)
	case s.Draws < s.Components || s.Draws > 10_000_000:
		return usagef("--draws must be from the %d components to 10000000, got %d", s.Components, s.Draws)
	case s.Iterations < 1 || s.Iterations > 100_000:
		return usagef("--iterations must be from 1 to 100000, got %d", s.Iterations)
	}
	images, err := trainingPictures(s.Dir, o)
	if err != nil {
		return err
	}
	fit := &prior.PatchFit{Side: s.Side, Components: s.Components, Patches: s.Draws, Iterations: s.Iterations, Seed: s.Seed, Workers: o.workers}
	if !o.quiet {
		fit.Progress = func(k int, logLik float64) {
			fmt.Fprintf(stderr, "iteration %d: log-likelihood %.3f nats a patch\n", k, logLik)
		}
	}
	m, res, err := prior.Train(ctx, images, fit)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return asUsage(err)
	}
	if err := dataio.WriteFile(o.out, m.Write); err != nil {
		return asUsage(err)
	}
	rep := priorReport{priorSettings: s, Images: len(images), Status: res.Status.String(), LogLik: res.LogLik[len(res.LogLik)-1],
		Held: res.Held, Iterations: len(res.LogLik) - 1, Out: o.out}
	if !o.quiet {
		fmt.Fprintf(stderr, "%d pictures, %d iterations (%s): %.3f nats a patch, %.3f on patches held out\nwrote %s\n",
			rep.Images, rep.Iterations, rep.Status, rep.LogLik, rep.Held, o.out)
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}

// trainingPictures returns the pictures of a folder that a prior is fitted to, once the rest of the
// request is known to be good.
func trainingPictures(dir string, o outputs) ([]prior.Image, error) {
	if o.workers < 0 {
		return nil, usagef("--workers must not be negative, got %d", o.workers)
	}
	images, err := prior.ReadImages(dir)
	if err != nil {
		return nil, asUsage(err)
	}
	return images, checkWritable(o.out)
}
