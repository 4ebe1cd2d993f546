package score

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
)

// A Likelihood computes log-densities of clean points under a model by its probability
// flow. The zero value of every field but the first two is usable.
type Likelihood struct {
	Path  interpolant.Path
	Model Denoiser

	// Solver integrates from data to noise; nil means ode.Adaptive{} of Tsitouras'
	// pair with relative tolerance 1e-6.
	Solver ode.Solver
	// Div is the divergence: exact if nil.
	Div ode.Divergence
	// Grid is the grid of a fixed-step solver, from data to noise. Nil means Times().
	Grid []float64
	// Base is the density at the end of the grid, BaseOf the path if nil.
	Base Base
	// End is the noise-to-signal ratio at which the flow starts; zero means 1e-5.
	End float64
}

// Times returns the ends of the default grid: from the time where σ/α = End, or the
// path's own end if that has more noise, to the path's start.
func (l *Likelihood) Times() (data, noise float64) {
	end := l.End
	if end == 0 {
		end = 1e-5
	}
	t0, _ := l.Path.Span()
	return l.Path.Time(-math.Log(end)), t0
}

// LogProbDense is LogProb of the rows of a matrix.
func (l *Likelihood) LogProbDense(ctx context.Context, x mat.Matrix, s *ode.Settings) (logp, stderr []float64, res ode.Result, err error) {
	return l.LogProb(ctx, mat.DenseCopyOf(x).RawMatrix().Data, s)
}

// LogProb returns log p₁(x) in nats of the points x, one value a point, and the standard
// errors of estimated divergences (0 for exact ones).
//
// The flow starts not at σ = 0, where its field is singular, but at a small σ, from αx:
//
//	log p₁(x) = log p_t(αx) + d log α + O(σ²/α² · Δp₁/p₁)
//
// and log p_t follows from the flow (ode.LogDensity). On paths that do not start from pure
// noise (VP, VE, EDM) the base differs from the law at t = 0, and log p₁ by as much; see
// BaseOf.
func (l *Likelihood) LogProb(ctx context.Context, x []float64, s *ode.Settings) (logp, stderr []float64, res ode.Result, err error) {
	grid := l.Grid
	if grid == nil {
		a, b := l.Times()
		grid = []float64{a, b}
	}
	if err := ode.CheckGrid(grid); err != nil {
		return nil, nil, ode.Result{}, err
	}
	if first, last := grid[0], grid[len(grid)-1]; first <= last || first > 1 || last < 0 || !(l.Path.At(first).Alpha > 0) {
		return nil, nil, ode.Result{}, fmt.Errorf("score: the likelihood's grid must fall from data to noise within [0, 1], got %g to %g", first, last)
	}
	base := l.Base
	if base == nil {
		base = BaseOf(l.Path, grid[len(grid)-1])
	}
	solver, div := l.Solver, l.Div
	if solver == nil {
		solver = ode.Adaptive{Tableau: ode.Tsitouras54}
	}
	if div == nil {
		div = ode.Exact{}
	}
	d := l.Model.Dim()
	alpha := l.Path.At(grid[0]).Alpha
	xt := make([]float64, len(x))
	for i, v := range x {
		xt[i] = alpha * v
	}
	f := &Flow{Path: l.Path, Model: l.Model}
	logp, stderr, res, err = ode.LogDensity(ctx, f, xt, func(dst, x []float64) { base.LogProb(dst, x, d) }, grid, solver, div, s)
	for i := range logp {
		logp[i] += float64(d) * math.Log(alpha)
	}
	return logp, stderr, res, err
}
