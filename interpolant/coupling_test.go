package interpolant_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// Samples are mixtures of components of no width: both the pairs of rows and the product
// of the samples have the fields of narrow mixtures, to the second order of the width.
func TestBridgeZeroWidth(t *testing.T) {
	path := mustTwoSided(t, "linear", "sqrt", 1)
	x0, x1 := normals(2*5, 31), normals(2*7, 32)
	p1, err := density.NewPoints(x1, 2)
	require.NoError(t, err)
	empirical := targetBridge(t, path, x0, []float64{0}, p1)
	rows, err := interpolant.NewRowBridge(path, x0, x1, 2, []int{6, 2, 0, 1, 5}, 0)
	require.NoError(t, err)
	var all0, all1 []float64 // all pairs as rows
	for i := range 5 {
		for j := range 7 {
			all0, all1 = append(all0, x0[2*i:2*i+2]...), append(all1, x1[2*j:2*j+2]...)
		}
	}
	product, err := interpolant.NewRowBridge(path, all0, all1, 2, nil, 0)
	require.NoError(t, err)
	for _, tm := range []float64{0.1, 0.5, 0.8} {
		x := normals(2*20, 77)
		want, got := make([]float64, 40), make([]float64, 40)
		gap := func(width float64) (mix, row float64) {
			a, err := density.NewIsotropicMixture(nil, x0, []float64{width}, 2)
			require.NoError(t, err)
			b, err := density.NewIsotropicMixture(nil, x1, []float64{width}, 2)
			require.NoError(t, err)
			interpolant.Velocity(empirical, want, x, tm)
			interpolant.Velocity(mixtureBridge(t, path, a, b), got, x, tm)
			blurred, err := interpolant.NewRowBridge(path, x0, x1, 2, []int{6, 2, 0, 1, 5}, width)
			require.NoError(t, err)
			u, v := make([]float64, 40), make([]float64, 40)
			interpolant.Velocity(rows, u, x, tm)
			interpolant.Velocity(blurred, v, x, tm)
			return floats.Distance(want, got, 2), floats.Distance(u, v, 2)
		}
		m1, r1 := gap(1e-3)
		m2, r2 := gap(1e-4)
		// Errors of order width²/γ²: 100 times less for a width 10 times less, to a percent.
		assert.InDelta(t, 100, m1/m2, 1)
		assert.InDelta(t, 100, r1/r2, 1)
		assert.Less(t, m2, 1e-5)
		interpolant.Velocity(product, got, x, tm)
		// The same sum in another order.
		assert.InDeltaSlice(t, want, got, 1e-11)
	}
}

func assign(x0, x1 []float64) ([]int, error) {
	a, err := metric.Assign(len(x0)/2, metric.PowerCost(x0, x1, 2, 2))
	if err != nil {
		return nil, err
	}
	return a.To, nil
}

// Minibatch optimal transport moves the same samples at less cost, and ∫ E|b|² dt falls
// towards the squared Wasserstein distance; larger batches do better.
func TestCoupleStraightens(t *testing.T) {
	const n = 240
	x0 := density.Sample(density.Normal(2, 1), n, 1, 0, 1)
	x1 := density.Sample(density.Ring(6, 3, 0.2), n, 1, 1, 1)
	path := mustTwoSided(t, "linear", "sqrt", 0.01)
	energy := func(pairs []int) float64 {
		m, err := interpolant.NewRowBridge(path, x0, x1, 2, pairs, 0)
		require.NoError(t, err)
		z, x, b := normals(2*n, 3), make([]float64, 2*n), make([]float64, 2*n)
		y := append([]float64(nil), x1...)
		for i, j := range pairs {
			copy(y[2*i:2*i+2], x1[2*j:2*j+2])
		}
		sum := 0.0
		const nodes = 20
		for k := range nodes {
			tm := (float64(k) + 0.5) / nodes
			interpolant.Interpolate(x, nil, x0, y, z, path.At(tm))
			interpolant.Velocity(m, b, x, tm)
			sum += floats.Dot(b, b) / n / nodes
		}
		return sum
	}
	lastCost := interpolant.PairCost(x0, x1, 2, nil)
	lastEnergy := energy(nil)
	t.Logf("independent: cost %.3f, energy %.3f", lastCost, lastEnergy)
	for _, batch := range []int{16, 80, 0} {
		pairs, err := interpolant.Couple(x0, x1, 2, batch, assign)
		require.NoError(t, err)
		seen := make([]bool, n) // the laws at the ends stay what they are
		for _, j := range pairs {
			require.False(t, seen[j])
			seen[j] = true
		}
		cost, e := interpolant.PairCost(x0, x1, 2, pairs), energy(pairs)
		t.Logf("batches of %d: cost %.3f, energy %.3f", batch, cost, e)
		assert.Less(t, cost, lastCost)
		assert.Less(t, e, lastEnergy)
		lastCost, lastEnergy = cost, e
	}
	exact, err := metric.W2Exact(x0, x1, 2, metric.Options{MaxPoints: -1})
	require.NoError(t, err)
	assert.InDelta(t, exact.Value*exact.Value, lastCost, 1e-9) // the same assignment
	// The noise γ of 0.05 adds less than 1% of the energy.
	assert.InDelta(t, lastCost, lastEnergy, 0.03*lastCost)
}

func TestCoupleRefuses(t *testing.T) {
	x := make([]float64, 8)
	for says, f := range map[string]func(a, b []float64) ([]int, error){
		"no permutation": func(a, _ []float64) ([]int, error) { return make([]int, len(a)/2), nil },
		"entries":        func(_, _ []float64) ([]int, error) { return []int{0}, nil },
		"rows 0 to 1":    func(_, _ []float64) ([]int, error) { return nil, errors.New("no") },
	} {
		_, err := interpolant.Couple(x, x, 2, 2, f)
		assert.ErrorContains(t, err, says)
	}
	_, err := interpolant.Couple(x, x[:4], 2, 2, assign)
	assert.ErrorContains(t, err, "not two samples")
	path := mustTwoSided(t, "linear", "sqrt", 1)
	_, err = interpolant.NewRowBridge(path, x, x, 2, []int{0, 1, 2, 4}, 0)
	assert.ErrorContains(t, err, "names row 4 of 4")
	_, err = interpolant.NewRowBridge(path, x, x, 2, []int{0}, 0)
	assert.ErrorContains(t, err, "1 pairs for 4 points")
	_, err = interpolant.NewMixtureBridge(path, density.Normal(2, 1), density.Normal(3, 1))
	assert.ErrorContains(t, err, "dimension 2, the target 3")
	_, err = interpolant.NewTargetBridge(path, nil, x, []float64{1, 2}, density.Normal(2, 1))
	assert.ErrorContains(t, err, "2 widths for 4 points")
}
