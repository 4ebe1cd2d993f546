package main

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// A method is one row of the tables.
type method struct {
	name   string
	source string // as in the reference figures; empty if there are none
	bias   string // what stays wrong at any number of steps; empty if nothing
	draw   draw
	// budgets are its own numbers of evaluations, the last of which is that of the
	// reference; nil means those of -nfe.
	budgets []int
}

// A draw makes n samples with about nfe evaluations of the denoiser for each and returns how
// many it made.
type draw func(ctx context.Context, q *problem, n, nfe int) (x []float64, evals float64, err error)

// What stays wrong.
const (
	gaussian   = "x₁ given x is not Gaussian"
	isotropic  = "Cov[x₁|x] is not r² I"
	rowSums    = "A C Aᵀ is not diagonal"
	mixes      = "the noise of the prior goes with the mean of the posterior"
	heuristic  = "the likelihood of x is a guess with a free scale ζ"
	point      = "a point estimate"
	population = "few particles; the chain's own error"
)

// once is the budget of what does not depend on it.
var once = []int{0}

// methods is the table of methods. A new one is a row.
var methods = []method{
	{name: "exact draws", source: "exact (floor)", draw: exactDraws, budgets: once},
	{name: "prior draws", source: "unconditional prior", bias: "no data", draw: priorDraws, budgets: once},
	{name: "exact denoiser, DDIM", draw: sampled(func(q *problem, eta float64) (score.Denoiser, score.Solver, error) {
		return q.post, score.SDE(sde.DDIM, eta, false), nil
	})},

	// Gains.
	{name: "MMPS", source: "MMPS", bias: gaussian, draw: gain(inverse.MMPS(0))},
	{name: "MMPS, 1 iteration", bias: gaussian + "; the system is not solved", draw: gain(inverse.MMPS(1))},
	{name: "TMPD", source: "TMPD row-sum", bias: gaussian + "; " + rowSums, draw: gain(inverse.TMPD{})},
	{name: "PiGDM", source: "PiGDM", bias: gaussian + "; " + isotropic, draw: gain(inverse.PiGDM(0))},
	{name: "PiGDM, r² of the data", source: "PiGDM-S (S=128)", bias: gaussian + "; " + isotropic,
		draw: guided(func(q *problem) inverse.Gain { return inverse.PiGDM(q.spread) })},
	{name: "fixed covariance", bias: isotropic, draw: guided(func(q *problem) inverse.Gain {
		return inverse.Fixed(inverse.Isotropic{Data: q.spread}, inverse.Krylov{})
	})},
	{name: "DMPS", bias: "the likelihood of x as if the prior were flat", draw: gain(inverse.DMPS{})},
	{name: "corrected step", bias: gaussian, draw: chain(inverse.MMPS(0), func(s score.Sampler, nfe int) *score.Sampler {
		return inverse.Corrected{Eta: etaOf(nfe)}.Sampler(s)
	})},

	// Projection and proximal steps as they were published.
	{name: "DDRM", source: "DDRM", bias: mixes, draw: sampled(func(q *problem, _ float64) (score.Denoiser, score.Solver, error) {
		return q.prior, inverse.DDRM{Problem: q.p, Eta: 0.85, EtaB: 1}.Solver(), nil
	})},
	{name: "DDNM", bias: mixes + "; y without noise", draw: chain(inverse.DDNM{}, steps(inverse.Recursion{Eta: 0.85}.Solver()))},
	{name: "DDNM+ gain, DDIM", bias: isotropic, draw: gain(inverse.DDNMPlus{})},
	{name: "DDS, γ = 1", source: "DDS γ=1", bias: mixes + "; γ is not the noise's",
		draw: chain(inverse.DDS{Gamma: 1, Krylov: inverse.Krylov{Iterations: 5}}, steps(inverse.Recursion{Eta: 0.85}.Solver()))},
	{name: "DiffPIR, λ = 8, ζ = 1", source: "DiffPIR", bias: isotropic, draw: chain(inverse.DiffPIR(8), steps(inverse.Recursion{Eta: 1, Posterior: true}.Solver()))},
	{name: "DiffPIR, λ = 1, ζ = 1", bias: isotropic, draw: chain(inverse.DiffPIR(1), steps(inverse.Recursion{Eta: 1, Posterior: true}.Solver()))},

	// Gradients of a loss through the denoiser.
	{name: "DPS, ζ = 0.1", bias: heuristic, draw: descent(func(_ *problem, eta float64) score.Solver { return inverse.DPS{Zeta: 0.1, Eta: eta}.Solver() })},
	{name: "DPS, 2ζ = 0.2", source: "DPS", bias: heuristic, draw: descent(func(_ *problem, eta float64) score.Solver {
		return inverse.DPS{Zeta: 0.1, Form: inverse.TwiceNorm, Eta: eta}.Solver()
	})},
	{name: "MCG, ζ = 0.1", bias: heuristic + "; y without noise", draw: descent(func(_ *problem, eta float64) score.Solver { return inverse.MCG{Zeta: 0.1, Eta: eta}.Solver() })},
	{name: "PSLD, no reduction", bias: heuristic, draw: descent(func(_ *problem, eta float64) score.Solver {
		return inverse.PSLD{Omega: 1, Gamma: 0.1, Eta: eta}.Solver()
	})},
	{name: "LGD, 10 draws", bias: gaussian + "; " + isotropic, draw: descent(func(q *problem, eta float64) score.Solver {
		return inverse.LGD{Zeta: 1, Data: q.spread, Eta: eta}.Solver()
	})},
	{name: "STSL, ν = 0", bias: heuristic, draw: stsl(inverse.STSL{Zeta: 0.05})},
	{name: "STSL, ν = 0.02", source: "STSL", bias: heuristic, draw: stsl(inverse.STSL{Zeta: 0.05, Nu: 0.02})},

	// Decoupled, split and variational.
	{name: "DAPS, τ = σ", source: "DAPS (exact inner)", bias: "x̂0 is no mean and σ²/α² no covariance", draw: daps, budgets: []int{100, 1000}},
	{name: "PnP-DM, ρ = 0.3", source: "PnP-DM (exact inner)", bias: "y with noise ρ²AAᵀ more; sweeps do not mix far modes", draw: splitGibbs, budgets: []int{100, 1800}},
	{name: "RED-diff", bias: point, draw: chain(nil, func(s score.Sampler, _ int) *score.Sampler { return inverse.REDDiff{}.Sampler(s) })},
	{name: "FlowChef", bias: point, draw: chain(nil, func(s score.Sampler, _ int) *score.Sampler { return inverse.FlowChef{}.Sampler(s) })},
	{name: "PnP-Flow, 5 draws", bias: point, draw: pnpFlow},
	{name: "OT-ODE", bias: gaussian + "; " + isotropic + "; the start", draw: otODE},

	// Particles.
	{name: "TDS, 1024 particles", source: "TDS", bias: population + "; r² of data of variance 1", draw: particles(twistedIsotropic, 1024)},
	{name: "TDS, r² of the data, 1024 particles", bias: population, draw: particles(twistedSpread, 1024)},
	{name: "MCGdiff, 1024 particles", source: "MCGdiff", bias: population, draw: particles(mcgdiff, 1024)},
	{name: "FPS, 64 particles", bias: "no exact limit", draw: particles(fps, 64)},
	{name: "covariance-twisted SMC, 64 particles", source: "cov-SMC 64", bias: population, draw: particles(twistedTweedie, 64)},
	{name: "covariance-twisted SMC, 1024 particles", source: "cov-SMC 1000", bias: population, draw: particles(twistedTweedie, 1024)},
}

// etaOf is the noise of DDIM in the mixture benchmark: 0.6 at 20 levels and 0.85 at 100.
func etaOf(nfe int) float64 {
	if nfe <= 20 {
		return 0.6
	}
	return 0.85
}

func exactDraws(_ context.Context, q *problem, n, _ int) ([]float64, float64, error) {
	return density.Sample(q.post, n, seed, 1, 0), 0, nil
}

func priorDraws(_ context.Context, q *problem, n, _ int) ([]float64, float64, error) {
	return density.Sample(q.prior, n, seed, 2, 0), 0, nil
}

// sampled draws by a sampler with one evaluation a step.
func sampled(make func(q *problem, eta float64) (score.Denoiser, score.Solver, error)) draw {
	return func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
		model, solver, err := make(q, etaOf(nfe))
		if err != nil {
			return nil, 0, err
		}
		return run(ctx, q.sampler(model, solver, nfe), n)
	}
}

// sampler has the problem's path and grid, and a seed for each problem.
func (q *problem) sampler(model score.Denoiser, solver score.Solver, levels int) *score.Sampler {
	return &score.Sampler{Path: q.path, Model: model, Solver: solver, Grid: q.grid(levels), Seed: q.seed()}
}

func (q *problem) seed() uint64 {
	return stream.New().At(seed, stream.Test, uint64(q.d*10+q.m), uint64(useDraws+q.i)).Uint64()
}

func run(ctx context.Context, s *score.Sampler, n int) ([]float64, float64, error) {
	x, res, err := s.Draw(ctx, n, nil)
	return x, res.NFE(), err
}

// guided is a gain in the conditional denoiser under DDIM, and gain one that is the same
// for all problems.
func guided(g func(q *problem) inverse.Gain) draw {
	return sampled(func(q *problem, eta float64) (score.Denoiser, score.Solver, error) {
		c, err := inverse.NewConditional(q.p, q.prior, g(q))
		return c, score.SDE(sde.DDIM, eta, false), err
	})
}

func gain(g inverse.Gain) draw { return guided(func(*problem) inverse.Gain { return g }) }

// chain is a sampler that make completes.
func chain(g inverse.Gain, make func(s score.Sampler, nfe int) *score.Sampler) draw {
	return func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
		c, err := inverse.NewConditional(q.p, q.prior, g)
		if err != nil {
			return nil, 0, err
		}
		return run(ctx, make(*q.sampler(c, nil, nfe), nfe), n)
	}
}

func steps(solver score.Solver) func(s score.Sampler, nfe int) *score.Sampler {
	return func(s score.Sampler, _ int) *score.Sampler { s.Solver = solver; return &s }
}

// descent is a method that descends a loss.
func descent(solver func(q *problem, eta float64) score.Solver) draw {
	return sampled(func(q *problem, eta float64) (score.Denoiser, score.Solver, error) {
		g, err := inverse.NewGuided(q.p, q.prior)
		return g, solver(q, eta), err
	})
}

// stsl is STSL from its noised start.
func stsl(m inverse.STSL) draw {
	return func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
		g, err := inverse.NewGuided(q.p, q.prior)
		if err != nil {
			return nil, 0, err
		}
		m.Eta = etaOf(nfe)
		return run(ctx, m.Sampler(*q.sampler(g, nil, nfe)), n)
	}
}

// daps has levels of 5 evaluations on the authors' grid, as far as the path goes.
func daps(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
	return chain(nil, func(s score.Sampler, nfe int) *score.Sampler {
		t0, t1 := q.path.Span()
		s.Grid = interpolant.KarrasGrid(q.path, 7, t0, t1, max(2, nfe/5))
		return inverse.DAPS{}.Sampler(s)
	})(ctx, q, n, nfe)
}

// splitGibbs has levels and sweeps in the ratio 1:2, and ρ that has fallen after two thirds
// of the sweeps.
func splitGibbs(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
	return chain(nil, func(s score.Sampler, nfe int) *score.Sampler {
		levels := int(math.Sqrt(float64(nfe) / 2))
		sweeps := nfe / levels
		return inverse.SplitGibbs{Levels: levels, Sweeps: sweeps, Decay: math.Pow(0.03, 1.5/float64(sweeps))}.Sampler(s)
	})(ctx, q, n, nfe)
}

func pnpFlow(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
	return chain(nil, func(s score.Sampler, nfe int) *score.Sampler { return inverse.PnPFlow{Power: 0.5}.Sampler(s) })(ctx, q, n, max(1, nfe/5))
}

func otODE(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
	s, err := inverse.OTODE(q.p, q.prior, nfe*5/4)
	if err != nil {
		return nil, 0, err
	}
	s.Seed = q.seed()
	return run(ctx, s, n)
}

// The particle methods.
var (
	twistedIsotropic = same(inverse.Twisted{Cov: inverse.Isotropic{}})
	twistedTweedie   = same(inverse.Twisted{})
	mcgdiff          = same(inverse.MCGdiff{})
	fps              = same(inverse.FPS{})
	corrected        = same(inverse.TwistedCorrected{})
)

func twistedSpread(q *problem) inverse.ParticleMethod {
	return inverse.Twisted{Cov: inverse.Isotropic{Data: q.spread}}
}

// same is one method for all problems.
func same(m inverse.ParticleMethod) func(*problem) inverse.ParticleMethod {
	return func(*problem) inverse.ParticleMethod { return m }
}

// particles draws by independent populations, as many as make n draws or more.
func particles(m func(*problem) inverse.ParticleMethod, size int) draw {
	return func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
		out, evals, err := q.populations(ctx, m(q), size, n, nfe)
		if err != nil {
			return nil, 0, err
		}
		return out.Draws, evals, nil
	}
}

func (q *problem) populations(ctx context.Context, m inverse.ParticleMethod, size, n, nfe int) (*inverse.Particles, float64, error) {
	c, err := inverse.NewConditional(q.p, q.prior, nil)
	if err != nil {
		return nil, 0, err
	}
	out, res, err := inverse.SMC{Method: m, Particles: size, Eta: etaOf(nfe)}.Run(ctx, *q.sampler(c, nil, nfe), (n+size-1)/size*size, nil)
	return out, res.NFE(), err
}

// finite reports whether all draws are numbers.
func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
