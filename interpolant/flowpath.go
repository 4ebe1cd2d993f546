package interpolant

import "math"

// CondOT is the straight path of flow matching with conditional optimal transport
// (Lipman et al. 2023, arXiv 2210.02747, section 4.1 with σ_min = 0) and of rectified
// flow:
//
//	α = t,   σ = 1 - t
type CondOT struct {
	End float64 // σ/α at which sampling ends; zero means 0.002
}

// At returns α, σ and their time derivatives.
func (CondOT) At(t float64) Coeffs {
	return Coeffs{Alpha: t, Sigma: 1 - t, DAlpha: 1, DSigma: -1}
}

// AtLogSNR returns α, σ and their derivatives in λ.
func (CondOT) AtLogSNR(logSNR float64) Coeffs { return straight(logSNR) }

// Time returns the t at which log(α/σ) = logSNR, the logistic function.
func (CondOT) Time(logSNR float64) float64 { return 1 / (1 + math.Exp(-logSNR)) }

// Span returns 0 and the time where σ/α = End.
func (p CondOT) Span() (t0, t1 float64) { return span(p, p.End) }

// Trig is the trigonometric one-sided interpolant (Albergo, Boffi and Vanden-Eijnden 2023,
// arXiv 2303.08797, table of linear interpolants):
//
//	α = sin(πt/2),   σ = cos(πt/2)
type Trig struct {
	End float64 // σ/α at which sampling ends; zero means 0.002
}

// At returns α, σ and their time derivatives.
func (Trig) At(t float64) Coeffs {
	const w = math.Pi / 2
	// The cosine as the sine of the rest is exactly 0 at t = 1.
	a, s := math.Sin(w*t), math.Sin(w*(1-t))
	return Coeffs{Alpha: a, Sigma: s, DAlpha: w * s, DSigma: -w * a}
}

// AtLogSNR returns α, σ and their derivatives in λ.
func (Trig) AtLogSNR(logSNR float64) Coeffs { return preserving(logSNR) }

// Time returns the t at which log(α/σ) = logSNR.
func (Trig) Time(logSNR float64) float64 {
	return clip01(math.Atan(math.Exp(logSNR)) / (math.Pi / 2))
}

// Span returns 0 and the time where σ/α = End.
func (p Trig) Span() (t0, t1 float64) { return span(p, p.End) }
