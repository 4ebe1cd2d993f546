package inverse

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"gonum.org/v1/gonum/floats"
)

// SMC samples the posterior by sequential Monte Carlo: weighted particles that follow a
// guided chain and multiply or die out by resampling (Del Moral, Doucet and Jasra 2006; for
// diffusion models Wu et al. 2023, arXiv 2306.17775). The chain of the prior is DDIM's,
//
//	p(x'|x) = N(α' D + √(σ'² - v) (x - α D)/σ, v I),   v = η²σ'²τ,  τ = 1 - (σ'α/(α'σ))²,
//
// from x_0 ~ N(0, σ_0² I) to x_K, and ends at x₁ = D(x_K). A method proposes from q(x'|x) and
// has a twist ψ_k(x) > 0, a guess of p(y|x); the weights
//
//	w_0 = ψ_0(x_0),   w' = w p(x'|x) ψ'(x') / (q(x'|x) ψ(x)),   w_1 = w p(y|x₁)/ψ_K(x_K),
//
// correct whatever either gets wrong. With the number of particles the weighted points
// become exact for the posterior of the law that the prior's chain gives x₁, and Π_k mean w_k
// is for every number an unbiased estimate of its evidence (Del Moral 2004, Feynman-Kac
// Formulae, section 7.4). What is left is the chain's own error, which more steps reduce.
// TwistedCorrected has another chain; MCGdiff and FPS have targets of their own.
//
// The law of one population of few particles is biased, by about 1/particles, and its
// points have ancestors in common; independent populations average the first and show the
// second. The noise of every measurement must have a positive variance.
type SMC struct {
	Method     ParticleMethod // nil means Twisted{}
	Particles  int            // of a population; zero means that all points are one
	Eta        float64        // η in (0, 1]; zero means 1
	Threshold  float64        // resample if ESS < Threshold × Particles; zero means 1/2, 1 always, negative never
	Resampling Resampling
}

// A ParticleMethod has the proposals and twists of SMC: Twisted, TwistedCorrected, MCGdiff
// or FPS.
type ParticleMethod interface {
	// prepare checks the run and returns what makes the mover of a goroutine.
	prepare(r *smcRun) (func() mover, error)
}

// A mover moves single particles; it belongs to one goroutine. k counts the times of the
// grid, z is fresh noise.
type mover interface {
	start(p *particle, z []float64) float64        // from the base's draw to x_0; returns log p/q
	look(p *particle, k int)                       // sets the twist, given mean = D(x)
	move(p *particle, z []float64, k int) float64  // from time k-1 to k; returns log p/q
	finish(p *particle, z []float64) (psi float64) // to x₁; returns the last log twist
	local() *Local
}

// A particle is a point and what was found there. All but the population is inherited.
type particle struct {
	x, mean, aux []float64 // the point, D(x) and the method's own
	twist, kept  float64   // log ψ and the method's own
	population   int
}

// inherit makes p a copy of q.
func (p *particle) inherit(q *particle) {
	copy(p.x, q.x)
	copy(p.mean, q.mean)
	copy(p.aux, q.aux)
	p.twist, p.kept = q.twist, q.kept
}

// An smcLeg is the prior's transition to a time, p(x'|x) = N(keep x + gain D, v I).
type smcLeg struct{ keep, gain, v float64 }

// newSMCLeg is that from a to b.
func newSMCLeg(a, b interpolant.Coeffs, eta float64) smcLeg {
	fresh := eta * math.Sqrt(share(a, b))
	keep := b.Sigma / a.Sigma * math.Sqrt((1-fresh)*(1+fresh))
	return smcLeg{keep: keep, gain: b.Alpha - a.Alpha*keep, v: b.Sigma * b.Sigma * fresh * fresh}
}

// Particles are the weighted points of a run, population after population.
type Particles struct {
	Size        int       // particles of a population
	X           []float64 // the points x₁, flat
	LogWeights  []float64 // one a point; each population's weights sum to 1
	Draws       []float64 // equally weighted draws from X, as many
	LogEvidence []float64 // estimate of log p(y) in nats, one a population; NaN for FPS
	// ESS is the effective sample size 1/Σw² before resampling at each time of the grid and
	// at x₁, len(grid)+1 values a population.
	ESS []float64
	// Ancestors are the particles of the population's start from which each descends.
	Ancestors []int
}

// Distinct returns how many particles of its start each population descends from. One is
// a sign that its points are a sample of one lineage.
func (p *Particles) Distinct() []int {
	out := make([]int, len(p.LogEvidence))
	for r := range out {
		seen := map[int]bool{}
		for _, a := range p.Ancestors[r*p.Size : (r+1)*p.Size] {
			seen[a] = true
		}
		out[r] = len(seen)
	}
	return out
}

// Evidence combines the populations: the log of the mean of their estimates of p(y), and
// its relative standard error, NaN for a single population.
func (p *Particles) Evidence() (logp, relErr float64) {
	n := float64(len(p.LogEvidence))
	logp = floats.LogSumExp(p.LogEvidence) - math.Log(n)
	v := 0.0
	for _, l := range p.LogEvidence {
		e := math.Exp(l-logp) - 1
		v += e * e
	}
	return logp, math.Sqrt(v / n / (n - 1))
}

// Run draws n weighted points, n a multiple of the particles of a population. The sampler's
// model is a *Conditional, whose problem and prior are used, whose Counts go on, and whose
// gain plays no part. The prior is evaluated len(s.Grid) times for each particle. Solver,
// Base and settings that record trajectories must not be set. Particle i depends on the
// seed, i and the rest of its population only. It returns an error if something does not
// fit, a point or a weight is not finite, or all particles of a population have lost
// their weight.
func (m SMC) Run(ctx context.Context, s score.Sampler, n int, set *ode.Settings) (*Particles, ode.Result, error) {
	var out *Particles
	x, res, err := m.sampler(s, &out).Draw(ctx, n, set)
	if err != nil {
		return nil, res, err
	}
	out.Draws = x
	return out, res, nil
}

// Sampler returns s as a sampler of the equally weighted draws of Run.
func (m SMC) Sampler(s score.Sampler) *score.Sampler {
	var out *Particles
	return m.sampler(s, &out)
}

func (m SMC) sampler(s score.Sampler, out **Particles) *score.Sampler {
	inner := s
	s.Model = drawn{s.Model}
	s.Solver = func(ctx context.Context, run *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		in := inner
		in.Path, in.Grid, in.Seed, in.Base = run.Path, run.Grid, run.Seed, run.Base
		r, err := m.newRun(&in, x, set)
		if err != nil {
			return ode.Result{}, err
		}
		res, err := r.run(ctx)
		if err != nil {
			return res, ode.WithModelError(err, in.Model)
		}
		*out = r.out
		return res, nil
	}
	return &s
}

func (m SMC) newRun(s *score.Sampler, x []float64, set *ode.Settings) (*smcRun, error) {
	c, ok := s.Model.(*Conditional)
	if !ok {
		return nil, fmt.Errorf("inverse: SMC needs a sampler of a *Conditional, got a %T", s.Model)
	}
	d := c.Dim()
	n := len(x) / d
	if m.Particles == 0 {
		m.Particles = n
	}
	if m.Eta == 0 {
		m.Eta = 1
	}
	if m.Threshold == 0 {
		m.Threshold = 0.5
	}
	if m.Method == nil {
		m.Method = Twisted{}
	}
	switch {
	case m.Particles < 0 || n == 0 || n%m.Particles != 0 || set.First%m.Particles != 0:
		return nil, fmt.Errorf("inverse: %d points from number %d on are no whole populations of %d particles", n, set.First, m.Particles)
	case !(m.Eta > 0 && m.Eta <= 1):
		return nil, fmt.Errorf("inverse: η = %g is not in (0, 1]: particles need noise", m.Eta)
	case math.IsNaN(m.Threshold) || m.Resampling < 0 || m.Resampling >= resamplingEnd:
		return nil, fmt.Errorf("inverse: there is no resampling of threshold %g and scheme %d", m.Threshold, m.Resampling)
	case s.Base != nil:
		return nil, fmt.Errorf("inverse: SMC starts from N(0, σ²I); a sampler with a base of its own has weights that are not known")
	case set.Trace != nil:
		return nil, fmt.Errorf("inverse: particles have no trajectories to record: they die and multiply")
	case s.Path.At(s.Grid[0]).Alpha == 0:
		return nil, noSignal(s.Grid[0])
	}
	for i := range c.problem.y {
		if !(c.problem.Variance(i) > 0) {
			return nil, fmt.Errorf("inverse: measurement %d has no noise, so that all particles miss it; SMC needs a positive variance", i)
		}
	}
	r := &smcRun{SMC: m, s: s, c: c, set: set, d: d, x: x, out: &Particles{
		Size: m.Particles, LogWeights: make([]float64, n), Ancestors: make([]int, n),
		LogEvidence: make([]float64, n/m.Particles), ESS: make([]float64, n/m.Particles*(len(s.Grid)+1)),
	}}
	for k, t := range s.Grid {
		r.at = append(r.at, s.Path.At(t))
		r.legs = append(r.legs, smcLeg{})
		if k > 0 {
			r.legs[k] = newSMCLeg(r.at[k-1], r.at[k], m.Eta)
			if !(r.legs[k].v > 0) {
				return nil, fmt.Errorf("inverse: the signal-to-noise ratio does not rise from t = %g to %g", s.Grid[k-1], t)
			}
		}
	}
	r.counts, r.src = make([]int, m.Particles), stream.New()
	r.aux = d
	var err error
	if r.newMover, err = m.Method.prepare(r); err != nil {
		return nil, err
	}
	r.mean, r.all = make([]float64, len(x)), make([]particle, n)
	aux := make([]float64, n*r.aux)
	for i := range r.all {
		lo, hi := i*d, (i+1)*d
		r.all[i] = particle{x: x[lo:hi], mean: r.mean[lo:hi], aux: aux[i*r.aux : (i+1)*r.aux], population: i / m.Particles}
		r.out.Ancestors[i] = i % m.Particles
		r.out.LogWeights[i] = -math.Log(float64(m.Particles))
	}
	return r, nil
}
