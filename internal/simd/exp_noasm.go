//go:build !amd64

package simd

func expAVX2(dst, x *float64, n int)   { panic("unreachable") }
func expAVX512(dst, x *float64, n int) { panic("unreachable") }

func expSumAVX2(t *float64, n int, top, cutoff float64) float64   { panic("unreachable") }
func expSumAVX512(t *float64, n int, top, cutoff float64) float64 { panic("unreachable") }
