package ode

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// UniPC is the unified predictor-corrector of Zhao et al. (2023, arXiv 2302.04867, algorithms
// 5 and 6 and theorem 3.1) in the data form. The predictor UniP-p integrates the polynomial
// in λ through the last p denoised points. The corrector UniC-p takes that through the
// predicted end as well; it reuses the evaluation which the next step makes there, so
// a step costs one evaluation, and the last step of a run is not corrected.
//
// The systems of equations of the paper have these exact weights as their solution, except
// the one unknown of UniP-2 and of UniC-1, which is replaced by 1/2 with B = h (B₁) or e^h - 1
// (B₂); in the data form 1 - e^{-h}. UniP-2 with B₂ is DPM-Solver++ 2M.
type UniPC struct {
	P           int  // 1, 2 or 3; 2 if zero
	B1          bool // B₁ in place of B₂
	NoCorrector bool // UniP-p alone
	Warmup      Warmup
}

// Name returns unipc-2 or unipc-2-bh1, and unip-2 without the corrector.
func (m UniPC) Name() string {
	name := "unipc"
	if m.NoCorrector {
		name = "unip"
	}
	name = fmt.Sprintf("%s-%d", name, m.p())
	if m.B1 {
		name += "-bh1"
	}
	return name + m.Warmup.suffix()
}

func (m UniPC) p() int { return orInt(m.P, 2) }

// Order returns p + 1, or p without the corrector. The first step of PublishedWarmup, of
// order 1, is corrected to order 2, which leaves a global error of order 3.
func (m UniPC) Order() int {
	if m.NoCorrector {
		return m.Warmup.order(m.p())
	}
	if m.Warmup == PublishedWarmup {
		return min(m.p()+1, 3)
	}
	return m.p() + 1
}

// WithWarmup returns the method with another start.
func (m UniPC) WithWarmup(w Warmup) Method { m.Warmup = w; return m }

// NewStepper returns a stepper. It panics unless p is 1, 2 or 3.
func (m UniPC) NewStepper(f Field, rows int) Stepper {
	p := m.p()
	checkOrder(m.Name(), p, 1, 3)
	s := &unipcStepper{expFlow: newExpFlow(f, dataForm, m.Name()), p: p, b1: m.B1, correct: !m.NoCorrector}
	keep := p
	if s.correct {
		keep++
	}
	s.history = newHistory(keep, rows*f.Dim())
	if start := m.Warmup.start(keep); p > 1 && start > 1 { // the slopes kept are as many as the order
		s.start = RES{Stages: start}.newStepper(f, rows)
	}
	return s
}

type unipcStepper struct {
	expFlow
	history
	p           int
	b1, correct bool
	start       *expRK
	predictor   [4]float64 // weights of the last step
	predicted   int        // order of the last step's predictor, 0 if it was none
}

func (s *unipcStepper) Begin(_, rows int) {
	s.begin(rows * s.f.Dim())
	s.nfe, s.predicted = 0, 0
	if s.start != nil {
		s.start.Begin(0, rows)
	}
}

func (s *unipcStepper) NFE() int { return totalNFE(s.nfe, s.start) }

func (s *unipcStepper) Step(x []float64, t0, t1 float64) {
	from, to := levelAt(s.f, t0), levelAt(s.f, t1)
	d := s.push(from)
	s.denoise(d, x, from)
	if s.correct && s.predicted > 0 {
		s.correction(x)
	}
	s.predicted = 0
	if singular(from, to) {
		ddim(x, d, from, to)
		s.n = 0
		return
	}
	if s.start != nil && s.n < s.p {
		copy(s.start.k[0], d)
		s.start.finish(x, from, to)
		return
	}
	n := min(s.n, s.p)
	unipWeights(s.predictor[:n], s.at[:n], to, s.b1)
	s.predicted = n
	s.advance(x, x, from, to, s.predictor[:n], s.g[:n])
}

// correction adds to the predicted x what the corrector's step would have given more.
// The newest slope is D at x, the others are those that the predictor used.
func (s *unipcStepper) correction(x []float64) {
	n := s.predicted
	var w [4]float64
	unicWeights(w[:n+1], s.at[:n+1], s.b1)
	for j, v := range s.predictor[:n] {
		w[j+1] -= v
	}
	for j := range w {
		w[j] *= s.at[0].alpha
	}
	simd.Combine(x, 1, x, w[:n+1], s.g[:n+1])
}

// unipWeights sets the weights of UniP for the slopes at past levels.
func unipWeights(w []float64, past []level, to level, b1 bool) {
	h := to.lambda - past[0].lambda
	if len(w) == 2 {
		w[1] = -unipB(h, b1) / 2 * h / (past[0].lambda - past[1].lambda)
		w[0] = one(h) - w[1]
		return
	}
	var nodes, m [4]float64
	for j, p := range past {
		nodes[j] = (p.lambda - past[0].lambda) / h
	}
	expMoments(m[:len(w)], h)
	lagrangeWeights(w, nodes[:len(w)], m[:len(w)])
}

// unicWeights sets the weights of UniC for the step from at[1] to at[0], of the slopes at
// all these levels.
func unicWeights(w []float64, at []level, b1 bool) {
	h := at[0].lambda - at[1].lambda
	if len(w) == 2 {
		w[0] = unipB(h, b1) / 2
		w[1] = one(h) - w[0]
		return
	}
	var nodes, m [4]float64
	for j, p := range at {
		nodes[j] = (p.lambda - at[1].lambda) / h
	}
	expMoments(m[:len(w)], h)
	lagrangeWeights(w, nodes[:len(w)], m[:len(w)])
}

// unipB returns B in size.
func unipB(h float64, b1 bool) float64 {
	if b1 {
		return h
	}
	return one(h)
}
