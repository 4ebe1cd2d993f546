package prior

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestBasis holds each transform to its definition by the unit pictures, sizes odd and
// even: 1e-13 is some hundred roundings of values below 1.
func TestBasis(t *testing.T) {
	for _, b := range []Boundary{Periodic, Mirror} {
		for _, n := range [][2]int{{8, 8}, {7, 10}, {2, 3}, {9, 5}} {
			bs := newBasis(n[0], n[1], b)
			f := func(j, k, n int) float64 { // mode k at pixel j
				if b == Periodic {
					s, c := math.Sincos(2 * math.Pi * float64(j*k) / float64(n))
					return (s + c) / math.Sqrt(float64(n))
				}
				v := math.Sqrt(2/float64(n)) * math.Cos(math.Pi*float64(k)*(float64(j)+0.5)/float64(n))
				if k == 0 {
					v /= math.Sqrt2
				}
				return v
			}
			for at := range n[0] * n[1] {
				x := make([]float64, n[0]*n[1])
				x[at] = 1
				bs.to(x)
				for k, v := range x {
					assert.InDelta(t, f(at/n[1], k/n[1], n[0])*f(at%n[1], k%n[1], n[1]), v, 1e-13)
				}
				bs.from(x)
				for k, v := range x {
					want := 0.0
					if k == at {
						want = 1
					}
					assert.InDelta(t, want, v, 1e-13)
				}
			}
		}
	}
}
