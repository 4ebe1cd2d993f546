package sde

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/seed-dea4846a/sampler/ode"
)

// ERSDE is the extended reverse-time SDE solver of Cui et al. 2023 (arXiv:2309.06169)
// of order 1, 2 or 3. Its noise is given by a function φ of σ̄ = σ/α: the
// rate is sφ'(s)/φ(s) - 1, so φ = s is the flow and φ = s² the reverse SDE. The
// process's η multiplies it as everywhere, φ_η = s (φ/s)^{η²}, with the mean of η² over
// a step. With r = φ_η(σ̄')/φ_η(σ̄)
//
//	x' = (α'/α) r x + α' (1-r) D_n + α'√(σ̄'² - r²σ̄²) z
//	     + α' [D₁ ((σ̄'-σ̄) + φ_η(σ̄')I) + D₂ ((σ̄'-σ̄)²/2 + φ_η(σ̄')J)]
//	I = ∫ ds/φ_η(s),   J = ∫ (s-σ̄)/φ_η(s) ds   over s from σ̄' to σ̄
//
// where D₁ and D₂ are the first two derivatives at σ̄ of the polynomial in σ̄ through the last D; I and
// J are computed by the Gauss-Legendre rule of 16 nodes in log s. Orders are those of
// SDEDPMPP, but for an η that depends on λ the mean has order 2 at most; the first steps are
// SEEDS steps on the same noise.
type ERSDE struct {
	Order int                     // 1, 2 or 3; 0 means 3
	Phi   func(s float64) float64 // φ > 0, φ/s not falling; nil means ERDefault
	// Published takes the released form: I and J are left sums of 100 points, D₁ of
	// order 3 is the slope between the last two points, the first steps are of lower
	// order. All three cost order.
	Published bool
}

// ERDefault is φ(s) = s (e^{s^0.3} + 10), the authors' choice, their SDE 5.
func ERDefault(s float64) float64 { return s * (math.Exp(math.Pow(s, 0.3)) + 10) }

// ERSquare is φ(s) = s², under which order 1 at η = 1 is DDPM.
func ERSquare(s float64) float64 { return s * s }

var _ Method = ERSDE{}

func (m ERSDE) order() int {
	if m.Order == 0 {
		return 3
	}
	return m.Order
}

// Name returns er-sde-1, er-sde-2 or er-sde-3.
func (m ERSDE) Name() string { return fmt.Sprintf("er-sde-%d", m.order()) }

// StrongOrder returns 1.
func (ERSDE) StrongOrder() float64 { return 1 }

// WeakOrder returns 1 or 2; the left sums of Published have order 1 at last.
func (m ERSDE) WeakOrder() float64 {
	if m.Published {
		return 1
	}
	return float64(min(2, m.order()))
}

// erNodes is the number of quadrature nodes: for φ = s² the integrand is e^{±h v/2} over
// v in [-1, 1], and the error of a rule of 16 is below 1e-15 up to h = 10.
const erNodes = 16

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear and
// the order 1, 2 or 3.
func (m ERSDE) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	k := m.order()
	if k < 1 || k > 3 {
		panic("sde: ERSDE has order 1, 2 or 3")
	}
	phi := m.Phi
	if phi == nil {
		phi = ERDefault
	}
	// The rate integrates to a difference of log(φ/s).
	s := &erStepper{order: k, published: m.Published, gain: func(s float64) float64 { return math.Log(phi(s) / s) }}
	s.multistep = newMultistep(m.Name(), k, k, m.Published, p, noise, rows, func(p Semilinear, a, b node) float64 {
		m := exactRate(p, a, b) / (b.lambda - a.lambda)
		return m * (s.gain(a.ratio()) - s.gain(b.ratio()))
	})
	quad.Legendre{}.FixedLocations(s.at[:], s.weight[:], 0, 1)
	return s
}

type erStepper struct {
	multistep
	order      int
	published  bool
	gain       func(s float64) float64 // log(φ/s)
	at, weight [erNodes]float64
}

func (s *erStepper) Step(x []float64, t0, t1 float64) {
	a, b := s.ends(t0, t1)
	d := s.hist.push(a.ratio(), len(x))
	s.denoise(d, x, a)
	if s.hist.n < s.need || b.sigma == 0 {
		s.advance(x, d, a, b)
		return
	}
	l := s.leg(a, b)
	w := [3]float64{-math.Expm1(-l.length)}
	pos := s.hist.pos
	if k := min(s.hist.n, s.order); k > 1 {
		w1, w2 := s.integrals(a, b, l)
		c0, c1 := w1/(pos[0]-pos[1]), 0.0 // of D_n - D_{n-1} and of D_{n-1} - D_{n-2}
		if k == 3 {
			if !s.published { // D₁ = slope + D₂ (σ̄_n - σ̄_{n-1})/2
				w2 += w1 * (pos[0] - pos[1]) / 2
			}
			e := 2 * w2 / (pos[0] - pos[2])
			c0 += e / (pos[0] - pos[1])
			c1 = -e / (pos[1] - pos[2])
		}
		w[0] += c0
		w[1] = c1 - c0
		w[2] = -c1
	}
	for j := range min(s.hist.n, s.order) {
		s.add(b.alpha*w[j], s.hist.d[j])
	}
	s.carry(x, a, b, l)
}

// integrals returns the weights of D₁ and D₂. φ_η(σ̄')/φ_η(s) is e^{-H} of the part of the
// step from s on.
func (s *erStepper) integrals(a, b node, l leg) (w1, w2 float64) {
	s0, s1 := a.ratio(), b.ratio()
	h := b.lambda - a.lambda
	m, g1 := 0.0, s.gain(s1)
	if all := s.gain(s0) - g1; all != 0 {
		m = (l.length - h) / all // mean of η²
	}
	add := func(v, ds float64) {
		k := s1 / v * math.Exp(m*(g1-s.gain(v))) * ds
		w1 += k
		w2 += k * (v - s0)
	}
	if s.published {
		ds := (s0 - s1) / 100
		for i := range 100 {
			add(s1+float64(i)*ds, ds)
		}
	} else {
		for i, u := range s.at {
			v := s1 * math.Exp(u*h)
			add(v, s.weight[i]*h*v)
		}
	}
	return w1 + (s1 - s0), w2 + (s1-s0)*(s1-s0)/2
}
