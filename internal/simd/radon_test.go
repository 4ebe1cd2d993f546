package simd

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFixedRowTwins(t *testing.T) {
	x := fftNumbers(2000, 8)
	const one = 1 << FixedBits
	for _, next := range []int64{0, 1, one / 3, one, 3 * one / 2, 2 * one, 2*one + 1, 5 * one} {
		for n := range 20 {
			for _, down := range []bool{false, true} {
				pos, step := int64(3*one/7), next
				if down {
					pos, step = pos+max(int64(n)-1, 0)*next, -next
				}
				restore := Use(Generic)
				want := fftNumbers(n, 9)
				FixedRow(want, x, pos, step)
				restore()
				atLevels(func(l Level) {
					got := fftNumbers(n, 9)
					FixedRow(got, x, pos, step)
					assert.Equal(t, want, got, "%v next=%d n=%d", l, step, n)
				})
			}
		}
	}
	assert.Panics(t, func() { FixedRow(make([]float64, 9), x[:20], 0, one) })
	assert.Panics(t, func() { FixedRow(make([]float64, 9), x, 7*one, -one) })
}

func TestFixedSumsTwins(t *testing.T) {
	const one, stride, lines = 1 << FixedBits, 60, 16
	x := fftNumbers(stride*lines+FixedPad, 10)
	for n := range 20 {
		for _, gap := range []int64{one / 9, one, 7 * one / 5, 2 * one, 2*one + 1} {
			centre, half := make([]int64, n), make([]int64, n)
			for j := range centre {
				centre[j] = 10*one + int64(j)*gap + int64(j)
				half[j] = one/4 + int64(j%3) - int64(j)
			}
			close := FixedClose(centre, half, lines)
			assert.Equal(t, n < 8 || gap <= 2*one-100, close || gap < 0)
			restore := Use(Generic)
			want := make([]float64, n)
			FixedSums(want, x, centre, half, -lines/2, stride, lines, close)
			restore()
			atLevels(func(l Level) {
				got := make([]float64, n)
				FixedSums(got, x, centre, half, -lines/2, stride, lines, close)
				assert.Equal(t, want, got, "%v n=%d", l, n)
			})
		}
	}
	assert.False(t, FixedClose([]int64{5, 4}, []int64{0, 0}, 1))
}
