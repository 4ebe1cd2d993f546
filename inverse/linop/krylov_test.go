package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

type leastSquaresSolver struct {
	name  string
	solve func(x []float64, op Operator, b []float64, damp float64, o *KrylovOptions) Result
}

var leastSquaresSolvers = []leastSquaresSolver{{"CGLS", CGLS}, {"LSQR", LSQR}, {"LSMR", LSMR}}

// rectangular returns U diag(s) Vᵀ.
func rectangular(rows, cols int, s []float64, sample uint64) *Matrix {
	m := NewMatrix(matrix(rows, cols, sample))
	d := mat.NewDense(rows, cols, nil)
	for i, v := range s {
		d.Set(i, i, v)
	}
	m.Singular()
	var ud, a mat.Dense
	ud.Mul(&m.svd().u, d)
	a.Mul(&ud, m.svd().v.T())
	return NewMatrix(&a)
}

// The three solvers against the dense solution of the damped problem around the start,
// for compatible, overdetermined and underdetermined systems.
func TestLeastSquares(t *testing.T) {
	for _, n := range [][2]int{{20, 12}, {12, 20}, {15, 15}} {
		a := rectangular(n[0], n[1], logspaced(min(n[0], n[1]), 1, 30), 100)
		b, start := gaussian(n[0], 101), gaussian(n[1], 102)
		for _, damp := range []float64{0, 0.7} {
			// d = V diag(s/(s² + damp²)) Uᵀ (b − A x₀)
			r := make([]float64, n[0])
			a.Apply(r, start)
			floats.SubTo(r, b, r)
			u, v := make([]float64, n[0]), make([]float64, n[1])
			a.UT(u, r)
			for i, s := range a.Singular() {
				v[i] = u[i] * s / (s*s + damp*damp)
			}
			want := make([]float64, n[1])
			a.V(want, v)
			floats.Add(want, start)
			for _, s := range leastSquaresSolvers {
				x := append([]float64(nil), start...)
				res := s.solve(x, a, b, damp, &KrylovOptions{RTol: 1e-13, MaxIter: 300})
				assert.Equal(t, Converged, res.Status, s.name)
				// The residual 1e-13 times the squared condition number 900.
				assert.LessOrEqual(t, floats.Distance(x, want, 2), 1e-10*floats.Norm(want, 2), "%s %v damp %g", s.name, n, damp)
			}
		}
	}
}

// The residuals that the solvers follow are those of the iterates: the normal one as the
// Trace reports it, the data one through ATol.
func TestLeastSquaresResiduals(t *testing.T) {
	a := rectangular(20, 12, logspaced(12, 1, 30), 103)
	b, start := gaussian(20, 104), gaussian(12, 105)
	for _, damp := range []float64{0, 5} { // 5 in the midst of the spectrum
		norms := func(x []float64) (normal, data float64) {
			r, s := make([]float64, 20), make([]float64, 12)
			a.Apply(r, x)
			floats.SubTo(r, b, r)
			a.Adjoint(s, r)
			d := floats.SubTo(make([]float64, 12), x, start)
			floats.AddScaled(s, -damp*damp, d)
			return floats.Norm(s, 2), math.Hypot(floats.Norm(r, 2), damp*floats.Norm(d, 2))
		}
		first, firstData := norms(start)
		for _, s := range leastSquaresSolvers {
			x := append([]float64(nil), start...)
			seen := 0
			last := math.Inf(1)
			res := s.solve(x, a, b, damp, &KrylovOptions{MaxIter: 10, Trace: func(iter int, res float64) {
				normal, _ := norms(x)
				assert.InDelta(t, normal/first, res, 1e-11, "%s %d", s.name, iter) // rounding times the condition
				assert.Equal(t, seen, iter)
				if s.name == "LSMR" {
					assert.LessOrEqual(t, res, last, "LSMR is monotone")
				}
				last = res
				seen++
			}})
			assert.Equal(t, 11, seen, s.name)
			assert.Equal(t, IterationLimit, res.Status)

			// The discrepancy rule ends at the first iterate that meets it: the data
			// residual after six iterations, and not after five.
			var data [7]float64
			for k := range data {
				x = append(x[:0], start...)
				if k > 0 {
					s.solve(x, a, b, damp, &KrylovOptions{MaxIter: k})
				}
				_, data[k] = norms(x)
			}
			require.InDelta(t, firstData, data[0], 1e-12)
			x = append(x[:0], start...)
			res = s.solve(x, a, b, damp, &KrylovOptions{ATol: data[6] * (1 + 1e-12)})
			assert.Equal(t, Result{6, res.Residual, Converged}, res, s.name)
		}
	}
}

// LSQR and CGLS are one algorithm in exact arithmetic, and LSMR is MINRES on the normal
// equations, step by step.
func TestLeastSquaresIterates(t *testing.T) {
	a := rectangular(25, 18, logspaced(18, 1, 20), 106)
	b := gaussian(25, 107)
	rhs := make([]float64, 18)
	a.Adjoint(rhs, b)
	for k := 1; k <= 10; k++ {
		o := &KrylovOptions{MaxIter: k}
		for _, damp := range []float64{0, 0.5} {
			x, y, z, w := make([]float64, 18), make([]float64, 18), make([]float64, 18), make([]float64, 18)
			CGLS(x, a, b, damp, o)
			LSQR(y, a, b, damp, o)
			LSMR(z, a, b, damp, o)
			u := make([]float64, 25)
			MINRES(w, func(dst, v []float64) {
				a.Apply(u, v)
				a.Adjoint(dst, u)
				floats.AddScaled(dst, damp*damp, v)
			}, rhs, o)
			// Ten steps of rounding times the squared condition number 400.
			assert.LessOrEqual(t, floats.Distance(x, y, 2), 1e-10*floats.Norm(x, 2), "%d", k)
			assert.LessOrEqual(t, floats.Distance(z, w, 2), 1e-10*floats.Norm(w, 2), "%d", k)
		}
	}
}

// On an ill-conditioned consistent system LSQR keeps the digits that CGLS keeps, and
// the status is honest.
func TestLeastSquaresIllConditioned(t *testing.T) {
	a := rectangular(30, 30, logspaced(30, 1e-6, 1), 108)
	x0 := gaussian(30, 109)
	b := make([]float64, 30)
	a.Apply(b, x0)
	for _, s := range leastSquaresSolvers {
		x := make([]float64, 30)
		res := s.solve(x, a, b, 0, &KrylovOptions{ATol: 1e-9 * floats.Norm(b, 2), MaxIter: 2000})
		assert.Equal(t, Converged, res.Status, s.name)
		// Asked for 1e-9 by the recurrence; rounding may add some of the same size.
		assert.LessOrEqual(t, trueResidual(a, x, b), 2e-9, s.name)
	}
}

func TestLeastSquaresEdges(t *testing.T) {
	a := rectangular(5, 3, []float64{3, 2, 1}, 110)
	nan := NewDiagonal([]float64{1, math.NaN(), 1})
	for _, s := range leastSquaresSolvers {
		x := make([]float64, 3)
		assert.Equal(t, Result{0, 0, Converged}, s.solve(x, a, make([]float64, 5), 0, nil), s.name)
		// b orthogonal to the range: x = 0 is the solution.
		u, b := make([]float64, 5), make([]float64, 5)
		u[4] = 1
		a.U(b, u)
		s.solve(x, a, b, 0, &KrylovOptions{MaxIter: 3, RTol: 1e-10})
		assert.InDelta(t, 0, floats.Norm(x, 2), 1e-14, s.name) // Aᵀb is rounding
		clear(x)
		assert.Equal(t, NonFinite, s.solve(x, nan, []float64{1, 1, 1}, 0, nil).Status, s.name)
		assert.Equal(t, make([]float64, 3), x)
		assert.Equal(t, Result{0, 0, Converged}, s.solve(x, NewScale(3, 0), []float64{1, 1, 1}, 0, nil), s.name)
		// A rank-deficient system from zero: the solution of least norm.
		low := NewDiagonal([]float64{2, 0, 1})
		assert.Equal(t, Converged, s.solve(x, low, []float64{2, 5, 3}, 0, nil).Status, s.name)
		assert.InDeltaSlice(t, []float64{1, 0, 3}, x, 1e-9)
		assert.Panics(t, func() { s.solve(x, a, b[1:], 0, nil) })
		assert.Panics(t, func() { s.solve(x[1:], a, b, 0, nil) })
		assert.Panics(t, func() { s.solve(x, a, b, -1, nil) })
		assert.Panics(t, func() { s.solve(x, a, b, 0, &KrylovOptions{Precond: func(dst, r []float64) {}}) })
	}
}

// On an indefinite system MINRES's iterates have the least residual of the Krylov space,
// which GMRES without restart gives too; both solve it.
func TestMINRESAndGMRES(t *testing.T) {
	const n = 30
	lambda := append(logspaced(n/2, 1, 50), logspaced(n/2, 1, 50)...)
	floats.Scale(-1, lambda[n/2:])
	lambda[0] = 0.3
	s := withSpectrum(lambda, 120)
	b, start := gaussian(n, 121), gaussian(n, 122)
	for k := 1; k <= 12; k++ {
		x, y := append([]float64(nil), start...), append([]float64(nil), start...)
		rx := MINRES(x, s.Apply, b, &KrylovOptions{MaxIter: k})
		ry := GMRES(y, s.Apply, b, n, &KrylovOptions{MaxIter: k})
		assert.LessOrEqual(t, floats.Distance(x, y, 2), 1e-10*floats.Norm(x, 2)) // rounding times the condition 170
		assert.Equal(t, IterationLimit, rx.Status)
		assert.InDelta(t, rx.Residual, ry.Residual, 1e-11)
		assert.InDelta(t, trueResidual(s, x, b), rx.Residual, 1e-11)
	}
	x := make([]float64, n)
	res := MINRES(x, s.Apply, b, &KrylovOptions{RTol: 1e-11, MaxIter: 200})
	assert.Equal(t, Converged, res.Status)
	assert.LessOrEqual(t, trueResidual(s, x, b), 1e-10)
	res = GMRES(x, s.Apply, b, n, &KrylovOptions{RTol: 1e-11})
	assert.Equal(t, Converged, res.Status)

	// Two eigenvalues of either sign: two iterations.
	for i := range lambda {
		lambda[i] = float64(3*(i%2) - 1)
	}
	clear(x)
	res = MINRES(x, withSpectrum(lambda, 123).Apply, b, &KrylovOptions{RTol: 1e-12})
	assert.Equal(t, 2, res.Iterations)

	// Singular: consistent converges, inconsistent ends at the least-squares solution.
	d := NewDiagonal([]float64{2, 0, -1})
	x = make([]float64, 3)
	assert.Equal(t, Converged, MINRES(x, d.Apply, []float64{2, 0, 3}, nil).Status)
	assert.InDeltaSlice(t, []float64{1, 0, -3}, x, 1e-9)
	clear(x)
	res = MINRES(x, d.Apply, []float64{2, 5, 3}, &KrylovOptions{MaxIter: 50})
	assert.Equal(t, Breakdown, res.Status)
	assert.InDelta(t, 5/math.Sqrt(38), res.Residual, 1e-12)
	assert.InDelta(t, 1, x[0], 1e-10)
	assert.InDelta(t, -3, x[2], 1e-10)

	clear(x)
	assert.Equal(t, Result{0, 0, Converged}, MINRES(x, d.Apply, make([]float64, 3), nil))
	assert.Equal(t, Result{0, 0, Converged}, GMRES(x, d.Apply, make([]float64, 3), 2, nil))
	for _, f := range []func(x []float64, apply func(dst, x []float64), b []float64) Result{
		func(x []float64, a func(dst, x []float64), b []float64) Result { return MINRES(x, a, b, nil) },
		func(x []float64, a func(dst, x []float64), b []float64) Result { return GMRES(x, a, b, 3, nil) },
	} {
		assert.Equal(t, NonFinite, f(x, NewDiagonal([]float64{1, math.NaN(), 1}).Apply, []float64{1, 1, 1}).Status)
		assert.Equal(t, NonFinite, f(x, d.Apply, []float64{1, math.NaN(), 1}).Status)
		assert.Equal(t, make([]float64, 3), x)
		assert.Panics(t, func() { f(x, d.Apply, []float64{1}) })
	}
}

func TestStatus(t *testing.T) {
	assert.Equal(t, "converged", Converged.String())
	assert.Equal(t, "Status(0)", Status(0).String())
	for _, s := range []Status{0, Breakdown, Indefinite, NonFinite, 99} {
		assert.Error(t, s.Err(), s.String())
	}
}
