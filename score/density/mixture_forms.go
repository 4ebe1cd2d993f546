package density

import "math"

// What differs between isotropic components, S = s²I, and wide ones, C = QᵀΛQ: with
// z = Q(x - αμ) the squared distance is Σ z_i²/(α²λ_i + σ²).

// logits writes the logits of point i for the block of components from lo on into q, and
// returns the largest. It leaves z of wide components in w.white.
func (g *gaussians) logits(w *work, x []float64, i, lo int) (q []float64, top float64) {
	if g.eig == nil {
		w.many.rows = append(w.many.rows[:0], i)
		return g.manyLogits(w, x, lo)
	}
	q = w.q[:min(g.block, g.k-lo)]
	g.whiten(w, q, x[i*g.d:(i+1)*g.d], lo)
	top = math.Inf(-1)
	for k, c := range w.logC[lo : lo+len(q)] {
		l := c - q[k]/2
		q[k] = l
		if l > top {
			top = l
		}
	}
	return q, top
}

// whiten writes z of a block of wide components into w.white, and z·S⁻¹z into q.
func (g *gaussians) whiten(w *work, q, x []float64, lo int) {
	d := g.d
	if d == 2 && g.vec != nil {
		x0, x1 := x[0], x[1]
		for k := range q {
			m, v := g.mu[2*(lo+k):][:2], g.vec[4*(lo+k):][:4]
			p, z := w.prec[2*(lo+k):][:2], w.white[2*k:][:2]
			a, b := x0-w.alpha*m[0], x1-w.alpha*m[1]
			z0, z1 := a*v[0]+b*v[1], a*v[2]+b*v[3]
			z[0], z[1] = z0, z1
			q[k] = p[0]*z0*z0 + p[1]*z1*z1
		}
		return
	}
	for k := range q {
		z := w.white[k*d : (k+1)*d]
		u := z
		if g.vec != nil {
			u = w.u
		}
		for j, m := range g.mu[(lo+k)*d:][:d] {
			u[j] = x[j] - w.alpha*m
		}
		if g.vec != nil {
			dots(z, u, g.vec[(lo+k)*d*d:][:d*d])
		}
		s := 0.0
		for j, p := range w.prec[(lo+k)*d:][:d] {
			s += p * z[j] * z[j]
		}
		q[k] = s
	}
}

// gather adds a block's share of a point of wide components to its denoiser or score.
func (g *gaussians) gather(w *work, acc, e []float64, lo int, what quantity) {
	d := g.d
	if what == denoiser {
		combine(acc, e, g.mu[lo*d:(lo+len(e))*d])
	}
	for k, r := range e {
		if r == 0 {
			continue
		}
		c := lo + k
		for j, z := range w.white[k*d : (k+1)*d] {
			f := -1.0
			if what == denoiser {
				f = w.alpha * g.eig[c*d+j]
			}
			w.y[j] = r * f * w.prec[c*d+j] * z
		}
		g.turnBack(acc, w.y, c)
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
func (g *gaussians) finish(w *work, dst, x []float64, i int, what quantity) {
	if what == density {
		return
	}
	d := g.d
	a, b := 1/w.z[i], 0.0
	if g.eig == nil {
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
	for j := i * d; j < (i+1)*d; j++ {
		dst[j] = a*w.acc[j] + b*x[j]
	}
}

// deviate writes m_k - D of component lo+k into w.u and returns tr αCS⁻¹. The logits of
// the block have just been computed for x.
func (g *gaussians) deviate(w *work, x, mean []float64, lo, k int) (gain float64) {
	d, c := g.d, lo+k
	mu := g.mu[c*d : (c+1)*d]
	if g.eig == nil {
		shape := c % len(g.vars)
		p, v := w.prec[shape], g.vars[shape]
		a, b := w.sigma*w.sigma*p, w.alpha*v*p
		for j, m := range mu {
			w.u[j] = a*m + b*x[j] - mean[j]
		}
		return float64(d) * b
	}
	for j, z := range w.white[k*d : (k+1)*d] {
		f := w.alpha * g.eig[c*d+j] * w.prec[c*d+j]
		gain += f
		w.u[j] = mu[j] - mean[j]
		w.y[j] = f * z
	}
	g.turnBack(w.u, w.y, c)
	return gain
}

// addGain adds r·αCS⁻¹v of component c to dst.
func (g *gaussians) addGain(w *work, dst, v []float64, c int, r float64) {
	d := g.d
	if g.eig == nil {
		shape := c % len(g.vars)
		f := r * w.alpha * g.vars[shape] * w.prec[shape]
		for j, u := range v {
			dst[j] += f * u
		}
		return
	}
	t := v
	if g.vec != nil {
		t = w.t
		dots(t, v, g.vec[c*d*d:(c+1)*d*d])
	}
	for j, u := range t {
		w.y[j] = r * w.alpha * g.eig[c*d+j] * w.prec[c*d+j] * u
	}
	g.turnBack(dst, w.y, c)
}

// turnBack adds Qᵀy of component c to dst.
func (g *gaussians) turnBack(dst, y []float64, c int) {
	if g.vec != nil {
		combine(dst, y, g.vec[c*g.d*g.d:(c+1)*g.d*g.d])
		return
	}
	for j, v := range y {
		dst[j] += v
	}
}
