package interpolant_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// Between mixtures: the equations of a Schrödinger bridge, and the laws at the ends.
func TestMixtureSchrodinger(t *testing.T) {
	start := paperMixture(t, 2, 2, 1, 10)
	for _, eps := range []float64{0.2, 2} {
		m, a, b, err := interpolant.NewMixtureSchrodinger(eps, start, density.Ring(3, 2, 0.5))
		require.NoError(t, err)
		x := normals(8, 70)
		for _, tm := range []float64{0.1, 0.5, 0.9} {
			checkIdentities(t, m, x, tm)
			checkOptimal(t, m, x, tm, eps)
		}
		got, want := make([]float64, 4), make([]float64, 4)
		for _, end := range []struct {
			law *density.Mixture
			tm  float64
		}{{a, 0}, {b, 1}} {
			m.LogProb(got, x, end.tm)
			end.law.CleanLogProb(want, x)
			// The floor of the time at an end, 1e-12, moves a variance by 4e-12.
			assert.InDeltaSlice(t, want, got, 1e-9)
		}
	}
}

// plan is an entropic plan between two samples.
func plan(t testing.TB, x0, x1 []float64, dim int, a, b []float64, eps float64) (f, g []float64, r *metric.SinkhornResult) {
	r, err := metric.SinkhornPoints(context.Background(), x0, x1, dim, a, b, metric.SinkhornOptions{Epsilon: 4 * eps, Tol: 1e-12})
	require.NoError(t, err)
	f, g = append([]float64(nil), r.F...), append([]float64(nil), r.G...)
	floats.Scale(1/(4*eps), f)
	floats.Scale(1/(4*eps), g)
	return f, g, r
}

// The bridge from the potentials of a plan is the mixture of the Brownian bridges of its pairs.
func TestSampleSchrodingerIsThePlansBridges(t *testing.T) {
	const n, k, eps = 7, 5, 0.3
	x0, x1 := normals(2*n, 1), normals(2*k, 2)
	floats.AddConst(1, x1)
	a, b := []float64{.1, .2, .1, .1, .2, .2, .1}, []float64{.3, .2, .2, .2, .1}
	f, g, _ := plan(t, x0, x1, 2, a, b, eps)
	m, err := interpolant.NewSampleSchrodinger(eps, x0, x1, 2, a, b, f, g)
	require.NoError(t, err)
	var rows [][2]int
	var mass []float64
	for i := range n {
		for j := range k {
			c := math.Pow(x0[2*i]-x1[2*j], 2) + math.Pow(x0[2*i+1]-x1[2*j+1], 2)
			rows, mass = append(rows, [2]int{i, j}), append(mass, a[i]*b[j]*math.Exp(f[i]+g[j]-c/(4*eps)))
		}
	}
	pairs, err := interpolant.NewPlanBridge(eps, x0, x1, 2, rows, mass)
	require.NoError(t, err)
	x := normals(12, 9)
	for _, tm := range []float64{0.02, 0.4, 0.97} {
		checkIdentities(t, pairs, x, tm)
		checkIdentities(t, m, x, tm)
		checkOptimal(t, m, x, tm, eps)
		u, w, p, q := make([]float64, 12), make([]float64, 12), make([]float64, 6), make([]float64, 6)
		m.Combine(u, x, tm, 0.7, 0.4)
		pairs.Combine(w, x, tm, 0.7, 0.4)
		// Logits of 1e2 at the outer times, and the plan's own 1e-12.
		assert.InDeltaSlice(t, w, u, 1e-10*(1+floats.Norm(w, math.Inf(1))), "t = %g", tm)
		m.LogProb(p, x, tm)
		pairs.LogProb(q, x, tm)
		assert.InDeltaSlice(t, q, p, 1e-10, "t = %g", tm)
	}
	// On the points at the ends, v is x₁ - E[x₀|x₁] and E[x₁|x₀] - x₀.
	u, w := make([]float64, 2*n), make([]float64, 2*n)
	interpolant.MeanVelocity(m, u, x0, 0)
	interpolant.MeanVelocity(pairs, w, x0, 0)
	assert.InDeltaSlice(t, w, u, 1e-9, "t = 0")
	interpolant.MeanVelocity(m, u[:2*k], x1, 1)
	interpolant.MeanVelocity(pairs, w[:2*k], x1, 1)
	assert.InDeltaSlice(t, w[:2*k], u[:2*k], 1e-9, "t = 1")
}

// The stochastic equation of two samples ends on the points of the other sample, each as
// often as its weight says, and from each start in the proportions of the plan.
func TestSampleSchrodingerRuns(t *testing.T) {
	const n, runs, eps = 4, 4000, 0.3
	x0, x1 := normals(2*n, 1), normals(2*n, 2)
	floats.Scale(3, x1) // points some widths of the last step apart
	f, g, _ := plan(t, x0, x1, 2, nil, nil, eps)
	m, err := interpolant.NewSampleSchrodinger(eps, x0, x1, 2, nil, nil, f, g)
	require.NoError(t, err)
	start := make([]float64, 0, 2*n*runs)
	for range runs {
		start = append(start, x0...)
	}
	s := &interpolant.BridgeSampler{Model: m, Seed: 2, Grid: floats.Span(make([]float64, 101), 0, 0.995)}
	s.Solver = interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(eps), false)
	end, _, err := s.DrawFrom(context.Background(), start, nil)
	require.NoError(t, err)
	var count [n][n]float64
	for i := range n * runs {
		for j := range n {
			if math.Hypot(end[2*i]-x1[2*j], end[2*i+1]-x1[2*j+1]) < 0.3 {
				count[i%n][j]++
			}
		}
	}
	for i := range n {
		for j := range n {
			c := math.Pow(x0[2*i]-x1[2*j], 2) + math.Pow(x0[2*i+1]-x1[2*j+1], 2)
			p := math.Exp(f[i]+g[j]-c/(4*eps)) / n
			// Five standard errors of a count, and 1e-3 for the steps.
			assert.InDelta(t, p, count[i][j]/runs, 1e-3+5*math.Sqrt(p*(1-p)/runs), "from %d to %d", i, j)
		}
	}
}

// Drawn from two Gaussians, the bridge of the samples estimates that of the Gaussians: its
// drift is off by the noise of samples, 1/√n at early times.
func TestSampleSchrodingerEstimatesGaussians(t *testing.T) {
	const n, eps = 800, 0.5
	g := gaussPairs[2]
	truth := g.bridge(t, eps)
	a, b := g.ends(t)
	x0, x1 := density.Sample(a, n, 7, 0, 1), density.Sample(b, n, 7, 1, 1)
	f, h, r := plan(t, x0, x1, 2, nil, nil, eps)
	m, err := interpolant.NewSampleSchrodinger(eps, x0, x1, 2, nil, nil, f, h)
	require.NoError(t, err)
	c, cost := make([]float64, 4), 4+4+1+0.3+0.2+2.
	truth.Coupling(c)
	cost -= 2 * (c[0] + c[3])
	// The plan's E|x₁ - x₀|² has a standard error of about 5/√n.
	assert.InDelta(t, cost, r.Cost, 4*5/math.Sqrt(n), "E|x₁-x₀|²")
	x := density.Sample(a, 2000, 8, 0, 1)
	u, w := make([]float64, len(x)), make([]float64, len(x))
	truth.Combine(u, x, 0, 1, 0)
	m.Combine(w, x, 0, 1, 0)
	e := floats.Distance(u, w, 2) / floats.Norm(u, 2)
	t.Logf("E|x1-x0|² %.4f against %.4f; drift at t = 0 off by %.2f%%", r.Cost, cost, 100*e)
	assert.Less(t, e, 0.1) // 1/√n = 3.5% of the spread of x₁ in a few combinations
}
