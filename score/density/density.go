// Package density holds target densities that are exact under Gaussian noise: for
//
//	x = α·x₁ + σ·z,   x₁ ~ target,   z ~ N(0, I),
//
// each knows the log-density of x, its score, the denoiser D(x; α, σ) = E[x₁ | x],
// and the derivatives of D, in closed form or by a quadrature whose error is
// stated. They are the truth against which samplers are measured.
//
// Identities that hold for every target:
//
//	∇ log p(x) = (αD - x)/σ²
//	∂D/∂x      = (α/σ²) Cov[x₁ | x]     (symmetric)
package density

import "math/rand/v2"

// A Target is a density that is exact under Gaussian noise. Points are flat: x holds
// n points of dimension d = Dim(), one after another. All methods are safe for
// concurrent use, never change or keep x, treat each point by itself, and allocate
// nothing once warm. dst does not overlap x or v. α ≥ 0 and σ > 0; the methods stay
// accurate from σ/α = 1e-3 to 1e3 and finite far beyond, and α = 0 gives the prior
// mean.
type Target interface {
	Dim() int
	// Rand fills dst, one point, with an exact draw.
	Rand(dst []float64, rng *rand.Rand)
	// Denoise writes E[x₁ | x].
	Denoise(dst, x []float64, alpha, sigma float64)
	// Score writes ∇ log p(x).
	Score(dst, x []float64, alpha, sigma float64)
	// LogProb writes log p(x) in nats, one value a point.
	LogProb(dst, x []float64, alpha, sigma float64)
	// JVP writes (∂D/∂x) v.
	JVP(dst, x, v []float64, alpha, sigma float64)
	// Divergence writes tr ∂D/∂x, one value a point.
	Divergence(dst, x []float64, alpha, sigma float64)
}

// A Momenter is a Target that knows its mean and covariance.
type Momenter interface {
	// Mean fills mean, d values.
	Mean(mean []float64)
	// Cov fills cov, d×d values, row after row.
	Cov(cov []float64)
}

// A Moder is a Target made of modes, for measuring mode weights and coverage.
type Moder interface {
	// Modes returns the weights (sum 1), the centres (one a row, flat), and the
	// radius within which a point counts as belonging to a mode's bulk.
	Modes() (weights, centres []float64, radius float64)
}

// A CleanLogProber is a Target whose log-density without noise is known.
type CleanLogProber interface {
	// CleanLogProb writes log p₁(x), which may be -Inf, one value a point.
	CleanLogProb(dst, x []float64)
}
