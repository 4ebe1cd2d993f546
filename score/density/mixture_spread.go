package density

import "github.com/seed-dea4846a/sampler/internal/simd"

// The Jacobian of isotropic components in more than three dimensions. With a_k = σ²/s_k²,
// b_k = αv_k/s_k² and any c, since a_k + αb_k = 1,
//
//	u_k = m_k - D = a_k (μ_k - D) + b_k y,   y = x - αD
//
// and if the variances are shared u_k = a(μ_k - c) with c = Σ r_k μ_k. So products with v and
// sums of squares are those of the means, as are the sums of u_k that they weigh.

// manyGain writes α(Σ r_k v_k/s_k²) v of point i, or the trace.
func (g *gaussians) manyGain(w *work, out, v []float64, i int) {
	gain := w.alpha * w.gain[i] / w.z[i]
	if len(g.vars) == 1 {
		gain = w.alpha * g.vars[0] * w.prec[0]
	}
	if v == nil {
		out[0] = float64(g.d) * gain
		return
	}
	for j, u := range v {
		out[j] = gain * u
	}
}

// manySpread adds a block's share of (α/σ²) Σ r_k u_k u_kᵀv, or of the trace.
func (g *gaussians) manySpread(w *work, dst, x, v []float64, lo int) {
	m, d := w.many, g.d
	shared := len(g.vars) == 1
	// c into u, y into y
	for _, i := range m.rows {
		c := m.u[i*d : (i+1)*d]
		if shared {
			for j, s := range w.acc[i*d : (i+1)*d] {
				c[j] = s / w.z[i]
			}
			continue
		}
		copy(c, w.mean[i*d:])
		simd.Combine2(m.y[i*d:(i+1)*d], 1, x[i*d:(i+1)*d], -w.alpha, c)
	}
	if v == nil {
		g.manyTrace(w, dst, lo)
		return
	}
	g.manyTimes(w, v, lo)
	m.a, m.c = m.a[:0], m.c[:0]
	for _, i := range m.rows {
		c, vi, out := m.u[i*d:(i+1)*d], v[i*d:(i+1)*d], dst[i*d:(i+1)*d]
		e := g.weights(w, i, lo)
		t := m.t[i*g.block:][:len(e)]
		cv := simd.Dot(simd.Row(c), simd.Row(vi), 1, d)
		f := w.alpha / (w.sigma * w.sigma) / w.z[i]
		var sa, sb float64
		if shared {
			a := w.sigma * w.sigma * w.prec[0]
			for k, q := range e {
				s := f * a * a * q * (t[k] - cv)
				t[k] = s
				sa += s
			}
			simd.AddScaled(out, c, -sa)
		} else {
			y := m.y[i*d : (i+1)*d]
			yv := simd.Dot(simd.Row(y), simd.Row(vi), 1, d)
			prec, vars := w.prec[lo:][:len(e)], g.vars[lo:][:len(e)]
			for k, q := range e { // q = r/s²
				a, b := w.sigma*w.sigma, w.alpha*vars[k]
				s := f * q * prec[k] * (a*(t[k]-cv) + b*yv)
				t[k] = a * s
				sa += t[k]
				sb += b * s
			}
			simd.AddScaled(out, c, -sa)
			simd.AddScaled(out, y, sb)
		}
		m.a, m.c = append(m.a, t), append(m.c, out)
	}
	m.Add(m.c, m.a, g.mu[lo*d:], d, d)
}

// manyTimes writes the products of the points w.many.rows of v with a block's means.
func (g *gaussians) manyTimes(w *work, v []float64, lo int) {
	m, d, width := w.many, g.d, g.blockWidth(lo)
	m.a, m.c = m.a[:0], m.c[:0]
	for _, i := range m.rows {
		t := m.t[i*g.block:][:width]
		clear(t)
		m.a, m.c = append(m.a, v[i*d:(i+1)*d]), append(m.c, t)
	}
	m.Add(m.c, m.a, g.packed[lo*d:][:width*d], width, width)
}

// manyTrace adds a block's share of (α/σ²) Σ r_k |u_k|².
func (g *gaussians) manyTrace(w *work, dst []float64, lo int) {
	m, d, width := w.many, g.d, g.blockWidth(lo)
	shared := len(g.vars) == 1
	if !shared {
		g.manyTimes(w, m.y, lo)
	}
	m.a, m.c = m.a[:0], m.c[:0]
	for _, i := range m.rows {
		t := m.far[i*g.block:][:width]
		clear(t)
		m.a, m.c = append(m.a, m.u[i*d:(i+1)*d]), append(m.c, t)
	}
	m.AddSquares(m.c, m.a, g.packed[lo*d:][:width*d], width, width, 1)
	for _, i := range m.rows {
		e := g.weights(w, i, lo)
		far := m.far[i*g.block:][:len(e)]
		f := w.alpha / (w.sigma * w.sigma) / w.z[i]
		sum := 0.0
		if shared {
			a := w.sigma * w.sigma * w.prec[0]
			dst[i] += f * a * a * simd.Dot(simd.Row(e), simd.Row(far), 1, len(e))
			continue
		}
		c, y := simd.Row(m.u[i*d:]), simd.Row(m.y[i*d:])
		cy, yy := simd.Dot(c, y, 1, d), simd.Dot(y, y, 1, d)
		t, prec, vars := m.t[i*g.block:][:len(e)], w.prec[lo:][:len(e)], g.vars[lo:][:len(e)]
		for k, q := range e { // q = r/s²
			a, b := w.sigma*w.sigma, w.alpha*vars[k]
			sum += q * prec[k] * (a*a*far[k] + 2*a*b*(t[k]-cy) + b*b*yy)
		}
		dst[i] += f * sum
	}
}
