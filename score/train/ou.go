package train

import (
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
)

var _ interpolant.Path = OU{}

// OU is the path of the Ornstein-Uhlenbeck process dX = -X dτ + dW for 0 ≤ τ ≤ Horizon, with
// τ = Horizon (1 - t):
//
//	α = e^{-τ},   σ² = (1 - e^{-2τ})/2
type OU struct {
	Horizon float64 // zero means 10 (Deveney et al. 2023)
	End     float64 // σ/α at which sampling ends; zero means 0.002
}

// At returns α, σ and their time derivatives.
func (p OU) At(t float64) interpolant.Coeffs {
	h := or(p.Horizon, 10)
	tau := h * (1 - t)
	a, s := math.Exp(-tau), math.Sqrt(-math.Expm1(-2*tau)/2)
	return interpolant.Coeffs{Alpha: a, Sigma: s, DAlpha: h * a, DSigma: -h * a * a / (2 * s)}
}

// Time returns the t at which log(α/σ) = logSNR: (σ/α)² = (e^{2τ} - 1)/2.
func (p OU) Time(logSNR float64) float64 {
	tau := math.Log1p(2*math.Exp(-2*logSNR)) / 2
	return min(max(1-tau/or(p.Horizon, 10), 0), 1)
}

// Span returns 0 and the time where σ/α = End.
func (p OU) Span() (t0, t1 float64) { return 0, p.Time(-math.Log(or(p.End, 0.002))) }
