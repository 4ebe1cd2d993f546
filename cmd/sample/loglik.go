package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// loglikSettings decide the bits of a loglik run; the manifest keeps them.
type loglikSettings struct {
	Target string `json:"target"`
	From   string `json:"from,omitempty"`
	Model  string `json:"model,omitempty"`
	Path   string `json:"path"`
	Solver string `json:"solver"`
	Div    string `json:"div"`
	Grid   string `json:"grid,omitempty"`
	Steps  int    `json:"steps,omitempty"`
	Seed   uint64 `json:"seed"`
	Points string `json:"points"`
}

// A divEntry is a registered way to the divergence.
type divEntry struct {
	Name   string
	Doc    string
	Params []param
	build  func(p *params, seed uint64) ode.Divergence
}

var divTable = []divEntry{
	{
		Name: "exact", Doc: "closed form or one Jacobian-vector product a dimension",
		build: func(*params, uint64) ode.Divergence { return ode.Exact{} },
	},
	{
		Name: "hutchinson", Doc: "random probes, fixed along a trajectory",
		Params: []param{{"probes", "16", "probes a point"}, {"law", "rademacher", "rademacher or gaussian"}},
		build: func(p *params, seed uint64) ode.Divergence {
			h := ode.Hutchinson{Probes: p.int("probes", 1, 100_000), Seed: seed}
			if p.oneOf("law", "rademacher", "gaussian") == "gaussian" {
				h.Law = ode.Gaussian
			}
			return h
		},
	},
	{
		Name: "hutchpp", Doc: "Hutch++: exact on a sketched subspace, random probes on the rest",
		Params: []param{{"probes", "4", "columns of the sketch; an estimate costs three Jacobian-vector products for each"}, {"repeats", "4", "independent estimates"}},
		build: func(p *params, seed uint64) ode.Divergence {
			return ode.HutchPP{Probes: p.int("probes", 1, 100_000), Repeats: p.int("repeats", 1, 10_000), Seed: seed}
		},
	},
}

func newLoglik() *cobra.Command {
	var s loglikSettings
	var o outputs
	cmd := &cobra.Command{
		Use:   "loglik POINTS",
		Short: "Compute log-likelihoods of points by the probability flow",
		Long: `loglik carries the points of a .npy or .csv file along the probability flow from data
to noise and integrates the divergence. It prints the mean negative log-likelihood and,
where the target knows its density, the largest distance to the closed form.`,
		Example: `  sample loglik --target grid25 points.npy --out ll.npy
  sample loglik --target grid25 --solver dopri5:rtol=1e-8 --div hutchinson:probes=64 points.csv --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("loglik needs one file of points (.npy or .csv), got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Points = args[0]
			return loglik(cmd.Context(), s, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.Target, "target", "", "target density; see sample list targets")
	f.StringVar(&s.From, "from", "", "density to start from with --path interpolant, in place of noise")
	f.StringVar(&s.Model, "model", "", "trained network (.safetensors) in place of the target's exact denoiser")
	f.StringVar(&s.Path, "path", "condot", "path between noise and data; see sample list paths")
	f.StringVar(&s.Solver, "solver", "tsit5:rtol=1e-6", "ODE sampler; adaptive with rtol= or atol=")
	f.StringVar(&s.Div, "div", "exact", "divergence: exact, hutchinson:probes=16 or hutchpp:probes=4")
	f.StringVar(&s.Grid, "grid", "", "time grid of a fixed-step solver (default: the path's own)")
	f.IntVar(&s.Steps, "steps", 100, "steps of a fixed-step solver")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of the random probes")
	f.StringVar(&o.out, "out", "", "file for the log-likelihoods in nats, one a point: .npy or .csv")
	addWorkFlags(cmd, &o)
	return cmd
}

// A loglikPlan is the checked form of loglikSettings.
type loglikPlan struct {
	settings loglikSettings
	target   density.Target
	x        []float64
	route    *route
	lik      score.Likelihood // its solver and divergence serve bridges too
}

func (s loglikSettings) check(ctx context.Context, workers int) (*loglikPlan, error) {
	if s.Target == "" {
		return nil, usagef("--target is missing, for example --target ring8; see sample list targets")
	}
	p := &loglikPlan{settings: s}
	var err error
	if p.target, err = buildTarget(s.Target); err != nil {
		return nil, err
	}
	if _, ok := p.target.(density.CleanLogProber); !ok {
		return nil, usagef("target %s has no density; its points lie on a set without volume; smooth them with std=, as in %s", s.Target, smoothed(s.Target))
	}
	r, err := (runSettings{Target: s.Target, From: s.From, Model: s.Model, Path: s.Path, Seed: s.Seed}).route(ctx, p.target, workers)
	if err != nil {
		return nil, err
	}
	p.route = r
	if r.bridge != nil {
		if _, ok := r.bridge.source.(density.CleanLogProber); !ok && r.note != "" {
			return nil, usagef("draws of --from %s with width=0 have no density; choose a width above 0", s.From)
		} else if !ok {
			return nil, usagef("--from %s has no density; smooth it with std=, as in %s", s.From, smoothed(s.From))
		}
	}
	var d int
	if p.x, _, d, err = dataio.ReadPoints(s.Points); err != nil {
		return nil, asUsage(err)
	}
	if d != p.target.Dim() {
		return nil, usagef("%s has points of dimension %d, the target %s has dimension %d", s.Points, d, s.Target, p.target.Dim())
	}
	p.lik = score.Likelihood{Path: r.path, Model: r.model, Base: r.base}
	if err := p.setSolver(r); err != nil {
		return nil, err
	}
	e, ps, err := find("divergence", s.Div, divTable, func(e *divEntry) (string, []string, []param) { return e.Name, nil, e.Params })
	if err != nil {
		return nil, err
	}
	p.lik.Div = e.build(ps, s.Seed)
	return p, ps.err()
}

// smoothed returns a target's name with a thickness, for a hint.
func smoothed(target string) string {
	if strings.ContainsAny(target, ":") {
		return target + ",std=0.05"
	}
	return target + ":std=0.05"
}

// setSolver chooses the solver and, for fixed steps, the grid from data to noise.
func (p *loglikPlan) setSolver(r *route) error {
	s := &p.settings
	smp, err := buildSampler(s.Solver)
	if err != nil {
		return err
	}
	if smp.entry.ode == nil || smp.entry.exponential {
		return usagef("--solver %s cannot integrate the divergence beside the points; choose a generic ODE sampler such as tsit5:rtol=1e-6 or rk4", s.Solver)
	}
	if err := r.serves(smp); err != nil {
		return err
	}
	if smp.adaptive {
		s.Grid, s.Steps = "", 0
		p.lik.Solver = smp.adapt
		if r.bridge != nil {
			p.lik.Grid, err = r.bridge.backGrid("uniform", 1)
		}
		return err
	}
	if s.Steps < 1 || s.Steps > maxSteps {
		return usagef("--steps must be from 1 to %d, got %d", maxSteps, s.Steps)
	}
	if s.Grid == "" {
		s.Grid = r.grid
	}
	p.lik.Solver = ode.Fixed(smp.entry.ode)
	if r.bridge != nil {
		p.lik.Grid, err = r.bridge.backGrid(s.Grid, s.Steps)
		return err
	}
	if p.lik.Grid, err = buildGrid(s.Grid, r.path, r.model, s.Steps+1); err != nil {
		return err
	}
	slices.Reverse(p.lik.Grid)
	return nil
}

// A loglikReport is the outcome of a run, and the JSON line.
type loglikReport struct {
	loglikSettings
	N             int      `json:"n"`
	Dim           int      `json:"dim"`
	NFE           float64  `json:"nfe"`
	MaxNFE        int      `json:"max_nfe"`
	Seconds       float64  `json:"seconds"`
	NLL           float64  `json:"nll"`                  // mean, nats
	NLLErr        *float64 `json:"nll_stderr,omitempty"` // over the points
	BitsPerDim    float64  `json:"bits_per_dim"`
	MeanErr       *float64 `json:"estimator_stderr,omitempty"` // mean standard error of the divergence
	MaxAbsError   *float64 `json:"max_abs_error,omitempty"`    // to the closed form
	MeanAbsError  *float64 `json:"mean_abs_error,omitempty"`
	Note          string   `json:"note,omitempty"`
	Outside       int      `json:"outside"` // points where the target's density is 0; left out of the means
	logp, stderrs []float64
}

func (p *loglikPlan) run(ctx context.Context, set *ode.Settings) (*loglikReport, error) {
	logProb := p.lik.LogProb
	if p.route.bridge != nil {
		logProb = p.logProbBridge
	}
	logp, stderrs, res, err := logProb(ctx, p.x, set)
	d := p.target.Dim()
	r := &loglikReport{
		loglikSettings: p.settings, N: len(p.x) / d, Dim: d,
		NFE: res.NFE(), MaxNFE: res.MaxNFE, Seconds: res.Wall.Seconds(), Note: p.route.note, logp: logp, stderrs: stderrs,
	}
	if err != nil {
		return r, err
	}
	want := make([]float64, len(logp))
	p.target.(density.CleanLogProber).CleanLogProb(want, p.x)
	var inside []float64
	worst, sum := 0.0, 0.0
	for i, w := range want {
		if math.IsInf(w, -1) {
			r.Outside++
			continue
		}
		inside = append(inside, logp[i])
		e := math.Abs(w - logp[i])
		worst = max(worst, e)
		sum += e
	}
	if len(inside) == 0 {
		return r, usagef("%s: the target %s has density 0 at every point", p.settings.Points, p.settings.Target)
	}
	r.MaxAbsError, r.MeanAbsError = finite(worst), finite(sum/float64(len(inside)))
	mean, sd := stat.MeanStdDev(inside, nil)
	r.NLL, r.NLLErr = -mean, finite(sd/math.Sqrt(float64(len(inside))))
	r.BitsPerDim = r.NLL / float64(d) / math.Ln2
	if _, exact := p.lik.Div.(ode.Exact); !exact {
		r.MeanErr = finite(stat.Mean(stderrs, nil))
	}
	return r, nil
}

// logProbBridge carries the points back to the source along the flow of the bridge.
func (p *loglikPlan) logProbBridge(ctx context.Context, x []float64, set *ode.Settings) (logp, stderr []float64, res ode.Result, err error) {
	b := p.route.bridge
	return ode.LogDensity(ctx, interpolant.NewBridgeFlow(b.model), slices.Clone(x), b.source.(density.CleanLogProber).CleanLogProb,
		p.lik.Grid, p.lik.Solver, p.lik.Div, set)
}

func loglik(ctx context.Context, s loglikSettings, o outputs, stdout, stderr io.Writer) error {
	p, err := s.check(ctx, o.workers)
	if err != nil {
		return err
	}
	if err := o.check(s.Points, specFile(s.Target), specFile(s.From), s.Model, specFile(s.Grid)); err != nil {
		return err
	}
	if o.quiet {
		stderr = io.Discard
	}
	if err := checkWritable(o.out); err != nil {
		return err
	}
	bar := newProgress(stderr, "integrating", o.quiet)
	r, err := p.run(ctx, &ode.Settings{Workers: o.workers, Progress: bar.callback()})
	bar.clear()
	if err != nil {
		return err
	}
	if o.out == "-" {
		if err := dataio.EncodeCSV(stdout, r.logp, 1); err != nil {
			return err
		}
	} else if o.out != "" {
		settings, err := json.Marshal(p.settings)
		if err != nil {
			return err
		}
		inputs, err := hashInputs(s.Points, specFile(s.Target), specFile(s.From), s.Model, specFile(s.Grid))
		if err != nil {
			return err
		}
		m := &manifest{Command: "loglik", Settings: settings, Grid: p.lik.Grid, Inputs: inputs, Result: r}
		if err := writeWithManifest(o.out, m, func(w io.Writer) error { return dataio.EncodePoints(w, o.out, r.logp, 1) }); err != nil {
			return err
		}
	}
	say := stdout
	if o.json || o.out == "-" {
		say = stderr
	}
	fmt.Fprintf(say, "%d points of dimension %d: mean NLL %.6g nats (%.6g bits per dimension), %s evaluations each, %.3g s\n",
		r.N, r.Dim, r.NLL, r.BitsPerDim, trimFloat(r.NFE), r.Seconds)
	if r.Note != "" {
		fmt.Fprintln(say, r.Note)
	}
	if r.MeanErr != nil {
		fmt.Fprintf(say, "standard error of the divergence estimate: %.3g nats a point on average\n", *r.MeanErr)
	}
	if r.MaxAbsError != nil {
		fmt.Fprintf(say, "distance to the closed form: at most %.3g, %.3g on average\n", *r.MaxAbsError, *r.MeanAbsError)
	}
	if r.Outside > 0 {
		fmt.Fprintf(say, "%d points have density 0 under the target and are left out\n", r.Outside)
	}
	if o.out != "" && o.out != "-" {
		fmt.Fprintln(stderr, "wrote", o.out+",", manifestPath(o.out))
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	return nil
}
