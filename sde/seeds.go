package sde

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
)

// SEEDS is the exponential singlestep method of 1, 2 or 3 stages of Gonzalez et al.
// 2023 (arXiv:2305.14267): DPM-Solver++ 1, 2S and 3S with λ replaced by the clock S of the
// process, each stage carrying the noise of the Brownian motion up to it. With y the
// linear part of the process, H_i the length of S from the start to stage i, r_i =
// H_i/H, and ψ_k(H) = ∫ H e^{-H(1-θ)} θ^k dθ,
//
//	2:  u₁ = y₁ + α₁ψ₀(H₁)D₀
//	    x' = y' + α'ψ₀(H) (D₀ + (D₁-D₀)/(2r₁))
//	3:  u₂ = y₂ + α₂ (ψ₀(H₂)D₀ + (r₂/r₁) ψ₁(H₂)(D₁-D₀))
//	    x' = y' + α' (ψ₀(H)D₀ + ψ₁(H)/r₂ (D₂-D₀))
//
// with stages at λ + h/2, or λ + h/3 and λ + 2h/3. SEEDS-1 is x' = y' + α'ψ₀(H)D₀,
// which is SDE-DPM-Solver++ 1 and at η = 1 DDPM. Without noise the orders are 1, 2 and 3;
// weak orders are 1, 2 and 2, the mean of a linear problem having order 3 with three
// stages. Strong order 1.
type SEEDS int

var _ Method = SEEDS(1)

// Name returns seeds-1, seeds-2 or seeds-3.
func (m SEEDS) Name() string { return fmt.Sprintf("seeds-%d", max(1, int(m))) }

// StrongOrder returns 1.
func (SEEDS) StrongOrder() float64 { return 1 }

// WeakOrder returns 1 or 2.
func (m SEEDS) WeakOrder() float64 { return min(2, max(1, float64(m))) }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear and
// the stages are 1, 2 or 3; 0 means 1.
func (m SEEDS) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	if m < 0 || m > 3 {
		panic("sde: SEEDS has 1, 2 or 3 stages")
	}
	return newSeeds(m.Name(), max(1, int(m)), p, noise, rows, exactRate)
}

// A seedsStepper also starts the multistep methods, on their own rate.
type seedsStepper struct {
	semi
	stages       int
	d0, d1, d, u []float64
}

func newSeeds(name string, stages int, p Process, src NoiseSource, rows int, rate rateLaw) *seedsStepper {
	b := carve(4, rows*p.Dim())
	return &seedsStepper{semi: newSemi(name, p, src, rows, rate), stages: stages, d0: b[0], d1: b[1], d: b[2], u: b[3]}
}

func (s *seedsStepper) Step(x []float64, t0, t1 float64) {
	a, b := s.ends(t0, t1)
	d0 := s.d0[:len(x)]
	s.denoise(d0, x, a)
	s.advance(x, d0, a, b)
}

// advance takes the step of which d0 = D(x) at a is known and returns its length in S.
// The linear part of the solution is carried in x itself.
func (s *seedsStepper) advance(x, d0 []float64, a, b node) float64 {
	if b.sigma == 0 {
		for range s.stages {
			s.pass()
		}
		finish(x, d0, b)
		return math.Inf(1)
	}
	var m [2]float64
	if s.stages == 1 {
		l := s.leg(a, b)
		s.add(-b.alpha*math.Expm1(-l.length), d0)
		s.carry(x, a, b, l)
		return l.length
	}
	n := len(x)
	d1, d, u := s.d1[:n], s.d[:n], s.u[:n]
	n1 := s.between(a, b, 1/float64(s.stages))
	l1 := s.leg(a, n1)
	s.carry(x, a, n1, l1)
	simd.Combine2(u, 1, x, -n1.alpha*math.Expm1(-l1.length), d0)
	s.denoise(d1, u, n1)
	if s.stages == 2 {
		l2 := s.leg(n1, b)
		length := l1.length + l2.length
		w := -b.alpha * math.Expm1(-length)
		half := length / (2 * l1.length)
		s.add(w*(1-half), d0)
		s.add(w*half, d1)
		s.carry(x, n1, b, l2)
		return length
	}
	n2 := s.between(a, b, 2./3)
	l2 := s.leg(n1, n2)
	s.carry(x, n1, n2, l2)
	h2 := l1.length + l2.length
	psi(m[:], h2)
	c1 := h2 / l1.length * m[1]
	simd.Combine3(u, 1, x, n2.alpha*(m[0]-c1), d0, n2.alpha*c1, d1)
	s.denoise(d, u, n2)
	l3 := s.leg(n2, b)
	length := h2 + l3.length
	psi(m[:], length)
	c2 := length / h2 * m[1]
	s.add(b.alpha*(m[0]-c2), d0)
	s.add(b.alpha*c2, d)
	s.carry(x, n2, b, l3)
	return length
}

// DPMPPSDE is k-diffusion's sample_dpmpp_sde, a step of two stages, r = ½: with Λ₁ and Λ
// over the half and the whole step,
//
//	u  = (σ₁/σ) e^{-Λ₁} x + α₁(1 - e^{-h/2-Λ₁}) D₀ + σ₁ √(1 - e^{-2Λ₁}) z₁
//	x' = (σ'/σ) e^{-Λ} x  + α'(1 - e^{-h-Λ}) D(u)  + σ' √(1 - e^{-2Λ}) z
//
// where z₁ and z are the standardised increments of one Brownian motion over the half and
// the whole step. k-diffusion takes Λ from the split of Ancestral, which is the same at η
// = 0 and 1 and elsewhere follows the process to first order only; here Λ = ∫ η². Order
// 2, weak 2, strong 1.
type DPMPPSDE struct{}

var _ Method = DPMPPSDE{}

// Name returns "dpmpp-sde".
func (DPMPPSDE) Name() string { return "dpmpp-sde" }

// StrongOrder returns 1.
func (DPMPPSDE) StrongOrder() float64 { return 1 }

// WeakOrder returns 2.
func (DPMPPSDE) WeakOrder() float64 { return 2 }

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear.
func (m DPMPPSDE) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	return &dpmppSDE{expEuler: newExpEuler(m.Name(), p, noise, rows, exactRate), u: make([]float64, rows*p.Dim())}
}

type dpmppSDE struct {
	*expEuler
	u []float64
}

func (s *dpmppSDE) Step(x []float64, t0, t1 float64) {
	a, b := s.ends(t0, t1)
	d, u, dw := s.d[:len(x)], s.u[:len(x)], s.dw[:len(x)]
	s.denoise(d, x, a)
	if b.sigma == 0 {
		s.pass()
		s.pass()
		finish(x, d, b)
		return
	}
	mid := s.between(a, b, 0.5)
	l1, l := s.leg(a, mid), s.leg(a, b)
	noisy := l.std != 0
	half, whole := 0.0, 0.0 // factors of the increments
	if noisy {
		half, whole = l1.std/math.Sqrt(math.Abs(mid.t-t0)), l.std/math.Sqrt(math.Abs(t1-t0))
		s.noise.Increment(dw, t0, mid.t)
	} else {
		s.pass()
	}
	s.add(-mid.alpha*math.Expm1(-l1.length), d)
	s.add(half, dw)
	s.set(u, l1.decay, x)
	s.denoise(d, u, mid)
	if noisy {
		s.noise.Increment(u, mid.t, t1)
	} else {
		s.pass()
	}
	s.add(-b.alpha*math.Expm1(-l.length), d)
	s.add(whole, dw)
	s.add(whole, u)
	s.set(x, l.decay, x)
}
