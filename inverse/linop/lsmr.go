package linop

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// LSMR minimises as LSQR does, but each iterate has the least ‖Aᵀr‖ of its Krylov space
// instead of the least ‖r‖, so that the residual of the normal equations falls
// monotonically and stopping early is safe (Fong and Saunders 2011, SIAM Journal on
// Scientific Computing 33): MINRES on the normal equations, without forming them. The
// arguments are those of CGLS.
func LSMR(x []float64, op Operator, b []float64, damp float64, o *KrylovOptions) Result {
	c, rows, cols := prepareLeastSquares(x, op, b, damp, o, 2, 4)
	bi := bidiagonal{op: op, u: c.Work.take(rows), p: c.Work.take(rows), v: c.Work.take(cols), q: c.Work.take(cols)}
	h, hbar := c.Work.take(cols), c.Work.take(cols)
	bi.start(x, b)
	copy(h, bi.v)
	clear(hbar)

	alphabar, zetabar := bi.alpha, bi.alpha*bi.beta
	rho, rhobar, cbar, sbar := 1.0, 1.0, 1.0, 0.0
	res := lsmrResidual{betadd: bi.beta, rhod: 1}
	g := leastSquaresGauge{first: zetabar}
	if g.judge(&c, zetabar, bi.beta) {
		return g.Result
	}
	for {
		bi.step()
		alphahat := math.Hypot(alphabar, damp)
		chat, shat := alphabar/alphahat, damp/alphahat

		rhoOld, rhobarOld := rho, rhobar
		rho = math.Hypot(alphahat, bi.beta)
		cs, sn := alphahat/rho, bi.beta/rho
		theta := sn * bi.alpha
		alphabar = cs * bi.alpha

		thetabar := sbar * rho
		rhobar = math.Hypot(cbar*rho, theta)
		cbar, sbar = cbar*rho/rhobar, theta/rhobar
		zeta := cbar * zetabar
		zetabar *= -sbar

		step := zeta / (rho * rhobar)
		if !finite(step) || !finite(theta/rho) {
			g.Status = NonFinite
			return g.Result
		}
		floats.Scale(-thetabar*rho/(rhoOld*rhobarOld), hbar)
		floats.Add(hbar, h)
		floats.AddScaled(x, step, hbar)
		floats.Scale(-theta/rho, h)
		floats.Add(h, bi.v)
		g.Iterations++
		if g.judge(&c, math.Abs(zetabar), res.next(chat, shat, cs, sn, thetabar, rhobar, zeta)) {
			return g.Result
		}
	}
}

// lsmrResidual follows the norm of the (damped) residual by the recurrences of section
// 5.2 there; the names are theirs.
type lsmrResidual struct {
	betadd, betad, rhod, tautilde, thetatilde, zeta, sum float64
}

func (r *lsmrResidual) next(chat, shat, c, s, thetabar, rhobar, zeta float64) float64 {
	betaacute, betacheck := chat*r.betadd, -shat*r.betadd
	betahat := c * betaacute
	r.betadd = -s * betaacute

	rhotilde := math.Hypot(r.rhod, thetabar)
	ctilde, stilde := r.rhod/rhotilde, thetabar/rhotilde
	thetatilde := r.thetatilde
	r.thetatilde = stilde * rhobar
	r.rhod = ctilde * rhobar
	r.betad = -stilde*r.betad + ctilde*betahat
	r.tautilde = (r.zeta - thetatilde*r.tautilde) / rhotilde
	r.zeta = zeta
	taud := (zeta - r.thetatilde*r.tautilde) / r.rhod
	r.sum += betacheck * betacheck
	return math.Sqrt(r.sum + (r.betad-taud)*(r.betad-taud) + r.betadd*r.betadd)
}
