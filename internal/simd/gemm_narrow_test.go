package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// fenced returns random numbers between NaN, which show in a sum that reads beyond.
func fenced[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n+128)
	for i := range x {
		x[i] = T(math.NaN())
	}
	copy(x[64:], random[T](r, n))
	return x[64 : 64+n]
}

type narrowLayout struct{ ars, acs, brs, bcs int }

func narrowLayouts(rows, cols, k int) map[string]narrowLayout {
	return map[string]narrowLayout{
		"dots": {k + 2, 1, 1, k + 1}, "strips": {1, rows + 1, cols + 2, 1}, "stripsT": {1, rows, 1, k},
	}
}

func narrow[T Float](t *testing.T, eps, least float64) {
	r := rand.New(rand.NewPCG(7, 8))
	special := []float64{0, math.Copysign(0, -1), 0x1p-1074, 0x1p-149, math.Inf(1), math.Inf(-1), math.NaN(), 1e300, 3e38}
	for _, l := range Levels() {
		defer Use(l)()
		for _, rows := range []int{1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 63, 64, 65, 71, 130} {
			for cols := 1; cols <= NarrowCols; cols++ {
				for _, k := range []int{0, 1, 3, 4, 8, 13, 16, 37} {
					for name, s := range narrowLayouts(rows, cols, k) {
						ldc := cols + rows%2
						a, b := fenced[T](r, max(0, (rows-1)*s.ars+(k-1)*s.acs+1)), fenced[T](r, max(0, (k-1)*s.brs+(cols-1)*s.bcs+1))
						c := random[T](r, (rows-1)*ldc+cols)
						if rows%8 == 7 && k > 0 {
							x := [][]T{a, b}[r.IntN(2)] // not both: a subnormal number times infinity depends on the level
							x[r.IntN(len(x))], c[r.IntN(len(c))] = T(special[r.IntN(9)]), T(special[r.IntN(9)])
						}
						alpha, beta := T(1.5), []T{0, 1, -0.5}[(rows+2*cols+k)%3]
						got, want := append([]T(nil), c...), append([]T(nil), c...)
						if beta == 0 {
							got[0] = T(math.NaN()) // must not be read
						}
						GemmNarrow(got, ldc, a, s.ars, s.acs, b, s.brs, s.bcs, k, rows, cols, alpha, beta)
						gemmNarrow(want, ldc, a, s.ars, s.acs, b, s.brs, s.bcs, k, rows, cols, alpha, beta)
						for i := range want {
							size := 0.0
							if beta != 0 {
								size = math.Abs(float64(beta * c[i]))
							}
							for p := range k {
								if i%ldc < cols {
									size += 1.5 * math.Abs(float64(a[i/ldc*s.ars+p*s.acs])*float64(b[p*s.brs+i%ldc*s.bcs]))
								}
							}
							// as in tiles
							tol := 2*float64(k+2)*eps*size + float64(k+2)*8*least
							if !same(got[i], want[i]) && !(math.Abs(float64(got[i])-float64(want[i])) <= tol) {
								t.Fatalf("%s %s: %d×%d, k = %d, β = %v at %d: %v, not %v", l, name, rows, cols, k, beta, i, got[i], want[i])
							}
						}
					}
				}
			}
		}
	}
}

func TestGemmNarrow(t *testing.T) {
	narrow[float32](t, 0x1p-24, 0x1p-126)
	narrow[float64](t, 0x1p-53, 0x1p-1022)
}

// Every element is the same bits as in a product of its own, which has the case's strides too.
func TestGemmNarrowElementsStandAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, l := range Levels() {
		defer Use(l)()
		const rows, k = 75, 45
		for cols := 1; cols <= NarrowCols; cols++ {
			for name, s := range narrowLayouts(rows, cols, k) {
				a, b := random[float32](r, (rows+k)*(rows+k)), random[float32](r, (k+cols)*(k+cols))
				c := make([]float32, rows*cols)
				GemmNarrow(c, cols, a, s.ars, s.acs, b, s.brs, s.bcs, k, rows, cols, 1, 0)
				for i := range rows {
					for j := range cols {
						var one [1]float32
						GemmNarrow(one[:], 1, a[i*s.ars:], s.ars, s.acs, b[j*s.bcs:], s.brs, s.bcs, k, 1, 1, 1, 0)
						assert.Equal(t, c[i*cols+j], one[0], "%s %s at %d, %d", l, name, i, j)
					}
				}
			}
		}
	}
}

func TestGemmNarrowPanics(t *testing.T) {
	x := make([]float64, 64)
	for _, l := range Levels() {
		defer Use(l)()
		run := func(c, a, b []float64, ars, acs, brs, rows, cols int) func() {
			return func() { GemmNarrow(c, cols, a, ars, acs, b, brs, 4, 4, rows, cols, 1, 0) }
		}
		assert.NotPanics(t, run(x[:6], x[:12], x[:8], 4, 1, 1, 3, 2))
		assert.Panics(t, run(x, x, x, 4, 1, 1, 3, 5))
		assert.Panics(t, run(x, x, x, 4, 1, 1, 0, 2))
		assert.Panics(t, run(x[:5], x[:12], x[:8], 4, 1, 1, 3, 2))
		assert.Panics(t, run(x[:6], x[:11], x[:8], 4, 1, 1, 3, 2))
		assert.Panics(t, run(x[:6], x[:12], x[:7], 4, 1, 1, 3, 2))
		assert.Panics(t, run(x, x, x, 4, 2, 1, 3, 2), "neither case")
		assert.Panics(t, run(x, x, x, 4, 1, 2, 3, 2), "neither case")
	}
}

func benchNarrow[T Float](b *testing.B, rows, k int, s narrowLayout) {
	const cols = 2
	x, y, z := make([]T, rows*k), make([]T, cols*k), make([]T, rows*cols)
	for b.Loop() {
		GemmNarrow(z, cols, x, s.ars, s.acs, y, s.brs, s.bcs, k, rows, cols, 1, 0)
	}
	b.ReportMetric(2*float64(rows*cols*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkGemmNarrow(b *testing.B) {
	const rows, k = 64, 128
	for name, s := range map[string]narrowLayout{"dots": {k, 1, 1, k}, "strips": {1, rows, 2, 1}} {
		for _, l := range Levels() {
			b.Run(fmt.Sprintf("%s/float32/%s", name, l), func(b *testing.B) { defer Use(l)(); benchNarrow[float32](b, rows, k, s) })
			b.Run(fmt.Sprintf("%s/float64/%s", name, l), func(b *testing.B) { defer Use(l)(); benchNarrow[float64](b, rows, k, s) })
		}
	}
}
