package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// Milstein is Milstein's method for diagonal noise, coordinate by coordinate
//
//	x' = x + h f + g ΔW + ½ g ∂g/∂x (ΔW² - |h|)
//
// with f and g at (t, x) (Milstein 1974; Kloeden and Platen 1992, section 10.3). For
// a process that is no DiagonalDeriver, g ∂g/∂x is replaced by the difference
//
//	(g(t, y) - g(t, x)) / √|h|,   y = x + h f + √|h| g
//
// (Kloeden and Platen 1992, eq. 11.1.3). Strong order 1, weak order 1, one drift
// evaluation a step. On additive noise it is Euler-Maruyama.
type Milstein struct{}

var (
	_ Method         = Milstein{}
	_ DiagonalMethod = Milstein{}
)

// Name returns "milstein".
func (Milstein) Name() string { return "milstein" }

// StrongOrder returns 1.
func (Milstein) StrongOrder() float64 { return 1 }

// WeakOrder returns 1.
func (Milstein) WeakOrder() float64 { return 1 }

// NewStepper returns the stepper of one goroutine for additive noise, that of EulerMaruyama.
func (Milstein) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	return EulerMaruyama{}.NewStepper(p, noise, rows)
}

// NewDiagonalStepper returns the stepper of one goroutine.
func (Milstein) NewDiagonalStepper(p DiagonalProcess, noise NoiseSource, rows int) ode.Stepper {
	b := carve(5, rows*p.Dim())
	s := &milsteinStepper{base: newBase(noise, p.Dim(), rows), p: p, f: b[0], g: b[1], gg: b[2], y: b[3], dw: b[4]}
	s.deriv, _ = p.(DiagonalDeriver)
	return s
}

type milsteinStepper struct {
	base
	p               DiagonalProcess
	deriv           DiagonalDeriver // nil without derivatives
	f, g, gg, y, dw []float64
}

func (s *milsteinStepper) Step(x []float64, t0, t1 float64) {
	n, h := len(x), t1-t0
	f, g, gg, dw := s.f[:n], s.g[:n], s.gg[:n], s.dw[:n]
	s.p.Drift(f, x, t0)
	s.nfe++
	s.p.DiffusionDiag(g, x, t0)
	s.correction(gg, x, f, g, t0, h)
	s.noise.Increment(dw, t0, t1)
	for i, w := range dw {
		x[i] += h*f[i] + g[i]*w + gg[i]/2*(w*w-math.Abs(h))
	}
}

// correction writes g ∂g/∂x or its difference.
func (s *milsteinStepper) correction(gg, x, f, g []float64, t, h float64) {
	if s.deriv != nil {
		s.deriv.DiffusionDeriv(gg, x, t)
		for i := range gg {
			gg[i] *= g[i]
		}
		return
	}
	root := math.Sqrt(math.Abs(h))
	y := s.y[:len(x)]
	for i := range y {
		y[i] = x[i] + h*f[i] + root*g[i]
	}
	s.p.DiffusionDiag(gg, y, t)
	for i := range gg {
		gg[i] = (gg[i] - g[i]) / root
	}
}
