//go:build !amd64

package simd

func normals1AVX2(dst *float64, n int, b *uint64)      { panic("unreachable") }
func normals2AVX2(dst *float64, n int, b *uint64)      { panic("unreachable") }
func normals1AVX512(dst *float64, n int, b *uint64)    { panic("unreachable") }
func normals4AVX512(dst *float64, n int, b *uint64)    { panic("unreachable") }
func normalRows1AVX2(dst *float64, n int, b *uint64)   { panic("unreachable") }
func normalRows2AVX2(dst *float64, n int, b *uint64)   { panic("unreachable") }
func normalRows1AVX512(dst *float64, n int, b *uint64) { panic("unreachable") }
func normalRows4AVX512(dst *float64, n int, b *uint64) { panic("unreachable") }
