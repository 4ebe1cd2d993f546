package linop

import (
	"math"
	"math/cmplx"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// withSpectrum returns Q diag(λ) Qᵀ for a random orthogonal Q.
func withSpectrum(lambda []float64, sample uint64) *Matrix {
	n := len(lambda)
	var qr mat.QR
	qr.Factorize(matrix(n, n, sample))
	var q, qd, s mat.Dense
	qr.QTo(&q)
	qd.Mul(&q, mat.NewDiagDense(n, lambda))
	s.Mul(&qd, q.T())
	for i := range n { // exactly symmetric
		for j := range i {
			s.Set(i, j, s.At(j, i))
		}
	}
	return NewMatrix(&s)
}

func logspaced(n int, lo, hi float64) []float64 { return floats.LogSpan(make([]float64, n), lo, hi) }

// trueResidual returns ‖b − S x‖/‖b‖.
func trueResidual(s Operator, x, b []float64) float64 {
	r := make([]float64, len(b))
	s.Apply(r, x)
	return floats.Distance(r, b, 2) / floats.Norm(b, 2)
}

func TestCGSolves(t *testing.T) {
	s := withSpectrum(logspaced(40, 1, 1e3), 60)
	b := gaussian(40, 61)
	var want mat.VecDense
	require.NoError(t, want.SolveVec(Dense(s), mat.NewVecDense(40, b)))
	x := make([]float64, 40)
	res := CG(x, s.Apply, b, &KrylovOptions{RTol: 1e-12, MaxIter: 400})
	assert.Equal(t, Converged, res.Status)
	assert.LessOrEqual(t, res.Residual, 1e-12)
	assert.InDelta(t, res.Residual, trueResidual(s, x, b), 1e-12) // rounding times the condition 10³
	// The error is the residual times the condition number at most.
	assert.LessOrEqual(t, floats.Distance(x, want.RawVector().Data, 2), 1e-9*mat.Norm(&want, 2))

	// The default options, and a warm start at the solution.
	clear(x)
	assert.Equal(t, Converged, CG(x, s.Apply, b, nil).Status)
	assert.LessOrEqual(t, trueResidual(s, x, b), 2e-10)
	calls := 0
	again := CG(x, func(dst, x []float64) { calls++; s.Apply(dst, x) }, b, &KrylovOptions{RTol: 1e-9})
	assert.Equal(t, Converged, again.Status)
	assert.Zero(t, again.Iterations)
	assert.Equal(t, 1, calls)
}

// k distinct eigenvalues take k iterations, whatever the size, and k − 1 do not do.
func TestCGCountsDistinctEigenvalues(t *testing.T) {
	for k := 1; k <= 6; k++ {
		lambda := make([]float64, 30)
		for i := range lambda {
			lambda[i] = float64(1 + i%k)
		}
		s := withSpectrum(lambda, 62)
		x, b := make([]float64, 30), gaussian(30, 63)
		res := CG(x, s.Apply, b, &KrylovOptions{RTol: 1e-12})
		assert.Equal(t, k, res.Iterations)
		assert.Equal(t, Converged, res.Status)
		clear(x)
		res = CG(x, s.Apply, b, &KrylovOptions{MaxIter: k - 1 + 1/k, RTol: 1e-12})
		if k > 1 {
			assert.Equal(t, IterationLimit, res.Status)
			assert.Greater(t, res.Residual, 1e-6)
		}
	}
}

// Each iterate is the minimiser of the energy norm over the Krylov space, which a dense
// projection gives.
func TestCGIsOptimal(t *testing.T) {
	const n = 25
	s := withSpectrum(logspaced(n, 1, 100), 64)
	b, start := gaussian(n, 65), gaussian(n, 66)
	var exact mat.VecDense
	require.NoError(t, exact.SolveVec(Dense(s), mat.NewVecDense(n, b)))
	for m := 1; m <= 5; m++ {
		// min over c of ‖x₀ + K c − x*‖_S:  (KᵀSK) c = Kᵀ r₀
		r := make([]float64, n)
		s.Apply(r, start)
		floats.SubTo(r, b, r)
		k := mat.NewDense(n, m, nil)
		v := append([]float64(nil), r...)
		for j := range m {
			normalise(v)
			k.SetCol(j, v)
			w := make([]float64, n)
			s.Apply(w, v)
			v = w
		}
		var sk, ksk mat.Dense
		sk.Mul(Dense(s), k)
		ksk.Mul(k.T(), &sk)
		var kr, c, want mat.VecDense
		kr.MulVec(k.T(), mat.NewVecDense(n, r))
		require.NoError(t, c.SolveVec(&ksk, &kr))
		want.MulVec(k, &c)
		want.AddVec(&want, mat.NewVecDense(n, append([]float64(nil), start...)))

		x := append([]float64(nil), start...)
		res := CG(x, s.Apply, b, &KrylovOptions{MaxIter: m})
		assert.Equal(t, Result{m, res.Residual, IterationLimit}, res, "exactly MaxIter")
		// The power basis of five vectors has a condition number of up to 10⁵.
		assert.LessOrEqual(t, floats.Distance(x, want.RawVector().Data, 2), 1e-9*mat.Norm(&want, 2))
	}
}

func TestCGEdges(t *testing.T) {
	s := withSpectrum([]float64{1, 2, 3, 4}, 67)
	b := gaussian(4, 68)
	solve := func(op Operator, x, b []float64, o *KrylovOptions) Result { return CG(x, op.Apply, b, o) }

	// A zero right-hand side: the solution at once, or by iteration from elsewhere.
	assert.Equal(t, Result{0, 0, Converged}, solve(s, make([]float64, 4), make([]float64, 4), nil))
	x := gaussian(4, 69)
	res := solve(s, x, make([]float64, 4), &KrylovOptions{RTol: 1e-12})
	assert.Equal(t, Converged, res.Status)
	assert.InDelta(t, 0, floats.Norm(x, 2), 1e-11)

	// With semidefinite S the null-space part of the start stays (here coordinate 1).
	semi := NewDiagonal([]float64{2, 0, 1})
	x = []float64{5, 7, 9}
	assert.Equal(t, Converged, solve(semi, x, []float64{2, 0, 3}, nil).Status)
	assert.InDeltaSlice(t, []float64{1, 7, 3}, x, 1e-9)
	// Inconsistent: what is left is in the null space.
	x = make([]float64, 3)
	res = solve(semi, x, []float64{2, 1, 3}, &KrylovOptions{MaxIter: 100})
	assert.Equal(t, Breakdown, res.Status)
	assert.Error(t, res.Status.Err())
	assert.False(t, floats.HasNaN(x))

	assert.Equal(t, Indefinite, solve(NewDiagonal([]float64{1, -2, 3}), make([]float64, 3), []float64{1, 1, 1}, nil).Status)
	assert.Equal(t, Breakdown, solve(NewScale(3, 0), make([]float64, 3), []float64{1, 1, 1}, nil).Status)
	bad := CG(make([]float64, 4), s.Apply, b, &KrylovOptions{Precond: func(dst, r []float64) { floats.ScaleTo(dst, -1, r) }})
	assert.Equal(t, Indefinite, bad.Status)

	// NaN in the data, and in the operator after the start: x is the last good iterate.
	x = make([]float64, 4)
	assert.Equal(t, NonFinite, solve(s, x, []float64{1, math.NaN(), 0, 0}, nil).Status)
	assert.Equal(t, make([]float64, 4), x)
	assert.Equal(t, NonFinite, solve(s, x, []float64{1, math.Inf(1), 0, 0}, nil).Status)
	calls, kept := 0, []float64(nil)
	res = CG(x, func(dst, v []float64) {
		s.Apply(dst, v)
		if calls++; calls == 4 {
			dst[2] = math.NaN()
			kept = append(kept, x...)
		}
	}, b, &KrylovOptions{})
	assert.Equal(t, NonFinite, res.Status)
	assert.Equal(t, 2, res.Iterations)
	assert.Equal(t, kept, x)

	// A right-hand side whose squares underflow is not mistaken for zero.
	tiny := []float64{1e-200, 0, 0, 0}
	assert.NotEqual(t, Converged, solve(s, make([]float64, 4), tiny, nil).Status)

	assert.Panics(t, func() { solve(s, make([]float64, 3), b, nil) })
	assert.Panics(t, func() { solve(s, make([]float64, 4), b, &KrylovOptions{MaxIter: -1}) })
	assert.Panics(t, func() { solve(s, make([]float64, 4), b, &KrylovOptions{RTol: math.NaN()}) })
}

// With tolerances 0 and a hard system exactly MaxIter iterations are done, and the
// history is that of the iterates.
func TestCGHistory(t *testing.T) {
	s := withSpectrum(logspaced(30, 1e-6, 1), 70)
	b := gaussian(30, 71)
	var history []float64
	x := make([]float64, 30)
	res := CG(x, s.Apply, b, &KrylovOptions{MaxIter: 25, Trace: func(iter int, r float64) {
		assert.Len(t, history, iter)
		assert.InDelta(t, r, trueResidual(s, x, b), 1e-9) // rounding times the condition 10⁶
		history = append(history, r)
	}})
	assert.Equal(t, 25, res.Iterations)
	assert.Equal(t, IterationLimit, res.Status)
	assert.NoError(t, res.Status.Err())
	require.Len(t, history, 26)
	assert.Equal(t, res.Residual, history[25])
	assert.InDelta(t, 1, history[0], 1e-15)

	// ATol ends at ‖r‖ ≤ ATol, whatever ‖b‖.
	easy := withSpectrum(logspaced(30, 1, 10), 70)
	clear(x)
	res = CG(x, easy.Apply, b, &KrylovOptions{ATol: 0.01})
	assert.Equal(t, Converged, res.Status)
	assert.LessOrEqual(t, res.Residual*floats.Norm(b, 2), 0.01)
	clear(x)
	fewer := CG(x, easy.Apply, b, &KrylovOptions{MaxIter: res.Iterations - 1, ATol: 0.01})
	assert.Equal(t, IterationLimit, fewer.Status)
}

// Preconditioned with M, CG is CG on M^{-1/2} S M^{-1/2}: with M = S it takes one
// iteration, and with a diagonal it takes what the scaled system takes.
func TestCGPreconditioned(t *testing.T) {
	const n = 30
	s := withSpectrum(logspaced(n, 1, 1e3), 72)
	b := gaussian(n, 73)
	var lu mat.LU
	lu.Factorize(Dense(s))
	x := make([]float64, n)
	res := CG(x, s.Apply, b, &KrylovOptions{RTol: 1e-11, Precond: func(dst, r []float64) {
		require.NoError(t, lu.SolveVecTo(mat.NewVecDense(n, dst), false, mat.NewVecDense(n, r)))
	}})
	assert.Equal(t, 1, res.Iterations)

	scale := make([]float64, n)
	for i := range scale {
		scale[i] = math.Exp(2 * gaussian(n, 74)[i])
	}
	d := NewDiagonal(scale)
	scaled := Compose(d, s, d) // M = D²
	plainB := make([]float64, n)
	d.Apply(plainB, b)
	plain, pre := make([]float64, n), make([]float64, n)
	CG(plain, s.Apply, b, &KrylovOptions{MaxIter: 8})
	pres := CG(pre, scaled.Apply, plainB, &KrylovOptions{MaxIter: 8, Precond: func(dst, r []float64) {
		for i, v := range r {
			dst[i] = v / (scale[i] * scale[i])
		}
	}})
	assert.Equal(t, 8, pres.Iterations)
	back := make([]float64, n)
	d.Apply(back, pre) // x = D x'
	// Rounding, amplified by the spread of D² and the eight steps.
	assert.LessOrEqual(t, floats.Distance(back, plain, 2), 1e-9*floats.Norm(plain, 2))
}

// A Hermitian system in pairs (re, im) gives the iterates of complex conjugate gradients.
func TestCGComplex(t *testing.T) {
	const n = 12
	g := gaussian(2*n*n, 75)
	c := mat.NewCDense(n, n, nil) // G Gᴴ + I
	for i := range n {
		for j := range n {
			for k := range n {
				c.Set(i, j, c.At(i, j)+complex(g[2*(i*n+k)], g[2*(i*n+k)+1])*complex(g[2*(j*n+k)], -g[2*(j*n+k)+1]))
			}
		}
		c.Set(i, i, c.At(i, i)+1)
	}
	mul := func(dst, x []complex128) {
		for i := range dst {
			dst[i] = 0
			for j, v := range x {
				dst[i] += c.At(i, j) * v
			}
		}
	}
	dot := func(a, b []complex128) (s complex128) {
		for i, v := range a {
			s += cmplx.Conj(v) * b[i]
		}
		return s
	}
	pairs := gaussian(2*n, 76)
	b, x, r, p, q := make([]complex128, n), make([]complex128, n), make([]complex128, n), make([]complex128, n), make([]complex128, n)
	for i := range b {
		b[i] = complex(pairs[2*i], pairs[2*i+1])
	}
	copy(r, b)
	copy(p, b)
	const iters = 5
	rr := dot(r, r)
	for range iters {
		mul(q, p)
		alpha := rr / dot(p, q)
		for i := range x {
			x[i] += alpha * p[i]
			r[i] -= alpha * q[i]
		}
		next := dot(r, r)
		for i := range p {
			p[i] = r[i] + next/rr*p[i]
		}
		rr = next
	}

	z := make([]float64, 2*n)
	in, out := make([]complex128, n), make([]complex128, n)
	CG(z, func(dst, v []float64) {
		for i := range in {
			in[i] = complex(v[2*i], v[2*i+1])
		}
		mul(out, in)
		for i, w := range out {
			dst[2*i], dst[2*i+1] = real(w), imag(w)
		}
	}, pairs, &KrylovOptions{MaxIter: iters})
	for i, w := range x {
		assert.InDelta(t, real(w), z[2*i], 1e-12) // five steps of rounding
		assert.InDelta(t, imag(w), z[2*i+1], 1e-12)
	}
}

// TestCGLong: a system long enough for several goroutines gives the same bits with each
// number of them, and with a Trace, before which x is brought up to date.
func TestCGLong(t *testing.T) {
	const n = sweepAlone + 3*sweepBlock + 5
	apply := func(dst, x []float64) {
		for i, v := range x {
			dst[i] = v * (1 + float64(i%7))
		}
	}
	b := gaussian(n, 90)
	solve := func(workers int, trace bool) ([]float64, Result) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		x, o := make([]float64, n), &KrylovOptions{MaxIter: 4}
		if trace {
			o.Trace = func(iter int, res float64) {
				if iter == 0 {
					return
				}
				sum := 0.0
				for i, v := range x {
					r := b[i] - v*(1+float64(i%7))
					sum += r * r
				}
				assert.InDelta(t, math.Sqrt(sum)/norm(b), res, 1e-13) // rounding of unit vectors
			}
		}
		return x, CG(x, apply, b, o)
	}
	want, result := solve(1, false)
	assert.Equal(t, IterationLimit, result.Status)
	for _, workers := range []int{2, 5} {
		x, res := solve(workers, workers == 5)
		assert.Equal(t, want, x)
		assert.Equal(t, result, res)
	}
}

// The steps that CG tells make of the products with its directions that with the solution.
func TestCGTellsItsSteps(t *testing.T) {
	const n = 7
	b := NewMatrix(matrix(9, n, 40))
	rhs, x, last, sum := gaussian(n, 41), make([]float64, n), make([]float64, 9), make([]float64, 9)
	CG(x, func(dst, p []float64) {
		b.Apply(last, p)
		b.Adjoint(dst, last)
	}, rhs, &KrylovOptions{MaxIter: 3, Step: func(alpha float64) { floats.AddScaled(sum, alpha, last) }})
	want := make([]float64, 9)
	b.Apply(want, x)
	assert.InDeltaSlice(t, want, sum, 1e-13) // rounding of numbers near 1
}
