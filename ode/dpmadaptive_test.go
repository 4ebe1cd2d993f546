package ode

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/testprob"
)

// The error falls with the tolerance at the rate of the method's order against the
// evaluations spent.
func TestDPMAdaptive(t *testing.T) {
	for _, order := range []int{2, 3} {
		c := orderCases(t, 20, 0.1)[0]
		f := c.f
		a0, _ := f.Noise(c.grid(f, 20, 0.1, 1)[0])
		a1, _ := f.Noise(c.grid(f, 20, 0.1, 1)[1])
		var nfe, errs []float64
		for tol := 1e-4; tol > 1e-8; tol /= 4 {
			x := append([]float64{}, c.start...)
			for i := range x {
				x[i] *= a0
			}
			m := newMix(2)
			res, err := SolveDPMAdaptive(context.Background(), condOT(m), x, c.grid(f, 20, 0.1, 1), DPMAdaptive{Order: order, RTol: tol, ATol: tol}, nil)
			require.NoError(t, err)
			assert.Equal(t, m.calls.Load(), res.Evals)
			// The first evaluation of a step serves its repetitions.
			assert.Equal(t, int64(order)*res.Accepted+int64(order-1)*res.Rejected, res.Evals)
			for i := range x {
				x[i] /= a1
			}
			nfe, errs = append(nfe, 1/res.NFE()), append(errs, distance(c.end, x))
		}
		slope, n := testprob.Order(nfe, errs, 1e-12, 1)
		t.Logf("order %d: error %.1e to %.1e for %.0f to %.0f evaluations, slope %.2f", order, errs[0], errs[n-1], 1/nfe[0], 1/nfe[n-1], slope)
		assert.InDelta(t, order, slope, 0.3) // the control keeps the local error only roughly even
	}
}

// The step is DPM-Solver's, and its error estimate is of the stated order.
func TestDPMAdaptiveStep(t *testing.T) {
	f := vp(newMix(2))
	for order := 2; order <= 3; order++ {
		grid := []float64{0.3, 0.5}
		x := startAt(3, 2, 1)
		want := solve(t, DPMSolver{Stages: order}, f, x, grid)
		res, err := SolveDPMAdaptive(context.Background(), f, x, grid, DPMAdaptive{Order: order, RTol: 1e9, FirstStep: 100}, nil)
		require.NoError(t, err)
		assert.Equal(t, want, x)
		assert.EqualValues(t, 3, res.Accepted)
		assert.Zero(t, res.Rejected)

		r := newDPMRow(f, DPMAdaptive{Order: order, ATol: 1, RTol: 1e-300}.withDefaults())
		var hs, errs []float64
		at := levelAt(f, 0.4)
		for h := 0.02; h > 0.002; h /= 1.5 {
			r.denoise(r.k[0], x[:2], at)
			r.form.slope(r.k[0], x[:2], at)
			hs, errs = append(hs, h), append(errs, r.trial(x[:2], at, levelAt(f, f.time(at.lambda+h))))
		}
		slope, _ := testprob.Order(hs, errs, 0, 1)
		assert.InDelta(t, order, slope, 0.05, "local error") // the next term is of relative size h
	}
}

// Points do not see each other, every time of the grid ends a step, and the way starts
// where there is no signal.
func TestDPMAdaptiveRows(t *testing.T) {
	f := trig(newMix(2))
	grid := uniform(0, 0.95, 4)
	opt := DPMAdaptive{RTol: 1e-3, ATol: 1e-3}
	want := startAt(9, 2, 1)
	_, err := SolveDPMAdaptive(context.Background(), f, want, grid, opt, &Settings{Workers: 1})
	require.NoError(t, err)
	tr := &Trace{Rows: 9}
	x := startAt(9, 2, 1)
	_, err = SolveDPMAdaptive(context.Background(), f, x, grid, opt, &Settings{Workers: 3, Rows: 2, Trace: tr})
	require.NoError(t, err)
	assert.Equal(t, want, x)
	one := startAt(9, 2, 1)[4:6]
	_, err = SolveDPMAdaptive(context.Background(), f, one, grid, opt, nil)
	require.NoError(t, err)
	assert.Equal(t, want[4:6], one)
	for r := range 9 {
		at := (r*len(grid) + 2) * 2
		mid := startAt(9, 2, 1)[2*r : 2*r+2]
		_, err = SolveDPMAdaptive(context.Background(), f, mid, grid[:3], opt, nil)
		require.NoError(t, err)
		assert.Equal(t, mid, tr.X[at:at+2])
	}
	// A time soon after another cuts one step short and leaves the next as planned.
	count := func(grid []float64) int64 {
		res, err := SolveDPMAdaptive(context.Background(), f, startAt(1, 2, 1), grid, opt, nil)
		require.NoError(t, err)
		return res.Accepted
	}
	assert.LessOrEqual(t, count([]float64{0, 0.5, 0.5 + 1e-9, 0.95}), count([]float64{0, 0.5, 0.95})+2)
	// There and back, on the tolerance's scale.
	back := []float64{grid[4], grid[1]}
	_, err = SolveDPMAdaptive(context.Background(), f, x, back, opt, nil)
	require.NoError(t, err)
	for r := range 9 {
		at := (r*len(grid) + 1) * 2
		assert.InDeltaSlice(t, tr.X[at:at+2], x[2*r:2*r+2], 0.05)
	}
}

func TestDPMAdaptiveErrors(t *testing.T) {
	f := condOT(newMix(2))
	solve := func(ctx context.Context, x []float64, opt DPMAdaptive) error {
		_, err := SolveDPMAdaptive(ctx, f, x, []float64{0.1, 0.9}, opt, nil)
		return err
	}
	var e *Error
	require.ErrorAs(t, solve(context.Background(), startAt(1, 2, 1), DPMAdaptive{MaxSteps: 3, RTol: 1e-6, ATol: 1e-6}), &e)
	assert.Equal(t, TooManySteps, e.Status)
	require.ErrorAs(t, solve(context.Background(), []float64{1, math.NaN()}, DPMAdaptive{}), &e)
	assert.Equal(t, NonFinite, e.Status)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorAs(t, solve(ctx, startAt(1, 2, 1), DPMAdaptive{}), &e)
	assert.Equal(t, Cancelled, e.Status)
	assert.Panics(t, func() { _ = solve(ctx, startAt(1, 2, 1), DPMAdaptive{Order: 4}) })
	assert.Panics(t, func() { _ = solve(ctx, startAt(1, 2, 1), DPMAdaptive{RTol: -1}) })
}
