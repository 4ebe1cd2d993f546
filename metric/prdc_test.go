package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
)

// Density and coverage of equal laws have known means, whatever the law.
func TestDensityCoverageExpectation(t *testing.T) {
	const reps = 300
	for _, c := range []struct{ n, m, k, d int }{{60, 40, 5, 2}, {40, 60, 1, 3}, {50, 50, 3, 1}} {
		density, coverage := make([]float64, reps), make([]float64, reps)
		for r := range reps {
			p, err := PrecisionRecall(normals(uint64(2*r), c.n*c.d), normals(uint64(2*r+1), c.m*c.d), c.d, c.k, Options{})
			require.NoError(t, err)
			density[r], coverage[r] = p.Density.Value, p.Coverage.Value
			swap, err := PrecisionRecall(normals(uint64(2*r+1), c.m*c.d), normals(uint64(2*r), c.n*c.d), c.d, c.k, Options{})
			require.NoError(t, err)
			assert.Equal(t, p.Precision.Value, swap.Recall.Value)
			assert.Equal(t, p.Recall.StdErr, swap.Precision.StdErr)
		}
		missed := 1.
		for i := 1; i <= c.k; i++ {
			missed *= float64(c.m-i) / float64(c.m+c.n-i)
		}
		for want, v := range map[float64][]float64{1: density, 1 - missed: coverage} {
			mean, sd := stat.MeanStdDev(v, nil)
			assert.InDelta(t, want, mean, 4*sd/math.Sqrt(reps)) // 4 standard errors
		}
	}
}

// By hand, on the line, with k = 1: the balls of y are [0, 2], [-1, 3]... see below.
func TestPrecisionRecallByHand(t *testing.T) {
	y := []float64{0, 1, 10} // balls of radius 1, 1, 9
	x := []float64{-0.5, 0.5, 30}
	// x₀ is in 1 ball, x₁ in 3 (|0.5 - 10| > 9: in 2), x₂ in none; radii of x: 1, 1, 29.5.
	p, err := PrecisionRecall(x, y, 1, 1, Options{})
	require.NoError(t, err)
	assert.InDelta(t, 2./3, p.Precision.Value, 1e-15)
	assert.InDelta(t, 1, p.Density.Value, 1e-15)
	assert.InDelta(t, 1, p.Recall.Value, 1e-15) // 10 is within 29.5 of 30
	assert.InDelta(t, 2./3, p.Coverage.Value, 1e-15)
	same, err := PrecisionRecall(y, y, 1, 1, Options{})
	require.NoError(t, err)
	assert.Equal(t, [3]float64{1, 1, 1}, [3]float64{same.Precision.Value, same.Recall.Value, same.Coverage.Value})
	_, err = PrecisionRecall(x, y, 1, 3, Options{})
	assert.EqualError(t, err, "metric: 3 points are too few for 3 neighbours")
	_, err = PrecisionRecall(nil, y, 1, 1, Options{})
	assert.ErrorContains(t, err, "empty")
	assert.Panics(t, func() { _, _ = PrecisionRecall(x, y, 1, 0, Options{}) })
}

// A sample that lost a mode has full precision and half the recall and coverage; one
// that has invented a mode has half the precision.
func TestPrecisionRecallModes(t *testing.T) {
	one, two := normals(0, 1000), append(normals(1, 500), gaussian(2, 250, []float64{20, 0}, []float64{1, 1})...)
	lost, err := PrecisionRecall(one, two, 2, 5, Options{})
	require.NoError(t, err)
	invented, err := PrecisionRecall(two, one, 2, 5, Options{})
	require.NoError(t, err)
	t.Logf("%+v\n%+v", lost, invented)
	// Points in the tails are out of the balls, some 5% of them.
	assert.InDelta(t, 1, lost.Precision.Value, 0.1)
	assert.InDelta(t, 0.5, lost.Recall.Value, 0.05)
	assert.InDelta(t, 0.5, lost.Coverage.Value, 0.05)
	assert.InDelta(t, 0.5, invented.Precision.Value, 0.05)
	assert.InDelta(t, 1, invented.Recall.Value, 0.1)
}
