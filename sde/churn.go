package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
)

// Churn is the stochastic sampler of EDM (Karras et al. 2022, arXiv:2206.00364, algorithm
// 2) on any Gaussian path, in the coordinates y = x/α, σ̄ = σ/α: noise is added,
//
//	ŷ = y + SNoise √(σ̂² - σ̄²) z,   σ̂ = (1+γ) σ̄
//
// and Heun's method, or Euler's, goes from σ̂ to σ̄' along the flow dy/dσ̄ = (y - D)/σ̄ with D
// at (ŷ, σ̂). γ is zero unless TMin ≤ σ̄ ≤ TMax; there
//
//	1 + γ = e^{Λ}, Λ = ∫ η² dλ over the step     if SChurn is 0: the process's noise
//	γ = min(SChurn/Steps, √2 - 1)                else: the paper's, for a run of Steps steps
//
// so SChurn is η² of SChurn/(Steps h). With SNoise = 1 the law p_t is kept to the order of
// the inner method; as a scheme for the SDE the method is of weak order 1, since the
// noise comes before the step and not along it. Strong order 1, two evaluations a
// step, or one with Euler and where σ̄' = 0.
type Churn struct {
	SChurn     float64 // ≥ 0
	Steps      int     // needed with SChurn
	TMin, TMax float64 // in σ̄; TMax 0 means no bound
	SNoise     float64 // 0 means 1
	Euler      bool
}

var _ Method = Churn{}

// Name returns "edm-churn" or "edm-churn-euler".
func (m Churn) Name() string {
	if m.Euler {
		return "edm-churn-euler"
	}
	return "edm-churn"
}

// StrongOrder returns 1.
func (Churn) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (Churn) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear and
// no field is negative, and if SChurn lacks Steps.
func (m Churn) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	if !(m.SChurn >= 0 && m.TMin >= 0 && m.TMax >= 0 && m.SNoise >= 0) {
		panic("sde: a field of Churn is negative or not a number")
	}
	if m.SChurn > 0 && m.Steps < 1 {
		panic("sde: Churn with SChurn needs the number of Steps of the run")
	}
	if m.TMax == 0 {
		m.TMax = math.Inf(1)
	}
	if m.SNoise == 0 {
		m.SNoise = 1
	}
	b := carve(2, rows*p.Dim())
	return &churnStepper{semi: newSemi(m.Name(), p, noise, rows, exactRate), m: m, d: b[0], y: b[1]}
}

type churnStepper struct {
	semi
	m    Churn
	d, y []float64
}

func (s *churnStepper) Step(x []float64, t0, t1 float64) {
	a, b := s.ends(t0, t1)
	d, y := s.d[:len(x)], s.y[:len(x)]
	ratio, end := a.ratio(), b.ratio()
	hat := ratio * s.growth(a, b)
	s.setNoisy(x, 1, x, s.m.SNoise*a.alpha*math.Sqrt(hat*hat-ratio*ratio), t0, t1)
	s.denoiseAt(d, x, a.alpha, a.alpha*hat)
	if b.sigma == 0 {
		finish(x, d, b)
		return
	}
	// y' = (σ̄'/σ̂) ŷ + (1 - σ̄'/σ̂) D is Euler's step.
	q, up := end/hat, b.alpha/a.alpha
	if s.m.Euler {
		simd.Combine2(x, q*up, x, (1-q)*b.alpha, d)
		return
	}
	simd.Combine2(y, q*up, x, (1-q)*b.alpha, d)
	s.denoise(d, y, b)
	// Its slope is exchanged for half the sum of both: (ŷ + y')/2 + (σ̄'-σ̂)/2 (y' - D')/σ̄'.
	c := (end - hat) / (2 * end)
	simd.Combine3(x, up/2, x, 0.5+c, y, -c*b.alpha, d)
}

// growth returns 1 + γ.
func (s *churnStepper) growth(a, b node) float64 {
	if r := a.ratio(); r < s.m.TMin || r > s.m.TMax {
		return 1
	}
	if s.m.SChurn > 0 {
		return 1 + min(s.m.SChurn/float64(s.m.Steps), math.Sqrt2-1)
	}
	if b.sigma == 0 { // λ' = ∞: the noise would drown the signal
		return 1
	}
	return math.Exp(s.rate(s.p, a, b))
}
