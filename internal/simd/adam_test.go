package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func adams[T Float](t *testing.T, eps float64) {
	r := rand.New(rand.NewPCG(11, 12))
	c := AdamRates[T]{0.9, 0.99, 0.1, 0.01, 0.3, 1.7, 1e-3, 0.01}
	for _, l := range Levels() {
		defer Use(l)()
		for n := range 40 {
			var a, b [4][]T
			for i := range a {
				a[i] = random[T](r, n+1)
				b[i] = append([]T(nil), a[i]...)
			}
			for j := range n {
				a[3][j] = a[3][j] * a[3][j]
				b[3][j] = a[3][j]
			}
			Adam(a[0][:n], a[1], a[2], a[3], c)
			adamTwin(b[0][:n], b[1][:n], b[2], b[3], c)
			for i := range a {
				for j := range a[i] {
					// terms below 5, but for those of the step
					step := 0.3 * 5 / math.Sqrt(1.7*math.Abs(float64(b[3][j])))
					assert.InDelta(t, float64(b[i][j]), float64(a[i][j]), 16*eps*(5+step), "%s n = %d, %d at %d", l, n, i, j)
				}
			}
		}
	}
}

func TestAdam(t *testing.T) {
	adams[float32](t, 0x1p-24)
	adams[float64](t, 0x1p-53)
}
