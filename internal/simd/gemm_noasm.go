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

func dots32AVX512(sums, a *float32, ars int, b *float32, ldb, k, groups, cols int) {
	panic("unreachable")
}

func strip32AVX512(sums, a *float32, acs int, b *float32, brs, bcs, k, rows, cols int) {
	panic("unreachable")
}

func dots32AVX2(sums, a *float32, ars int, b *float32, ldb, k, groups, cols int) {
	panic("unreachable")
}

func strip32AVX2(sums, a *float32, acs int, b *float32, brs, bcs, k, rows, cols int) {
	panic("unreachable")
}

func dots64AVX512(sums, a *float64, ars int, b *float64, ldb, k, groups, cols int) {
	panic("unreachable")
}

func strip64AVX512(sums, a *float64, acs int, b *float64, brs, bcs, k, rows, cols int) {
	panic("unreachable")
}

func dots64AVX2(sums, a *float64, ars int, b *float64, ldb, k, groups, cols int) {
	panic("unreachable")
}

func strip64AVX2(sums, a *float64, acs int, b *float64, brs, bcs, k, rows, cols int) {
	panic("unreachable")
}
