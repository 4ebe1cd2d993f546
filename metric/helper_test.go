package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// normals returns n standard normals of sample number i.
func normals(i uint64, n int) []float64 {
	v := make([]float64, n)
	stream.New().Normals(v, 1, stream.Test, i, 0)
	return v
}

// gaussian returns n points N(mean, std²) coordinate by coordinate, sample number i.
func gaussian(i uint64, n int, mean, std []float64) []float64 {
	d := len(mean)
	v := normals(i, n*d)
	for j := range v {
		v[j] = mean[j%d] + std[j%d]*v[j]
	}
	return v
}

// A tally is what repetitions of an estimate show.
type tally struct {
	zMean, zSD float64 // mean and standard deviation of (estimate - truth)/StdErr
	bias       float64 // mean error of the estimate in its own standard errors s/√reps
	seRatio    float64 // root mean square StdErr over the true standard deviation
}

// repeat runs an estimate reps times.
func repeat(t *testing.T, reps int, truth float64, estimate func(rep uint64) (Value, error)) tally {
	t.Helper()
	z, e := make([]float64, reps), make([]float64, reps)
	var out tally
	var ss float64
	for r := range reps {
		v, err := estimate(uint64(r))
		require.NoError(t, err)
		e[r] = v.Value - truth
		z[r] = e[r] / v.StdErr
		ss += v.StdErr * v.StdErr
	}
	out.zMean, out.zSD = stat.MeanStdDev(z, nil)
	mean, sd := stat.MeanStdDev(e, nil)
	out.bias = mean / stat.StdErr(sd, float64(reps))
	out.seRatio = math.Sqrt(ss/float64(reps)) / sd
	return out
}
