package metric

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/combin"
	"gonum.org/v1/gonum/stat/distuv"
)

func w1d(t *testing.T, x, y []float64, p float64) float64 {
	t.Helper()
	v, err := Wasserstein1D(x, y, p)
	require.NoError(t, err)
	return v.Value
}

func TestSorter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	edge := []float64{0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, 1, -1, 1 + 0x1p-52}
	for _, n := range []int{1, 2, radixMin - 1, radixMin, 5000} {
		for _, scale := range []float64{1, 1e-300, 1e300} {
			v := make([]float64, n)
			for i := range v {
				v[i] = scale * rng.NormFloat64()
				if rng.IntN(4) == 0 {
					v[i] = edge[rng.IntN(len(edge))]
				}
			}
			want := slices.Clone(v)
			slices.Sort(want)
			require.Equal(t, want, sorted(v), "n = %d", n)
		}
	}
	// Small natural numbers share their low digits, but not the high ones.
	whole := make([]float64, 1000)
	for i := range whole {
		whole[i] = float64(rng.IntN(2000))
	}
	want := slices.Clone(whole)
	slices.Sort(want)
	require.Equal(t, want, sorted(whole))
	same := slices.Repeat([]float64{-2.5}, 1000)
	require.Equal(t, same, sorted(same))
}

// An increasing map is the optimal transport on the line, so its cost is known
// exactly for any sample.
func TestWassersteinIncreasingMap(t *testing.T) {
	x := normals(0, 1000)
	for _, p := range []float64{1, 2, 3.5} {
		for _, c := range []struct{ scale, shift float64 }{{1, 0.7}, {1, -3}, {2.5, 0}, {0.1, 4}} {
			y, want := slices.Clone(x), 0.
			for i, v := range x {
				y[i] = c.scale*v + c.shift
				want += math.Pow(math.Abs(y[i]-v), p) / float64(len(x))
			}
			rand.New(rand.NewPCG(3, 4)).Shuffle(len(y), func(i, j int) { y[i], y[j] = y[j], y[i] })
			// Rounding of a sum of 1000 terms.
			assert.InEpsilon(t, math.Pow(want, 1/p), w1d(t, x, y, p), 1e-13)
		}
	}
	assert.Zero(t, w1d(t, x, x, 2))
}

// For n ≤ 7 the definition itself is computed: the least cost over permutations.
func TestWassersteinPermutations(t *testing.T) {
	for n := 1; n <= 7; n++ {
		x, y := normals(0, n), normals(1, n)
		for _, p := range []float64{1, 2, 3} {
			best := math.Inf(1)
			for _, perm := range combin.Permutations(n, n) {
				var cost float64
				for i, j := range perm {
					cost += math.Pow(math.Abs(x[i]-y[j]), p) / float64(n)
				}
				best = min(best, cost)
			}
			// Rounding of 7 terms.
			assert.InEpsilon(t, math.Pow(best, 1/p), w1d(t, x, y, p), 1e-14, "n = %d, p = %v", n, p)
		}
	}
}

// Repeating every point leaves the empirical law as it is, and makes sizes equal.
func TestWassersteinUnequalSizes(t *testing.T) {
	for _, c := range [][2]int{{1, 5}, {2, 3}, {6, 4}, {7, 21}, {35, 12}} {
		n, m := c[0], c[1]
		x, y := normals(0, n), normals(1, m)
		for _, p := range []float64{1, 2, 3} {
			want := w1d(t, slices.Repeat(x, m), slices.Repeat(y, n), p)
			// Rounding of sums of at most nm = 420 terms.
			assert.InEpsilon(t, want, w1d(t, x, y, p), 1e-13, "%d against %d", n, m)
			assert.InEpsilon(t, want, w1d(t, y, x, p), 1e-13)
		}
	}
}

// W2² of N(0, 1) and N(μ, s²) is μ² + (1-s)². The samples are the quantiles at
// (i+½)/n, of unequal numbers.
func TestWassersteinGaussians(t *testing.T) {
	quantiles := func(n int, mu, s float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = distuv.Normal{Mu: mu, Sigma: s}.Quantile((float64(i) + 0.5) / float64(n))
		}
		return v
	}
	for _, c := range []struct{ mu, s float64 }{{0, 1}, {1, 1}, {0, 3}, {-2, 0.5}} {
		got := w1d(t, quantiles(20_000, 0, 1), quantiles(30_000, c.mu, c.s), 2)
		// The rule misses of ∫q² du, and the coupling of a step function with
		// another costs, some 1/n = 5e-5 (measured 4e-5) times 1 + s².
		assert.InDelta(t, c.mu*c.mu+(1-c.s)*(1-c.s), got*got, 5e-5*(1+c.s*c.s))
	}
}

// y = s x + Δ with s > 0 increases along every direction, so W2²(θ) = θᵀMθ with
// M the mean of vvᵀ, v = (s-1)x + Δ, and SW2² = tr M/d without error: the deviation
// comes from the directions alone, and StdErr must be its size.
func TestSlicedDirections(t *testing.T) {
	const d, reps = 3, 400
	delta := []float64{1, -0.5, 0.3}
	x := gaussian(0, 40, []float64{0, 1, 2}, []float64{1, 2, 0.5})
	y, trace := slices.Clone(x), 0.
	for i, v := range x {
		y[i] = 1.7*v + delta[i%d]
		trace += (y[i] - v) * (y[i] - v) / 40
	}
	s := repeat(t, reps, math.Sqrt(trace/d), func(rep uint64) (Value, error) {
		return SlicedW2(x, y, d, Options{Seed: rep})
	})
	t.Logf("%+v", s)
	// Mean 0 to 4/√400 = 0.2 (two-sided 6e-5) with 0.02 for the curvature of the
	// square root; sd 1 to 4/√800 = 0.14.
	assert.InDelta(t, 0, s.zMean, 0.22)
	assert.InDelta(t, 1, s.zSD, 0.14)
}

// For Gaussians W2²(θ) = (θ·Δ)² + (√θᵀAθ - √θᵀBθ)²; the mean over the circle is by
// the trapezoidal rule, exact to rounding for a smooth periodic integrand.
func TestSlicedGaussians(t *testing.T) {
	mean, a, b := []float64{1, -2}, []float64{2, 1}, []float64{1, 3}
	var truth float64
	const nodes = 400
	for k := range nodes {
		s, c := math.Sincos(2 * math.Pi * float64(k) / nodes)
		shift := c*mean[0] + s*mean[1]
		gap := math.Hypot(c*a[0], s*a[1]) - math.Hypot(c*b[0], s*b[1])
		truth += (shift*shift + gap*gap) / nodes
	}
	const n, reps = 4000, 20
	w2 := make([]float64, reps)
	for r := range w2 {
		x := gaussian(uint64(2*r), n, []float64{0, 0}, a)
		y := gaussian(uint64(2*r+1), n, mean, b)
		v, err := SlicedW2(x, y, 2, Options{Seed: uint64(r)})
		require.NoError(t, err)
		w2[r] = v.Value * v.Value
	}
	m, sd := stat.MeanStdDev(w2, nil)
	t.Logf("SW2² = %.4f ± %.4f, truth %.4f", m, sd/math.Sqrt(reps), truth)
	// 4 standard errors (Student's t with 19 degrees: false alarm 8e-4), and the bias
	// of the empirical W2², of order Σ variances/n = 4e-3.
	assert.InDelta(t, truth, m, 4*sd/math.Sqrt(reps)+4e-3)
}

func TestSlicedOnLineIsW2(t *testing.T) {
	x, y := normals(0, 300), normals(1, 200)
	v, err := SlicedW2(x, y, 1, Options{Seed: 9})
	require.NoError(t, err)
	assert.Equal(t, Value{Value: w1d(t, x, y, 2), NX: 300, NY: 200}, v)
}
