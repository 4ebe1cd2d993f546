package sde

// A Semilinear is the reverse process of a Gaussian path x_t = α x₁ + σ z with η times
// its natural diffusion, g² = η² · 2σ²λ̇, λ = log(α/σ), for methods that integrate its
// linear part exactly. With D the denoiser and η² the rate,
//
//	x(t') = (σ'/σ) e^{-∫η²} x + α' ∫ (1+η²) e^{-∫_ℓ(1+η²)} D dℓ + n,
//	n ~ N(0, σ'² (1 - e^{-2∫η²}) I),   integrals over ℓ from λ to λ'.
//
// η = 0 is the probability flow, η = 1 the exact reversal of the noising process.
type Semilinear interface {
	Process
	// Noise returns α and σ at a time.
	Noise(t float64) (alpha, sigma float64)
	// Time returns the time at which log(α/σ) = logSNR.
	Time(logSNR float64) float64
	// Denoise writes D(x; α, σ) under the rules of Drift.
	Denoise(dst, x []float64, alpha, sigma float64)
	// EtaAt returns η ≥ 0 at a log-SNR.
	EtaAt(logSNR float64) float64
}
