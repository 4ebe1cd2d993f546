package prior

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestTVStep: columns in two levels h apart. Total variation is rows·h, and while the
// levels stay apart each moves by λ over the columns of its side.
func TestTVStep(t *testing.T) {
	const rows, cols, left, lambda = 6, 10, 4, 0.3
	y := make([]float64, rows*cols)
	for i := range y {
		if i%cols >= left {
			y[i] = 1
		}
	}
	assert.InDelta(t, rows, TotalVariation(y, rows, cols), 1e-13)
	x := make([]float64, len(y))
	const tol = 1e-6
	res, err := NewTV(rows, cols).Denoise(x, y, lambda, tol, 20000)
	require.NoError(t, err)
	want := make([]float64, len(y))
	for i := range want {
		want[i] = lambda / left
		if i%cols >= left {
			want[i] = 1 - lambda/(cols-left)
		}
	}
	// The promise of the gap: root mean square within tol.
	assert.LessOrEqual(t, floats.Distance(x, want, 2), tol*math.Sqrt(rows*cols))
	objective := floats.Distance(want, y, 2)*floats.Distance(want, y, 2)/2 + lambda*rows*(1-lambda/left-lambda/(cols-left))
	assert.InDelta(t, objective, res.Objective, res.Gap+1e-12)

	_, err = NewTV(rows, cols).Denoise(x, y, lambda, 1e-12, 8)
	assert.ErrorContains(t, err, "8 iterations leave a duality gap")
}

// TestTVAdjoint: ⟨∇x, q⟩ = ⟨x, ∇ᵀq⟩, to rounding. With bound +Inf, ascend from 0 is ∇x.
func TestTVAdjoint(t *testing.T) {
	for _, n := range [][2]int{{1, 1}, {1, 7}, {5, 1}, {4, 6}} {
		size := n[0] * n[1]
		x, q := normals(size, 80), normals(2*size, 81)
		dx, dq := make([]float64, 2*size), make([]float64, size)
		ascend(dx, x, n[0], n[1], 1, math.Inf(1))
		gradientAdjoint(dq, q, n[0], n[1])
		assert.InDelta(t, floats.Dot(dx, q), floats.Dot(x, dq), 1e-13)
	}
}

type matrix struct{ *mat.Dense }

func (a matrix) Apply(dst, x []float64) {
	mat.NewVecDense(len(dst), dst).MulVec(a.Dense, mat.NewVecDense(len(x), x))
}
func (a matrix) Adjoint(dst, y []float64) {
	mat.NewVecDense(len(dst), dst).MulVec(a.T(), mat.NewVecDense(len(y), y))
}

// TestTVLeastSquares: the gap bounds the excess of the objective, so no other picture may
// be better by more; with A = I and wide bounds it is the proximal problem; bounds hold.
func TestTVLeastSquares(t *testing.T) {
	const rows, cols, m = 5, 6, 20
	const n = rows * cols
	a := matrix{mat.NewDense(m, n, normals(m*n, 90))}
	norm := mat.Norm(a.Dense, 2)
	y := normals(m, 91)
	s := TVLeastSquares{Rows: rows, Cols: cols, Lambda: 0.4, Norm: norm, Tol: 1e-6, Limit: 200000}
	x := make([]float64, n)
	res, err := s.Solve(context.Background(), x, a, y)
	require.NoError(t, err)
	objective := func(x []float64) float64 {
		r := make([]float64, m)
		a.Apply(r, x)
		floats.Sub(r, y)
		return floats.Dot(r, r)/2 + s.Lambda*TotalVariation(x, rows, cols)
	}
	assert.InEpsilon(t, objective(x), res.Objective, 1e-12)
	for i := range 500 {
		other := normals(n, 100+uint64(i))
		for j := range other {
			other[j] = min(max(x[j]+math.Pow(10, -float64(i%6))*other[j], 0), 1)
		}
		assert.GreaterOrEqual(t, objective(other), res.Objective-res.Gap-1e-12)
	}
	for _, v := range x {
		assert.True(t, v >= 0 && v <= 1)
	}

	eye := matrix{mat.NewDense(n, n, nil)}
	for i := range n {
		eye.Set(i, i, 1)
	}
	noisy := normals(n, 92)
	wide := TVLeastSquares{Rows: rows, Cols: cols, Lambda: 0.4, Norm: 1, Lower: -10, Upper: 10, Tol: 1e-8, Limit: 100000}
	got, want := make([]float64, n), make([]float64, n)
	res, err = wide.Solve(context.Background(), got, eye, noisy)
	require.NoError(t, err)
	_, err = NewTV(rows, cols).Denoise(want, noisy, 0.4, 1e-6, 100000)
	require.NoError(t, err)
	// Each is within √(2 gap) of the minimiser.
	assert.Less(t, floats.Distance(got, want, 2), math.Sqrt(2*res.Gap)+1e-6*math.Sqrt(n))

	s.Limit = 20
	_, err = s.Solve(context.Background(), make([]float64, n), a, y)
	assert.ErrorContains(t, err, "20 iterations leave a relative duality gap")
	y[0] = math.NaN()
	_, err = s.Solve(context.Background(), make([]float64, n), a, y)
	assert.ErrorContains(t, err, "not finite")
}
