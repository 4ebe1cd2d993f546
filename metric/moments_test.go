package metric

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// correlated returns n points x = Lz + mean with the covariance LLᵀ below.
func correlated(i uint64, n int) []float64 {
	z := normals(i, 3*n)
	x := make([]float64, 3*n)
	for r := 0; r < 3*n; r += 3 {
		x[r] = 1 + 2*z[r]
		x[r+1] = -1 + z[r] + z[r+1]
		x[r+2] = 0.5*z[r+1] - z[r+2]
	}
	return x
}

var (
	trueMean = []float64{1, -1, 0}
	trueCov  = []float64{4, 2, 0, 2, 2, 0.5, 0, 0.5, 1.25}
)

func TestMomentsAgainstGonum(t *testing.T) {
	const n, d = 500, 19 // three groups of rows
	x := normals(0, n*d)
	m, err := MomentsOf(x, d, Options{})
	require.NoError(t, err)
	var want mat.SymDense
	stat.CovarianceMatrix(&want, mat.NewDense(n, d, x), nil)
	for a := range d {
		col := mat.Col(nil, a, mat.NewDense(n, d, x))
		mean, se := meanErr(col)
		assert.InDelta(t, mean, m.Mean[a], 1e-15*n) // rounding of sums of 500
		assert.InEpsilon(t, se, m.MeanErr[a], 1e-12)
		for b := range d {
			assert.InDelta(t, want.At(a, b), m.Cov[a*d+b], 1e-14)
		}
	}
}

// A mean of 1e8 standard deviations leaves 8 digits to the points, and the moments
// must lose no more.
func TestMomentsFarFromZero(t *testing.T) {
	x := correlated(0, 1000)
	far := slices.Clone(x)
	for i := range x {
		far[i] += 1e8
		x[i] = far[i] - 1e8 // what rounding left of the point
	}
	want, err := MomentsOf(x, 3, Options{})
	require.NoError(t, err)
	got, err := MomentsOf(far, 3, Options{})
	require.NoError(t, err)
	for a := range want.Mean {
		assert.InDelta(t, want.Mean[a], got.Mean[a]-1e8, 1.5e-8) // half a unit in the last place of 1e8
	}
	// An error δ of the mean adds δ² ~ 1e-16 to the covariance, and rounding of the
	// sum 1e-13.
	assert.InDeltaSlice(t, want.Cov, got.Cov, 1e-12)
	// The fourth moments of some 100 feel δ in the first order.
	assert.InDeltaSlice(t, want.CovErr, got.CovErr, 1e-8)
}

// z-scores of every moment over repetitions have mean 0 and deviation 1, and MaxZ
// keeps its false-alarm rate.
func TestMomentsCalibrated(t *testing.T) {
	const n, reps = 1000, 400
	z := make([][]float64, 12)
	alarms := 0
	for r := range reps {
		m, err := MomentsOf(correlated(uint64(r), n), 3, Options{})
		require.NoError(t, err)
		for a := range 3 {
			z[a] = append(z[a], (m.Mean[a]-trueMean[a])/m.MeanErr[a])
		}
		for k := range 9 {
			z[3+k] = append(z[3+k], (m.Cov[k]-trueCov[k])/m.CovErr[k])
		}
		zMean, zCov := m.MaxZ(trueMean, trueCov)
		if max(zMean, zCov) > 3 {
			alarms++
		}
	}
	for k, v := range z {
		mean, sd := stat.MeanStdDev(v, nil)
		// 4 standard errors, twelve checks (5e-4), and 0.06 = 2/√n for the skewness of
		// products, correlated with their standard errors.
		assert.InDelta(t, 0, mean, 4/math.Sqrt(reps)+0.06, "moment %d", k)
		assert.InDelta(t, 1, sd, 4/math.Sqrt(2*reps), "moment %d", k)
	}
	// The bound 9·erfc(3/√2) = 2.4% of 400 is 9.7; skewness doubles it at most, and 4
	// deviations of a Poisson count make 37.
	t.Logf("max z > 3 in %d of %d", alarms, reps)
	assert.LessOrEqual(t, alarms, 37)
	assert.Positive(t, alarms)
}

func TestMaxZ(t *testing.T) {
	m := &Moments{N: 9, Dim: 2,
		Mean: []float64{1, 2}, MeanErr: []float64{0.5, 0.25},
		Cov: []float64{1, 0, 0, 1}, CovErr: []float64{0.1, 0, 0, 0.2}}
	zMean, zCov := m.MaxZ([]float64{2, 1.25}, []float64{1.1, 0, 0, 1.6})
	assert.Equal(t, []float64{3, 3}, []float64{zMean, math.Round(zCov*1e12) / 1e12})
	_, zCov = m.MaxZ([]float64{1, 2}, []float64{1, 0.5, 0.5, 1})
	assert.Equal(t, math.Inf(1), zCov) // a covariance without spread that is wrong
}
