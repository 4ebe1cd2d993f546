package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"github.com/seed-dea4846a/sampler/tweedie"
	"gonum.org/v1/gonum/floats"
)

// STSL is posterior sampling with a second-order Tweedie surrogate loss (Rout, Chen, Kumar,
// Caramanis, Shakkottai and Chu 2024, arXiv 2312.00852), here in the model's own
// coordinates: down the gradient of the misfit and of the trace of the curvature of
// log p, s = ∇ log p,
//
//	L(x) = ζ ‖y - f(x̂0)‖ + (ν/d) tr ∇s(x),   tr ∇s = (α² tr Cov[x₁|x]/σ² - d)/σ²,
//
// Inner times a step, x ← x - ∇L; the last descent is taken from DDIM's step, as in DPS,
// which ν = 0 and one inner descent give. The published trace is one random difference of
// the score over a unit step, for which
//
//	∇ (zᵀs(x + h z) - zᵀs(x))/h = (α/(hσ²)) (∂D/∂x(x + h z) - ∂D/∂x(x))ᵀ z,   z ~ N(0, I),
//
// so an inner descent costs one evaluation and two products of the Jacobian. (A program
// that differentiates by reverse mode counts two evaluations.) With Exact it is the
// derivative itself by tweedie, of a posterior mean, for 2d products and one more.
//
// The sampler's model is a *Guided or a *Conditional.
type STSL struct {
	Zeta  float64 // ζ
	Nu    float64 // ν; the authors have 0.02
	Inner int     // zero means 1; the authors have 5 with 50 steps
	Step  float64 // h of the difference; zero means 1, as published
	Exact bool    // the trace's own gradient
	Eta   float64 // η of DDIM
}

// Solver returns the steps as the solver of a sampler.
func (m STSL) Solver() score.Solver { return guideSolver(m) }

// Sampler returns s with the steps as its solver and, unless it has a base or the problem
// is not linear, a start from Aᵀy, noised to the start of the grid. The paper runs the
// deterministic forward process of DDIM from Aᵀy; random noise is how Boys et al. (2023)
// implement it again, and makes samples independent.
func (m STSL) Sampler(s score.Sampler) *score.Sampler {
	s.Solver = m.Solver()
	g, err := guidedOf(s.Model, "STSL")
	if err != nil || s.Base != nil || len(s.Grid) == 0 {
		return &s // the solver has the words for an error
	}
	if p, ok := g.linear(); ok {
		back := make([]float64, g.Dim())
		p.a.Adjoint(back, p.y)
		s.Base = NewNoised(s.Path, s.Grid[0], back)
	}
	return &s
}

func (m STSL) check(s *score.Sampler) (*Guided, error) {
	if !(m.Nu >= 0) || math.IsInf(m.Nu, 1) || m.Inner < 0 || !(m.Step >= 0) || math.IsInf(m.Step, 1) {
		return nil, fmt.Errorf("inverse: STSL has the weight ν = %g, %d inner descents and the difference step %g, want finite numbers of 0 or more", m.Nu, m.Inner, m.Step)
	}
	return checkGuide(s, "STSL", m.Zeta, m.Eta, m.Exact && m.Nu > 0)
}

func (m STSL) inner() int { return max(1, m.Inner) }

// probes says whether the trace is a random difference.
func (m STSL) probes() bool { return m.Nu > 0 && !m.Exact }

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics where
// Solver returns an error.
func (m STSL) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	g := mustCheck(m, s)
	d := g.Dim()
	extra := 0
	if m.probes() {
		extra = m.inner() * d
	}
	st := &stsl{
		STSL: m, descent: newDescent(s, noise, rows, g, DPS{Zeta: m.Zeta}, m.Eta, false, extra),
		post: &tweedie.Posterior{Model: g.model}, at: make([]float64, rows*d), seed: make([]float64, rows*d),
	}
	if m.Step == 0 {
		st.STSL.Step = 1
	}
	return st
}

type stsl struct {
	STSL
	descent
	post     *tweedie.Posterior
	at, seed []float64
}

func (s *stsl) Step(x []float64, t0, t1 float64) {
	a, b := s.path.At(t0), s.path.At(t1)
	z := s.draw(len(x)/s.g.Dim()*s.size, t0, t1)
	for k := range s.inner() {
		if k > 0 {
			floats.Sub(x, s.grad[:len(x)])
		}
		s.descend(x, z, a)
		switch {
		case s.probes():
			s.pullDifference(x, z, k, a)
		case s.Nu > 0:
			s.pull(x)
			s.addTrace(x, a)
		default:
			s.pull(x)
		}
	}
	s.move(x, z, a, b)
	s.flush()
}

// pullDifference makes ∇L with the trace by the difference: the product at x serves both
// terms.
func (s *stsl) pullDifference(x, z []float64, k int, a interpolant.Coeffs) {
	d := s.g.Dim()
	h := s.STSL.Step
	weight := s.Nu / float64(d) * a.Alpha / (a.Sigma * a.Sigma) / h
	for lo := 0; lo < len(x); lo += d {
		probe := z[(1+k)*d : (2+k)*d]
		floats.AddScaledTo(s.at[lo:lo+d], x[lo:lo+d], h, probe)
		floats.ScaleTo(s.seed[lo:lo+d], weight, probe)
		z = z[s.size:]
	}
	floats.Sub(s.cot[:len(x)], s.seed[:len(x)])
	s.pull(x)
	s.linear.At(nil, s.at[:len(x)], a.Alpha, a.Sigma)
	s.linear.VJP(s.cot[:len(x)], s.seed[:len(x)])
	s.w.counts.JVP += int64(len(x) / d)
	floats.Add(s.grad[:len(x)], s.cot[:len(x)])
}

// addTrace adds (ν/d) ∇ tr ∇s.
func (s *stsl) addTrace(x []float64, a interpolant.Coeffs) {
	d := s.g.Dim()
	s.post.TraceGrad(s.at[:len(x)], x, a.Alpha, a.Sigma)
	s.w.counts.JVP += int64(2 * len(x)) // 2d a point
	r := a.Alpha / (a.Sigma * a.Sigma)
	floats.AddScaled(s.grad[:len(x)], s.Nu/float64(d)*r*r, s.at[:len(x)])
}
