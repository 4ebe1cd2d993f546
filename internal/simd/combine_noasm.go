//go:build !amd64

package simd

func combineAVX2(dst, x *float64, a float64, c *float64, k *[]float64, m, n int) {
	panic("unreachable")
}

func combineAVX512(dst, x *float64, a float64, c *float64, k *[]float64, m, n int) {
	panic("unreachable")
}
