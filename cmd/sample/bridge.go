package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A bridge is a two-sided interpolant between two densities with an exact model.
type bridge struct {
	model  interpolant.Bridge
	source density.Target
	target density.Target          // the other end; nil if the two are coupled
	eps    func(t float64) float64 // of the time from the source on
	scale  func(t float64) float64 // likewise: the size of x
	cuts   [2]float64              // what is left out of time at the source and at the target, where fields are infinite
	needs  [2]float64              // the part of cuts that is the interpolant's own
	falls  bool                    // the model has the two densities exchanged: its times run from 1 to 0
}

// endCut keeps times away from an end where the fields are infinite (Albergo et al. 2023,
// section 5).
const endCut = 1e-4

// rough tells whether a density is none, or has jumps or is very thin, so that the fields of
// a bridge are infinite or too steep to follow at its end of time.
func rough(t density.Target) bool {
	switch t.(type) {
	case *density.Boxes, *density.Checkerboard, *density.Image, *density.Spheres, *density.VMF, *density.Points:
		return true
	}
	m, ok := density.AsMixture(t)
	if !ok {
		return false
	}
	_, means, stds, ok := m.Isotropic()
	if !ok {
		return false
	}
	size := floats.Norm(means, 2) / math.Sqrt(float64(len(means)))
	return slices.Min(stds) <= 0.01*size
}

// Pairs of Gaussians up to which two mixtures are bridged pair by pair.
const maxPairs = 4096

func bridgeRoute(p *params, e *ends) (*route, error) {
	kind := p.oneOf("kind", interpolant.TwoSidedKinds()...)
	gamma := ""
	if p.given("gamma") {
		gamma = p.oneOf("gamma", interpolant.GammaKinds()...)
	}
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
	if kind == "mirror" && e.fromText != e.targetText {
		return nil, usagef("the mirror interpolant leads from a density to itself: --from and --target must be the same")
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
	t0, t1 := path.Span()
	b.needs = [2]float64{t0, 1 - t1}
	b.cuts = b.needs
	for i, end := range []density.Target{e.from, e.target} {
		if rough(end) {
			b.cuts[i] = max(b.cuts[i], endCut)
		}
	}
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
	if e.fromText != e.targetText {
		b.target = e.target // else the mirror interpolant couples them
	}
	if fromOK && toOK && size(from)*size(to) <= maxPairs {
		b.model, err = interpolant.NewMixtureBridge(path, from, to)
		return "", err
	}
	if fromOK {
		if w, x, s, ok := from.Isotropic(); ok {
			b.model, err = interpolant.NewTargetBridge(path, w, x, s, e.target)
			return "", err
		}
	}
	if toOK {
		if w, x, s, ok := to.Isotropic(); ok {
			b.falls = true
			b.model, err = interpolant.NewTargetBridge(path.Reverse(), w, x, s, e.from)
			return "", err
		}
	}
	x := density.Sample(e.from, n, e.seed, 1, 0)
	d := e.from.Dim()
	if width < 0 {
		width = spacing(x, d)
	}
	if b.source, err = cloudOf(x, d, width); err != nil {
		return "", err
	}
	b.cuts[0] = max(b.cuts[0], cutOf(width))
	b.model, err = interpolant.NewTargetBridge(path, nil, x, []float64{width}, e.target)
	return fmt.Sprintf("the source is %d of its draws, each with a Gaussian of width %.3g", n, width), err
}

// cutOf returns what to leave out of time at points with Gaussians of a width.
func cutOf(width float64) float64 {
	if width == 0 {
		return endCut
	}
	return 0
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
		width = spacing(y, d)
	}
	if b.source, err = cloudOf(x, d, width); err != nil {
		return "", err
	}
	b.cuts[0], b.cuts[1] = max(b.cuts[0], cutOf(width)), max(b.cuts[1], cutOf(width))
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

// spacing returns the median distance of a point from its nearest neighbour.
func spacing(x []float64, d int) float64 {
	n := len(x) / d
	if n < 2 {
		return 0
	}
	near := make([]float64, n)
	for i := range near {
		near[i] = math.Inf(1)
		for j := range n {
			if j != i {
				near[i] = min(near[i], floats.Distance(x[i*d:(i+1)*d], x[j*d:(j+1)*d], 2))
			}
		}
	}
	slices.Sort(near)
	return near[n/2]
}

// cloudOf returns the density of points with a Gaussian around each.
func cloudOf(x []float64, d int, width float64) (density.Target, error) {
	p, err := density.NewPoints(x, d)
	if err != nil || width == 0 {
		return p, err
	}
	return density.Smooth(p, width), nil
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
	// The first step is an exact draw where the other end's law is known, at any length: from
	// a rough source it takes the place of the grid's own.
	leap := 0
	cuts := b.cuts
	if cuts[0] > 0 && b.target != nil && !s.adaptive && normalise(name) != "list" {
		leap, cuts[0] = 1, 0
	}
	g, err := buildGrid(spec, unitPath{cuts}, nil, steps+1+leap)
	if err != nil {
		return nil, err
	}
	return b.clock(g[leap:]), nil
}

// backGrid returns the times of so many steps from the target to the source, for densities:
// those that are only thin have finite fields up to the ends.
func (b *bridge) backGrid(spec string, steps int) ([]float64, error) {
	cuts := b.cuts
	for i, end := range []density.Target{b.source, b.target} {
		if end == nil {
			continue
		}
		if _, smooth := density.AsMixture(end); smooth {
			cuts[i] = b.needs[i]
		}
	}
	g, err := buildGrid(spec, unitPath{cuts}, nil, steps+1)
	if err != nil {
		return nil, err
	}
	slices.Reverse(g)
	return b.clock(g), nil
}

// clock turns times from the source on into those of the model, and back.
func (b *bridge) clock(grid []float64) []float64 {
	out := make([]float64, len(grid))
	for i, t := range grid {
		out[i] = b.time(t)
	}
	return out
}

// sampler returns the run of a sampler.
func (b *bridge) sampler(s *sampler, grid []float64, seed uint64) *interpolant.BridgeSampler {
	return &interpolant.BridgeSampler{Model: b.model, Source: b.source, Target: b.target, Solver: b.solver(s), Grid: grid, Seed: seed}
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
type unitPath struct{ cuts [2]float64 }

func (p unitPath) Span() (t0, t1 float64) { return p.cuts[0], 1 - p.cuts[1] }
func (unitPath) At(t float64) interpolant.Coeffs {
	return interpolant.Coeffs{Alpha: t, Sigma: 1, DAlpha: 1}
}
func (unitPath) Time(logSNR float64) float64 { return math.Exp(logSNR) }
