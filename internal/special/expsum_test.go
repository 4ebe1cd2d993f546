package special

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
)

func TestExpSum(t *testing.T) {
	var x, want []float64
	for v := 3.0; v > -340; v -= 0.0137 {
		x, want = append(x, v), append(want, math.Exp(v-1.5))
	}
	sum := ExpSum(x, 1.5, -350)
	// 2 ulp of the table and polynomial, 1 of math.Exp and 1 of the rounded v - 1.5,
	// which counts |v| times: that rounding is the same on both sides.
	assert.InEpsilonSlice(t, want, x, 8e-16)
	assert.InEpsilon(t, floats.Sum(want), sum, 1e-14) // rounding of 25,000 terms
	cut := []float64{0, -59.9, -60.1, math.Inf(-1)}
	ExpSum(cut, 0, -60)
	assert.Equal(t, []float64{0, 0}, cut[2:])
	assert.Positive(t, cut[1])
}
