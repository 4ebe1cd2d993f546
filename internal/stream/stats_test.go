package stream

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// The tests below compare a figure with its law under perfect randomness. A limit of 4.5
// standard errors has a false-alarm rate of 7e-6 a figure; there are about 130 figures, so a
// perfect generator fails with probability 1e-3, once, as the seeds are fixed.

const sigmas = 4.5

// normals returns n normals as the samplers ask for them: d = 2 values for many samples at one
// step, or one long stream.
func normals(n int, long bool) []float64 {
	z := make([]float64, n)
	if long {
		New().Normals(z, 21, Test, 0, 0)
	} else {
		New().Rows(z, 22, Test, 0, 0, 2)
	}
	return z
}

func sampleSize() int {
	if testing.Short() {
		return 1_000_000
	}
	return 10_000_000
}

// TestMoments holds the moments 1 to 6 to E zᵏ within standard errors √(Var zᵏ/n).
func TestMoments(t *testing.T) {
	double := func(k int) float64 { // E z^k = (k-1)!! for even k
		if k%2 == 1 {
			return 0
		}
		p := 1.0
		for i := k - 1; i > 1; i -= 2 {
			p *= float64(i)
		}
		return p
	}
	for _, long := range []bool{true, false} {
		z := normals(sampleSize(), long)
		var sum [7]float64
		for _, v := range z {
			p := 1.0
			for k := 1; k <= 6; k++ {
				p *= v
				sum[k] += p
			}
		}
		n := float64(len(z))
		for k := 1; k <= 6; k++ {
			want := double(k)
			se := math.Sqrt((double(2*k) - want*want) / n)
			assert.InDelta(t, want, sum[k]/n, sigmas*se, "moment %d, long %v", k, long)
		}
	}
}

// TestKolmogorovSmirnov: √n sup |F_n - F| exceeds 2.5 with probability 2 e^{-2·2.5²} = 7e-6.
func TestKolmogorovSmirnov(t *testing.T) {
	for _, long := range []bool{true, false} {
		z := normals(sampleSize(), long)
		slices.Sort(z)
		n, worst := float64(len(z)), 0.0
		for i, v := range z {
			f := math.Erfc(-v/math.Sqrt2) / 2
			worst = max(worst, f-float64(i)/n, float64(i+1)/n-f)
		}
		assert.Less(t, worst*math.Sqrt(n), 2.5, "long %v", long)
	}
}

// TestTails counts the normals beyond 2 … 5 on each side: binomial, and Poisson where few.
func TestTails(t *testing.T) {
	for _, long := range []bool{true, false} {
		z := normals(sampleSize(), long)
		for _, limit := range []float64{2, 3, 3.5, 4, 4.5, 5} {
			p, n := math.Erfc(limit/math.Sqrt2)/2, float64(len(z))
			above, below := 0.0, 0.0
			for _, v := range z {
				if v > limit {
					above++
				} else if v < -limit {
					below++
				}
			}
			// The square root of a Poisson count has the standard deviation ½ (Anscombe 1948).
			for _, c := range []float64{above, below} {
				assert.Less(t, 2*math.Abs(math.Sqrt(c+3./8)-math.Sqrt(n*p+3./8)), sigmas, "%g of %g beyond %g", c, n*p, limit)
			}
		}
	}
}

// TestNeighboursAreUnrelated correlates z and z² with those of the next address along each
// coordinate; the mean of n products of unit variance has standard error 1/√n.
func TestNeighboursAreUnrelated(t *testing.T) {
	n := sampleSize() / 10
	src := New()
	rows := func(seed uint64, d Domain, first, index uint64) []float64 {
		z := make([]float64, 2*n)
		src.Rows(z, seed, d, first, index, 2)
		return z
	}
	base := rows(31, Test, 0, 7)
	turned := make([]float64, 2*n) // the other coordinate of the same sample
	for i := 0; i < 2*n; i++ {
		turned[i] = base[i^1]
	}
	indexed := make([]float64, 2*n) // sample and index swap places
	for i := range n {
		src.Normals(indexed[2*i:2*i+2], 31, Test, 7, uint64(i))
	}
	others := map[string][]float64{
		"coordinate": turned,
		"sample":     rows(31, Test, 1, 7),
		"far sample": rows(31, Test, 1<<32, 7),
		"index":      rows(31, Test, 0, 8),
		"far index":  rows(31, Test, 0, 7+1<<63),
		"seed":       rows(32, Test, 0, 7),
		"far seed":   rows(31+1<<60, Test, 0, 7),
		"domain":     rows(31, Metric, 0, 7),
		"swap":       indexed,
	}
	for name, other := range others {
		step := 1
		if name == "coordinate" {
			step = 2 // each pair once
		}
		var xy, xxyy, xyy, m float64
		for i := 0; i < 2*n; i += step {
			x, y := base[i], other[i]
			xy += x * y
			xxyy += (x*x - 1) * (y*y - 1) / 2
			xyy += x * (y*y - 1) / math.Sqrt2
			m++
		}
		for k, v := range []float64{xy, xxyy, xyy} {
			assert.Less(t, math.Abs(v)/math.Sqrt(m), sigmas, "%s, figure %d", name, k)
		}
	}
	// Along one stream, at the distances 1 … 16.
	z := normals(10*n, true)
	for lag := 1; lag <= 16; lag++ {
		var xy, xxyy float64
		for i := lag; i < len(z); i++ {
			x, y := z[i], z[i-lag]
			xy += x * y
			xxyy += (x*x - 1) * (y*y - 1) / 2
		}
		m := math.Sqrt(float64(len(z) - lag))
		assert.Less(t, math.Abs(xy)/m, sigmas, "lag %d", lag)
		assert.Less(t, math.Abs(xxyy)/m, sigmas, "lag %d, squares", lag)
	}
}

// TestBirthdaySpacings (Marsaglia 1985): of the spacings of 4,096 birthdays in a year of 2³²
// days, sorted, the equal ones are Poisson with mean 4096³/2³⁴ = 4; here summed over runs.
func TestBirthdaySpacings(t *testing.T) {
	const birthdays, mean = 4096, 4.0
	runs := 100
	if !testing.Short() {
		runs = 1000
	}
	streams := map[string]func(i uint64) uint64{
		"words":   func(i uint64) uint64 { return row(41, Test, 0).Sample(0).Word(i) },
		"samples": func(i uint64) uint64 { return row(42, Test, 3).Sample(i).Word(0) },
		"indices": func(i uint64) uint64 { return row(43, Test, i).Sample(0).Word(0) },
		"seeds":   func(i uint64) uint64 { return row(i, Test, 0).Sample(0).Word(1) },
		"steps": func(i uint64) uint64 { // two words a sample, 64 samples a step
			return row(44, Step, i/128).Sample(i / 2 % 64).Word(i % 2)
		},
	}
	for name, word := range streams {
		for _, shift := range []int{0, 32} {
			equal, i := 0.0, uint64(0)
			days := make([]uint32, birthdays)
			for range runs {
				for k := range days {
					days[k] = uint32(word(i) >> shift)
					i++
				}
				slices.Sort(days)
				for k := birthdays - 1; k > 0; k-- {
					days[k] -= days[k-1]
				}
				slices.Sort(days)
				for k := 1; k < birthdays; k++ {
					if days[k] == days[k-1] {
						equal++
					}
				}
			}
			want := mean * float64(runs)
			assert.Less(t, math.Abs(equal-want)/math.Sqrt(want), sigmas, "%s, bits from %d", name, shift)
		}
	}
}

// TestNormalsOnEveryLevel holds a batch to the single calls bit for bit, and a long request to
// a short one.
func TestNormalsOnEveryLevel(t *testing.T) {
	for _, l := range simd.Levels() {
		restore := simd.Use(l)
		s := New()
		for _, d := range []int{1, 2, 3, 8, 40} {
			rows := make([]float64, 37*d)
			s.Rows(rows, 5, Step, 100, 9, d)
			for i := range 37 {
				one := make([]float64, d+5)
				s.Normals(one, 5, Step, 100+uint64(i), 9)
				assert.Equal(t, one[:d], rows[i*d:(i+1)*d], fmt.Sprint(l, d, i))
			}
		}
		restore()
	}
}
