package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A bridge is a two-sided interpolant between two densities with an exact model.
type bridge struct {
	model  interpolant.Bridge
	source density.Target
	eps    func(t float64) float64
	scale  func(t float64) float64 // largest of the coefficients
	points bool                    // an end is a set of points, where the fields are infinite
	falls  bool                    // the model has the two densities exchanged: times run from 1 to 0
}

// Pairs of Gaussians up to which two mixtures are bridged pair by pair.
const maxPairs = 4096

func bridgeRoute(p *params, e *ends) (*route, error) {
	kind := p.oneOf("kind", interpolant.TwoSidedKinds()...)
	gamma := p.oneOf("gamma", interpolant.GammaKinds()...)
	a, eps := p.positive("a"), p.float("eps", 0, 1e6)
	schedule := p.oneOf("schedule", "constant", "vanishing", "gamma")
	coupling := p.oneOf("coupling", "independent", "ot")
	n := p.int("centres", 1, 20_000)
	width := -1.0
	if p.given("width") {
		width = p.float("width", 0, math.MaxFloat64)
	}
	if p.err() != nil {
		return nil, p.err()
	}
	if e.from == nil {
		return nil, usagef("--path interpolant leads from one density to another; name the first, as in --from moons")
	}
	if d, f := e.target.Dim(), e.from.Dim(); d != f {
		return nil, usagef("--from has dimension %d, --target has dimension %d", f, d)
	}
	path, err := interpolant.NewTwoSided(kind, gamma, a)
	if err != nil {
		return nil, asUsage(err)
	}
	b := &bridge{source: e.from, scale: func(t float64) float64 {
		c := path.At(t)
		return math.Hypot(math.Hypot(c.Alpha, c.Beta), c.Gamma)
	}}
	switch schedule {
	case "constant":
		b.eps = interpolant.ConstantEps(eps)
	case "vanishing":
		b.eps = interpolant.VanishingEps(eps)
	default:
		b.eps = interpolant.GammaEps(eps, path)
	}
	r := &route{bridge: b}
	if coupling == "ot" {
		r.note, err = b.rows(path, e, n, width)
	} else {
		r.note, err = b.independent(path, e, n, width)
	}
	return r, asUsage(err)
}

// independent makes the exact bridge between the two densities, or one from draws of the
// first where neither is a mixture that can stand in a closed form.
func (b *bridge) independent(path interpolant.TwoSided, e *ends, n int, width float64) (note string, err error) {
	from, fromOK := density.AsMixture(e.from)
	to, toOK := density.AsMixture(e.target)
	size := func(m *density.Mixture) int { w, _, _ := m.Modes(); return len(w) }
	if fromOK && toOK && size(from)*size(to) <= maxPairs {
		b.model, err = interpolant.NewMixtureBridge(path, from, to)
		b.points = thin(from) || thin(to)
		return "", err
	}
	if fromOK {
		if w, x, s, ok := from.Isotropic(); ok {
			b.points = slices.Min(s) == 0
			b.model, err = interpolant.NewTargetBridge(path, w, x, s, e.target)
			return "", err
		}
	}
	if toOK {
		if w, x, s, ok := to.Isotropic(); ok {
			b.points, b.falls = slices.Min(s) == 0, true
			b.model, err = interpolant.NewTargetBridge(path.Reverse(), w, x, s, e.from)
			return "", err
		}
	}
	x := density.Sample(e.from, n, e.seed, 1, 0)
	d := e.from.Dim()
	if width < 0 {
		width = silverman(x, d)
	}
	if b.source, err = cloudOf(x, d, width); err != nil {
		return "", err
	}
	b.points = width == 0
	b.model, err = interpolant.NewTargetBridge(path, nil, x, []float64{width}, e.target)
	return fmt.Sprintf("the source is %d of its draws, each with a Gaussian of width %.3g", n, width), err
}

// rows makes the bridge between draws of both densities, coupled by optimal transport.
func (b *bridge) rows(path interpolant.TwoSided, e *ends, n int, width float64) (note string, err error) {
	d := e.from.Dim()
	x, y := density.Sample(e.from, n, e.seed, 1, 0), density.Sample(e.target, n, e.seed, 2, 0)
	pairs, err := assign(x, y, d)
	if err != nil {
		return "", err
	}
	if width < 0 {
		width = silverman(y, d)
	}
	if b.source, err = cloudOf(x, d, width); err != nil {
		return "", err
	}
	b.points = width == 0
	b.model, err = interpolant.NewRowBridge(path, x, y, d, pairs, width)
	return fmt.Sprintf("both densities are %d of their draws, paired by optimal transport, each with a Gaussian of width %.3g", n, width), err
}

// assign pairs the points by least total squared distance.
func assign(x, y []float64, d int) ([]int, error) {
	a, err := metric.Assign(len(x)/d, metric.PowerCost(x, y, d, 2))
	if err != nil {
		return nil, err
	}
	return a.To, nil
}

// silverman returns the usual width of a kernel estimate of n points in d dimensions
// (Silverman 1986, equation 4.14), for the mean variance of a coordinate.
func silverman(x []float64, d int) float64 {
	n := len(x) / d
	mean := make([]float64, d)
	for i, v := range x {
		mean[i%d] += v / float64(n)
	}
	ss := 0.0
	for i, v := range x {
		ss += (v - mean[i%d]) * (v - mean[i%d])
	}
	return math.Sqrt(ss/float64(len(x))) * math.Pow(4/(float64(n)*float64(d+2)), 1/float64(d+4))
}

// cloudOf returns the density of points with a Gaussian around each.
func cloudOf(x []float64, d int, width float64) (density.Target, error) {
	p, err := density.NewPoints(x, d)
	if err != nil || width == 0 {
		return p, err
	}
	return density.Smooth(p, width), nil
}

// thin tells whether a component has no width in some direction.
func thin(m *density.Mixture) bool {
	_, _, s, ok := m.Isotropic()
	return ok && slices.Min(s) == 0
}

// serves refuses samplers that work on the log-SNR of a Gaussian path.
func (b *bridge) serves(s *sampler) error {
	e := s.entry
	switch {
	case e.Kind == kindODE && e.exponential, e.Kind == kindSDE && e.sde != nil && !generic(e.sde), e.Kind == kindSDE && e.sde == nil && !s.adaptive:
		return usagef("sampler %s works on the log-SNR of a Gaussian path, which --path interpolant has not; choose a generic one, such as heun, dopri5:rtol=1e-6, em or sra1", s.text)
	case s.finite:
		return usagef("sampler %s: clock=logsnr needs a Gaussian path, not --path interpolant", s.text)
	}
	return nil
}

// grid returns the times for K steps from a grid that needs no Gaussian path.
func (b *bridge) grid(spec string, s *sampler, steps int) ([]float64, error) {
	if s.adaptive {
		steps = 1
	}
	name := parseSpec(spec).name
	if !slices.Contains([]string{"uniform", "quadratic", "beta", "list"}, normalise(name)) {
		return nil, usagef("--grid %s needs the log-SNR of a Gaussian path; --path interpolant takes uniform, quadratic, beta or list:FILE", spec)
	}
	span := 0.0
	if b.points {
		span = 1e-4 // Albergo et al. 2023, section 5
	}
	g, err := buildGrid(spec, unitPath{span}, nil, steps+1)
	if err != nil {
		return nil, err
	}
	if b.falls {
		for i, t := range g {
			g[i] = 1 - t
		}
	}
	return g, nil
}

// backGrid returns the times of so many steps from the target to the source.
func (b *bridge) backGrid(spec string, steps int) ([]float64, error) {
	g, err := b.grid(spec, &sampler{}, steps)
	slices.Reverse(g)
	return g, err
}

// sampler returns the run of a sampler.
func (b *bridge) sampler(s *sampler, grid []float64, seed uint64) *interpolant.BridgeSampler {
	return &interpolant.BridgeSampler{Model: b.model, Source: b.source, Solver: b.solver(s), Grid: grid, Seed: seed}
}

func (b *bridge) solver(s *sampler) interpolant.BridgeSolver {
	eps := func(t float64) float64 { return s.eta * s.eta * b.eps(b.time(t)) }
	switch {
	case s.entry.Kind == kindODE && s.adaptive:
		return interpolant.BridgeAdaptiveODE(s.adapt)
	case s.entry.Kind == kindODE:
		return interpolant.BridgeODE(s.entry.ode)
	case s.adaptive:
		return interpolant.BridgeAdaptiveNoise(s.adaptSDE, eps)
	}
	return interpolant.BridgeNoise(s.entry.sde, eps, s.tree)
}

// time returns the time from the source on at a time of the model.
func (b *bridge) time(t float64) float64 {
	if b.falls {
		return 1 - t
	}
	return t
}

// unitPath stands for the path where a grid asks for times only.
type unitPath struct{ cut float64 }

func (p unitPath) Span() (t0, t1 float64) { return p.cut, 1 - p.cut }
func (unitPath) At(t float64) interpolant.Coeffs {
	return interpolant.Coeffs{Alpha: t, Sigma: 1, DAlpha: 1}
}
func (unitPath) Time(logSNR float64) float64 { return math.Exp(logSNR) }
