package ode

import (
	"strconv"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// AdamsBashforth is the explicit Adams method of 2, 3 or 4 steps, of that order, on
// any grid:
//
//	x(t₁) = x(t₀) + Σ_j w_j f_j,   w_j = ∫ ℓ_j(s) ds over s from t₀ to t₁,
//
// where ℓ_j are the Lagrange polynomials of the last times (HNW III.1 and III.5).
// The first steps are taken by Heun, Kutta3 or RK4, so that the order holds from the
// start; afterwards a step costs one evaluation.
type AdamsBashforth int

var _ Method = AdamsBashforth(2)

// Name returns ab2, ab3 or ab4.
func (m AdamsBashforth) Name() string { return "ab" + strconv.Itoa(int(m)) }

// Order returns the number of steps.
func (m AdamsBashforth) Order() int { return int(m) }

// NewStepper returns a stepper for groups of up to rows points. It panics unless the
// number of steps is 2, 3 or 4.
func (m AdamsBashforth) NewStepper(f Field, rows int) Stepper {
	if m < 2 || m > 4 {
		panic("ode: AdamsBashforth has 2, 3 or 4 steps")
	}
	s := &abStepper{f: f, order: int(m)}
	s.starter = [...]*Tableau{2: Heun, 3: Kutta3, 4: RK4}[m].newStepper(f, rows)
	for j := range m {
		s.slopes[j] = make([]float64, rows*f.Dim())
	}
	return s
}

type abStepper struct {
	f       Field
	order   int
	starter *rkStepper
	past    int          // slopes in store
	nfe     int          // evaluations beside the starter's
	times   [4]float64   // of the slopes, newest first
	slopes  [4][]float64 // newest first
}

func (s *abStepper) Begin(first, rows int) {
	s.starter.Begin(first, rows)
	for j := range s.order {
		s.slopes[j] = s.slopes[j][:rows*s.f.Dim()]
	}
	s.past, s.nfe = 0, 0
}

func (s *abStepper) NFE() int { return s.nfe + s.starter.NFE() }

func (s *abStepper) Step(x []float64, t0, t1 float64) {
	oldest := s.slopes[s.order-1]
	copy(s.slopes[1:s.order], s.slopes[:s.order-1])
	copy(s.times[1:], s.times[:])
	s.slopes[0], s.times[0] = oldest, t0
	if s.past < s.order-1 {
		s.past++
		s.starter.Step(x, t0, t1)
		copy(s.slopes[0], s.starter.k[0])
		return
	}
	s.f.Eval(s.slopes[0], x, t0)
	s.nfe++
	var w [4]float64
	adamsWeights(w[:s.order], s.times[:s.order], t1)
	simd.Combine(x, 1, x, w[:s.order], s.slopes[:s.order])
}

// adamsWeights sets w_j = ∫ ℓ_j(s) ds over s from times[0] to t1. The rule of Gauss and
// Legendre with two nodes is exact for the polynomials of degree 3 and less that
// arise from up to four times.
func adamsWeights(w, times []float64, t1 float64) {
	const gauss = 0.5 / 1.732050807568877293527446341505872367 // 1/(2√3)
	h := t1 - times[0]
	for j := range w {
		sum := 0.0
		for _, c := range [2]float64{0.5 - gauss, 0.5 + gauss} {
			l := 1.0
			for i, t := range times {
				if i != j {
					l *= (times[0] - t + c*h) / (times[j] - t)
				}
			}
			sum += l
		}
		w[j] = h * sum / 2
	}
}
