package ode

import "fmt"

// A Clock is the variable of DEIS's polynomial.
type Clock int

// The clocks.
const (
	TimeClock   Clock = iota // the path's own t
	RhoClock                 // ρ = σ/α
	LogRhoClock              // log ρ = -λ
)

// DEIS is the diffusion exponential integrator sampler, Adams-Bashforth in the noise form,
//
//	x' = (α'/α) x + α' Σ_j ε_j ∫ ℓ_j dρ,   ρ = σ/α
//
// with Lagrange polynomials ℓ_j in t (tAB), ρ (ρAB) or log ρ (Zhang and Chen 2023, arXiv
// 2204.13902, equation 15 and proposition 3). ρAB is the linear multistep method of
// k-diffusion, and iPNDM with variable steps. All weights are exact: closed forms in ρ and
// log ρ, in t a quadrature to rounding if the path is smooth.
type DEIS struct {
	Steps  int // 1 to 4, also the order; 3 if zero
	Clock  Clock
	Warmup Warmup
}

// Name returns deis-3, lms-3 in ρ, or deis-logrho-3, with the number of steps.
func (m DEIS) Name() string {
	name := [...]string{"deis", "lms", "deis-logrho"}[m.Clock]
	return fmt.Sprintf("%s-%d", name, m.steps()) + m.Warmup.suffix()
}

func (m DEIS) steps() int { return orInt(m.Steps, 3) }

// Order returns the number of steps, or 2 at most after PublishedWarmup.
func (m DEIS) Order() int { return m.Warmup.order(m.steps()) }

// WithWarmup returns the method with another start.
func (m DEIS) WithWarmup(w Warmup) Method { m.Warmup = w; return m }

// NewStepper returns a stepper. It panics unless there are 1 to 4 steps.
func (m DEIS) NewStepper(f Field, rows int) Stepper {
	checkOrder(m.Name(), m.steps(), 1, 4)
	rule := [...]abRule{timeRule, rhoRule, lambdaRule}[m.Clock]
	return newExpAB(f, rows, noiseForm, m.Name(), m.steps(), m.steps(), m.Warmup, rule)
}

// VelocityAB is Adams-Bashforth for the velocity ε - D of the straight path in its time
// s = σ/(α+σ), to which any path is scaled:
//
//	x/(α+σ) = (1-s) D + s ε,   x'/(α'+σ') = x/(α+σ) + Σ_j (ε_j-D_j) ∫ ℓ_j ds
//
// On the path Cond-OT it is AdamsBashforth. (The sampler vAB of the library azula.)
type VelocityAB struct {
	Steps  int // 1 to 4, also the order; 2 if zero
	Warmup Warmup
}

// Name returns vab-2, vab-3 or vab-4.
func (m VelocityAB) Name() string { return fmt.Sprintf("vab-%d", m.steps()) + m.Warmup.suffix() }

func (m VelocityAB) steps() int { return orInt(m.Steps, 2) }

// Order returns the number of steps, or 2 at most after PublishedWarmup.
func (m VelocityAB) Order() int { return m.Warmup.order(m.steps()) }

// WithWarmup returns the method with another start.
func (m VelocityAB) WithWarmup(w Warmup) Method { m.Warmup = w; return m }

// NewStepper returns a stepper. It panics unless there are 1 to 4 steps.
func (m VelocityAB) NewStepper(f Field, rows int) Stepper {
	checkOrder(m.Name(), m.steps(), 1, 4)
	return newExpAB(f, rows, velocityForm, m.Name(), m.steps(), m.steps(), m.Warmup, flowRule)
}

// IPNDM is the improved pseudo numerical method of Liu et al. (2022, arXiv 2202.09778; Zhang
// and Chen 2023, section 3.3): a DDIM step with the noise extrapolated by the weights
// of Adams and Bashforth for equal steps, whatever the grid,
//
//	ε̄ = (55 ε₀ - 59 ε₁ + 37 ε₂ - 9 ε₃)/24   for four steps.
//
// No clock makes both the weights and the step exact, so its order is 2 at most. DEIS in ρ
// is the form with variable steps, known as iPNDM-v.
type IPNDM struct {
	Steps  int // 1 to 4; 4 if zero
	Warmup Warmup
}

// Name returns ipndm-2, ipndm-3 or ipndm-4.
func (m IPNDM) Name() string { return fmt.Sprintf("ipndm-%d", m.steps()) + m.Warmup.suffix() }

func (m IPNDM) steps() int { return orInt(m.Steps, 4) }

// Order returns 2, or 1 for one step. It is 2 on grids whose neighbouring steps agree to
// first order, as those even in λ or Karras's do.
func (m IPNDM) Order() int { return min(m.steps(), 2) }

// WithWarmup returns the method with another start.
func (m IPNDM) WithWarmup(w Warmup) Method { m.Warmup = w; return m }

// NewStepper returns a stepper. It panics unless there are 1 to 4 steps.
func (m IPNDM) NewStepper(f Field, rows int) Stepper {
	checkOrder(m.Name(), m.steps(), 1, 4)
	return newExpAB(f, rows, noiseForm, m.Name(), m.steps(), m.Order(), m.Warmup, ipndmRule)
}

var ipndmWeights = [...][4]float64{
	{1},
	{3. / 2, -1. / 2},
	{23. / 12, -16. / 12, 5. / 12},
	{55. / 24, -59. / 24, 37. / 24, -9. / 24},
}

func ipndmRule(s *expAB, w []float64, past []level, to level) {
	copy(w, ipndmWeights[len(w)-1][:])
	scaleBy(w, one(s.form.step(to.lambda-past[0].lambda)))
}

// GradientEstimation is the sampler of Permenter and Yuan (2024, arXiv 2306.04848, algorithm
// 2), a DDIM step with the noise γ ε + (1-γ) ε₁ of this and the last level. Its order is 1, and
// would be 2 on even grids for γ = 3/2.
type GradientEstimation struct {
	Gamma float64 // 2 if zero
}

// Name returns gradient-estimation.
func (GradientEstimation) Name() string { return "gradient-estimation" }

// Order returns 1.
func (GradientEstimation) Order() int { return 1 }

// NewStepper returns a stepper.
func (m GradientEstimation) NewStepper(f Field, rows int) Stepper {
	γ := orFloat(m.Gamma, 2)
	return newExpAB(f, rows, noiseForm, m.Name(), 2, m.Order(), PublishedWarmup, func(s *expAB, w []float64, past []level, to level) {
		w[0] = 1
		if len(w) > 1 {
			w[0], w[1] = γ, 1-γ
		}
		scaleBy(w, one(s.form.step(to.lambda-past[0].lambda)))
	})
}
