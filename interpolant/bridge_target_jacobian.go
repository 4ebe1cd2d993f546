package interpolant

// JVP writes the Jacobian of p·v + q·s times u, where ∂s_i/∂x = (β ∂D_i/∂x - I)/σ_i². Where
// γ → 0 it loses digits as 1e-16·γγ̇/σ² with σ ≥ 3e-5: 1e-7 at the ends for γ = √(t(1-t)).
func (g *TargetBridge) JVP(dst, x, u []float64, t, p, q float64) { g.derive(dst, x, u, t, p, q) }

// Divergence writes the trace of that Jacobian, with as many digits.
func (g *TargetBridge) Divergence(dst, x []float64, t, p, q float64) { g.derive(dst, x, nil, t, p, q) }

// derive writes the Jacobian of p·v + q·s times u, or its trace if u is nil: the mean over
// the centres of
//
//	(f + hβ/σ²) ∂D_i/∂x - h/σ² I + (f_i - f̄)(s_i - s̄)ᵀ,   f_i = pα̇a_i + fD_i + hs_i.
func (g *TargetBridge) derive(dst, x, u []float64, t, p, q float64) {
	d := g.d
	clear(dst)
	g.each(x, t, leastSigmaJacobian, func(w *targetWork, lo, hi int) {
		xs := x[lo*d : hi*d]
		g.weigh(w, xs)
		g.mean(w, xs, p, q)
		for i := range len(g.centres) / d {
			rows, weight := g.pick(w, xs, i)
			if len(rows) == 0 {
				continue
			}
			y, dir := w.y[:len(rows)*d], w.dir[:0]
			if u == nil {
				g.target.Divergence(w.trace[:len(rows)], y, w.c.Beta, w.sigma)
			} else {
				for _, r := range rows {
					dir = append(dir, u[(lo+r)*d:(lo+r+1)*d]...)
				}
				g.target.JVP(w.jv[:len(y)], y, dir, w.c.Beta, w.sigma)
			}
			f, hs := w.factors(p, q)
			h := hs / (w.sigma * w.sigma)
			a, pa := g.centres[i*d:(i+1)*d], p*w.c.DAlpha
			for k, r := range rows {
				e := weight[r] / w.z[r]
				// The spread of the centres' fields and scores about their means.
				spread, along := 0.0, 0.0
				for j := range len(dir) / len(rows) {
					along += (w.sc[k*d+j] - w.s[r*d+j]) * dir[k*d+j]
				}
				for j := range d {
					sc := w.sc[k*d+j]
					dev := pa*a[j] + f*w.den[k*d+j] + hs*sc - w.u[r*d+j]
					if u == nil {
						spread += dev * (sc - w.s[r*d+j])
					} else {
						dst[(lo+r)*d+j] += e * (dev*along + (f+h*w.c.Beta)*w.jv[k*d+j] - h*dir[k*d+j])
					}
				}
				if u == nil {
					dst[lo+r] += e * (spread + (f+h*w.c.Beta)*w.trace[k] - h*float64(d))
				}
			}
		}
	})
}

var _ BridgeJacobian = (*TargetBridge)(nil)
