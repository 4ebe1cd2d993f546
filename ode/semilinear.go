package ode

// A Semilinear is the probability flow of a Gaussian path x_t = α x₁ + σ z, for methods
// that integrate its linear part exactly. With λ = log(α/σ) and D the denoiser,
//
//	dx/dt = (σ̇/σ) x + α λ̇ D(x; α, σ)
//	x(t') = (σ'/σ) x + α' ∫ e^{-(λ'-ℓ)} D dℓ over ℓ from λ to λ'      (data form)
//	      = (α'/α) x - α' ∫ e^{-ℓ} ε dℓ,   ε = (x - αD)/σ             (noise form)
//
// so a method needs D and the coefficients only.
type Semilinear interface {
	Field
	// Noise returns α and σ at a time.
	Noise(t float64) (alpha, sigma float64)
	// Time returns the time at which log(α/σ) = logSNR.
	Time(logSNR float64) float64
	// Denoise writes D(x; α, σ) under the rules of Eval.
	Denoise(dst, x []float64, alpha, sigma float64)
}
