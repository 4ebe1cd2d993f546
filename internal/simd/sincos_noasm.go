//go:build !amd64

package simd

func sinCosAVX2(sin, cos, x *float64, n int) (left int)   { panic("unreachable") }
func sinCosAVX512(sin, cos, x *float64, n int) (left int) { panic("unreachable") }
