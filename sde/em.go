package sde

import (
	"github.com/seed-dea4846a/sampler/ode"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// EulerMaruyama is the Euler-Maruyama method for additive noise,
//
//	x' = x + h f(t, x) + g(t) ΔW
//
// (Maruyama 1955; Kloeden and Platen 1992, section 10.2). It has strong order 1 since
// the noise does not depend on the state, weak order 1, and takes one drift
// evaluation a step. Without noise it is Euler's method.
type EulerMaruyama struct{}

var _ Method = EulerMaruyama{}

// Name returns "em".
func (EulerMaruyama) Name() string { return "em" }

// StrongOrder returns 1.
func (EulerMaruyama) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (EulerMaruyama) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine.
func (EulerMaruyama) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	b := carve(2, rows*p.Dim())
	return &emStepper{base: newBase(noise, p.Dim(), rows), p: p, f: b[0], dw: b[1]}
}

type emStepper struct {
	base
	p     Process
	f, dw []float64
}

func (s *emStepper) Step(x []float64, t0, t1 float64) {
	f, dw := s.f[:len(x)], s.dw[:len(x)]
	s.p.Drift(f, x, t0)
	s.nfe++
	g := s.p.Diffusion(t0)
	if g == 0 {
		s.pass()
		simd.Combine2(x, 1, x, t1-t0, f)
		return
	}
	s.noise.Increment(dw, t0, t1)
	simd.Combine3(x, 1, x, t1-t0, f, g, dw)
}

// EulerMaruyamaDiagonal is the Euler-Maruyama method for diagonal noise, of strong
// order ½ and weak order 1, in the sense of Itô: the noise coefficient is taken where
// the step begins, in either direction of time.
type EulerMaruyamaDiagonal struct{}

var _ DiagonalMethod = EulerMaruyamaDiagonal{}

// Name returns "em".
func (EulerMaruyamaDiagonal) Name() string { return "em" }

// StrongOrder returns ½.
func (EulerMaruyamaDiagonal) StrongOrder() float64 { return 0.5 }

// WeakOrder returns 1.
func (EulerMaruyamaDiagonal) WeakOrder() float64 { return 1 }

// NewDiagonalStepper returns the stepper of one goroutine.
func (EulerMaruyamaDiagonal) NewDiagonalStepper(p DiagonalProcess, noise NoiseSource, rows int) ode.Stepper {
	b := carve(3, rows*p.Dim())
	return &emDiagonalStepper{base: newBase(noise, p.Dim(), rows), p: p, f: b[0], g: b[1], dw: b[2]}
}

type emDiagonalStepper struct {
	base
	p        DiagonalProcess
	f, g, dw []float64
}

func (s *emDiagonalStepper) Step(x []float64, t0, t1 float64) {
	f, g, dw := s.f[:len(x)], s.g[:len(x)], s.dw[:len(x)]
	s.p.Drift(f, x, t0)
	s.nfe++
	s.p.DiffusionDiag(g, x, t0)
	s.noise.Increment(dw, t0, t1)
	h := t1 - t0
	for i := range x {
		x[i] += h*f[i] + g[i]*dw[i]
	}
}
