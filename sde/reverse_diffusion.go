package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// ReverseDiffusion is the reverse diffusion sampler (Song et al. 2021, arXiv:2011.13456,
// appendix E) on the forward chain that joins the times of the grid, x = r x' + G z with
// r = α/α' and G² = σ² - r²σ'²:
//
//	x' = (2-r) x + ½(1+η²) G² s + η G z,   s = (αD - x)/σ²
//
// With Variance, it is the same on the variance-exploding path through x/α, which is
// Euler-Maruyama on the clock of σ̄² = (σ/α)²:
//
//	y' = y + ½(1+η²)(σ̄² - σ̄'²)(D - y)/σ̄² + η √(σ̄² - σ̄'²) z
//
// η² is the mean over the step. Order 1, weak 1, strong 1.
type ReverseDiffusion struct{ Variance bool }

var _ Method = ReverseDiffusion{}

// Name returns "reverse-diffusion" or "em-variance".
func (m ReverseDiffusion) Name() string {
	if m.Variance {
		return "em-variance"
	}
	return "reverse-diffusion"
}

// StrongOrder returns 1.
func (ReverseDiffusion) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (ReverseDiffusion) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear.
func (m ReverseDiffusion) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	return &reverseStepper{newExpEuler(m.Name(), p, noise, rows, exactRate), m.Variance}
}

type reverseStepper struct {
	*expEuler
	variance bool
}

func (s *reverseStepper) Step(x []float64, t0, t1 float64) {
	a, b, d, done := s.begin(x, t0, t1)
	if done {
		return
	}
	h := b.lambda - a.lambda
	m := s.rate(s.p, a, b) / h
	tau := -math.Expm1(-2 * h) // G²/σ²
	k := (1 + m) / 2 * tau
	cx, cd, std := 2-a.alpha/b.alpha-k, a.alpha*k, a.sigma*math.Sqrt(m*tau)
	if s.variance {
		up := b.alpha / a.alpha
		cx, cd, std = up*(1-k), up*cd, up*std
	}
	s.add(cd, d)
	s.setNoisy(x, cx, x, std, t0, t1)
}
