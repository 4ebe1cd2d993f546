package interpolant

import "math"

// VP is the variance-preserving path with β linear in τ = 1 - t (Song et al. 2021,
// arXiv 2011.13456, section 3.4 and appendix C):
//
//	log α = -τ²(β_max - β_min)/4 - τ β_min/2,   σ² = 1 - α²
//
// σ̇ = -∞ at t = 1, where σ = 0 like a square root.
type VP struct {
	BetaMin, BetaMax float64 // zero means 0.1 and 20
	End              float64 // σ/α at which sampling ends; zero means 0.002
}

// At returns α, σ and their time derivatives.
func (p VP) At(t float64) Coeffs {
	la, dla := p.logAlpha(t)
	a := math.Exp(la)
	s := math.Sqrt(-math.Expm1(2 * la))
	return Coeffs{Alpha: a, Sigma: s, DAlpha: a * dla, DSigma: -a * a * dla / s}
}

// AtLogSNR returns α, σ and their derivatives in λ.
func (VP) AtLogSNR(logSNR float64) Coeffs { return preserving(logSNR) }

// Time returns the t at which log(α/σ) = logSNR. From σ² = 1 - α²,
// log α = -½ log(1 + exp(-2λ)).
func (p VP) Time(logSNR float64) float64 {
	return p.timeOf(-0.5 * log1pExp(-2*logSNR))
}

// Span returns 0 and the time where σ/α = End.
func (p VP) Span() (t0, t1 float64) { return span(p, p.End) }

// logAlpha returns log α and its time derivative.
func (p VP) logAlpha(t float64) (la, dla float64) {
	b0, b1 := orDefault(p.BetaMin, 0.1), orDefault(p.BetaMax, 20)
	tau := 1 - t
	return -tau * (tau*(b1-b0)/4 + b0/2), tau*(b1-b0)/2 + b0/2
}

// timeOf inverts log α: the positive root τ of a τ² + b τ = c, c = -log α, in the form
// that neither cancels nor overflows.
func (p VP) timeOf(la float64) float64 {
	b0, b1 := orDefault(p.BetaMin, 0.1), orDefault(p.BetaMax, 20)
	a, r := (b1-b0)/4, math.Sqrt(-la)
	b := b0 / 2 / r
	return clip01(1 - 2*r/(b+math.Sqrt(b*b+4*a)))
}

// SubVP is the sub-variance-preserving path (Song et al. 2021, section 3.4): α as in
// VP, σ = 1 - α².
type SubVP struct {
	BetaMin, BetaMax float64 // zero means 0.1 and 20
	End              float64 // σ/α at which sampling ends; zero means 0.002
}

// At returns α, σ and their time derivatives.
func (p SubVP) At(t float64) Coeffs {
	la, dla := VP{BetaMin: p.BetaMin, BetaMax: p.BetaMax}.logAlpha(t)
	a := math.Exp(la)
	return Coeffs{Alpha: a, Sigma: -math.Expm1(2 * la), DAlpha: a * dla, DSigma: -2 * a * a * dla}
}

// Time returns the t at which log(α/σ) = logSNR. From α = exp(λ)(1 - α²),
// log α = -asinh(exp(-λ)/2).
func (p SubVP) Time(logSNR float64) float64 {
	return VP{BetaMin: p.BetaMin, BetaMax: p.BetaMax}.timeOf(-math.Asinh(math.Exp(-logSNR) / 2))
}

// Span returns 0 and the time where σ/α = End.
func (p SubVP) Span() (t0, t1 float64) { return span(p, p.End) }

// Cosine is the schedule of improved DDPM (Nichol and Dhariwal 2021, arXiv 2102.09672,
// equation 17, not divided by its value at τ = 0), with τ = 1 - t and s = 0.008:
//
//	α = cos θ,   σ = sin θ,   θ = (τ + s)/(1 + s) · π/2
//
// σ/α at t = 1 is tan(0.01247) = 0.0125 and not zero, so sampling ends there.
type Cosine struct{}

const cosineShift = 0.008

// At returns α, σ and their time derivatives.
func (Cosine) At(t float64) Coeffs {
	w := math.Pi / 2 / (1 + cosineShift)
	// π/2 - θ = t·w exactly, and the sine of it is a cosine that reaches 0 at t = 0.
	a, s := math.Sin(t*w), math.Sin((1-t+cosineShift)*w)
	return Coeffs{Alpha: a, Sigma: s, DAlpha: s * w, DSigma: -a * w}
}

// AtLogSNR returns α, σ and their derivatives in λ.
func (Cosine) AtLogSNR(logSNR float64) Coeffs { return preserving(logSNR) }

// Time returns the t at which log(α/σ) = logSNR.
func (Cosine) Time(logSNR float64) float64 {
	return clip01(math.Atan(math.Exp(logSNR)) / (math.Pi / 2) * (1 + cosineShift))
}

// Span returns 0 and 1.
func (Cosine) Span() (t0, t1 float64) { return 0, 1 }

// log1pExp returns log(1 + exp(x)) without overflow.
func log1pExp(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}
