//go:build !amd64

package simd

func fftPass2AVX2(y *float64, x *float64, tw *float64, m int, s int) { panic("unreachable") }
func fftPass3AVX2(y *float64, x *float64, tw *float64, m int, s int) { panic("unreachable") }
func fftPass4AVX2(y *float64, x *float64, tw *float64, m int, s int) { panic("unreachable") }
func fftPass5AVX2(y *float64, x *float64, tw *float64, m int, s int) { panic("unreachable") }
func fftPass8AVX2(y *float64, x *float64, tw *float64, m int, s int) { panic("unreachable") }
func fftPassAnyAVX2(y *float64, x *float64, tw *float64, w *float64, r int, m int, s int) {
	panic("unreachable")
}
func transpose8AVX2(dst *float64, dOdd int, dPair int, dStep int, src *float64, sOdd int, sPair int, sStep int, tiles int) {
	panic("unreachable")
}
func fftUntangleAVX2(u1 *float64, u2 *float64, z *float64, back *float64, count int) {
	panic("unreachable")
}
func fftEntangleAVX2(z *float64, back *float64, u1 *float64, u2 *float64, c float64, count int) {
	panic("unreachable")
}
func fftGatherAVX2(dst *float64, src *float64, n int, stride int, re int, im int) {
	panic("unreachable")
}
func fftScatterAVX2(dst *float64, src *float64, n int, stride int, re int, im int) {
	panic("unreachable")
}
func fftMultiplyAVX2(a *float64, h *float64, n int, stride int, sign float64) { panic("unreachable") }
func fftTurnAVX2(z *float64, back *float64, c *float64, count int)            { panic("unreachable") }
func fftTurnBackAVX2(z *float64, back *float64, c *float64, count int)        { panic("unreachable") }
func fftPass2AVX512(y *float64, x *float64, tw *float64, m int, s int)        { panic("unreachable") }
func fftPass3AVX512(y *float64, x *float64, tw *float64, m int, s int)        { panic("unreachable") }
func fftPass4AVX512(y *float64, x *float64, tw *float64, m int, s int)        { panic("unreachable") }
func fftPass5AVX512(y *float64, x *float64, tw *float64, m int, s int)        { panic("unreachable") }
func fftPass8AVX512(y *float64, x *float64, tw *float64, m int, s int)        { panic("unreachable") }
func fftPassAnyAVX512(y *float64, x *float64, tw *float64, w *float64, r int, m int, s int) {
	panic("unreachable")
}
func transpose8AVX512(dst *float64, dOdd int, dPair int, dStep int, src *float64, sOdd int, sPair int, sStep int, tiles int) {
	panic("unreachable")
}
func fftUntangleAVX512(u1 *float64, u2 *float64, z *float64, back *float64, count int) {
	panic("unreachable")
}
func fftEntangleAVX512(z *float64, back *float64, u1 *float64, u2 *float64, c float64, count int) {
	panic("unreachable")
}
func fftGatherAVX512(dst *float64, src *float64, n int, stride int, re int, im int) {
	panic("unreachable")
}
func fftScatterAVX512(dst *float64, src *float64, n int, stride int, re int, im int) {
	panic("unreachable")
}
func fftMultiplyAVX512(a *float64, h *float64, n int, stride int, sign float64) { panic("unreachable") }
func fftTurnAVX512(z *float64, back *float64, c *float64, count int)            { panic("unreachable") }
func fftTurnBackAVX512(z *float64, back *float64, c *float64, count int)        { panic("unreachable") }
