//go:build !amd64

package simd

func tile16AVX512(c, a, b *float32, s *[9]int) { panic("unreachable") }
func tile32AVX512(c, a, b *float32, s *[9]int) { panic("unreachable") }
func tile48AVX512(c, a, b *float32, s *[9]int) { panic("unreachable") }
func tileAVX2(c, a, b *float32, s *[9]int)     { panic("unreachable") }
