package ode

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/testprob"
)

func adaptively(t *testing.T, f Field, x0, grid []float64, a Adaptive, tr *Trace) ([]float64, Result) {
	x := append([]float64{}, x0...)
	res, err := SolveAdaptive(context.Background(), f, x, grid, a, &Settings{Trace: tr})
	require.NoError(t, err)
	return x, res
}

// The error is proportional to the tolerance from 1e-3 to 1e-10: the slope in log-log is
// near 1, and the factor between them stays within a band.
func TestTolerance(t *testing.T) {
	ps := problems(t)
	ps[1].t1 = 30 // enough steps for the law of large numbers
	testprob.Pendulum(1).Exact(ps[1].x1, 30)
	for _, p := range ps {
		for _, tab := range []*Tableau{BogackiShampine32, DormandPrince54, Tsitouras54, DormandPrince853} {
			var tols, errs []float64
			low, high := math.Inf(1), 0.0
			for k := 3; k <= 10; k++ {
				tol := math.Pow(10, -float64(k))
				x, _ := adaptively(t, p.f, p.x0, []float64{p.t0, p.t1}, Adaptive{Tableau: tab, RTol: tol, ATol: tol}, nil)
				e := distance(x, p.x1)
				tols, errs = append(tols, tol), append(errs, e)
				low, high = min(low, e/tol), max(high, e/tol)
			}
			slope, _ := testprob.Order(tols, errs, 1e-13, 1)
			t.Logf("%-10s %-7s slope %.3f error/tolerance from %.2g to %.2g", p.name, tab.Label, slope, low, high)
			assert.InDelta(t, 1, slope, 0.2, "%s %s", p.name, tab.Label)
		}
	}
}

// One orbit of Arenstorf to 1e-8.
func TestArenstorf(t *testing.T) {
	p := testprob.Arenstorf()
	for _, tab := range []*Tableau{DormandPrince54, Tsitouras54, DormandPrince853} {
		for _, tol := range []float64{1e-5, 1e-8, 1e-11} {
			begin := time.Now()
			x, res := adaptively(t, Func{p.Dim, p.F}, p.X0, []float64{0, p.T1}, Adaptive{Tableau: tab, RTol: tol, ATol: tol / 100}, nil)
			e := distance(x, p.X0)
			t.Logf("%-7s rtol %.0e error %.1e NFE %v accepted %d rejected %d wall %v", tab.Label, tol, e, res.NFE(), res.Accepted, res.Rejected, time.Since(begin))
			// The orbit enlarges an early error by about 1e5.
			assert.Less(t, e, 1e5*tol, tab.Label)
		}
	}
}

// In a step of length h dense output of order q errs by O(h^{q+1}).
func TestDenseOrder(t *testing.T) {
	p := testprob.Pendulum(1)
	want := make([]float64, 2)
	for _, tab := range tableaux {
		if tab.E == nil {
			continue
		}
		order := min(3, tab.OrderB) // Hermite, whose ends err by h^{p+1}
		if tab.P != nil {
			order = tab.OrderP
		}
		var hs, errs []float64
		for h := 0.5; h > 0.01; h /= 1.2 {
			tr := &Trace{Rows: 1}
			grid := []float64{0.5, 0.5 + 0.3*h, 0.5 + 0.55*h, 0.5 + 0.8*h, 0.5 + h}
			p.Exact(want, 0.5)
			_, res := adaptively(t, pendulum(), want, grid, Adaptive{Tableau: tab, RTol: 1e9, ATol: 1e9, FirstStep: h}, tr)
			require.EqualValues(t, 1, res.Accepted)
			e := 0.0
			for k := 1; k < 4; k++ {
				p.Exact(want, grid[k])
				e = max(e, distance(want, tr.X[2*k:2*k+2]))
			}
			if e < 1e-14 { // rounding of values near 1, and of P
				break
			}
			hs, errs = append(hs, h), append(errs, e)
		}
		from := max(0, len(hs)-8)
		slope, n := testprob.Order(hs[from:], errs[from:], 0, 1)
		t.Logf("%-9s dense order %d: measured %.3f (%d sizes)", tab.Label, order, slope-1, n)
		assert.GreaterOrEqual(t, n, 5)
		assert.InDelta(t, order+1, slope, 0.2, tab.Label)
	}
}

// Interior grid times move neither the steps nor the end; a time at the step's end takes
// the end; dense output joins continuously there.
func TestDenseOutput(t *testing.T) {
	p := testprob.Pendulum(2)
	want := make([]float64, 2)
	for _, tab := range tableaux {
		if tab.E == nil {
			continue
		}
		for _, end := range []float64{3, -3} {
			a := Adaptive{Tableau: tab, RTol: 1e-7}
			x, res := adaptively(t, Func{2, p.F}, p.X0, []float64{0, end}, a, nil)
			tr := &Trace{Rows: 1}
			grid := uneven(0, end, 37)
			y, dense := adaptively(t, Func{2, p.F}, p.X0, grid, a, tr)
			require.Equal(t, x, y)
			require.Equal(t, x, tr.X[2*37:])
			require.Equal(t, res.Accepted, dense.Accepted)
			require.Equal(t, res.Rejected, dense.Rejected)
			for k, at := range grid {
				p.Exact(want, math.Abs(at))
				want[1] *= math.Copysign(1, end)
				// The tolerance times the number of steps, with room for the interpolant.
				assert.InDeltaSlice(t, want, tr.X[2*k:2*k+2], 3e-5, "%s at %v", tab.Label, at)
			}
		}
		g := newAdaptiveGroup(pendulum(), Adaptive{Tableau: tab}.withDefaults(), 1)
		x := []float64{1, 0.2}
		try(g, x, 0.3)
		x1, s := g.x1[:2], len(g.tab.B)
		g.interpolate(0, 0.3, s)
		require.Equal(t, x1, g.out)
		g.interpolate(0, math.Nextafter(0.3, 0), s)
		assert.InDeltaSlice(t, x1, g.out, 1e-12, tab.Label) // rounding of P
		g.interpolate(0, 0, s)
		assert.Equal(t, x, g.out)
	}
}

// try makes a trial step of one point from 0 to t1 and returns its error measure.
func try(g *adaptiveGroup, x []float64, t1 float64) float64 {
	g.rows = 1
	g.begin(x, 0, t1)
	g.t1[0] = t1
	g.trial()
	return g.measure[0]
}

func TestRoundTrip(t *testing.T) {
	for _, tab := range tableaux {
		if tab.E == nil {
			continue
		}
		a := Adaptive{Tableau: tab, RTol: 1e-8}
		x0 := cloud(3, 2)
		x, _ := adaptively(t, pendulum(), x0, []float64{0, 5}, a, nil)
		x, _ = adaptively(t, pendulum(), x, []float64{5, 0}, a, nil)
		assert.InDeltaSlice(t, x0, x, 1e-5, tab.Label) // tolerance times some hundred steps, times growth
	}
}

func TestController(t *testing.T) {
	assert.Equal(t, 0.9, grow(1, 1, 5, false))
	assert.InDelta(t, 0.9*2, grow(math.Pow(2, -5/0.7), 1, 5, false), 1e-14) // rounding
	assert.InDelta(t, 0.9/2, grow(1, math.Pow(2, -5/0.4), 5, false), 1e-14)
	assert.Equal(t, 10., grow(1e-9, 1, 3, false))
	assert.Equal(t, 10., grow(0, 1e-4, 5, false))
	assert.Equal(t, 1., grow(0, 1e-4, 5, true))
	assert.Equal(t, 1., grow(1e-9, 1, 5, true))
	assert.Equal(t, 0.2, grow(1, 1e-9, 5, false))
	assert.InDelta(t, 0.45, shrink(32, 5), 1e-15)
	assert.Equal(t, 0.2, shrink(1e9, 5))
	assert.Equal(t, 0.2, shrink(math.NaN(), 5))
	assert.Equal(t, 0.2, shrink(math.Inf(1), 5))
}

// After a rejection the step accepted in its place is not exceeded by the next. The trials are
// read off the times of the stages: the first of a trial at t + h/5, the last at t + h.
func TestNoGrowthAfterRejection(t *testing.T) {
	p := testprob.Arenstorf()
	var times []float64
	f := Func{p.Dim, func(dst, x []float64, t float64) {
		times = append(times, t)
		p.F(dst, x, t)
	}}
	_, res := adaptively(t, f, p.X0, []float64{0, p.T1}, Adaptive{RTol: 1e-5, FirstStep: 1}, nil)
	require.Greater(t, res.Rejected, int64(10))
	type trial struct{ t, h float64 }
	var trials []trial
	for i := 1; i < len(times); i += 6 {
		h := (times[i+5] - times[i]) * 5 / 4
		trials = append(trials, trial{times[i+5] - h, h})
	}
	const same = 1e-10 // rounding
	seen := 0
	for i := 2; i < len(trials); i++ {
		a, b, c := trials[i-2], trials[i-1], trials[i]
		if math.Abs(a.t-b.t) < same && c.t > b.t+same { // a rejected, b accepted
			assert.LessOrEqual(t, c.h, b.h+same)
			seen++
		}
	}
	assert.Greater(t, seen, 5)
}

// The error measure is O(h^k) with the order k that the controller takes, and is in units of
// the tolerances.
func TestErrorMeasure(t *testing.T) {
	for _, tab := range tableaux {
		if tab.E == nil {
			continue
		}
		g := newAdaptiveGroup(pendulum(), Adaptive{Tableau: tab, RTol: 1e-2, ATol: 1e-3}.withDefaults(), 1)
		x := []float64{1, 0.2}
		var hs, errs []float64
		for h := 1.; h > 0.05; h /= 1.3 {
			err := try(g, x, h)
			if floats.Norm(g.err[:2], 2) < 1e-13 { // rounding of Σ e k
				break
			}
			hs, errs = append(hs, h), append(errs, err)
		}
		from := max(0, len(hs)-5)
		slope, n := testprob.Order(hs[from:], errs[from:], 0, 1)
		t.Logf("%-9s measure of order %v: %.3f", tab.Label, g.order, slope)
		assert.Equal(t, 5, n)
		assert.InDelta(t, g.order, slope, 0.2, tab.Label)
	}
	// Heun and x' = -x from 3 by h: the estimate is h²x/2.
	g := newAdaptiveGroup(decay(1), Adaptive{Tableau: Heun, RTol: 1e-3, ATol: 1e-2}.withDefaults(), 1)
	assert.InDelta(t, 0.01*3/2/(1e-2+1e-3*3), try(g, []float64{3}, 0.1), 1e-12)
	// The 8(5,3) pair by its formula, for two coordinates.
	g = newAdaptiveGroup(pendulum(), Adaptive{Tableau: DormandPrince853, RTol: 1e-30, ATol: 1}.withDefaults(), 1)
	err := try(g, []float64{1, 0.2}, 1)
	e5, e3 := floats.Dot(g.err[:2], g.err[:2]), floats.Dot(g.err2[:2], g.err2[:2])
	assert.InEpsilon(t, e5/math.Sqrt(2*(e5+0.01*e3)), err, 1e-12)
}

// The first step of x' = -10x from 1 by HNW II.4: 100 h₀ = 100·0.01/10, and for small
// tolerances h₁ = (0.01/|x”|)^(1/5) in units of the tolerance.
func TestFirstStep(t *testing.T) {
	f := Func{1, func(dst, x []float64, _ float64) { dst[0] = -10 * x[0] }}
	for _, c := range []struct{ tol, want float64 }{{1, 0.1}, {1e-7, math.Pow(0.01*1.001e-7/100, 0.2)}} {
		g := newAdaptiveGroup(f, Adaptive{RTol: c.tol}.withDefaults(), 1)
		g.rows = 1
		g.begin([]float64{1}, 0, 5)
		assert.InEpsilon(t, c.want, g.points[0].h, 1e-9) // rounding of the difference
		g.begin([]float64{1}, 0, -1e-3)
		assert.Equal(t, 1e-3, g.points[0].h)
	}
	_, res := adaptively(t, decay(1), []float64{1}, []float64{0, 0.02}, Adaptive{}, nil)
	assert.EqualValues(t, 1, res.Accepted) // h₁ = (1e-8)^0.2 = 0.025
}

// A solution of length 1e-6 in a run of length 1 is not missed by the first step, and the
// controller does not grow right after a rejection.
func TestSteps(t *testing.T) {
	fast := Func{1, func(dst, x []float64, t float64) { dst[0] = -1e6 * (x[0] - 1) }}
	x, res := adaptively(t, fast, []float64{0}, []float64{0, 1e-4}, Adaptive{}, nil)
	assert.InDelta(t, 1, x[0], 1e-6) // the tolerance
	assert.Less(t, res.Rejected, res.Accepted/2)

	// u' = 1: an estimate that is rounding lets the step grow to its bounds.
	one := Func{1, func(dst, _ []float64, _ float64) { dst[0] = 1 }}
	for _, tab := range tableaux {
		if tab.E != nil {
			x, res := adaptively(t, one, []float64{0}, []float64{0, 1}, Adaptive{Tableau: tab, FirstStep: 1e-4}, nil)
			assert.InDelta(t, 1, x[0], 1e-14)                        // rounding
			assert.LessOrEqual(t, res.Accepted, int64(7), tab.Label) // 10⁴ in steps of 4 at least
		}
	}
	_, res = adaptively(t, one, []float64{0}, []float64{0, 1}, Adaptive{MaxStep: 0.1}, nil)
	assert.GreaterOrEqual(t, res.Accepted, int64(10))
	// The grid of one time is the start.
	x, res = adaptively(t, one, []float64{3}, []float64{1}, Adaptive{}, nil)
	assert.Equal(t, []float64{3}, x)
	assert.Zero(t, res.Evals)
}

func TestAdaptiveErrors(t *testing.T) {
	blowup := Func{1, func(dst, x []float64, _ float64) { dst[0] = x[0] * x[0] }} // 1/(1-t)
	wall := Func{1, func(dst, x []float64, t float64) { dst[0] = math.Sqrt(0.5 - t) }}
	decay := decay(1)
	for _, c := range []struct {
		name   string
		f      Field
		x0     float64
		a      Adaptive
		status Status
	}{
		{"singular solution", blowup, 1, Adaptive{}, StepTooSmall},
		{"field ends at 0.5", wall, 1, Adaptive{}, StepTooSmall},
		{"field ends at 0.5", wall, 1, Adaptive{Tableau: Midpoint, RTol: 1e-3, FirstStep: 0.6}, StepTooSmall},
		{"overflow", Func{1, func(dst, _ []float64, _ float64) { dst[0] = 1e308 }}, 1e308, Adaptive{}, StepTooSmall},
		{"MinStep", blowup, 1, Adaptive{MinStep: 1e-3}, StepTooSmall},
		{"MaxSteps", decay, 1, Adaptive{MaxSteps: 3}, TooManySteps},
		{"start", decay, math.NaN(), Adaptive{}, NonFinite},
		{"slope at the start", Func{1, func(dst, _ []float64, t float64) { dst[0] = 1 / t }}, 1, Adaptive{}, NonFinite},
	} {
		res, err := SolveAdaptive(context.Background(), c.f, []float64{c.x0}, []float64{0, 2}, c.a, &Settings{First: 40})
		var e *Error
		require.ErrorAs(t, err, &e, c.name)
		assert.Equal(t, c.status, e.Status, c.name)
		assert.Equal(t, c.status, res.Status, c.name)
		assert.Equal(t, 40, e.Row)
		if c.name == "field ends at 0.5" {
			assert.LessOrEqual(t, e.T, 0.5)
			assert.InDelta(t, 0.5, e.T, 1e-6) // the root of rounding at most
		}
	}
	// A trial step into the forbidden region alone is no failure.
	root := Func{1, func(dst, x []float64, _ float64) { dst[0] = -math.Sqrt(x[0]) }}
	x, _ := adaptively(t, root, []float64{1}, []float64{0, 1.9}, Adaptive{FirstStep: 1.9}, nil)
	assert.InDelta(t, 0.05*0.05, x[0], 1e-5) // (1 - t/2)²; the tolerance

	broken := failing{decay}
	_, err := SolveAdaptive(context.Background(), broken, []float64{1}, []float64{0, 1}, Adaptive{}, nil)
	assert.ErrorIs(t, err, errBroken)
	assert.Panics(t, func() { adaptively(t, decay, nil, []float64{0, 1}, Adaptive{Tableau: RK4}, nil) })
	assert.Panics(t, func() { adaptively(t, decay, nil, []float64{0, 1}, Adaptive{RTol: -1}, nil) })
}

// Of points side by side, of which some arrive early, an error names the one that failed, and
// the counts are those of the points alone.
func TestAdaptiveGroup(t *testing.T) {
	blowup := Func{1, func(dst, x []float64, _ float64) {
		for i, v := range x {
			dst[i] = v * v
		}
	}}
	for _, rows := range []int{1, 3, 5} {
		x := []float64{0, 0, 0.1, 0, 1} // the last reaches infinity at 1
		_, err := SolveAdaptive(context.Background(), blowup, x, []float64{0, 2}, Adaptive{}, &Settings{First: 40, Rows: rows, Workers: 1})
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 44, e.Row, "groups of %d", rows)
		assert.InDelta(t, 1, e.T, 1e-6) // the tolerance moves the pole by its order

		var sum Stats
		x = []float64{0, 0.4, 0.1, 0.2, 0}
		for _, v := range x {
			res, err := SolveAdaptive(context.Background(), blowup, []float64{v}, []float64{0, 2}, Adaptive{}, nil)
			require.NoError(t, err)
			sum.add(res.Stats)
		}
		res, err := SolveAdaptive(context.Background(), blowup, x, []float64{0, 2}, Adaptive{}, &Settings{Rows: rows})
		require.NoError(t, err)
		sum.Wall = res.Wall
		assert.Equal(t, sum, res.Stats)
		assert.Greater(t, 5*res.MaxNFE, int(res.Evals))
	}
}

var errBroken = errors.New("broken")

type failing struct{ Field }

func (failing) Eval(dst, _ []float64, _ float64) { dst[0] = math.NaN() }
func (failing) Err() error                       { return errBroken }
