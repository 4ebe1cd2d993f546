package simd

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKrylovTwins(t *testing.T) {
	for _, n := range []int{0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1000} {
		for _, special := range []float64{0.5, math.Copysign(0, -1), 5e-324, math.Inf(1), math.NaN(), 1e200} {
			run := func() (sums []float64, vectors [4][]float64) {
				x, p, r, q := fftNumbers(n+1, 11), fftNumbers(n+1, 12), fftNumbers(n+1, 13), fftNumbers(n+1, 14)
				if n > 0 {
					p[n/2] = special
				}
				pq, pp, qq := KrylovDots(p[:n], q)
				sums = append(sums, pq, pp, qq, KrylovStep(r[:n], p, 0.3))
				AddScaled(x[:n], p, 0.7)
				KrylovAdvance(x[:n], p, q, -0.4, 0.6)
				return sums, [4][]float64{x, p, r, q}
			}
			restore := Use(Generic)
			sums, vectors := run()
			restore()
			atLevels(func(l Level) {
				got, moved := run()
				for i, want := range sums {
					if !finite(want) {
						assert.False(t, finite(got[i]))
						continue
					}
					// Squares and products of mean about 1: n ε of their sum.
					assert.InDelta(t, want, got[i], float64(2*n*n+4)*0x1p-52*math.Max(1, math.Abs(want)/float64(n+1)), "%v n=%d sum %d", l, n, i)
				}
				for i, want := range vectors {
					for j, v := range want {
						if !finite(v) {
							assert.False(t, finite(moved[i][j]))
							continue
						}
						// Two products and two sums of numbers up to 4, or of one huge one.
						assert.InDelta(t, v, moved[i][j], 16*0x1p-52*math.Max(1, math.Abs(v)), "%v n=%d", l, n)
					}
				}
			})
		}
	}
	assert.Panics(t, func() { KrylovDots(make([]float64, 4), make([]float64, 3)) })
}
