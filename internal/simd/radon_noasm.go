//go:build !amd64

package simd

func fixedRowAVX512(dst *float64, x *float64, pos int64, next int64, n int) { panic("unreachable") }
func fixedSumsAVX512(dst *float64, x *float64, centre *int64, half *int64, d int64, stride int64, lines int, n int) {
	panic("unreachable")
}
