package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// In the plane a fine grid of directions finds the maximum up to its spacing.
func TestMaxSlicedGrid(t *testing.T) {
	for rep := range uint64(6) {
		n, m := 200, 200
		if rep%2 == 1 {
			m = 130
		}
		x, y := ring(rep, n), gaussian(100+rep, m, []float64{0.3, 0}, []float64{1, 3})
		const angles = 4000
		var grid float64
		for k := range angles {
			sin, cos := math.Sincos(math.Pi * float64(k) / angles)
			grid = max(grid, transport1D(newSorter(n), newSorter(m), x, y, []float64{cos, sin}, 2))
		}
		v, theta, err := MaxSlicedDirection(x, y, 2, Options{Seed: rep})
		require.NoError(t, err)
		assert.GreaterOrEqual(t, v.Value, math.Sqrt(grid)*(1-1e-6)) // climbs end at gains of 1e-7
		// W2² is the least of many quadratic forms and may peak in a corner, where half a
		// step π/8000 loses as large a share.
		assert.LessOrEqual(t, v.Value, math.Sqrt(grid)*(1+4e-4))
		assert.InDelta(t, 1, floats.Norm(theta, 2), 1e-14) // rounding
		assert.InEpsilon(t, v.Value*v.Value, transport1D(newSorter(n), newSorter(m), x, y, theta, 2), 1e-12)
	}
}

// A shift along one axis of many is found, where a mean over directions loses a factor
// √d; no direction has a larger distance, and few directions are enough.
func TestMaxSlicedFindsAxis(t *testing.T) {
	const d, n = 30, 2000
	x, y := normals(0, d*n), normals(1, d*n)
	for i := range n {
		y[i*d+4] *= 3
	}
	v, theta, err := MaxSlicedDirection(x, y, d, Options{Projections: 8})
	require.NoError(t, err)
	assert.Greater(t, math.Abs(theta[4]), 0.99)
	// Truth 3 - 1 = 2; sampling moves it by some √(10/2n) = 0.05, and up; 4 of these.
	assert.InDelta(t, 2, v.Value, 0.2)
	same, _, err := MaxSlicedDirection(x, x, d, Options{})
	require.NoError(t, err)
	assert.Zero(t, same.Value)
	_, err = MaxSlicedW2(nil, x, d, Options{})
	assert.ErrorContains(t, err, "empty")
	assert.Panics(t, func() { _, _ = MaxSlicedW2(x, y, d, Options{Projections: -1}) })
}
