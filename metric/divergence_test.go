package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
)

// S_ε of N(0, s²) and N(mu, t²) from the closed forms of its three terms; with s = t it is
// mu² for every ε.
func TestDivergenceGaussian(t *testing.T) {
	const mu, s, u = 0.7, 1.3, 0.6
	x, a := gaussLine(301, 0, s)
	y, b := gaussLine(257, mu, u)
	for _, scaling := range []float64{0, 0.5} {
		for _, eps := range []float64{0.3, 3} {
			r, err := Divergence(t.Context(), x, y, 1, a, b, SinkhornOptions{Epsilon: eps, Tol: 1e-12, Scaling: scaling})
			require.NoError(t, err)
			require.Equal(t, SinkhornConverged, r.Status)
			ab, _, _ := gaussianOT(mu, s, u, eps)
			aa, _, _ := gaussianOT(0, s, s, eps)
			bb, _, _ := gaussianOT(0, u, u, eps)
			assert.InDelta(t, ab-aa/2-bb/2, r.Value, 1e-10) // tails of the grid and rounding
		}
	}
	z, c := gaussLine(280, mu, s)
	r, err := Divergence(t.Context(), x, z, 1, a, c, SinkhornOptions{Epsilon: 1, Tol: 1e-12})
	require.NoError(t, err)
	assert.InDelta(t, mu*mu, r.Value, 1e-10)
}

func TestDivergenceGradient(t *testing.T) {
	const n, m, dim = 14, 11, 2
	x, y := normals(1, n*dim), gaussian(2, m, []float64{1, 0}, []float64{2, 1})
	a, b := make([]float64, n), make([]float64, m)
	for i := range a {
		a[i] = float64(1 + i%3)
	}
	for j := range b {
		b[j] = float64(1 + j%2)
	}
	a[2] = 0
	floats.Scale(1/floats.Sum(a), a)
	floats.Scale(1/floats.Sum(b), b)
	for _, rho := range []float64{0, 2} {
		o := SinkhornOptions{Epsilon: 0.5, Rho: rho, Tol: 1e-13}
		r, err := Divergence(t.Context(), x, y, dim, a, b, o)
		require.NoError(t, err)
		require.Equal(t, SinkhornConverged, r.Status)
		dx, dy := make([]float64, n*dim), make([]float64, m*dim)
		require.NoError(t, r.Gradients(t.Context(), dx, dy))
		value := func(x, y []float64) float64 {
			r, err := Divergence(t.Context(), x, y, dim, a, b, o)
			require.NoError(t, err)
			return r.Value
		}
		set := &fd.Settings{Formula: fd.Central, Step: 1e-4}
		// h² of the difference at h = 1e-4, and values rounded to 1e-14/h.
		assert.InDeltaSlice(t, fd.Gradient(nil, func(x []float64) float64 { return value(x, y) }, x, set), dx, 1e-7)
		assert.InDeltaSlice(t, fd.Gradient(nil, func(y []float64) float64 { return value(x, y) }, y, set), dy, 1e-7)
	}
}

// S_ε(a, a) = 0, and S_ε > 0 elsewhere, for masses that differ also.
func TestDivergenceSign(t *testing.T) {
	x, y := normals(1, 80), gaussian(2, 40, []float64{0.3, 0}, []float64{1, 1})
	for _, rho := range []float64{0, 1} {
		o := SinkhornOptions{Epsilon: 0.3, Rho: rho, Tol: 1e-12}
		same, err := Divergence(t.Context(), x, x, 2, nil, nil, o)
		require.NoError(t, err)
		assert.InDelta(t, 0, same.Value, 1e-11) // Tol times potentials of 1
		other, err := Divergence(t.Context(), x, y, 2, nil, nil, o)
		require.NoError(t, err)
		assert.Greater(t, other.Value, 0.01)
	}
	w := make([]float64, 40)
	floats.AddConst(2./40, w)
	heavy, err := Divergence(t.Context(), x, x, 2, w, nil, SinkhornOptions{Epsilon: 0.3, Rho: 1, Tol: 1e-12})
	require.NoError(t, err)
	assert.Greater(t, heavy.Value, 0.01)
}

// N(0, 1) against N(1, 1): S_ε = 1 for every ε.
func TestSinkhornDivergenceStdErr(t *testing.T) {
	const reps = 150
	got := repeat(t, reps, 1, func(rep uint64) (Value, error) {
		return SinkhornDivergence(gaussian(2*rep, 100, []float64{1}, []float64{1}), normals(2*rep+1, 40), 1, Options{})
	})
	// The ratio of two standard deviations is known to 1/√(2·reps); 4 of them. The bias
	// of the estimate, of order 1/n, is below a tenth of its standard deviation.
	assert.InDelta(t, 1, got.seRatio, 4/math.Sqrt(2*reps))
	assert.InDelta(t, 0, got.bias, 4+0.1*math.Sqrt(reps))
}
