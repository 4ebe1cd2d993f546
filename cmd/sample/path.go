package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// pathSettings decide the numbers of sample path.
type pathSettings struct {
	Target  string  `json:"target"`
	Samples int     `json:"samples"`
	Floor   float64 `json:"floor"`
	Seed    uint64  `json:"seed"`
	Energy  bool    `json:"-"`
}

func newPath() *cobra.Command {
	var s pathSettings
	var o outputs
	cmd := &cobra.Command{
		Use:   "path",
		Short: "Kinetic energies of the paths to a target, and its kinetic-optimal path",
		Long: `path estimates the mean-square error of the target's denoiser, on which alone the kinetic
energy of a Gaussian path depends, and prints the energy of the common paths, of the
kinetic-optimal one, and the least that any transport from N(0, I) could have, W2 squared
(--energy, by exact transport between draws). All are about the mean of the target, which
a path carries along at a cost of its own. --plot draws alpha and sigma of the paths
over time.`,
		Example: `  sample path --target ring8 --energy --plot ring8-paths.png
  sample path --target points:my.csv --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return showPath(cmd.Context(), s, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.Target, "target", "", "target density; see sample list targets")
	f.BoolVar(&s.Energy, "energy", false, "measure W2 squared from N(0, I) to the target about its mean too")
	f.IntVar(&s.Samples, "samples", 4096, "draws for the mean-square error")
	f.Float64Var(&s.Floor, "floor", 0, "floor of the kinetic-optimal path's angular speed (0 for the default, 0.1)")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of the draws")
	f.StringVar(&o.plot, "plot", "", "figure of the paths: .png or .svg")
	addWorkFlags(cmd, &o)
	return cmd
}

// A pathReport is the JSON line.
type pathReport struct {
	pathSettings
	Dim      int        `json:"dim"`
	Variance float64    `json:"variance"`     // sum over the coordinates, about the mean
	MeanSq   float64    `json:"mean_squared"` // |E x|²
	Energies []energyOf `json:"energies"`
	Angle    float64    `json:"angle"` // Φ, rad
	AngleErr *float64   `json:"angle_stderr,omitempty"`
	Bound    float64    `json:"w2_squared_bound"` // by mean and covariance
	W2       *float64   `json:"w2_squared,omitempty"`
	W2Floor  *float64   `json:"w2_squared_floor,omitempty"` // between two samples of the target
}

// An energyOf is the kinetic energy of a named path.
type energyOf struct {
	Path   string   `json:"path"`
	Energy float64  `json:"energy"`
	StdErr *float64 `json:"stderr,omitempty"`
}

// transportPoints are the draws of either side between which W2 is measured.
const transportPoints = 2000

func showPath(ctx context.Context, s pathSettings, o outputs, stdout, stderr io.Writer) error {
	if s.Target == "" {
		return usagef("--target is missing, for example --target ring8; see sample list targets")
	}
	if s.Samples < 16 || s.Samples > 1<<24 {
		return usagef("--samples must be from 16 to %d, got %d", 1<<24, s.Samples)
	}
	if math.IsNaN(s.Floor) || s.Floor < 0 || s.Floor > 1 {
		return usagef("--floor must be from 0 to 1, got %g", s.Floor)
	}
	if err := o.check(specFile(s.Target)); err != nil {
		return err
	}
	if err := checkWritable(o.plot); err != nil {
		return err
	}
	if o.quiet {
		stderr = io.Discard
	}
	t, err := buildTarget(s.Target)
	if err != nil {
		return err
	}
	m, err := interpolant.NewMMSE(ctx, t, &interpolant.MMSEOptions{Samples: s.Samples, Seed: s.Seed, Workers: o.workers})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return asUsage(err)
	}
	rep := pathReport{pathSettings: s, Dim: m.Dim(), Variance: m.Variance(), MeanSq: m.MeanSquare(), Bound: m.Bound()}
	phi, phiErr := m.Angle()
	rep.Angle, rep.AngleErr = phi, finite(phiErr)
	all, err := m.Energies(s.Floor)
	if err != nil {
		return asUsage(err)
	}
	for _, e := range all {
		rep.Energies = append(rep.Energies, energyOf{e.Name, e.Value, finite(e.StdErr)})
	}
	if s.Energy {
		w, floor, err := w2Squared(t, m, s.Seed)
		if err != nil {
			return err
		}
		rep.W2, rep.W2Floor = finite(w), finite(floor)
	}
	if o.plot != "" {
		f, err := pathFigure(s, m)
		if err != nil {
			return asUsage(err)
		}
		if err := dataio.WriteFile(o.plot, encoded(f, o.plot)); err != nil {
			return asUsage(err)
		}
	}
	out := stdout
	if o.json {
		out = stderr
	}
	printPath(out, rep)
	if o.plot != "" {
		fmt.Fprintln(stderr, "wrote", o.plot)
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}

// w2Squared returns the exact squared transport cost between draws of N(0, I) and of the
// target about its mean, and that between two samples of the target: what the finite
// number of draws adds at least.
func w2Squared(t density.Target, m *interpolant.MMSE, seed uint64) (w, floor float64, err error) {
	d := t.Dim()
	z := density.Sample(density.Normal(d, 1), transportPoints, seed, 3, 0)
	x, y := density.Sample(t, transportPoints, seed, 1, 0), density.Sample(t, transportPoints, seed, 2, 0)
	centre(z, d)
	centre(x, d)
	centre(y, d)
	cost := func(a, b []float64) (float64, error) {
		r, err := metric.Assign(transportPoints, metric.PowerCost(a, b, d, 2))
		if err != nil {
			return 0, err
		}
		return r.Cost, nil
	}
	if w, err = cost(z, x); err != nil {
		return 0, 0, err
	}
	floor, err = cost(x, y)
	return w, floor, err
}

// centre takes their mean off the points.
func centre(x []float64, d int) {
	n := len(x) / d
	mean := make([]float64, d)
	for i, v := range x {
		mean[i%d] += v / float64(n)
	}
	for i := range x {
		x[i] -= mean[i%d]
	}
}

func printPath(w io.Writer, r pathReport) {
	fmt.Fprintf(w, "%s: dimension %d, variance %.4g about the mean, squared mean %.4g; energies are about the mean\n", r.Target, r.Dim, r.Variance, r.MeanSq)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "path\tkinetic energy\t")
	row := func(name string, v float64, e *float64) {
		spread := ""
		if e != nil && *e > 0 {
			spread = fmt.Sprintf("± %.2g", *e)
		}
		fmt.Fprintf(tw, "%s\t%.5g\t%s\n", name, v, spread)
	}
	for _, e := range r.Energies {
		row(e.Path, e.Energy, e.StdErr)
	}
	row("W2 squared, lower bound by the covariance", r.Bound, nil)
	if r.W2 != nil {
		fmt.Fprintf(tw, "W2 squared of %d draws\t%.5g\t(two samples of the target: %.2g)\n", transportPoints, *r.W2, *r.W2Floor)
	}
	tw.Flush()
	fmt.Fprintf(w, "the kinetic-optimal path turns by %.4f rad\n", r.Angle)
}

// pathFigure draws α and σ over t.
func pathFigure(s pathSettings, m *interpolant.MMSE) (*figure.Figure, error) {
	k, err := interpolant.NewKinetic(m, s.Floor)
	if err != nil {
		return nil, err
	}
	v, err := interpolant.NewKineticVP(m, s.Floor)
	if err != nil {
		return nil, err
	}
	ln := figure.Lines{Title: "Paths to " + figureTitle(s.Target), Caption: "signal alpha, rising, and noise sigma, falling (dashed)", XLabel: "t", YLabel: "alpha, sigma"}
	for _, p := range []struct {
		name string
		path interpolant.Path
	}{{"kinetic-optimal", k}, {"kinetic, VP", v}, {"Cond-OT", interpolant.CondOT{}}, {"trigonometric", interpolant.Trig{}}} {
		alpha, sigma := figure.Series{Name: p.name}, figure.Series{Stochastic: true}
		for i := range 401 {
			t := float64(i) / 400
			c := p.path.At(t)
			alpha.X, alpha.Y = append(alpha.X, t), append(alpha.Y, c.Alpha)
			sigma.X, sigma.Y = append(sigma.X, t), append(sigma.Y, c.Sigma)
		}
		ln.Series = append(ln.Series, alpha, sigma)
	}
	return ln.Figure(), nil
}
