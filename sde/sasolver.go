package sde

import "github.com/seed-dea4846a/sampler/ode"

// SASolver is the stochastic Adams method of Xue et al. 2023 (arXiv:2309.05019), η being its τ. The predictor of order p adds to the linear part y'
//
//	α' Σ_j w_j D_{n-j},   w_j = ∫ H e^{-H(1-θ)} ℓ_j dθ
//
// with the Lagrange polynomials ℓ_j of the last p nodes in the clock S; the corrector of
// order c repeats the step, on the same noise, with the c nodes that begin with the new
// one, where D is known at the predicted point (PEC).
//
// The corrector needs D at the end of the step, which is what the next step evaluates
// first: it is applied there. A step thus costs one evaluation; the last step of a grid
// is not corrected. Without noise the method has order c, or p without a corrector; the
// mean of a linear problem the same; its weak order is at most 2, its strong order 1.
//
// The first p-1 steps are SEEDS steps of p stages.
type SASolver struct {
	Predictor int  // 1, 2 or 3; 0 together with Corrector 0 means 3 and 4
	Corrector int  // 0 (none) to 4, not above Predictor+1
	Published bool // start with lower orders, as the released codes do
}

var _ Method = SASolver{}

func (m SASolver) orders() (p, c int) {
	if m.Predictor == 0 && m.Corrector == 0 {
		return 3, 4
	}
	return m.Predictor, m.Corrector
}

// Name returns "sa".
func (SASolver) Name() string { return "sa" }

// StrongOrder returns 1.
func (SASolver) StrongOrder() float64 { return 1 }

// WeakOrder returns 1 or 2.
func (m SASolver) WeakOrder() float64 {
	p, c := m.orders()
	if c > 0 {
		p = c
	}
	return float64(min(2, p))
}

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear and
// the orders are in range.
func (m SASolver) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	np, nc := m.orders()
	if np < 1 || np > 3 || nc < 0 || nc > np+1 {
		panic("sde: SASolver has a predictor of order 1 to 3 and a corrector of order 0 to that plus 1")
	}
	size := np
	if nc > 0 {
		size++ // the corrector takes back the weight of the oldest
	}
	return &saStepper{
		multistep: newMultistep(m.Name(), np, size, m.Published, p, noise, rows, exactRate),
		p:         np, c: nc,
	}
}

type saStepper struct {
	multistep
	p, c    int
	pending int     // nodes of the predictor to be corrected, 0 if none
	length  float64 // of its step
	w       [maxNodes]float64
}

func (s *saStepper) Begin(first, rows int) {
	s.multistep.Begin(first, rows)
	s.pending = 0
}

func (s *saStepper) Step(x []float64, t0, t1 float64) {
	a, b := s.ends(t0, t1)
	d := s.hist.push(s.clock, len(x))
	s.denoise(d, x, a)
	if s.pending > 0 && s.c > 0 {
		s.correct(x, a)
	}
	if s.hist.n < s.need || b.sigma == 0 {
		s.clock += s.advance(x, d, a, b)
		return
	}
	l := s.leg(a, b)
	s.pending, s.length = min(s.hist.n, s.p), l.length
	s.adams(s.w[:s.pending], s.hist.pos[0], l.length)
	for j := range s.pending {
		s.add(b.alpha*s.w[j], s.hist.d[j])
	}
	s.carry(x, a, b, l)
	s.clock += l.length
}

// adams sets the weights of the newest entries for the step that begins at the clock
// time start.
func (s *saStepper) adams(w []float64, start, length float64) {
	var nodes [maxNodes]float64
	for j := range w {
		nodes[j] = (s.hist.pos[j] - start) / length
	}
	expWeights(w, nodes[:len(w)], length)
}

// correct exchanges the weights of the step that ended at a, now that the entry 0 of the
// history is D there.
func (s *saStepper) correct(x []float64, a node) {
	var w [maxNodes]float64
	k := min(s.c, s.hist.n)
	s.adams(w[:k], s.hist.pos[1], s.length)
	for j := range max(k, s.pending+1) {
		c := w[j]
		if j > 0 && j <= s.pending {
			c -= s.w[j-1]
		}
		s.add(a.alpha*c, s.hist.d[j])
	}
	s.set(x, 1, x)
}
