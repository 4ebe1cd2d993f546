package main

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// Kinds of methods.
const (
	kindPosterior = "posterior" // draws samples
	kindEstimate  = "estimate"  // gives one picture
)

// A methodEntry is a registered way to restore. Exactly one of gain, steps, draw and
// estimate is set.
type methodEntry struct {
	Name     string
	Aliases  []string
	Kind     string
	Doc      string
	Source   string
	Params   []param
	tasks    []string // that it serves; nil for all
	free     bool     // needs no prior
	cold     bool     // starts from pure noise, not from the noised linear estimate
	path     string   // default path, "" for restorePath
	nfe      int      // evaluations a step; 0 means 1
	count    int      // default number of steps of a posterior method; 0 means 12
	narrow   bool     // samples spread too little: steps put a mean in the place of a draw
	unfitted bool     // does not aim at explaining the data

	// gain makes the y-aware denoiser, which any sampler of the registry drives; own is
	// the step that it was published with, DDIM with η = 1 if nil.
	gain func(p *params) inverse.Gain
	own  func(p *params) score.Solver
	// steps is a sampler of a *Conditional with steps of its own.
	steps func(p *params, s score.Sampler, j *job) (*score.Sampler, error)
	// estimate is deterministic.
	estimate func(ctx context.Context, p *params, j *job) ([]float64, error)
}

const restorePath = "edm:sigma_min=0.01,sigma_max=1"

var (
	cgParam   = param{"cg", "5", "iterations of conjugate gradients; 0: to convergence"}
	etaDDIM   = param{"eta", "1", "noise of the steps; 0 for the flow"}
	zetaParam = param{"zeta", "", "length of the gradient step; empty: 0.03 for each pixel, root mean square"}
)

func etaOf(p *params) float64 { return p.float("eta", 0, 1) }

// gradientSteps is the least number of steps that bring methods of the norm's gradient to the
// data from pure noise.
const gradientSteps = 100

// zetaOf is the length of a step down the gradient of |y - A D|. That gradient has at most the
// length of A, whatever the number of pixels, so that the step must grow with its root. On
// training pictures, 96² and 0.02 of noise, of 0.3, 1, 3 and 10 for all pixels 3 was best with
// 100 and with 300 steps, and 10 unstable.
func zetaOf(p *params, dim int) float64 {
	if p.given("zeta") {
		return p.positive("zeta")
	}
	return 0.03 * math.Sqrt(float64(dim))
}

func krylovOf(p *params) inverse.Krylov {
	n := p.int("cg", 0, 1_000_000)
	if n == 0 {
		return inverse.Krylov{Iterations: 300, RTol: 1e-4}
	}
	return inverse.Krylov{Iterations: n}
}

func ddimOf(p *params) score.Solver { return score.SDE(sde.DDIM, etaOf(p), false) }

// proximal ends the systems of the proximal gains, whose conditioning grows with the noise
// level: by then the picture is renewed in the next step anyway.
var proximal = inverse.Krylov{Iterations: 30, RTol: 1e-3}

// restoreMethods are the methods of restore. A new one is one row.
var restoreMethods = []methodEntry{
	{Name: "hqs", Aliases: []string{"epll", "dpir"}, Kind: kindEstimate,
		Doc: "half-quadratic splitting: denoise, fit the data, at falling noise; no sample but the sharpest single picture for its time", Source: "Zoran and Weiss 2011, ICCV; Zhang et al. 2022, arXiv 2008.13751",
		Params: []param{{"lambda", "", "weight of the prior; empty: by task"}, {"from", "", "first noise level; empty: by task"}, {"to", "", "last noise level; empty: by task"},
			{"cov", "auto", "covariance of the error: flat, prior (dearer), or auto: prior for inpaint"}}, estimate: hqs},
	{Name: "mmps", Kind: kindPosterior, Doc: "moment matching: the prior's own covariance in the data's gain; at 12 steps samples of Gaussian priors spread 20 to 30 % too little", narrow: true, Source: "Rozet et al. 2024, arXiv 2405.13712",
		Params: []param{cgParam, etaDDIM}, gain: func(p *params) inverse.Gain {
			return inverse.Kalman{Cov: inverse.Tweedie{}, Krylov: krylovOf(p)}
		}, own: ddimOf},
	{Name: "corrected", Aliases: []string{"covariance-corrected"}, Kind: kindPosterior, Doc: "covariance-corrected ancestral steps: exact for Gaussian priors at any number of steps", Source: "this project", count: 6,
		Params: []param{cgParam, etaDDIM, {"lanczos", "6", "iterations of the covariance's square root"}, {"tol", "0.1", "relative residual at which iterations end before; a third of it for the root"}},
		steps: func(p *params, s score.Sampler, _ *job) (*score.Sampler, error) {
			// At 0.1 spread and mean are those of 1e-3 to 1 % of the spread, for a quarter of
			// the products saved: the next step renews the picture anyway.
			tol, k := p.float("tol", 1e-12, 1), krylovOf(p)
			if k.RTol == 0 {
				k.RTol = tol
			}
			c := inverse.Corrected{Eta: etaOf(p), Krylov: k, Cov: inverse.Tweedie{Lanczos: inverse.Krylov{Iterations: p.int("lanczos", 1, 10_000), RTol: tol / 3}}}
			return c.Sampler(s), nil
		}},
	{Name: "pigdm", Kind: kindPosterior, Doc: "pseudoinverse-guided", narrow: true, Source: "Song et al. 2023, ICLR",
		Params: []param{{"var", "0.06", "variance of the pixels"}, etaDDIM}, gain: func(p *params) inverse.Gain {
			g := inverse.PiGDM(p.positive("var"))
			g.Krylov = proximal
			return g
		}, own: ddimOf},
	{Name: "tmpd", Kind: kindPosterior, Doc: "Tweedie moment projection by row sums", narrow: true, Source: "Boys et al. 2023, arXiv 2310.06721",
		Params: []param{etaDDIM}, gain: func(*params) inverse.Gain { return inverse.TMPD{} }, own: ddimOf},
	{Name: "ddnm", Kind: kindPosterior, Doc: "null-space projection, for data without noise", Source: "Wang et al. 2022, arXiv 2212.00490",
		Params: []param{{"eta", "0.85", "noise of the steps"}}, gain: func(*params) inverse.Gain { return inverse.DDNM{Krylov: proximal} },
		own: func(p *params) score.Solver { return inverse.Recursion{Eta: etaOf(p)}.Solver() }},
	{Name: "ddnm+", Aliases: []string{"ddnmplus"}, Kind: kindPosterior, Doc: "null-space projection damped by the noise, DDRM with etab=1; needs an operator with known singular values", Source: "Wang et al. 2022, arXiv 2212.00490", cold: true, path: "edm:sigma_min=0.01,sigma_max=20",
		Params: []param{{"eta", "0.85", "noise of the steps"}}, steps: singular(func(*params) float64 { return 1 })},
	{Name: "ddrm", Kind: kindPosterior, Doc: "restoration in singular coordinates; needs an operator with known singular values", Source: "Kawar et al. 2022, arXiv 2201.11793", cold: true, path: "edm:sigma_min=0.01,sigma_max=20",
		Params: []param{{"eta", "0.85", "noise of the steps"}, {"etab", "1", "share of the data"}},
		steps:  singular(func(p *params) float64 { return p.float("etab", 0, 1) })},
	{Name: "dds", Kind: kindPosterior, Doc: "decomposed diffusion sampler: a few conjugate gradients from the denoised picture", Source: "Chung et al. 2024, arXiv 2303.05754",
		Params: []param{cgParam, {"gamma", "1", "weight of the data; 0: infinite, noiseless"}, {"eta", "0.85", "noise of the steps"}},
		gain: func(p *params) inverse.Gain {
			return inverse.DDS{Gamma: p.float("gamma", 0, 1e12), Krylov: inverse.Krylov{Iterations: p.int("cg", 1, 1_000_000)}}
		}, own: func(p *params) score.Solver { return inverse.Recursion{Eta: etaOf(p)}.Solver() }},
	{Name: "diffpir", Kind: kindPosterior, Doc: "plug-and-play with proximal data steps", Source: "Zhu et al. 2023, arXiv 2305.08995",
		Params: []param{{"lambda", "1", "weight of the prior"}, {"zeta", "0.3", "share of new noise"}},
		gain: func(p *params) inverse.Gain {
			g := inverse.DiffPIR(p.positive("lambda"))
			g.Krylov = proximal
			return g
		}, own: func(p *params) score.Solver {
			return inverse.Recursion{Eta: math.Sqrt(p.float("zeta", 0, 1)), Posterior: true}.Solver()
		}},
	{Name: "dmps", Kind: kindPosterior, Doc: "likelihood at the noisy picture, as if the prior were flat", Source: "Meng and Kabashima 2022, arXiv 2211.12343",
		Params: []param{{"lambda", "1", "guidance scale"}, etaDDIM}, gain: func(p *params) inverse.Gain {
			return inverse.DMPS{Lambda: p.positive("lambda"), Krylov: proximal}
		}, own: ddimOf},
	{Name: "dps", Kind: kindPosterior, Doc: "descent of the misfit through the denoiser; 100 steps or more from pure noise", Source: "Chung et al. 2023, arXiv 2209.14687", cold: true, path: "edm:sigma_min=0.01,sigma_max=20",
		Params: []param{zetaParam, etaDDIM}, count: gradientSteps, steps: guided(func(p *params, d int) score.Solver {
			return inverse.DPS{Zeta: zetaOf(p, d), Eta: etaOf(p)}.Solver()
		})},
	{Name: "mcg", Kind: kindPosterior, Doc: "DPS and a projection onto the noised data, for data without noise", Source: "Chung et al. 2022, arXiv 2206.00941", cold: true, path: "edm:sigma_min=0.01,sigma_max=20",
		Params: []param{zetaParam, etaDDIM}, count: gradientSteps, steps: func(p *params, s score.Sampler, j *job) (*score.Sampler, error) {
			c, err := inverse.NewConditional(j.problem, j.model, inverse.DDNM{Krylov: proximal})
			s.Model, s.Solver = c, inverse.MCG{Zeta: zetaOf(p, j.model.Dim()), Eta: etaOf(p), Krylov: proximal}.Solver()
			return &s, asUsage(err)
		}},
	{Name: "lgd", Aliases: []string{"lgd-mc"}, Kind: kindPosterior, Doc: "loss guidance averaged over draws", Source: "Song et al. 2023, ICML",
		Params: []param{{"draws", "10", "draws a step"}, {"zeta", "1", "weight of the data"}, {"var", "0.06", "variance of the pixels"}, etaDDIM},
		steps: guided(func(p *params, _ int) score.Solver {
			return inverse.LGD{Draws: p.int("draws", 1, 10_000), Zeta: p.positive("zeta"), Data: p.positive("var"), Eta: etaOf(p)}.Solver()
		})},
	{Name: "stsl", Kind: kindPosterior, Doc: "second-order Tweedie surrogate", Source: "Rout et al. 2024, arXiv 2312.00852", nfe: 2,
		Params: []param{zetaParam, {"nu", "0.02", "weight of the curvature"}, {"inner", "1", "descents a step"}, etaDDIM},
		count:  gradientSteps, steps: guided(func(p *params, d int) score.Solver {
			return inverse.STSL{Zeta: zetaOf(p, d), Nu: p.float("nu", 0, 1e9), Inner: p.int("inner", 1, 1000), Eta: etaOf(p)}.Solver()
		})},
	{Name: "daps", Kind: kindPosterior, Doc: "decoupled annealing: flow to a clean picture, exact draw, noise again", Source: "Zhang et al. 2025, arXiv 2407.01521", nfe: 5,
		Params: []param{{"levels", "5", "evaluations of the flow"}, {"tau", "0", "noise of the data; 0: the problem's own"}},
		steps: func(p *params, s score.Sampler, _ *job) (*score.Sampler, error) {
			d := inverse.DAPS{Levels: p.int("levels", 1, 10_000), Noise: p.float("tau", 0, 1e9), Krylov: proximal}
			return d.Sampler(s), nil
		}},
	{Name: "pnp-dm", Aliases: []string{"split-gibbs"}, Kind: kindPosterior, Doc: "split Gibbs: exact draw given the data, denoising by diffusion", Source: "Wu et al. 2024, arXiv 2405.18782", nfe: 10,
		Params: []param{{"rho", "0.03", "last coupling"}, {"first", "0.3", "first coupling"}, {"levels", "10", "evaluations of a denoising"}},
		steps: func(p *params, s score.Sampler, _ *job) (*score.Sampler, error) {
			rho, first, sweeps := p.positive("rho"), p.positive("first"), max(2, len(s.Grid))
			g := inverse.SplitGibbs{Rho: rho, First: first, Sweeps: sweeps, Decay: math.Min(0.99, math.Pow(rho/first, 1/float64(sweeps-1))),
				Levels: p.int("levels", 1, 10_000), End: rho / 4, Krylov: proximal}
			return g.Sampler(s), nil
		}},
	{Name: "red-diff", Aliases: []string{"reddiff"}, Kind: kindPosterior, Doc: "regularisation by denoising, variational; each sample an estimate", Source: "Mardani et al. 2024, arXiv 2305.04391",
		Params: []param{{"lambda", "0.25", "weight of the prior"}, {"rate", "0.1", "rate of Adam"}},
		steps: func(p *params, s score.Sampler, _ *job) (*score.Sampler, error) {
			return inverse.REDDiff{Ridge: true, Lambda: p.positive("lambda"), Rate: p.positive("rate"), Krylov: proximal}.Sampler(s), nil
		}},
	{Name: "pnp-flow", Kind: kindPosterior, Doc: "plug-and-play flow matching; each sample an estimate", Source: "Martin et al. 2025, arXiv 2410.02423", nfe: 5,
		Params: []param{{"rate", "1", "length of the gradient step"}, {"power", "0.3", "how fast it falls"}, {"draws", "5", "denoisings a step"}},
		steps: func(p *params, s score.Sampler, _ *job) (*score.Sampler, error) {
			return inverse.PnPFlow{Rate: p.positive("rate"), Power: p.float("power", 0, 100), Draws: p.int("draws", 1, 10_000)}.Sampler(s), nil
		}},
	{Name: "flowchef", Kind: kindPosterior, Doc: "flow steered by gradients not taken through the model", Source: "Patel et al. 2025, arXiv 2412.00100",
		Params: []param{{"rate", "1", "length of the gradient step"}},
		steps: func(p *params, s score.Sampler, _ *job) (*score.Sampler, error) {
			return inverse.FlowChef{Rate: p.positive("rate")}.Sampler(s), nil
		}},
	{Name: "wiener", Kind: kindEstimate, Doc: "posterior mean under the stationary Gaussian prior", Source: "Wiener 1949", estimate: wiener},
	{Name: "tv", Kind: kindEstimate, Doc: "least squares with total variation", Source: "Rudin, Osher and Fatemi 1992; Chambolle and Pock 2011", free: true,
		Params: []param{{"weight", "0.6", "weight of the total variation, in units of the noise in a pixel"}, {"iterations", "600", "most iterations"}}, estimate: totalVariation},
	{Name: "cgls", Kind: kindEstimate, Doc: "least squares, stopped when the residual is that of the noise", Source: "Hestenes and Stiefel 1952", free: true,
		Params: []param{{"iterations", "200", "most iterations"}}, estimate: cgls},
	{Name: "adjoint", Kind: kindEstimate, Doc: "adjoint of the data, scaled to fit best", free: true, unfitted: true, estimate: scaledAdjoint},
	{Name: "fbp", Kind: kindEstimate, Doc: "filtered back-projection", Source: "Kak and Slaney 1988", tasks: []string{"ct"}, free: true, unfitted: true,
		Params: []param{{"filter", "ramp", "ramp, shepp-logan, cosine, hann or hamming"}}, estimate: fbp},
	{Name: "zero-filled", Kind: kindEstimate, Doc: "transform of the measured samples alone", tasks: []string{"mri"}, free: true, unfitted: true, estimate: zeroFilled},
	{Name: "cg-sense", Aliases: []string{"sense"}, Kind: kindEstimate, Doc: "least squares over the coils by conjugate gradients", Source: "Pruessmann et al. 2001", tasks: []string{"mri"}, free: true,
		Params: []param{{"iterations", "30", "iterations"}, {"damp", "0.01", "Tikhonov damping"}}, estimate: cgSense},
}

// singular makes the steps of DDRM.
func singular(etaB func(p *params) float64) func(*params, score.Sampler, *job) (*score.Sampler, error) {
	return func(p *params, s score.Sampler, j *job) (*score.Sampler, error) {
		if _, ok := j.problem.A().(linop.Spectral); !ok {
			return nil, usagef("methods ddrm and ddnm+ need an operator whose singular values are known, as of --boundary circular, --mask and --kernel box; hqs, mmps and diffpir work with any")
		}
		s.Model, s.Solver = j.model, inverse.DDRM{Problem: j.problem, Eta: etaOf(p), EtaB: etaB(p)}.Solver()
		return &s, nil
	}
}

// guided makes steps that go down a loss, whose model is a *Guided: the last denoising is
// the prior's own.
func guided(solver func(p *params, dim int) score.Solver) func(*params, score.Sampler, *job) (*score.Sampler, error) {
	return func(p *params, s score.Sampler, j *job) (*score.Sampler, error) {
		g, err := inverse.NewGuided(j.problem, j.model)
		if err != nil {
			return nil, asUsage(err)
		}
		s.Model, s.Solver = g, solver(p, j.model.Dim())
		return &s, nil
	}
}

func describeMethod(e *methodEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params }

// buildMethod returns the method that a spec names.
func buildMethod(text, task string) (*methodEntry, *params, error) {
	e, p, err := find("method", text, restoreMethods, describeMethod)
	if err != nil {
		return nil, nil, err
	}
	if e.tasks != nil && !slices.Contains(e.tasks, task) {
		return nil, nil, usagef("method %s serves %s, not %s", e.Name, e.tasks[0], task)
	}
	return e, p, nil
}

func listMethods() []listing {
	var out []listing
	for _, e := range restoreMethods {
		doc := e.Doc + " (" + e.Kind + ")"
		out = append(out, listing{Name: e.Name, Aliases: e.Aliases, Source: e.Source, Doc: doc, Params: toListingParams(e.Params)})
	}
	return out
}

// A job is the restoration of one channel.
type job struct {
	task    string
	scene   *scene
	problem *inverse.Problem
	prior   *pictures
	model   score.Denoiser // the prior's, counted
	path    interpolant.Path
	grid    []float64
	sampler *sampler // nil for the method's own steps
	n       int      // samples
	first   int      // index of the first sample among those of all channels
	seed    uint64
	workers int
}

// draw returns the n samples of a method, or its one estimate.
func (j *job) draw(ctx context.Context, e *methodEntry, p *params) ([]float64, error) {
	if e.estimate != nil {
		x, err := e.estimate(ctx, p, j)
		return x, firstError(p.err(), err)
	}
	base, err := j.base(e)
	if err != nil {
		return nil, err
	}
	var gain inverse.Gain
	if e.gain != nil {
		gain = e.gain(p)
	} else {
		gain = inverse.Kalman{Cov: inverse.Tweedie{}, Krylov: inverse.Krylov{Iterations: 5}}
	}
	c, err := inverse.NewConditional(j.problem, j.model, gain)
	if err != nil {
		return nil, asUsage(err)
	}
	s := &score.Sampler{Path: j.path, Model: c, Grid: j.grid, Seed: j.seed, Base: base}
	switch {
	case e.steps != nil: // its gain plays no part
		if s, err = e.steps(p, *s, j); err != nil {
			return nil, err
		}
	case j.sampler != nil:
		s.Solver = j.sampler.solver(len(j.grid))
	case e.own != nil:
		s.Solver = e.own(p)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	x, _, err := s.Draw(ctx, j.n, &ode.Settings{Workers: j.workers, First: j.first})
	return x, err
}

// base starts a run at α m + σ z with the linear estimate m, the mean under the prior's
// covariance at large noise. N(0, σ²) instead would ask for noise above the largest
// eigenvalue of that covariance, dozens of times the range of the pixels.
func (j *job) base(e *methodEntry) (score.Base, error) {
	if _, ok := j.model.(score.JVPer); e.cold || !ok {
		return nil, nil
	}
	m, err := j.linear()
	if err != nil {
		return nil, err
	}
	at := j.path.At(j.grid[0])
	for i := range m {
		m[i] *= at.Alpha
	}
	return around{m, score.Normal{Std: at.Sigma}}, nil
}

// around is the base N(mean, Std² I).
type around struct {
	mean []float64
	score.Normal
}

// Rand fills dst with a draw.
func (a around) Rand(dst []float64, rng *rand.Rand) {
	a.Normal.Rand(dst, rng)
	for i, m := range a.mean {
		dst[i] += m
	}
}

// LogProb writes the log-density.
func (a around) LogProb(dst, x []float64, dim int) {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v - a.mean[i%dim]
	}
	a.Normal.LogProb(dst, y, dim)
}
