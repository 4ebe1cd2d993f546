package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
)

// A pathEntry is a registered path.
type pathEntry struct {
	Name    string
	Aliases []string
	Doc     string
	Params  []param
	grid    string // default grid of ODE samplers
	build   func(p *params) (interpolant.Path, error)
	// route is in place of build for a path that depends on the target, or needs more.
	route func(p *params, e *ends) (*route, error)
}

var endParam = param{"end", "0.002", "noise-to-signal ratio at which the final denoising takes over"}

var pathTable = []pathEntry{
	{
		Name: "condot", Aliases: []string{"flow", "linear", "rectified"}, grid: "uniform",
		Doc:    "alpha = t, sigma = 1-t: flow matching's straight path, starts at exactly N(0, I)",
		Params: []param{endParam},
		build: func(p *params) (interpolant.Path, error) {
			return interpolant.CondOT{End: p.positive("end")}, nil
		},
	},
	{
		Name: "trig", Aliases: []string{"trigonometric"}, grid: "uniform",
		Doc:    "alpha = sin(pi t/2), sigma = cos(pi t/2), starts at exactly N(0, I)",
		Params: []param{endParam},
		build: func(p *params) (interpolant.Path, error) {
			return interpolant.Trig{End: p.positive("end")}, nil
		},
	},
	{
		Name: "edm", grid: "karras",
		Doc:    "alpha = 1, sigma from sigma_max to sigma_min, Karras et al. 2022",
		Params: []param{{"sigma_min", "0.002", "last noise level"}, {"sigma_max", "80", "first noise level"}},
		build: func(p *params) (interpolant.Path, error) {
			lo, hi, err := sigmaRange(p)
			return interpolant.EDM{SigmaMin: lo, SigmaMax: hi}, err
		},
	},
	{
		Name: "ve", grid: "uniform",
		Doc:    "alpha = 1, sigma geometric in t, Song et al. 2021",
		Params: []param{{"sigma_min", "0.002", "last noise level"}, {"sigma_max", "80", "first noise level"}},
		build: func(p *params) (interpolant.Path, error) {
			lo, hi, err := sigmaRange(p)
			return interpolant.VE{SigmaMin: lo, SigmaMax: hi}, err
		},
	},
	{
		Name: "vp", Aliases: []string{"ddpm++"}, grid: "logsnr",
		Doc:    "variance preserving, beta linear in 1-t, Song et al. 2021",
		Params: []param{{"beta_min", "0.1", "beta near the data"}, {"beta_max", "20", "beta near the noise"}, endParam},
		build: func(p *params) (interpolant.Path, error) {
			return interpolant.VP{BetaMin: p.positive("beta_min"), BetaMax: p.positive("beta_max"), End: p.positive("end")}, betaOrder(p)
		},
	},
	{
		Name: "subvp", grid: "logsnr",
		Doc:    "sub-variance preserving, sigma = 1-alpha^2, Song et al. 2021",
		Params: []param{{"beta_min", "0.1", "beta near the data"}, {"beta_max", "20", "beta near the noise"}, endParam},
		build: func(p *params) (interpolant.Path, error) {
			return interpolant.SubVP{BetaMin: p.positive("beta_min"), BetaMax: p.positive("beta_max"), End: p.positive("end")}, betaOrder(p)
		},
	},
	{
		Name: "cosine", grid: "uniform",
		Doc: "cosine schedule of improved DDPM, Nichol and Dhariwal 2021",
		build: func(*params) (interpolant.Path, error) {
			return interpolant.Cosine{}, nil
		},
	},
	{
		Name: "ddpm", Aliases: []string{"discrete"}, grid: "logsnr",
		Doc: "path through a discrete schedule of betas, Ho et al. 2020",
		Params: []param{{"n", "1000", "number of betas"}, {"beta_start", "0.0001", "least beta"},
			{"beta_end", "0.02", "largest beta"}, {"schedule", "linear", "linear or scaled (even in the square root)"}},
		build: func(p *params) (interpolant.Path, error) {
			n, lo, hi := p.int("n", 2, 1_000_000), p.positive("beta_start"), p.positive("beta_end")
			betas := interpolant.LinearBetas
			if p.oneOf("schedule", "linear", "scaled") == "scaled" {
				betas = interpolant.ScaledLinearBetas
			}
			if p.err() != nil {
				return nil, p.err()
			}
			d, err := interpolant.FromBetas(betas(n, lo, hi))
			return d, asUsage(err)
		},
	},
	{
		Name: "kinetic", Aliases: []string{"kinetic-optimal"}, grid: "uniform",
		Doc: "the path of least kinetic energy for the target, Shaul et al. 2023; see sample path",
		Params: []param{endParam, {"floor", "0", "floor of the angular speed that keeps derivatives finite; 0 for the default"},
			{"vp", "false", "true: the least among variance-preserving paths"}, {"samples", "4096", "draws for the target's mean-square error"},
			{"mmse_seed", "0", "their seed"}},
		route: kineticRoute,
	},
	{
		Name: "pfgm", Aliases: []string{"pfgm++"}, grid: "karras",
		Doc: "PFGM++: Student-t noise of D degrees of freedom, Xu et al. 2023; deterministic samplers only",
		Params: []param{{"D", "128", "extra dimensions; PFGM is 1, diffusion infinity"}, {"sigma_min", "0.002", "last noise level"},
			{"sigma_max", "80", "first noise level"}, {"tol", "1e-6", "tolerance of the denoiser's quadrature"}},
		route: pfgmRoute,
	},
	{
		Name: "interpolant", Aliases: []string{"si", "bridge"}, grid: "beta",
		Doc: "two-sided stochastic interpolant from --from T0 to the target, Albergo et al. 2023",
		Params: []param{{"kind", "linear", strings.Join(interpolant.TwoSidedKinds(), ", ")},
			{"gamma", "", "noise: " + strings.Join(interpolant.GammaKinds(), ", ") + "; empty: the kind's own, sqrt as a rule"}, {"a", "1", "factor of the noise's variance"},
			{"eps", "1", "diffusion of stochastic samplers"}, {"schedule", "vanishing", "eps over time: constant, vanishing or gamma"},
			{"coupling", "independent", "independent, or ot: optimal transport between draws of the two"},
			{"centres", "256", "draws that stand for either law where the exact bridge needs points"},
			{"width", "", "width of the Gaussian around each of them; empty: the median distance of neighbours"}},
		route: bridgeRoute,
	},
}

func sigmaRange(p *params) (lo, hi float64, err error) {
	lo, hi = p.positive("sigma_min"), p.positive("sigma_max")
	if lo >= hi {
		err = usagef("%s: sigma_min=%g must be less than sigma_max=%g", p.owner, lo, hi)
	}
	return lo, hi, err
}

func betaOrder(p *params) error {
	if lo, hi := p.positive("beta_min"), p.positive("beta_max"); lo > hi {
		return usagef("%s: beta_min=%g must not exceed beta_max=%g", p.owner, lo, hi)
	}
	return nil
}

// A gridEntry is a registered time grid.
type gridEntry struct {
	Name    string
	Aliases []string
	Doc     string
	Params  []param
	build   func(p *params, path interpolant.Path, t0, t1 float64, k int) []float64
	// fit is in place of build for a grid that depends on the model.
	fit func(p *params, path interpolant.Path, model score.Denoiser, k int) ([]float64, error)
}

var gridTable = []gridEntry{
	{
		Name: "uniform", Doc: "even in t",
		build: func(_ *params, _ interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.UniformGrid(t0, t1, k)
		},
	},
	{
		Name: "logsnr", Doc: "even in log(alpha/sigma)",
		build: func(_ *params, path interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.LogSNRGrid(path, t0, t1, k)
		},
	},
	{
		Name: "karras", Doc: "even in (sigma/alpha)^(1/rho), Karras et al. 2022", Params: []param{{"rho", "7", "exponent"}},
		build: func(p *params, path interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.KarrasGrid(path, p.positive("rho"), t0, t1, k)
		},
	},
	{
		Name: "quadratic", Doc: "even in sqrt(1-t)",
		build: func(_ *params, _ interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.QuadraticGrid(t0, t1, k)
		},
	},
	{
		Name: "angle", Aliases: []string{"cosine"}, Doc: "even in the angle atan(sigma/alpha)",
		build: func(_ *params, path interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.AngleGrid(path, t0, t1, k)
		},
	},
	{
		Name: "beta", Doc: "quantiles of a beta distribution in t, denser at both ends",
		Params: []param{{"a", "0.6", "first parameter"}, {"b", "0.6", "second parameter"}},
		build: func(p *params, _ interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.BetaGrid(p.positive("a"), p.positive("b"), t0, t1, k)
		},
	},
	{
		Name: "shift", Doc: "even in t, then shifted to more noise as flow models do at high resolution",
		Params: []param{{"s", "3", "factor by which the noise-to-signal ratio grows"}},
		build: func(p *params, _ interpolant.Path, t0, t1 float64, k int) []float64 {
			return interpolant.ShiftGrid(p.positive("s"), t0, t1, k)
		},
	},
	{
		Name: "ays", Doc: "Align Your Steps, Sabour et al. 2024, interpolated to any number of steps",
		Params: []param{{"model", "sd15", "sd15, sdxl or svd"}},
		build: func(p *params, path interpolant.Path, t0, t1 float64, k int) []float64 {
			levels := map[string][]float64{
				"sd15": interpolant.AlignYourStepsSD15, "sdxl": interpolant.AlignYourStepsSDXL, "svd": interpolant.AlignYourStepsSVD,
			}
			return interpolant.LevelGrid(path, levels[p.oneOf("model", "sd15", "sdxl", "svd")], t0, t1, k)
		},
	},
	{
		Name: "optimal", Doc: "fitted to the target: least error of the exact flow by dynamic programming",
		Params: []param{{"method", "ddim", "method whose error counts: ddim or heun"}, {"samples", "64", "trajectories"}, {"seed", "0", "their seed"}},
		fit: func(p *params, path interpolant.Path, model score.Denoiser, k int) ([]float64, error) {
			o := &score.GridOptions{Samples: p.int("samples", 1, 100_000), Seed: uint64(p.int("seed", 0, math.MaxInt64))}
			if p.oneOf("method", "ddim", "heun") == "heun" {
				o.Method = ode.EDMHeun{}
			}
			if p.err() != nil {
				return nil, p.err()
			}
			return score.OptimalGrid(context.Background(), path, model, k, o)
		},
	},
}

// buildGrid returns the k times that a grid spec asks for on a path and for a model, or the
// times of a file for list:FILE, whose length then stands for k.
func buildGrid(text string, path interpolant.Path, model score.Denoiser, k int) ([]float64, error) {
	if s := parseSpec(text); s.name == "list" {
		return readGrid(s.rest, path)
	}
	e, p, err := find("grid", text, gridTable, func(e *gridEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params }, "list:FILE")
	if err != nil {
		return nil, err
	}
	if e.fit != nil {
		g, err := e.fit(p, path, model, k)
		return g, asUsage(err)
	}
	t0, t1 := path.Span()
	g := e.build(p, path, t0, t1, k)
	return g, p.err()
}

// readGrid reads times separated by blanks, commas or line ends; # starts a comment.
func readGrid(file string, path interpolant.Path) ([]float64, error) {
	if file == "" {
		return nil, usagef("--grid list: needs a file, as in --grid list:times.txt")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, asUsage(fmt.Errorf("--grid: %w", err))
	}
	var g []float64
	for n, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,;\t\r", r) }) {
			t, err := strconv.ParseFloat(w, 64)
			if err != nil {
				return nil, usagef("%s:%d: %q is not a number", file, n+1, w)
			}
			g = append(g, t)
		}
	}
	if err := ode.CheckGrid(g); err != nil {
		return nil, usagef("%s: %v", file, err)
	}
	if g[0] < 0 || g[len(g)-1] > 1 || g[0] > g[len(g)-1] {
		return nil, usagef("%s: times must rise from at least 0 (noise) to at most 1 (data), got %g to %g", file, g[0], g[len(g)-1])
	}
	if s := path.At(g[len(g)-1]).Sigma; !(s > 0) || math.IsInf(s, 0) {
		return nil, usagef("%s: the path has no noise left at the last time %g; end before it, the final denoising covers the rest", file, g[len(g)-1])
	}
	return g, nil
}
