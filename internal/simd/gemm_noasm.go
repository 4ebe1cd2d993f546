//go:build !amd64

package simd

func gemm32AVX512(c *float32, ldc int, a *float32, ars, acs int, b *float32, ldb, k, rows, cols int, alpha, beta float32) {
	panic("unreachable")
}

func gemm32AVX2(c *float32, ldc int, a *float32, ars, acs int, b *float32, ldb, k, rows, cols int, alpha, beta float32) {
	panic("unreachable")
}

func gemm64AVX512(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, k, rows, cols int, alpha, beta float64) {
	panic("unreachable")
}

func gemm64AVX2(c *float64, ldc int, a *float64, ars, acs int, b *float64, ldb, k, rows, cols int, alpha, beta float64) {
	panic("unreachable")
}

func transpose32(dst *float32, ldd int, src *float32, lds, rows, cols int) { panic("unreachable") }

func transpose64(dst *float64, ldd int, src *float64, lds, rows, cols int) { panic("unreachable") }
