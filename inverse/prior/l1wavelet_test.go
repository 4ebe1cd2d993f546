package prior

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// With A = I the minimiser is the soft threshold of the coefficients, of their modulus for
// complex pictures, which one step reaches.
func TestL1WaveletOfTheIdentityIsTheSoftThreshold(t *testing.T) {
	const rows, cols, lambda = 12, 10, 0.7
	w := linop.NewWavelet(rows, cols, 4, 1)
	for planes := 1; planes <= 2; planes++ {
		n := planes * rows * cols
		y := normals(n, 200)
		coef := make([][]float64, planes)
		for k := range coef {
			plane := make([]float64, rows*cols)
			for i := range plane {
				plane[i] = y[i*planes+k]
			}
			coef[k] = make([]float64, rows*cols)
			w.Apply(coef[k], plane)
		}
		for i := range rows * cols {
			norm := 0.0
			for k := range coef {
				norm = math.Hypot(norm, coef[k][i])
			}
			for k := range coef {
				coef[k][i] *= max(0, 1-lambda/norm)
			}
		}
		want := make([]float64, n)
		for k := range coef {
			plane := make([]float64, rows*cols)
			w.Adjoint(plane, coef[k])
			for i, v := range plane {
				want[i*planes+k] = v
			}
		}
		x := make([]float64, n)
		res, err := L1Wavelet{Rows: rows, Cols: cols, Complex: planes == 2, Levels: 1, Lambda: lambda, Norm: 1, Tol: 1e-12}.
			Solve(context.Background(), x, linop.NewIdentity(n), y)
		require.NoError(t, err)
		assert.Less(t, floats.Distance(x, want, math.Inf(1)), 1e-13) // rounding of two transforms
		assert.Less(t, math.Abs(res.Gap), 1e-12*res.Objective)
	}
}

// The gap bounds the excess of the objective, so no other picture may be better by more,
// and the conditions of the minimum hold: W Aᵀ(y - Ax) is λ·sign where Wx ≠ 0, and at most
// λ in modulus elsewhere.
func TestL1WaveletGapAndOptimality(t *testing.T) {
	const rows, cols, m, lambda = 6, 8, 30, 0.8
	const n = rows * cols
	a := matrix{mat.NewDense(m, n, normals(m*n, 210))}
	y := normals(m, 211)
	s := L1Wavelet{Rows: rows, Cols: cols, Taps: 2, Levels: 1, Lambda: lambda, Norm: mat.Norm(a.Dense, 2), Tol: 1e-12, Limit: 100000}
	x := make([]float64, n)
	res, err := s.Solve(context.Background(), x, a, y)
	require.NoError(t, err)
	w := linop.NewWavelet(rows, cols, 2, 1)
	coef, r, g, wg := make([]float64, n), make([]float64, m), make([]float64, n), make([]float64, n)
	objective := func(x []float64) float64 {
		w.Apply(coef, x)
		a.Apply(r, x)
		floats.SubTo(r, y, r)
		return floats.Dot(r, r)/2 + lambda*floats.Norm(coef, 1)
	}
	for i := range 300 {
		other := normals(n, 220+uint64(i))
		for j := range other {
			other[j] = x[j] + math.Pow(10, -float64(i%6))*other[j]
		}
		assert.GreaterOrEqual(t, objective(other), res.Objective-res.Gap-1e-12)
	}
	assert.InEpsilon(t, objective(x), res.Objective, 1e-12)
	a.Adjoint(g, r)
	w.Apply(wg, g)
	zeros := 0
	for i, c := range coef {
		// The gap of 1e-12 leaves x within its root over the curvature, and products with ‖A‖².
		const tol = 1e-3
		if math.Abs(c) > 1e-6 {
			assert.InDelta(t, math.Copysign(lambda, c), wg[i], tol)
		} else {
			zeros++
			assert.LessOrEqual(t, math.Abs(wg[i]), lambda+tol)
		}
	}
	assert.Greater(t, zeros, n/4) // sparse, or the test says nothing

	s.Limit = 20
	_, err = s.Solve(context.Background(), make([]float64, n), a, y)
	assert.ErrorContains(t, err, "20 iterations leave a relative duality gap")
	y[0] = math.NaN()
	_, err = s.Solve(context.Background(), make([]float64, n), a, y)
	assert.ErrorContains(t, err, "not finite")
}

// A disc of which half of the pixels are lost is restored better with shifted wavelets: the
// edges of blocks, which no data contradict, are gone.
func TestL1WaveletSpin(t *testing.T) {
	const side = 64
	clean := make([]float64, side*side)
	for i := range clean {
		if math.Hypot(float64(i/side)-31, float64(i%side)-29) < 17 {
			clean[i] = 1
		}
	}
	a, err := linop.NewRandomMask(side*side, 0.5, 1)
	require.NoError(t, err)
	y := make([]float64, side*side/2)
	a.Apply(y, clean)
	floats.AddScaled(y, 0.02, normals(len(y), 230))
	s := L1Wavelet{Rows: side, Cols: side, Lambda: 0.05, Norm: 1, Limit: 200, Levels: 2, Tol: 1e-2}
	fixed, spun := make([]float64, side*side), make([]float64, side*side)
	_, err = s.Solve(context.Background(), fixed, a, y)
	require.NoError(t, err)
	s.Spin, s.Tol = true, 0.9 // a tolerance that any gap meets
	res, err := s.Solve(context.Background(), spun, a, y)
	require.NoError(t, err)
	assert.Equal(t, 200, res.Iterations)
	// Measured: 0.86 of the error.
	assert.Less(t, floats.Distance(spun, clean, 2), 0.9*floats.Distance(fixed, clean, 2))
}

func TestL1WaveletPanics(t *testing.T) {
	s := L1Wavelet{Rows: 4, Cols: 4, Lambda: 1, Norm: 1}
	assert.Panics(t, func() {
		_, _ = s.Solve(context.Background(), make([]float64, 15), linop.NewIdentity(16), make([]float64, 16))
	})
	s.Norm = 0
	assert.Panics(t, func() {
		_, _ = s.Solve(context.Background(), make([]float64, 16), linop.NewIdentity(16), make([]float64, 16))
	})
}
