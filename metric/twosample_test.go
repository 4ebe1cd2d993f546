package metric

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
)

// tests are the tests of two samples, with the sizes at which their p-values are held.
var tests = []struct {
	name    string
	compute func(x, y []float64, dim int, o Options) (TestResult, error)
}{
	{"mmd", MMDTest},
	{"energy", EnergyTest},
	{"classifier", func(x, y []float64, dim int, o Options) (TestResult, error) { return ClassifierTest(x, y, dim, 3, o) }},
	{"ks", func(x, y []float64, dim int, _ Options) (TestResult, error) {
		return KolmogorovSmirnov(coordinate(x, dim), coordinate(y, dim))
	}},
	{"ksd", func(x, _ []float64, dim int, o Options) (TestResult, error) { return KSD(x, dim, gaussianScore, o) }},
}

func coordinate(x []float64, dim int) []float64 {
	out := make([]float64, len(x)/dim)
	for i := range out {
		out[i] = x[i*dim]
	}
	return out
}

// gaussianScore is that of N(0, I).
func gaussianScore(dst, x []float64) {
	for i, v := range x {
		dst[i] = -v
	}
}

// Under the null p-values are uniform; the discrete statistics' may be smaller than they
// are with less probability. Far laws are found.
func TestPValues(t *testing.T) {
	const n, m, reps = 30, 20, 300
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			p := make([]float64, reps)
			for rep := range p {
				r, err := c.compute(normals(uint64(2*rep), 2*n), normals(uint64(2*rep+1), 2*m), 2, Options{Seed: uint64(rep)})
				require.NoError(t, err)
				p[rep] = r.PValue
				assert.True(t, p[rep] > 0 && p[rep] <= 1)
			}
			r, err := KolmogorovSmirnovCDF(p, func(v float64) float64 { return v })
			require.NoError(t, err)
			t.Logf("D = %.3f, p = %.3g", r.Value.Value, r.PValue)
			if c.name == "mmd" || c.name == "energy" || c.name == "ksd" {
				// Steps of 1/1000 do not show in 300 values. False alarm 1e-3.
				assert.Greater(t, r.PValue, 1e-3)
			}
			for _, alpha := range []float64{0.02, 0.1, 0.3} {
				below := 0.
				for _, v := range p {
					if v <= alpha {
						below += 1. / reps
					}
				}
				// 4 standard errors of a share; a p-value must not be small too often, and not
				// more seldom than the steps of accuracies of 50 answers explain.
				se := math.Sqrt(alpha * (1 - alpha) / reps)
				assert.Less(t, below, alpha+4*se, "%v", alpha)
				assert.Greater(t, below, alpha/3-4*se, "%v", alpha)
			}
			r, err = c.compute(gaussian(0, 200, []float64{1, 1}, []float64{2, 2}), normals(1, 400), 2, Options{})
			require.NoError(t, err)
			assert.LessOrEqual(t, r.PValue, 0.001) // the least that 999 permutations give
		})
	}
}

// The permutation distribution by all 252 halves of 10 points, with the statistic
// computed afresh by its own definition: 999 draws estimate the share.
func TestPermutationExhaustive(t *testing.T) {
	const n = 5
	halves := combin.Combinations(2*n, n)
	for rep := range uint64(5) {
		x, y := normals(2*rep, 2*n), gaussian(2*rep+1, n, []float64{0.7, 0}, []float64{1, 1})
		z := pool(x, y)
		for _, c := range []struct {
			metric func(x, y []float64, dim int, o Options) (Value, error)
			test   func(x, y []float64, dim int, o Options) (TestResult, error)
		}{{Energy, EnergyTest}, {MMD, MMDTest}} {
			h := medianDistance(z, 2, 0)
			at := func(in []int) float64 {
				var a, b []float64
				for i := range 2 * n {
					if slices.Contains(in, i) {
						a = append(a, z[2*i:2*i+2]...)
					} else {
						b = append(b, z[2*i:2*i+2]...)
					}
				}
				v, err := c.metric(a, b, 2, Options{Bandwidth: h})
				require.NoError(t, err)
				return v.Value
			}
			seen, share := at([]int{0, 1, 2, 3, 4}), 0.
			for _, half := range halves {
				if at(half) >= seen-1e-12 { // rounding; the other half has the same value
					share += 1 / float64(len(halves))
				}
			}
			got, err := c.test(x, y, 2, Options{Seed: rep})
			require.NoError(t, err)
			assert.InDelta(t, seen, got.Value.Value, 1e-14) // rounding
			// 4 standard errors of a share of 999, and the 1/1000 by definition.
			assert.InDelta(t, share, got.PValue, 4*math.Sqrt(share*(1-share)/999)+0.001)
		}
	}
}

func TestTestsSameBits(t *testing.T) {
	x, y := normals(0, 600), normals(1, 500)
	for _, c := range tests {
		want, err := c.compute(x, y, 2, Options{Seed: 3, Workers: 1, MaxPoints: 150})
		require.NoError(t, err)
		for _, w := range []int{2, 7} {
			got, err := c.compute(x, y, 2, Options{Seed: 3, Workers: w, MaxPoints: 150})
			require.NoError(t, err)
			assert.Equal(t, want, got, c.name)
		}
		_, err = c.compute([]float64{math.NaN(), 0, 1, 2}, y, 2, Options{})
		assert.ErrorContains(t, err, "is NaN", c.name)
		_, err = c.compute(nil, y, 2, Options{})
		assert.ErrorContains(t, err, "empty", c.name)
		same := slices.Repeat([]float64{3}, 20)
		r, err := c.compute(same, same, 2, Options{})
		require.NoError(t, err)
		if c.name != "ksd" && c.name != "classifier" { // these are sure to see something
			assert.Equal(t, 1., r.PValue, c.name)
		}
	}
	assert.Panics(t, func() { _, _ = ClassifierTest(x, y, 2, 2, Options{}) })
	_, err := ClassifierTest(x[:2], y[:2], 2, 3, Options{})
	assert.EqualError(t, err, "metric: 2 points are too few for 3 neighbours")
}

// The lattice count against all ways to label 9 points.
func TestKolmogorovSmirnovExhaustive(t *testing.T) {
	for _, c := range []struct{ n, m int }{{5, 4}, {4, 4}, {1, 6}, {7, 2}} {
		ways := combin.Combinations(c.n+c.m, c.n)
		d := make([]float64, len(ways))
		pv := make([]float64, len(ways))
		for w, in := range ways {
			var x, y []float64
			for i := range c.n + c.m {
				if slices.Contains(in, i) {
					x = append(x, float64(i))
				} else {
					y = append(y, float64(i))
				}
			}
			r, err := KolmogorovSmirnov(x, y)
			require.NoError(t, err)
			d[w], pv[w] = r.Value.Value, r.PValue
		}
		for w := range ways {
			share := 0.
			for _, v := range d {
				if v >= d[w]-1e-12 { // rounding; steps of D are 1/(nm)
					share += 1 / float64(len(ways))
				}
			}
			assert.InDelta(t, share, pv[w], 1e-12) // rounding
		}
	}
}

// Kolmogorov's law: tabled points of his function, both series where they meet, and
// the exact two-sample law in the limit.
func TestKolmogorovTail(t *testing.T) {
	// 1 - K(λ) = 0.05 and 0.01 at λ = 1.35810 and 1.62762 (Smirnov 1948, Ann. Math.
	// Stat. 19, 279), given to 5 digits; e is so large that its correction is not felt.
	const e = 1e12
	assert.InDelta(t, 0.05, kolmogorovTail(1.35810/math.Sqrt(e), e), 2e-6)
	assert.InDelta(t, 0.01, kolmogorovTail(1.62762/math.Sqrt(e), e), 2e-6)
	for _, l := range []float64{0.2, 1.1} {
		s := math.Sqrt(e)
		d := l / (s + 0.12 + 0.11/s)
		assert.InDelta(t, kolmogorovTail(d*(1-1e-12), e), kolmogorovTail(d*(1+1e-12), e), 1e-10) // the step of l
	}
	const n, m = 2000, 1500
	for _, d := range []float64{0.02, 0.03, 0.05, 0.07} {
		exact := latticeTail(n, m, int(math.Round(d*n*m)))
		// The limit law is off by terms of order 1/√n, some 2% of the tail.
		assert.InEpsilon(t, exact, kolmogorovTail(d, float64(n)*m/(n+m)), 0.06, "%v", d)
	}
	x := normals(1, 4000)
	r, err := KolmogorovSmirnov(x[:2500], x[1000:])
	require.NoError(t, err)
	assert.Greater(t, r.PValue, 0.5) // beyond the exact count; overlapping halves fail 1 time in 10
	one, err := KolmogorovSmirnovCDF(x, distuv.UnitNormal.CDF)
	require.NoError(t, err)
	assert.Greater(t, one.PValue, 1e-3) // false alarm 1e-3
	_, err = KolmogorovSmirnovCDF(x, func(float64) float64 { return math.NaN() })
	assert.ErrorContains(t, err, "is NaN")
	_, err = KolmogorovSmirnovCDF(nil, distuv.UnitNormal.CDF)
	assert.ErrorContains(t, err, "empty")
}
