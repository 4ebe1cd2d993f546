//go:build !amd64

package simd

var productsOf [AVX512 + 1]productKernels
