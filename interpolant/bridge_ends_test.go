package interpolant_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
)

// lawAt returns the law of x_t between two independent mixtures, in closed form.
func lawAt(t testing.TB, p interpolant.TwoSided, a, b *density.Mixture, tm float64) *density.Mixture {
	c, d := p.At(tm), a.Dim()
	w0, m0, c0 := a.Components()
	w1, m1, c1 := b.Components()
	var w, m, cov []float64
	for i, u := range w0 {
		for j, v := range w1 {
			w = append(w, u*v)
			for k := range d {
				m = append(m, c.Alpha*m0[i*d+k]+c.Beta*m1[j*d+k])
			}
			for k := range d * d {
				e := c.Alpha*c.Alpha*c0[i*d*d+k] + c.Beta*c.Beta*c1[j*d*d+k]
				if k%d == k/d {
					e += c.Gamma * c.Gamma
				}
				cov = append(cov, e)
			}
		}
	}
	law, err := density.NewMixture(w, m, cov, d)
	require.NoError(t, err)
	return law
}

// With the law of the other end the first step is a draw of x_t, whatever its length.
func TestBridgeLeavesExactly(t *testing.T) {
	ctx := context.Background()
	a, b := density.Normal(2, 0.5), density.Ring(3, 1, 0.3)
	stay := func(context.Context, *interpolant.BridgeSampler, []float64, *ode.Settings) (ode.Result, error) {
		return ode.Result{}, nil
	}
	for _, gamma := range []string{"sqrt", "none"} {
		path := mustTwoSided(t, "linear", gamma, 1)
		s := &interpolant.BridgeSampler{Model: mixtureBridge(t, path, a, b), Source: a, Target: b, Solver: stay, Grid: []float64{0.3, 1}, Seed: 4}
		x, res, err := s.Draw(ctx, 2000, nil)
		require.NoError(t, err)
		assert.Zero(t, res.MaxNFE)
		checkLaw(t, x, lawAt(t, path, a, b, 0.3), gamma+" forward")
		s.Source, s.Target, s.Grid = b, a, []float64{0.8, 0}
		x, _, err = s.Draw(ctx, 2000, nil)
		require.NoError(t, err)
		checkLaw(t, x, lawAt(t, path, a, b, 0.8), gamma+" backward")
		part, _, err := s.Draw(ctx, 20, &ode.Settings{Workers: 3, First: 1500})
		require.NoError(t, err)
		assert.Equal(t, x[3000:3040], part)
	}
	// From points without noise: what parts the samples of a point is the target's draw alone.
	path := mustTwoSided(t, "linear", "none", 1)
	points := normals(2*4, 31)
	from, err := density.NewPoints(points, 2)
	require.NoError(t, err)
	ring := density.Ring(8, 4, 0.3)
	s := &interpolant.BridgeSampler{
		Model: targetBridge(t, path, points, []float64{0}, ring), Source: from, Target: ring,
		Solver: interpolant.BridgeODE(ode.Heun), Grid: interpolant.UniformGrid(1e-3, 1, 101), Seed: 4,
	}
	const n = 2000
	x, _, err := s.Draw(ctx, n, nil)
	require.NoError(t, err)
	seen := map[float64]bool{}
	for i := range n {
		seen[x[2*i]] = true
	}
	assert.Len(t, seen, n)
	checkLaw(t, x, ring, "points, no noise")
	assert.Panics(t, func() { s.Target = density.Normal(3, 1); _, _, _ = s.Draw(ctx, 1, nil) })
}

// The coefficients whose derivative is infinite at an end, and no others.
func TestTwoSidedSpan(t *testing.T) {
	eachInterpolant(t, func(t *testing.T, kind, _ string, p interpolant.TwoSided) {
		want := []float64{0, 1, 0, 1}
		if kind == "sbdm" {
			want = []float64{0, 1 - 1e-4, 1e-4, 1}
		}
		t0, t1 := p.Span()
		r0, r1 := p.Reverse().Span()
		assert.Equal(t, want, []float64{t0, t1, r0, r1})
	})
	// Where a coefficient does not vanish, no mean of zero makes its infinite rate harmless.
	p := mustTwoSided(t, "linear", "none", 0)
	p.Alpha = interpolant.Plain(func(t float64) (float64, float64) { return 1 - math.Sqrt(t), -0.5 / math.Sqrt(t) })
	t0, t1 := mixtureBridge(t, p, density.Normal(2, 1), density.Normal(2, 1)).Span()
	assert.Equal(t, []float64{1e-4, 1}, []float64{t0, t1})
}

// Under sbdm x = √(1-t²) x₀ + t x₁: at t = 1, x₁ = x, E[x₀ | x] → E x₀ - √(1-t²) Cov(x₀) s, and
// so b → x + Cov(x₀) s(x) if E x₀ = 0, and is infinite otherwise.
func TestBridgeInfiniteRate(t *testing.T) {
	ctx := context.Background()
	path := mustTwoSided(t, "sbdm", "", 0)
	b := paperMixture(t, 3, 2, 2, 10)
	iso := func(means ...float64) *density.Mixture {
		m, err := density.NewIsotropicMixture([]float64{1, 2}, means, []float64{0.3, 0.3}, 2)
		require.NoError(t, err)
		return m
	}
	x := density.Sample(b, 8, 1, 0, 1)
	u, s, cov := make([]float64, 16), make([]float64, 16), make([]float64, 4)
	for _, a := range []*density.Mixture{iso(2, -1, -1, 0.5), iso(2, 0, 1, 1)} {
		mean := make([]float64, 2)
		a.Mean(mean)
		a.Cov(cov)
		zero := mean[0] == 0 // and the other
		w, means, stds, _ := a.Isotropic()
		tb, err := interpolant.NewTargetBridge(path, w, means, stds, b)
		require.NoError(t, err)
		back, err := interpolant.NewTargetBridge(path, []float64{1}, []float64{0, 0}, []float64{1}, b)
		require.NoError(t, err)
		_, whole := back.Span()
		assert.Equal(t, 1.0, whole)
		for name, m := range map[string]interpolant.BridgeDensity{"pairs": mixtureBridge(t, path, a, b), "target": tb} {
			end := 1 - 1e-4
			if zero {
				end = 1
			}
			t0, t1 := m.(interface{ Span() (t0, t1 float64) }).Span()
			assert.Equal(t, []float64{0, end}, []float64{t0, t1}, name)
			interpolant.Score(m, s, x, 1)
			b.Score(u, x, 1, 1e-6)
			// The score's own change by √(1-t²) = 1e-6 times derivatives below 10.
			assert.InDeltaSlice(t, u, s, 1e-4, name)
			interpolant.Velocity(m, u, x, 1)
			for i := range u {
				if !zero {
					assert.True(t, math.IsNaN(u[i]), name)
					continue
				}
				lim := x[i] + cov[i%2*2]*s[i/2*2] + cov[i%2*2+1]*s[i/2*2+1]
				// Third moments of x₀ times 1e-6; and 1e-11 of rounding in the logits times 1e6.
				assert.InDelta(t, lim, u[i], 2e-4, name)
			}
			interpolant.Denoise(m, u, x, 1)
			assert.Equal(t, x, u, name)
			interpolant.DenoiseStart(m, u, x, 1)
			for i := range u {
				assert.InDelta(t, mean[i%2], u[i], 1e-4, name) // √(1-t²) Cov s
			}

			run := &interpolant.BridgeSampler{Model: m, Source: a, Target: b, Solver: interpolant.BridgeODE(ode.RK4), Grid: interpolant.UniformGrid(0, 1, 101), Seed: 3}
			if !zero {
				_, _, err = run.Draw(ctx, 4, nil)
				require.ErrorContains(t, err, "keep it within [0, 0.9999]")
				run.Grid = reversed(run.Grid)
				_, _, err = run.Draw(ctx, 4, nil)
				require.ErrorContains(t, err, "keep it within [0, 0.9999]")
			}
			// α falls as √(1-t): times in which it is even.
			grid := make([]float64, 101)
			for i := range grid {
				grid[i] = end * math.Sin(math.Pi/2*float64(i)/100)
			}
			run.Grid = grid
			y, _, err := run.Draw(ctx, 1000, nil)
			require.NoError(t, err)
			checkLaw(t, y, b, name+" forward")
			run.Grid, run.Source, run.Target = reversed(grid), b, a
			y, _, err = run.Draw(ctx, 1000, nil)
			require.NoError(t, err)
			checkLaw(t, y, a, name+" backward")
		}
	}
}

// Points at one end and full covariances at the other: no NaN from the axes of a zero
// covariance, and the fields of TargetBridge.
func TestMixtureBridgeFromPoints(t *testing.T) {
	path := mustTwoSided(t, "linear", "sqrt", 1)
	points := normals(2*4, 31)
	cloud, err := density.NewPoints(points, 2)
	require.NoError(t, err)
	p, ok := density.AsMixture(cloud)
	require.True(t, ok)
	b := paperMixture(t, 3, 2, 3, 20)
	to, from := mixtureBridge(t, path, p, b), mixtureBridge(t, path, b, p)
	want := targetBridge(t, path, points, []float64{0}, b)
	for _, tm := range []float64{0, 0.01, 0.4, 1} {
		x, _, _, _ := draws(path, p, b, 8, tm)
		q := 0.3
		if tm == 0 {
			q = 0 // the score is infinite
		}
		u, v, w := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
		want.Combine(w, x, tm, 1, q)
		to.Combine(u, x, tm, 1, q)
		from.Combine(v, x, 1-tm, -1, q)
		// TargetBridge sees a noise of 1e-6 at t = 1, and rounding/σ² at 0.01.
		assert.InDeltaSlice(t, w, u, 1e-8*(1+ends(w)), "t = %g", tm)
		assert.InDeltaSlice(t, w, v, 1e-8*(1+ends(w)), "reversed at t = %g", 1-tm)
	}
	x, _, _, _ := draws(path, p, b, 8, 0.4)
	checkIdentities(t, to, x, 0.4)
	checkIdentities(t, from, x, 0.6)
}
