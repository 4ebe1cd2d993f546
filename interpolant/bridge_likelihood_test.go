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

// The flow turns the density at either end into that at the other.
func TestBridgeFlowLikelihood(t *testing.T) {
	for _, f := range fixtures(t)[:6] {
		for _, to := range []float64{0, 1} {
			from, base := f.b, f.a.(density.CleanLogProber)
			grid := []float64{1, 0}
			if to == 1 {
				from, base, grid = f.a, f.b.(density.CleanLogProber), []float64{0, 1}
			}
			x := density.Sample(from, 8, 4, 0, 1)
			want := make([]float64, 8)
			from.(density.CleanLogProber).CleanLogProb(want, x)
			got, _, _, err := ode.LogDensity(context.Background(), interpolant.NewBridgeFlow(f.m), x, base.CleanLogProb, grid, ode.Adaptive{RTol: 1e-8}, ode.Exact{}, nil)
			require.NoError(t, err, f.name)
			// The tolerance times the number of steps and the growth of errors along the flow.
			assert.InDeltaSlice(t, want, got, 1e-5, "%s from t = %g", f.name, grid[0])
		}
	}
}

// The stochastic estimate is unbiased: within 4 standard errors, and 0.01 for the bias of
// the steps. Its mean logarithm is a lower bound.
func TestBridgeNoiseLikelihood(t *testing.T) {
	ctx := context.Background()
	a, b := density.Normal(2, 1), paperMixture(t, 3, 2, 2, 10)
	m := mixtureBridge(t, mustTwoSided(t, "linear", "sqrt", 1), a, b)
	for _, backward := range []bool{false, true} {
		from, base, grid := b, a, interpolant.UniformGrid(1, 0, 61)
		if backward {
			from, base, grid = a, b, interpolant.UniformGrid(0, 1, 61)
		}
		const n = 8
		x := density.Sample(from, n, 4, 1, 1)
		want := make([]float64, n)
		from.CleanLogProb(want, x)
		l := &interpolant.BridgeLikelihood{Model: m, Eps: interpolant.ConstantEps(0.2), Grid: grid, Base: base.CleanLogProb, Paths: 200, Seed: 3}
		got, res, err := l.LogProb(ctx, x, nil)
		require.NoError(t, err)
		assert.Equal(t, n*200, res.Points)
		z := 0.0
		for i := range want {
			z += (got.LogProb[i] - want[i]) / got.StdErr[i] / n
			t.Logf("backward %v: %.4f, estimate %.4f ± %.4f, lower %.4f", backward, want[i], got.LogProb[i], got.StdErr[i], got.Lower[i])
			assert.InDelta(t, want[i], got.LogProb[i], 4*got.StdErr[i]+0.01)
			assert.LessOrEqual(t, got.Lower[i], got.LogProb[i]) // Jensen, also of the sample
			assert.Less(t, got.StdErr[i], 0.25)
		}
		// Together: a mean of n standard normals. A bias of 0.1 would make it 1.5.
		assert.InDelta(t, 0, z, 3.3/math.Sqrt(n))
		// Without noise every path is the flow.
		l.Eps, l.Paths = nil, 2
		got, _, err = l.LogProb(ctx, x, &ode.Settings{Workers: 2, Rows: 3})
		require.NoError(t, err)
		// A second-order method with 60 steps: 60⁻² times derivatives of the order of 1 to 10.
		assert.InDeltaSlice(t, want, got.LogProb, 5e-3)
		for _, e := range got.StdErr {
			assert.Zero(t, e)
		}
	}
	_, _, err := (&interpolant.BridgeLikelihood{Model: m, Grid: []float64{0, math.NaN()}}).LogProb(ctx, nil, nil)
	assert.Error(t, err)
}
