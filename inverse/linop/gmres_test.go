package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// GMRES on a nonsymmetric system, with restarts and with a preconditioner, against a
// dense solve; and where it must stop.
func TestGMRES(t *testing.T) {
	const n = 24
	m := matrix(n, n, 124)
	for i := range n {
		m.Set(i, i, m.At(i, i)+12)
	}
	s := NewMatrix(m)
	b := gaussian(n, 125)
	var want mat.VecDense
	require.NoError(t, want.SolveVec(m, mat.NewVecDense(n, b)))
	diagonal := func(dst, r []float64) {
		for i, v := range r {
			dst[i] = v / m.At(i, i)
		}
	}
	for _, restart := range []int{3, 8, n, 100} {
		for _, p := range []func(dst, r []float64){nil, diagonal} {
			x := make([]float64, n)
			res := GMRES(x, s.Apply, b, restart, &KrylovOptions{RTol: 1e-12, MaxIter: 500, Precond: p})
			assert.Equal(t, Converged, res.Status, "restart %d", restart)
			assert.LessOrEqual(t, floats.Distance(x, want.RawVector().Data, 2), 1e-10*mat.Norm(&want, 2))
			assert.InDelta(t, trueResidual(s, x, b), res.Residual, 1e-13)
		}
	}
	calls := 0
	x := make([]float64, n)
	res := GMRES(x, func(dst, x []float64) { calls++; s.Apply(dst, x) }, b, 4, &KrylovOptions{MaxIter: 10})
	assert.Equal(t, 10, res.Iterations, "exactly MaxIter")
	assert.Equal(t, 13, calls, "and one for each of the three starts")

	// A NaN in the second column: the solution in the space of the first.
	calls = 0
	x = make([]float64, n)
	res = GMRES(x, func(dst, v []float64) {
		s.Apply(dst, v)
		if calls++; calls == 3 {
			dst[0] = math.NaN()
		}
	}, b, 4, nil)
	assert.Equal(t, NonFinite, res.Status)
	assert.Equal(t, 1, res.Iterations)
	assert.InDelta(t, trueResidual(s, x, b), res.Residual, 1e-13)

	// A cyclic shift: no progress until the space is the whole; restarts never help.
	shift := func(dst, x []float64) {
		copy(dst[1:], x)
		dst[0] = x[len(x)-1]
	}
	e := make([]float64, 6)
	e[0] = 1
	x = make([]float64, 6)
	assert.Equal(t, Breakdown, GMRES(x, shift, e, 3, nil).Status)
	res = GMRES(x, shift, e, 6, nil)
	assert.Equal(t, Result{6, 0, Converged}, Result{res.Iterations, math.Round(res.Residual), res.Status})
	assert.InDelta(t, 1, x[5], 1e-15)
	// Singular and inconsistent.
	x = make([]float64, 2)
	assert.Equal(t, Breakdown, GMRES(x, NewDiagonal([]float64{1, 0}).Apply, []float64{1, 1}, 2, nil).Status)
	assert.False(t, floats.HasNaN(x))
	assert.Panics(t, func() { GMRES(x, shift, x, 0, nil) })
}
