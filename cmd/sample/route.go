package main

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// ends are what a path may depend on: the target, and the density that a two-sided
// interpolant comes from.
type ends struct {
	target, from         density.Target // from is nil for noise
	targetText, fromText string
	seed                 uint64 // of draws that stand for a density
	model                string // file of a trained network in place of the exact denoiser
	ctx                  context.Context
	workers              int
}

// A route is all that leads from a start to samples of a target: a Gaussian path with a
// model and a base, or a two-sided interpolant.
type route struct {
	grid   string // default grid of ODE samplers
	path   interpolant.Path
	model  score.Denoiser // the target's own denoiser unless the noise is not Gaussian
	base   score.Base     // nil for the path's own
	bridge *bridge        // in place of the three
	note   string         // what a user should know of how the route stands for the target
}

// buildRoute returns the route that a path's spec names.
func buildRoute(text string, e *ends) (*route, error) {
	entry, p, err := find("path", text, pathTable, func(e *pathEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return nil, err
	}
	if e.from != nil && entry.Name != "interpolant" {
		return nil, usagef("--from needs a path between two densities, --path interpolant; %s starts at noise", entry.Name)
	}
	r := &route{model: e.target}
	if entry.route == nil {
		r.path, err = entry.build(p)
	} else {
		r, err = entry.route(p, e)
	}
	if err := firstError(p.err(), err); err != nil {
		return nil, err
	}
	r.grid = entry.grid
	if e.model == "" {
		return r, nil
	}
	if _, gaussian := r.model.(density.Target); r.bridge != nil || !gaussian {
		return nil, usagef("--model is a denoiser of Gaussian noise, which --path %s has not", entry.Name)
	}
	m, err := loadModel(e.model)
	if err != nil {
		return nil, err
	}
	if m.Dim() != e.target.Dim() {
		return nil, usagef("--model %s is for dimension %d, the target has dimension %d", e.model, m.Dim(), e.target.Dim())
	}
	r.model = m
	return r, nil
}

func kineticRoute(p *params, e *ends) (*route, error) {
	floor, end := p.float("floor", 0, 1), p.positive("end")
	n, seed := p.int("samples", 16, 1<<24), uint64(p.int("mmse_seed", 0, math.MaxInt64))
	vp := p.oneOf("vp", "false", "true") == "true"
	if p.err() != nil {
		return nil, p.err()
	}
	m, err := interpolant.NewMMSE(e.ctx, e.target, &interpolant.MMSEOptions{Samples: n, Seed: seed, Workers: e.workers})
	if e.ctx.Err() != nil {
		return nil, e.ctx.Err()
	}
	if err != nil {
		return nil, asUsage(err)
	}
	r := &route{model: e.target}
	if vp {
		k, err := interpolant.NewKineticVP(m, floor)
		if err != nil {
			return nil, asUsage(err)
		}
		k.End = end
		r.path = k
		return r, nil
	}
	k, err := interpolant.NewKinetic(m, floor)
	if err != nil {
		return nil, asUsage(err)
	}
	k.End = end
	r.path = k
	return r, nil
}

func pfgmRoute(p *params, e *ends) (*route, error) {
	lo, hi, err := sigmaRange(p)
	d, tol := p.float("D", 0.01, 1e9), p.float("tol", 1e-12, 1e-2)
	if err := firstError(p.err(), err); err != nil {
		return nil, err
	}
	path := interpolant.EDM{SigmaMin: lo, SigmaMax: hi}
	return &route{path: path, model: pfgm.New(e.target, d, tol), base: pfgm.Prior(path, 0, d)}, nil
}

// serves returns an error if a sampler cannot take this route.
func (r *route) serves(s *sampler) error {
	if r.bridge != nil {
		return r.bridge.serves(s)
	}
	if m, ok := r.model.(score.Deterministic); ok && s.entry.Kind == kindSDE {
		return usagef("sampler %s is stochastic: %s", s.text, m.Deterministic())
	}
	return nil
}

// sampler returns the run of a sampler on a Gaussian path.
func (r *route) sampler(s *sampler, grid []float64, seed uint64) *score.Sampler {
	return &score.Sampler{Path: r.path, Model: r.model, Base: r.base, Solver: s.solver(len(grid)), Grid: grid, Seed: seed}
}

// times returns a grid of about k times for the record of trajectories.
func (r *route) times(spec string, k int) ([]float64, error) {
	if r.bridge != nil {
		return r.bridge.grid(spec, &sampler{}, k)
	}
	return buildGrid(spec, r.path, r.model, k)
}

// clock returns the times of a grid from the source on.
func (r *route) clock(grid []float64) []float64 {
	if r.bridge == nil {
		return grid
	}
	return r.bridge.clock(grid)
}

// steps returns the number of steps that a grid makes.
func (r *route) steps(grid []float64) int {
	if r.bridge != nil {
		return len(grid) - 1
	}
	return len(grid)
}

// scale returns the size of x at a time in units of the data's.
func (r *route) scale(t float64) float64 {
	if r.bridge != nil {
		return r.bridge.scale(r.bridge.time(t))
	}
	c := r.path.At(t)
	return math.Hypot(c.Alpha, c.Sigma)
}

// draw fills x with samples.
func (r *route) draw(ctx context.Context, s *sampler, grid, x []float64, seed uint64, set *ode.Settings) (ode.Result, error) {
	if r.bridge != nil {
		return r.bridge.sampler(s, grid, seed).DrawTo(ctx, x, set)
	}
	return r.sampler(s, grid, seed).DrawTo(ctx, x, set)
}

// start returns the n starting points of draw.
func (r *route) start(s *sampler, grid []float64, n int, seed uint64, workers int) []float64 {
	if r.bridge != nil {
		return r.bridge.sampler(s, grid, seed).Start(n, 0, workers)
	}
	return r.sampler(s, grid, seed).Start(n, 0, workers)
}

// logSNR returns log(α/σ) at the times of a grid for a manifest, null where it is infinite;
// nothing on a two-sided interpolant.
func (r *route) logSNR(grid []float64) []any {
	if r.bridge != nil {
		return nil
	}
	var out []any
	for _, t := range grid {
		if l := r.path.At(t).LogSNR(); math.IsInf(l, 0) {
			out = append(out, nil)
		} else {
			out = append(out, l)
		}
	}
	return out
}
