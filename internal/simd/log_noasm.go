//go:build !amd64

package simd

func logAVX2(dst, x *float64, n int) (left int)   { panic("unreachable") }
func logAVX512(dst, x *float64, n int) (left int) { panic("unreachable") }
