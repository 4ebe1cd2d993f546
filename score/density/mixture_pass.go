package density

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// pass runs over all components for the points x of a tile, writes the quantity into
// dst and leaves the largest logit and the normaliser of each point in w. One sweep
// over blocks of components keeps the running maximum of the logits and rescales the
// sums when it grows.
func (g *gaussians) pass(w *work, dst, x []float64, what quantity) {
	d, n := g.d, len(x)/g.d
	acc := w.acc[:len(x)]
	clear(acc)
	g.measure(w, x)
	for lo := 0; lo < g.k; lo += g.block {
		if g.eig == nil {
			g.manyBlock(w, acc, x, lo, what)
			continue
		}
		for i := range n {
			if g.far(w, i, lo, max(w.floor[i], w.top[i])) {
				continue
			}
			q, top := g.logits(w, x, i, lo)
			a := acc[i*d : (i+1)*d]
			w.raise(i, top, a)
			w.z[i] += simd.ExpSum(q, w.top[i], cutoff)
			if what != density {
				g.gather(w, a, q, lo, what)
			}
		}
	}
	for i := range n {
		g.finish(w, dst, x, i, what)
	}
}

// raise takes a logit of point i into its largest, and rescales the sums if that grows.
func (w *work) raise(i int, top float64, acc []float64) {
	if !(top > w.top[i]) {
		return
	}
	f := math.Exp(w.top[i] - top)
	w.top[i] = top
	w.z[i] *= f
	w.prs[i] *= f
	w.gain[i] *= f
	for j := range acc {
		acc[j] *= f
	}
}

// jacobian writes (∂D/∂x) v, or tr ∂D/∂x if v is nil, after a pass for the denoiser
// into w.mean, by a second sweep:
//
//	∂D/∂x = Σ r_k [αC_kS_k⁻¹ + (α/σ²) u_k u_kᵀ],   u_k = m_k - D
func (g *gaussians) jacobian(w *work, dst, x, v []float64) {
	clear(dst)
	d, n := g.d, len(x)/g.d
	size := len(dst) / n
	f := w.alpha / (w.sigma * w.sigma)
	for lo := 0; lo < g.k; lo += g.block {
		for i := range n {
			xi, mean, out := x[i*d:(i+1)*d], w.mean[i*d:(i+1)*d], dst[i*size:(i+1)*size]
			if g.far(w, i, lo, w.top[i]) {
				continue
			}
			q, _ := g.logits(w, x, i, lo)
			simd.ExpSum(q, w.top[i], cutoff)
			for k, e := range q {
				if e == 0 {
					continue
				}
				r := e / w.z[i]
				if v == nil {
					s := 0.0
					gain := g.deviate(w, xi, mean, lo, k)
					for _, u := range w.u {
						s += u * u
					}
					out[0] += r * (gain + f*s)
					continue
				}
				vi := v[i*d : (i+1)*d]
				g.deviate(w, xi, mean, lo, k)
				s := 0.0
				for j, u := range w.u {
					s += u * vi[j]
				}
				s *= f * r
				for j, u := range w.u {
					out[j] += s * u
				}
				g.addGain(w, out, vi, lo+k, r)
			}
		}
	}
}

// measure readies the sums of a tile's points. It finds a floor of each point's
// largest logit, and whether its squared distances may be expanded into
// |x|² - 2αx·μ + α²|μ|², whose error in a logit is about eps·(|x|² + α²|μ|²)/s².
func (g *gaussians) measure(w *work, x []float64) {
	d := g.d
	for i := range len(x) / d {
		xi := x[i*d : (i+1)*d]
		w.top[i], w.z[i], w.prs[i], w.gain[i] = math.Inf(-1), 0, 0, 0
		g.bounds(w, xi, i)
		w.expand[i] = false
		if g.eig == nil {
			s := 0.0
			for _, v := range xi {
				s += v * v
			}
			w.sq[i] = s
			w.expand[i] = 2e-16*(s+w.alpha*w.alpha*g.most2) < 1e-10*w.s2
		}
	}
}

// bounds writes what the logits of each block at the point i do not exceed, and what the
// largest is sure to reach.
func (g *gaussians) bounds(w *work, x []float64, i int) {
	w.floor[i] = math.Inf(-1)
	if w.reach == nil {
		return
	}
	n := len(g.radii)
	w.from[0], w.to[0] = x, w.reach[i*n:(i+1)*n]
	clear(w.to[0])
	w.products.AddSquares(w.to[:], w.from[:], g.balls, n, n, w.alpha)
	w.floor[i] = w.balls.Reach(w.to[0], w.alpha)
}

// far reports whether all of the block from lo on lies below the cutoff for the point i,
// whose largest logit is at least top.
func (g *gaussians) far(w *work, i, lo int, top float64) bool {
	return w.reach != nil && w.reach[i*len(g.radii)+lo/g.block] < top+cutoff
}
