package metric

import "math"

// negligible is the logarithm of a term that a sum with a term of 1 does not feel:
// n·e⁻⁶⁰ is below half an ulp of 1 for n up to 10¹⁰.
const negligible = -60

// logits writes h_j - c_j·inv to t and returns the largest.
func logits(t, h, c []float64, inv float64) float64 {
	top := math.Inf(-1)
	h, c = h[:len(t)], c[:len(t)]
	for j := range t {
		v := h[j] - c[j]*inv
		t[j] = v
		if v > top {
			top = v
		}
	}
	return top
}
