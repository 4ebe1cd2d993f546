package inverse

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// SplitGibbs is the split Gibbs sampler with a diffusion prior, PnP-DM (Wu et al. 2024,
// arXiv 2405.18782, algorithm 1; Vono, Dobigeon and Chainais 2019 for the splitting). A
// sweep is
//
//	z ~ exp(-(y - Az)ᵀR⁻¹(y - Az)/2 - |z - x|²/2ρ²)     exact, as in Corrected
//	x ~ p(x) exp(-|x - z|²/2ρ²)                         denoising: from σ/α = ρ to none
//
// The second is by any stochastic steps of the prior from x_t = α z on, at the time where
// σ/α = ρ. If both are exact, x goes to the law that leaves the posterior as ρ → 0,
//
//	p(x) N(y; A x, R + ρ²AAᵀ),
//
// the posterior of noise increased by ρ² in the units of x, and takes the longer the
// smaller ρ is: therefore ρ falls, ρ_k = max(First·Decayᵏ, Rho). It serves every path.
//
// The sampler's model must be a *Conditional, which holds the problem and the prior and
// counts the work; its gain plays no part and may be nil.
type SplitGibbs struct {
	Rho, First, Decay float64 // zero means 0.3, 10 and 0.9, in units of x
	Sweeps            int     // zero means 100

	// BurnIn sweeps of Chains go before Keep samples, evenly spaced among the others;
	// zero means 40 and 20, or less of both if there are fewer than 100 sweeps.
	BurnIn, Keep int

	Steps  score.Steps // of the prior; nil means sde.DDIM with η = 1
	Levels int         // evaluations in a denoising, even in (σ/α)^(1/7); zero means 20
	End    float64     // σ/α of the last one; zero means 0.002
	Krylov Krylov      // of the exact draw
}

func (g SplitGibbs) withDefaults() SplitGibbs {
	g.Rho, g.First, g.Decay, g.End = orDefault(g.Rho, 0.3), orDefault(g.First, 10), orDefault(g.Decay, 0.9), orDefault(g.End, 0.002)
	if g.Sweeps == 0 {
		g.Sweeps = 100
	}
	if g.BurnIn == 0 {
		g.BurnIn = min(40, 2*g.Sweeps/5)
	}
	if g.Keep == 0 {
		g.Keep = min(20, g.Sweeps-g.BurnIn)
	}
	if g.Levels == 0 {
		g.Levels = 20
	}
	if g.Steps == nil {
		g.Steps = score.SDESteps(sde.DDIM, 1)
	}
	return g
}

// Sampler returns s with the sweeps as its solver: a sample is the last x of a chain of
// its own. Chains start at the base x/α of a grid that is set to the time of the first ρ.
func (g SplitGibbs) Sampler(s score.Sampler) *score.Sampler { return g.sampler(s, nil) }

// Chains runs n chains and returns Keep samples of each, one chain after another. Of one
// chain they are dependent; the last is that of Sampler.
func (g SplitGibbs) Chains(ctx context.Context, s score.Sampler, n int, set *ode.Settings) ([]float64, ode.Result, error) {
	if set == nil {
		set = &ode.Settings{}
	}
	def := g.withDefaults()
	k := &kept{per: def.Keep, first: set.First}
	if def.Keep > 0 { // otherwise refused below
		k.x = make([]float64, n*def.Keep*s.Model.Dim())
	}
	_, res, err := g.sampler(s, k).Draw(ctx, n, set)
	if err != nil {
		return nil, res, err
	}
	return k.x, res, nil
}

// kept are the samples of chains first, first+1, …; each chain writes its own.
type kept struct {
	x          []float64
	per, first int
}

func (g SplitGibbs) sampler(s score.Sampler, k *kept) *score.Sampler {
	g = g.withDefaults()
	inner := s // the sampler with the model as it is
	s.Model = drawn{s.Model}
	s.Grid = []float64{s.Path.Time(-math.Log(max(g.First, g.Rho)))}
	s.Solver = func(ctx context.Context, run *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		in := inner
		in.Path, in.Grid, in.Seed = run.Path, run.Grid, run.Seed
		if err := g.check(&in); err != nil {
			return ode.Result{}, err
		}
		floats.Scale(1/in.Path.At(in.Grid[0]).Alpha, x)
		sweeps := make([]float64, g.Sweeps+1)
		for i := range sweeps {
			sweeps[i] = float64(i)
		}
		return march(ctx, &in, sweeps, x, g.steps(k), set)
	}
	return &s
}

func (g SplitGibbs) check(s *score.Sampler) error {
	if _, err := posed(s, "SplitGibbs"); err != nil {
		return err
	}
	if !(g.Rho > 0 && g.First > 0 && g.Decay > 0 && g.Decay <= 1 && g.End > 0) {
		return fmt.Errorf("inverse: the split has ρ from %g falling by %g to %g and ends at σ/α = %g, want numbers above 0 and a factor of at most 1", g.First, g.Decay, g.Rho, g.End)
	}
	if g.Sweeps < 1 || g.Levels < 1 || g.Keep < 1 || g.BurnIn < 0 || g.BurnIn+g.Keep > g.Sweeps {
		return fmt.Errorf("inverse: %d sweeps of %d levels cannot have %d of burn-in and %d that are kept", g.Sweeps, g.Levels, g.BurnIn, g.Keep)
	}
	for _, rho := range []float64{max(g.First, g.Rho), g.Rho} {
		// Paths that are tables invert λ to about 1e-9.
		if c := s.Path.At(s.Path.Time(-math.Log(rho))); !(math.Abs(c.Sigma-rho*c.Alpha) < 1e-6*c.Sigma) {
			return fmt.Errorf("inverse: the path has no time at which σ/α is ρ = %g", rho)
		}
	}
	return g.Krylov.check()
}

// NewStepper makes the stepper of one goroutine, for chains of x, of which a step is one
// sweep, from time k to k+1; it is a score.Steps. It panics on what Sampler would refuse
// to run and on a Brownian tree, as a sweep draws more than once.
func (g SplitGibbs) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	g = g.withDefaults()
	return prepare(func(s *score.Sampler) (score.Steps, error) { return g.steps(nil), g.check(s) }).stepper(s, noise, rows)
}

// steps are sweeps that store what is kept, if anything is.
func (g SplitGibbs) steps(k *kept) score.Steps {
	return func(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
		refuseTree("SplitGibbs", noise)
		c := s.Model.(*Conditional)
		d := c.Dim()
		st := &splitGibbs{
			SplitGibbs: g, c: c, renoiser: newRenoiser(s.Path, noise, d, rows), kept: k,
			ball: newBall(c, c.problem, g.Krylov, rows), mean: make([]float64, rows*d), times: make([]float64, g.Levels),
		}
		prior := *s
		prior.Model = c.prior
		st.inner = g.Steps(&prior, continued{r: &st.renoiser, d: d, dim: d}, rows)
		return st
	}
}

type splitGibbs struct {
	SplitGibbs
	renoiser
	c     *Conditional
	ball  ball
	inner ode.Stepper
	mean  []float64
	times []float64
	kept  *kept
	first int
}

func (s *splitGibbs) Begin(first, rows int) {
	s.renoiser.Begin(first, rows)
	s.first = first
}

func (s *splitGibbs) Step(x []float64, t0, t1 float64) {
	k := int(t0)
	rho := max(s.First*math.Pow(s.Decay, float64(k)), s.Rho)
	s.ball.draw(x, rho, &s.renoiser, &s.c.counts, t0, t1)
	t := s.path.Time(-math.Log(rho))
	floats.Scale(s.path.At(t).Alpha, x)
	s.inner.Begin(s.first, len(x)/s.c.Dim())
	for _, next := range descend(s.times, s.path, t, rho, s.End)[1:] {
		s.inner.Step(x, t, next)
		t = next
	}
	c, mean := s.path.At(t), s.mean[:len(x)]
	s.c.prior.Denoise(mean, x, c.Alpha, c.Sigma)
	copy(x, mean)
	s.nfe += s.inner.NFE() + 1
	k++
	if k == s.Sweeps { // the sampler counts the last evaluation
		s.nfe--
	}
	if s.kept != nil {
		s.keep(x, k)
	}
}

// keep stores x after k sweeps if they are among the kept: the j-th of Keep is that after
// BurnIn + j(Sweeps - BurnIn)/Keep, j = 1, …, Keep, rounded down.
func (s *splitGibbs) keep(x []float64, k int) {
	n := s.Sweeps - s.BurnIn
	j := ((k-s.BurnIn)*s.Keep + s.Keep - 1) / n
	if k <= s.BurnIn || s.BurnIn+j*n/s.Keep != k {
		return
	}
	d := s.c.Dim()
	for lo := 0; lo < len(x); lo += d {
		at := ((s.first-s.kept.first+lo/d)*s.kept.per + j - 1) * d
		copy(s.kept.x[at:at+d], x[lo:lo+d])
	}
}

// continued lends the noise of a group to inner steps, which begin anew in each sweep but
// must not see the same numbers again.
type continued struct {
	r      *renoiser
	d, dim int
}

func (c continued) NewNoise(dim, _ int) sde.Noise { c.dim = dim; return c }
func (continued) Begin(_, _ int)                  {}

func (c continued) Increment(dw []float64, t0, t1 float64) {
	c.r.fill(dw, len(dw)/c.dim, c.d, t0, t1)
	floats.Scale(math.Sqrt(math.Abs(t1-t0)), dw)
}

// IncrementArea serves the methods of package sde, which all have points of dimension d.
func (c continued) IncrementArea(dw, dz []float64, t0, t1 float64) {
	c.r.noise.IncrementArea(dw, dz, t0, t1)
}
