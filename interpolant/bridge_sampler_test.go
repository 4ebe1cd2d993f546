package interpolant_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func reversed(g []float64) []float64 {
	r := make([]float64, len(g))
	for i, v := range g {
		r[len(g)-1-i] = v
	}
	return r
}

// checkLaw compares a sample with the exact law: sliced W2 against its own noise floor and
// the moments against their standard errors. Of some twenty comparisons in this file each
// has a chance below 1e-3 at 4 standard deviations, and the seeds are fixed.
func checkLaw(t *testing.T, x []float64, law density.Target, what string) {
	t.Helper()
	d := law.Dim()
	n := len(x) / d
	sliced := metric.Metric{Name: "sliced", Compute: metric.SlicedW2}
	floor, err := metric.Floor([]metric.Metric{sliced}, func(dst []float64, i uint64) {
		copy(dst, density.Sample(law, n, 3, 10+i, 1))
	}, n, d, 12, metric.Options{})
	require.NoError(t, err)
	v, err := metric.SlicedW2(x, density.Sample(law, n, 3, 9, 1), d, metric.Options{})
	require.NoError(t, err)
	z := floor[0].Z(v.Value)
	t.Logf("%s: sliced W2 %.4f, floor %.4f ± %.4f", what, v.Value, floor[0].Mean, floor[0].SD)
	assert.Less(t, z, 4.0, what)
	mom, err := metric.MomentsOf(x, d, metric.Options{})
	require.NoError(t, err)
	mean, cov := make([]float64, d), make([]float64, d*d)
	law.(density.Momenter).Mean(mean)
	law.(density.Momenter).Cov(cov)
	zm, zc := mom.MaxZ(mean, cov)
	assert.Less(t, max(zm, zc), 4.0, what)
}

// Flow and stochastic equations carry one mixture to the other and back. Steps are such
// that the methods' own error is below the floor: halving them moves nothing visible.
func TestBridgeSamplesMixtures(t *testing.T) {
	ctx := context.Background()
	a, b := paperMixture(t, 3, 2, 3, 10), paperMixture(t, 5, 2, 7.5, 20)
	grid := interpolant.UniformGrid(0, 1, 101)
	for i, path := range []interpolant.TwoSided{mustTwoSided(t, "linear", "sqrt", 1), mustTwoSided(t, "trig", "bump", 1)} {
		m := mixtureBridge(t, path, a, b)
		for name, solver := range map[string]interpolant.BridgeSolver{
			"dopri5":         interpolant.BridgeAdaptiveODE(ode.Adaptive{RTol: 1e-4}),
			"rk4":            interpolant.BridgeODE(ode.RK4),
			"eps 0.1":        interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(0.1), false),
			"eps 1":          interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(1), true),
			"eps 10":         interpolant.BridgeNoise(sde.SRA1, interpolant.ConstantEps(10), false),
			"eps vanishing":  interpolant.BridgeNoise(sde.Heun{}, interpolant.VanishingEps(3), false),
			"eps gamma":      interpolant.BridgeNoise(sde.Heun{}, interpolant.GammaEps(3, path), false),
			"adaptive noise": interpolant.BridgeAdaptiveNoise(sde.Adaptive{}, interpolant.ConstantEps(0.5)),
		} {
			if (testing.Short() || i > 0) && name != "dopri5" && name != "eps 1" {
				continue
			}
			s := &interpolant.BridgeSampler{Model: m, Source: a, Solver: solver, Grid: grid, Seed: 5}
			const n = 1000
			x, res, err := s.Draw(ctx, n, nil)
			require.NoError(t, err)
			assert.Equal(t, n, res.Points)
			checkLaw(t, x, b, name+" forward")
			s.Source, s.Grid = b, reversed(grid)
			x, _, err = s.Draw(ctx, n, nil)
			require.NoError(t, err)
			checkLaw(t, x, a, name+" backward")
		}
	}
}

// In d = 128 the law is that of the modes' weights and, of each point in its mode's own
// axes, of squared lengths: χ² of d degrees of freedom.
func TestBridgeSamplesHighDimension(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	const d, n = 128, 120
	b := paperMixture(t, 5, d, 7.5, 20)
	m := mixtureBridge(t, mustTwoSided(t, "linear", "sqrt", 1), density.Normal(d, 1), b)
	weights, means, covs := b.Components()
	_, _, radius := b.Modes()
	for name, solver := range map[string]interpolant.BridgeSolver{
		"flow": interpolant.BridgeODE(ode.Heun), "eps 0.1": interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(0.1), false),
		"eps 1": interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(1), false), "eps 10": interpolant.BridgeNoise(sde.SRA1, interpolant.ConstantEps(10), false),
	} {
		// The modes part near t = 0, where b changes within 1/|means|: steps short there and,
		// for ε/λ_min = 10 against the noise, below 0.1 at the end.
		grid := make([]float64, 41)
		for i := range grid {
			u := float64(i) / 40
			grid[i] = 0.2*u + 0.8*u*u
		}
		s := &interpolant.BridgeSampler{Model: m, Source: density.Normal(d, 1), Solver: solver, Grid: grid, Seed: 8}
		x, _, err := s.Draw(context.Background(), n, nil)
		require.NoError(t, err)
		modes, err := metric.CountModes(x, d, weights, means, radius, metric.Options{})
		require.NoError(t, err)
		for k, w := range modes.Weights {
			assert.InDelta(t, weights[k], w, 4*modes.StdErr[k], "%s: weight of mode %d", name, k)
		}
		var chols []*mat.Cholesky
		for k := range weights {
			var c mat.Cholesky
			require.True(t, c.Factorize(mat.NewSymDense(d, covs[k*d*d:(k+1)*d*d])))
			chols = append(chols, &c)
		}
		mean := 0.0
		for i := range n {
			least := math.Inf(1)
			r := mat.NewVecDense(d, nil)
			for k := range weights {
				r.SubVec(mat.NewVecDense(d, x[i*d:(i+1)*d]), mat.NewVecDense(d, means[k*d:(k+1)*d]))
				var y mat.VecDense
				require.NoError(t, chols[k].SolveVecTo(&y, r))
				least = min(least, mat.Dot(r, &y))
			}
			mean += least / n
		}
		t.Logf("%s: mean squared length %.2f ± %.2f, weights %v", name, mean, math.Sqrt(2*d/float64(n)), modes.Weights)
		// Four standard deviations of the mean of n χ², plus 1% for the step.
		assert.InDelta(t, d, mean, 4*math.Sqrt(2*d/float64(n))+0.01*d, name)
	}
}

// From a point, where only the stochastic equation with ε = a is regular (Föllmer's
// process); from points to points between 1e-4 and 1 - 1e-4, ending on the points; and
// the mirror interpolant, which keeps a law.
func TestBridgeSamplesOthers(t *testing.T) {
	ctx := context.Background()
	const n = 1000
	b := paperMixture(t, 4, 2, 3, 80)
	point := []float64{1, -1}
	m := targetBridge(t, mustTwoSided(t, "diffusive", "", 2), point, []float64{0}, b)
	start := make([]float64, 2*n)
	for i := range start {
		start[i] = point[i%2]
	}
	s := &interpolant.BridgeSampler{Model: m, Solver: interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(2), false), Grid: interpolant.UniformGrid(0, 1, 201)}
	x, _, err := s.DrawFrom(ctx, start, nil)
	require.NoError(t, err)
	assert.Equal(t, point, start[:2])
	checkLaw(t, x, b, "Föllmer")

	ring := mixtureBridge(t, mustTwoSided(t, "mirror", "sqrt", 1), b, b)
	s = &interpolant.BridgeSampler{Model: ring, Source: b, Solver: interpolant.BridgeODE(ode.RK4), Grid: interpolant.UniformGrid(1e-4, 1-1e-4, 101), Seed: 2}
	x, res, err := s.Draw(ctx, n, nil)
	require.NoError(t, err)
	checkLaw(t, x, b, "mirror")
	assert.Equal(t, 4*100+2, res.MaxNFE) // with the first and the last step

	p0, err := density.NewPoints(normals(2*10, 31), 2)
	require.NoError(t, err)
	to := normals(2*8, 32)
	p1, err := density.NewPoints(to, 2)
	require.NoError(t, err)
	path := mustTwoSided(t, "linear", "sqrt", 1)
	pp := targetBridge(t, path, normals(2*10, 31), []float64{0}, p1)
	for name, solver := range map[string]interpolant.BridgeSolver{
		"flow": interpolant.BridgeODE(ode.Heun), "noise": interpolant.BridgeNoise(sde.Heun{}, interpolant.GammaEps(2, path), false),
	} {
		grid := make([]float64, 121)
		for i := range grid { // cubic at both ends, for √t
			u := float64(i) / 120
			grid[i] = 1e-4 + (1-2e-4)*u*u*u*(10-15*u+6*u*u)
		}
		s = &interpolant.BridgeSampler{Model: pp, Source: p0, Solver: solver, Grid: grid, Seed: 2}
		x, _, err = s.Draw(ctx, n, nil)
		require.NoError(t, err)
		counts := make([]float64, 8)
		for i := range n {
			for k := range counts {
				// The last denoising leaves what the noise of 1e-2 at t = 1 - 1e-4 leaves of doubt.
				if math.Hypot(x[2*i]-to[2*k], x[2*i+1]-to[2*k+1]) < 0.01 {
					counts[k]++
				}
			}
		}
		for _, c := range counts { // binomial, 4.5 standard deviations for 16 counts
			assert.InDelta(t, n/8, c, 4.5*math.Sqrt(n*7./64), "%s: %v", name, counts)
		}
		back := *s
		back.Source, back.Grid = p1, reversed(grid)
		_, _, err = back.Draw(ctx, 16, nil)
		require.NoError(t, err)
	}
}

// A sample does not depend on the number of workers, of rows in a group, or of samples,
// and the flow runs back to where it came from.
func TestBridgeSamplerAddresses(t *testing.T) {
	ctx := context.Background()
	f := fixtures(t)[0]
	s := &interpolant.BridgeSampler{
		Model: f.m, Source: f.a, Solver: interpolant.BridgeNoise(sde.Heun{}, interpolant.VanishingEps(1), false),
		Grid: interpolant.UniformGrid(1e-3, 1-1e-3, 11), Seed: 6,
	}
	want, _, err := s.Draw(ctx, 50, &ode.Settings{Workers: 1})
	require.NoError(t, err)
	trace := &ode.Trace{Rows: 3}
	got, _, err := s.Draw(ctx, 20, &ode.Settings{Workers: 3, Rows: 7, First: 30, Trace: trace})
	require.NoError(t, err)
	assert.Equal(t, want[60:], got)
	assert.Len(t, trace.X, 3*11*2)

	flow := &interpolant.BridgeSampler{Model: f.m, Solver: interpolant.BridgeAdaptiveODE(ode.Adaptive{RTol: 1e-9}), Grid: []float64{0, 1}}
	x0 := density.Sample(f.a, 20, 1, 0, 1)
	x1, _, err := flow.DrawFrom(ctx, x0, nil)
	require.NoError(t, err)
	flow.Grid = []float64{1, 0}
	back, _, err := flow.DrawFrom(ctx, x1, nil)
	require.NoError(t, err)
	// The tolerance times the amplification of the way back, below 1e3 here.
	assert.InDeltaSlice(t, x0, back, 1e-5)

	// Without noise the first step is Euler's and the last the exact mean, both wrong by h²
	// times the accelerations of the flow, below 10.
	const h = 1e-3
	bare := mixtureBridge(t, mustTwoSided(t, "linear", "none", 0), density.Normal(2, 1), density.Ring(3, 2, 0.5))
	for _, grid := range [][]float64{{0, 1}, {1, 0}} {
		flow.Model, flow.Grid = bare, grid
		want, _, err := flow.DrawFrom(ctx, x0[:20], nil)
		require.NoError(t, err)
		flow.Grid = []float64{math.Abs(grid[0] - h), math.Abs(grid[1] - h)}
		got, _, err := flow.DrawFrom(ctx, x0[:20], nil)
		require.NoError(t, err)
		assert.InDeltaSlice(t, want, got, 1e-4)
	}

	flow.Grid = []float64{0, 1.5}
	_, _, err = flow.DrawFrom(ctx, x0, nil)
	assert.ErrorContains(t, err, "outside [0, 1]")
}
