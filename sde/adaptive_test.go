package sde_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

func adaptive(t *testing.T, p sde.Process, x, grid []float64, a sde.Adaptive, s *ode.Settings) ode.Result {
	t.Helper()
	res, err := sde.SolveAdaptive(context.Background(), p, x, grid, a, sde.Tree{Seed: 5}, s)
	require.NoError(t, err)
	return res
}

// Along the path of the tree the error falls with the tolerance.
func TestAdaptiveAlongPath(t *testing.T) {
	const n = 100
	p := mixture(trigPath, 1)
	ref := fill(n, 0.3)
	solve(t, p, ref, uniform(0.05, 0.95, 4096), sde.SRA3, sde.Tree{Seed: 5}, nil)
	last, evals := math.Inf(1), int64(0)
	for _, tol := range []float64{1e-1, 1e-2, 1e-3, 1e-4} {
		x := fill(n, 0.3)
		res := adaptive(t, p, x, []float64{0.05, 0.95}, sde.Adaptive{RTol: tol, ATol: tol}, nil)
		err := rms(x, ref)
		t.Logf("tolerance %v: error %.2g, %.0f evaluations, %d rejected", tol, err, res.NFE(), res.Rejected)
		// tol^(2/3), or 0.22, is the limit: steps as tol^(2/3), Heun of strong order 1.
		assert.Less(t, err, 0.6*last)
		assert.Greater(t, res.Evals, evals)
		assert.Equal(t, res.Evals, 2*(res.Accepted+res.Rejected))
		last, evals = err, res.Evals
	}
	assert.Less(t, last, 0.02) // 2500 steps add up, as their root
}

// The law of a Gaussian target, and that rejection does not bend it: many rejections at a
// long first step change it no more than chance.
func TestAdaptiveLaw(t *testing.T) {
	const n = 4000
	p := gaussian(trigPath, 1)
	m0, v0 := p.law(0.05)
	m1, v1 := p.law(0.95)
	z := make([]float64, n)
	stream.New().Normals(z, 1, stream.Test, 0, 0)
	for i := range z {
		z[i] = m0 + math.Sqrt(v0)*z[i]
	}
	res := adaptive(t, p, z, []float64{0.05, 0.5, 0.95}, sde.Adaptive{FirstStep: 0.4, RTol: 1e-3, ATol: 1e-2}, nil)
	assert.Greater(t, res.Rejected, int64(n))
	mean, variance := stat.MeanVariance(z, nil)
	// 4 standard errors: one false alarm in 8000 of these; the bias is below 1e-3.
	assert.InDelta(t, m1, mean, 4*math.Sqrt(v1/n)+1e-3)
	assert.InDelta(t, v1, variance, 4*v1*math.Sqrt(2./n)+1e-3)
}

func TestAdaptiveSettings(t *testing.T) {
	var calls atomic.Int64
	p := mixture(trigPath, 1)
	p.calls = &calls
	const n = 11
	grid := []float64{0.1, 0.3, 0.9}
	run := func(set ode.Settings, n int) []float64 {
		x := fill(n, 0.2)
		calls.Store(0)
		res := adaptive(t, p, x, grid, sde.Adaptive{}, &set)
		assert.Equal(t, calls.Load(), res.Evals)
		return x
	}
	tr := ode.Trace{Rows: 2}
	want := run(ode.Settings{Workers: 1, Trace: &tr}, n)
	assert.Equal(t, []float64{0.2, tr.X[1], want[0], 0.2, tr.X[4], want[1]}, tr.X)
	assert.NotEqual(t, want[0], want[1])
	assert.Equal(t, want, run(ode.Settings{Workers: 2, Rows: 1}, n))
	assert.Equal(t, want[4:], run(ode.Settings{First: 4}, n-4))
}

func TestAdaptiveErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	status := func(p sde.Process, a sde.Adaptive) ode.Status {
		_, err := sde.SolveAdaptive(ctx, p, make([]float64, 2), []float64{0, 1}, a, sde.Tree{}, nil)
		var e *ode.Error
		require.ErrorAs(t, err, &e)
		return e.Status
	}
	assert.Equal(t, ode.StepTooSmall, status(failing{swirl, context.Canceled}, sde.Adaptive{}))
	assert.Equal(t, ode.TooManySteps, status(swirl, sde.Adaptive{MaxSteps: 3}))
	for _, a := range []sde.Adaptive{{RTol: -1}, {ATol: math.NaN()}, {FirstStep: -1}, {MaxSteps: -1}} {
		panics(t, func() { _, _ = sde.SolveAdaptive(ctx, swirl, nil, []float64{0, 1}, a, sde.Tree{}, nil) })
	}
	cancel()
	assert.Equal(t, ode.Cancelled, status(swirl, sde.Adaptive{}))
}

// A step accepted at a loose relative tolerance is the stochastic Heun step on the tree.
func TestAdaptiveStep(t *testing.T) {
	p := mixture(trigPath, 1)
	grid := []float64{0.3, 0.35}
	want, got := fill(3, 4), fill(3, 4)
	solve(t, p, want, grid, sde.Heun{}, sde.Tree{Seed: 5}, nil)
	res := adaptive(t, p, got, grid, sde.Adaptive{RTol: 10, ATol: 1e-9, FirstStep: 1}, nil)
	assert.Equal(t, int64(3), res.Accepted)
	assert.InDeltaSlice(t, want, got, 1e-14) // rounding
}
