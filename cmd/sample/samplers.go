package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// Kinds of samplers.
const (
	kindODE = "ODE"
	kindSDE = "SDE"
)

// A samplerEntry is a registered sampler: a record of package ode or sde, with the
// parameters that it takes here.
type samplerEntry struct {
	Name    string
	Aliases []string
	Doc     string
	Kind    string
	Order   string // as text, measured by the tests of its package
	NFE     int    // evaluations a step, once warm
	History int
	Source  string
	Params  []param

	ode         ode.Method // the method itself, if it is a fixed-step ODE method
	sde         sde.Method // likewise for SDEs
	exponential bool       // works on the clock of the log-SNR
	build       func(p *params, s *sampler)
}

// A sampler is a registered sampler with its parameters.
type sampler struct {
	entry    *samplerEntry
	text     string // as the user wrote it
	solve    score.Solver
	adaptive bool
	adapt    ode.Adaptive                 // if it is an adaptive Runge-Kutta pair
	adaptSDE sde.Adaptive                 // if it is an adaptive SDE method
	eta      float64                      // noise in units of the natural one, if it has any
	tree     bool                         // its noise is a Brownian tree
	noisy    bool                         // needs a path with some signal at the start
	finite   bool                         // likewise, for another reason: it runs on the clock of the log-SNR
	perRun   func(steps int) score.Solver // if the solver depends on the number of steps
}

var (
	adaptiveParams = []param{
		{"rtol", "", "relative tolerance; makes the steps adaptive, one size a point"},
		{"atol", "", "absolute tolerance; makes the steps adaptive, one size a point"},
	}
	warmupParam = param{"warmup", "matched", "start of a multistep method: matched (its own order), lean (one less) or published (Euler first)"}
	startParam  = param{"warmup", "matched", "start of a multistep method: matched (its own order) or published (lower orders)"}
	etaParam    = param{"eta", "1", "noise in units of the natural diffusion; 0 is the flow"}
	clockParam  = param{"clock", "t", "t or logsnr: the time in which the method sees the path"}
	noiseParam  = param{"noise", "steps", "steps: independent increments; tree: a Brownian tree, one path for every grid"}
)

var samplerTable = makeSamplers()

func makeSamplers() []samplerEntry {
	var out []samplerEntry
	for _, r := range ode.Records() {
		out = append(out, odeEntry(r))
	}
	out = append(out, dpmAdaptiveEntry())
	for _, r := range sde.Records() {
		out = append(out, sdeEntry(r))
	}
	return out
}

func odeEntry(r ode.Record) samplerEntry {
	e := samplerEntry{
		Name: r.Name, Aliases: r.Aliases, Doc: r.Doc, Kind: kindODE, Order: strconv.Itoa(r.Order),
		NFE: r.NFE, History: r.History, Source: r.Source, ode: r.Method,
	}
	e.Params = []param{clockParam}
	e.build = func(p *params, s *sampler) { s.onClock(p, score.ODE(r.Method)) }
	switch m := r.Method.(type) {
	case *ode.Tableau:
		if m.E == nil {
			break
		}
		e.Params = append(slices.Clone(adaptiveParams), clockParam)
		e.build = func(p *params, s *sampler) {
			s.onClock(p, score.ODE(m))
			if !p.given("rtol") && !p.given("atol") {
				return
			}
			s.adaptive, s.adapt = true, ode.Adaptive{Tableau: m}
			if p.given("rtol") {
				s.adapt.RTol = p.float("rtol", 1e-14, 1)
			}
			if p.given("atol") {
				s.adapt.ATol = p.float("atol", 1e-300, 1e300)
			}
			s.onClock(p, score.AdaptiveODE(s.adapt))
		}
	case ode.AdamsBashforth:
	default:
		e.exponential = true
		e.Params = nil // on the clock of the log-SNR by themselves
		e.build = func(_ *params, s *sampler) { s.solve = score.ODE(r.Method) }
		multistep, ok := r.Method.(ode.Multistep)
		if !ok {
			break
		}
		e.Params = []param{warmupParam}
		e.build = func(p *params, s *sampler) {
			w := map[string]ode.Warmup{"matched": ode.MatchedWarmup, "lean": ode.LeanWarmup, "published": ode.PublishedWarmup}
			s.solve = score.ODE(multistep.WithWarmup(w[p.oneOf("warmup", "matched", "lean", "published")]))
		}
	}
	return e
}

func dpmAdaptiveEntry() samplerEntry {
	return samplerEntry{
		Name: "dpm-adaptive", Doc: "DPM-Solver-12 or -23 with steps chosen for each point", Kind: kindODE, Order: "3", NFE: 3,
		Source: "Lu et al. 2022, arXiv 2206.00927, appendix C", exponential: true,
		Params: []param{{"order", "3", "2 or 3"}, {"rtol", "0.05", "relative tolerance"}, {"atol", "0.0078", "absolute tolerance"}},
		build: func(p *params, s *sampler) {
			s.adaptive = true
			s.solve = score.DPMAdaptive(ode.DPMAdaptive{
				Order: p.int("order", 2, 3), RTol: p.float("rtol", 1e-12, 1), ATol: p.float("atol", 1e-300, 1e300),
			})
		},
	}
}

func sdeEntry(r sde.Record) samplerEntry {
	e := samplerEntry{
		Name: r.Name, Aliases: r.Aliases, Doc: r.Doc, Kind: kindSDE, Order: sdeOrders(r),
		NFE: r.NFE, History: r.History, Source: r.Source, exponential: true, sde: r.Method,
		Params: []param{etaParam, noiseParam},
	}
	// steady builds a solver that is the same for every number of steps.
	steady := func(method func(p *params) sde.Method) func(*params, *sampler) {
		return func(p *params, s *sampler) {
			eta, tree := noiseOf(p, s)
			s.solve = score.SDE(method(p), eta, tree)
		}
	}
	e.build = steady(func(*params) sde.Method { return r.Method })
	if generic(r.Method) {
		e.Params = append(slices.Clone(e.Params), clockParam)
		e.build = func(p *params, s *sampler) {
			eta, tree := noiseOf(p, s)
			s.onClock(p, score.SDE(r.Method, eta, tree))
		}
	}
	published := func(p *params) bool { return p.oneOf("warmup", "matched", "published") == "published" }
	switch m := r.Method.(type) {
	case nil:
		e.Params = []param{etaParam, {"rtol", "0.01", "relative tolerance"}, {"atol", "0.001", "absolute tolerance"}}
		e.build = func(p *params, s *sampler) {
			s.adaptive, s.noisy, s.eta = true, true, p.float("eta", 0, 100)
			s.adaptSDE = sde.Adaptive{RTol: p.float("rtol", 1e-12, 1), ATol: p.float("atol", 1e-300, 1e300)}
			s.solve = score.AdaptiveSDE(s.adaptSDE, s.eta)
		}
	case sde.SDEDPMPP:
		if m.Order != 1 {
			e.Params = append(e.Params, startParam)
			e.build = steady(func(p *params) sde.Method { m.Published = published(p); return m })
		}
	case sde.SASolver:
		e.Params = append(e.Params, param{"predictor", "3", "order of the predictor"}, param{"corrector", "4", "order of the corrector; 0 for none"}, startParam)
		e.build = steady(func(p *params) sde.Method {
			m.Predictor, m.Corrector, m.Published = p.int("predictor", 1, 3), p.int("corrector", 0, 4), published(p)
			if m.Corrector > m.Predictor+1 {
				p.fail(usagef("%s: corrector=%d must not exceed predictor+1 = %d", p.owner, m.Corrector, m.Predictor+1))
				m.Corrector = m.Predictor + 1
			}
			return m
		})
	case sde.Churn:
		e.Params = []param{
			{"s_churn", "", "the paper's S_churn; empty: as much noise as eta asks for"}, {"s_tmin", "0", "least sigma with churn"},
			{"s_tmax", "0", "largest sigma with churn; 0 for no bound"}, {"s_noise", "1", "factor of the noise"}, etaParam, noiseParam,
		}
		e.build = func(p *params, s *sampler) {
			m.TMin, m.TMax, m.SNoise = p.float("s_tmin", 0, math.MaxFloat64), p.float("s_tmax", 0, math.MaxFloat64), p.positive("s_noise")
			eta, tree := noiseOf(p, s)
			s.solve = score.SDE(m, eta, tree)
			if p.given("s_churn") {
				m.SChurn = p.float("s_churn", 0, math.MaxFloat64)
				s.perRun = func(steps int) score.Solver {
					m := m
					m.Steps = steps
					if m.SChurn == 0 {
						return score.SDE(m, 0, tree)
					}
					return score.SDE(m, eta, tree)
				}
			}
		}
	case sde.PredictorCorrector:
		e.Params = []param{etaParam, {"snr", "0.16", "signal-to-noise ratio of a correction"}, {"corrections", "1", "corrections a step"}}
		e.build = func(p *params, s *sampler) {
			m.SNR, m.Corrections = p.positive("snr"), p.int("corrections", 1, 1000)
			s.noisy = true
			s.solve = score.SDE(m, p.float("eta", 0, 100), false)
		}
	case sde.Restart:
		e.Params = nil // the noise draws on intervals more than once: no tree, no η
		e.build = func(_ *params, s *sampler) {
			s.noisy = true
			s.solve = score.SDE(m, 1, false)
		}
	}
	return e
}

// generic tells whether a method knows nothing of the log-SNR.
func generic(m sde.Method) bool {
	switch m.(type) {
	case sde.EulerMaruyama, sde.Heun, sde.InterpolantHeun, sde.Milstein, *sde.SRA, *sde.SRI:
		return true
	}
	return false
}

// onClock sets the solver, on the clock that the parameters ask for.
func (s *sampler) onClock(p *params, solve score.Solver) {
	s.solve, s.finite = solve, p.oneOf("clock", "t", "logsnr") == "logsnr"
	if s.finite {
		s.solve = score.OnLogSNR(solve)
	}
}

// noiseOf reads the parameters eta and noise.
func noiseOf(p *params, s *sampler) (eta float64, tree bool) {
	s.eta, s.tree = p.float("eta", 0, 100), p.oneOf("noise", "steps", "tree") == "tree"
	s.noisy = s.eta > 0
	return s.eta, s.tree
}

// sdeOrders describes the orders of a record: "weak 2, strong 1".
func sdeOrders(r sde.Record) string {
	switch weak := min(r.Weak, r.WeakMean); {
	case weak > 0 && r.Strong > 0:
		return fmt.Sprintf("weak %s, strong %s", trimFloat(weak), trimFloat(r.Strong))
	case r.Order > 0:
		return fmt.Sprintf("%d without noise", r.Order)
	}
	return "none claimed"
}

func buildSampler(text string) (*sampler, error) {
	e, p, err := find("sampler", text, samplerTable, func(e *samplerEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return nil, err
	}
	s := &sampler{entry: e, text: text}
	e.build(p, s)
	return s, p.err()
}

// solver returns the solver for a run of some steps.
func (s *sampler) solver(steps int) score.Solver {
	if s.perRun != nil {
		return s.perRun(steps)
	}
	return s.solve
}

// defaultGrid returns the grid of a sampler on a path for which the user asked none: the
// path's own, but the log-SNR in place of t for samplers that work on its clock.
func (s *sampler) defaultGrid(r *route) string {
	if r.bridge == nil && (s.noisy || (s.finite || s.entry.exponential) && r.grid == "uniform") {
		return "logsnr"
	}
	return r.grid
}

// grid returns the times of a run with k steps, the last of which is the denoising but on
// a two-sided interpolant, which ends at the data.
func (s *sampler) grid(text string, r *route, k int) ([]float64, error) {
	if err := r.serves(s); err != nil {
		return nil, err
	}
	if r.bridge != nil {
		return r.bridge.grid(text, s, k)
	}
	if s.adaptive {
		k = 2 // it chooses its own steps between the ends
	}
	g, err := buildGrid(text, r.path, r.model, k)
	if err != nil {
		return nil, err
	}
	if (s.noisy || s.finite) && r.path.At(g[0]).Alpha == 0 {
		return nil, usagef("sampler %s needs a grid that starts after t = 0 on this path, where there is no signal and the log-SNR is infinite; use --grid logsnr", s.text)
	}
	if s.adaptive && len(g) > 2 {
		g = []float64{g[0], g[len(g)-1]}
	}
	return g, nil
}

// nfe returns the model evaluations of a run with k steps, counted in a run of a point
// on a trivial model; they do not depend on the path and the grid.
func (s *sampler) nfe(k int) (int, error) {
	path := interpolant.VE{}
	run := score.Sampler{Path: path, Model: origin{}, Solver: s.solver(k), Grid: interpolant.LogSNRGrid(path, 0, 1, k)}
	_, res, err := run.Draw(context.Background(), 1, &ode.Settings{Workers: 1})
	return res.MaxNFE, err
}

// stepsFor returns the most steps whose model evaluations stay within a budget; 0 if
// even one is too dear.
func (s *sampler) stepsFor(budget int) (steps int, err error) {
	lo, hi := 0, budget+1 // nfe(lo) ≤ budget < nfe(hi), as each step takes one at least
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		n, err := s.nfe(mid)
		if err != nil {
			return 0, err
		}
		if n <= budget {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo, nil
}

// origin is the model of data that is a single point, used to count evaluations.
type origin struct{}

func (origin) Dim() int                               { return 1 }
func (origin) Denoise(dst, _ []float64, _, _ float64) { clear(dst) }

func trimFloat(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
