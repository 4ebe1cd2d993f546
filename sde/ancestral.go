package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
)

// Ancestral is the first-order ancestral step. With τ = 1 - (σ̄'/σ̄)², σ̄ = σ/α, and
// ε = (x - αD)/σ
//
//	x' = α'D + σ' √(1 - η²τ) ε + σ' η √τ z
//
// It is DDIM with noise η (Song, Meng and Ermon 2021, arXiv:2010.02502, eq. 12 and 16);
// at η = 1 the posterior step of DDPM (Ho, Jain and Abbeel 2020, arXiv:2006.11239,
// eq. 7); and k-diffusion's Euler ancestral step, which in the coordinates y = x/α is
//
//	y' = y + (σ_down - σ̄)(y - D)/σ̄ + σ_up z,   σ_up = η σ̄' √τ,  σ_down² = σ̄'² - σ_up²
//
// where σ_down = σ̄'²/σ̄ at η = 1 is not computed as a difference. η² is the mean of the
// process's over the step; where η²τ > 1 the step renews all noise. In terms of the
// process e^{-2Λ} = 1 - η²τ, Λ = ∫η² + O(h²). Order 1, weak 1, strong 1.
type Ancestral struct{ Label string }

var _ Method = Ancestral{}

// One method under the names by which it is known.
var (
	DDPM           = Ancestral{"ddpm"}
	DDIM           = Ancestral{"ddim-eta"}
	EulerAncestral = Ancestral{"euler-ancestral"}
)

// Name returns the label, or "ddim-eta" if there is none.
func (m Ancestral) Name() string {
	if m.Label == "" {
		return DDIM.Label
	}
	return m.Label
}

// StrongOrder returns 1.
func (Ancestral) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (Ancestral) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear.
func (m Ancestral) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	return newExpEuler(m.Name(), p, noise, rows, splitRate)
}

// splitRate returns Λ = -½ log(1 - η²τ), τ = 1 - e^{-2h}: the step goes to σ_down =
// σ̄' e^{-Λ} and adds σ_up = σ̄' √(1 - e^{-2Λ}).
func splitRate(p Semilinear, a, b node) float64 {
	h := b.lambda - a.lambda
	m := exactRate(p, a, b) / h
	if m == 1 {
		return h
	}
	return -math.Log1p(max(-1, m*math.Expm1(-2*h))) / 2
}

// DPMPP2SAncestral is k-diffusion's sample_dpmpp_2s_ancestral: the second-order step 2S
// of DPM-Solver++ (Lu et al. 2022, arXiv:2211.01095, r = ½) from σ̄ to σ_down, then
// noise of deviation σ_up, both as in Ancestral.
//
// The noise comes at the end instead of along the step. The law p_t is kept to second
// order, but as a scheme for the SDE the method is of weak order 1 however accurate the
// inner step.
type DPMPP2SAncestral struct{}

// DPM2Ancestral is k-diffusion's sample_dpm_2_ancestral: as DPMPP2SAncestral with the
// midpoint step of DPM-Solver-2 (Karras et al. 2022, arXiv:2206.00364), whose midpoint is
// √(σ̄ σ_down).
type DPM2Ancestral struct{}

var (
	_ Method = DPMPP2SAncestral{}
	_ Method = DPM2Ancestral{}
)

// Name returns "dpmpp-2s-ancestral".
func (DPMPP2SAncestral) Name() string { return "dpmpp-2s-ancestral" }

// Name returns "dpm2-ancestral".
func (DPM2Ancestral) Name() string { return "dpm2-ancestral" }

// StrongOrder returns 1.
func (DPMPP2SAncestral) StrongOrder() float64 { return 1 }

// StrongOrder returns 1.
func (DPM2Ancestral) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (DPMPP2SAncestral) WeakOrder() float64 { return 1 }

// WeakOrder returns 1.
func (DPM2Ancestral) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear.
func (m DPMPP2SAncestral) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	return &ancestral2{expEuler: newExpEuler(m.Name(), p, noise, rows, splitRate), u: make([]float64, rows*p.Dim())}
}

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear.
func (m DPM2Ancestral) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	s := DPMPP2SAncestral{}.NewStepper(p, noise, rows).(*ancestral2)
	s.slope = true
	return s
}

type ancestral2 struct {
	*expEuler
	slope bool // take the slope dy/dσ̄ of the midpoint, not D
	u     []float64
}

func (s *ancestral2) Step(x []float64, t0, t1 float64) {
	a, b, d, done := s.begin(x, t0, t1)
	if done {
		return
	}
	u := s.u[:len(x)]
	l := s.leg(a, b)
	down := l.decay * a.alpha / b.alpha // σ_down/σ̄
	if mid := math.Sqrt(down); mid > 0 {
		// At fixed α: the midpoint may lie beyond the path where η > 1.
		simd.Combine2(u, mid, x, (1-mid)*a.alpha, d)
		s.denoiseAt(d, u, a.alpha, a.sigma*mid)
		if s.slope {
			// y + (σ_down - σ̄)(u - D)/σ_mid = (σ_down/σ̄)y + (1 - σ_down/σ̄)D̃
			simd.Combine3(d, 1/a.alpha, x, 1/mid, d, -1/(a.alpha*mid), u)
		}
	}
	s.add(b.alpha*(1-down), d)
	s.carry(x, a, b, l)
}
