package sde

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/ode"
)

// A history holds the denoiser at the last nodes, newest first.
type history struct {
	n   int         // entries
	d   [][]float64 // D at each
	pos []float64   // of each on the clock of the polynomials
}

func newHistory(k, n int) history {
	return history{d: carve(k, n), pos: make([]float64, k)}
}

// push makes room for a new entry and returns its D, of n values.
func (h *history) push(pos float64, n int) []float64 {
	k := len(h.d) - 1
	oldest := h.d[k]
	copy(h.d[1:], h.d[:k])
	copy(h.pos[1:], h.pos[:k])
	h.d[0], h.pos[0] = oldest, pos
	h.n = min(h.n+1, k+1)
	return oldest[:n]
}

// SDEDPMPP is SDE-DPM-Solver++ (Lu et al. 2022, arXiv:2211.01095) of order 1,
// or multistep of order 2 or 3. With D_n the newest denoised point, r₀ and r₁ the lengths
// of the last two steps relative to H in the clock S, and ψ_k as in SEEDS, it adds to
// the linear part y'
//
//	1:   α' ψ₀ D_n
//	2M:  α' (ψ₀ D_n + c (D_n - D_{n-1})/r₀),   c = ψ₀/2 (midpoint) or ψ₁ (Heun)
//	3M:  α' (ψ₀ D_n + ψ₁ Δ₁ + ψ₂ Δ₂)
//
// where Δ₁ and Δ₂ are the first derivative at D_n and half the second of the parabola
// through the last three points, as in k-diffusion's sample_dpmpp_3m_sde but for the
// weight of Δ₂, see Weight. The 2M Heun and 3M forms are the exponential Adams methods of
// two and three steps. Without noise the orders are 1, 2 and 3, weak orders 1, 2 and 2
// (the mean of a linear problem 1, 2 and 3), strong order 1.
//
// The first steps are SEEDS-2 or SEEDS-3 steps.
type SDEDPMPP struct {
	Order     int // 1, 2 or 3; 0 means 2
	Heun      bool
	Weight    ThirdWeight
	Published bool // start with lower orders, as the released codes do
}

// ThirdWeight is the weight of Δ₂ in SDE-DPM-Solver++ 3M.
type ThirdWeight int

// The weights of Δ₂.
const (
	ThirdExact     ThirdWeight = iota // ψ₂: the parabola is integrated exactly
	ThirdHalf                         // ψ₂/2: k-diffusion, order 2
	ThirdDiffusers                    // ψ₂/2 - 1: diffusers, the sign of a half reversed; weak order 1
)

var _ Method = SDEDPMPP{}

func (m SDEDPMPP) order() int {
	if m.Order == 0 {
		return 2
	}
	return m.Order
}

// Name returns sde-dpmpp-1, sde-dpmpp-2m, sde-dpmpp-2m-heun or sde-dpmpp-3m.
func (m SDEDPMPP) Name() string {
	switch k := m.order(); {
	case k == 1:
		return "sde-dpmpp-1"
	case k == 2 && m.Heun:
		return "sde-dpmpp-2m-heun"
	default:
		return fmt.Sprintf("sde-dpmpp-%dm", k)
	}
}

// StrongOrder returns 1.
func (SDEDPMPP) StrongOrder() float64 { return 1 }

// WeakOrder returns 1 or 2.
func (m SDEDPMPP) WeakOrder() float64 {
	if m.order() == 1 || m.order() == 3 && m.Weight == ThirdDiffusers {
		return 1
	}
	return 2
}

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear, the
// order 1, 2 or 3, and the weight one of the three.
func (m SDEDPMPP) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	k := m.order()
	if k < 1 || k > 3 || m.Weight < ThirdExact || m.Weight > ThirdDiffusers {
		panic("sde: SDEDPMPP has order 1, 2 or 3 and three weights")
	}
	return &dpmppStepper{
		multistep: newMultistep(m.Name(), k, k, m.Published, p, noise, rows, exactRate),
		m:         m, order: k,
	}
}

// multistep is what the multistep methods share: the history, and the start.
type multistep struct {
	*seedsStepper
	hist  history
	need  int     // entries before the method itself steps
	clock float64 // S since Begin
}

// newMultistep keeps size entries; starts of a stages-step method are singlesteps of as
// many stages, unless published.
func newMultistep(name string, stages, size int, published bool, p Process, src NoiseSource, rows int, rate rateLaw) multistep {
	m := multistep{
		seedsStepper: newSeeds(name, stages, p, src, rows, rate),
		hist:         newHistory(size, rows*p.Dim()),
		need:         stages,
	}
	if published {
		m.need = 1
	}
	return m
}

func (s *multistep) Begin(first, rows int) {
	s.seedsStepper.Begin(first, rows)
	s.hist.n, s.clock = 0, 0
}

type dpmppStepper struct {
	multistep
	m     SDEDPMPP
	order int
}

func (s *dpmppStepper) Step(x []float64, t0, t1 float64) {
	a, b := s.ends(t0, t1)
	d := s.hist.push(s.clock, len(x))
	s.denoise(d, x, a)
	if s.hist.n < s.need || b.sigma == 0 {
		s.clock += s.advance(x, d, a, b)
		return
	}
	l := s.leg(a, b)
	s.clock += l.length
	w := s.weights(l.length)
	for j := range min(s.hist.n, s.order) {
		s.add(b.alpha*w[j], s.hist.d[j])
	}
	s.carry(x, a, b, l)
}

// weights returns those of the last denoised points.
func (s *dpmppStepper) weights(length float64) (w [3]float64) {
	var m [3]float64
	psi(m[:], length)
	w[0] = m[0]
	pos := s.hist.pos
	switch min(s.hist.n, s.order) {
	case 2:
		c := m[1]
		if !s.m.Heun {
			c = m[0] / 2
		}
		c *= length / (pos[0] - pos[1])
		w[0] += c
		w[1] = -c
	case 3:
		r0, r1 := (pos[0]-pos[1])/length, (pos[1]-pos[2])/length
		c2 := m[2]
		switch s.m.Weight {
		case ThirdHalf:
			c2 /= 2
		case ThirdDiffusers:
			c2 = c2/2 - 1
		}
		// Δ₂ = (δ₀-δ₁)/(r₀+r₁) and Δ₁ = δ₀ + r₀Δ₂ with the slopes δ₀ and δ₁.
		e := (m[1]*r0 + c2) / (r0 + r1)
		s0, s1 := (m[1]+e)/r0, -e/r1
		w[0] += s0
		w[1] = s1 - s0
		w[2] = -s1
	}
	return w
}
