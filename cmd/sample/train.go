package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// trainSettings decide the bits of a trained network.
type trainSettings struct {
	Data      string `json:"data,omitempty"`
	Target    string `json:"target,omitempty"`
	Objective string `json:"objective"`
	Steps     int    `json:"steps"`
	Batch     int    `json:"batch"`
	Seed      uint64 `json:"seed"`
}

func newTrain() *cobra.Command {
	var s trainSettings
	var o outputs
	var checkpoint string
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a denoising network on points, or a prior on pictures",
		Long: `train fits a small network to the points of a file, or to fresh draws of a target, by denoising
score matching or flow matching, and writes it for draw, compare and loglik --model. A tenth
of a file's points is held out: the network is the average at the least held-out loss, and
training stops early once that has not fallen for a quarter of the steps.

With --checkpoint an interrupted or killed run goes on where it was, bit for bit.`,
		Example: `  sample train --data my.csv --out my.safetensors
  sample train --target moons --out moons.safetensors --plot loss.png
  sample draw --target moons --model moons.safetensors --path edm --sampler dpmpp-2m
  sample train prior --components 200 photos --out prior.npz`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("nothing to train under %q%s (prior, or flags alone for a network)", args[0], didYouMean(args[0], []string{"prior"}))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return trainNetwork(cmd.Context(), s, o, checkpoint, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.Data, "data", "", "points to learn from: .npy or .csv, a point a row")
	f.StringVar(&s.Target, "target", "", "density to learn from, in place of data; see sample list targets")
	f.StringVar(&s.Objective, "objective", "dsm", "dsm: denoising score matching as in EDM; fm: flow matching on the Cond-OT path")
	f.IntVar(&s.Steps, "steps", 8000, "steps of the optimiser")
	f.IntVar(&s.Batch, "batch", 1024, "points a step")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of weights, batches and noise")
	f.StringVar(&o.out, "out", "", "file for the network, .safetensors")
	f.StringVar(&o.plot, "plot", "", "figure of the loss: .png or .svg")
	f.StringVar(&checkpoint, "checkpoint", "", "file for the state of the run, from which it goes on if it is there")
	addWorkFlags(cmd, &o)
	cmd.AddCommand(newTrainPrior())
	return cmd
}

// historyEvery is the number of steps between two points of the history.
const historyEvery = 100

// A trainReport is the JSON line of train.
type trainReport struct {
	trainSettings
	Dim     int           `json:"dim"`
	Weights int           `json:"weights"`
	Status  string        `json:"status"`
	Made    int           `json:"steps_made"`
	Resumed int           `json:"resumed"`
	Seconds float64       `json:"seconds"`
	Held    *float64      `json:"held_out_loss,omitempty"`
	History []train.Point `json:"history"`
	Out     string        `json:"out"`
}

func (s trainSettings) check(o outputs) error {
	switch {
	case s.Data == "" && s.Target == "":
		return usagef("train needs --data FILE or --target T, for example --data my.csv")
	case s.Data != "" && s.Target != "":
		return usagef("--data and --target exclude each other")
	case strings.ToLower(filepath.Ext(o.out)) != ".safetensors":
		return usagef("--out %q: the network needs a file that ends in .safetensors", o.out)
	case s.Objective != "dsm" && s.Objective != "fm":
		return usagef("--objective %q is unknown%s (dsm or fm)", s.Objective, didYouMean(s.Objective, []string{"dsm", "fm"}))
	case s.Steps < 1 || s.Steps > 100_000_000:
		return usagef("--steps must be from 1 to 100000000, got %d", s.Steps)
	case s.Batch < 1 || s.Batch > 1_000_000:
		return usagef("--batch must be from 1 to 1000000, got %d", s.Batch)
	}
	look := o
	look.out = ""
	if err := look.check(s.Data, specFile(s.Target)); err != nil {
		return err
	}
	for _, f := range []string{o.out, o.plot} {
		if err := checkWritable(f); err != nil {
			return err
		}
	}
	return nil
}

// A trainSource is what a network learns from: data about their mean, what is held out of
// them (nil for a density), and their size.
type trainSource struct {
	data, held train.Source
	mean       []float64
	std        float64
}

func newTrainSource(x []float64, d int) *trainSource {
	return &trainSource{mean: train.DataMean(x, d), std: train.DataStd(x, d)}
}

func (s trainSettings) source() (*trainSource, error) {
	if s.Target != "" {
		t, err := buildTarget(s.Target)
		if err != nil {
			return nil, err
		}
		src := newTrainSource(density.Sample(t, 10_000, s.Seed, 1, 0), t.Dim())
		src.data = train.Centred{Source: train.Target{Target: t}, Mean: src.mean}
		return src, nil
	}
	x, n, d, err := dataio.ReadPoints(s.Data)
	if err != nil {
		return nil, asUsage(err)
	}
	src := newTrainSource(x, d)
	switch {
	case src.std == 0:
		return nil, usagef("%s: all points are the same, there is nothing to learn", s.Data)
	case !(src.std <= math.MaxFloat32):
		return nil, usagef("%s: the values are too large for a network, which computes in single precision; divide them by a common factor", s.Data)
	}
	p := &train.Points{X: x, D: d}
	src.data = train.Centred{Source: p, Mean: src.mean}
	if n >= 100 { // else too few to spare any
		rest, out, err := p.Split(0.1, s.Seed)
		if err != nil {
			return nil, asUsage(err)
		}
		src.data, src.held = train.Centred{Source: rest, Mean: src.mean}, train.Centred{Source: out, Mean: src.mean}
	}
	return src, nil
}

func trainNetwork(ctx context.Context, s trainSettings, o outputs, checkpoint string, stdout, stderr io.Writer) error {
	if err := s.check(o); err != nil {
		return err
	}
	if o.quiet {
		stderr = io.Discard
	}
	src, err := s.source()
	if err != nil {
		return err
	}
	data, held := src.data, src.held
	r := train.DefaultRecipe(data.Dim(), src.std)
	if s.Objective == "fm" {
		path := interpolant.CondOT{}
		flow := train.FlowMatching(path, src.std)
		r.Objective, r.Precond = flow, flow.Precond
	}
	m, err := nn.NewModel(r.Spec, r.Precond, s.Seed)
	if err != nil {
		return asUsage(err)
	}
	m.Mean = src.mean
	m.Meta = map[string]string{"objective": s.Objective, "data": s.Data, "target": s.Target, "steps": fmt.Sprint(s.Steps), "seed": fmt.Sprint(s.Seed)}
	if r.Precond.Path != nil {
		m.Meta["path"] = "condot"
	}
	set := r.Settings
	set.Steps, set.Batch, set.Seed, set.Workers = s.Steps, s.Batch, s.Seed, o.workers
	set.Rate.Total, set.Every = s.Steps, historyEvery
	set.Held, set.Checkpoint = held, checkpoint
	if held != nil { // after a quarter of the run without a gain, but not in the first points
		set.Patience = max(10, s.Steps/historyEvery/4)
	}
	tag, err := json.Marshal(s)
	if err != nil {
		return err
	}
	set.Tag = string(tag)
	bar := newProgress(stderr, "training", o.quiet)
	report := bar.callback()
	set.Progress = func(p train.Point) {
		if report != nil {
			report(int64(p.Step), int64(s.Steps))
		}
	}
	begin := time.Now()
	res, err := train.Run(ctx, m, r.Objective, data, set)
	bar.clear()
	if err != nil {
		if ctx.Err() != nil && checkpoint != "" {
			fmt.Fprintf(stderr, "the state is in %s; the same command goes on from it\n", checkpoint)
		}
		return err
	}
	if err := dataio.WriteFile(o.out, m.Write); err != nil {
		return asUsage(err)
	}
	rep := trainReport{
		trainSettings: s, Dim: data.Dim(), Weights: len(m.Net.W), Status: res.Status.String(), Made: res.Steps, Resumed: res.Resumed,
		Seconds: time.Since(begin).Seconds(), History: res.History, Out: o.out,
	}
	if held != nil {
		rep.Held = finite(res.BestHeld)
	}
	if o.plot != "" {
		if err := plotLoss(o.plot, s, res); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "%d weights, %d steps in %.3g s (%s)", rep.Weights, rep.Made, rep.Seconds, rep.Status)
	if rep.Held != nil {
		fmt.Fprintf(stderr, ", held-out loss %.4g after step %d", *rep.Held, res.BestStep)
	}
	fmt.Fprintf(stderr, "\nwrote %s\n", o.out)
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}

// plotLoss draws the loss over the steps.
func plotLoss(file string, s trainSettings, res *train.Result) error {
	loss, held := figure.Series{Name: "training"}, figure.Series{Name: "held out", Stochastic: true}
	for _, p := range res.History {
		loss.X, loss.Y = append(loss.X, float64(p.Step)), append(loss.Y, p.Loss)
		if p.Held != 0 {
			held.X, held.Y = append(held.X, float64(p.Step)), append(held.Y, p.Held)
		}
	}
	name := figureTitle(s.Target)
	if s.Data != "" {
		name = filepath.Base(s.Data)
	}
	ln := figure.Lines{Title: "Training on " + name, XLabel: "step", YLabel: "loss", Series: []figure.Series{loss}}
	if len(held.X) > 0 {
		ln.Series = append(ln.Series, held)
	}
	return asUsage(dataio.WriteFile(file, encoded(ln.Figure(), file)))
}

// loadModel reads a trained network.
func loadModel(file string) (*nn.Model, error) {
	m, err := nn.Load(file, func(name string) (interpolant.Path, error) {
		r, err := buildRoute(name, &ends{})
		if err != nil {
			return nil, err
		}
		return r.path, nil
	})
	return m, asUsage(err)
}
