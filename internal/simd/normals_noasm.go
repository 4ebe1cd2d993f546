//go:build !amd64

package simd

func normalsShortAVX2(dst *float64, n int, b *uint64)           { panic("unreachable") }
func normalsLongAVX2(dst *float64, n int, b *uint64)            { panic("unreachable") }
func normalRowsShortAVX2(dst *float64, n int, b *uint64)        { panic("unreachable") }
func normalRowsLongAVX2(dst *float64, n int, b *uint64)         { panic("unreachable") }
func normalRowsInStepLongAVX2(dst *float64, n int, b *uint64)   { panic("unreachable") }
func normalsShortAVX512(dst *float64, n int, b *uint64)         { panic("unreachable") }
func normalsLongAVX512(dst *float64, n int, b *uint64)          { panic("unreachable") }
func normalRowsShortAVX512(dst *float64, n int, b *uint64)      { panic("unreachable") }
func normalRowsLongAVX512(dst *float64, n int, b *uint64)       { panic("unreachable") }
func normalRowsInStepLongAVX512(dst *float64, n int, b *uint64) { panic("unreachable") }
