package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"github.com/seed-dea4846a/sampler/tweedie"
	"gonum.org/v1/gonum/floats"
)

// Slices is the denoiser of stacks of Count slices, each denoised by itself: a point is
// the slices one after another, Count times as long as a point of Model.
type Slices struct {
	Model score.Denoiser
	Count int
}

// Dim returns the dimension of a stack.
func (s Slices) Dim() int { return s.Count * s.Model.Dim() }

// Denoise writes D of every slice.
func (s Slices) Denoise(dst, x []float64, alpha, sigma float64) {
	s.Model.Denoise(dst, x, alpha, sigma)
}

// JVP writes (∂D/∂x) v of every slice, by tweedie.Differences if Model has none; then it
// is better to give Slices a model that has.
func (s Slices) JVP(dst, x, v []float64, alpha, sigma float64) {
	tweedie.ModelOf(s.Model).JVP(dst, x, v, alpha, sigma)
}

// VJP writes (∂D/∂x)ᵀ u of every slice, as JVP if Model is no score.VJPer.
func (s Slices) VJP(dst, x, u []float64, alpha, sigma float64) {
	if m, ok := s.Model.(score.VJPer); ok {
		m.VJP(dst, x, u, alpha, sigma)
		return
	}
	s.JVP(dst, x, u, alpha, sigma)
}

// NewLinear returns the Jacobian of a stack.
func (s Slices) NewLinear() score.Linear { return score.LinearOf(tweedie.ModelOf(s.Model)) }

// Err returns the model's first error if it keeps one.
func (s Slices) Err() error {
	if e, ok := s.Model.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// DDSTV is the decomposed diffusion sampler for stacks of slices (Chung, Lee and Ye 2024,
// arXiv 2303.05754, with the prior across slices of Chung, Ryu, McCann, Klasky and Ye
// 2023, arXiv 2211.10655): the denoiser knows single slices, and the total variation
// between neighbours holds them together. Each step denoises and then takes, from
// x = x̂0, iterations of the alternating direction method of multipliers (ADMM) for
//
//	min_x ½|A x - y|² + λ|D x|₁,   (D x)_k = x_{k+1} - x_k, slice n being slice 0:
//
//	x:  CG on (AᵀA + ρDᵀD) x = Aᵀy + ρDᵀ(z - u), from x
//	z = shrink(D x + u, λ/ρ),   shrink(v, κ) = sign(v) max(|v| - κ, 0)
//	u ← u + D x - z
//
// z and u, at first 0, stay from one step to the next: each trajectory has its own. Then
// it renoises as Recursion does with the noise of the prior; the last x is the sample.
// It serves every path: Step.Split is Mixed as published on variance-preserving and
// MixedVE on variance-exploding ones. The prior enters by the start of CG alone, so few
// iterations are part of the method; with many the result is the minimiser and the prior
// is forgotten. The noise of y plays no part but in λ.
//
// The sampler's model must be a *Conditional of a problem that acts on the stack and of a
// prior such as Slices, which counts the work; its gain plays no part and may be nil.
type DDSTV struct {
	Slices     int     // in the stack
	Lambda     float64 // λ; the authors have 0.04 for sparse views, 0.4 for a limited angle
	Rho        float64 // ρ; zero means 10
	Iterations int     // of ADMM in a step; zero means 1
	Krylov     Krylov  // of CG; the authors have 5 iterations

	// Step has η and how it splits the noise; Posterior does not belong to the method.
	// The authors have η = 0.85.
	Step Recursion
}

// Sampler returns s with the steps of the method and the last x of ADMM as the sample.
func (m DDSTV) Sampler(s score.Sampler) *score.Sampler { return toClean(s, m.prepare) }

func (m DDSTV) check(s *score.Sampler) error {
	c, err := posed(s, "DDSTV")
	if err != nil {
		return err
	}
	if d := c.Dim(); m.Slices < 1 || d%m.Slices != 0 {
		return fmt.Errorf("inverse: a stack of %d slices does not fit points of dimension %d", m.Slices, d)
	}
	if !(m.Lambda >= 0 && m.Rho >= 0) || m.Iterations < 0 || math.IsInf(m.Lambda+m.Rho, 1) {
		return fmt.Errorf("inverse: DDSTV has λ = %g, ρ = %g and %d iterations, want finite numbers of 0 or more", m.Lambda, m.Rho, m.Iterations)
	}
	if e := m.Step; !(e.Eta >= 0 && e.Eta <= 1) || e.Split < 0 || e.Split >= splitEnd {
		return fmt.Errorf("inverse: the step of DDSTV has η = %g and the split %d, want η between 0 and 1 and a known split", e.Eta, e.Split)
	}
	return m.Krylov.check()
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. A step to a time
// beyond 1 ends at x₁ itself. It panics on what Sampler would refuse to run.
func (m DDSTV) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	return prepare(m.prepare).stepper(s, noise, rows)
}

func (m DDSTV) prepare(s *score.Sampler) (score.Steps, error) { return m.newStepper, m.check(s) }

func (m DDSTV) newStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	c := s.Model.(*Conditional)
	d := c.Dim()
	if m.Iterations == 0 {
		m.Iterations = 1
	}
	g := newADMM(m, &c.counts, d, rows)
	// One conditional denoiser a goroutine, whose gain has the state of its rows.
	own := &Conditional{problem: c.problem, prior: c.prior, model: c.model, gain: g}
	own.pool.New = func() any { return newLocal(own.problem, own.model) }
	run := *s
	run.Path, run.Model = untilClean{s.Path}, own
	return &ddsTV{Stepper: m.Step.NewStepper(&run, noise, rows), g: g}
}

// untilClean is x₁ itself at times beyond 1.
type untilClean struct{ interpolant.Path }

// At returns α, σ and their time derivatives.
func (p untilClean) At(t float64) interpolant.Coeffs { return coeffsAt(p.Path, t) }

type ddsTV struct {
	ode.Stepper
	g     *admm
	ended bool
}

func (s *ddsTV) Begin(first, rows int) {
	s.Stepper.Begin(first, rows)
	s.ended = false
	clear(s.g.z)
	clear(s.g.u)
}

func (s *ddsTV) Step(x []float64, t0, t1 float64) {
	s.g.row = 0
	s.Stepper.Step(x, t0, t1)
	s.ended = t1 > 1
}

// NFE leaves out the last evaluation, which the sampler counts.
func (s *ddsTV) NFE() int {
	n := s.Stepper.NFE()
	if s.ended {
		n--
	}
	return n
}

// admm is a gain with a memory: it must be given the rows of a group in order.
type admm struct {
	lambda, rho float64
	iterations  int
	krylov      Krylov
	diff        *linop.SliceDifference
	counts      *counters

	z, u  []float64 // of every row
	row   int
	delta []float64 // change of x
	w     []float64 // D x
	l     *Local    // of the system
	sys   func(dst, x []float64)
}

func newADMM(m DDSTV, counts *counters, d, rows int) *admm {
	g := &admm{
		lambda: m.Lambda, rho: orDefault(m.Rho, 10), iterations: m.Iterations, krylov: m.Krylov,
		diff: linop.NewSliceDifference(m.Slices, d/m.Slices), counts: counts,
		z: make([]float64, rows*d), u: make([]float64, rows*d),
		delta: make([]float64, d), w: make([]float64, d),
	}
	g.sys = g.system
	return g
}

// Estimate writes the last x.
func (g *admm) Estimate(dst []float64, l *Local) {
	d := len(dst)
	z, u := g.z[g.row*d:(g.row+1)*d], g.u[g.row*d:(g.row+1)*d]
	g.row++
	g.l = l
	copy(dst, l.Mean)
	for k := range g.iterations {
		// For δ = x - (x of before) from 0: the same iterates, free of cancellation.
		if k == 0 {
			l.Adjoint(l.d2, l.Residual)
		} else {
			misfit(l, l.d2, dst)
		}
		g.diff.Apply(g.w, dst)
		for i, v := range g.w {
			g.w[i] = z[i] - u[i] - v
		}
		g.diff.Adjoint(l.d1, g.w)
		floats.AddScaledTo(l.d1, l.d2, g.rho, l.d1)
		l.cg(g.delta, g.sys, l.d1, g.krylov)
		floats.Add(dst, g.delta)
		g.diff.Apply(g.w, dst)
		for i, v := range g.w {
			v += u[i]
			z[i] = math.Copysign(max(0, math.Abs(v)-g.lambda/g.rho), v)
			u[i] = v - z[i]
		}
	}
	g.counts.add(&l.counts)
}

// system writes (AᵀA + ρDᵀD) x.
func (g *admm) system(dst, x []float64) {
	if zero(x) { // the iteration's start costs nothing
		clear(dst)
		return
	}
	l := g.l
	l.Apply(l.m3, x)
	l.Adjoint(dst, l.m3)
	g.diff.Apply(g.w, x)
	g.diff.Adjoint(l.d3, g.w)
	floats.AddScaled(dst, g.rho, l.d3)
}
