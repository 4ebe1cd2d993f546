package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// DAPS is decoupled annealing posterior sampling (Zhang et al. 2025, arXiv 2407.01521,
// algorithm 1). At each time of the grid, with σ̄ = σ/α,
//
//	x̂0 = the end of the probability flow from x
//	x₁ ~ exp(-|x₁ - x̂0|²/2r² - |y - A x₁|²/2τ²)
//	x' = α' x₁ + σ' z
//
// and the last x₁ is the sample. The draw of x₁ is exact, by perturbing and solving as in
// Corrected, or the authors' Langevin iteration. It serves every path.
//
// The sampler's model must be a *Conditional, which holds the problem and the prior and
// counts the work; its gain plays no part and may be nil. The authors have 200 levels
// from σ̄ = 100 to 0.1 even in σ̄^(1/7) and τ = 0.01 whatever the noise; with τ that of
// the noise DAPS errs less, but x̂0 is no mean and r² no covariance, so on a Gaussian
// N(0, S) too it is biased at any number of levels. It is exact there with Levels 1, where
// x̂0 is the mean, and Spread the standard deviation √(Sσ̄²/(S + σ̄²)) of x₁ given x.
type DAPS struct {
	Noise  float64                     // τ; zero means the problem's own noise
	Spread func(ratio float64) float64 // r as a function of σ̄; nil means σ̄

	Flow   ode.Method // of the probability flow; nil means ode.DDIM, Euler's method in σ̄
	Levels int        // of the flow, even in σ̄^(1/7), the last denoising included; zero means 5
	End    float64    // σ̄ of the last one; zero means 0.01

	Krylov   Krylov    // of the exact draw
	Langevin *Langevin // if not nil, the draw's iteration in place of the exact draw
}

// Langevin is the inner iteration of DAPS, from x̂0,
//
//	x₁ ← x₁ - η [(x₁ - x̂0)/r² + Aᵀ(A x₁ - y)/τ²] + √(2η) z.
//
// It is unstable unless η < 2/(1/r² + |A|²/τ²) at all levels, and biased by the step and
// by the number of steps. The authors have η of 2e-5 to 1e-4 at τ = 0.01; their code
// leaves out the ½ of the likelihood and so draws for half the variance τ²/2.
type Langevin struct {
	Steps int     // zero means 100
	Rate  float64 // η at the first level, in squared units of x₁; no default
	Decay float64 // η at the last level over that at the first, linear between; of one level it plays no part; zero means 0.01
}

// Sampler returns s with the levels of DAPS at its grid times and the last draw of x₁ in
// the place of the last denoising.
func (m DAPS) Sampler(s score.Sampler) *score.Sampler { return toClean(s, m.prepare) }

func (m DAPS) check(s *score.Sampler) error {
	c, err := posed(s, "DAPS")
	if err != nil {
		return err
	}
	if !(m.Noise >= 0 && m.End >= 0 && m.Levels >= 0) || math.IsInf(m.Noise, 1) {
		return fmt.Errorf("inverse: DAPS has the noise τ = %g and a flow of %d levels that ends at σ/α = %g, want numbers of 0 or more", m.Noise, m.Levels, m.End)
	}
	if s.Path.At(s.Grid[0]).Alpha == 0 {
		return noSignal(s.Grid[0])
	}
	if l := m.Langevin; l != nil {
		if !(l.Rate > 0 && l.Decay >= 0 && l.Steps >= 0) || math.IsInf(l.Rate, 1) {
			return fmt.Errorf("inverse: the Langevin iteration has %d steps of the rate %g that decays to %g of it, want a rate above 0, some below 2/(1/r² + |A|²/τ²)", l.Steps, l.Rate, l.Decay)
		}
		if positiveNoise(m.problem(c)) != nil {
			return fmt.Errorf("inverse: the Langevin iteration divides by the noise of each measurement, which must not be 0; the exact draw needs none")
		}
	}
	return m.Krylov.check()
}

// problem returns the problem with the noise τ.
func (m DAPS) problem(c *Conditional) *Problem {
	if m.Noise == 0 {
		return c.problem
	}
	return &Problem{a: c.problem.a, y: c.problem.y, std: m.Noise}
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. A step to a time
// beyond 1 ends at x₁ itself. It panics on what Sampler would refuse to run and on a
// Brownian tree, as a step draws more than once.
func (m DAPS) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	return prepare(m.prepare).stepper(s, noise, rows)
}

func (m DAPS) prepare(s *score.Sampler) (score.Steps, error) { return m.newStepper, m.check(s) }

func (m DAPS) newStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	refuseTree("DAPS", noise)
	c := s.Model.(*Conditional)
	d := c.Dim()
	if m.Flow == nil {
		m.Flow = ode.DDIM{}
	}
	if m.Levels == 0 {
		m.Levels = 5
	}
	m.End = orDefault(m.End, 0.01)
	st := &daps{
		DAPS: m, c: c, renoiser: newRenoiser(s.Path, noise, d, rows), total: len(s.Grid),
		flow:  m.Flow.NewStepper(&score.Flow{Path: s.Path, Model: c.prior}, rows),
		ball:  newBall(c, m.problem(c), m.Krylov, rows),
		state: make([]float64, rows*d), mean: make([]float64, rows*d), times: make([]float64, m.Levels),
	}
	if m.Langevin != nil {
		st.langevin = *m.Langevin
		if st.langevin.Steps == 0 {
			st.langevin.Steps = 100
		}
		st.langevin.Decay = orDefault(st.langevin.Decay, 0.01)
	}
	return st
}

type daps struct {
	DAPS
	renoiser
	c        *Conditional
	flow     ode.Stepper
	ball     ball
	langevin Langevin
	state    []float64 // on the way to x̂0
	mean     []float64 // x̂0, then x₁
	times    []float64
	first    int
	level    int // of total
	total    int
}

func (s *daps) Begin(first, rows int) {
	s.renoiser.Begin(first, rows)
	s.first, s.level = first, 0
}

func (s *daps) Step(x []float64, t0, t1 float64) {
	a, b := s.path.At(t0), coeffsAt(s.path, t1)
	ratio := a.Sigma / a.Alpha
	mean := s.mean[:len(x)]
	s.follow(mean, x, t0, ratio)
	if t1 > 1 { // the sampler counts the last evaluation
		s.nfe--
	}
	r := ratio
	if s.Spread != nil {
		r = s.Spread(ratio)
	}
	if s.Langevin == nil {
		s.ball.draw(mean, r, &s.renoiser, &s.c.counts, t0, t1)
	} else {
		s.iterate(mean, r, t0, t1)
	}
	s.level++
	z := s.draw(len(x), t0, t1)
	for i, v := range mean {
		x[i] = b.Alpha*v + b.Sigma*z[i]
	}
}

// follow writes the end of the flow from x.
func (s *daps) follow(mean, x []float64, t0, ratio float64) {
	state, t := s.state[:len(x)], t0
	copy(state, x)
	s.flow.Begin(s.first, len(x)/s.c.Dim())
	for _, t1 := range descend(s.times, s.path, t0, ratio, s.End)[1:] {
		s.flow.Step(state, t, t1)
		t = t1
	}
	c := s.path.At(t)
	s.c.prior.Denoise(mean, state, c.Alpha, c.Sigma)
	s.nfe += s.flow.NFE() + 1
}

// iterate replaces x̂0 in mean by the end of the Langevin iteration.
func (s *daps) iterate(mean []float64, r, t0, t1 float64) {
	l, d := s.ball.gauss.l, s.c.Dim()
	centre := s.state[:len(mean)]
	copy(centre, mean)
	rate := s.langevin.Rate * (1 + float64(s.level)/float64(max(1, s.total-1))*(s.langevin.Decay-1))
	for range s.langevin.Steps {
		z := s.draw(len(mean), t0, t1)
		for lo := 0; lo < len(mean); lo += d {
			row := mean[lo : lo+d]
			l.Apply(l.m1, row)
			for i, y := range l.y {
				l.m1[i] = (y - l.m1[i]) / l.Variance(i)
			}
			l.Adjoint(l.d1, l.m1)
			floats.AddScaled(l.d1, -1/(r*r), row)
			floats.AddScaled(l.d1, 1/(r*r), centre[lo:lo+d])
			floats.AddScaled(row, rate, l.d1)
			floats.AddScaled(row, math.Sqrt(2*rate), z[lo:lo+d])
		}
	}
	s.c.counts.add(&l.counts)
}
