package inverse

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/seed-dea4846a/sampler/score/density"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A basis is an orthogonal d×d matrix V that is applied and never formed. Neither dst
// overlaps its input.
type basis interface {
	V(dst, v []float64)
	VT(dst, x []float64)
}

// reflectors are an orthogonal matrix H_1 H_2 … H_m, H_j = I - 2 v_j v_jᵀ, whose first m
// columns are given orthonormal ones up to their signs, which are kept beside it.
type reflectors struct {
	d     int
	v     []float64 // unit vectors, a row each; those of H_j begin with j zeros
	signs []float64
}

// newReflectors completes the orthonormal columns of w to a basis (Householder 1958).
func newReflectors(w *mat.Dense) *reflectors {
	d, m := w.Dims()
	r := &reflectors{d: d, v: make([]float64, m*d), signs: make([]float64, m)}
	col := make([]float64, d)
	for j := range m {
		mat.Col(col, j, w)
		for i := range j {
			reflect(col[i:], r.v[i*d+i:(i+1)*d])
		}
		// What is left of the column is ± the unit vector e_j, rotated in the last d-j.
		v := r.v[j*d+j : (j+1)*d]
		copy(v, col[j:])
		size := floats.Norm(v, 2)
		r.signs[j] = -math.Copysign(1, v[0])
		v[0] -= r.signs[j] * size
		floats.Scale(1/floats.Norm(v, 2), v)
	}
	return r
}

// reflect writes (I - 2 v vᵀ) x over x.
func reflect(x, v []float64) { floats.AddScaled(x, -2*floats.Dot(v, x), v) }

// V writes V v.
func (r *reflectors) V(dst, v []float64) {
	copy(dst, v)
	for j, s := range r.signs {
		dst[j] *= s
	}
	for j := len(r.signs) - 1; j >= 0; j-- {
		reflect(dst[j:], r.v[j*r.d+j:(j+1)*r.d])
	}
}

// VT writes Vᵀ x.
func (r *reflectors) VT(dst, x []float64) {
	copy(dst, x)
	for j := range r.signs {
		reflect(dst[j:], r.v[j*r.d+j:(j+1)*r.d])
	}
	for j, s := range r.signs {
		dst[j] *= s
	}
}

// rotated is the law of V ξ for a mixture ξ: noise is the same in all directions, so all
// that is exact for ξ is so for V ξ.
type rotated struct {
	mix  *density.Mixture
	b    basis
	pool sync.Pool // *[2][]float64
}

func newRotated(mix *density.Mixture, b basis) *rotated {
	r := &rotated{mix: mix, b: b}
	r.pool.New = func() any { return new([2][]float64) }
	return r
}

// back writes Vᵀx of each point into scratch.
func (r *rotated) back(buf *[]float64, x []float64) []float64 {
	s := room(buf, len(x))
	for d, lo := r.mix.Dim(), 0; lo < len(x); lo += d {
		r.b.VT(s[lo:lo+d], x[lo:lo+d])
	}
	return s
}

// forth writes V ξ of each point.
func (r *rotated) forth(dst, xi []float64) {
	for d, lo := r.mix.Dim(), 0; lo < len(xi); lo += d {
		r.b.V(dst[lo:lo+d], xi[lo:lo+d])
	}
}

func (r *rotated) Dim() int { return r.mix.Dim() }

func (r *rotated) Rand(dst []float64, rng *rand.Rand) {
	w := r.pool.Get().(*[2][]float64)
	xi := room(&w[0], len(dst))
	r.mix.Rand(xi, rng)
	r.forth(dst, xi)
	r.pool.Put(w)
}

func (r *rotated) Denoise(dst, x []float64, alpha, sigma float64) {
	w := r.pool.Get().(*[2][]float64)
	xi, out := r.back(&w[0], x), room(&w[1], len(x))
	r.mix.Denoise(out, xi, alpha, sigma)
	r.forth(dst, out)
	r.pool.Put(w)
}

func (r *rotated) Score(dst, x []float64, alpha, sigma float64) {
	w := r.pool.Get().(*[2][]float64)
	xi, out := r.back(&w[0], x), room(&w[1], len(x))
	r.mix.Score(out, xi, alpha, sigma)
	r.forth(dst, out)
	r.pool.Put(w)
}

func (r *rotated) JVP(dst, x, v []float64, alpha, sigma float64) {
	w := r.pool.Get().(*[2][]float64)
	xi, u := r.back(&w[0], x), r.back(&w[1], v)
	r.mix.JVP(dst, xi, u, alpha, sigma)
	copy(u, dst)
	r.forth(dst, u)
	r.pool.Put(w)
}

func (r *rotated) LogProb(dst, x []float64, alpha, sigma float64) {
	w := r.pool.Get().(*[2][]float64)
	r.mix.LogProb(dst, r.back(&w[0], x), alpha, sigma)
	r.pool.Put(w)
}

func (r *rotated) Divergence(dst, x []float64, alpha, sigma float64) {
	w := r.pool.Get().(*[2][]float64)
	r.mix.Divergence(dst, r.back(&w[0], x), alpha, sigma)
	r.pool.Put(w)
}

func (r *rotated) CleanLogProb(dst, x []float64) {
	w := r.pool.Get().(*[2][]float64)
	r.mix.CleanLogProb(dst, r.back(&w[0], x))
	r.pool.Put(w)
}

func room(buf *[]float64, n int) []float64 {
	if cap(*buf) < n {
		*buf = make([]float64, n)
	}
	return (*buf)[:n]
}

// Mean fills mean.
func (r *rotated) Mean(mean []float64) {
	xi := make([]float64, len(mean))
	r.mix.Mean(xi)
	r.b.V(mean, xi)
}

// Cov fills cov with V C Vᵀ.
func (r *rotated) Cov(cov []float64) {
	d := r.mix.Dim()
	c := make([]float64, d*d)
	r.mix.Cov(c)
	r.forth(cov, c) // rows: C Vᵀ
	for i := range d {
		for j := range d {
			c[j*d+i] = cov[i*d+j]
		}
	}
	r.forth(cov, c)
}

// Modes returns the weights, centres and common radius of the components.
func (r *rotated) Modes() (weights, centres []float64, radius float64) {
	weights, xi, radius := r.mix.Modes()
	centres = make([]float64, len(xi))
	r.forth(centres, xi)
	return weights, centres, radius
}
