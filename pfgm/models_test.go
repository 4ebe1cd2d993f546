package pfgm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score/density"
)

// models returns models of one law and another, in 1 to 3 dimensions.
func models(t *testing.T) map[string]pfgm.Model {
	t.Helper()
	full, err := density.NewMixture([]float64{1, 2}, []float64{-1, 0, 2, 1, 1, -1}, []float64{
		1, 0.3, 0, 0.3, 0.5, 0.1, 0, 0.1, 0.2,
		0.1, 0, 0, 0, 0.3, -0.1, 0, -0.1, 0.4,
	}, 3)
	require.NoError(t, err)
	data := []float64{0, 0, 1, 2, -1, 0.5, 3, 3, 0.2, -2}
	return map[string]pfgm.Model{
		"ring D=1":           pfgm.New(density.Ring(8, 4, 0.3), 1, 0),
		"full D=4":           pfgm.New(full, 4, 0),
		"full D=1e6":         pfgm.New(full, 1e6, 0),
		"checkerboard D=128": pfgm.New(density.NewCheckerboard(4, 2), 128, 0),
		"points D=1":         pfgm.NewPoints(data, 2, 1),
		"points D=64":        pfgm.NewPoints(data, 2, 64),
		"points D=1e6":       pfgm.NewPoints(data, 2, 1e6),
	}
}

func TestDerivatives(t *testing.T) {
	for name, m := range models(t) {
		n := m.Dim()
		for _, c := range []struct{ alpha, sigma float64 }{{1, 0.4}, {0.6, 0.5}, {1, 20}} {
			x := []float64{0.7 * c.alpha, -0.4 + c.sigma, 0.9}[:n]
			v := []float64{0.3, -1.1, 0.5}[:n]
			name := fmt.Sprintf("%s %+v", name, c)

			lp, s := []float64{0}, make([]float64, n)
			m.Score(s, x, c.alpha, c.sigma)
			// Fourth-order differences of step σ/50, good to 1e-7 of the size.
			stencil := fd.Formula{Stencil: []fd.Point{{Loc: -2, Coeff: 1. / 12}, {Loc: -1, Coeff: -2. / 3}, {Loc: 1, Coeff: 2. / 3}, {Loc: 2, Coeff: -1. / 12}}, Derivative: 1, Step: c.sigma / 50}
			grad := fd.Gradient(nil, func(x []float64) float64 { m.LogProb(lp, x, c.alpha, c.sigma); return lp[0] }, x, &fd.Settings{Formula: stencil})
			require.InDeltaSlice(t, grad, s, 2e-5/c.sigma, "score, %s", name)

			jv, want, at := make([]float64, n), make([]float64, n), make([]float64, n)
			m.JVP(jv, x, v, c.alpha, c.sigma)
			y := make([]float64, n)
			for _, p := range stencil.Stencil {
				floats.AddScaledTo(at, x, p.Loc*stencil.Step, v)
				m.Denoise(y, at, c.alpha, c.sigma)
				floats.AddScaled(want, p.Coeff/stencil.Step, y)
			}
			require.InDeltaSlice(t, want, jv, 2e-5/c.sigma, "JVP, %s", name)

			trace, div, e := 0.0, []float64{0}, make([]float64, n)
			for j := range n {
				clear(e)
				e[j] = 1
				m.JVP(jv, x, e, c.alpha, c.sigma)
				trace += jv[j]
			}
			m.Divergence(div, x, c.alpha, c.sigma)
			// The same sums in another order.
			require.InDelta(t, trace, div[0], 1e-11/c.sigma, "divergence, %s", name)
		}
	}
}

// TestPathsDifferByScale holds D(x; α, σ) = D(x/α; 1, σ/α), and α = 0 to the prior.
func TestPathsDifferByScale(t *testing.T) {
	for name, m := range models(t) {
		n := m.Dim()
		x := []float64{0.7, -0.4, 0.9}[:n]
		y, a, b := make([]float64, n), make([]float64, n), make([]float64, n)
		la, lb := []float64{0}, []float64{0}
		floats.ScaleTo(y, 1/0.3, x)
		m.Denoise(a, x, 0.3, 0.9)
		m.Denoise(b, y, 1, 3)
		assert.InDeltaSlice(t, b, a, 1e-9, name) // the tolerance times the spread
		m.LogProb(la, x, 0.3, 0.9)
		m.LogProb(lb, y, 1, 3)
		assert.InDelta(t, lb[0]-float64(n)*math.Log(0.3), la[0], 1e-9, name)

		m.Denoise(a, x, 0, 0.9)
		m.Denoise(b, []float64{50, 3, 1}[:n], 0, 0.9)
		assert.InDeltaSlice(t, a, b, 1e-11, name) // the prior mean, whatever x, but for the rounding of log p
	}
	target := density.Ring(8, 4, 0.3)
	lp, want := []float64{0}, []float64{0}
	pfgm.New(target, 3, 0).LogProb(lp, []float64{2, 1}, 0, 1.5)
	pfgm.Kernel{Sigma: 1.5, D: 3}.LogProb(want, []float64{2, 1}, 2)
	assert.InDelta(t, want[0], lp[0], 1e-10) // the tolerance
}

// TestPointsAgreeWithQuadrature takes the same data by the closed form and by Gaussians.
func TestPointsAgreeWithQuadrature(t *testing.T) {
	data := []float64{0, 0, 1, 2, -1, 0.5, 3, 3, 0.2, -2}
	target, err := density.NewPoints(data, 2)
	require.NoError(t, err)
	for _, d := range everyD {
		a, b := pfgm.NewPoints(data, 2, d), pfgm.New(target, d, 0)
		for _, sigma := range []float64{0.01, 0.5, 80} {
			x := []float64{0.6 + sigma, 1.2, 0.1, -2 - sigma, 40, 3}
			ya, yb, v := make([]float64, 6), make([]float64, 6), []float64{1, 2, -1, 0.3, 0, 1}
			la, lb := make([]float64, 3), make([]float64, 3)
			name := fmt.Sprintf("D=%g σ=%g", d, sigma)
			// Tolerance 1e-10 and, at D = 1e6, the rounding of log p of size 1e6.
			a.LogProb(la, x, 1, sigma)
			b.LogProb(lb, x, 1, sigma)
			for i := range la {
				require.InDelta(t, la[i], lb[i], 1e-9+1e-14*math.Abs(la[i]), name)
			}
			a.Denoise(ya, x, 1, sigma)
			b.Denoise(yb, x, 1, sigma)
			require.InDeltaSlice(t, ya, yb, 1e-8, name)
			a.Score(ya, x, 1, sigma)
			b.Score(yb, x, 1, sigma)
			require.Less(t, floats.Distance(ya, yb, 2), 1e-8*max(floats.Norm(ya, 2), 1/sigma), name)
			a.JVP(ya, x, v, 1, sigma)
			b.JVP(yb, x, v, 1, sigma)
			require.Less(t, floats.Distance(ya, yb, 2), 1e-8*max(floats.Norm(ya, 2), 1/sigma), name)
			a.Divergence(la, x, 1, sigma)
			b.Divergence(lb, x, 1, sigma)
			require.Less(t, floats.Distance(la, lb, 2), 1e-8*max(floats.Norm(la, 2), 1/sigma), name)
		}
	}
}

func TestEachPointByItself(t *testing.T) {
	for name, m := range models(t) {
		n := m.Dim()
		x, y, one := make([]float64, 5*n), make([]float64, 5*n), make([]float64, n)
		for i := range x {
			x[i] = math.Sin(float64(3 * i))
		}
		m.Denoise(y, x, 1, 0.5)
		for i := range 5 {
			m.Denoise(one, x[i*n:(i+1)*n], 1, 0.5)
			assert.Equal(t, y[i*n:(i+1)*n], one, name)
		}
		x[n] = math.NaN()
		m.Denoise(y, x, 1, 0.5)
		assert.True(t, math.IsNaN(y[n]), name)
		x[n] = math.Inf(1) // ends, whatever it gives
		m.Denoise(y, x, 1, 0.5)
		m.Denoise(one, x[2*n:3*n], 1, 0.5)
		assert.Equal(t, one, y[2*n:3*n], name)
	}
}

func TestModelsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, m := range models(t) {
		n := m.Dim()
		x, y, v, lp := make([]float64, 2*n), make([]float64, 2*n), make([]float64, 2*n), make([]float64, 2)
		calls := func() {
			m.Denoise(y, x, 1, 0.5)
			m.Score(y, x, 1, 0.5)
			m.JVP(y, x, v, 1, 0.5)
			m.LogProb(lp, x, 1, 0.5)
			m.Divergence(lp, x, 1, 0.5)
		}
		assert.Zero(t, testing.AllocsPerRun(50, calls), name)
	}
}

func TestMisusePanics(t *testing.T) {
	target := density.Normal(2, 1)
	assert.Panics(t, func() { pfgm.New(target, 0, 0) })
	assert.Panics(t, func() { pfgm.New(target, math.Inf(1), 0) })
	assert.Panics(t, func() { pfgm.New(target, 1, 0.5) })
	assert.Panics(t, func() { pfgm.NewPoints([]float64{1, 2, 3}, 2, 1) })
	assert.Panics(t, func() { pfgm.New(target, 1, 0).Denoise(make([]float64, 2), make([]float64, 4), 1, 1) })
	assert.Contains(t, pfgm.New(target, 128, 0).Deterministic(), "D = 128")
}
