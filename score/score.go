// Package score joins a model and a path to a field or a process.
//
// A model is a denoiser, the posterior mean of the clean point:
//
//	D(x; α, σ) = E[x₁ | α·x₁ + σ·z = x],   z ~ N(0, I).
//
// It knows neither time nor path, so one model serves every path. The other
// predictions are linear in x and D (Tweedie's formula):
//
//	score      s = ∇ log p(x) = (αD - x)/σ²
//	noise      ε = (x - αD)/σ = -σ s
//	velocity   u = (σ̇/σ) x + (α̇ - ασ̇/σ) D
package score

// A Denoiser is the posterior mean of x₁ given x = α·x₁ + σ·z.
//
// Denoise writes D(x; α, σ) into dst for each point; len(dst) = len(x) is a multiple
// of Dim. It must not change or keep x, must be safe for concurrent use, and must
// treat each point by itself. α ≥ 0 and σ > 0. dst and x do not overlap. A model
// that can fail keeps its first error, offers it as Err() error, and writes NaN.
type Denoiser interface {
	Dim() int
	Denoise(dst, x []float64, alpha, sigma float64)
}

// What follows are extras that a Denoiser may offer, found by type assertion. The
// rules of Denoise hold for all of them.

// A Scorer knows the score ∇ log p of x = α·x₁ + σ·z.
type Scorer interface {
	Score(dst, x []float64, alpha, sigma float64)
}

// A LogProber knows the log-density of x = α·x₁ + σ·z, in nats; one value a point.
type LogProber interface {
	LogProb(dst, x []float64, alpha, sigma float64)
}

// A JVPer knows the product of its Jacobian with a vector, dst = (∂D/∂x) v.
type JVPer interface {
	JVP(dst, x, v []float64, alpha, sigma float64)
}

// A PerPoint model takes a noise level for each point: DenoiseEach writes what Denoise would
// for each point alone, to the bit; len(alpha) = len(sigma) = len(x)/Dim. Adaptive solvers
// then evaluate points together that have reached different times.
type PerPoint interface {
	DenoiseEach(dst, x, alpha, sigma []float64)
}

// A Deterministic model is one whose noise is not Gaussian, so that (αD - x)/σ² is not the
// score of its law and no stochastic sampler serves it. Deterministic says why.
type Deterministic interface {
	Deterministic() string
}

// A Diverger knows the trace of its Jacobian, tr ∂D/∂x; one value a point.
type Diverger interface {
	Divergence(dst, x []float64, alpha, sigma float64)
}
