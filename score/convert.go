package score

import (
	"github.com/seed-dea4846a/sampler/internal/simd"

	"github.com/seed-dea4846a/sampler/interpolant"
)

// The conversions work value by value; dst may be one of the inputs.

// FromDenoised writes the score (αD - x)/σ².
func FromDenoised(dst, x, d []float64, alpha, sigma float64) {
	v := 1 / (sigma * sigma)
	simd.Combine2(dst, -v, x, alpha*v, d)
}

// ToDenoised writes D = (x + σ² s)/α from the score s (Tweedie's formula). α > 0.
func ToDenoised(dst, x, s []float64, alpha, sigma float64) {
	simd.Combine2(dst, 1/alpha, x, sigma*sigma/alpha, s)
}

// NoiseFromDenoised writes the noise prediction ε = (x - αD)/σ.
func NoiseFromDenoised(dst, x, d []float64, alpha, sigma float64) {
	simd.Combine2(dst, 1/sigma, x, -alpha/sigma, d)
}

// DenoisedFromNoise writes D = (x - σε)/α. α > 0.
func DenoisedFromNoise(dst, x, eps []float64, alpha, sigma float64) {
	simd.Combine2(dst, 1/alpha, x, -sigma/alpha, eps)
}

// VelocityFromDenoised writes the probability-flow velocity
//
//	u = (σ̇/σ) x + (α̇ - ασ̇/σ) D.
func VelocityFromDenoised(dst, x, d []float64, c interpolant.Coeffs) {
	a, b := velocity(c)
	simd.Combine2(dst, a, x, b, d)
}

// DenoisedFromVelocity writes D = (u - (σ̇/σ) x)/(α̇ - ασ̇/σ).
func DenoisedFromVelocity(dst, x, u []float64, c interpolant.Coeffs) {
	a, b := velocity(c)
	simd.Combine2(dst, -a/b, x, 1/b, u)
}

// velocity returns the coefficients of x and D in the velocity; the second is αλ̇,
// finite where α = 0.
func velocity(c interpolant.Coeffs) (ofX, ofD float64) {
	a := c.DSigma / c.Sigma
	return a, c.DAlpha - c.Alpha*a
}
