package ode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestFirstNonFinite puts each bad value at each place of each short length, beside values
// whose sum overflows.
func TestFirstNonFinite(t *testing.T) {
	for n := range 12 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.MaxFloat64
		}
		assert.Equal(t, -1, FirstNonFinite(x))
		for i := range x {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				x[i] = bad
				assert.Equal(t, i, FirstNonFinite(x))
				x[n-1] = bad
				assert.Equal(t, i, FirstNonFinite(x))
				x[n-1] = math.MaxFloat64
			}
			x[i] = math.MaxFloat64
		}
	}
}
