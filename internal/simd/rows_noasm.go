//go:build !amd64

package simd

func product32AVX512(y *float32, a *float32, b *float32, c *float32, d *float32, sy int, sa int, sb int, sc int, sd int, rows int, n int, factors int, set bool, shift float32, f float32) {
	panic("unreachable")
}

func dot32AVX512(a *float32, b *float32, sa int, sb int, rows int, n int) float64 {
	panic("unreachable")
}

func adam32AVX512(w *float32, d *float32, m *float32, v *float32, c *float32, n int) {
	panic("unreachable")
}

func product32AVX2(y *float32, a *float32, b *float32, c *float32, d *float32, sy int, sa int, sb int, sc int, sd int, rows int, n int, factors int, set bool, shift float32, f float32) {
	panic("unreachable")
}

func dot32AVX2(a *float32, b *float32, sa int, sb int, rows int, n int) float64 { panic("unreachable") }

func adam32AVX2(w *float32, d *float32, m *float32, v *float32, c *float32, n int) {
	panic("unreachable")
}

func product64AVX512(y *float64, a *float64, b *float64, c *float64, d *float64, sy int, sa int, sb int, sc int, sd int, rows int, n int, factors int, set bool, shift float64, f float64) {
	panic("unreachable")
}

func dot64AVX512(a *float64, b *float64, sa int, sb int, rows int, n int) float64 {
	panic("unreachable")
}

func adam64AVX512(w *float64, d *float64, m *float64, v *float64, c *float64, n int) {
	panic("unreachable")
}

func product64AVX2(y *float64, a *float64, b *float64, c *float64, d *float64, sy int, sa int, sb int, sc int, sd int, rows int, n int, factors int, set bool, shift float64, f float64) {
	panic("unreachable")
}

func dot64AVX2(a *float64, b *float64, sa int, sb int, rows int, n int) float64 { panic("unreachable") }

func adam64AVX2(w *float64, d *float64, m *float64, v *float64, c *float64, n int) {
	panic("unreachable")
}
