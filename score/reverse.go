package score

import (
	"github.com/seed-dea4846a/sampler/interpolant"
)

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
// any function G of t. In this form
//
//	drift = (σ̇/σ - κ) x + (α̇ - ασ̇/σ + κα) D,   κ = g²/(2σ²) = η² λ̇
//
// It is defined where σ(t) > 0 and, unless the noise vanishes, α(t) > 0.
type Reverse struct {
	Path  interpolant.Path
	Model Denoiser
	Eta   float64                 // noise as a multiple of the natural diffusion
	G     func(t float64) float64 // if not nil, g(t) in place of η g_nat
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
	for i, xi := range x {
		dst[i] = a*xi + b*dst[i]
	}
}

// Diffusion returns g(t).
func (r *Reverse) Diffusion(t float64) float64 {
	if r.G != nil {
		return r.G(t)
	}
	if r.Eta == 0 {
		return 0
	}
	return r.Eta * NaturalDiffusion(r.Path.At(t))
}

// Err returns the model's first error if it keeps one.
func (r *Reverse) Err() error { return modelErr(r.Model) }

// kappa returns g²/(2σ²).
func (r *Reverse) kappa(c interpolant.Coeffs, t float64) float64 {
	switch {
	case r.G != nil:
		g := r.G(t) / c.Sigma
		return g * g / 2
	case r.Eta == 0:
		return 0
	default:
		return r.Eta * r.Eta * logSNRRate(c)
	}
}
