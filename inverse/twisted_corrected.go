package inverse

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// TwistedCorrected is Twisted with the covariance in the transitions as well: the chain
// of the prior draws x₁ from the local Gaussian in each step, as Corrected does,
//
//	p(x'|x) = N(m, gain² C + v I),   p(x₁|x_K) = N(D, C),
//
// and the proposal is p(x'|x, y) of this Gaussian itself. The weight of a step is then
// what the twist at x' finds more or less than the local Gaussian expected there,
//
//	w'/w = ψ'(x') / N(y; A μ, A Σ Aᵀ + R),   Σ = v C M⁻¹,  μ = D + gain C M⁻¹(x' - m),  M = gain² C + v I,
//
// and for a Gaussian prior at η = 1 it is 1 at every number of steps: all particles stay exact. The last
// step costs nothing. It takes about 2m + 3 systems with C for each particle and step and
// is for few measurements, up to 64. The law of a step is exact up to the tolerances
// of the two iterations.
type TwistedCorrected struct {
	Krylov  Krylov // of the systems; the zero value solves to 1e-10
	Lanczos Krylov // of the square root of C, see Tweedie
}

func (t TwistedCorrected) prepare(r *smcRun) (func() mover, error) {
	m, d := r.c.problem.Dims()
	if m > formed {
		return nil, fmt.Errorf("inverse: TwistedCorrected forms matrices of the size of the data, %d; the limit is %d, and Twisted has none", m, formed)
	}
	if err := t.Lanczos.check(); err != nil {
		return nil, err
	}
	newTwisted, err := Twisted{Krylov: t.Krylov}.prepare(r)
	r.aux = 0 // all is found again where it is needed
	if err != nil {
		return nil, err
	}
	return func() mover {
		w := &twistedCorrected{twisted: *newTwisted().(*twisted), h: make([]float64, m*d), e: make([]float64, d)}
		w.draw = corrected{Corrected: Corrected{Cov: Tweedie{Lanczos: t.Lanczos}, Krylov: t.Krylov}, l: w.l, x1: make([]float64, d)}
		w.sys = w.system
		return w
	}, nil
}

type twistedCorrected struct {
	twisted
	draw corrected
	h    []float64 // M⁻¹ C Aᵀ, rows
	e    []float64 // x' - m
	leg  smcLeg
	sys  func(dst, v []float64)
}

// system writes M v.
func (w *twistedCorrected) system(dst, v []float64) {
	jacobian.Mul(dst, v, w.l)
	for i, u := range v {
		dst[i] = w.leg.gain*w.leg.gain*dst[i] + w.leg.v*u
	}
}

// here moves the local Gaussian to the particle at time k.
func (w *twistedCorrected) here(p *particle, k int) {
	c := w.run.at[k]
	w.l.at(p.x, p.mean, c.Alpha, c.Sigma)
}

func (w *twistedCorrected) move(p *particle, z []float64, k int) float64 {
	l, g := w.l, w.run.legs[k]
	m, d := l.Dims()
	w.here(p, k-1)
	w.draw.drawClean(z[d:2*d], z[2*d:2*d+m])
	// x is needed to the end for the products with C: the move itself comes last.
	w.leg = g
	for i := range w.e {
		w.e[i] = g.gain*(w.draw.x1[i]-p.mean[i]) + math.Sqrt(g.v)*z[i]
	}
	l.Apply(l.Residual, p.mean)
	for i := range m {
		h := w.h[i*d : (i+1)*d]
		jacobian.Mul(l.d1, w.rows[i*d:(i+1)*d], l)
		l.cg(h, w.sys, l.d1, w.Krylov)
		l.Residual[i] = l.y[i] - l.Residual[i] - g.gain*floats.Dot(h, w.e)
	}
	for i, v := range p.x {
		p.x[i] = g.keep*v + g.gain*p.mean[i] + w.e[i]
	}
	return p.twist - w.expected()
}

// expected returns log N(y; A μ, A Σ Aᵀ + R), given the residual y - A μ and h.
func (w *twistedCorrected) expected() float64 {
	w.product(w.h, w.leg.v)
	if !factor(w.s, len(w.u)) {
		return math.NaN() // C is no covariance; the run ends with an error
	}
	copy(w.u, w.l.Residual)
	return logNormal(w.l.Residual, w.u, solveFactored(w.u, w.s))
}

// finish draws x₁ from the local Gaussian given y, whose weight is 1.
func (w *twistedCorrected) finish(p *particle, z []float64) float64 {
	m, d := w.l.Dims()
	w.here(p, len(w.run.at)-1)
	w.draw.drawClean(z[d:2*d], z[2*d:2*d+m])
	copy(p.x, w.draw.x1)
	return p.twist
}
