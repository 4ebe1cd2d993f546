package sde

import "math"

// psi writes the moments of the kernel of an exponential step of length h ≥ 0, which
// may be infinite,
//
//	ψ_k = ∫ h e^{-h(1-θ)} θ^k dθ over θ from 0 to 1 = k! h φ_{k+1}(-h)
//
// with the φ functions of exponential integrators (Hochbruck and Ostermann 2010,
// Acta Numerica 19). By parts ψ_k = 1 - (k/h) ψ_{k-1}. Upwards that
// magnifies errors by k/h a turn, downwards by h/k: each is taken where it is stable.
func psi(dst []float64, h float64) {
	dst[0] = -math.Expm1(-h)
	if h > 1 {
		for k := 1; k < len(dst); k++ {
			dst[k] = 1 - float64(k)/h*dst[k-1]
		}
		return
	}
	// From index 24 to 4 the error of the guess falls by 4!/24! < 1e-22.
	for k, v := 24, 0.0; k > 1; k-- {
		v = (1 - v) * h / float64(k)
		if k-1 < len(dst) {
			dst[k-1] = v
		}
	}
}

// maxNodes is the most points that a polynomial of the denoiser goes through.
const maxNodes = 4

// expWeights sets w_j = ∫ h e^{-h(1-θ)} ℓ_j(θ) dθ over θ from 0 to 1, ℓ_j being the
// Lagrange polynomials of the given nodes.
func expWeights(w, nodes []float64, h float64) {
	var moments [maxNodes]float64
	psi(moments[:len(nodes)], h)
	for j, nj := range nodes {
		coef := [maxNodes]float64{1} // of Π (θ - θ_i)/(θ_j - θ_i), rising powers
		degree := 0
		for i, ni := range nodes {
			if i == j {
				continue
			}
			degree++
			for k := degree; k >= 0; k-- {
				low := 0.0
				if k > 0 {
					low = coef[k-1]
				}
				coef[k] = (low - ni*coef[k]) / (nj - ni)
			}
		}
		w[j] = 0
		for k := range nodes {
			w[j] += coef[k] * moments[k]
		}
	}
}
