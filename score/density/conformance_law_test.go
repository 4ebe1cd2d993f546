package density

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The part of the conformance table that holds Rand against the densities.

// TestMoments holds Mean and Cov against draws: each entry within 5 standard errors
// (σ/√n, the σ of the sample itself; false alarm 6e-7 an entry) over the draws.
func TestMoments(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		m, ok := r.target.(Momenter)
		if !ok {
			t.Skip("no closed moments")
		}
		d := r.target.Dim()
		n := r.draws
		if n == 0 {
			n = 200_000 / d
		}
		if testing.Short() {
			n /= 10
		}
		mean, cov := make([]float64, d), make([]float64, d*d)
		m.Mean(mean)
		m.Cov(cov)
		x := noised(r.target, n, 1, 0, source(5))
		se := func(f func(p []float64) float64) (avg, err float64) {
			var s, ss float64
			for i := range n {
				v := f(x[i*d : (i+1)*d])
				s += v
				ss += v * v
			}
			avg = s / float64(n)
			return avg, math.Sqrt(max(ss/float64(n)-avg*avg, 0) / float64(n))
		}
		for i := range min(d, 6) {
			avg, err := se(func(p []float64) float64 { return p[i] })
			assert.InDelta(t, avg, mean[i], 5*err+1e-12, "mean[%d]", i)
			for j := range min(d, 6) {
				avg, err := se(func(p []float64) float64 { return (p[i] - mean[i]) * (p[j] - mean[j]) })
				assert.InDelta(t, avg, cov[i*d+j], 5*err+1e-12, "cov[%d,%d]", i, j)
				assert.Equal(t, cov[i*d+j], cov[j*d+i])
			}
		}
	})
}

// TestStein holds Rand against the score at σ = 0.3: E[s] = 0 and E[s·x] = -d
// (integration by parts), within 5 standard errors over 20,000 noised draws. The
// same with test functions that see the law's details, E[s_j φ + ∂_j φ] = 0 for
// φ = sin(ω·x), ω ~ 2/√d: a wrong law of Rand shows here.
func TestStein(t *testing.T) {
	const sigma = 0.3
	n := 20_000
	if testing.Short() {
		n = 4_000
	}
	eachTarget(t, func(t *testing.T, r row) {
		d := r.target.Dim()
		rng := source(6)
		x := noised(r.target, n, 1, sigma, rng)
		s := make([]float64, len(x))
		r.target.Score(s, x, 1, sigma)
		check := func(name string, f func(x, s []float64) float64) {
			var sum, sq float64
			for i := range n {
				v := f(x[i*d:(i+1)*d], s[i*d:(i+1)*d])
				sum += v
				sq += v * v
			}
			avg := sum / float64(n)
			assert.InDelta(t, 0, avg, 5*math.Sqrt(sq/float64(n)/float64(n)), name)
		}
		check("E[s·x] = -d", func(x, s []float64) float64 {
			v := float64(d)
			for j := range s {
				v += s[j] * x[j]
			}
			return v
		})
		w := make([]float64, d)
		for range 4 {
			for j := range w {
				w[j] = 2 * rng.NormFloat64() / math.Sqrt(float64(d))
			}
			for j := range min(d, 3) {
				check("E[s] = 0", func(_, s []float64) float64 { return s[j] })
				check("E[sφ + ∇φ] = 0", func(x, s []float64) float64 {
					a := 0.0
					for i := range w {
						a += w[i] * x[i]
					}
					return s[j]*math.Sin(a) + w[j]*math.Cos(a)
				})
			}
		}
	})
}

// TestClean: the noised log-density tends to the clean one as σ goes to 0. Where the
// clean density is smooth the difference is O(σ²), so from 2σ to σ it falls by three
// times what is left; next to an edge it need not, which one point in ten may be.
func TestClean(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		c, ok := r.target.(CleanLogProber)
		if !ok {
			t.Skip("no clean density")
		}
		const n = 50
		x := noised(r.target, n, 1, 0, source(9))
		clean, small, smaller := make([]float64, n), make([]float64, n), make([]float64, n)
		c.CleanLogProb(clean, x)
		r.target.LogProb(small, x, 1, 2e-3)
		r.target.LogProb(smaller, x, 1, 1e-3)
		agree := 0
		for i := range n {
			gap := math.Abs(small[i] - smaller[i])
			if math.Abs(smaller[i]-clean[i]) < min(gap, 0.1)+1e-6 {
				agree++
			}
		}
		assert.GreaterOrEqual(t, agree, n*9/10)
	})
}
