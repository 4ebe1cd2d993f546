package metric

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A shift by v moves every slice by |θ·v|, so SW1 = |v| E|θ₁| = |v| Γ(d/2)/(√π Γ((d+1)/2)).
func TestSlicedW1OfAShift(t *testing.T) {
	const n = 200
	for _, d := range []int{1, 2, 3, 10, 100} {
		x, size := normals(2, n*d), 0.0
		y := slices.Clone(x)
		for j := range d {
			v := float64(j%3) - 0.7
			size += v * v
			for i := range n {
				y[i*d+j] += v
			}
		}
		half := float64(d) / 2
		lg, _ := math.Lgamma(half)
		lh, _ := math.Lgamma(half + .5)
		want := math.Sqrt(size/math.Pi) * math.Exp(lg-lh)
		got, err := SlicedW1(x, y, d, Options{Projections: 4000})
		require.NoError(t, err)
		// 4 standard errors over the directions (false alarm 6e-5), and rounding.
		assert.InDelta(t, want, got.Value, 4*got.StdErr+1e-12, "d = %d", d)
		if d > 1 {
			assert.Less(t, got.StdErr, 0.02*want)
		}
	}
}

// The slices are those of SlicedW2, of which W1 ≤ W2 in each, so SW1 ≤ SW2; the mean of
// the squares is SlicedW2 to the bit.
func TestSlicedW1BesideSlicedW2(t *testing.T) {
	const d = 5
	x, y := normals(3, 300*d), normals(4, 200*d)
	for i := range y {
		y[i] = 2*y[i] + 1
	}
	o := Options{Seed: 9, Projections: 50}
	one, err := SlicedW1(x, y, d, o)
	require.NoError(t, err)
	two, err := SlicedW2(x, y, d, o)
	require.NoError(t, err)
	assert.Less(t, one.Value, two.Value)
	assert.Greater(t, one.Value, 0.5*two.Value)
	mean, _ := meanErr(slices1D(x, y, d, 2, o))
	assert.Equal(t, two.Value, math.Sqrt(mean))
	o.Workers = 1
	again, err := SlicedW1(x, y, d, o)
	require.NoError(t, err)
	assert.Equal(t, one, again)

	same, err := SlicedW1(x, x, d, o)
	require.NoError(t, err)
	assert.Zero(t, same.Value)
	_, err = SlicedW1(x, y[:7], d, o)
	assert.Error(t, err)
	assert.Panics(t, func() { _, _ = SlicedW1(x, y, d, Options{Projections: -1}) })
}
