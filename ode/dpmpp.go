package ode

import "fmt"

// ExponentialAB is the exponential Adams-Bashforth method in the data form (Hochbruck and
// Ostermann 2010, Acta Numerica 19, equation 2.58), the multistep form of RES (Zhang et al.
// 2023, arXiv 2308.02157):
//
//	x' = (σ'/σ) x + α' Σ_j D_j ∫ e^{-(λ'-u)} ℓ_j(u) du
//
// with the Lagrange polynomials ℓ_j of the last levels, on any grid.
type ExponentialAB struct {
	Steps  int // 1 to 4, also the order; 2 if zero
	Warmup Warmup
}

// Name returns res-2m, res-3m or res-4m.
func (m ExponentialAB) Name() string { return fmt.Sprintf("res-%dm", m.steps()) + m.Warmup.suffix() }

func (m ExponentialAB) steps() int { return orInt(m.Steps, 2) }

// Order returns the number of steps, or 2 at most after PublishedWarmup.
func (m ExponentialAB) Order() int { return m.Warmup.order(m.steps()) }

// WithWarmup returns the method with another start.
func (m ExponentialAB) WithWarmup(w Warmup) Method { m.Warmup = w; return m }

// NewStepper returns a stepper. It panics unless there are 1 to 4 steps.
func (m ExponentialAB) NewStepper(f Field, rows int) Stepper {
	checkOrder(m.Name(), m.steps(), 1, 4)
	return newExpAB(f, rows, dataForm, m.Name(), m.steps(), m.steps(), m.Warmup, lambdaRule)
}

// DPMSolverPPM is the multistep DPM-Solver++, 2M and 3M, in the data form (Lu et al. 2022,
// arXiv 2211.01095, algorithm 2). With r_j the past steps in λ in units of this one,
//
//	2M: x' = (σ'/σ) x + α'(1-e^{-h}) [D + (D-D₁)/(2r₀)]
//	3M: x' = (σ'/σ) x + α'(1-e^{-h}) D + α' h φ₂ D' + κ α' h φ₃ D",   φ = φ(-h)
//
// D' and D" being the divided differences, times h and h², of the quadratic through the
// last three D. κ = 2 since D" stands for half of a second derivative; with it 3M is
// ExponentialAB of three steps.
type DPMSolverPPM struct {
	Steps  int // 2 or 3, also the order; 2 if zero
	Warmup Warmup

	// Heun replaces the midpoint rule of 2M by its other published form, the linear
	// polynomial integrated exactly, which is ExponentialAB of two steps.
	Heun bool
	// Published gives 3M the weight κ = 1 of the released codes. Its order is 2.
	Published bool
}

// Name returns dpmpp-2m, dpmpp-2m-heun or dpmpp-3m.
func (m DPMSolverPPM) Name() string {
	switch {
	case m.Published:
		return "dpmpp-3m-published"
	case m.Heun:
		return "dpmpp-2m-heun" + m.Warmup.suffix()
	}
	return fmt.Sprintf("dpmpp-%dm", m.steps()) + m.Warmup.suffix()
}

func (m DPMSolverPPM) steps() int { return orInt(m.Steps, 2) }

// Order returns the number of steps, or 2 if the weights or the warm-up are as published.
func (m DPMSolverPPM) Order() int {
	if m.Published {
		return 2
	}
	return m.Warmup.order(m.steps())
}

// WithWarmup returns the method with another start.
func (m DPMSolverPPM) WithWarmup(w Warmup) Method { m.Warmup = w; return m }

// NewStepper returns a stepper. It panics unless there are 2 or 3 steps, or for Heun with 3 and
// Published with 2.
func (m DPMSolverPPM) NewStepper(f Field, rows int) Stepper {
	n := m.steps()
	checkOrder(m.Name(), n, 2, 3)
	rule := abRule(lambdaRule)
	switch {
	case m.Heun && n == 3 || m.Published && n == 2:
		panic("ode: " + m.Name() + " has another number of steps")
	case n == 2 && !m.Heun:
		rule = midpointRule
	case m.Published:
		rule = publishedRule
	}
	return newExpAB(f, rows, dataForm, m.Name(), n, n, m.Warmup, rule)
}

func midpointRule(_ *expAB, w []float64, past []level, to level) {
	unipWeights(w, past, to, false)
}

// publishedRule is that of 3M with κ = 1: the exact weights less half of what the third
// moment gives.
func publishedRule(s *expAB, w []float64, past []level, to level) {
	if len(w) < 3 {
		unipWeights(w, past, to, false)
		return
	}
	lambdaRule(s, w, past, to)
	h := to.lambda - past[0].lambda
	r0, r1 := (past[0].lambda-past[1].lambda)/h, (past[1].lambda-past[2].lambda)/h
	c := h * phi(3, -h) / (r0 + r1)
	w[0] -= c / r0
	w[1] += c * (1/r0 + 1/r1)
	w[2] -= c / r1
}
