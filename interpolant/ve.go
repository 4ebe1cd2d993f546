package interpolant

import "math"

// VE is the variance-exploding path with geometric noise (Song et al. 2021, section
// 3.4), linear in log σ:
//
//	α = 1,   σ = σ_max^(1-t) σ_min^t
type VE struct {
	SigmaMin, SigmaMax float64 // zero means 0.002 and 80, EDM's range
}

// At returns α, σ and their time derivatives.
func (p VE) At(t float64) Coeffs {
	lo, hi := math.Log(orDefault(p.SigmaMin, 0.002)), math.Log(orDefault(p.SigmaMax, 80))
	s := math.Exp(hi + t*(lo-hi))
	return Coeffs{Alpha: 1, Sigma: s, DSigma: s * (lo - hi)}
}

// AtLogSNR returns α, σ and their derivatives in λ.
func (VE) AtLogSNR(logSNR float64) Coeffs { return exploding(logSNR) }

// Time returns the t at which -log σ = logSNR.
func (p VE) Time(logSNR float64) float64 {
	lo, hi := math.Log(orDefault(p.SigmaMin, 0.002)), math.Log(orDefault(p.SigmaMax, 80))
	return clip01((hi + logSNR) / (hi - lo))
}

// Span returns 0 and 1.
func (VE) Span() (t0, t1 float64) { return 0, 1 }

// EDM is the variance-exploding path of Karras et al. (2022, arXiv 2206.00364), in which
// σ itself is the time:
//
//	α = 1,   σ = σ_max (1 - t)
//
// Its own grid is KarrasGrid.
type EDM struct {
	SigmaMin, SigmaMax float64 // zero means 0.002 and 80; sampling ends at SigmaMin
}

// At returns α, σ and their time derivatives.
func (p EDM) At(t float64) Coeffs {
	hi := orDefault(p.SigmaMax, 80)
	return Coeffs{Alpha: 1, Sigma: hi * (1 - t), DSigma: -hi}
}

// AtLogSNR returns α, σ and their derivatives in λ.
func (EDM) AtLogSNR(logSNR float64) Coeffs { return exploding(logSNR) }

// Time returns the t at which -log σ = logSNR.
func (p EDM) Time(logSNR float64) float64 {
	return clip01(1 - math.Exp(-logSNR)/orDefault(p.SigmaMax, 80))
}

// Span returns 0 and the time where σ = SigmaMin.
func (p EDM) Span() (t0, t1 float64) { return span(p, p.SigmaMin) }
