package linop

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// CGLS minimises
//
//	‖A x − b‖² + damp² ‖x − x₀‖²
//
// by conjugate gradients on the normal equations without forming AᵀA (Hestenes and
// Stiefel 1952; Björck 1996, Numerical Methods for Least Squares Problems, algorithm
// 7.4.1). x holds the start x₀, which is also where the damping pulls, and receives the
// solution. With damp = 0 and x₀ = 0 the limit is the least-squares solution of least
// norm. One iteration costs one application of A and one of its adjoint, and the start
// as much.
//
// Result.Residual is ‖Aᵀ(b − A x) − damp² (x − x₀)‖ over its value at x₀, the relative
// residual of the normal equations, and RTol bounds this one. ATol has another use than
// in CG: it ends the iteration as soon as
//
//	√(‖b − A x‖² + damp² ‖x − x₀‖²) ≤ ATol,
//
// for damp = 0 the discrepancy principle of Morozov: with noise of standard deviation σ
// in m data choose ATol a little above σ √m. There is no preconditioner. It panics on
// wrong lengths and on a negative damp.
func CGLS(x []float64, op Operator, b []float64, damp float64, o *KrylovOptions) Result {
	c, rows, cols := prepareLeastSquares(x, op, b, damp, o, 2, 4)
	r, q := c.Work.take(rows), c.Work.take(rows)
	d, s, p, t := c.Work.take(cols), c.Work.take(cols), c.Work.take(cols), c.Work.take(cols)

	// d = x − x₀ solves the problem for the first residual, from zero.
	op.Apply(q, x)
	floats.SubTo(r, b, q)
	op.Adjoint(s, r)
	copy(p, s)
	clear(d)
	g := leastSquaresGauge{first: norm(s)}
	gamma := g.first * g.first
	if g.judge(&c, g.first, norm(r)) {
		return g.Result
	}
	for {
		op.Apply(q, p)
		pp := norm(p)
		delta := math.Hypot(norm(q), damp*pp)
		switch {
		case !finite(delta):
			g.Status = NonFinite
			return g.Result
		case delta <= unitRoundoff*g.size*pp: // p is in the null space
			g.Status = Breakdown
			return g.Result
		}
		g.size = max(g.size, delta/pp)
		alpha := gamma / (delta * delta)
		floats.AddScaled(d, alpha, p)
		floats.AddScaled(r, -alpha, q)
		op.Adjoint(s, r)
		floats.AddScaled(s, -damp*damp, d)
		sNorm := norm(s)
		if !finite(sNorm) {
			g.Status = NonFinite
			return g.Result
		}
		floats.AddScaled(x, alpha, p)
		g.Iterations++
		if g.judge(&c, sNorm, math.Hypot(norm(r), damp*norm(d))) {
			return g.Result
		}
		old := gamma
		gamma = sNorm * sNorm
		floats.AddScaledTo(t, s, gamma/old, p)
		p, t = t, p
	}
}

// LSQR minimises by the bidiagonalisation of Golub and Kahan (Paige and Saunders 1982,
// ACM Transactions on Mathematical Software 8). Arguments and iterates are those of
// CGLS, with less rounding where A is ill-conditioned.
func LSQR(x []float64, op Operator, b []float64, damp float64, o *KrylovOptions) Result {
	c, rows, cols := prepareLeastSquares(x, op, b, damp, o, 2, 3)
	bi := bidiagonal{op: op, u: c.Work.take(rows), p: c.Work.take(rows), v: c.Work.take(cols), q: c.Work.take(cols)}
	w := c.Work.take(cols)
	bi.start(x, b)
	copy(w, bi.v)

	rhobar, phibar := bi.alpha, bi.beta
	g := leastSquaresGauge{first: bi.alpha * bi.beta}
	if g.judge(&c, g.first, bi.beta) {
		return g.Result
	}
	phi2 := 0.0 // ‖residual‖² put aside by the damping
	for {
		bi.step()
		// Two rotations: one takes damp out, the next the new β (section 4).
		rho1 := math.Hypot(rhobar, damp)
		c1, s1 := rhobar/rho1, damp/rho1
		psi := s1 * phibar
		phibar *= c1
		phi2 += psi * psi
		rho := math.Hypot(rho1, bi.beta)
		cs, sn := rho1/rho, bi.beta/rho
		theta := sn * bi.alpha
		rhobar = -cs * bi.alpha
		phi := cs * phibar
		phibar *= sn
		if !finite(phi/rho) || !finite(theta/rho) {
			g.Status = NonFinite
			return g.Result
		}
		floats.AddScaled(x, phi/rho, w)
		floats.Scale(-theta/rho, w)
		floats.Add(w, bi.v)
		g.Iterations++
		// ‖Āᵀr̄‖ = φ̄ α |c| holds with the damping too, since the rows of √damp are rotated in.
		if g.judge(&c, math.Abs(phibar*bi.alpha*cs), math.Sqrt(phi2+phibar*phibar)) {
			return g.Result
		}
	}
}

// prepareLeastSquares checks the arguments and makes room for some vectors of each size.
func prepareLeastSquares(x []float64, op Operator, b []float64, damp float64, o *KrylovOptions, nRows, nCols int) (c KrylovOptions, rows, cols int) {
	o.noPrecond()
	rows, cols = op.Dims()
	mustLen("the start", len(x), cols)
	mustLen("the right-hand side", len(b), rows)
	if !(damp >= 0) {
		panic("linop: the damping must not be negative")
	}
	return o.prepare(cols, nRows*rows+nCols*cols), rows, cols
}

// leastSquaresGauge judges the iterates of the least-squares solvers.
type leastSquaresGauge struct {
	Result
	first float64 // the first residual of the normal equations
	size  float64 // a lower bound on the norm of the damped operator
}

// judge records an iterate with these norms of the normal residual and of the residual.
func (g *leastSquaresGauge) judge(o *KrylovOptions, normal, residual float64) (done bool) {
	g.Residual = gauge{unit: g.first}.relative(normal)
	switch {
	case !finite(normal) || !finite(residual):
		g.Status = NonFinite
		return true
	case normal <= o.RTol*g.first || residual <= o.ATol:
		g.Status = Converged
	case g.Iterations == o.MaxIter:
		g.Status = IterationLimit
	}
	o.trace(g.Iterations, g.Residual)
	return g.Status != 0
}

// bidiagonal is the process of Golub and Kahan (1965), bidiag 1 of Paige and Saunders:
//
//	β₁u₁ = b, α₁v₁ = Aᵀu₁, β u' = A v − α u, α' v' = Aᵀu' − β v.
type bidiagonal struct {
	op          Operator
	u, p, v, q  []float64
	alpha, beta float64
}

// start sets u and v from the first residual.
func (bi *bidiagonal) start(x, b []float64) {
	bi.op.Apply(bi.p, x)
	floats.SubTo(bi.u, b, bi.p)
	bi.beta = normalise(bi.u)
	bi.op.Adjoint(bi.v, bi.u)
	bi.alpha = normalise(bi.v)
}

func (bi *bidiagonal) step() {
	bi.op.Apply(bi.p, bi.v)
	floats.AddScaledTo(bi.u, bi.p, -bi.alpha, bi.u)
	bi.beta = normalise(bi.u)
	bi.op.Adjoint(bi.q, bi.u)
	floats.AddScaledTo(bi.v, bi.q, -bi.beta, bi.v)
	bi.alpha = normalise(bi.v)
}

// normalise scales v to unit norm and returns the norm it had; zero stays zero.
func normalise(v []float64) float64 {
	n := norm(v)
	if n > 0 {
		floats.Scale(1/n, v)
	}
	return n
}
