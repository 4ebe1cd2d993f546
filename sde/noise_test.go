package sde_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/sde"
)

// checkLaw queries (dW, dZ) of n samples in d = 2 on every interval of the grid and
// holds all their second moments against the law: independent between intervals and
// coordinates, and Var dW = |h|, Cov = h|h|/2, Var dZ = |h|³/3 inside.
func checkLaw(t *testing.T, src sde.NoiseSource, grid []float64) {
	t.Helper()
	const n = 20000
	noise := src.NewNoise(2, n)
	noise.Begin(0, n)
	// Standardised: column 4k+2c+{0,1} is dW/√|h| and √12(dZ/h - dW/2)/√|h| of
	// coordinate c, which must be independent standard normals.
	cols := make([][]float64, 4*(len(grid)-1))
	dw, dz := make([]float64, 2*n), make([]float64, 2*n)
	for k := range len(grid) - 1 {
		h := grid[k+1] - grid[k]
		noise.IncrementArea(dw, dz, grid[k], grid[k+1])
		for c := range 2 {
			w, a := make([]float64, n), make([]float64, n)
			for i := range n {
				r := math.Sqrt(math.Abs(h))
				w[i] = dw[2*i+c] / r
				a[i] = math.Sqrt(12) * (dz[2*i+c]/h - dw[2*i+c]/2) / r
			}
			cols[4*k+2*c], cols[4*k+2*c+1] = w, a
		}
	}
	// Five standard deviations of a Monte Carlo mean: products of independent
	// normals have variance 1, squares 2, fourth powers 96. With about 300 checks a
	// false alarm has probability 2e-4, and the seeds are fixed.
	for i, a := range cols {
		var mean, fourth float64
		for _, v := range a {
			mean += v / n
			fourth += v * v * v * v / n
		}
		assert.InDelta(t, 0, mean, 5/math.Sqrt(n), "mean of column %d", i)
		assert.InDelta(t, 3, fourth, 5*math.Sqrt(96./n), "fourth moment of column %d", i)
		for j, b := range cols[:i+1] {
			var cov float64
			for k := range a {
				cov += a[k] * b[k] / n
			}
			want, sd := 0.0, 1.0
			if i == j {
				want, sd = 1, math.Sqrt2
			}
			assert.InDelta(t, want, cov, 5*sd/math.Sqrt(n), "columns %d and %d", i, j)
		}
		// The sample beside: no correlation.
		var next float64
		for k := range n - 1 {
			next += a[k] * a[k+1] / n
		}
		assert.InDelta(t, 0, next, 5/math.Sqrt(n), "neighbours in column %d", i)
	}
}

func TestLaw(t *testing.T) {
	for _, src := range []sde.NoiseSource{
		sde.Independent{Seed: 1},
		sde.Tree{Seed: 2, T0: -1, T1: 3},
	} {
		for _, grid := range [][]float64{
			{-1, 0, 0.5, 0.75, 1, 3},    // nodes of the tree, on several levels
			{2.9, 2.1, 1. / 3, -0.7123}, // backwards, between nodes
		} {
			t.Run(fmt.Sprintf("%T from %v", src, grid[0]), func(t *testing.T) { checkLaw(t, src, grid) })
		}
	}
}

// Increments have their addresses: whatever was asked before, whichever rows are in
// the group, and whether the area was wanted.
func TestIndependentAddresses(t *testing.T) {
	const d, n = 3, 5
	src := sde.Independent{Seed: 7}
	whole := src.NewNoise(d, n)
	whole.Begin(10, n)
	dw, dz := make([]float64, d*n), make([]float64, d*n)
	whole.Increment(dw, 0, 1)
	whole.IncrementArea(dw, dz, 1, 1.5)

	part := src.NewNoise(d, n)
	part.Begin(3, 2) // another group before
	part.Increment(make([]float64, 2*d), 0, 9)
	part.Begin(12, 2)
	part.(sde.Skipper).Skip()
	got, area := make([]float64, 2*d), make([]float64, 2*d)
	part.IncrementArea(got, area, 1, 1.5)
	assert.Equal(t, dw[2*d:4*d], got)
	assert.Equal(t, dz[2*d:4*d], area)

	part.Begin(12, 2)
	part.(sde.Skipper).Skip()
	part.Increment(got, 1, 1.5)
	assert.Equal(t, dw[2*d:4*d], got, "without the area")

	part.Begin(12, 2)
	part.Increment(got, 1, 1.5)
	assert.NotEqual(t, dw[2*d:4*d], got, "another step")
	part.Increment(got, 1, 1)
	assert.Equal(t, make([]float64, 2*d), got, "no time, no noise")
	require.NotEqual(t, dw[:d], dw[d:2*d])
}
