//go:build !amd64

package simd

func silu32AVX512(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int) {
	panic("unreachable")
}

func softplus32AVX512(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int, k float32, inv float32, lim float32) {
	panic("unreachable")
}

func tanh32AVX512(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int) {
	panic("unreachable")
}

func sine32AVX512(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int) {
	panic("unreachable")
}

func silu32AVX2(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int) {
	panic("unreachable")
}

func softplus32AVX2(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int, k float32, inv float32, lim float32) {
	panic("unreachable")
}

func tanh32AVX2(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int) {
	panic("unreachable")
}

func sine32AVX2(y *float32, d1 *float32, d2 *float32, d3 *float32, x *float32, n int) {
	panic("unreachable")
}

func silu64AVX512(y *float64, d1 *float64, d2 *float64, d3 *float64, x *float64, n int) {
	panic("unreachable")
}

func softplus64AVX512(y *float64, d1 *float64, d2 *float64, d3 *float64, x *float64, n int, k float64, inv float64, lim float64) {
	panic("unreachable")
}

func tanh64AVX512(y *float64, d1 *float64, d2 *float64, d3 *float64, x *float64, n int) {
	panic("unreachable")
}

func silu64AVX2(y *float64, d1 *float64, d2 *float64, d3 *float64, x *float64, n int) {
	panic("unreachable")
}

func softplus64AVX2(y *float64, d1 *float64, d2 *float64, d3 *float64, x *float64, n int, k float64, inv float64, lim float64) {
	panic("unreachable")
}

func tanh64AVX2(y *float64, d1 *float64, d2 *float64, d3 *float64, x *float64, n int) {
	panic("unreachable")
}
