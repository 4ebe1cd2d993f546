package nn

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Known values, and of all float16 values that each comes back, is nearest to itself, and that
// numbers on either side of the middle between neighbours go to the nearer one, ties to even.
func TestHalf(t *testing.T) {
	for h, v := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 0x1p-14, 0x0001: 0x1p-24, 0x3555: 0.333251953125, 0x7c00: math.Inf(1)} {
		assert.Equal(t, float32(v), fromHalf(h))
		assert.Equal(t, h, toHalf(float32(v)))
	}
	assert.True(t, math.IsNaN(float64(fromHalf(toHalf(float32(math.NaN()))))))
	for h := uint16(0); h < 0x7bff; h++ {
		a, b := fromHalf(h), fromHalf(h+1)
		require.Less(t, a, b)
		mid := (a + b) / 2 // exact: float32 has 13 digits more
		require.Equal(t, h, toHalf(math.Nextafter32(mid, a)))
		require.Equal(t, h+1, toHalf(math.Nextafter32(mid, b)))
		require.Equal(t, h+h&1, toHalf(mid))
		require.Equal(t, h|0x8000, toHalf(-a))
	}
}

func TestHalfTensors(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteHalfTensors(&b, nil, []Tensor{{"a", []int{3}, []float32{1, -0.5, 1e-9}}}))
	_, got, err := ReadTensors(&b)
	require.NoError(t, err)
	assert.Equal(t, []Tensor{{"a", []int{3}, []float32{1, -0.5, 0}}}, got)
	assert.ErrorContains(t, WriteHalfTensors(&b, nil, []Tensor{{"a", []int{1}, []float32{7e4}}}), "float16")
}
