package gemm

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

func matrix[T Float](n int, index uint64) []T {
	r := stream.New().At(1, stream.Test, 0, index)
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

func at[T Float](a []T, trans bool, rows, cols, i, j int) float64 {
	if trans {
		return float64(a[j*rows+i])
	}
	return float64(a[i*cols+j])
}

func check[T Float](t *testing.T, eps float64) {
	t.Helper()
	for _, s := range [][3]int{{1, 1, 1}, {3, 2, 5}, {65, 3, 7}, {70, 17, 33}, {5, 200, 9}, {130, 67, 2}, {2, 400, 65}, {200, 5, 1},
		{5, 3, 600}, {3, 2070, 2}, {300, 40, 260}, {530, 130, 260}} {
		m, n, k := s[0], s[1], s[2]
		for _, ta := range []bool{false, true} {
			for _, tb := range []bool{false, true} {
				for _, beta := range []T{0, 1, -0.5} {
					a, b, c := matrix[T](m*k, 1), matrix[T](k*n, 2), matrix[T](m*n, 3)
					if beta == 0 {
						c[0] = T(math.NaN()) // must not be read
					}
					one, many := append([]T(nil), c...), append([]T(nil), c...)
					Mul(one, 1.5, a, ta, b, tb, beta, m, n, k, 1)
					Mul(many, 1.5, a, ta, b, tb, beta, m, n, k, 7)
					assert.Equal(t, one, many, "workers")
					for i := range m {
						for j := range n {
							sum, size := 0.0, 1.0
							for l := range k {
								p := at(a, ta, m, k, i, l) * at(b, tb, k, n, l, j)
								sum += p
								size += math.Abs(p)
							}
							want := 1.5 * sum
							if beta != 0 {
								want += float64(beta * c[i*n+j])
							}
							// a sum of k products errs by at most about k eps times its absolute sum
							if got := float64(one[i*n+j]); !(math.Abs(got-want) <= 2*eps*float64(k+3)*size) {
								t.Fatalf("%v %v %v at %d, %d: %v, not %v", s, ta, tb, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}

func TestMul(t *testing.T) {
	for _, l := range simd.Levels() {
		restore := simd.Use(l)
		check[float32](t, 0x1p-23)
		check[float64](t, 0x1p-52)
		restore()
	}
}

func TestRowsDoNotDependOnOtherRows(t *testing.T) {
	for _, n := range []int{3, 100, 300} {
		const m, k = 200, 300
		for _, tb := range []bool{false, true} {
			a, b := matrix[float32](m*k, 1), matrix[float32](k*n, 2)
			all := make([]float32, m*n)
			Mul(all, 1, a, false, b, tb, 0, m, n, k, 1)
			for _, lo := range []int{0, 77, 199} {
				row := make([]float32, n)
				Mul(row, 1, a[lo*k:(lo+1)*k], false, b, tb, 0, 1, n, k, 1)
				assert.Equal(t, all[lo*n:(lo+1)*n], row)
			}
		}
	}
}

func TestMulAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	a, b, c := matrix[float32](128*128, 1), matrix[float32](128*128, 2), make([]float32, 128*128)
	for _, n := range []int{8, 128} {
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			Mul(c, 1, a, false, b, true, 0, 128, n, 128, 1)
			Mul(c, 1, a, true, b, false, 0, 128, n, 128, 1)
		}))
	}
}

func TestShortMatrixPanics(t *testing.T) {
	assert.PanicsWithValue(t, "gemm: matrix shorter than its shape", func() {
		Mul(make([]float64, 3), 1, make([]float64, 4), false, make([]float64, 4), false, 0, 2, 2, 2, 1)
	})
}

func BenchmarkMul(b *testing.B) {
	for _, c := range []struct {
		name    string
		ta, tb  bool
		m, n, k int
	}{
		{"forward", false, true, 512, 128, 128}, {"input", false, false, 512, 128, 128}, {"weights", true, false, 128, 128, 512},
		{"narrow", false, true, 512, 2, 128}, {"narrowWeights", true, false, 128, 3, 512},
		{"fewRows", true, false, 2, 128, 512}, {"outer", false, false, 512, 128, 2},
	} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", c.name, workers), func(b *testing.B) {
				x, y, z := matrix[float32](c.m*c.k, 1), matrix[float32](c.k*c.n, 2), make([]float32, c.m*c.n)
				b.ReportAllocs()
				for b.Loop() {
					Mul(z, 1, x, c.ta, y, c.tb, 0, c.m, c.n, c.k, workers)
				}
				b.ReportMetric(2*float64(c.m*c.n*c.k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
