package inverse

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/tweedie"
	"gonum.org/v1/gonum/floats"
)

// A Local is what a gain knows of one point, and its work space.
type Local struct {
	*Problem
	X            []float64 // the noisy point
	Mean         []float64 // x̂0
	Residual     []float64 // y - A x̂0
	Alpha, Sigma float64

	linear score.Linear // the prior's, at X if moved
	moved  bool
	counts Counts
	d1, d2 []float64 // scratch of gains, a point each
	m1, m2 []float64 // and a measurement each
	in, d3 []float64 // scratch of system and of covariances
	m3     []float64 // scratch of solvers
	src    *stream.Source
	cov    Covariance // of system
	gamma  float64    // of normal
	sys    func(dst, u []float64)
	nrm    func(dst, x []float64)
	stp    func(alpha float64)
	sum    []float64 // of step
	opts   linop.KrylovOptions
	root   lanczos
}

func newLocal(p *Problem, model tweedie.Model) *Local {
	m, d := p.Dims()
	l := &Local{
		Problem: p, linear: score.LinearOf(model), Mean: make([]float64, d), Residual: make([]float64, m),
		d1: make([]float64, d), d2: make([]float64, d), in: make([]float64, d),
		d3: make([]float64, d), src: stream.New(),
		m1: make([]float64, m), m2: make([]float64, m), m3: make([]float64, m),
	}
	l.sys, l.nrm, l.stp = l.system, l.normal, l.step
	l.opts.Work = new(linop.Work)
	return l
}

// at moves l to a point whose x̂0 is known.
func (l *Local) at(x, mean []float64, alpha, sigma float64) {
	l.X, l.Alpha, l.Sigma, l.moved = x, alpha, sigma, false
	copy(l.Mean, mean)
	l.compare()
}

// denoise moves l to a point where the prior's Jacobian is of use, and finds x̂0.
func (l *Local) denoise(x []float64, alpha, sigma float64) {
	l.X, l.Alpha, l.Sigma, l.moved = x, alpha, sigma, true
	l.linear.At(l.Mean, x, alpha, sigma)
	l.compare()
}

// compare makes the residual.
func (l *Local) compare() {
	l.Apply(l.Residual, l.Mean)
	floats.SubTo(l.Residual, l.y, l.Residual)
}

// NoiseToSignal returns σ/α.
func (l *Local) NoiseToSignal() float64 { return l.Sigma / l.Alpha }

// Apply writes A x.
func (l *Local) Apply(dst, x []float64) {
	l.counts.Apply++
	l.a.Apply(dst, x)
}

// Adjoint writes Aᵀ y.
func (l *Local) Adjoint(dst, y []float64) {
	l.counts.Adjoint++
	l.a.Adjoint(dst, y)
}

// JVP writes (∂D/∂x) v.
func (l *Local) JVP(dst, v []float64) {
	l.counts.JVP++
	if !l.moved {
		l.linear.At(nil, l.X, l.Alpha, l.Sigma)
		l.moved = true
	}
	l.linear.JVP(dst, v)
}

// A Krylov says when an iteration ends. The zero value goes on to the relative residual
// 1e-10, or to twice the number of unknowns.
type Krylov struct {
	Iterations int     // most iterations; zero means twice the number of unknowns
	RTol       float64 // relative residual; zero means 1e-10, or 0 if Iterations is set
}

func (k Krylov) check() error {
	if k.Iterations < 0 || !(k.RTol >= 0) {
		return fmt.Errorf("inverse: the iteration has the limit %d and the tolerance %g, want numbers of 0 or more", k.Iterations, k.RTol)
	}
	return nil
}

// cg solves S x = b from x = 0.
func (l *Local) cg(x []float64, s func(dst, x []float64), b []float64, k Krylov) {
	l.opts.MaxIter, l.opts.RTol = k.Iterations, k.RTol
	if k == (Krylov{}) {
		l.opts.RTol = 1e-10
	}
	clear(x)
	l.counts.Solves++
	// Exactly as many iterations as were asked for are no failure.
	if r := linop.CG(x, s, b, &l.opts); r.Status != linop.Converged && (k.RTol > 0 || k.Iterations == 0) {
		l.counts.Unfinished++
	}
}

// solve writes u = (A C Aᵀ + R)⁻¹ r; r is not m1 and not m3.
func (l *Local) solve(u []float64, c Covariance, r []float64, k Krylov) {
	scale, scalar := scaleOf(c, l)
	if s, ok := l.spectral(); ok && scalar {
		l.solveSpectral(u, s, scale, r)
		return
	}
	l.cov = c
	l.cg(u, l.sys, r, k)
}

// solveSpectral divides by c s² + σ² in the coordinates of U; where that is zero the
// solution of least norm has zero.
func (l *Local) solveSpectral(u []float64, s linop.Spectral, c float64, r []float64) {
	l.counts.Solves++
	l.counts.Adjoint++
	l.counts.Apply++
	s.UT(l.m3, r)
	sv := s.Singular()
	for i, v := range l.m3 {
		var g float64
		if i < len(sv) {
			g = c * sv[i] * sv[i]
		}
		if g += l.std * l.std; g > 0 {
			l.m3[i] = v / g
		} else {
			l.m3[i] = 0
		}
	}
	s.U(u, l.m3)
}

// system writes (A C Aᵀ + R) u.
func (l *Local) system(dst, u []float64) {
	if zero(u) { // the iteration's start costs nothing
		clear(dst)
		return
	}
	l.Adjoint(l.in, u)
	l.cov.Mul(l.d2, l.in, l)
	l.Apply(dst, l.d2)
	l.addNoise(dst, u)
}

// addNoise adds R u.
func (l *Local) addNoise(dst, u []float64) {
	for i, v := range u {
		dst[i] += l.Variance(i) * v
	}
}

// normal writes (I + γ AᵀA) x, or AᵀA x if γ is 0.
func (l *Local) normal(dst, x []float64) {
	if zero(x) {
		clear(dst)
		return
	}
	l.Apply(l.m3, x)
	l.Adjoint(dst, l.m3)
	if l.gamma != 0 {
		floats.AddScaledTo(dst, x, l.gamma, dst)
	}
}

func zero(x []float64) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}

// through writes C Aᵀ(A C Aᵀ + R)⁻¹ r, and the solution into m1; r is not m1 and not m3,
// dst not d2. The products of the iteration are what it needs of C: there is no other.
func (l *Local) through(dst []float64, c Covariance, r []float64, k Krylov) {
	if _, scalar := scaleOf(c, l); scalar {
		if _, ok := l.spectral(); ok {
			l.solve(l.m1, c, r, k)
			l.Adjoint(l.in, l.m1)
			c.Mul(dst, l.in, l)
			return
		}
	}
	clear(dst)
	l.sum, l.opts.Step = dst, l.stp
	l.solve(l.m1, c, r, k)
	l.sum, l.opts.Step = nil, nil
}

// step adds the last direction of the system to sum.
func (l *Local) step(alpha float64) { floats.AddScaled(l.sum, alpha, l.d2) }

// gainThrough writes x̂0 + C Aᵀu.
func (l *Local) gainThrough(dst []float64, c Covariance, u []float64) {
	l.Adjoint(l.d1, u)
	c.Mul(dst, l.d1, l)
	floats.Add(dst, l.Mean)
}

// weigh writes x̂0 + V diag(λ(s_i)/s_i) Uᵀ(y - A x̂0), leaving out s_i that are zero to
// rounding.
func (l *Local) weigh(dst []float64, s linop.Spectral, lambda func(sv float64) float64) {
	l.counts.Apply++
	l.counts.Adjoint++
	s.UT(l.m1, l.Residual)
	sv := s.Singular()
	floor := rankTol * floats.Max(sv)
	clear(l.d1)
	for i, v := range sv {
		if v > floor {
			l.d1[i] = l.m1[i] * lambda(v) / v
		}
	}
	s.V(dst, l.d1)
	floats.Add(dst, l.Mean)
}

// rankTol is the part of the largest singular value below which one counts as zero.
const rankTol = 1e-10

// signs fills v with random signs, the same at every point.
func (l *Local) signs(v []float64, seed, index uint64) {
	l.src.Signs(v, seed, stream.Probe, 0, index)
}
