package interpolant_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// counted counts the points at which a target is asked for D or its score.
type counted struct {
	density.Target
	n atomic.Int64
}

func (c *counted) Denoise(dst, x []float64, alpha, sigma float64) {
	c.n.Add(int64(len(x) / c.Dim()))
	c.Target.Denoise(dst, x, alpha, sigma)
}

func (c *counted) Score(dst, x []float64, alpha, sigma float64) {
	c.n.Add(int64(len(x) / c.Dim()))
	c.Target.Score(dst, x, alpha, sigma)
}

// Fields are asked for only where a centre counts, and are the sum over all pairs still,
// which PairBridge takes; more points than fit a tile are as one by one.
func TestTargetBridgePassesOver(t *testing.T) {
	path := mustTwoSided(t, "linear", "sqrt", 1)
	const centres = 700
	means := make([]float64, 2*centres)
	for i := range centres {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / centres)
		means[2*i], means[2*i+1] = 5*cos, 5*sin
	}
	a, err := density.NewIsotropicMixture(nil, means, []float64{0.1}, 2)
	require.NoError(t, err)
	b := density.Ring(5, 3, 0.4)
	to := &counted{Target: b}
	m, exact := targetBridge(t, path, means, []float64{0.1}, to), mixtureBridge(t, path, a, b)
	const n = 400 // in three tiles
	for _, c := range []struct{ t, most float64 }{{0, 0.15}, {0.01, 0.3}, {0.5, 1}, {1, 1}} {
		x, _, _, _ := draws(path, a, b, n, c.t)
		u, w := make([]float64, len(x)), make([]float64, len(x))
		to.n.Store(0)
		m.Combine(u, x, c.t, 1, 0.4)
		share := float64(to.n.Load()) / (n * centres)
		t.Logf("t = %g: %.3f of the pairs", c.t, share)
		// At 0 the reach is √(2·60) of 0.1 in a ring of 10π: 0.07 of it. At 0.01 the widths
		// are 0.14 and the target's spread is still nothing.
		assert.LessOrEqual(t, share, c.most)
		exact.Combine(w, x, c.t, 1, 0.4)
		// Logits up to 1e2·60, of which rounding leaves 1e-12.
		assert.InDeltaSlice(t, w, u, 1e-9*(1+ends(w)), "t = %g", c.t)
		for _, r := range []int{0, 200, n - 1} {
			m.Combine(w[:2], x[2*r:2*r+2], c.t, 1, 0.4)
			assert.Equal(t, u[2*r:2*r+2], w[:2])
		}
		exact.JVP(w, x, x, c.t, 1, 0.4)
		m.JVP(u, x, x, c.t, 1, 0.4)
		// The JVP sees a noise of 3e-5 at t = 1: 1e-9 times fourth derivatives of 1/0.4⁴.
		assert.InDeltaSlice(t, w, u, 1e-6*(1+ends(w)), "JVP at t = %g", c.t)
	}
}

// Near an end with γ = √(t(1-t)) the derivatives of b are differences of 1/γ²: with the
// floor under σ what is left is 1e-16/1e-9 by rounding and 1e-9 by the floor, each times
// factors of the order of 10. A floor of 1e-6 leaves 3e-4.
func TestTargetBridgeDerivativesAtTheEnd(t *testing.T) {
	path := mustTwoSided(t, "linear", "sqrt", 1)
	a, b := density.Normal(2, 1), density.Ring(5, 3, 0.4)
	m, exact := targetBridge(t, path, []float64{0, 0}, []float64{1}, b), mixtureBridge(t, path, a, b)
	for _, tm := range []float64{1 - 1e-6, 1 - 1e-9, 1} {
		x, _, _, _ := draws(path, a, b, 50, tm)
		got, want := make([]float64, 50), make([]float64, 50)
		worst := 0.0
		q := -path.At(tm).GDG
		m.Divergence(got, x, tm, 1, q)
		exact.Divergence(want, x, tm, 1, q)
		for i, w := range want {
			worst = max(worst, math.Abs(got[i]-w)/(1+math.Abs(w)))
		}
		t.Logf("t = 1 - %.0e: %.1e", 1-tm, worst)
		assert.Less(t, worst, 2e-6)
	}
}

// The work of the example, for its rate.
func BenchmarkTargetBridgeMoonsToCheckerboard(b *testing.B) {
	from, _ := density.AsMixture(density.Moons(0.1))
	w, x, s, ok := from.Isotropic()
	require.True(b, ok)
	path := mustTwoSided(b, "linear", "sqrt", 1)
	m, err := interpolant.NewTargetBridge(path, w, x, s, density.NewCheckerboard(4, 2))
	require.NoError(b, err)
	run := &interpolant.BridgeSampler{Model: m, Source: from, Solver: interpolant.BridgeNoise(sde.EulerMaruyama{}, interpolant.VanishingEps(1), false), Grid: interpolant.UniformGrid(0, 1, 21)}
	const n = 200
	for b.Loop() {
		_, _, err := run.Draw(context.Background(), n, &ode.Settings{})
		require.NoError(b, err)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "points/s")
}
