//go:build !amd64

package simd

func combineAVX2(dst, x *float64, a float64, c *float64, k *[]float64, m, n int) {
	panic("unreachable")
}

func combineAVX512(dst, x *float64, a float64, c *float64, k *[]float64, m, n int) {
	panic("unreachable")
}

var (
	combineEachKernels [AVX512 + 1][2]func(dst, a, x, b, y *float64, n int)
	scaleEachKernels   [AVX512 + 1][2]func(dst, a, x *float64, n int)
)
