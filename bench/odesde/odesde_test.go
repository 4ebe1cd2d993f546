package main

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/score/density"
)

// TestLinearErrorsOpenTheGapOfTheory holds W₂ of flow and process on Gaussians to its limit for
// small errors, by type; a curl opens none where the law is round.
func TestLinearErrorsOpenTheGapOfTheory(t *testing.T) {
	for _, c := range linearCases() {
		want := c.firstOrder()
		for _, eps := range []float64{0.002, 0.004} {
			w, bound, err := c.gap(eps)
			require.NoError(t, err)
			// the second order, up to 3ε of the first, and RK4's 1e-7 of the covariances
			assert.InDelta(t, want*eps, w, 3*eps*want*eps+1e-6, c.name)
			assert.Less(t, w, bound, c.name)
		}
	}
	assert.Less(t, linearCases()[1].firstOrder(), 1e-12)    // J, round
	assert.Greater(t, linearCases()[4].firstOrder(), 0.005) // a curl turns both laws by nearly the same
}

// TestErrorsOfTheScoreOnADensity carries a density of nine modes with wrong scores: a gap grows in
// proportion to a gradient, and an error along the level lines of the density, div(pe) = 0, opens
// none and is seen by neither law, though the bound and the score error are as large.
func TestErrorsOfTheScoreOnADensity(t *testing.T) {
	if testing.Short() {
		t.Skip("solves a dozen Fokker-Planck equations")
	}
	ps, err := problems()
	require.NoError(t, err)
	cases := fieldCases()
	run := func(i int, eps float64) *fieldGap {
		g, err := cases[i].measure(context.Background(), ps[0].target, eps, 64, 40)
		require.NoError(t, err)
		t.Logf("%s, %g: %+v", cases[i].name, eps, *g)
		return g
	}
	none := run(0, 0)
	scaled, twice := run(1, 0.1), run(1, 0.2)
	assert.Greater(t, scaled.gap, 5*none.gap)
	// first order, with a second-order term of ε and the grid's own gap, a tenth
	assert.InDelta(t, 2, twice.gap/scaled.gap, 0.2)
	assert.InDelta(t, 2, twice.flow/scaled.flow, 0.2)
	pushed := run(0, 0.2)
	assert.Greater(t, pushed.gap, 2*none.gap)
	turned := run(3, 0.2)
	assert.Less(t, turned.gap, 1.5*none.gap)
	assert.Less(t, turned.flow, 1.5*none.flow)
	assert.Less(t, turned.process, 1.5*none.process)
	assert.Greater(t, turned.err, twice.err)
	assert.Greater(t, turned.bound, twice.bound)
}

// TestPaperGrid has 790 steps of 1/80 and 100 of a tenth of them.
func TestPaperGrid(t *testing.T) {
	g := paperGrid()
	require.Len(t, g, 891)
	assert.InDelta(t, -10, g[0], 1e-15)
	assert.Zero(t, g[890])
	assert.InDelta(t, 0.0125, g[790]-g[789], 1e-12)
	assert.InDelta(t, 0.00125, g[791]-g[790], 1e-12)
}

// TestHistograms holds the exact histogram to that of a density solved on the grid, and w2 to the
// square of a shift by whole cells.
func TestHistograms(t *testing.T) {
	ps, err := problems()
	require.NoError(t, err)
	for _, p := range ps {
		h, outside := coarse(onGrid(p.target, densityGrid(), -1e-4))
		sum, diff := 0.0, 0.0
		for i, v := range exactHistogram(p.target) {
			sum += v
			diff += math.Abs(v-h[i]) / 2
		}
		assert.InDelta(t, 1, sum, 1e-12)
		assert.Less(t, diff, 0.03, p.name) // midpoints of 2×2 for each cell: edges of squares are off by a quarter of a cell's width, 0.028 of 1.5
		assert.Less(t, outside, 2e-3)
	}
	a, b := make(hist, nodes*nodes), make(hist, nodes*nodes)
	a[10*nodes+10], a[30*nodes+20] = 0.5, 0.5
	b[13*nodes+10], b[33*nodes+20] = 0.5, 0.5
	v, err := w2(a, b)
	require.NoError(t, err)
	assert.InDelta(t, 9*cell*cell, v, 1e-12)
	x := []float64{node(10), node(10), 9, 0, node(30), node(20)}
	h, outside := histogram(x)
	assert.InDelta(t, 1./3, outside, 1e-15)
	assert.Equal(t, a, h)
}

// exactHistogram is the midpoint rule on fine×fine points a cell: for the checkerboard it
// misplaces its edges by half a point's width, 0.003, at most.
func exactHistogram(t density.Target) hist {
	const fine = 16
	h, x, lp := make(hist, nodes*nodes), make([]float64, 2*fine*fine), make([]float64, fine*fine)
	sum := 0.0
	for c := range h {
		for k := range fine * fine {
			x[2*k] = node(c/nodes) + cell*((float64(k/fine)+0.5)/fine-0.5)
			x[2*k+1] = node(c%nodes) + cell*((float64(k%fine)+0.5)/fine-0.5)
		}
		t.(density.CleanLogProber).CleanLogProb(lp, x)
		for k, v := range lp {
			if math.Abs(x[2*k]) < window && math.Abs(x[2*k+1]) < window {
				h[c] += math.Exp(v)
			}
		}
		sum += h[c]
	}
	floats.Scale(1/sum, h)
	return h
}
