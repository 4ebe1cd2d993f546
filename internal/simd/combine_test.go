package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func testVectors(m, n int) [][]float64 {
	v := make([][]float64, m)
	for j := range v {
		v[j] = make([]float64, n)
		Normals(v[j], Key{uint64(j), 77})
	}
	return v
}

// TestCombine holds every level to a sum by math.FMA bit for bit (the Go twin, which rounds the
// products, to (m+1)/2 · 2^-52 Σ|c_j k_j| beside it), whatever the length, so that a value
// does not depend on where it lies; in place too.
func TestCombine(t *testing.T) {
	for _, l := range Levels() {
		restore := Use(l)
		for _, m := range []int{0, 1, 2, 3, 5, 8, 12} {
			for _, n := range []int{0, 1, 2, 15, 16, 31, 32, 33, 100, 128} {
				v := testVectors(m+2, n+1)
				c, a, x, k := testVectors(1, m)[0], 0.7, v[m], v[:m]
				want, slack := make([]float64, n), make([]float64, n)
				for i := range want {
					for j, w := range c {
						want[i] = math.FMA(w, k[j][i], want[i])
						slack[i] += math.Abs(w * k[j][i])
					}
					want[i] = math.FMA(a, x[i], want[i])
					slack[i] = (slack[i] + math.Abs(a*x[i])) * float64(m+2) / 2 * 0x1p-52
				}
				check := func(got []float64) {
					for i := range want {
						if l == Generic {
							assert.InDelta(t, want[i], got[i], slack[i], "%s %d %d", l, m, n)
						} else {
							assert.Equal(t, want[i], got[i], "%s %d %d", l, m, n)
						}
					}
				}
				end := v[m+1][n]
				Combine(v[m+1][:n], a, x, c, k)
				check(v[m+1])
				assert.Equal(t, end, v[m+1][n], "%s wrote too much", l)
				for j := range m + 1 {
					in := testVectors(m+1, n+1)
					Combine(in[j][:n], a, in[m], c, in[:m])
					check(in[j])
				}
			}
		}
		x := []float64{math.Inf(1), math.NaN(), math.Copysign(0, -1), 5e-324, math.MaxFloat64}
		got := make([]float64, 5)
		Combine2(got, 1, x, 0, []float64{1, 1, 1, 1, 1})
		assert.True(t, math.IsNaN(got[1]))
		assert.Equal(t, []float64{math.Inf(1), 0, 5e-324, math.MaxFloat64}, []float64{got[0], got[2] + 0, got[3], got[4]})
		Combine3(got, 2, []float64{1, 2, 3, 4, 5}, 3, []float64{1, 1, 1, 1, 1}, -1, []float64{0, 0, 0, 0, 1})
		assert.Equal(t, []float64{5, 7, 9, 11, 12}, got)
		restore()
	}
	v := make([]float64, 2)
	assert.Panics(t, func() { Combine2(v, 1, v[:1:1], 1, v) })
	assert.Panics(t, func() { Combine2(v, 1, v, 1, v[:1:1]) })
	assert.Panics(t, func() { Combine(v, 1, v, v, nil) })
	assert.Zero(t, testing.AllocsPerRun(100, func() { Combine3(v, 1, v, 1, v, 1, v) }))
}

func BenchmarkCombine(b *testing.B) {
	v := testVectors(9, 8192)
	for _, l := range Levels() {
		for _, m := range []int{1, 2, 4, 8} {
			b.Run(fmt.Sprintf("%s/%d", l, m), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					Combine(v[8], 1, v[8], v[0][:m], v[:m])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(v[8])), "ns/value")
			})
		}
	}
}

// bitsOf tells 0 from -0, which are equal.
func bitsOf(x []float64) []uint64 {
	b := make([]uint64, len(x))
	for i, v := range x {
		b[i] = math.Float64bits(v)
	}
	return b
}

// Points with coefficients of their own have the bits that they have alone.
func TestCombineEach(t *testing.T) {
	everyLevel(t, func(t *testing.T) {
		for _, d := range []int{1, 2, 3, 5, 32, 40} {
			for n := range 20 {
				v := testVectors(2, n*d)
				c := testVectors(2, n)
				x, y, a, b := v[0], v[1], c[0], c[1]
				for i := range x { // signs of zeros, infinities, and one NaN alone
					switch i % 11 {
					case 3:
						x[i], y[i] = 0, math.Copysign(0, -1)
					case 5:
						x[i], y[i] = 0, 0
					case 8:
						x[i], y[i] = math.Inf(1), 0
					}
				}
				if n > 2 {
					a[1], b[1], x[2*d] = math.Copysign(0, -1), 0, math.NaN()
				}
				sum, product := make([]float64, n*d), make([]float64, n*d)
				for i := range n {
					lo, hi := i*d, (i+1)*d
					Combine2(sum[lo:hi], a[i], x[lo:hi], b[i], y[lo:hi])
					for j := lo; j < hi; j++ {
						product[j] = a[i] * x[j]
					}
				}
				got := make([]float64, n*d)
				ScaleEach(got, a, x)
				assert.Equal(t, bitsOf(product), bitsOf(got), "%d points of dimension %d", n, d)
				Combine2Each(got, a, x, b, y)
				assert.Equal(t, bitsOf(sum), bitsOf(got), "%d points of dimension %d", n, d)
				Combine2Each(y, a, x, b, y)
				assert.Equal(t, bitsOf(sum), bitsOf(y), "in place")
			}
		}
	})
	one := make([]float64, 1)
	assert.Panics(t, func() { Combine2Each(one, nil, one, nil, one) })
	assert.Panics(t, func() { ScaleEach(one, one[:0], one) })
	assert.Panics(t, func() { ScaleEach(make([]float64, 3), make([]float64, 2), make([]float64, 3)) })
}
