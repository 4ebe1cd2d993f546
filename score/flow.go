package score

import (
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
)

var (
	_ ode.Semilinear = (*Flow)(nil)
	_ ode.PerPoint   = (*Flow)(nil)
)

// Flow is the probability flow of a model on a path, an ode.Field with Jacobian and
// divergence:
//
//	dx/dt = u(t, x) = (σ̇/σ) x + (α̇ - ασ̇/σ) D(x; α, σ)
//
// Its marginals are those of x_t = α x₁ + σ z (Song et al. 2021, section 4.3; Albergo et
// al. 2023, theorem 6). It is defined where σ(t) > 0.
type Flow struct {
	Path  interpolant.Path
	Model Denoiser
}

// Dim returns the dimension of a point.
func (f *Flow) Dim() int { return f.Model.Dim() }

// Eval writes the velocity.
func (f *Flow) Eval(dst, x []float64, t float64) {
	c := f.Path.At(t)
	f.Model.Denoise(dst, x, c.Alpha, c.Sigma)
	VelocityFromDenoised(dst, x, dst, c)
}

// EvalEach writes the velocity of each point at its time. A model that is no PerPoint is
// asked point by point.
func (f *Flow) EvalEach(dst, x, t []float64) {
	d, n := f.Dim(), len(t)
	s := scratches.Get().(*scratch)
	s.a, s.b, s.c = grow(s.a, n), grow(s.b, n), grow(s.c, 2*n)
	alpha, sigma, ofX, ofD := s.a[:n], s.b[:n], s.c[:n], s.c[n:][:n]
	path := f.Path
	for i, v := range t {
		c := path.At(v)
		alpha[i], sigma[i] = c.Alpha, c.Sigma
		ofX[i], ofD[i] = velocity(c)
	}
	if each, ok := f.Model.(PerPoint); ok {
		each.DenoiseEach(dst, x, alpha, sigma)
	} else {
		for i := range n {
			f.Model.Denoise(dst[i*d:(i+1)*d], x[i*d:(i+1)*d], alpha[i], sigma[i])
		}
	}
	simd.Combine2Each(dst, ofX, x, ofD, dst)
	scratches.Put(s)
}

// JVP writes (∂u/∂x) v = (σ̇/σ) v + (α̇ - ασ̇/σ) (∂D/∂x) v. If the model is no JVPer the
// derivative of D along v is a central difference over ±6e-6 σ in the direction of v;
// its relative error is about 1e-8 at σ = 0.01 and grows as 1/σ.
func (f *Flow) JVP(dst, x, v []float64, t float64) {
	c := f.Path.At(t)
	jvp(f.Model, dst, x, v, c.Alpha, c.Sigma)
	VelocityFromDenoised(dst, v, dst, c)
}

// Divergence writes tr ∂u/∂x = d σ̇/σ + (α̇ - ασ̇/σ) tr ∂D/∂x. If the model is no Diverger
// the trace is the sum of d Jacobian-vector products.
func (f *Flow) Divergence(dst, x []float64, t float64) {
	c := f.Path.At(t)
	traceJacobian(f.Model, dst, x, c.Alpha, c.Sigma)
	a, b := velocity(c)
	for i, tr := range dst {
		dst[i] = float64(f.Dim())*a + b*tr
	}
}

// Noise returns α and σ at a time; with Time and Denoise it makes a Flow an
// ode.Semilinear.
func (f *Flow) Noise(t float64) (alpha, sigma float64) {
	c := f.Path.At(t)
	return c.Alpha, c.Sigma
}

// Time returns the time at which log(α/σ) = logSNR.
func (f *Flow) Time(logSNR float64) float64 { return f.Path.Time(logSNR) }

// Denoise writes the model's D(x; α, σ).
func (f *Flow) Denoise(dst, x []float64, alpha, sigma float64) {
	f.Model.Denoise(dst, x, alpha, sigma)
}

// Err returns the model's first error if it keeps one.
func (f *Flow) Err() error { return modelErr(f.Model) }

func modelErr(m Denoiser) error {
	if e, ok := m.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// scratch holds the work space of the derivatives that the model does not offer.
type scratch struct{ a, b, c []float64 }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func grow(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// jvp writes (∂D/∂x) v, by the model or by central differences.
func jvp(m Denoiser, dst, x, v []float64, alpha, sigma float64) {
	if j, ok := m.(JVPer); ok {
		j.JVP(dst, x, v, alpha, sigma)
		return
	}
	s := scratches.Get().(*scratch)
	s.a, s.b = grow(s.a, len(x)), grow(s.b, len(x))
	d := m.Dim()
	// D varies with x on the scale σ; eps^(1/3) balances the two errors of the difference.
	step := 6e-6 * sigma
	for i := 0; i < len(x); i += d {
		h := step / norm(v[i:i+d])
		for k := i; k < i+d; k++ {
			s.a[k], s.b[k] = x[k]+h*v[k], x[k]-h*v[k]
		}
	}
	m.Denoise(dst, s.a, alpha, sigma)
	m.Denoise(s.a, s.b, alpha, sigma)
	for i := 0; i < len(x); i += d {
		h := step / norm(v[i:i+d])
		for k := i; k < i+d; k++ {
			dst[k] = (dst[k] - s.a[k]) / (2 * h)
		}
	}
	scratches.Put(s)
}

// norm returns |v|, or 1 for v = 0, whose product is 0 for any step.
func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum)
}

// traceJacobian writes tr ∂D/∂x, by the model or by d Jacobian-vector products.
func traceJacobian(m Denoiser, dst, x []float64, alpha, sigma float64) {
	if dv, ok := m.(Diverger); ok {
		dv.Divergence(dst, x, alpha, sigma)
		return
	}
	s := scratches.Get().(*scratch)
	s.b, s.c = grow(s.b, len(x)), grow(s.c, len(x))
	// s.b and s.c leave the pool with us; jvp takes a scratch of its own.
	e, je := s.b, s.c
	d := m.Dim()
	clear(dst)
	for k := range d {
		clear(e)
		for i := k; i < len(e); i += d {
			e[i] = 1
		}
		jvp(m, je, x, e, alpha, sigma)
		for i := range dst {
			dst[i] += je[i*d+k]
		}
	}
	scratches.Put(s)
}
