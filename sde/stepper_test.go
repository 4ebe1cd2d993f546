package sde_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

var noises = []sde.NoiseSource{sde.Independent{Seed: 5}, sde.Tree{Seed: 5}}

// A stepper under test: every method, diagonal methods also on diagonal noise.
type stepperCase struct {
	name string
	new  func(noise sde.NoiseSource, rows int) ode.Stepper
}

func steppers() []stepperCase {
	var cs []stepperCase
	for _, m := range additiveMethods {
		cs = append(cs, stepperCase{m.Name(), func(noise sde.NoiseSource, rows int) ode.Stepper {
			return m.NewStepper(swirl, noise, rows)
		}})
	}
	for _, m := range diagonalMethods {
		for _, p := range []sde.DiagonalProcess{curved{}, noDeriv{curved{}}} {
			cs = append(cs, stepperCase{fmt.Sprintf("%s %T", m.Name(), p), func(noise sde.NoiseSource, rows int) ode.Stepper {
				return m.NewDiagonalStepper(p, noise, rows)
			}})
		}
	}
	return cs
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, c := range steppers() {
		for _, noise := range noises {
			s := c.new(noise, 8)
			x := fill(8, 0.1, 0.2)
			allocs := testing.AllocsPerRun(20, func() {
				s.Begin(3, 8)
				s.Step(x, 0.1, 0.1001)
				s.Step(x, 0.1001, 0.1)
			})
			assert.Zero(t, allocs, "%s with %T", c.name, noise)
		}
	}
}

// No setting changes a bit, and a run in shards is the whole run.
func TestSettingsChangeNothing(t *testing.T) {
	const n = 23
	grid := uniform(0, 1, 7)
	for _, c := range steppers() {
		for _, noise := range noises {
			run := func(s ode.Settings, n int) []float64 {
				x := fill(n, 0.5, -0.3)
				_, err := ode.March(context.Background(), x, 2, grid, func(rows int) ode.Stepper { return c.new(noise, rows) }, &s)
				require.NoError(t, err)
				return x
			}
			want := run(ode.Settings{Workers: 1, Rows: n}, n)
			for _, s := range []ode.Settings{{Workers: 2}, {Workers: 7, Rows: 1}, {Workers: 1, Rows: 5}, {Workers: 2, Rows: 64}} {
				assert.Equal(t, want, run(s, n), "%s with %T, %+v", c.name, noise, s)
			}
			assert.Equal(t, want[2*9:], run(ode.Settings{First: 9, Rows: 4}, n-9), "%s with %T, shard", c.name, noise)
		}
	}
}

func TestNFE(t *testing.T) {
	want := map[string]int{
		"em": 1, "heun-sde": 2, "milstein": 1,
		"sra1": 2, "sra2": 2, "sra3": 3, "sriw1": 2, "srid2": 3,
	}
	var calls atomic.Int64
	counted := swirl
	counted.F = func(dst, x []float64, t float64) {
		calls.Add(int64(len(x) / 2))
		swirl.F(dst, x, t)
	}
	const n, steps = 10, 5
	for _, m := range additiveMethods {
		calls.Store(0)
		res := solve(t, counted, fill(n, 0.5, -0.3), uniform(0, 1, steps), m, nil, &ode.Settings{Rows: 4})
		assert.Equal(t, calls.Load(), res.Evals, m.Name())
		assert.Equal(t, want[m.Name()]*steps, res.MaxNFE, m.Name())
		assert.Equal(t, n, res.Points)
	}
}

// Without noise each method is its deterministic method, to the rounding of a few
// sums of size 1 a step.
func TestNoNoise(t *testing.T) {
	ralston := &ode.Tableau{
		A: [][]float64{{}, {3. / 4}}, C: []float64{0, 3. / 4}, B: []float64{1. / 3, 2. / 3},
	}
	ssprk3 := &ode.Tableau{
		A: [][]float64{{}, {1}, {1. / 4, 1. / 4}}, C: []float64{0, 1, 1. / 2}, B: []float64{1. / 6, 1. / 6, 2. / 3},
	}
	twin := map[string]*ode.Tableau{
		"em": ode.Euler, "heun-sde": ode.Heun, "milstein": ode.Euler,
		"sra1": ralston, "sra2": ralston, "sra3": ssprk3, "sriw1": ralston, "srid2": ssprk3,
	}
	still := swirl
	still.G = func(float64) float64 { return 0 }
	grid := uniform(1, 0, 10)
	for _, m := range additiveMethods {
		want := fill(1, 0.5, -0.3)
		_, err := ode.Solve(context.Background(), ode.Func{D: 2, F: swirl.F}, want, grid, twin[m.Name()], nil)
		require.NoError(t, err)
		got := fill(1, 0.5, -0.3)
		solve(t, still, got, grid, m, panicNoise{m}, nil)
		assert.InDeltaSlice(t, want, got, 1e-14, m.Name())
	}
}

// panicNoise panics at any query of a method that knows g = 0. Diagonal methods
// cannot know it; they are given a path all the same.
type panicNoise struct{ m sde.Method }

func (p panicNoise) NewNoise(dim, rows int) sde.Noise {
	if _, ok := p.m.(sde.DiagonalMethod); ok {
		return sde.Independent{}.NewNoise(dim, rows)
	}
	return p
}
func (panicNoise) Begin(first, rows int)                          {}
func (panicNoise) Increment(dw []float64, t0, t1 float64)         { panic("asked for dW") }
func (panicNoise) IncrementArea(dw, dz []float64, t0, t1 float64) { panic("asked for I10") }

// A step without noise draws nothing, but the steps after it keep their addresses.
func TestAddressesAfterSilence(t *testing.T) {
	p := sde.Func{D: 1, F: func(dst, x []float64, t float64) { clear(dst) }}
	for _, m := range additiveMethods {
		end := func(silent float64) float64 {
			p.G = func(t float64) float64 {
				if t < 2 {
					return silent
				}
				return 1
			}
			s := m.NewStepper(p, sde.Independent{Seed: 1}, 1)
			s.Begin(0, 1)
			s.Step(make([]float64, 1), 0, 1)
			x := make([]float64, 1)
			s.Step(x, 2, 3)
			return x[0]
		}
		assert.Equal(t, end(1), end(0), m.Name())
	}
}

// One step of the classical methods by hand: orders do not tell where g is taken.
func TestOneStep(t *testing.T) {
	p := sde.Func{
		D: 1,
		F: func(dst, x []float64, t float64) { dst[0] = t * x[0] * x[0] },
		G: func(t float64) float64 { return 1 + t },
	}
	const t0, t1, x0 = 2., 2.25, 3.
	const h, dw = t1 - t0, 0.5 * 1.5 // √h z with z = 1.5
	z := prescribed{z1: []float64{1.5}, z2: []float64{0}}
	f := func(x, t float64) float64 { return t * x * x }
	euler := x0 + h*f(x0, t0) + 3*dw
	for m, want := range map[sde.Method]float64{
		sde.EulerMaruyama{}: euler,
		sde.Milstein{}:      euler,
		sde.Heun{}:          x0 + h/2*(f(x0, t0)+f(euler, t1)) + (3+3.25)/2*dw,
	} {
		s := m.NewStepper(p, z, 1)
		s.Begin(0, 1)
		x := []float64{x0}
		s.Step(x, t0, t1)
		assert.InDelta(t, want, x[0], 1e-12, m.Name()) // rounding at size 100
	}

	dst := []float64{1}
	sde.Diagonal(p).(sde.DiagonalDeriver).DiffusionDeriv(dst, []float64{x0}, t0)
	assert.Zero(t, dst[0])
}

// g ends where the step ends, and is not asked beyond.
func TestEndTimeExact(t *testing.T) {
	t0, t1 := -1.95, 1.75
	require.Greater(t, t0+(t1-t0), t1, "the naive form must overshoot here")
	p := swirl
	asked := func(s float64) {
		if s < t0 || s > t1 {
			t.Errorf("asked at %v", s)
		}
	}
	p.F = func(dst, x []float64, s float64) { asked(s); swirl.F(dst, x, s) }
	p.G = func(s float64) float64 { asked(s); return math.Sqrt(t1 - s) }
	for _, m := range additiveMethods {
		solve(t, p, fill(1, 0.5, -0.3), []float64{t0, t1}, m, nil, nil)
	}
}

func TestSolveErrors(t *testing.T) {
	ctx := context.Background()
	m := sde.EulerMaruyama{}
	panics(t, func() { _, _ = sde.Solve(ctx, nil, nil, []float64{0, 1}, m, nil, nil) })
	panics(t, func() { _, _ = sde.SolveDiagonal(ctx, gbm{}, nil, []float64{0, 1}, nil, nil, nil) })

	_, err := sde.Solve(ctx, swirl, make([]float64, 2), []float64{0, 0}, m, nil, nil)
	assert.Error(t, err)

	cause := errors.New("model file is empty")
	p := failing{swirl, cause}
	_, err = sde.Solve(ctx, p, make([]float64, 2), []float64{0, 1}, m, nil, nil)
	assert.ErrorIs(t, err, cause)
	_, err = sde.SolveDiagonal(ctx, sde.Diagonal(p), make([]float64, 2), []float64{0, 1}, sde.SRIW1, nil, nil)
	assert.ErrorIs(t, err, cause)

	ctx, cancel := context.WithCancel(ctx)
	cancel()
	res, err := sde.Solve(ctx, swirl, make([]float64, 2), []float64{0, 1}, m, nil, nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, ode.Cancelled, res.Status)
}

// failing is a model that has failed.
type failing struct {
	sde.Process
	err error
}

func (failing) Drift(dst, x []float64, t float64) {
	for i := range dst {
		dst[i] = math.NaN()
	}
}
func (f failing) Err() error { return f.err }
