package main

import (
	"context"
	"fmt"
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

// A samplerEntry is a registered sampler. Exactly one of ode and sde is set.
type samplerEntry struct {
	Name    string
	Aliases []string
	Doc     string
	ode     ode.Method
	sde     sde.Method
}

var samplerTable = []samplerEntry{
	{Name: "euler", Doc: "Euler", ode: ode.Euler},
	{Name: "heun", Doc: "Heun, the trapezoidal rule of EDM", Aliases: []string{"edm", "heun2"}, ode: ode.Heun},
	{Name: "midpoint", Doc: "explicit midpoint", ode: ode.Midpoint},
	{Name: "ralston", Doc: "Ralston 1962, least error of second order", ode: ode.Ralston},
	{Name: "kutta3", Doc: "Kutta's third-order method", ode: ode.Kutta3},
	{Name: "rk4", Doc: "the classical Runge-Kutta method", ode: ode.RK4},
	{Name: "bs32", Doc: "Bogacki-Shampine 3(2)", Aliases: []string{"bosh3", "rk23"}, ode: ode.BogackiShampine32},
	{Name: "dopri5", Doc: "Dormand-Prince 5(4)", Aliases: []string{"rk45"}, ode: ode.DormandPrince54},
	{Name: "tsit5", Doc: "Tsitouras 5(4)", ode: ode.Tsitouras54},
	{Name: "dop853", Doc: "Dormand-Prince 8(5,3)", ode: ode.DormandPrince853},
	{Name: "ab2", Doc: "Adams-Bashforth, two steps", ode: ode.AdamsBashforth(2)},
	{Name: "ab3", Doc: "Adams-Bashforth, three steps", ode: ode.AdamsBashforth(3)},
	{Name: "ab4", Doc: "Adams-Bashforth, four steps", ode: ode.AdamsBashforth(4)},
	{Name: "em", Doc: "Euler-Maruyama", Aliases: []string{"euler-maruyama"}, sde: sde.EulerMaruyama{}},
	{Name: "heun-sde", Doc: "stochastic Heun", sde: sde.Heun{}},
	{Name: "milstein", Doc: "Milstein; equals Euler-Maruyama for additive noise", sde: sde.Milstein{}},
	{Name: "sra1", Doc: "Roessler's SRA1", sde: sde.SRA1},
	{Name: "sra2", Doc: "Roessler's SRA2", sde: sde.SRA2},
	{Name: "sra3", Doc: "Roessler's SRA3", sde: sde.SRA3},
	{Name: "sriw1", Doc: "Roessler's SRIW1, made for diagonal noise", sde: sde.SRIW1},
}

// adaptiveParams are accepted by Runge-Kutta pairs, sdeParams by stochastic samplers.
var (
	adaptiveParams = []param{
		{"rtol", "", "relative tolerance; makes the steps adaptive, one size a point"},
		{"atol", "", "absolute tolerance; makes the steps adaptive, one size a point"},
	}
	sdeParams = []param{
		{"eta", "1", "noise in units of the natural diffusion; 0 is the flow"},
		{"noise", "steps", "steps: independent increments; tree: a Brownian tree, one path for every grid"},
	}
)

func (e *samplerEntry) kind() string {
	if e.sde != nil {
		return kindSDE
	}
	return kindODE
}

// pair returns the Runge-Kutta pair behind a sampler that can be adaptive.
func (e *samplerEntry) pair() (*ode.Tableau, bool) {
	t, ok := e.ode.(*ode.Tableau)
	return t, ok && t.E != nil
}

func (e *samplerEntry) params() []param {
	if e.sde != nil {
		return sdeParams
	}
	if _, ok := e.pair(); ok {
		return adaptiveParams
	}
	return nil
}

// A sampler is a registered sampler with its parameters.
type sampler struct {
	entry    *samplerEntry
	text     string // as the user wrote it
	solve    score.Solver
	adaptive bool
	adapt    ode.Adaptive // if adaptive
	noisy    bool         // needs a path with some signal at the start
}

func buildSampler(text string) (*sampler, error) {
	e, p, err := find("sampler", text, samplerTable, func(e *samplerEntry) (string, []string, []param) { return e.Name, e.Aliases, e.params() })
	if err != nil {
		return nil, err
	}
	s := &sampler{entry: e, text: text}
	switch {
	case e.sde != nil:
		eta := p.float("eta", 0, 100)
		tree := p.oneOf("noise", "steps", "tree") == "tree"
		s.noisy = eta > 0
		s.solve = score.SDE(e.sde, eta, tree)
	case e.params() != nil && (p.given("rtol") || p.given("atol")):
		pair, _ := e.pair()
		a := ode.Adaptive{Tableau: pair}
		if p.given("rtol") {
			a.RTol = p.float("rtol", 1e-14, 1)
		}
		if p.given("atol") {
			a.ATol = p.float("atol", 1e-300, 1e300)
		}
		s.adaptive, s.adapt = true, a
		s.solve = score.AdaptiveODE(a)
	default:
		s.solve = score.ODE(e.ode)
	}
	return s, p.err()
}

// defaultGrid returns the grid of a sampler on a path for which the user asked none: the
// path's own for ODEs; for SDEs, whose noise is even in log-SNR, the log-SNR.
func (s *sampler) defaultGrid(pathGrid string) string {
	if s.noisy {
		return "logsnr"
	}
	return pathGrid
}

// grid returns the times of a run with k steps, the last of which is the denoising.
func (s *sampler) grid(text string, path interpolant.Path, k int) ([]float64, error) {
	g, err := buildGrid(text, path, k)
	if err != nil {
		return nil, err
	}
	if s.noisy && path.At(g[0]).Alpha == 0 {
		return nil, usagef("sampler %s needs a grid that starts after t = 0 on this path, where there is no signal and the noise of the reverse process is infinite; use --grid logsnr", s.text)
	}
	if s.adaptive {
		return []float64{g[0], g[len(g)-1]}, nil
	}
	return g, nil
}

// nfe returns the model evaluations of a run with k steps, counted in a run of a point
// on a trivial model.
func (s *sampler) nfe(path interpolant.Path, grid string, k int) (int, error) {
	g, err := s.grid(grid, path, k)
	if err != nil {
		return 0, err
	}
	run := score.Sampler{Path: path, Model: origin{}, Solver: s.solve, Grid: g}
	_, res, err := run.Draw(context.Background(), 1, &ode.Settings{Workers: 1})
	return res.MaxNFE, err
}

// stepsFor returns the most steps whose model evaluations stay within a budget, and
// their number; 0 steps if even one is too dear.
func (s *sampler) stepsFor(path interpolant.Path, grid string, budget int) (steps, nfe int, err error) {
	lo, hi := 0, budget+1 // nfe(lo) ≤ budget < nfe(hi), as each step takes one at least
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		n, err := s.nfe(path, grid, mid)
		if err != nil {
			return 0, 0, err
		}
		if n <= budget {
			lo, nfe = mid, n
		} else {
			hi = mid
		}
	}
	return lo, nfe, nil
}

// origin is the model of data that is a single point, used to count evaluations.
type origin struct{}

func (origin) Dim() int                               { return 1 }
func (origin) Denoise(dst, _ []float64, _, _ float64) { clear(dst) }

// orderText describes the orders of a sampler.
func (e *samplerEntry) orderText() string {
	if e.sde != nil {
		return fmt.Sprintf("weak %s, strong %s", trimFloat(e.sde.WeakOrder()), trimFloat(e.sde.StrongOrder()))
	}
	return strconv.Itoa(e.ode.Order())
}

func trimFloat(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }
