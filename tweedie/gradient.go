package tweedie

import "gonum.org/v1/gonum/floats"

// The third derivatives of log p are symmetric in all indices, so the gradient of
// vᵀ(∂D/∂x)v is the derivative of (∂D/∂x)v along v: two products of the Jacobian give all
// of its coordinates, whatever the dimension.

// TraceGrad writes ∇ tr Cov[x₁|x] by the sum over the d unit vectors of
//
//	∇ vᵀCov v ≈ (Cov(x + h v) - Cov(x - h v)) v/2h,   h = 6e-6 σ
//
// with 2d products and a relative error of about 1e-10, growing like 1/σ. If the model is
// no score.JVPer the second difference of D stands in for that of Cov, with h = 1e-4 σ
// and an error near 1e-7.
func (p *Posterior) TraceGrad(dst, x []float64, alpha, sigma float64) {
	p.check(len(dst), len(x), alpha)
	d := p.Dim()
	w := p.borrow(len(x))
	v := w.take(len(x))
	clear(v)
	clear(dst)
	for j := range d {
		for i := j; i < len(x); i += d {
			v[i] = 1
		}
		p.addAlong(dst, nil, x, v, alpha, sigma)
		for i := j; i < len(x); i += d {
			v[i] = 0
		}
	}
	p.pool.Put(w)
}

// TraceGradEstimate estimates ∇ tr Cov[x₁|x] by the mean over random signs v of the
// differences in TraceGrad, two products a probe, without bias beyond theirs. stderr
// receives the standard error of each coordinate.
//
// The gradient of the trace that STSL descends (Rout et al. 2024, arXiv 2312.00852) is
//
//	∇ tr ∇² log p = (α²/σ⁴) ∇ tr Cov.
func (p *Posterior) TraceGradEstimate(dst, stderr, x []float64, alpha, sigma float64, q Probes) {
	p.check(len(dst), len(x), alpha)
	d, n := p.Dim(), q.count()
	w := p.borrow(len(x))
	v := w.take(len(x))
	clear(dst)
	clear(stderr)
	for k := range n {
		q.signs(v, d, uint64(k))
		p.addAlong(dst, stderr, x, v, alpha, sigma)
	}
	for i := range dst {
		dst[i], stderr[i] = meanError(dst[i], stderr[i], n)
	}
	p.pool.Put(w)
}

// addAlong adds the gradient of vᵀCov v to sum, and its square to squares
// if that is not nil.
func (p *Posterior) addAlong(sum, squares, x, v []float64, alpha, sigma float64) {
	w := p.borrow(3 * len(x))
	at, up, down := w.take(len(x)), w.take(len(x)), w.take(len(x))
	f, second := p.Model.(*Differences)
	step := 6e-6 * sigma // eps^(1/3)
	if second {
		step = 1e-4 * sigma // eps^(1/4)
		if f.Step != 0 {
			step = f.Step * sigma
		}
	}
	d := p.Dim()
	move := func(dst []float64, side float64) {
		for lo := 0; lo < len(x); lo += d {
			h := side * step / length(v[lo:lo+d])
			floats.AddScaledTo(at[lo:lo+d], x[lo:lo+d], h, v[lo:lo+d])
		}
		if second {
			p.Denoise(dst, at, alpha, sigma)
			return
		}
		p.JVP(dst, at, v, alpha, sigma)
	}
	move(up, 1)
	move(down, -1)
	if second {
		p.Denoise(at, x, alpha, sigma)
	}
	for lo := 0; lo < len(x); lo += d {
		h := step / length(v[lo:lo+d])
		for i := lo; i < lo+d; i++ {
			var g float64
			if second {
				g = (up[i] - 2*at[i] + down[i]) / (h * h)
			} else {
				g = (up[i] - down[i]) / (2 * h)
			}
			g *= sigma * sigma / alpha
			sum[i] += g
			if squares != nil {
				squares[i] += g * g
			}
		}
	}
	p.pool.Put(w)
}
