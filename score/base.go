package score

import (
	"math"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/interpolant"
)

// NaturalDiffusion returns g_nat = σ √(2λ̇), the noise of the forward process whose
// marginals are the path's.
func NaturalDiffusion(c interpolant.Coeffs) float64 {
	return c.Sigma * math.Sqrt(2*logSNRRate(c))
}

// logSNRRate returns λ̇ = α̇/α - σ̇/σ.
func logSNRRate(c interpolant.Coeffs) float64 { return c.DAlpha/c.Alpha - c.DSigma/c.Sigma }

// A Base is the distribution from which sampling starts.
type Base interface {
	// Rand fills dst, one point, with a draw.
	Rand(dst []float64, rng *rand.Rand)
	// LogProb writes the log-density in nats, one value a point of dimension dim.
	LogProb(dst, x []float64, dim int)
}

// Normal is the base N(0, Std² I).
type Normal struct{ Std float64 }

// BaseOf returns the base of a path that starts at t0: N(0, σ(t0)² I), as all of the
// literature does. It is the exact law of x_t0 if α(t0) = 0 (Cond-OT, trigonometric,
// cosine); otherwise it lacks the data's share α x₁, and the samples inherit a relative
// error of about α|E x₁|/σ in the mean and (α²/σ²) Var x₁ / 2 in the scale.
func BaseOf(p interpolant.Path, t0 float64) Normal { return Normal{Std: p.At(t0).Sigma} }

// Rand fills dst with a draw.
func (b Normal) Rand(dst []float64, rng *rand.Rand) {
	for i := range dst {
		dst[i] = b.Std * rng.NormFloat64()
	}
}

// LogProb writes log N(x; 0, Std² I).
func (b Normal) LogProb(dst, x []float64, dim int) {
	c := -float64(dim) * (math.Log(b.Std) + math.Log(2*math.Pi)/2)
	for i := range dst {
		sum := 0.0
		for _, v := range x[i*dim : (i+1)*dim] {
			v /= b.Std
			sum += v * v
		}
		dst[i] = c - sum/2
	}
}
