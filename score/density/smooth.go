package density

import (
	"math"
	"math/rand/v2"
)

// smooth is the law of y + τn, n ~ N(0, I), for a target y.
type smooth struct {
	Target
	tau float64
}

// smoothMoments is a smooth whose inner target knows its moments.
type smoothMoments struct {
	smooth
	inner Momenter
}

// Smooth returns the law of y + τn, where y ~ target and n ~ N(0, I). It is exact
// under noise: x = α(y + τn) + σz is y seen through noise s² = α²τ² + σ², so that
// log p and the score are those of the target at (α, s), and with the target's
// denoiser ŷ = E[y | x] and c = ατ²/s²
//
//	D     = ŷ + c(x - αŷ)
//	∂D/∂x = (σ²/s²) ∂ŷ/∂x + cI
//
// The result is a CleanLogProber, and a Momenter if target is. Smooth panics unless
// τ > 0.
func Smooth(target Target, tau float64) Target {
	if !(tau > 0) || math.IsInf(tau, 1) {
		panic("density: Smooth needs a finite width above 0")
	}
	s := smooth{target, tau}
	if m, ok := target.(Momenter); ok {
		return &smoothMoments{s, m}
	}
	return &s
}

// at returns s, c and 1 - cα = σ²/s².
func (t *smooth) at(alpha, sigma float64) (s, c, rest float64) {
	s = math.Hypot(sigma, alpha*t.tau)
	a, b := alpha*t.tau/s, sigma/s
	return s, a * t.tau / s, b * b
}

func (t *smooth) Rand(dst []float64, rng *rand.Rand) {
	t.Target.Rand(dst, rng)
	for i := range dst {
		dst[i] += t.tau * rng.NormFloat64()
	}
}

func (t *smooth) Denoise(dst, x []float64, alpha, sigma float64) {
	s, c, rest := t.at(alpha, sigma)
	t.Target.Denoise(dst, x, alpha, s)
	for i := range dst {
		dst[i] = rest*dst[i] + c*x[i]
	}
}

func (t *smooth) Score(dst, x []float64, alpha, sigma float64) {
	s, _, _ := t.at(alpha, sigma)
	t.Target.Score(dst, x, alpha, s)
}

func (t *smooth) LogProb(dst, x []float64, alpha, sigma float64) {
	s, _, _ := t.at(alpha, sigma)
	t.Target.LogProb(dst, x, alpha, s)
}

func (t *smooth) JVP(dst, x, v []float64, alpha, sigma float64) {
	s, c, rest := t.at(alpha, sigma)
	t.Target.JVP(dst, x, v, alpha, s)
	for i := range dst {
		dst[i] = rest*dst[i] + c*v[i]
	}
}

func (t *smooth) Divergence(dst, x []float64, alpha, sigma float64) {
	s, c, rest := t.at(alpha, sigma)
	t.Target.Divergence(dst, x, alpha, s)
	for i := range dst {
		dst[i] = rest*dst[i] + c*float64(t.Dim())
	}
}

// CleanLogProb writes log p₁(x), one value a point.
func (t *smooth) CleanLogProb(dst, x []float64) { t.Target.LogProb(dst, x, 1, t.tau) }

func (t *smoothMoments) Mean(mean []float64) { t.inner.Mean(mean) }

func (t *smoothMoments) Cov(cov []float64) {
	t.inner.Cov(cov)
	for i := range t.Dim() {
		cov[i*(t.Dim()+1)] += t.tau * t.tau
	}
}
