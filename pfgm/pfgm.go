// Package pfgm holds PFGM++, the Poisson flow generative models of Xu et al. (2023, arXiv
// 2302.04265): the noise of a diffusion model with heavier tails. A clean point y in R^N is
// the projection of one in R^{N+D}, D ≥ 1 of whose coordinates are extra; with the length r
// of the extra coordinates in the place of time the noisy point x has the kernel
//
//	p_r(x|y) ∝ (|x - y|² + r²)^{-(N+D)/2}
//
// which is the electric field of a charge at y, along r. In units of σ = r/√D it is a
// multivariate Student t of D degrees of freedom,
//
//	x = y + σT,   T = g √(D/χ²_D),   g ~ N(0, I)
//
// so that D → ∞ is the Gaussian noise of the other packages, and D = 1 PFGM (Xu et al. 2022,
// arXiv 2209.11178). On a path, x = αy + σT.
//
// # Denoisers and the flow
//
// A PFGM++ model is a denoiser, D(x; α, σ) = E[y | αy + σT = x]; both models here, Points
// and Denoiser, are exact. The field lines dx/dσ = (x - D)/σ of the paper (equation 4) are
// score.Flow on interpolant.EDM, and the same flow as
//
//	dx/dt = (σ̇/σ) x + (α̇ - ασ̇/σ) D(x; α, σ)
//
// on any other path: it is the mean of α̇y + σ̇T given x, which carries the law of αy + σT
// whatever the law of T. Two paths differ by the scaling x/α as they do with Gaussian noise.
// So every deterministic sampler serves, with Prior as the base:
//
//	score.Sampler{Path: p, Model: pfgm.New(target, 128, 0), Base: pfgm.Prior(p, 0, 128), …}
//
// Stochastic samplers do not: (αD - x)/σ² is not the score of a Student-t law, and adding
// Gaussian noise leads out of the family. The models say so by the method Deterministic.
//
// # Tails
//
// T has moments of order below D only. Clean samples have the tails of the data all the same,
// as the flow carries each T back; but a start at |T| resolves structure of size s in the
// data only at σ < s/|T|, so the grid must end at σ below s over the largest |T|: of n starts
// that is about √(DN/2) (n/Γ(D/2+1))^{1/D}, n for N = 2 and D = 1. So on
// a ring of radius 4 with D = 1, one sample in 4,000 has not arrived at EDM's end, σ = 0.002,
// and none of 60,000 at 2e-4 (measured). The authors' code cuts the tails (B of Kernel to
// [1e-3, 1-1e-3] in training); the exact flow needs no cut, and nothing here makes one.
package pfgm

import "fmt"

// tails is what the models share: their D.
type tails float64

// Deterministic says why no stochastic sampler serves a model of Student-t noise.
func (d tails) Deterministic() string {
	return fmt.Sprintf("the noise of this model is Student's t of D = %g degrees of freedom (PFGM++), so (αD - x)/σ² is not its score "+
		"and a sampler that adds Gaussian noise would draw from another law; use a deterministic sampler", float64(d))
}

// checkD panics unless 0 < D < ∞.
func checkD(d float64) {
	if !(d > 0 && d < 1e300) {
		panic("pfgm: D must be positive and finite; the limit D = ∞ is the Gaussian denoiser itself")
	}
}

// checkBatch panics unless x holds whole points and dst has size values for each.
func checkBatch(dst, x []float64, dim, size int) {
	if len(x)%dim != 0 || len(dst) != len(x)/dim*size {
		panic("pfgm: lengths of dst and x do not agree with the dimension")
	}
}
