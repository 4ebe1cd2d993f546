//go:build !amd64

package simd

var posteriorKernels [AVX512 + 1][2][3]posteriorKernel
