package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
)

// PredictorCorrector follows each step of a method by Langevin steps at its end (Song et
// al. 2021, arXiv:2011.13456, algorithms 4 and 5). With s = (αD - x)/σ²
//
//	x ← x + δ s + √(2δ) z,   δ = 2 a SNR² σ² min(1, d/(σ²‖s‖²)),   a = (α_before/α)²
//
// a is 1 on variance-exploding and 1 - β on variance-preserving paths. The paper's step is
// 2a(SNR ‖z‖/‖s‖)² with norms averaged over the batch. For samples by themselves ‖z‖ is its
// root mean square √d here, and ‖s‖ is not taken below √d/σ, which no root mean square of
// the score exceeds: with a sample's own norms, see Published, δ depends on z, which
// multiplies the noise's variance by (d+2)/d, and has no mean for d ≤ 2.
//
// With Delta > 0 the corrector is azula's instead,
//
//	x ← αD + √(1-Delta) (x - αD) + √Delta σ z
//
// All leave p_t unchanged only as their own step goes to 0, to first order in δ/σ², which
// the grid does not touch: no order in the step is claimed. Corrections cost one
// evaluation each and draw once more on the interval of the step, so Independent noise
// is required. There is none where σ' = 0.
type PredictorCorrector struct {
	Predictor   Method  // nil means ReverseDiffusion
	Corrections int     // a step; 0 means 1
	SNR         float64 // 0 means 0.16, the paper's for variance-exploding paths
	Delta       float64 // azula's form, in (0, 1]
	Published   bool    // a sample's own ‖z‖ and ‖s‖, for high dimensions only
}

var _ Method = PredictorCorrector{}

// Name returns "pc".
func (PredictorCorrector) Name() string { return "pc" }

// StrongOrder returns 0: the noise of the corrections is no part of the Brownian motion.
func (PredictorCorrector) StrongOrder() float64 { return 0 }

// WeakOrder returns 0: the bias of the corrections does not vanish with the step.
func (PredictorCorrector) WeakOrder() float64 { return 0 }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear, if
// the noise is a Tree, or if a field is out of range.
func (m PredictorCorrector) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	refuseTree(m.Name(), noise)
	if !(m.Corrections >= 0 && m.SNR >= 0 && m.Delta >= 0 && m.Delta <= 1) {
		panic("sde: a field of PredictorCorrector is out of range")
	}
	if m.Predictor == nil {
		m.Predictor = ReverseDiffusion{}
	}
	if m.Corrections == 0 {
		m.Corrections = 1
	}
	if m.SNR == 0 {
		m.SNR = 0.16
	}
	s := &pcStepper{semi: newSemi(m.Name(), p, noise, rows, nil), m: m, d: make([]float64, rows*p.Dim())}
	s.predictor = m.Predictor.NewStepper(p, sharedNoise{s.noise}, rows)
	return s
}

type pcStepper struct {
	semi
	m         PredictorCorrector
	predictor ode.Stepper
	d         []float64
}

func (s *pcStepper) Begin(first, rows int) {
	s.base.Begin(first, rows)
	s.predictor.Begin(first, rows)
}

func (s *pcStepper) NFE() int { return s.nfe + s.predictor.NFE() }

func (s *pcStepper) Step(x []float64, t0, t1 float64) {
	s.predictor.Step(x, t0, t1)
	a, b := s.node(t0), s.node(t1)
	if b.sigma == 0 {
		return
	}
	d, z := s.d[:len(x)], s.dw[:len(x)]
	for range s.m.Corrections {
		s.denoise(d, x, b)
		if s.m.Delta > 0 {
			keep := math.Sqrt(1 - s.m.Delta)
			s.add(b.alpha*(1-keep), d)
			s.setNoisy(x, keep, x, b.sigma*math.Sqrt(s.m.Delta), t0, t1)
			continue
		}
		s.normals(z, t0, t1)
		v := 1 / (b.sigma * b.sigma)
		simd.Combine2(d, -v, x, b.alpha*v, d)
		dim := s.p.Dim()
		for i := 0; i < len(x); i += dim {
			s.langevin(x[i:i+dim], d[i:i+dim], z[i:i+dim], b.sigma, s.m.SNR*a.alpha/b.alpha)
		}
	}
}

// langevin moves one point.
func (s *pcStepper) langevin(x, score, z []float64, sigma, snr float64) {
	z = z[:len(score)]
	ss, zz := 0.0, 0.0
	for i, v := range score {
		ss += v * v
		zz += z[i] * z[i]
	}
	norm, root := math.Sqrt(ss), math.Sqrt(float64(len(x)))
	r := snr * sigma * min(1, root/(sigma*norm)) // √(δ/2); norm = 0 gives 1
	if s.m.Published {
		if norm == 0 {
			return
		}
		r = snr * math.Sqrt(zz) / norm
	}
	for i, v := range score {
		x[i] += 2 * r * (r*v + z[i])
	}
}
