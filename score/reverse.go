package score

import (
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/sde"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

var _ sde.Semilinear = (*Reverse)(nil)

// Reverse is the generative process of a model on a path, an sde.Process with any
// amount of noise:
//
//	dX = (u + ½g² s) dt + g dW,   u the probability flow, s the score
//
// For every g(t) ≥ 0 its marginals are those of x_t (Song et al. 2021, appendix D.1;
// Albergo et al. 2023, corollary 5). The noise is a constant η times the natural
// diffusion of the path,
//
//	g = η g_nat,   g_nat² = 2σ² λ̇,   λ = log(α/σ),
//
// so η = 0 is the flow and η = 1 the exact reversal of the forward noising process; or
// η is any function of λ, or g any function of t. In this form
//
//	drift = (σ̇/σ - κ) x + (α̇ - ασ̇/σ + κα) D,   κ = g²/(2σ²) = η² λ̇
//
// It is defined where σ(t) > 0 and, unless the noise vanishes, α(t) > 0.
type Reverse struct {
	Path  interpolant.Path
	Model Denoiser
	Eta   float64                      // noise as a multiple of the natural diffusion
	EtaOf func(logSNR float64) float64 // if not nil, η(λ) in place of Eta
	G     func(t float64) float64      // if not nil, g(t) in place of η g_nat
}

// Dim returns the dimension of a point.
func (r *Reverse) Dim() int { return r.Model.Dim() }

// Drift writes u + ½g² s.
func (r *Reverse) Drift(dst, x []float64, t float64) {
	c := r.Path.At(t)
	a, b := velocity(c)
	if k := r.kappa(c, t); k != 0 {
		a -= k
		b += k * c.Alpha
	}
	r.Model.Denoise(dst, x, c.Alpha, c.Sigma)
	simd.Combine2(dst, a, x, b, dst)
}

// Diffusion returns g(t).
func (r *Reverse) Diffusion(t float64) float64 {
	if r.G != nil {
		return r.G(t)
	}
	c := r.Path.At(t)
	eta := r.eta(c)
	if eta == 0 {
		return 0
	}
	return eta * NaturalDiffusion(c)
}

// eta returns η where g is not given directly.
func (r *Reverse) eta(c interpolant.Coeffs) float64 {
	if r.EtaOf != nil {
		return r.EtaOf(c.LogSNR())
	}
	return r.Eta
}

// EtaAt returns η at a log-SNR; with Noise, Time and Denoise it makes a Reverse an
// sde.Semilinear.
func (r *Reverse) EtaAt(logSNR float64) float64 {
	switch {
	case r.G != nil:
		t := r.Path.Time(logSNR)
		c := r.Path.At(t)
		return math.Sqrt(r.kappa(c, t) / logSNRRate(c))
	case r.EtaOf != nil:
		return r.EtaOf(logSNR)
	}
	return r.Eta
}

// Noise returns α and σ at a time.
func (r *Reverse) Noise(t float64) (alpha, sigma float64) {
	c := r.Path.At(t)
	return c.Alpha, c.Sigma
}

// Time returns the time at which log(α/σ) = logSNR.
func (r *Reverse) Time(logSNR float64) float64 { return r.Path.Time(logSNR) }

// Denoise writes the model's D(x; α, σ).
func (r *Reverse) Denoise(dst, x []float64, alpha, sigma float64) {
	r.Model.Denoise(dst, x, alpha, sigma)
}

// Err returns the model's first error if it keeps one.
func (r *Reverse) Err() error { return modelErr(r.Model) }

// kappa returns g²/(2σ²).
func (r *Reverse) kappa(c interpolant.Coeffs, t float64) float64 {
	if r.G != nil {
		g := r.G(t) / c.Sigma
		return g * g / 2
	}
	if eta := r.eta(c); eta != 0 {
		return eta * eta * logSNRRate(c)
	}
	return 0
}
