package sde_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// weakSteps are the steps of a weak measurement. Slopes are those of the last two, free of
// noise; the band of 0.3 is what two orders of h leave at 256 steps.
var weakSteps = []int{16, 32, 64, 128, 256}

const weakBand = 0.3

func lastSlope(e []float64) float64 { return math.Log2(e[len(e)-2] / e[len(e)-1]) }

func weakGrids(ns []int) (grids [][]float64) {
	for _, n := range ns {
		grids = append(grids, uniform(0.1, 0.9, n)) // uneven in λ
	}
	return grids
}

// erEta is the η of ER-SDE's default φ, η² = sφ'/φ - 1, times that of the process.
func erEta(eta float64) func(float64) float64 {
	return func(l float64) float64 {
		u := math.Exp(-0.3 * l)
		return eta * math.Sqrt(0.3*u*math.Exp(u)/(math.Exp(u)+10))
	}
}

// measured is the process that a record's method solves when it is given that with η.
func measured(r sde.Record, p reverse, eta float64) reverse {
	p.eta = constant(eta)
	if strings.HasPrefix(r.Name, "er-sde") {
		p.eta = erEta(eta)
	}
	return p
}

// given is the process that makes the method solve measured: the same, but that ER-SDE
// brings its own factor.
func given(p reverse, eta float64) reverse { p.eta = constant(eta); return p }

// exponential lists the records of methods for semilinear processes that are of fixed
// order.
func exponential() (rs []sde.Record) {
	for _, r := range sde.Records() {
		switch r.Method.(type) {
		case nil, sde.EulerMaruyama, sde.Heun, sde.InterpolantHeun, sde.Milstein, *sde.SRA, *sde.SRI:
		default:
			rs = append(rs, r)
		}
	}
	return rs
}

// method returns the record's method; restart with an interval that short runs cross.
func method(r sde.Record) sde.Method {
	if r.Name == "restart" {
		return sde.Restart{Intervals: []sde.RestartInterval{{Min: 0.4, Max: 1, Steps: 3, Times: 2}}}
	}
	return r.Method
}

func TestRecords(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range sde.Records() {
		for _, n := range append([]string{r.Name}, r.Aliases...) {
			assert.False(t, seen[n], "%s appears twice", n)
			seen[n] = true
		}
		assert.NotEmpty(t, r.Doc, r.Name)
		assert.NotEmpty(t, r.Source, r.Name)
		if r.Method != nil {
			assert.Equal(t, r.Name, r.Method.Name())
			if r.Name != "sriw1" { // whose 1.5 is for noise that depends on the state
				assert.Equal(t, min(r.Weak, r.WeakMean), r.Method.WeakOrder(), r.Name)
			}
			assert.Equal(t, r.Strong, r.Method.StrongOrder(), r.Name)
		}
	}
}

// Every claimed weak order, by exact propagation of mean and variance on a Gaussian
// target from a start that is not its law.
func TestRecordsWeak(t *testing.T) {
	for _, r := range sde.Records() {
		if _, sri := r.Method.(*sde.SRI); sri || r.Weak == 0 {
			continue // TestWeakLinear has sriw1
		}
		t.Run(r.Name, func(t *testing.T) {
			grids := weakGrids(weakSteps)
			if r.Name == "er-sde-3" { // its noise is small: order 3 without noise hides the rest
				grids = weakGrids([]int{64, 128, 256, 512, 1024, 2048})
			}
			for _, eta := range []float64{0.5, 1} {
				target := gaussian(trigPath, 0)
				dm, dv := weakErrorsOf(r.Method, given(target, eta), measured(r, target, eta), grids)
				pm, pv := lastSlope(dm), lastSlope(dv)
				t.Logf("η %v: mean %.2f (claim %v, error %.1e), variance %.2f (claim %v, error %.1e)",
					eta, pm, r.WeakMean, dm[4], pv, r.Weak, dv[4])
				if eta < 1 {
					assert.InDelta(t, r.WeakMean, pm, weakBand)
					assert.InDelta(t, r.Weak, pv, weakBand)
					continue
				}
				// At η = 1 D is a martingale: means are exact, to the rounding of 256 steps, or
				// an order may be higher by luck.
				if dm[4] > 1e-14 {
					assert.Greater(t, pm, r.WeakMean-weakBand)
				}
				assert.Greater(t, pv, r.Weak-weakBand)
			}
		})
	}
}

// Without noise: order on the probability flow of a mixture.
func TestRecordsDeterministic(t *testing.T) {
	ns := []int{32, 64, 128, 256, 512}
	const l0, l1 = -2, 2.2
	start := []float64{-1.2, -0.3, 0.4, 1.3}
	for _, r := range sde.Records() {
		if r.Order == 0 || r.Method == nil {
			continue
		}
		p := mixture(trigPath, 0)
		grid := func(n int) []float64 { return trigPath.lambdaGrid(l0, l1, n) }
		ref := append([]float64(nil), start...)
		// 8192 steps of order 4: an error of (1/8192)⁴ times a constant of 100, below 1e-13.
		_, err := ode.Solve(context.Background(), ode.Func{D: 1, F: p.Drift}, ref, grid(8192), ode.RK4, nil)
		require.NoError(t, err)
		var errs []float64
		for _, n := range ns {
			x := append([]float64(nil), start...)
			solve(t, p, x, grid(n), r.Method, nil, nil)
			errs = append(errs, rms(x, ref))
		}
		t.Logf("%s: order %.2f, claim %d, error %.1e at %d steps", r.Name, lastSlope(errs), r.Order, errs[4], ns[4])
		assert.InDelta(t, r.Order, lastSlope(errs), 0.2, r.Name)
	}
}

// The same points y = x/α at the same λ on the trigonometric, the variance-exploding and the
// flow-matching path: the paths differ by a scaling only, and independent noise is the same
// standard normals.
func TestPathsAgree(t *testing.T) {
	for _, r := range exponential() {
		for _, eta := range []float64{0, 0.7} {
			if r.Name == "reverse-diffusion" || r.Name == "pc" || eta > 0 && r.Name == "dpmpp-sde" {
				continue // the chain is the path's own; increments are added in its t
			}
			var ends [][]float64
			for _, path := range []testPath{trigPath, vePath, flowPath} {
				g := path.lambdaGrid(-2, 2.2, 16)
				a, _ := path.at(g[0])
				b, _ := path.at(g[16])
				x := []float64{a * 0.4, a * -2}
				solve(t, mixture(path, eta), x, g, method(r), sde.Independent{Seed: 1}, nil)
				ends = append(ends, []float64{x[0] / b, x[1] / b})
			}
			assert.InDeltaSlice(t, ends[0], ends[1], 1e-12, r.Name) // rounding of 16 steps
			assert.InDeltaSlice(t, ends[0], ends[2], 1e-12, r.Name)
		}
	}
}

// Along a path: one Brownian tree in t, whose nodes are the grids' times, against SRA3 on a
// grid eight times finer than the finest.
func TestRecordsStrong(t *testing.T) {
	if testing.Short() {
		t.Skip("8 s")
	}
	const paths = 200
	ns := []int{16, 32, 64, 128, 256}
	tree := sde.Tree{Seed: 31, T0: 0.25, T1: 0.85, Depth: 14}
	start := increments(sde.Independent{Seed: 8}, 1, paths, 0, 1)
	refs := map[bool][]float64{}
	for _, r := range sde.Records() {
		if r.Strong == 0 {
			continue
		}
		p := mixture(trigPath, 0)
		er := strings.HasPrefix(r.Name, "er-sde")
		if refs[er] == nil {
			refs[er] = append([]float64(nil), start...)
			solve(t, measured(r, p, 0.8), refs[er], uniform(0.25, 0.85, 2048), sde.SRA3, tree, nil)
		}
		var errs []float64
		for _, n := range ns {
			x := append([]float64(nil), start...)
			solve(t, given(p, 0.8), x, uniform(0.25, 0.85, n), r.Method, tree, nil)
			errs = append(errs, rms(x, refs[er]))
		}
		order := slope(t, ns, errs, 0)
		t.Logf("%s: strong order %.2f, claim %v, errors %.2g", r.Name, order, r.Strong, errs)
		assert.InDelta(t, r.Strong, order, strongBand, r.Name)
	}
}

// NFE is the number of calls of the model, and grows by the record's NFE a step.
func TestRecordsNFE(t *testing.T) {
	var calls atomic.Int64
	for _, r := range sde.Records() {
		if r.Method == nil {
			continue
		}
		count := func(steps int) int {
			calls.Store(0)
			p := mixture(trigPath, 0.7)
			p.calls = &calls
			const n = 10
			res := solve(t, p, fill(n, 0.3), uniform(0.1, 0.9, steps), method(r), nil, &ode.Settings{Rows: 4})
			assert.Equal(t, calls.Load(), res.Evals, r.Name)
			assert.Equal(t, n*res.MaxNFE, int(res.Evals), r.Name)
			return res.MaxNFE
		}
		first, second := count(20), count(40)
		assert.Equal(t, 20*r.NFE, second-first, r.Name)
		if r.Name != "restart" {
			assert.LessOrEqual(t, first, 20*r.NFE+4, r.Name) // two SEEDS-3 steps at most
			assert.GreaterOrEqual(t, first, 20*r.NFE, r.Name)
		} else {
			assert.Equal(t, 20*2+2*3*2, first) // twice three steps of Heun
		}
	}
}

// Steps allocate nothing and no setting changes a bit, with every noise they can use.
func TestRecordsSteppers(t *testing.T) {
	grid := uniform(0.1, 0.95, 9)
	for _, r := range sde.Records() {
		if r.Method == nil {
			continue
		}
		for _, noise := range []sde.NoiseSource{sde.Independent{Seed: 5}, sde.Tree{Seed: 5}} {
			if _, tree := noise.(sde.Tree); tree && r.Strong == 0 {
				panics(t, func() { method(r).NewStepper(mixture(trigPath, 1), noise, 1) })
				continue
			}
			name := fmt.Sprintf("%s with %T", r.Name, noise)
			p := mixture(trigPath, 0.7)
			s := method(r).NewStepper(p, noise, 8)
			x := fill(8, 0.1)
			assert.Zero(t, testing.AllocsPerRun(5, func() {
				s.Begin(3, 8)
				for k := 1; k < len(grid); k++ {
					s.Step(x, grid[k-1], grid[k])
				}
			}), name)
			const n = 13
			run := func(set ode.Settings, n int) []float64 {
				x := fill(n, 0.4)
				solve(t, p, x, grid, method(r), noise, &set)
				return x
			}
			want := run(ode.Settings{Workers: 1, Rows: n}, n)
			for _, set := range []ode.Settings{{Workers: 2}, {Workers: 3, Rows: 1}, {Workers: 1, Rows: 5}} {
				assert.Equal(t, want, run(set, n), name)
			}
			assert.Equal(t, want[6:], run(ode.Settings{First: 6, Rows: 4}, n-6), name)
			assert.NotEqual(t, want[0], want[1], name)
		}
	}
}

// One and two steps, and a last step to σ = 0, which is the denoiser whatever the method.
func TestRecordsEdges(t *testing.T) {
	for _, r := range exponential() {
		for _, n := range []int{1, 2, 4} {
			for _, eta := range []float64{0, 0.7, 1} {
				p := mixture(flowPath, eta)
				x := fill(3, 0.4)
				solve(t, p, x, uniform(0.2, 0.9, n), method(r), nil, nil) // March refuses NaN
				solve(t, p, x, uniform(0.2, 1, n), method(r), nil, nil)
				if r.Name == "pc" || r.Name == "restart" || n > 1 {
					continue
				}
				// By hand, in one step: x' = D(x).
				x, d := []float64{0.4}, make([]float64, 1)
				solve(t, p, x, []float64{0.2, 1}, r.Method, nil, nil)
				p.Denoise(d, []float64{0.4}, 0.2, 0.8)
				assert.InDelta(t, d[0], x[0], 1e-14, r.Name) // rounding
			}
		}
		s := method(r).NewStepper(mixture(flowPath, 1), nil, 1)
		s.Begin(0, 1)
		panics(t, func() { s.Step([]float64{0.1}, 0, 0.5) })   // α = 0
		panics(t, func() { s.Step([]float64{0.1}, 0.5, 0.4) }) // backwards
		panics(t, func() { method(r).NewStepper(swirl, nil, 1) })
	}
}

// A denoiser that does not depend on x (all data at one point) is solved exactly in one
// step by every exponential method, noise included.
func TestExactForConstantDenoiser(t *testing.T) {
	for _, r := range exponential() {
		switch r.Name {
		case "reverse-diffusion", "em-variance", "pc":
			continue
		}
		for _, eta := range []float64{0, 0.5, 1} {
			p := gaussian(trigPath, 0)
			p.std = 0
			grids := [][]float64{{0.2, 0.9}}
			law := measured(r, p, eta)
			m0, v0 := p.law(0.2)
			switch r.Name {
			case "ddpm", "ddim-eta", "euler-ancestral", "dpmpp-2s-ancestral", "dpm2-ancestral", "edm-churn", "edm-churn-euler", "restart":
				// Their rate is their own: exact from the law at the start.
			default:
				m0, v0 = m0+0.8, v0/2
			}
			dm, dv := weakErrorsFrom(r.Method, given(p, eta), law, grids, m0, v0)
			assert.Less(t, dm[0], 5e-14, r.Name) // rounding of σ̄² up to 10
			assert.Less(t, dv[0], 5e-14, r.Name)
		}
	}
}
