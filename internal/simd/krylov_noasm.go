//go:build !amd64

package simd

func krylovDotsAVX2(sums *float64, p *float64, q *float64, n int) { panic("unreachable") }
func krylovStepAVX2(sums *float64, r *float64, q *float64, alpha float64, n int) {
	panic("unreachable")
}
func addScaledAVX2(x *float64, p *float64, alpha float64, n int) { panic("unreachable") }
func krylovAdvanceAVX2(x *float64, p *float64, z *float64, alpha float64, beta float64, n int) {
	panic("unreachable")
}
func krylovDotsAVX512(sums *float64, p *float64, q *float64, n int) { panic("unreachable") }
func krylovStepAVX512(sums *float64, r *float64, q *float64, alpha float64, n int) {
	panic("unreachable")
}
func addScaledAVX512(x *float64, p *float64, alpha float64, n int) { panic("unreachable") }
func krylovAdvanceAVX512(x *float64, p *float64, z *float64, alpha float64, beta float64, n int) {
	panic("unreachable")
}
