package density

import "math"

// cutoff is the logarithm of the relative weight below which a component is nothing:
// a million of them together stay below e⁻⁴⁶ ~ 1e-20, well under the rounding.
const cutoff = -60

// pass runs over all components for the points x of a tile, writes the quantity into
// dst and leaves the largest logit and the normaliser of each point in w. One sweep
// over blocks of components keeps the running maximum of the logits and rescales the
// sums when it grows.
func (g *gaussians) pass(w *work, dst, x []float64, what quantity) {
	n := len(x) / g.d
	clear(w.acc[:n*g.width()])
	g.measure(w, x)
	if what != density && g.isAffine() {
		g.tabulate(w, what)
	}
	for lo := 0; lo < g.k; lo += g.block {
		g.addBlock(w, x, lo, what)
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

// finish turns the sums of point i into the quantity. For isotropic components they are
//
//	Σ q_k μ_k,   Σ q_k = w.prs,   Σ q_k v_k = w.gain,   q_k = e_k/s_k²
//
// with the factor 1/s² left out if it is one for all, and with r_k in place of e_k:
//
//	D       = σ² Σ q_k μ_k + α(Σ q_k v_k) x
//	∇ log p = α Σ q_k μ_k - (Σ q_k) x
//
// For the others they are that of the quantity's coefficients or of the quantity.
func (g *gaussians) finish(w *work, dst, x []float64, i int, what quantity) {
	if what == density {
		return
	}
	d, width := g.d, g.width()
	xi, out, row := x[i*d:(i+1)*d], dst[i*d:(i+1)*d], w.acc[i*width:(i+1)*width]
	a, b := 1/w.z[i], 0.0
	switch {
	case g.isAffine():
		copy(out, row)
		g.turn(out, row, xi)
		for j := range out {
			out[j] *= a
		}
		return
	case g.eig == nil:
		prs, gain := w.prs[i]*a, w.gain[i]*a
		if len(g.vars) == 1 {
			a *= w.prec[0]
			prs, gain = w.prec[0], g.vars[0]*w.prec[0]
		}
		if what == denoiser {
			a, b = w.sigma*w.sigma*a, w.alpha*gain
		} else {
			a, b = w.alpha*a, -prs
		}
	}
	for j, v := range row {
		out[j] = a*v + b*xi[j]
	}
}

// jacobian writes (∂D/∂x) v, or tr ∂D/∂x if v is nil, after a pass for the denoiser
// into w.mean, by a second sweep:
//
//	∂D/∂x = Σ r_k [αC_kS_k⁻¹ + (α/σ²) u_k u_kᵀ],   u_k = m_k - D
//
// Differences from D come before squares, so that none cancel where one component holds nearly
// all.
func (g *gaussians) jacobian(w *work, dst, x, v []float64) {
	clear(dst)
	n := len(x) / g.d
	g.gains(w, dst, v, n)
	for lo := 0; lo < g.k; lo += g.block {
		if g.k > g.block { // the weights of a single block still stand
			if !g.choose(w, n, lo) {
				continue
			}
			g.logits(w, x, lo)
			for _, i := range w.many.rows {
				g.weigh(w, i, lo)
			}
		}
		switch {
		case g.eig == nil:
			g.manySpread(w, dst, x, v, lo)
		case g.vec == nil:
			g.diagonalSpread(w, dst, x, v, lo)
		case g.isAffine():
			g.affineSpread(w, dst, x, v, lo)
		default:
			g.fullSpread(w, dst, x, v, lo)
		}
	}
}

// gains writes Σ r_k αC_kS_k⁻¹v of each point, or the trace if v is nil, but for full
// components.
func (g *gaussians) gains(w *work, dst, v []float64, n int) {
	d, size := g.d, len(dst)/n
	for i := range n {
		out := dst[i*size : (i+1)*size]
		var vi []float64
		if v != nil {
			vi = v[i*d : (i+1)*d]
		}
		switch {
		case g.isAffine():
			g.affineGain(w, out, vi, i)
		case g.eig == nil:
			g.manyGain(w, out, vi, i)
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
