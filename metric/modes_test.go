package metric

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

func TestCountModes(t *testing.T) {
	// 5 points near (0, 0), 2 near (10, 0), none near (0, 10), 1 far out.
	x := []float64{0, 0.5, 0, 0, -1, 0, 0.1, 0.1, 0, -0.9, 10, 0, 10.5, 0, 30, 0}
	m, err := CountModes(x, 2, []float64{0.5, 0.25, 0.25}, []float64{0, 0, 10, 0, 0, 10}, 1, Options{})
	require.NoError(t, err)
	assert.Equal(t, []int{5, 3, 0}, m.Counts)
	assert.Equal(t, []float64{5. / 8, 3. / 8, 0}, m.Weights)
	assert.Equal(t, 0.25, m.TV) // (1/8 + 1/8 + 2/8)/2
	assert.InDelta(t, 2./3, m.Covered, 1e-15)
	assert.Equal(t, 7./8, m.Within) // (-1, 0) lies on the rim, (30, 0) outside
	assert.Equal(t, math.Sqrt(7./8*(1./8)/8), m.WithinErr)
	assert.Equal(t, math.Sqrt(3./16/8), m.StdErr[1])
	// P(N ≥ 1) of each mode, as the 5σ bounds are all negative.
	assert.InDelta(t, (1-math.Pow(0.5, 8)+2-2*math.Pow(0.75, 8))/3, m.ExactCovered, 1e-14)
	var tv float64 // by summation over the binomial laws
	for _, w := range []float64{0.5, 0.25, 0.25} {
		tv += directMAD(8, w) / 16
	}
	assert.InDelta(t, tv, m.ExactTV, 1e-14)

	one, err := CountModes(x, 2, []float64{1}, []float64{0, 0}, 1, Options{})
	require.NoError(t, err)
	assert.Equal(t, []float64{0, 0, 1, 1}, []float64{one.TV, one.ExactTV, one.Covered, one.ExactCovered})
}

// directMAD sums |k - nw| over the binomial law.
func directMAD(n int, w float64) (mad float64) {
	b := distuv.Binomial{N: float64(n), P: w}
	for k := range n + 1 {
		mad += b.Prob(float64(k)) * math.Abs(float64(k)-float64(n)*w)
	}
	return mad
}

func TestBinomialClosedForms(t *testing.T) {
	for _, n := range []int{1, 2, 7, 40, 300} {
		for _, w := range []float64{1e-3, 0.04, 1. / 7, 0.5, 0.9} {
			assert.InEpsilon(t, directMAD(n, w), binomialMAD(n, w), 1e-10, "n = %d, w = %v", n, w) // rounding of log Γ
			for _, least := range []float64{1, 3, 20} {
				want := 0.
				for k := least; k <= float64(n); k++ {
					want += distuv.Binomial{N: float64(n), P: w}.Prob(k)
				}
				assert.InDelta(t, want, binomialTail(n, least, w), 1e-11)
			}
		}
	}
}

// Exact samples of a mixture must show the floor, unit z-scores and full coverage;
// a sampler that drops a mode must show it.
func TestModesOfMixture(t *testing.T) {
	const n, reps = 2000, 200
	weights := []float64{0.6, 0.3, 0.09, 0.01}
	centres := []float64{0, 0, 20, 0, 0, 20, 20, 20}
	src := stream.New()
	draw := func(rep uint64, modes float64) []float64 {
		rng := src.At(5, stream.Test, rep, 0)
		x := make([]float64, 2*n)
		for i := range n {
			k, u := 0, modes*rng.Float64()
			for ; k < 3 && u > weights[k]; k++ {
				u -= weights[k]
			}
			x[2*i] = centres[2*k] + rng.NormFloat64()
			x[2*i+1] = centres[2*k+1] + rng.NormFloat64()
		}
		return x
	}
	tv, within := make([]float64, reps), make([]float64, reps)
	z := make([]float64, 0, 4*reps)
	var m *Modes
	for r := range reps {
		var err error
		m, err = CountModes(draw(uint64(r), 1), 2, weights, centres, 2, Options{})
		require.NoError(t, err)
		tv[r] = m.TV
		within[r] = (m.Within - (1 - math.Exp(-2))) / m.WithinErr // P(|N(0, I₂)| ≤ 2)
		for k, w := range weights {
			z = append(z, (m.Weights[k]-w)/m.StdErr[k])
		}
		assert.Equal(t, 1., m.Covered)
	}
	mean, sd := stat.MeanStdDev(tv, nil)
	t.Logf("TV %.5f ± %.5f, floor %.5f", mean, sd/math.Sqrt(reps), m.ExactTV)
	assert.InDelta(t, m.ExactTV, mean, 4*sd/math.Sqrt(reps)) // 4 standard errors: 6e-5
	_, sd = stat.MeanStdDev(z, nil)
	assert.InDelta(t, 1, sd, 4/math.Sqrt(2*3*reps)) // 3 free weights a repetition
	mean, sd = stat.MeanStdDev(within, nil)
	assert.InDelta(t, 0, mean, 4/math.Sqrt(reps))
	assert.InDelta(t, 1, sd, 4/math.Sqrt(2*reps))
	assert.InDelta(t, 1, m.ExactCovered, 1e-6) // the least mode has 20 ± 4.4 points

	m, err := CountModes(draw(0, 0.99), 2, weights, centres, 2, Options{})
	require.NoError(t, err)
	assert.Equal(t, []any{0, 0.75}, []any{m.Counts[3], m.Covered})
	// 5000 points of equal modes in the shares 0.42 : 0.58 miss by 11σ: not covered.
	x := make([]float64, 5000)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range x {
		if rng.Float64() < 0.58 {
			x[i] = 1
		}
	}
	m, err = CountModes(x, 1, []float64{0.5, 0.5}, []float64{0, 1}, 1, Options{})
	require.NoError(t, err)
	assert.Equal(t, 0.5, m.Covered)
}
