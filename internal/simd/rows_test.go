package simd

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func products[T Float](t *testing.T, eps float64) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, l := range Levels() {
		restore := Use(l)
		for n := 1; n < 40; n++ {
			for k := range 5 {
				rows := 1 + r.IntN(4)
				at := func() Rows[T] {
					if r.IntN(4) == 0 {
						return Row(random[T](r, n))
					}
					s := n + r.IntN(3)
					return Rows[T]{random[T](r, (rows-1)*s+n), s}
				}
				var factors []Rows[T]
				for range k {
					factors = append(factors, at())
				}
				y, shift, f := at(), T(r.NormFloat64()), T(r.NormFloat64())
				if n%5 == 0 && k > 0 {
					factors[0].X[n/2], y.X[n/3] = T(math.Inf(1)), T(math.NaN())
				}
				for _, set := range []bool{false, true} {
					got, want := append([]T(nil), y.X...), append([]T(nil), y.X...)
					product(Rows[T]{got, y.Stride}, rows, n, set, shift, f, factors)
					productTwin(Rows[T]{want, y.Stride}, rows, n, set, shift, f, factors)
					for i := range want {
						// up to 6 roundings a row of terms below 5⁵
						if !same(got[i], want[i]) && !(math.Abs(float64(got[i]-want[i])) <= float64(6*rows)*eps*3125) {
							t.Fatalf("%s n = %d, %d factors, %d rows, set %v at %d: %v, not %v", l, n, k, rows, set, i, got[i], want[i])
						}
					}
				}
				a, b := at(), at()
				assert.InDelta(t, dotTwin(a, b, rows, n), Dot(a, b, rows, n), 1e-12, "%s n = %d: rounding", l, n)
			}
		}
		restore()
	}
}

func TestRowProducts(t *testing.T) {
	products[float32](t, 0x1p-23)
	products[float64](t, 0x1p-52)
}

// The order of the factors and the subnormal rule show in single numbers.
func TestProductValues(t *testing.T) {
	for _, l := range Levels() {
		defer Use(l)()
		y := []float64{1, 2, 3, 4, 5, 6}
		AddProduct(Rows[float64]{y, 3}, 2, 2, 10, 2, Row([]float64{1, 2}), Rows[float64]{[]float64{1, 2, 3, 4}, 2})
		assert.Equal(t, []float64{13, 20, 3, 20, 31, 6}, y)
		SetProduct(Rows[float64]{y, 3}, 2, 1, 1, 0.5)
		assert.Equal(t, []float64{1.5, 20, 3, 1.5, 31, 6}, y)
		sum := []float64{0, 0}
		AddProduct(Row(sum), 3, 2, 0, 1, Rows[float64]{[]float64{1, 2, 3, 4, 5, 6}, 2})
		assert.Equal(t, []float64{9, 12}, sum)
		assert.Equal(t, 91.0, Dot(Row([]float64{1, 2, 3, 4, 5, 6}), Row([]float64{1, 2, 3, 4, 5, 6}), 1, 6))
		assert.Panics(t, func() { AddProduct(Row(y), 1, 7, 0, 1) })
		assert.Panics(t, func() { AddProduct(Row(y), 2, 2, 0, 1, Rows[float64]{y, 5}) })
		assert.Panics(t, func() { Dot(Row(y), Rows[float64]{y, -1}, 1, 2) })
		assert.Zero(t, testing.AllocsPerRun(10, func() { AddProduct(Row(y), 1, 6, 0, 1, Row(y), Row(y), Row(y)) }))
	}
}
