package ode

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/testprob"
)

var methods = []Method{
	Euler, Midpoint, Heun, Ralston, Kutta3, RK4,
	BogackiShampine32, DormandPrince54, Tsitouras54, DormandPrince853,
	AdamsBashforth(2), AdamsBashforth(3), AdamsBashforth(4),
}

// mixture is the probability flow dx/dl = x - D(x, σ), l = log σ, of the variance-exploding
// path of the target 0.3 N(-1.5, 0.25) + 0.7 N(1, 0.25).
func mixture(dst, x []float64, l float64) {
	σ := math.Exp(l)
	v := 0.25 + σ*σ
	for i, x := range x {
		w := 1 / (1 + 3./7*math.Exp(((x-1)*(x-1)-(x+1.5)*(x+1.5))/(2*v))) // of the mode at 1
		mean := w - 1.5*(1-w)
		dst[i] = σ * σ / v * (x - mean) // D = (0.25 x + σ² mean)/v
	}
}

type problem struct {
	name     string
	f        Func
	t0, t1   float64
	x0, x1   []float64
	maxSteps int
}

// problems are pieces of known problems with the solution at their ends.
func problems(t *testing.T) []problem {
	a, p := testprob.Arenstorf(), testprob.Pendulum(1)
	ps := []problem{
		// A piece of the orbit away from the moon, where equal steps are affordable.
		{name: "arenstorf", f: Func{a.Dim, a.F}, t0: 0.25 * a.T1, t1: 0.4 * a.T1, maxSteps: 3000},
		{name: "pendulum", f: Func{p.Dim, p.F}, t0: 0, t1: 4, x0: p.X0, x1: make([]float64, 2), maxSteps: 1500},
		{name: "mixture", f: Func{1, mixture}, t0: math.Log(80), t1: math.Log(0.002), x0: []float64{-0.9, 20}, maxSteps: 1500},
	}
	ps[0].x0 = reference(t, ps[0].f, a.X0, 0, ps[0].t0)
	ps[0].x1 = reference(t, ps[0].f, ps[0].x0, ps[0].t0, ps[0].t1)
	// Jacobi's integral: rounding and the tolerance 1e-14, enlarged near the moon.
	assert.InDelta(t, a.Invariant(a.X0), a.Invariant(ps[0].x0), 1e-11)
	assert.InDelta(t, a.Invariant(ps[0].x0), a.Invariant(ps[0].x1), 1e-13)
	p.Exact(ps[1].x1, 4)
	ps[2].x1 = reference(t, ps[2].f, ps[2].x0, ps[2].t0, ps[2].t1)
	return ps
}

func reference(t *testing.T, f Field, x0 []float64, t0, t1 float64) []float64 {
	x := append([]float64{}, x0...)
	_, err := SolveAdaptive(context.Background(), f, x, []float64{t0, t1}, Adaptive{Tableau: DormandPrince853, RTol: 1e-14, ATol: 1e-15}, nil)
	require.NoError(t, err)
	return x
}

func uniform(t0, t1 float64, n int) []float64 {
	g := make([]float64, n+1)
	for i := range g {
		g[i] = t0 + (t1-t0)*float64(i)/float64(n)
	}
	g[n] = t1
	return g
}

// uneven is a grid whose steps grow along it and alternate in the ratio 1 to 2.
func uneven(t0, t1 float64, n int) []float64 {
	g := make([]float64, n+1)
	for i := range g {
		s := float64(i)
		if i%2 == 1 && i < n {
			s -= 1. / 3
		}
		s /= float64(n)
		g[i] = t0 + (t1-t0)*(s+s*s)/2
	}
	g[n] = t1
	return g
}

func solve(t *testing.T, m Method, f Field, x0, grid []float64) []float64 {
	x := append([]float64{}, x0...)
	_, err := Solve(context.Background(), f, x, grid, m, nil)
	require.NoError(t, err, m.Name())
	return x
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}

// measure returns the slope over the finest six of the numbers of steps, 15% apart,
// whose error is above rounding: Tsitouras's method, whose leading error is small
// against the next, shows its order only there.
func measure(t *testing.T, p problem, m Method, grid func(t0, t1 float64, n int) []float64) (slope float64, points int) {
	var h, errs []float64
	for n := 6.0; n < float64(p.maxSteps); n = math.Ceil(n * 1.15) {
		e := distance(p.x1, solve(t, m, p.f, p.x0, grid(p.t0, p.t1, int(n))))
		if e < 1e-13 { // the rounding of a few hundred steps of 1e-16 each, with room
			break
		}
		h, errs = append(h, 1/n), append(errs, e)
	}
	from := max(0, len(h)-6)
	return testprob.Order(h[from:], errs[from:], 0, 1)
}

func TestOrders(t *testing.T) {
	for _, p := range problems(t) {
		for _, m := range methods {
			grids := map[string]func(float64, float64, int) []float64{"uniform": uniform}
			if _, ok := m.(AdamsBashforth); ok {
				grids["uneven"] = uneven
			}
			for name, g := range grids {
				slope, n := measure(t, p, m, g)
				t.Logf("%-10s %-9s %-8s order %d measured %.3f (%d sizes)", p.name, m.Name(), name, m.Order(), slope, n)
				assert.GreaterOrEqual(t, n, 5)
				assert.InDelta(t, m.Order(), slope, 0.2, "%s %s %s", p.name, m.Name(), name)
			}
		}
	}
}
