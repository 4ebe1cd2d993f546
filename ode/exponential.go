package ode

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// The exponential methods, for the flow of a Semilinear. With λ = log(α/σ), ρ = σ/α = e^{-λ},
// h = λ' - λ, primes at the end of a step, they approximate the slope in one of
//
//	x' = (σ'/σ) x + α' ∫ e^{-(λ'-u)} D du                   data form
//	x' = (α'/α) x + α' ∫ ε dρ,   ε = (x - αD)/σ             noise form
//	x' = (α'+σ')/(α+σ) x + (α'+σ') ∫ (ε-D) ds, s = σ/(α+σ)  velocity form
//
// by a polynomial, and integrate the rest exactly. All are exact where D is constant.
// Where a step starts or ends without signal (α = 0, λ = -∞), it is the DDIM step
//
//	x' = (σ'/σ) x + (α' - ασ'/σ) D
//
// of local order 2, whatever the method, and history starts anew after it.

// A level is a time with its coefficients. Stages are times too: λ is always that of α
// and σ, never the one from which the time was found.
type level struct{ t, alpha, sigma, lambda float64 }

func levelAt(f Semilinear, t float64) level {
	a, s := f.Noise(t)
	return level{t, a, s, math.Log(a) - math.Log(s)}
}

func (l level) rho() float64  { return l.sigma / l.alpha }
func (l level) flow() float64 { return l.sigma / (l.alpha + l.sigma) } // s of the velocity form

// A form is the choice of slope.
type form int

const (
	dataForm form = iota
	noiseForm
	velocityForm
)

// coefs returns the factor of x and the scale of the slopes' weights.
func (m form) coefs(from, to level) (linear, scale float64) {
	switch m {
	case noiseForm:
		return to.alpha / from.alpha, to.sigma
	case velocityForm:
		scale = to.alpha + to.sigma
		return scale / (from.alpha + from.sigma), scale
	}
	return to.sigma / from.sigma, to.alpha
}

// step returns h or -h, the argument with which one formula serves both forms: the
// weight of a constant slope is k φ₁(-k).
func (m form) step(h float64) (k float64) {
	if m == noiseForm {
		return -h
	}
	return h
}

// slope turns k = D at the point x of a level into the slope of the form.
func (m form) slope(k, x []float64, at level) {
	x = x[:len(k)]
	switch m {
	case noiseForm:
		simd.Combine2(k, 1/at.sigma, x, -at.alpha/at.sigma, k)
	case velocityForm:
		simd.Combine2(k, 1/at.sigma, x, -at.alpha/at.sigma-1, k)
	}
}

// expFlow is what the exponential steppers share.
type expFlow struct {
	f    Semilinear
	form form
	nfe  int
}

func newExpFlow(f Field, m form, method string) expFlow {
	sl, ok := f.(Semilinear)
	if !ok {
		panic("ode: " + method + " needs a Semilinear field, the probability flow of a Gaussian path")
	}
	return expFlow{f: sl, form: m}
}

func (s *expFlow) denoise(dst, x []float64, at level) {
	s.f.Denoise(dst, x, at.alpha, at.sigma)
	s.nfe++
}

// advance sets dst to the end of a step from x with weights w, at most four, of slopes k.
// dst may be x.
func (s *expFlow) advance(dst, x []float64, from, to level, w []float64, k [][]float64) {
	linear, scale := s.form.coefs(from, to)
	var c [4]float64
	for i, v := range w {
		c[i] = scale * v
	}
	simd.Combine(dst, linear, x, c[:len(w)], k)
}

// ddim advances x by the DDIM step, d being D at its start.
func ddim(x, d []float64, from, to level) {
	r := to.sigma / from.sigma
	w := to.alpha - from.alpha*r
	simd.Combine2(x, r, x, w, d)
}

// singular reports a step that no formula in λ or ρ can serve: from pure noise, to it, or
// to no noise at all, where the DDIM step is x = α'D.
func singular(from, to level) bool { return from.alpha == 0 || to.alpha == 0 || to.sigma == 0 }

// expWeights are the weights of an explicit exponential Runge-Kutta step.
type expWeights struct {
	a [4][4]float64 // of a stage
	b [4]float64    // of the step
}

// An expRule sets the weights for k = ±h and the stages' positions c, with c[0] = 0, in
// units of the step in λ.
type expRule func(w *expWeights, k float64, c []float64)

// expRK is an explicit exponential Runge-Kutta stepper:
//
//	y_i = linear_i x + scale_i Σ_{j<i} a_ij(k) g_j,   x' = linear x + scale Σ b_j(k) g_j
type expRK struct {
	expFlow
	nodes []float64 // as the method has them; nodes[0] = 0
	rule  expRule
	w     expWeights
	c     [4]float64 // as the path's times realise the nodes
	k     [4][]float64
	y     []float64
}

func newExpRK(f Field, rows int, m form, name string, nodes []float64, rule expRule) *expRK {
	s := &expRK{expFlow: newExpFlow(f, m, name), nodes: nodes, rule: rule}
	size := rows * f.Dim()
	for i := range nodes {
		s.k[i] = make([]float64, size)
	}
	s.y = make([]float64, size)
	return s
}

func (s *expRK) Begin(_, rows int) {
	size := rows * s.f.Dim()
	for i := range s.nodes {
		s.k[i] = s.k[i][:size]
	}
	s.y = s.y[:size]
	s.nfe = 0
}

func (s *expRK) NFE() int { return s.nfe }

func (s *expRK) Step(x []float64, t0, t1 float64) {
	from, to := levelAt(s.f, t0), levelAt(s.f, t1)
	s.denoise(s.k[0], x, from)
	s.finish(x, from, to)
}

// finish ends a step, k[0] being D at its start.
func (s *expRK) finish(x []float64, from, to level) {
	if singular(from, to) {
		ddim(x, s.k[0], from, to)
		return
	}
	s.form.slope(s.k[0], x, from)
	s.stages(x, from, to)
	n := len(s.nodes)
	s.advance(x, x, from, to, s.w.b[:n], s.k[:n])
}

// stages computes the slopes after the first, and all weights.
func (s *expRK) stages(x []float64, from, to level) {
	h := to.lambda - from.lambda
	var at [4]level
	for i := 1; i < len(s.nodes); i++ {
		at[i] = to
		if s.nodes[i] != 1 {
			at[i] = levelAt(s.f, s.f.Time(from.lambda+s.nodes[i]*h))
		}
		s.c[i] = (at[i].lambda - from.lambda) / h
	}
	s.rule(&s.w, s.form.step(h), s.c[:len(s.nodes)])
	for i := 1; i < len(s.nodes); i++ {
		s.advance(s.y, x, from, at[i], s.w.a[i][:i], s.k[:i])
		s.denoise(s.k[i], s.y, at[i])
		s.form.slope(s.k[i], s.y, at[i])
	}
}

// A Multistep is a method whose start can be chosen.
type Multistep interface {
	Method
	WithWarmup(w Warmup) Method
}
