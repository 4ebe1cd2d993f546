package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// fault is an operator whose adjoint is wrong by a share in one coordinate.
type fault struct {
	Operator
	share float64
}

func (f fault) Adjoint(dst, y []float64) {
	f.Operator.Adjoint(dst, y)
	dst[0] *= 1 + f.share
}

func TestDotTestSeesFaults(t *testing.T) {
	a := NewMatrix(matrix(30, 40, 140))
	assert.LessOrEqual(t, DotTest(a, 1), 1e-15) // a few roundings over √n
	assert.Greater(t, DotTest(fault{a, 1e-9}, 1), 1e-12)
	assert.True(t, math.IsNaN(DotTest(fault{a, math.NaN()}, 1)))
	assert.Zero(t, DotTest(NewScale(3, 0), 1))
	assert.Equal(t, DotTest(a, 2), DotTest(a, 2))
}

func TestNorm(t *testing.T) {
	for _, n := range [][2]int{{30, 20}, {20, 30}, {1, 5}, {5, 1}} {
		a := NewMatrix(matrix(n[0], n[1], 141))
		norm, res := Norm(a, &KrylovOptions{RTol: 1e-9})
		assert.Equal(t, Converged, res.Status)
		assert.InEpsilon(t, floats.Max(a.Singular()), norm, 1e-14)
		rough, few := Norm(a, &KrylovOptions{RTol: 0.1})
		assert.LessOrEqual(t, few.Iterations, res.Iterations)
		assert.LessOrEqual(t, few.Residual, 0.1)
		assert.LessOrEqual(t, rough, norm*(1+1e-14), "a lower bound")
	}
	// A clustered spectrum: the gradient of 100 × 100, √8 cos(π/200) by the cosine basis.
	norm, res := Norm(NewGradient(100, 100), nil)
	assert.Equal(t, Converged, res.Status)
	want := math.Sqrt(8) * math.Cos(math.Pi/200)
	assert.InEpsilon(t, want, norm, 1e-3)
	assert.LessOrEqual(t, norm, want)
	_, res = Norm(NewGradient(100, 100), &KrylovOptions{RTol: 1e-12, MaxIter: 7})
	assert.Equal(t, Result{7, res.Residual, IterationLimit}, res)

	zero, res := Norm(NewScale(4, 0), nil)
	assert.Equal(t, Result{1, 0, Converged}, res)
	assert.Zero(t, zero)
	_, res = Norm(NewDiagonal([]float64{1, math.NaN()}), nil)
	assert.Equal(t, NonFinite, res.Status)
}

func TestDense(t *testing.T) {
	m := matrix(3, 5, 142)
	assert.True(t, mat.Equal(m, Dense(NewMatrix(m))))
}

// The quadrature against the eigenvalues: within the standard error, which shrinks as
// 1/√probes; exact, apart from the probes, for polynomials; and without any spread for a
// multiple of the identity and, with signs as probes, for diagonal matrices.
func TestTrace(t *testing.T) {
	const n = 60
	lambda := logspaced(n, 0.5, 50)
	s := withSpectrum(lambda, 143)
	truth := 0.0
	for _, l := range lambda {
		truth += math.Log(l)
	}
	var last float64
	for _, probes := range []int{16, 256} {
		value, stderr, err := LogDet(n, s.Apply, Quadrature{Probes: probes, Seed: 1})
		require.NoError(t, err)
		// Four standard errors: one false alarm in 15000 for a normal mean.
		assert.InDelta(t, truth, value, 4*stderr)
		last = stderr
	}
	first, stderr, _ := LogDet(n, s.Apply, Quadrature{Probes: 16, Seed: 1})
	// √(256/16) = 4; the estimate of a spread from 16 numbers is good to 20 %.
	assert.InEpsilon(t, 4, stderr/last, 0.6)
	again, _, _ := LogDet(n, s.Apply, Quadrature{Probes: 16, Seed: 1})
	assert.Equal(t, first, again)
	other, _, _ := LogDet(n, s.Apply, Quadrature{Probes: 16, Seed: 2})
	assert.NotEqual(t, first, other)

	// One probe more or less of a quadrature of 3 steps on a polynomial of degree 5.
	quintic := func(l float64) float64 { return math.Pow(l/50, 5) - l }
	low, _, err := Trace(n, s.Apply, quintic, Quadrature{Probes: 4, Steps: 3})
	require.NoError(t, err)
	full, _, _ := Trace(n, s.Apply, quintic, Quadrature{Probes: 4, Steps: n})
	assert.InEpsilon(t, full, low, 1e-11) // rounding of 60 steps

	value, stderr, err := LogDet(n, NewScale(n, 3).Apply, Quadrature{})
	require.NoError(t, err)
	assert.InDelta(t, n*math.Log(3), value, 1e-12)
	assert.InDelta(t, 0, stderr, 1e-13)
	d := []float64{1, 2, 4}
	value, _, err = LogDet(3, NewDiagonal(d).Apply, Quadrature{Probes: 2})
	require.NoError(t, err)
	assert.InDelta(t, math.Log(8), value, 1e-13, "signs see a diagonal exactly")

	_, _, err = LogDet(3, NewDiagonal([]float64{1, -1, 2}).Apply, Quadrature{})
	assert.ErrorContains(t, err, "not positive definite")
	_, _, err = Trace(3, NewDiagonal([]float64{1, math.NaN(), 2}).Apply, math.Exp, Quadrature{})
	assert.Error(t, err)
	_, one, err := Trace(3, NewDiagonal(d).Apply, math.Exp, Quadrature{Probes: 1})
	require.NoError(t, err)
	assert.True(t, math.IsNaN(one))
	assert.Panics(t, func() { _, _, _ = Trace(3, NewDiagonal(d).Apply, math.Exp, Quadrature{Probes: -1}) })
}
