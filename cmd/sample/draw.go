package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
)

// runSettings are the settings that decide the bits of a draw; the manifest keeps them.
type runSettings struct {
	Target  string `json:"target"`
	From    string `json:"from,omitempty"`
	Model   string `json:"model,omitempty"`
	Path    string `json:"path"`
	Sampler string `json:"sampler"`
	Grid    string `json:"grid"`
	Steps   int    `json:"steps"`
	N       int    `json:"n"`
	Seed    uint64 `json:"seed"`
}

// outputs are the settings that decide what is shown of a run.
type outputs struct {
	out, plot, metrics string
	trajectories       int
	workers            int
	json, quiet        bool
}

const (
	maxPoints = 100_000_000
	maxSteps  = 1_000_000
)

func newDraw() *cobra.Command {
	var s runSettings
	var o outputs
	cmd := &cobra.Command{
		Use:   "draw",
		Short: "Draw samples of a target and measure them against exact ones",
		Long: `draw integrates a probability flow or a reverse SDE from noise to the target, whose
exact denoiser takes the place of a network, and compares the samples with exact ones.

K steps are K-1 steps of the sampler and one final denoising step; on --path interpolant,
which ends at the data, K steps of the sampler. The seed and the settings decide every bit
of the samples; the number of workers does not.

Samples go to --out as they are made, so that memory does not grow with -n. Metrics are of
the first million samples and figures of the first 300,000, fewer in more than 67 dimensions
(67 million numbers); --out - holds all samples until the run has succeeded.`,
		Example: `  sample draw --target ring8 -n 20000 --out ring8.npy --plot ring8.png
  sample draw --target points:my.csv --sampler em --steps 200 --out new.csv
  sample draw --target image:photo.png --plot photo-samples.png
  sample draw --target moons --sampler dopri5:rtol=1e-6 --json
  sample draw --target moons --plot paths.svg --trajectories 40
  sample draw --target checkerboard --path kinetic --steps 10
  sample draw --target ring8 --path pfgm:D=8
  sample draw --from moons --target ring8 --path interpolant -n 1000 --trajectories 60 --plot bridge.png`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return draw(cmd.Context(), s, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addRunFlags(cmd, &s)
	f := cmd.Flags()
	f.StringVar(&s.Sampler, "sampler", "heun", "sampler; see sample list samplers")
	f.IntVar(&s.Steps, "steps", 40, "steps, the last of which is the denoising (adaptive samplers choose their own)")
	f.StringVar(&o.out, "out", "", "file for the samples: .npy or .csv; - writes csv to stdout")
	f.StringVar(&o.plot, "plot", "", "figure of the samples beside the truth: .png or .svg")
	f.IntVar(&o.trajectories, "trajectories", 0, "draw this many trajectories in the figure instead")
	f.StringVar(&o.metrics, "metrics", "default", "metrics to compute: default, all (minutes for 20,000 samples), none, or names separated by commas; see sample list metrics")
	addWorkFlags(cmd, &o)
	return cmd
}

// addRunFlags adds the flags that all commands with a target and a path share.
func addRunFlags(cmd *cobra.Command, s *runSettings) {
	f := cmd.Flags()
	f.StringVar(&s.Target, "target", "", "target density: a name, points:FILE, image:FILE or file:SPEC.json; see sample list targets")
	f.StringVar(&s.From, "from", "", "density to start from with --path interpolant, in place of noise: a target's name or file")
	f.StringVar(&s.Model, "model", "", "trained network (.safetensors) in place of the target's exact denoiser; see sample train")
	f.StringVar(&s.Path, "path", "condot", "path between noise and data; see sample list paths")
	f.StringVar(&s.Grid, "grid", "", "time grid: uniform, logsnr, karras:rho=7, quadratic or list:FILE (default: the path's own; logsnr for SDEs)")
	f.IntVarP(&s.N, "n", "n", 10000, "number of samples")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of every random number")
}

// addWorkFlags adds the flags that change how a run is done and shown but not its bits.
func addWorkFlags(cmd *cobra.Command, o *outputs) {
	f := cmd.Flags()
	f.IntVar(&o.workers, "workers", 0, "goroutines (default: all processors); never changes the result")
	f.BoolVar(&o.json, "json", false, "print one JSON object on stdout")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no messages on stderr")
}

// A plan is the checked form of runSettings.
type plan struct {
	settings runSettings // with the default grid filled in
	target   density.Target
	route    *route
	sampler  *sampler
	grid     []float64
}

// check turns settings into a plan or a usage error.
func (s runSettings) check(ctx context.Context, workers int) (*plan, error) {
	if err := s.checkCounts(); err != nil {
		return nil, err
	}
	p := &plan{settings: s}
	var err error
	if p.target, err = buildTarget(s.Target); err != nil {
		return nil, err
	}
	if p.route, err = s.route(ctx, p.target, workers); err != nil {
		return nil, err
	}
	if p.sampler, err = buildSampler(s.Sampler); err != nil {
		return nil, err
	}
	if p.settings.Grid == "" {
		p.settings.Grid = p.sampler.defaultGrid(p.route)
	}
	if p.grid, err = p.sampler.grid(p.settings.Grid, p.route, s.Steps); err != nil {
		return nil, err
	}
	if !p.sampler.adaptive {
		p.settings.Steps = p.route.steps(p.grid) // a grid from a file has its own length
	}
	return p, nil
}

// route returns the way from noise, or from --from, to the target.
func (s runSettings) route(ctx context.Context, target density.Target, workers int) (*route, error) {
	e := &ends{target: target, targetText: s.Target, fromText: s.From, model: s.Model, seed: s.Seed, ctx: ctx, workers: workers}
	if s.From != "" {
		var err error
		if e.from, err = buildTarget(s.From); err != nil {
			return nil, fmt.Errorf("--from: %w", err)
		}
	}
	return buildRoute(s.Path, e)
}

func (s runSettings) checkCounts() error {
	switch {
	case s.Target == "":
		return usagef("--target is missing, for example --target ring8; see sample list targets")
	case s.N < 1:
		return usagef("-n must be at least 1, got %d", s.N)
	case s.N > maxPoints:
		return usagef("-n must be at most %d, got %d", maxPoints, s.N)
	case s.Steps < 1:
		return usagef("--steps must be at least 1, got %d", s.Steps)
	case s.Steps > maxSteps:
		return usagef("--steps must be at most %d, got %d", maxSteps, s.Steps)
	}
	return nil
}

// A drawReport is the JSON line of draw.
type drawReport struct {
	runSettings
	Kind            string             `json:"kind"`
	NFE             float64            `json:"nfe"`
	MaxNFE          int                `json:"max_nfe"`
	Dim             int                `json:"dim"`
	Workers         int                `json:"workers"`
	Seconds         float64            `json:"seconds"`
	PointsPerSecond float64            `json:"points_per_second"`
	Metrics         map[string]float64 `json:"metrics"`
	Measurements    []measurement      `json:"measurements,omitempty"`
	Measured        int                `json:"measured,omitempty"` // the metrics are of so many of the samples, if not of all
	Note            string             `json:"note,omitempty"`
	PathEnergy      *float64           `json:"path_energy,omitempty"`  // mean over the trajectories recorded
	Straightness    *float64           `json:"straightness,omitempty"` // likewise; 0 for straight lines
}

func draw(ctx context.Context, s runSettings, o outputs, stdout, stderr io.Writer) error {
	p, err := s.check(ctx, o.workers)
	if err != nil {
		return err
	}
	names, err := parseMetrics(o.metrics, p.target.Dim())
	if err != nil {
		return err
	}
	if err := o.check(specFile(s.Target), specFile(s.From), s.Model, specFile(s.Grid)); err != nil {
		return err
	}
	if o.quiet {
		stderr = io.Discard
	}

	// No file gets its name before the work has succeeded, but a place that cannot be written
	// is worth knowing before.
	for _, f := range []string{o.out, o.plot} {
		if err := checkWritable(f); err != nil {
			return err
		}
	}

	bar := newProgress(stderr, "drawing", o.quiet)
	set := &ode.Settings{Workers: o.workers, Progress: bar.callback()}
	if o.trajectories > 0 {
		set.Trace = &ode.Trace{Rows: min(o.trajectories, p.settings.N)}
		if p.sampler.adaptive {
			if p.grid, err = p.route.times(p.settings.Grid, 100); err != nil {
				return err
			}
		}
		if most := keepValues / p.target.Dim() / len(p.grid); set.Trace.Rows > most {
			return usagef("--trajectories %d are too many to hold: at most %d of dimension %d at %d times", o.trajectories, most, p.target.Dim(), len(p.grid))
		}
	}
	sink, err := newDrawSink(p, o, names)
	if err != nil {
		return asUsage(err)
	}
	defer sink.abort()
	res, err := p.draw(ctx, set, sink.prepare)
	bar.clear()
	if err != nil {
		if res.Status == ode.Cancelled {
			fmt.Fprintf(stderr, "interrupted after %.1f s: %d of %d samples were finished\n", res.Wall.Seconds(), res.Points, p.settings.N)
		}
		return err
	}

	rep := drawReport{
		runSettings: p.settings, Kind: p.sampler.entry.Kind,
		NFE: res.NFE(), MaxNFE: res.MaxNFE, Dim: p.target.Dim(), Workers: o.workers, Note: p.route.note,
		Seconds: res.Wall.Seconds(), PointsPerSecond: float64(p.settings.N) / res.Wall.Seconds(),
	}
	if set.Trace != nil && len(p.grid) > 1 && rep.Kind == kindODE { // those of a diffusion grow without bound with the steps
		energy, straightness := interpolant.TrajectoryEnergies(set.Trace, p.route.clock(p.grid), rep.Dim)
		rep.PathEnergy, rep.Straightness = finite(stat.Mean(energy, nil)), finite(stat.Mean(straightness, nil))
	}
	x := sink.kept
	measured := min(len(x)/rep.Dim, measurePoints)
	if len(names) > 0 && measured < p.settings.N {
		rep.Measured = measured
	}
	g, err := newGauge(p.target, measured, names, metric.Options{Seed: p.settings.Seed, Workers: o.workers})
	if err != nil {
		return err
	}
	if rep.Measurements, err = g.measure(x[:measured*rep.Dim]); err != nil {
		return err
	}
	rep.Metrics = metricMap(rep.Measurements)
	if err := ctx.Err(); err != nil {
		return &ode.Error{Status: ode.Cancelled, Err: err}
	}

	if err := sink.commit(stdout, rep); err != nil {
		return err
	}
	if o.plot != "" {
		if err := plotDraw(o.plot, x, set.Trace, p, rep); err != nil {
			return err
		}
	}
	printDraw(stderr, rep, o)
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}

// check refuses outputs that cannot be, or that would replace a file that is read.
func (o outputs) check(inputs ...string) error {
	for _, in := range inputs {
		a, err := os.Stat(in)
		if err != nil {
			continue
		}
		for _, out := range []string{o.out, o.plot} {
			if b, err := os.Stat(out); err == nil && os.SameFile(a, b) {
				return usagef("%s is read by this command and would be replaced by its output; choose another name", out)
			}
		}
	}
	if o.out != "" && o.out != "-" {
		switch ext := strings.ToLower(filepath.Ext(o.out)); ext {
		case ".npy", ".csv":
		default:
			return usagef("--out %s: the ending must be .npy or .csv", o.out)
		}
	}
	if o.plot != "" {
		switch ext := strings.ToLower(filepath.Ext(o.plot)); ext {
		case ".png", ".svg":
		default:
			return usagef("--plot %s: the ending must be .png or .svg", o.plot)
		}
	}
	switch {
	case o.out == "-" && o.json:
		return usagef("--out - and --json both write to stdout; choose one")
	case o.trajectories < 0:
		return usagef("--trajectories must not be negative, got %d", o.trajectories)
	case o.trajectories > 0 && o.plot == "":
		return usagef("--trajectories needs --plot FILE to draw them in")
	case o.workers < 0:
		return usagef("--workers must not be negative, got %d", o.workers)
	}
	return nil
}

// checkWritable tells early if a file cannot be written.
func checkWritable(file string) error {
	if file == "" || file == "-" {
		return nil
	}
	f, err := dataio.Create(file)
	if err != nil {
		return asUsage(err)
	}
	f.Abort()
	return nil
}

func printDraw(w io.Writer, rep drawReport, o outputs) {
	fmt.Fprintf(w, "%d samples of %s (dimension %d) by %s on %s: %s evaluations each, %.3g s, %.3g points/s\n",
		rep.N, rep.Target, rep.Dim, rep.Sampler, rep.Path, trimFloat(rep.NFE), rep.Seconds, rep.PointsPerSecond)
	if rep.Note != "" {
		fmt.Fprintln(w, rep.Note)
	}
	if rep.PathEnergy != nil {
		fmt.Fprintf(w, "trajectories: energy %.4g, straightness %.4g (0 for straight lines)\n", *rep.PathEnergy, *rep.Straightness)
	}
	if rep.Measured > 0 {
		fmt.Fprintf(w, "metrics of the first %d samples\n", rep.Measured)
	}
	printMeasurements(w, rep.Measurements)
	var files []string
	if o.out != "" && o.out != "-" {
		files = append(files, o.out, manifestPath(o.out))
	}
	if o.plot != "" {
		files = append(files, o.plot)
	}
	if len(files) > 0 {
		fmt.Fprintln(w, "wrote", strings.Join(files, ", "))
	}
}
