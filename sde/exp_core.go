package sde

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// The exponential methods integrate the linear part of a Semilinear and its noise
// exactly. With h = λ'-λ, Λ = ∫ η² dλ and H = h + Λ a step is
//
//	x' = (σ'/σ) e^{-Λ} x + α' ∫ H e^{-H(1-θ)} D dθ + σ' √(1 - e^{-2Λ}) z
//
// where θ, from 0 to 1, is the clock S = ∫ (1+η²) dλ over the step. Polynomials of D are
// taken in S, so that orders hold for an η that depends on λ; for constant η they are
// polynomials in λ.
//
// The one noise level of this package is η, whose square is the rate in e^{-Λ}. The
// papers' own are, for constant η,
//
//	SDE-DPM-Solver++, SEEDS, k-diffusion's *_sde   η_theirs = η²   (e^{-η_theirs h})
//	SA-Solver                                      τ = η
//	DDIM, Euler ancestral                          η_theirs → η as h → 0
//	ER-SDE                                         sφ'(s)/φ(s) - 1 = η²
//	EDM                                            S_churn/(N h) → η² as h → 0
//
// All agree at 0, and all but EDM's at 1.

// A node is a time with the coefficients there.
type node struct {
	t, alpha, sigma float64
	lambda          float64 // log(α/σ), +∞ at σ = 0
}

// ratio returns σ̄ = σ/α.
func (n node) ratio() float64 { return n.sigma / n.alpha }

// A rateLaw returns Λ between two nodes.
type rateLaw func(p Semilinear, a, b node) float64

// exactRate integrates η² by the Gauss-Legendre rule of three nodes, of order 6.
func exactRate(p Semilinear, a, b node) float64 {
	h := b.lambda - a.lambda
	mid, off := a.lambda+h/2, math.Sqrt(0.6)*h/2
	e0, e1, e2 := p.EtaAt(mid), p.EtaAt(mid-off), p.EtaAt(mid+off)
	if e1 == e0 && e2 == e0 {
		return e0 * e0 * h
	}
	return h / 18 * (5*e1*e1 + 8*e0*e0 + 5*e2*e2)
}

// A leg is the linear part of the process between two nodes.
type leg struct {
	length float64 // H
	decay  float64 // (σ'/σ) e^{-Λ}
	std    float64 // σ' √(1 - e^{-2Λ})
}

// semi is what the steppers for semilinear processes share.
type semi struct {
	base
	p    Semilinear
	rate rateLaw
	dw   []float64
}

// newSemi panics unless the process is a Semilinear.
func newSemi(name string, p Process, src NoiseSource, rows int, rate rateLaw) semi {
	sl, ok := p.(Semilinear)
	if !ok {
		panic("sde: " + name + " needs a Semilinear process, such as score.Reverse")
	}
	return semi{base: newBase(src, p.Dim(), rows), p: sl, rate: rate, dw: make([]float64, rows*p.Dim())}
}

func (s *semi) node(t float64) node {
	alpha, sigma := s.p.Noise(t)
	return node{t: t, alpha: alpha, sigma: sigma, lambda: math.Log(alpha) - math.Log(sigma)}
}

// between returns the node at λ + r(λ'-λ).
func (s *semi) between(a, b node, r float64) node {
	return s.node(s.p.Time(a.lambda + r*(b.lambda-a.lambda)))
}

// ends returns the nodes of a step. It panics unless λ is finite at its start and rises.
func (s *semi) ends(t0, t1 float64) (a, b node) {
	a, b = s.node(t0), s.node(t1)
	if !(a.alpha > 0) {
		panic(fmt.Sprintf("sde: there is no signal (α = 0) at t = %v: start the grid later, where log(α/σ) is finite", t0))
	}
	if !(b.lambda > a.lambda) {
		panic(fmt.Sprintf("sde: log(α/σ) does not rise from t = %v to %v: steps go from noise to data", t0, t1))
	}
	return a, b
}

func (s *semi) leg(a, b node) leg {
	rate := s.rate(s.p, a, b)
	return leg{
		length: b.lambda - a.lambda + rate,
		decay:  b.sigma / a.sigma * math.Exp(-rate),
		std:    b.sigma * math.Sqrt(-math.Expm1(-2*rate)),
	}
}

// denoise writes D at a node and counts it.
func (s *semi) denoise(dst, x []float64, n node) {
	s.denoiseAt(dst, x, n.alpha, n.sigma)
}

func (s *semi) denoiseAt(dst, x []float64, alpha, sigma float64) {
	s.p.Denoise(dst, x, alpha, sigma)
	s.nfe++
}

// setNoisy is set with std times the standard normals that the Brownian motion has over the
// interval, ΔW/√|Δt|, for another term: one per interval keeps the strong order at 1.
func (s *semi) setNoisy(dst []float64, c float64, x []float64, std, t0, t1 float64) {
	if std == 0 {
		s.pass()
	} else {
		dw := s.dw[:len(x)]
		s.noise.Increment(dw, t0, t1)
		s.add(std/math.Sqrt(math.Abs(t1-t0)), dw)
	}
	s.set(dst, c, x)
}

// carry moves x along the linear part, with its noise and the terms gathered.
func (s *semi) carry(x []float64, a, b node, l leg) { s.setNoisy(x, l.decay, x, l.std, a.t, b.t) }

// finish ends at σ' = 0, where x' = α'D whatever the method, with d = D at the start.
func finish(x, d []float64, b node) { floats.ScaleTo(x, b.alpha, d) }

// An expEuler freezes D over the step.
type expEuler struct {
	semi
	d []float64
}

func newExpEuler(name string, p Process, src NoiseSource, rows int, rate rateLaw) *expEuler {
	s := &expEuler{semi: newSemi(name, p, src, rows, rate)}
	s.d = make([]float64, len(s.dw))
	return s
}

// begin returns the ends of a step and D at its start; done tells that the step, to
// σ' = 0, was taken.
func (s *expEuler) begin(x []float64, t0, t1 float64) (a, b node, d []float64, done bool) {
	a, b = s.ends(t0, t1)
	d = s.d[:len(x)]
	s.denoise(d, x, a)
	if b.sigma == 0 {
		s.pass()
		finish(x, d, b)
		return a, b, d, true
	}
	return a, b, d, false
}

func (s *expEuler) Step(x []float64, t0, t1 float64) {
	a, b, d, done := s.begin(x, t0, t1)
	if done {
		return
	}
	l := s.leg(a, b)
	s.add(-b.alpha*math.Expm1(-l.length), d)
	s.carry(x, a, b, l)
}
