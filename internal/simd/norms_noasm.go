//go:build !amd64

package simd

func weightedNormsAVX2(q, z, p *float64, rows, d int)   { panic("unreachable") }
func weightedNormsAVX512(q, z, p *float64, rows, d int) { panic("unreachable") }
func scaleRowsAVX2(y, f, z, p *float64, rows, d int)    { panic("unreachable") }
func scaleRowsAVX512(y, f, z, p *float64, rows, d int)  { panic("unreachable") }
