package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/stat"
)

func constant(n int, v float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// TestTransmission: counts have the mean and variance of their Poisson law, and the line
// integrals regained from them the errors that their variances say.
func TestTransmission(t *testing.T) {
	const n, i0 = 20000, 1e4
	counts, lines, variance := make([]float64, n), make([]float64, n), make([]float64, n)
	for sample, line := range []float64{0, 1, 3} {
		truth := constant(n, line)
		TransmissionCounts(counts, truth, i0, 7, uint64(sample))
		mean, v := stat.MeanVariance(counts, nil)
		lambda := i0 * math.Exp(-line)
		// Five standard errors, 6e-7 false alarms each.
		assert.InDelta(t, lambda, mean, 5*math.Sqrt(lambda/n))
		assert.InDelta(t, lambda, v, 5*lambda*math.Sqrt(2.0/n))
		LogCounts(lines, variance, counts, i0)
		for i, c := range counts {
			assert.Equal(t, 1/c, variance[i])
			lines[i] = (lines[i] - line) / math.Sqrt(variance[i])
		}
		mean, v = stat.MeanVariance(lines, nil)
		// The bias is 1/2I of a deviation 1/√I; the variance is off by terms of 1/I.
		assert.InDelta(t, 0, mean, 5/math.Sqrt(n)+1/math.Sqrt(lambda))
		assert.InDelta(t, 1, v, 5*math.Sqrt(2.0/n)+5/lambda)
	}
	again := make([]float64, n)
	TransmissionCounts(again, constant(n, 3), i0, 7, 2)
	assert.Equal(t, counts, again)
}

func TestCountsOfNothing(t *testing.T) {
	counts := make([]float64, 2)
	TransmissionCounts(counts, []float64{800, math.Inf(1)}, 1e6, 1, 0)
	assert.Equal(t, []float64{0, 0}, counts)
	lines, variance := make([]float64, 2), make([]float64, 2)
	LogCounts(lines, variance, counts, 1e6)
	assert.Equal(t, constant(2, math.Log(2e6)), lines)
	assert.Equal(t, constant(2, 2), variance)
	assert.PanicsWithValue(t, "linop: the photon count of an open ray must be finite and positive", func() { TransmissionCounts(counts, lines, 0, 1, 0) })
	assert.PanicsWithValue(t, "linop: the photon count of an open ray must be finite and positive", func() { LogCounts(lines, variance, counts, math.NaN()) })
}

func TestNoisyLines(t *testing.T) {
	const n = 20000
	x := make([]float64, n)
	NoisyLines(x, constant(n, 2), 0.3, 7, 0)
	mean, v := stat.MeanVariance(x, nil)
	// Five standard errors.
	assert.InDelta(t, 2, mean, 5*0.3/math.Sqrt(n))
	assert.InDelta(t, 0.09, v, 5*0.09*math.Sqrt(2.0/n))
	y := make([]float64, n)
	NoisyLines(y, constant(n, 2), 0.3, 7, 0)
	assert.Equal(t, x, y)
	assert.Panics(t, func() { NoisyLines(x, x, math.NaN(), 1, 0) })
	assert.Panics(t, func() { NoisyLines(x[:1], x, 1, 1, 0) })
}
