// Package tweedie gives the law of the clean point x₁ given a noisy one, as far as a
// denoiser and its Jacobian know it. For x = α x₁ + σ z, z ~ N(0, I),
//
//	E[x₁|x]     = D(x; α, σ)
//	Cov[x₁|x]   = (σ²/α) ∂D/∂x
//	∇² log p(x) = (α² Cov[x₁|x]/σ² - I)/σ²
//
// (Tweedie's formula and its second order: Robbins 1956; Efron 2011, J. Amer. Statist.
// Assoc. 106; Meng, Song, Li and Ermon 2021, arXiv 2111.04726). No matrix is formed: the
// covariance is known by its products with vectors, one Jacobian-vector product of the
// denoiser each, and its trace and diagonal by probing it.
//
// Points are flat as in package score, n of them one after another, and all share α > 0
// and σ > 0. ∂D/∂x is symmetric for a posterior mean; a learned model may miss that, and
// then every formula here is that of its Jacobian as it stands.
package tweedie

import (
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/score"
	"gonum.org/v1/gonum/floats"
)

// A Model is a denoiser that knows the products of its Jacobian.
type Model = score.Differentiable

// ModelOf returns m itself if it is a Model, and Differences{Denoiser: m} if not.
func ModelOf(m score.Denoiser) Model {
	if model, ok := m.(Model); ok {
		return model
	}
	return &Differences{Denoiser: m}
}

// Differences gives a denoiser Jacobian-vector products by central differences along v,
//
//	(∂D/∂x) v ≈ (D(x + h u) - D(x - h u)) |v|/2h,   u = v/|v|,  h = Step·σ,
//
// two evaluations each. D varies with x on the scale σ, so the relative error is about
// Step² from the formula and eps/Step·|x|/σ from rounding, eps the relative error of D:
// 1e-8 to 1e-10 near |x| = σ in float64, growing like 1/σ.
type Differences struct {
	score.Denoiser
	Step float64 // in units of σ; zero means 6e-6 for float64. A float32 model needs about 5e-3

	pool sync.Pool
}

// JVP writes (∂D/∂x) v.
func (f *Differences) JVP(dst, x, v []float64, alpha, sigma float64) {
	step := f.Step
	if step == 0 {
		step = 6e-6 // eps^(1/3)
	}
	w, _ := f.pool.Get().(*work)
	if w == nil {
		w = new(work)
	}
	w.reset(2 * len(x))
	up, down := w.take(len(x)), w.take(len(x))
	d := f.Dim()
	for lo := 0; lo < len(x); lo += d {
		h := step * sigma / length(v[lo:lo+d])
		floats.AddScaledTo(up[lo:lo+d], x[lo:lo+d], h, v[lo:lo+d])
		floats.AddScaledTo(down[lo:lo+d], x[lo:lo+d], -h, v[lo:lo+d])
	}
	f.Denoise(dst, up, alpha, sigma)
	f.Denoise(up, down, alpha, sigma)
	for lo := 0; lo < len(x); lo += d {
		h := step * sigma / length(v[lo:lo+d])
		for k := lo; k < lo+d; k++ {
			dst[k] = (dst[k] - up[k]) / (2 * h)
		}
	}
	f.pool.Put(w)
}

// VJP writes (∂D/∂x)ᵀ u: the denoiser's own if it is a score.VJPer, and (∂D/∂x) u if not.
func (f *Differences) VJP(dst, x, u []float64, alpha, sigma float64) {
	if m, ok := f.Denoiser.(score.VJPer); ok {
		m.VJP(dst, x, u, alpha, sigma)
		return
	}
	f.JVP(dst, x, u, alpha, sigma)
}

// Err returns the denoiser's first error if it keeps one.
func (f *Differences) Err() error { return errOf(f.Denoiser) }

func errOf(m any) error {
	if e, ok := m.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// length returns |v|, or 1 for v = 0, whose product is 0 for any step.
func length(v []float64) float64 {
	if n := floats.Norm(v, 2); n > 0 {
		return n
	}
	return 1
}

// A Posterior is the law of x₁ given x up to second order. It is safe for concurrent use
// and allocates nothing once warm.
type Posterior struct {
	Model
	pool sync.Pool
}

// Of returns the posterior of a denoiser, by differences if it is no score.JVPer.
func Of(m score.Denoiser) *Posterior { return &Posterior{Model: ModelOf(m)} }

// CovMul writes Cov[x₁|x] v for each point.
func (p *Posterior) CovMul(dst, x, v []float64, alpha, sigma float64) {
	p.check(len(dst), len(x), alpha)
	p.JVP(dst, x, v, alpha, sigma)
	floats.Scale(sigma*sigma/alpha, dst)
}

// HessMul writes ∇² log p(x) v = (α (∂D/∂x) v - v)/σ² for each point.
func (p *Posterior) HessMul(dst, x, v []float64, alpha, sigma float64) {
	p.check(len(dst), len(x), alpha)
	p.JVP(dst, x, v, alpha, sigma)
	s := 1 / (sigma * sigma)
	for i, vi := range v {
		dst[i] = (alpha*dst[i] - vi) * s
	}
}

// Err returns the model's first error if it keeps one.
func (p *Posterior) Err() error { return errOf(p.Model) }

func (p *Posterior) check(dst, x int, alpha float64) {
	switch {
	case dst != x || x%p.Dim() != 0:
		panic("tweedie: dst and x do not hold the same points")
	case !(alpha > 0):
		panic("tweedie: the covariance needs a signal, α > 0")
	}
}

// work is scratch memory.
type work struct {
	buf  []float64
	used int
}

// borrow returns scratch memory for n numbers; give it back to the pool.
func (p *Posterior) borrow(n int) *work {
	w, _ := p.pool.Get().(*work)
	if w == nil {
		w = new(work)
	}
	w.reset(n)
	return w
}

func (w *work) reset(n int) {
	if cap(w.buf) < n {
		w.buf = make([]float64, n)
	}
	w.used = 0
}

func (w *work) take(n int) []float64 {
	s := w.buf[:cap(w.buf)][w.used : w.used+n : w.used+n]
	w.used += n
	return s
}

// meanError turns the sum and the sum of squares of n values into their mean and its
// standard error, NaN for a single value.
func meanError(sum, squares float64, n int) (mean, stderr float64) {
	m := float64(n)
	mean = sum / m
	if n < 2 {
		return mean, math.NaN()
	}
	return mean, math.Sqrt(max(0, squares/m-mean*mean) / (m - 1))
}
