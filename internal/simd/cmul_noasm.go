//go:build !amd64

package simd

func complexMulAVX2(dst, s, x *complex128, vectors int) { panic("unreachable") }

func complexMulAVX512(dst, s, x *complex128, vectors int) { panic("unreachable") }

func complexAddConjMulAVX2(dst, s, x *complex128, vectors int) { panic("unreachable") }

func complexAddConjMulAVX512(dst, s, x *complex128, vectors int) { panic("unreachable") }
