package pfgm_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// still is the model D = x, whose flow on the path EDM stands still.
type still struct{}

func (still) Dim() int                               { return 2 }
func (still) Denoise(dst, x []float64, _, _ float64) { copy(dst, x) }

// TestJitterAddsItsNoise leaves nothing but the noise, α √(Σ σ_k²) z over the steps.
func TestJitterAddsItsNoise(t *testing.T) {
	const n = 10000
	p := interpolant.EDM{SigmaMax: 10}
	grid := []float64{0, 0.3, 0.8} // σ = 10, 7 before the two steps
	run := func(workers, rows, first, n int) []float64 {
		x := make([]float64, 2*n)
		_, err := ode.Solve(context.Background(), &score.Flow{Path: p, Model: still{}}, x, grid, pfgm.Jitter{Method: ode.Heun, Alpha: 0.2, Seed: 3}, &ode.Settings{Workers: workers, Rows: rows, First: first})
		require.NoError(t, err)
		return x
	}
	x := run(1, 0, 0, n)
	requireKS(t, column(x, 2, 0), distuv.Normal{Sigma: 0.2 * math.Sqrt(149)}.CDF, "noise")
	requireKS(t, column(x, 2, 1), distuv.Normal{Sigma: 0.2 * math.Sqrt(149)}.CDF, "noise")
	assert.Equal(t, x, run(3, 7, 0, n))
	assert.Equal(t, x[200:400], run(2, 9, 100, 100))
}

func TestNoJitterIsTheMethod(t *testing.T) {
	f := &score.Flow{Path: interpolant.EDM{}, Model: pfgm.New(density.Ring(8, 4, 0.3), 8, 0)}
	a := draws(pfgm.Kernel{Sigma: 80, D: 8}, 20, 2)
	b := slices.Clone(a)
	grid := interpolant.KarrasGrid(interpolant.EDM{}, 7, 0, 0.99, 10)
	_, err := ode.Solve(context.Background(), f, a, grid, ode.Heun, nil)
	require.NoError(t, err)
	_, err = ode.Solve(context.Background(), f, b, grid, pfgm.Jitter{Method: ode.Heun}, nil)
	require.NoError(t, err)
	assert.Equal(t, a, b)
	assert.Panics(t, func() { pfgm.Jitter{Method: ode.Heun}.NewStepper(ode.Func{D: 1}, 1) })
}

func TestJitterAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := pfgm.Jitter{Method: ode.Heun, Alpha: 0.1}.NewStepper(&score.Flow{Path: interpolant.EDM{}, Model: still{}}, 10)
	s.Begin(0, 10)
	x := make([]float64, 20)
	assert.Zero(t, testing.AllocsPerRun(50, func() { s.Step(x, 0, 0.5) }))
}

func TestQuantized(t *testing.T) {
	q := &pfgm.Quantized{Model: still{}, Bits: 3, Lo: -1, Hi: 2.5} // levels every 0.5
	x := []float64{-1, -0.8, 0.24, 0.26, 2.4, 7}
	y := make([]float64, 6)
	q.Denoise(y, x, 1, 1)
	assert.InDeltaSlice(t, []float64{-1, -1, 0, 0.5, 2.5, 2.5}, y, 1e-15)
	assert.Panics(t, func() { (&pfgm.Quantized{Model: still{}, Bits: 3}).Denoise(y, x, 1, 1) })
}
