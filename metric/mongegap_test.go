package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
)

// cubed is |x - y|³, a cost whose gradient vanishes at 0.
var cubed = GroundCost{
	Value: func(x, y []float64) float64 { return math.Pow(floats.Distance(x, y, 2), 3) },
	Grad: func(dst, x, y []float64) {
		floats.SubTo(dst, y, x)
		floats.Scale(3*floats.Norm(dst, 2), dst)
	},
}

func TestMongeGapGradient(t *testing.T) {
	const n, dim = 12, 2
	x, y := normals(1, n*dim), gaussian(2, n, []float64{0.5, 0}, []float64{1, 2})
	for k, cost := range []GroundCost{SquaredEuclidean(), cubed} {
		o := SinkhornOptions{Epsilon: []float64{0.3, 5}[k], Tol: 1e-12} // cubes are larger
		grad := make([]float64, n*dim)
		r, err := MongeGapOf(t.Context(), grad, x, y, dim, cost, o)
		require.NoError(t, err)
		require.Equal(t, SinkhornConverged, r.Transport.Status)
		num := fd.Gradient(nil, func(y []float64) float64 {
			r, err := MongeGapOf(t.Context(), nil, x, y, dim, cost, o)
			require.NoError(t, err)
			return r.Gap
		}, y, &fd.Settings{Formula: fd.Central, Step: 1e-4})
		// h² of the difference times third derivatives of 1/ε², and rounding 1e-13/h.
		assert.InDeltaSlice(t, num, grad, 1e-6)
	}
}

// rotate turns each pair of coordinates by theta.
func rotate(x []float64, theta float64) []float64 {
	sin, cos := math.Sincos(theta)
	y := make([]float64, len(x))
	for i := 0; i < len(x); i += 2 {
		y[i], y[i+1] = cos*x[i]-sin*x[i+1], sin*x[i]+cos*x[i+1]
	}
	return y
}

// A rotation keeps N(0, I), so its gap is its cost E|x - Rx|² = 2d(1 - cos θ) less
// OT_ε(N, N) = d OT_ε(N(0,1), N(0,1)). On points, S_ε takes the bias of the second term
// away for the most part: here it is measured with the same points.
func TestMongeGapRotation(t *testing.T) {
	const n, theta = 700, 1.0
	x := normals(1, 2*n)
	r, err := MongeGapOf(t.Context(), nil, x, rotate(x, theta), 2, SquaredEuclidean(), SinkhornOptions{Epsilon: 1, Tol: 1e-10})
	require.NoError(t, err)
	reg, _, _ := gaussianOT(0, 1, 1, 1)
	// The chance in the mean of |x - Rx|² is a part of StdErr; that OT_ε of points is
	// biased by O(1/n), a fifth of it, adds little to the 4.
	assert.InDelta(t, 4*(1-math.Cos(theta))-2*reg, r.Gap, 4*r.StdErr)
	// With both potentials k|x|² + const, the slack is (2(1 - cos θ) - 2k)|x|², and
	// OT_ε(s, s) of the closed form gives 2k as its slope in the variance of one side.
	ahead, _, _ := gaussianOT(0, math.Sqrt(1.001), 1, 1)
	behind, _, _ := gaussianOT(0, math.Sqrt(0.999), 1, 1)
	k := (ahead - behind) / 0.002
	// sd(χ²₂) = 2, and its estimate from 700 points of kurtosis 9 is good to 5%; 4 of them.
	assert.InEpsilon(t, 2*(2*(1-math.Cos(theta))-2*k)/math.Sqrt(n), r.StdErr, 0.2)

	v, err := MongeGap(x, rotate(x, theta), 2, Options{})
	require.NoError(t, err)
	// The two clouds differ by W2² of about log n/n = 0.01, a few times that in the tails.
	assert.InDelta(t, 4*(1-math.Cos(theta)), v.Value, 4*v.StdErr+0.05)
	assert.Greater(t, v.Value, 5*v.StdErr)
}

// The gradient of a convex function has a gap between -ε log n and 0, whatever the points.
// The gap of a pairing of points on the line is known by sorting.
func TestMongeGapEnclosure(t *testing.T) {
	const n = 200
	x, y := normals(1, n), normals(2, n)
	w2, err := Wasserstein1D(x, y, 2)
	require.NoError(t, err)
	r, err := MongeGapOf(t.Context(), nil, x, y, 1, SquaredEuclidean(), SinkhornOptions{Epsilon: 0.01, Tol: 1e-8})
	require.NoError(t, err)
	gap := r.MeanCost - w2.Value*w2.Value
	assert.Less(t, r.Lower, gap+1e-6) // Tol times costs of 10
	assert.Greater(t, r.Upper, gap)
	assert.InDelta(t, r.Lower, r.Upper, 2*0.01*math.Log(n))
}

func TestMongeGapConvex(t *testing.T) {
	const n = 300
	x := normals(1, 2*n)
	y := make([]float64, 2*n)
	for i, v := range x { // the gradient of Σ v⁴/12 + v² + 3v
		y[i] = v*v*v/3 + 2*v + 3
	}
	for _, eps := range []float64{0.05, 1} {
		r, err := MongeGapOf(t.Context(), nil, x, y, 2, SquaredEuclidean(), SinkhornOptions{Epsilon: eps, Tol: 1e-5, Scaling: 0.5, MaxIter: 100_000})
		require.NoError(t, err)
		require.Equal(t, SinkhornConverged, r.Transport.Status)
		assert.LessOrEqual(t, r.Lower, 1e-3) // the true gap is 0
		assert.GreaterOrEqual(t, r.Upper, 0.)
		assert.Less(t, r.Upper-r.Lower, 2*eps*math.Log(n))
		assert.Less(t, r.Gap, 1e-3) // Tol times potentials of 100
		assert.Greater(t, r.Gap, -eps*math.Log(n))
	}
	v, err := MongeGap(x, y, 2, Options{})
	require.NoError(t, err)
	assert.InDelta(t, 0, v.Value, 1e-12) // rounding of costs of 100

	small, err := MongeGap(x, y, 2, Options{MaxPoints: 50}) // pairs stay together
	require.NoError(t, err)
	assert.InDelta(t, 0, small.Value, 1e-12)
	assert.Equal(t, 50, small.NX)
	_, err = MongeGap(x, y[:2*n-2], 2, Options{})
	assert.EqualError(t, err, "metric: a map's 300 points cannot have 299 images")
}
