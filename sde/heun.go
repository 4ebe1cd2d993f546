package sde

import (
	"github.com/seed-dea4846a/sampler/ode"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Heun is the stochastic Heun method for additive noise,
//
//	y  = x + h f(t, x) + g(t) ΔW
//	x' = x + h/2 (f(t, x) + f(t+h, y)) + ½ (g(t) + g(t+h)) ΔW
//
// (Kloeden and Platen 1992, section 15.1). The noise does not depend on the state, so
// the Itô and the Stratonovich reading of the equation coincide and the method solves
// both. It has strong order 1, weak order 2, and takes two drift evaluations a step.
// Without noise it is Heun's method.
type Heun struct{}

var _ Method = Heun{}

// Name returns "heun-sde".
func (Heun) Name() string { return "heun-sde" }

// StrongOrder returns 1.
func (Heun) StrongOrder() float64 { return 1 }

// WeakOrder returns 2.
func (Heun) WeakOrder() float64 { return 2 }

// NewStepper returns the stepper of one goroutine.
func (Heun) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	b := carve(4, rows*p.Dim())
	return &heunStepper{base: newBase(noise, p.Dim(), rows), p: p, f0: b[0], f1: b[1], y: b[2], dw: b[3]}
}

// InterpolantHeun is the Heun step of the stochastic interpolants' code, with both stages at
// the right times,
//
//	y  = x + g(t) ΔW
//	x' = y + h/2 (f(t, y) + f(t+h, y + h f(t, y)))
//
// (Albergo, Boffi and Vanden-Eijnden 2023, arXiv 2303.08797, the published code has both
// stages at t+h, which is of order 1 without noise). The noise comes before the step and
// not along it: weak order 1 (the mean 2), strong order 1, order 2 without noise.
type InterpolantHeun struct{}

var _ Method = InterpolantHeun{}

// Name returns "interpolant-heun".
func (InterpolantHeun) Name() string { return "interpolant-heun" }

// StrongOrder returns 1.
func (InterpolantHeun) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (InterpolantHeun) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine.
func (InterpolantHeun) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	b := carve(4, rows*p.Dim())
	return &interpolantHeunStepper{heunStepper{base: newBase(noise, p.Dim(), rows), p: p, f0: b[0], f1: b[1], y: b[2], dw: b[3]}}
}

type interpolantHeunStepper struct{ heunStepper }

func (s *interpolantHeunStepper) Step(x []float64, t0, t1 float64) {
	n, h := len(x), t1-t0
	f0, f1, y, dw := s.f0[:n], s.f1[:n], s.y[:n], s.dw[:n]
	if g := s.p.Diffusion(t0); g == 0 {
		s.pass()
	} else {
		s.noise.Increment(dw, t0, t1)
		simd.Combine2(x, 1, x, g, dw)
	}
	s.p.Drift(f0, x, t0)
	simd.Combine2(y, 1, x, h, f0)
	s.p.Drift(f1, y, t1)
	s.nfe += 2
	simd.Combine3(x, 1, x, h/2, f0, h/2, f1)
}

type heunStepper struct {
	base
	p             Process
	f0, f1, y, dw []float64
}

func (s *heunStepper) Step(x []float64, t0, t1 float64) {
	n, h := len(x), t1-t0
	f0, f1, y, dw := s.f0[:n], s.f1[:n], s.y[:n], s.dw[:n]
	g0, g1 := s.p.Diffusion(t0), s.p.Diffusion(t1)
	if g0 == 0 && g1 == 0 {
		s.pass() // and 0·dw is 0
	} else {
		s.noise.Increment(dw, t0, t1)
	}
	s.p.Drift(f0, x, t0)
	simd.Combine3(y, 1, x, h, f0, g0, dw)
	s.p.Drift(f1, y, t1)
	s.nfe += 2
	w, v := [3]float64{h / 2, h / 2, (g0 + g1) / 2}, [3][]float64{f0, f1, dw}
	simd.Combine(x, 1, x, w[:], v[:])
}
