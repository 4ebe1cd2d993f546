package ode

import (
	"context"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/internal/testprob"
)

// counter counts evaluations, point by point.
type counter struct {
	Field
	points atomic.Int64
}

func (c *counter) Eval(dst, x []float64, t float64) {
	c.points.Add(int64(len(x) / c.Dim()))
	c.Field.Eval(dst, x, t)
}

func pendulum() Func { return Func{2, testprob.Pendulum(1).F} }

// cloud returns n points of dimension d with standard normal coordinates.
func cloud(n, d int) []float64 {
	x := make([]float64, n*d)
	stream.New().Normals(x, 1, stream.Test, 0, 0)
	return x
}

func TestNFE(t *testing.T) {
	const n, steps = 7, 10
	perStep := []int{1, 2, 2, 2, 3, 4, 3, 6, 6, 12}
	for i, m := range methods {
		c := &counter{Field: pendulum()}
		res, err := Solve(context.Background(), c, cloud(n, 2), uniform(0, 1, steps), m, &Settings{Rows: 3})
		require.NoError(t, err)
		assert.Equal(t, c.points.Load(), res.Evals, m.Name())
		if ab, ok := m.(AdamsBashforth); ok { // warm-up with as many stages as steps
			k := int(ab)
			assert.Equal(t, (k-1)*k+steps-(k-1), res.MaxNFE, m.Name())
		} else {
			assert.Equal(t, perStep[i]*steps, res.MaxNFE, m.Name())
		}
	}
	for _, tab := range tableaux {
		if tab.E == nil {
			continue
		}
		for _, first := range []float64{0, 0.1} {
			c := &counter{Field: pendulum()}
			set := &Settings{Trace: &Trace{Rows: 2}}
			res, err := SolveAdaptive(context.Background(), c, cloud(n, 2), uniform(0, 3, 4), Adaptive{Tableau: tab, FirstStep: first}, set)
			require.NoError(t, err)
			assert.Equal(t, c.points.Load(), res.Evals, tab.Label)
			if tab.Label == "dopri5" && first > 0 {
				assert.Equal(t, n+6*(res.Accepted+res.Rejected), res.Evals)
			}
		}
	}
}

// No step of any method allocates: a solve of many steps allocates as often as one of few.
func TestAllocs(t *testing.T) {
	x := cloud(5, 2)
	for _, m := range methods {
		st := m.NewStepper(pendulum(), 5)
		st.Begin(0, 5)
		now := 0.0
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			st.Step(x, now, now+0.01)
			now += 0.01
		}), m.Name())
		assert.Zero(t, testing.AllocsPerRun(5, func() { st.Begin(0, 4) }), m.Name())
	}
	grid := uniform(0, 3, 5)
	for _, tab := range tableaux {
		if tab.E != nil {
			g := newAdaptiveGroup(pendulum(), Adaptive{Tableau: tab, RTol: 1e-4}.withDefaults(), 5)
			tr := &Trace{Rows: 2}
			tr.start(x, 2, len(grid))
			assert.Zero(t, testing.AllocsPerRun(5, func() {
				_, err := g.solve(context.Background(), x, 0, 0, grid, func(int) {}, tr)
				require.NoError(t, err)
			}), tab.Label)
		}
	}
	for _, div := range []Divergence{Exact{}, Hutchinson{}, Hutchinson{Law: Gaussian}, HutchPP{Probes: 1}} {
		g := &flow{
			f: linear2, d: 2, m: div.estimates(), trace: div.newTrace(linear2, 5),
			x: make([]float64, 10), u: make([]float64, 10), div: make([]float64, 5),
		}
		st := flowStepper{RK4.NewStepper(g, 5), g}
		y := make([]float64, 5*g.Dim())
		st.Begin(0, 5)
		assert.Zero(t, testing.AllocsPerRun(5, func() {
			st.Begin(0, 5)
			st.Step(y, 0, 0.01)
		}), "%T", div)
	}
}

// timed is a field that takes a time for each point.
type timed struct {
	Field
	used atomic.Bool
}

func (f *timed) EvalEach(dst, x, t []float64) {
	f.used.Store(true)
	d := f.Dim()
	for r, t := range t {
		f.Eval(dst[r*d:(r+1)*d], x[r*d:(r+1)*d], t)
	}
}

// The bytes do not depend on workers, row groups or shards.
func TestSameBytes(t *testing.T) {
	const n = 33
	grid := uneven(0, 3, 12)
	type solver func(x []float64, s *Settings) error
	solvers := map[string]solver{}
	for _, m := range methods {
		solvers[m.Name()] = func(x []float64, s *Settings) error {
			_, err := Solve(context.Background(), pendulum(), x, grid, m, s)
			return err
		}
	}
	for _, tab := range []*Tableau{nil, Heun, BogackiShampine32, Tsitouras54, DormandPrince853} {
		name := "adaptive"
		if tab != nil {
			name += tab.Label
		}
		solvers[name] = func(x []float64, s *Settings) error {
			_, err := SolveAdaptive(context.Background(), pendulum(), x, grid, Adaptive{Tableau: tab}, s)
			return err
		}
	}
	// Points that are evaluated together at times of their own.
	plain := cloud(n, 2)
	require.NoError(t, solvers["adaptive"](plain, nil))
	solvers["adaptive per point"] = func(x []float64, s *Settings) error {
		f := &timed{Field: pendulum()}
		_, err := SolveAdaptive(context.Background(), f, x, grid, Adaptive{}, s)
		require.Equal(t, plain, x)
		require.True(t, f.used.Load() || s.Rows == 1)
		return err
	}
	for name, solve := range solvers {
		want := cloud(n, 2)
		require.NoError(t, solve(want, &Settings{Workers: 1, Rows: n}))
		for _, s := range []Settings{{Workers: 1}, {Workers: 2}, {Workers: 7}, {Rows: 1}, {Rows: 5}, {Rows: 1024}, {Workers: 7, Rows: 5, Trace: &Trace{Rows: 9}}} {
			x := cloud(n, 2)
			require.NoError(t, solve(x, &s))
			require.Equal(t, want, x, name)
		}
	}
}

// Every row of a trace is a solve up to its time, to the bit.
func TestTrace(t *testing.T) {
	const n = 6
	grid := uneven(0, 2, 9)
	for _, m := range methods {
		tr := &Trace{Rows: 4}
		_, err := Solve(context.Background(), pendulum(), cloud(n, 2), grid, m, &Settings{Rows: 2, Trace: tr})
		require.NoError(t, err)
		require.Len(t, tr.X, 4*len(grid)*2)
		for k := range grid {
			x := solve(t, m, pendulum(), cloud(n, 2), grid[:k+1])
			for r := range tr.Rows {
				at := (r*len(grid) + k) * 2
				require.Equal(t, x[r*2:r*2+2], tr.X[at:at+2], "%s row %d time %d", m.Name(), r, k)
			}
		}
	}
}

// A problem and its mirror image in time have the same solution to the bit, and the way
// back undoes the way there to the method's order.
func TestDirections(t *testing.T) {
	f := Func{2, func(dst, x []float64, t float64) {
		pendulum().Eval(dst, x, t)
		dst[0] += 0.1 * math.Sin(t)
	}}
	mirror := Func{2, func(dst, x []float64, t float64) {
		f.Eval(dst, x, -t)
		dst[0], dst[1] = -dst[0], -dst[1]
	}}
	x0 := []float64{1, 0.3}
	for _, m := range methods {
		there := solve(t, m, f, x0, uneven(0, 2, 40))
		back := uneven(0, 2, 40)
		for i := range back {
			back[i] = -back[i]
		}
		require.Equal(t, there, solve(t, m, mirror, x0, back), m.Name())
		h := 2. / 40
		assert.InDeltaSlice(t, x0, solve(t, m, f, there, uniform(2, 0, 40)), 5*math.Pow(h, float64(m.Order()))+1e-14, m.Name())
	}
}

// Adams-Bashforth of k steps integrates polynomials of degree k-1 in time on any grid; a
// higher degree it does not.
func TestAdamsBashforthExact(t *testing.T) {
	grid := []float64{0.3, 0.5, 0.51, 0.9, 1.7, 1.75, 2}
	for k := 2; k <= 4; k++ {
		for degree := range 5 {
			p := float64(degree + 1)
			f := Func{1, func(dst, _ []float64, t float64) { dst[0] = p * math.Pow(t, p-1) }}
			e := solve(t, AdamsBashforth(k), f, []float64{math.Pow(0.3, p)}, grid)[0] - math.Pow(2, p)
			if degree < k {
				assert.InDelta(t, 0, e, 1e-12, "%d steps, degree %d", k, degree) // rounding times weights up to 40²
			} else {
				assert.Greater(t, math.Abs(e), 1e-4)
			}
		}
	}
	assert.Panics(t, func() { AdamsBashforth(5).NewStepper(pendulum(), 1) })
}

// No stage looks past the end of its step, where a field may not be defined.
func TestNode(t *testing.T) {
	x := cloud(500, 2)
	rounded := 0
	for i := 0; i < len(x); i += 2 {
		t0, t1 := x[i], x[i+1]
		require.Equal(t, t1, node(t0, t1, 1))
		if t0+(t1-t0) != t1 {
			rounded++
		}
	}
	assert.Positive(t, rounded)
}

func TestCancelled(t *testing.T) {
	solvers := []func(ctx context.Context, f Field) (Result, error){
		func(ctx context.Context, f Field) (Result, error) {
			return Solve(ctx, f, []float64{1}, uniform(0, 1, 1000), Euler, nil)
		},
		func(ctx context.Context, f Field) (Result, error) {
			return SolveAdaptive(ctx, f, []float64{1}, []float64{0, 1}, Adaptive{MaxStep: 1e-3}, nil)
		},
	}
	for _, solve := range solvers {
		ctx, cancel := context.WithCancel(context.Background())
		calls := 0
		res, err := solve(ctx, Func{1, func(dst, x []float64, _ float64) {
			if calls++; calls == 20 {
				cancel()
			}
			dst[0] = -x[0]
		}})
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, Cancelled, res.Status)
		assert.Less(t, calls, 30) // the step under way ends
		cancel()
	}
}
