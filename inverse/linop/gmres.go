package linop

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// GMRES solves S x = b for a general square S by the iterate of least ‖b − S x‖ of each
// Krylov space, started anew after restart iterations (Saad and Schultz 1986, SIAM
// Journal on Scientific and Statistical Computing 7). x holds the start and receives the
// solution. o.Precond acts from the right, so that the residual is that of the system.
// MaxIter counts all iterations, of one application each; every start costs one more. The
// workspace holds restart + 4 vectors. It ends as Breakdown if the Krylov space is
// exhausted without a solution, or if a whole cycle makes no progress: take a larger
// restart then. It panics if restart is not positive.
func GMRES(x []float64, apply func(dst, x []float64), b []float64, restart int, o *KrylovOptions) Result {
	n := len(x)
	mustLen("the right-hand side", len(b), n)
	if restart < 1 {
		panic(fmt.Sprintf("linop: GMRES with a restart after %d iterations", restart))
	}
	m := min(restart, max(n, 1))
	c := o.prepare(n, (m+3)*n+(m+4)*(m+1))
	g := gmres{m: m, basis: c.Work.take((m + 1) * n), p: c.Work.take(n), q: c.Work.take(n)}
	g.h, g.cs, g.sn, g.rhs = c.Work.take(m*(m+1)), c.Work.take(m), c.Work.take(m), c.Work.take(m+1)
	var s cgColumn
	for first := true; ; first = false {
		apply(g.q, x)
		v := g.basis[:n]
		floats.SubTo(v, b, g.q)
		r := normalise(v)
		if first {
			s.gauge = c.gauge(norm(b), r)
			s.judge(&c, r)
		} else if s.Status == 0 && r >= g.before*(1-4*unitRoundoff) {
			s.Status = Breakdown
		}
		if s.Status != 0 {
			return s.Result
		}
		g.before = r
		k := g.cycle(&s, &c, apply, r)
		if s.Status == NonFinite {
			k-- // the last column is not finite
		}
		g.update(&c, x, k)
		if s.Status != 0 {
			return s.Result
		}
	}
}

type gmres struct {
	m              int
	basis, p, q    []float64
	h, cs, sn, rhs []float64 // the columns of R, the rotations, the rotated right-hand side
	before         float64   // residual at the start of the cycle
}

// cycle builds the basis from its first vector, the residual r over its norm, and
// returns the number of columns.
func (g *gmres) cycle(s *cgColumn, o *KrylovOptions, apply func(dst, x []float64), r float64) int {
	n := len(g.q)
	g.rhs[0] = r
	for k := range g.m {
		h := g.h[k*(g.m+1) : (k+1)*(g.m+1)]
		v := g.basis[k*n : (k+1)*n]
		if o.Precond != nil {
			o.Precond(g.p, v)
			v = g.p
		}
		w := g.basis[(k+1)*n : (k+2)*n]
		apply(w, v)
		size := norm(w)
		for j := range k + 1 { // modified Gram-Schmidt
			vj := g.basis[j*n : (j+1)*n]
			h[j] = floats.Dot(w, vj)
			floats.AddScaled(w, -h[j], vj)
		}
		next := normalise(w)
		if !finite(next) || !finite(size) {
			s.Status = NonFinite
			return k + 1
		}
		rounding := 8 * float64(k+1) * unitRoundoff * size // of the loop above
		if next <= rounding {
			next = 0
		}
		for j := range k {
			h[j], h[j+1] = g.cs[j]*h[j]+g.sn[j]*h[j+1], g.cs[j]*h[j+1]-g.sn[j]*h[j]
		}
		rho := math.Hypot(h[k], next)
		if rho <= rounding { // S maps the space into itself, and is singular there
			s.Status = Breakdown
			return k
		}
		g.cs[k], g.sn[k] = h[k]/rho, next/rho
		h[k] = rho
		g.rhs[k], g.rhs[k+1] = g.cs[k]*g.rhs[k], -g.sn[k]*g.rhs[k]
		s.Iterations++
		s.judge(o, math.Abs(g.rhs[k+1]))
		if s.Status == 0 && next == 0 {
			s.Status = Breakdown
		}
		if s.Status != 0 {
			return k + 1
		}
	}
	return g.m
}

// update adds the solution in the space of the first k vectors to x.
func (g *gmres) update(o *KrylovOptions, x []float64, k int) {
	for i := k - 1; i >= 0; i-- {
		g.rhs[i] /= g.h[i*(g.m+1)+i]
		for j := range i {
			g.rhs[j] -= g.rhs[i] * g.h[i*(g.m+1)+j]
		}
	}
	if o.Precond == nil {
		g.addBasis(x, k)
		return
	}
	clear(g.q)
	g.addBasis(g.q, k)
	o.Precond(g.p, g.q)
	floats.Add(x, g.p)
}

func (g *gmres) addBasis(dst []float64, k int) {
	for j, v := range g.rhs[:k] {
		floats.AddScaled(dst, v, g.basis[j*len(dst):(j+1)*len(dst)])
	}
}
