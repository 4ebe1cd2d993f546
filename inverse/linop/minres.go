package linop

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// MINRES solves S x = b for a symmetric S, definite or not, by the iterate of least
// ‖b − S x‖ of each Krylov space (Paige and Saunders 1975, SIAM Journal on Numerical
// Analysis 12). x holds the start and receives the solution; the residual falls
// monotonically. If S is singular and the system has no solution, it ends as Breakdown
// at a least-squares solution. It takes no preconditioner; the options are those of CG
// otherwise.
func MINRES(x []float64, apply func(dst, x []float64), b []float64, o *KrylovOptions) Result {
	o.noPrecond()
	n := len(x)
	mustLen("the right-hand side", len(b), n)
	c := o.prepare(n, 5*n)
	old, v, q := c.Work.take(n), c.Work.take(n), c.Work.take(n)
	w, w1 := c.Work.take(n), c.Work.take(n) // the last two directions
	clear(old)
	clear(w)
	clear(w1)

	apply(q, x)
	floats.SubTo(v, b, q)
	phi := normalise(v)
	var s cgColumn // for its judgement
	s.gauge = c.gauge(norm(b), phi)
	s.judge(&c, phi)
	beta, c0, s0, c1, s1 := 0.0, 1.0, 0.0, 1.0, 0.0
	for s.Status == 0 {
		apply(q, v)
		floats.AddScaled(q, -beta, old)
		alpha := floats.Dot(q, v)
		floats.AddScaled(q, -alpha, v)
		next := norm(q)
		if !finite(next) || !finite(alpha) {
			s.Status = NonFinite
			break
		}
		s.size = max(s.size, math.Abs(alpha)+beta+next) // bounds ‖S‖ but for a factor of √3

		// The two rotations before act on the new column (0, β, α, β').
		rho3, t := s0*beta, c0*beta
		rho2, rhobar := c1*t+s1*alpha, c1*alpha-s1*t
		// ‖S r‖/‖r‖ of the iterate before: at rounding, r is in the null space.
		if math.Hypot(rhobar, c1*next) <= 4*unitRoundoff*s.size {
			s.Status = Breakdown
			break
		}
		rho := math.Hypot(rhobar, next)
		cs, sn := rhobar/rho, next/rho
		// w, w1 = (v − ρ₂ w − ρ₃ w1)/ρ, w
		floats.Scale(-rho3, w1)
		floats.AddScaled(w1, -rho2, w)
		floats.Add(w1, v)
		floats.Scale(1/rho, w1)
		w, w1 = w1, w
		floats.AddScaled(x, cs*phi, w)
		phi *= -sn
		s.Iterations++
		s.judge(&c, math.Abs(phi))

		if next > 0 {
			floats.Scale(1/next, q)
		}
		old, v, q = v, q, old
		c0, s0, c1, s1, beta = c1, s1, cs, sn, next
	}
	return s.Result
}
