package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// A Form is what DPS descends, with r = y - f(x̂0).
type Form int

// The forms in use.
const (
	Norm       Form = iota // ζ‖r‖: the authors' code, and most figures under the name DPS
	TwiceNorm              // (ζ/‖r‖) ∇‖r‖² = 2ζ ∇‖r‖: algorithm 1 of the paper; the baseline of MCGdiff's code
	Squared                // ζ‖r‖²
	Likelihood             // (ζ/2) rᵀR⁻¹r, the step matched to DDIM's: gradient guidance
	formEnd                // the number of forms
)

// DPS is diffusion posterior sampling (Chung, Kim, Mccann, Klasky and Ye 2023, arXiv
// 2209.14687, algorithms 1 and 2): an ancestral step, and down the gradient of the misfit
// through D,
//
//	x' = DDIM_η(x; x̂0) - ζ ∇_x ‖y - f(x̂0)‖.
//
// The sampler's model is a *Guided or a *Conditional. One product of the Jacobian a step.
//
// The first three forms know neither the noise nor the length of the step: their law
// depends on ζ, on the number of steps and on the units of the data, and is no posterior
// for any ζ. With Likelihood and ζ = 1 the step is that of sde.DDIM for the score
//
//	∇ log p(x) + ∇ log N(y; f(x̂0), R),
//
// whatever the number of steps: Bayes' rule if x were to leave no doubt about x₁. While
// it does, the data are trusted too much, and where the noise is small against the spread
// of x₁ given x the steps diverge unless they are many. The gains of a Conditional know
// better.
type DPS struct {
	Zeta     float64 // ζ; the authors have 0.3 to 1 with 1000 steps
	Form     Form
	Whitened bool    // R^{-½}r in place of r; for counts (NewPoisson) r/√|y|, the paper's weights but for a constant
	Eta      float64 // the authors have 1, the ancestral step
}

// Solver returns the steps as the solver of a sampler.
func (m DPS) Solver() score.Solver { return guideSolver(m) }

func (m DPS) check(s *score.Sampler) (*Guided, error) {
	if m.Form < 0 || m.Form >= formEnd {
		return nil, fmt.Errorf("inverse: DPS has no form %d", m.Form)
	}
	g, err := checkGuide(s, "DPS", m.Zeta, m.Eta, m.Form == Likelihood)
	if err == nil && m.weighted() {
		err = checkNoisy(g.data, "this form of DPS")
	}
	return g, err
}

func (m DPS) weighted() bool { return m.Whitened || m.Form == Likelihood }

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics where
// Solver returns an error.
func (m DPS) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	d := newDescent(s, noise, rows, mustCheck(m, s), m, m.Eta, m.Form == Likelihood, 0)
	return &d
}

func (DPS) normals(_, _ int) int { return 0 }

// slope writes -κ f'ᵀ W r, W = I or R⁻¹, and κ what the form makes of the length of W^½r.
func (m DPS) slope(dst, mean, _ []float64, _ interpolant.Coeffs, w *slopes) {
	w.residual(mean)
	r := w.r
	square := 0.0
	for i, v := range r {
		if m.weighted() {
			r[i] /= w.data.Variance(i)
		}
		square += v * r[i]
	}
	scale := -m.Zeta
	switch {
	case m.Form == Squared:
		scale *= 2
	case m.Form == Likelihood:
	case square == 0: // r is 0 too
	case m.Form == Norm:
		scale /= math.Sqrt(square)
	case m.Form == TwiceNorm:
		scale *= 2 / math.Sqrt(square)
	}
	w.back(dst, mean, r)
	floats.Scale(scale, dst)
}

// MCG adds to each step of DPS a projection onto the noised data (manifold-constrained
// gradients: Chung, Sim, Ryu and Ye 2022, arXiv 2206.00941),
//
//	x' ← x' + A†(α'y + σ'A z - A x'),
//
// after which A x' = α'y + σ'A z where A has full row rank. For AAᵀ = I it is the paper's
// (I - AᵀA) x' + Aᵀ(α'y + σ'ε). It takes no account of noise in y.
//
// It needs a linear problem. The last denoising of a *Guided is free to leave the data;
// that of a *Conditional with the gain DDNM projects once more.
type MCG struct {
	Zeta   float64 // ζ of the norm
	Eta    float64 // the authors have 1
	Krylov Krylov  // of A†, for operators that are not spectral
}

// Solver returns the steps as the solver of a sampler.
func (m MCG) Solver() score.Solver { return guideSolver(m) }

func (m MCG) check(s *score.Sampler) (*Guided, error) {
	g, err := checkGuide(s, "MCG", m.Zeta, m.Eta, false)
	if err != nil {
		return nil, err
	}
	if _, ok := g.linear(); !ok {
		return nil, fmt.Errorf("inverse: MCG projects, which only a linear problem allows; DPS serves a %T", g.data)
	}
	return g, m.Krylov.check()
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics where
// Solver returns an error.
func (m MCG) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	g := mustCheck(m, s)
	p, _ := g.linear()
	dim := g.Dim()
	return &mcg{
		descent: newDescent(s, noise, rows, g, DPS{Zeta: m.Zeta}, m.Eta, false, dim),
		project: DDNM{m.Krylov}, l: newLocal(p, g.model), clean: make([]float64, dim),
	}
}

type mcg struct {
	descent
	project DDNM
	l       *Local
	clean   []float64
}

func (s *mcg) Step(x []float64, t0, t1 float64) {
	s.descent.Step(x, t0, t1)
	b, d := s.path.At(t1), s.g.Dim()
	z := s.z
	for lo := 0; lo < len(x); lo += d {
		// x = α'u + σ'z, and the projection of x is α'(u + A†(y - Au)) + σ'z.
		row, z1 := x[lo:lo+d], z[d:2*d]
		for i, v := range row {
			s.clean[i] = (v - b.Sigma*z1[i]) / b.Alpha
		}
		s.l.at(row, s.clean, b.Alpha, b.Sigma)
		s.project.Estimate(row, s.l)
		for i, v := range row {
			row[i] = b.Alpha*v + b.Sigma*z1[i]
		}
		z = z[s.size:]
	}
	s.g.counts.add(&s.l.counts)
}
