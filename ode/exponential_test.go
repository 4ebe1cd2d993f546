package ode

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/testprob"
)

// exponentials are the records that need a Semilinear field.
func exponentials() []Record { return Records()[len(classical()):] }

// An orderCase is a flow from one σ/α to another with the points y = x/α at its ends.
type orderCase struct {
	name       string
	f          Semilinear
	grid       func(f Semilinear, r0, r1 float64, n int) []float64
	r0, r1     float64
	start, end []float64
}

func orderCases(t *testing.T, r0, r1 float64) []orderCase {
	var cases []orderCase
	for _, d := range []int{2, 16} {
		m := newMix(d)
		f := condOT(m)
		if d == 16 {
			f = vp(m)
		}
		y0 := startAt(2, d, r0)
		y1 := exactFlow(t, m, y0, -math.Log(r0), -math.Log(r1))
		cases = append(cases,
			orderCase{fmt.Sprintf("d=%d even λ", d), f, lambdaGrid, r0, r1, y0, y1},
			orderCase{fmt.Sprintf("d=%d Karras", d), f, karrasGrid, r0, r1, y0, y1})
	}
	return cases
}

func (c orderCase) err(t *testing.T, m Method, n int) float64 {
	return distance(c.end, runScaled(t, m, c.f, c.start, c.grid(c.f, c.r0, c.r1, n)))
}

// slope measures the order over the six largest numbers of steps, 20% apart from most down,
// whose error is above 2e-12: the rounding of some hundred steps and of the reference
// reaches 1e-13. Coarser grids come before the asymptotic range.
func (c orderCase) slope(t *testing.T, m Method, most float64) (slope float64, points int) {
	var h, errs []float64
	for n := most; n > 16 && len(h) < 6; n = math.Floor(n / 1.2) {
		if e := c.err(t, m, int(n)); e > 2e-12 {
			h, errs = append(h, 1/n), append(errs, e)
		}
	}
	return testprob.Order(h, errs, 0, 1)
}

func TestExponentialOrders(t *testing.T) {
	for _, c := range orderCases(t, 20, 0.1) {
		for _, r := range exponentials() {
			slope, n := c.slope(t, r.Method, 2000)
			t.Logf("%-20s %-11s order %d measured %.3f", r.Name, c.name, r.Order, slope)
			assert.GreaterOrEqual(t, n, 5)
			assert.InDelta(t, r.Order, slope, 0.2, "%s %s", r.Name, c.name)
		}
	}
}

// The weights and the warm-ups of papers and released codes have the lower order that
// Order states; a warm-up of one order less keeps the method's. The start at σ/α = 3, where D varies, shows what the warm-up leaves.
func TestOrdersOfVariants(t *testing.T) {
	for _, c := range orderCases(t, 3, 0.1) {
		for _, m := range []Method{
			DPMSolverPPM{Steps: 3, Published: true},
			DPMSolverPPM{Steps: 3, Published: true, Warmup: PublishedWarmup},
			DPMSolverPPM{Warmup: PublishedWarmup},
			ExponentialAB{Steps: 3, Warmup: PublishedWarmup},
			ExponentialAB{Steps: 4, Warmup: PublishedWarmup},
			DEIS{Warmup: PublishedWarmup},
			DEIS{Steps: 4, Clock: RhoClock, Warmup: PublishedWarmup},
			DEIS{Clock: LogRhoClock, Warmup: PublishedWarmup},
			VelocityAB{Steps: 3, Warmup: PublishedWarmup},
			IPNDM{Warmup: PublishedWarmup},
			UniPC{Warmup: PublishedWarmup},
			UniPC{P: 3, Warmup: PublishedWarmup},
			UniPC{NoCorrector: true, Warmup: PublishedWarmup},
			UniPC{NoCorrector: true, P: 3},
			ExponentialAB{Steps: 3, Warmup: LeanWarmup},
			DEIS{Steps: 4, Clock: RhoClock, Warmup: LeanWarmup},
			UniPC{Warmup: LeanWarmup},
			UniPC{P: 3, Warmup: LeanWarmup},
		} {
			slope, n := c.slope(t, m, 2000)
			t.Logf("%-24s %-11s order %d measured %.3f", m.Name(), c.name, m.Order(), slope)
			assert.GreaterOrEqual(t, n, 5)
			assert.InDelta(t, m.Order(), slope, 0.2, "%s %s", m.Name(), c.name)
		}
	}
}

// What the corrections gain where samplers are used, logged for the tables.
func TestCorrectedBesidePublished(t *testing.T) {
	pairs := []struct{ ours, published Method }{
		{DPMSolverPPM{Steps: 3}, DPMSolverPPM{Steps: 3, Published: true, Warmup: PublishedWarmup}},
		{DEIS{Steps: 4, Clock: RhoClock}, DEIS{Steps: 4, Clock: RhoClock, Warmup: PublishedWarmup}},
		{DEIS{}, DEIS{Warmup: PublishedWarmup}},
		{UniPC{P: 3}, UniPC{P: 3, Warmup: PublishedWarmup}},
	}
	for _, r0 := range []float64{3, 80} {
		for _, c := range orderCases(t, r0, 0.1) {
			for _, p := range pairs {
				line := fmt.Sprintf("σ/α from %2.0f, %s, %-8s", r0, c.name, p.ours.Name())
				for _, n := range []int{20, 50, 100, 400} {
					ours, theirs := c.err(t, p.ours, n), c.err(t, p.published, n)
					line += fmt.Sprintf("  %d: %.2e %.2e", n, ours, theirs)
					if n == 400 && r0 == 3 {
						assert.Less(t, ours, theirs, "%s %s", c.name, p.ours.Name())
					}
				}
				t.Log(line)
			}
		}
	}
}

// A method sees only λ and x/α: on paths matched in λ it makes the same points. DEIS in t
// is the exception by design.
func TestPathInvariance(t *testing.T) {
	m := newMix(2)
	y0 := startAt(3, 2, 20)
	for _, r := range exponentials() {
		if d, ok := r.Method.(DEIS); ok && d.Clock == TimeClock {
			continue
		}
		for _, n := range []int{1, 2, 7, 20} {
			f := ve(m)
			want := runScaled(t, r.Method, f, y0, karrasGrid(f, 20, 0.1, n))
			for _, f := range []pathFlow{vp(m), condOT(m), trig(m)} {
				got := runScaled(t, r.Method, f, y0, karrasGrid(f, 20, 0.1, n))
				// λ of the paths' times differs by 1e-15, the points are of size 20.
				assert.InDeltaSlice(t, want, got, 1e-12, "%s in %d steps", r.Name, n)
			}
		}
	}
}

// constant is the denoiser of a single point.
type constant []float64

func (c constant) Dim() int { return len(c) }
func (c constant) Denoise(dst, _ []float64, _, _ float64) {
	for i := range dst {
		dst[i] = c[i%len(c)]
	}
}

// If D is constant a step of any length is exact, in either direction and to or from a
// time without signal.
func TestExactForConstant(t *testing.T) {
	c := constant{0.7, -1.3}
	for _, path := range []func(denoiser) pathFlow{ve, vp, condOT, trig} {
		f := path(c)
		for _, r := range exponentials() {
			for _, grid := range [][]float64{
				{0, 0.9}, {0, 0.5, 0.95}, {0.3, 0.99}, {0.9, 0.2}, {0.8, 0},
				{0, 0.1, 0.3, 0.35, 0.7, 0.8, 0.9}, {0.9, 0.7, 0.5, 0.2, 0.1, 0},
			} {
				x := []float64{3, 4, -50, 60}
				a0, s0 := f.Noise(grid[0])
				a1, s1 := f.Noise(grid[len(grid)-1])
				var want []float64
				for i, v := range x {
					want = append(want, s1/s0*v+(a1-a0*s1/s0)*c[i%2])
				}
				// A rounding of the state reaches the slope ε divided by σ, and the end
				// multiplied by σ': it grows with the range of σ/α, up to 1e5.
				low, high := math.Inf(1), 0.0
				for _, v := range grid {
					if a, s := f.Noise(v); a > 0 {
						low, high = min(low, s/a), max(high, s/a)
					}
				}
				for i, v := range solve(t, r.Method, f, x, grid) {
					assert.InDelta(t, want[i], v, 1e-14*(100+math.Abs(want[i]))*high/low, "%s %v", r.Name, grid)
				}
			}
		}
	}
}

// From a time without signal every method is finite, begins with the DDIM step, and
// comes to the right end.
func TestStartWithoutSignal(t *testing.T) {
	m := newMix(2)
	for _, f := range []pathFlow{condOT(m), trig(m)} {
		x0 := startAt(3, 2, 1)
		a, s := f.Noise(f.time(-math.Log(0.1)))
		// At σ/α = 1e6 the DDIM step is exact to 1e-12.
		far := levelAt(f, f.time(-math.Log(1e6)))
		x := append([]float64{}, x0...)
		d := make([]float64, len(x))
		m.Denoise(d, x, 0, 1)
		ddim(x, d, level{alpha: 0, sigma: 1}, far)
		for i := range x {
			x[i] /= far.alpha
		}
		want := exactFlow(t, m, x, far.lambda, math.Log(a/s))
		for _, r := range exponentials() {
			for _, n := range []int{1, 2, 3, 200} {
				grid := uniform(0, f.time(-math.Log(0.1)), n)
				got := runScaled(t, r.Method, f, x0, grid)
				if n == 200 { // the first-order methods reach 2e-2, the others 1e-3
					tol := 2e-3
					if r.Order == 1 {
						tol = 3e-2
					}
					assert.InDeltaSlice(t, want, got, tol, r.Name)
				}
				if n == 1 {
					ddimEnd := runScaled(t, DDIM{}, f, x0, grid)
					assert.InDeltaSlice(t, ddimEnd, got, 1e-13, r.Name) // rounding
				}
			}
		}
	}
}

func TestExponentialNFE(t *testing.T) {
	m := newMix(2)
	f := condOT(m)
	nfe := func(method Method, n int) int {
		x := startAt(7, 2, 1)
		m.calls.Store(0)
		res, err := Solve(context.Background(), f, x, lambdaGrid(f, 20, 0.1, n), method, &Settings{Rows: 3})
		require.NoError(t, err)
		assert.Equal(t, m.calls.Load(), res.Evals, method.Name())
		return res.MaxNFE
	}
	for _, r := range Records() {
		assert.Equal(t, r.NFE, nfe(r.Method, 11)-nfe(r.Method, 10), r.Name)
		assert.LessOrEqual(t, nfe(r.Method, 1), max(r.NFE, 4), r.Name)
	}
	// Warm-ups: 3 steps of 4, 2 of 3, 2 of 4 evaluations; one less a step if lean, none as published.
	assert.Equal(t, 3*4+7, nfe(ExponentialAB{Steps: 4}, 10))
	assert.Equal(t, 2*3+8, nfe(DEIS{}, 10))
	assert.Equal(t, 2*4+8, nfe(UniPC{P: 3}, 10))
	assert.Equal(t, 2*3+8, nfe(UniPC{P: 3, Warmup: LeanWarmup}, 10))
	assert.Equal(t, 10, nfe(UniPC{P: 3, Warmup: PublishedWarmup}, 10))
	assert.Equal(t, 10, nfe(DEIS{Steps: 4, Warmup: PublishedWarmup}, 10))
}

func TestExponentialAllocs(t *testing.T) {
	f := vp(newMix(2))
	for _, r := range exponentials() {
		st := r.Method.NewStepper(f, 5)
		st.Begin(0, 5)
		x := startAt(5, 2, 1)
		now := 0.1
		step := func() {
			st.Step(x, now, now+0.01)
			now += 0.01
		}
		for range 4 { // the warm-up, tested for itself below
			step()
		}
		assert.Zero(t, testing.AllocsPerRun(20, step), r.Name)
		assert.Zero(t, testing.AllocsPerRun(5, func() {
			st.Begin(0, 5)
			st.Step(x, 0.2, 0.3)
			st.Step(x, 0.3, 0.4)
		}), r.Name)
		assert.Zero(t, testing.AllocsPerRun(5, func() { st.Begin(0, 4) }), r.Name)
	}
	row := newDPMRow(f, DPMAdaptive{}.withDefaults())
	x := startAt(1, 2, 1)
	assert.Zero(t, testing.AllocsPerRun(5, func() {
		_, err := row.SolveRow(context.Background(), x, 0, []float64{0.1, 0.5, 0.9}, nil)
		require.NoError(t, err)
	}))
}

// The bits do not depend on workers or row groups, and history does not leak from one
// group into the next.
func TestExponentialSameBits(t *testing.T) {
	const n = 33
	f := condOT(newMix(2))
	grid := uniform(0, 0.97, 9)
	for _, r := range exponentials() {
		want := startAt(n, 2, 1)
		_, err := Solve(context.Background(), f, want, grid, r.Method, &Settings{Workers: 1, Rows: n})
		require.NoError(t, err)
		for _, s := range []Settings{{Workers: 1}, {Workers: 7}, {Rows: 1}, {Workers: 2, Rows: 5}} {
			x := startAt(n, 2, 1)
			_, err := Solve(context.Background(), f, x, grid, r.Method, &s)
			require.NoError(t, err)
			require.Equal(t, want, x, r.Name)
		}
	}
}

// The way back from data to noise undoes the way there.
func TestExponentialDirections(t *testing.T) {
	f := vp(newMix(2))
	there := lambdaGrid(f, 3, 0.3, 200)
	back := make([]float64, len(there))
	for i, v := range there {
		back[len(there)-1-i] = v
	}
	for _, r := range exponentials() {
		x0 := startAt(3, 2, 1)
		x := solve(t, r.Method, f, solve(t, r.Method, f, x0, there), back)
		h := math.Log(10) / 200
		assert.InDeltaSlice(t, x0, x, 20*math.Pow(h, float64(r.Order)), r.Name) // error constants reach 10
	}
}

func TestExponentialPanics(t *testing.T) {
	for _, r := range exponentials() {
		assert.PanicsWithValue(t, "ode: "+r.Name+" needs a Semilinear field, the probability flow of a Gaussian path",
			func() { r.Method.NewStepper(pendulum(), 1) })
	}
	f := condOT(newMix(2))
	for _, m := range []Method{
		DPMSolver{Stages: 4}, DPMSolver{Stages: -1}, DPMSolver{R1: 2}, DPMSolver{Stages: 3, R1: 0.7, R2: 0.7},
		DPMSolverPP{Stages: 4}, DPMSolverPP{R1: -1}, RES{Stages: 5}, RES{C2: 2}, RES{Stages: 3, C2: 2. / 3},
		ExponentialAB{Steps: 5}, DPMSolverPPM{Steps: 1}, DPMSolverPPM{Steps: 3, Heun: true}, DPMSolverPPM{Published: true},
		UniPC{P: 4}, DEIS{Steps: 5}, VelocityAB{Steps: -2}, IPNDM{Steps: 5},
	} {
		assert.Panics(t, func() { m.NewStepper(f, 1) }, "%#v", m)
	}
}
