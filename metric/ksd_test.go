package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// The Stein kernel by its definition, the derivatives of k by central differences.
func TestSteinKernel(t *testing.T) {
	const d, c, h = 3, 1.3, 1e-3
	x, s := normals(0, 2*d), normals(1, 2*d)
	k := func(x, y []float64) float64 {
		r := floats.Distance(x, y, 2)
		return 1 / math.Sqrt(c*c+r*r)
	}
	moved := func(x []float64, i int, h float64) []float64 {
		out := append([]float64(nil), x...)
		out[i] += h
		return out
	}
	a, b, sa, sb := x[:d], x[d:], s[:d], s[d:]
	want := floats.Dot(sa, sb) * k(a, b)
	for i := range d {
		want += sa[i] * (k(a, moved(b, i, h)) - k(a, moved(b, i, -h))) / (2 * h)
		want += sb[i] * (k(moved(a, i, h), b) - k(moved(a, i, -h), b)) / (2 * h)
		want += (k(moved(a, i, h), moved(b, i, h)) - k(moved(a, i, h), moved(b, i, -h)) -
			k(moved(a, i, -h), moved(b, i, h)) + k(moved(a, i, -h), moved(b, i, -h))) / (4 * h * h)
	}
	got := make([]float64, 2)
	steinRow(got, x, s, d, 0, c)
	assert.InDelta(t, want, got[1], 1e-5) // differences of order h²
	// At one point k = 1/c and tr ∇∇k = d/c³.
	assert.InEpsilon(t, floats.Dot(sa, sa)/c+d/(c*c*c), got[0], 1e-14) // rounding
}

// Unbiased, with right standard errors: of mean 0 under the null, and for a shift by δ
// in one dimension, where s(x) = -x and x = y + δ give E u(X, X') = δ² E k.
func TestKSDGaussians(t *testing.T) {
	const n, reps, c = 60, 600, 1.
	// k(r) averaged over r = √2 z by quadrature.
	var ek float64
	for i := -4000; i <= 4000; i++ {
		z := float64(i) / 500
		ek += math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) / math.Sqrt(c*c+2*z*z) / 500
	}
	for _, delta := range []float64{0, 0.8} {
		z0 := make([]float64, reps)
		got := repeat(t, reps, delta*delta*ek, func(rep uint64) (Value, error) {
			r, err := KSD(gaussian(rep, n, []float64{delta}, []float64{1}), 1, gaussianScore, Options{Bandwidth: c})
			z0[rep] = r.Value.Value / r.NullErr
			return r.Value, err
		})
		t.Logf("%v %+v", delta, got)
		assert.Less(t, math.Abs(got.bias), 4.) // 4 standard errors
		if delta == 0 {
			// 4 standard errors of a deviation, √((kurtosis - 1)/4/reps).
			assert.InDelta(t, 1, stat.StdDev(z0, nil), 4*math.Sqrt((stat.ExKurtosis(z0, nil)+2)/4/reps))
		} else {
			assert.InDelta(t, 1, got.seRatio, 4/math.Sqrt(2*reps)) // 4 standard errors
		}
	}
}

func TestKSDErrors(t *testing.T) {
	x := normals(0, 20)
	_, err := KSD(x, 2, func(dst, _ []float64) { dst[3] = math.Inf(1) }, Options{})
	assert.EqualError(t, err, "metric: the score at point 1, coordinate 1 is +Inf")
	_, err = KSD(x[:2], 2, gaussianScore, Options{})
	assert.ErrorContains(t, err, "too few")
	assert.Panics(t, func() { _, _ = KSD(x, 2, gaussianScore, Options{Bandwidth: -1}) })
	r, err := KSD(x, 2, gaussianScore, Options{})
	require.NoError(t, err)
	assert.Equal(t, 10, r.NX)
}
