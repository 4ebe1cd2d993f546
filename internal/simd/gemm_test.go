package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func random[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// same reports equal numbers, NaN being equal to NaN.
func same[T Float](a, b T) bool { return a == b || a != a && b != b }

func tiles[T Float](t *testing.T, eps, least float64) {
	r := rand.New(rand.NewPCG(1, 2))
	special := []float64{0, math.Copysign(0, -1), 0x1p-1074, 0x1p-149, math.Inf(1), math.Inf(-1), math.NaN(), 1e300, 3e38}
	for _, l := range Levels() {
		defer Use(l)()
		maxRows, maxCols := TileShape[T]()
		for rows := 1; rows <= maxRows; rows++ {
			for cols := 1; cols <= maxCols; cols++ {
				k := []int{0, 1, 2, 7}[(rows+cols)%4]
				ldc, ldb, ars, acs := cols+3, maxCols, k, 1
				if cols%2 == 0 {
					ars, acs, ldb = 1, rows+1, maxCols+5
				}
				a, b := random[T](r, rows*acs*(k+1)+rows*ars), random[T](r, ldb*max(k, 1))
				c := random[T](r, rows*ldc)
				odd := (rows+cols)%7 == 0
				if odd && k > 0 {
					a[r.IntN(len(a))], b[r.IntN(len(b))], c[r.IntN(len(c))] = T(special[r.IntN(9)]), T(special[r.IntN(9)]), T(special[r.IntN(9)])
				}
				alpha, beta := T(1.5), []T{0, 1, -0.5}[(rows+2*cols)%3]
				got, want := append([]T(nil), c...), append([]T(nil), c...)
				if beta == 0 && cols > 1 {
					got[1] = T(math.NaN()) // must not be read
				}
				GemmTile(got, ldc, a, ars, acs, b, ldb, k, rows, cols, alpha, beta)
				gemmTile(want, ldc, a, ars, acs, b, ldb, k, rows, cols, alpha, beta)
				for i := range want {
					size := 0.0
					if beta != 0 {
						size = math.Abs(float64(beta * c[i]))
					}
					for p := range k {
						if i%ldc < cols {
							size += 1.5 * math.Abs(float64(a[i/ldc*ars+p*acs])*float64(b[p*ldb+i%ldc]))
						}
					}
					// both err by at most k+2 roundings of terms whose moduli sum to size; subnormal
					// numbers may be lost, times numbers below 8
					tol := 2*float64(k+2)*eps*size + float64(k+2)*8*least
					if !same(got[i], want[i]) && !(math.Abs(float64(got[i])-float64(want[i])) <= tol) {
						t.Fatalf("%s: %d×%d, k = %d, β = %v at %d: %v, not %v", l, rows, cols, k, beta, i, got[i], want[i])
					}
				}
			}
		}
	}
}

func TestGemmTile(t *testing.T) {
	tiles[float32](t, 0x1p-24, 0x1p-126)
	tiles[float64](t, 0x1p-53, 0x1p-1022)
}

// Every element of a tile is the same bits as in a tile of its own.
func TestGemmTileElementsStandAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, l := range Levels() {
		defer Use(l)()
		rows, cols := TileShape[float32]()
		const k = 40
		a, b, c := random[float32](r, rows*k), random[float32](r, cols*k), make([]float32, rows*cols)
		GemmTile(c, cols, a, k, 1, b, cols, k, rows, cols, 1, 0)
		for i := range rows {
			for j := range cols {
				var one [1]float32
				col := make([]float32, k*cols)
				for p := range k {
					col[p*cols] = b[p*cols+j]
				}
				GemmTile(one[:], 1, a[i*k:], k, 1, col, cols, k, 1, 1, 1, 0)
				assert.Equal(t, c[i*cols+j], one[0], "%s at %d, %d", l, i, j)
			}
		}
	}
}

func TestGemmTilePanics(t *testing.T) {
	x := make([]float64, 64)
	for _, l := range Levels() {
		defer Use(l)()
		rows, cols := TileShape[float64]()
		assert.Panics(t, func() { GemmTile(x, 1, x, 1, 1, x, 1, 1, rows+1, 1, 1, 0) })
		assert.Panics(t, func() { GemmTile(x, 1, x, 1, 1, x, 1, 1, 1, cols+1, 1, 0) })
		assert.Panics(t, func() { GemmTile(x[:3], 2, x, 1, 1, x, 1, 1, 2, 2, 1, 0) })
		assert.Panics(t, func() { GemmTile(x, 2, x[:3], 2, 1, x, 1, 2, 2, 2, 1, 0) })
		assert.Panics(t, func() { GemmTile(x, 2, x, 2, 1, x[:cols/2-1], 1, 1, 2, 2, 1, 0) })
	}
}

func transposes[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, l := range Levels() {
		defer Use(l)()
		for rows := 0; rows < 20; rows++ {
			for cols := 0; cols < 20; cols++ {
				lds, ldd := cols+rows%3, rows+cols%3
				src, dst := random[T](r, rows*lds), make([]T, ldd*cols)
				Transpose(dst, ldd, src, lds, rows, cols)
				for i, v := range dst {
					want := T(0) // between the rows
					if i%ldd < rows {
						want = src[i%ldd*lds+i/ldd]
					}
					if v != want {
						t.Fatalf("%s %d×%d at %d: %v, not %v", l, rows, cols, i, v, want)
					}
				}
			}
		}
	}
	assert.Panics(t, func() { Transpose(make([]T, 5), 2, make([]T, 6), 3, 2, 3) })
	assert.Panics(t, func() { Transpose(make([]T, 6), 2, make([]T, 5), 3, 2, 3) })
}

func TestTranspose(t *testing.T) {
	transposes[float32](t)
	transposes[float64](t)
}

func benchTile[T Float](b *testing.B) {
	const k = 256
	rows, cols := TileShape[T]()
	x, y, z := make([]T, rows*k), make([]T, cols*k), make([]T, rows*cols)
	for b.Loop() {
		GemmTile(z, cols, x, k, 1, y, cols, k, rows, cols, 1, 0)
	}
	b.ReportMetric(2*float64(rows*cols*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkGemmTile(b *testing.B) {
	for _, l := range Levels() {
		b.Run(fmt.Sprintf("float32/%s", l), func(b *testing.B) { defer Use(l)(); benchTile[float32](b) })
		b.Run(fmt.Sprintf("float64/%s", l), func(b *testing.B) { defer Use(l)(); benchTile[float64](b) })
	}
}

func BenchmarkTranspose(b *testing.B) {
	src, dst := make([]float32, 128*128), make([]float32, 128*128)
	for b.Loop() {
		Transpose(dst, 32, src, 128, 32, 128)
	}
}
