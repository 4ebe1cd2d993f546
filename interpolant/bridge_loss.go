package interpolant

import "gonum.org/v1/gonum/floats"

// Interpolate writes x_t = αx₀ + βx₁ + γz and, unless rate is nil, α̇x₀ + β̇x₁, element by
// element. With -γ for γ it gives the antithetic partner.
func Interpolate(dst, rate, x0, x1, z []float64, c TwoCoeffs) {
	for i, v := range z {
		dst[i] = c.Alpha*x0[i] + c.Beta*x1[i] + c.Gamma*v
	}
	for i := range rate {
		rate[i] = c.DAlpha*x0[i] + c.DBeta*x1[i]
	}
}

// The integrands of the losses whose minimisers over t ~ U[0, 1] and draws of (x₀, x₁, z)
// are the exact fields (Albergo et al. 2023, equations 2.13 to 2.19), at one point x_t or
// summed over a batch at one time. rate is α̇x₀ + β̇x₁.

// LossVelocity returns ½|b|² - (rate + γ̇z)·b, for finite γ̇.
func LossVelocity(b, rate, z []float64, c TwoCoeffs) float64 {
	return floats.Dot(b, b)/2 - floats.Dot(rate, b) - c.DGamma*floats.Dot(z, b)
}

// LossMeanVelocity returns ½|v|² - rate·v.
func LossMeanVelocity(v, rate []float64) float64 { return floats.Dot(v, v)/2 - floats.Dot(rate, v) }

// LossScore returns ½|s|² + z·s/γ, for γ > 0.
func LossScore(s, z []float64, c TwoCoeffs) float64 {
	return floats.Dot(s, s)/2 + floats.Dot(z, s)/c.Gamma
}

// LossNoise returns ½|η|² - z·η.
func LossNoise(eta, z []float64) float64 { return floats.Dot(eta, eta)/2 - floats.Dot(z, eta) }

// LossVelocityPair returns the mean of LossVelocity at x_t = I + γz and at its antithetic
// partner I - γz, the fields there being plus and minus (appendix B.2). Its variance stays
// bounded where γ̇ is infinite, at the ends.
func LossVelocityPair(plus, minus, rate, z []float64, c TwoCoeffs) float64 {
	sum := floats.Dot(plus, plus)/2 + floats.Dot(minus, minus)/2 - floats.Dot(rate, plus) - floats.Dot(rate, minus)
	for i, v := range z {
		sum -= c.DGamma * v * (plus[i] - minus[i])
	}
	return sum / 2
}

// LossScorePair is the same of LossScore, whose own variance is infinite at the ends.
func LossScorePair(plus, minus, z []float64, c TwoCoeffs) float64 {
	sum := floats.Dot(plus, plus)/2 + floats.Dot(minus, minus)/2
	for i, v := range z {
		sum += v * (plus[i] - minus[i]) / c.Gamma
	}
	return sum / 2
}
