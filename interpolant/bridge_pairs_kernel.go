package interpolant

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// pairWork is the scratch of one call. The slices of pairs have a part for each.
type pairWork struct {
	t          float64 // of what depends on the time alone
	c          TwoCoeffs
	mean, rate []float64 // m_k and ṁ_k, K×d
	prec, gain []float64 // 1/S and (αα̇C0 + ββ̇C1)/S, a value a pair or a direction
	logC       []float64
	inv, move  [][]float64 // S⁻¹ and αα̇C0 + ββ̇C1 of pairs without common axes

	q, r, h, g, y []float64 // logits or weights; x - m_k, its image, of one pair
	keptH         []float64 // S⁻¹(x - m_k) of all pairs that are not isotropic
	u, s          []float64 // the mean field and score
}

func (g *PairBridge) ready() {
	g.pool.New = func() any {
		n, k := len(g.pairs), 1
		if !g.iso {
			k = g.d
		}
		w := &pairWork{
			t: math.NaN(), mean: make([]float64, n*g.d), rate: make([]float64, n*g.d),
			prec: make([]float64, n*k), gain: make([]float64, n*k), logC: make([]float64, n),
			inv: make([][]float64, n), move: make([][]float64, n),
			q: make([]float64, n), r: make([]float64, g.d), h: make([]float64, g.d), g: make([]float64, g.d),
			y: make([]float64, g.d), u: make([]float64, g.d), s: make([]float64, g.d),
		}
		if !g.iso {
			w.keptH = make([]float64, n*g.d)
		}
		for i, p := range g.pairs {
			if p.c0 != nil {
				w.inv[i], w.move[i] = make([]float64, g.d*g.d), make([]float64, g.d*g.d)
			}
		}
		return w
	}
}

// begin takes a workspace and computes what the points share.
func (g *PairBridge) begin(x []float64, t float64) *pairWork {
	if len(x)%g.d != 0 {
		panic("interpolant: length of x is not a multiple of the dimension")
	}
	w := g.pool.Get().(*pairWork)
	if w.t == t {
		return w
	}
	w.t = t
	_, w.c = inside(g.path.At, t)
	c := w.c
	d := g.d
	for k, p := range g.pairs {
		m, rate := w.mean[k*d:(k+1)*d], w.rate[k*d:(k+1)*d]
		for i, a := range p.m0 {
			m[i] = c.Alpha*a + c.Beta*p.m1[i]
			rate[i] = c.DAlpha*a + c.DBeta*p.m1[i]
		}
		if p.c0 != nil {
			w.logC[k] = p.logW + w.factorise(k, p, d)
			continue
		}
		n := len(p.v0)
		logDet := 0.0
		for i, a := range p.v0 {
			// A law on points has S = 0. On them x - m = 0, and any large precision does.
			s := max(c.Alpha*c.Alpha*a+c.Beta*c.Beta*p.v1[i]+c.Gamma*c.Gamma, 1e-200)
			w.prec[k*n+i] = 1 / s
			w.gain[k*n+i] = (c.ADA*a + c.BDB*p.v1[i]) / s
			logDet += math.Log(s)
		}
		w.logC[k] = p.logW - float64(d)/2*(logDet/float64(n)+math.Log(2*math.Pi))
	}
	return w
}

// factorise writes S⁻¹ and αα̇C0 + ββ̇C1, both halves, and returns -½ log det 2πS, which is
// NaN if S is not positive definite to rounding.
func (w *pairWork) factorise(k int, p pair, d int) float64 {
	c, inv, move := w.c, w.inv[k], w.move[k]
	for i, a := range p.c0 {
		inv[i] = c.Alpha*c.Alpha*a + c.Beta*c.Beta*p.c1[i]
		move[i] = c.ADA*a + c.BDB*p.c1[i]
	}
	for i := range d {
		inv[i*d+i] += c.Gamma * c.Gamma
	}
	tri, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Stride: d, Data: inv})
	if !ok {
		return math.NaN()
	}
	logDet := float64(d) / 2 * math.Log(2*math.Pi)
	for i := range d {
		logDet += math.Log(inv[i*d+i])
	}
	lapack64.Potri(tri)
	for i := range d {
		for j := range i {
			inv[i*d+j] = inv[j*d+i]
		}
	}
	return -logDet
}

// images writes h = S⁻¹r and f = (p(αα̇C0 + ββ̇C1) - qI) S⁻¹r of pair k; f may be nil.
func (g *PairBridge) images(w *pairWork, h, f, r []float64, k int, p, q float64) {
	pr, d := &g.pairs[k], g.d
	if pr.c0 != nil {
		inv, move := w.inv[k], w.move[k]
		for i := range h {
			h[i] = floats.Dot(inv[i*d:(i+1)*d], r)
		}
		fieldOf(f, h, move, p, q)
		return
	}
	n := len(pr.v0)
	prec, gain := w.prec[k*n:(k+1)*n], w.gain[k*n:(k+1)*n]
	if pr.vec == nil {
		for i, v := range r {
			j := i % n
			h[i] = prec[j] * v
		}
		for i := range f {
			j := i % n
			f[i] = p*gain[j]*r[i] - q*h[i]
		}
		return
	}
	clear(h)
	clear(f)
	for i := range d {
		axis := pr.vec[i*d : (i+1)*d]
		z := floats.Dot(axis, r)
		floats.AddScaled(h, prec[i]*z, axis)
		if f != nil {
			floats.AddScaled(f, (p*gain[i]-q*prec[i])*z, axis)
		}
	}
}

// fieldOf writes f = (p·move - qI) h; f may be nil.
func fieldOf(f, h, move []float64, p, q float64) {
	d := len(h)
	for i := range f {
		f[i] = -q * h[i]
		if p != 0 {
			f[i] += p * floats.Dot(move[i*d:(i+1)*d], h)
		}
	}
}

// gainTrace returns tr (p(αα̇C0 + ββ̇C1) - qI) S⁻¹ of pair k.
func (g *PairBridge) gainTrace(w *pairWork, k int, p, q float64) float64 {
	if pr := &g.pairs[k]; pr.c0 == nil {
		n := len(pr.v0)
		return float64(g.d/n) * (p*floats.Sum(w.gain[k*n:(k+1)*n]) - q*floats.Sum(w.prec[k*n:(k+1)*n]))
	}
	inv, tr := w.inv[k], 0.0
	for i := 0; i < len(inv); i += g.d + 1 {
		tr += inv[i]
	}
	return p*floats.Dot(w.move[k], inv) - q*tr
}

// weigh writes the responsibilities of x into w.q, 0 where below the rounding, and returns
// log ρ(x).
func (g *PairBridge) weigh(w *pairWork, x []float64) float64 {
	d, top := g.d, math.Inf(-1)
	for k := range g.pairs {
		m := w.mean[k*d : (k+1)*d]
		l := w.logC[k]
		if g.iso {
			sum := 0.0
			for i, v := range x {
				sum += (v - m[i]) * (v - m[i])
			}
			l -= w.prec[k] * sum / 2
		} else {
			h := w.keptH[k*d : (k+1)*d]
			floats.SubTo(w.r, x, m)
			g.images(w, h, nil, w.r, k, 0, 0)
			l -= floats.Dot(w.r, h) / 2
		}
		w.q[k] = l
		top = max(top, l)
	}
	z := simd.ExpSum(w.q, top, -60)
	floats.Scale(1/z, w.q)
	return top + math.Log(z)
}

// component writes the field and S⁻¹(x - m) of pair k into w.g and w.h, after weigh.
func (g *PairBridge) component(w *pairWork, x []float64, k int, p, q float64) {
	d := g.d
	pr := &g.pairs[k]
	floats.SubTo(w.r, x, w.mean[k*d:(k+1)*d])
	if pr.c0 != nil {
		copy(w.h, w.keptH[k*d:(k+1)*d])
		fieldOf(w.g, w.h, w.move[k], p, q)
	} else {
		g.images(w, w.h, w.g, w.r, k, p, q)
	}
	if p != 0 {
		floats.AddScaled(w.g, p, w.rate[k*d:(k+1)*d])
	}
}

// Combine writes p·v + q·s.
func (g *PairBridge) Combine(dst, x []float64, t, p, q float64) {
	if p != 0 && infinite(t, g.Span) {
		floats.AddConst(math.NaN(), dst)
		return
	}
	w := g.begin(x, t)
	d := g.d
	for lo := 0; lo < len(x); lo += d {
		xi, out := x[lo:lo+d], dst[lo:lo+d]
		g.weigh(w, xi)
		g.mean(w, out, nil, xi, p, q)
	}
	g.pool.Put(w)
}

// mean writes the mean over the pairs of their fields, and of S⁻¹(x - m) into s if asked.
func (g *PairBridge) mean(w *pairWork, out, s, x []float64, p, q float64) {
	clear(out)
	clear(s)
	d := g.d
	for k, e := range w.q {
		switch {
		case e == 0:
		case g.iso && s == nil:
			m, rate := w.mean[k*d:(k+1)*d], w.rate[k*d:(k+1)*d]
			f, ep := e*(p*w.gain[k]-q*w.prec[k]), e*p
			for i, v := range x {
				out[i] += ep*rate[i] + f*(v-m[i])
			}
		default:
			g.component(w, x, k, p, q)
			floats.AddScaled(out, e, w.g)
			if s != nil {
				floats.AddScaled(s, e, w.h)
			}
		}
	}
}

// LogProb writes log ρ(t, x).
func (g *PairBridge) LogProb(dst, x []float64, t float64) {
	w := g.begin(x, t)
	for i := range dst {
		dst[i] = g.weigh(w, x[i*g.d:(i+1)*g.d])
	}
	g.pool.Put(w)
}

// JVP writes the Jacobian of p·v + q·s times u,
//
//	Σ r_k [A_k u - (f_k - f)(h_k - h)·u],   f_k the field of a pair, A_k = ∂f_k/∂x, h_k = S_k⁻¹(x - m_k).
func (g *PairBridge) JVP(dst, x, u []float64, t, p, q float64) { g.derive(dst, x, u, t, p, q) }

// Divergence writes the trace of that Jacobian.
func (g *PairBridge) Divergence(dst, x []float64, t, p, q float64) { g.derive(dst, x, nil, t, p, q) }

func (g *PairBridge) derive(dst, x, u []float64, t, p, q float64) {
	w := g.begin(x, t)
	clear(dst)
	d := g.d
	for lo := 0; lo < len(x); lo += d {
		xi := x[lo : lo+d]
		g.weigh(w, xi)
		g.mean(w, w.u, w.s, xi, p, q)
		for k, e := range w.q {
			if e == 0 {
				continue
			}
			g.component(w, xi, k, p, q)
			if u == nil {
				tr := g.gainTrace(w, k, p, q)
				for i, f := range w.g {
					tr -= (f - w.u[i]) * (w.h[i] - w.s[i])
				}
				dst[lo/d] += e * tr
				continue
			}
			ui, out := u[lo:lo+d], dst[lo:lo+d]
			along := 0.0
			for i, v := range ui {
				along += (w.h[i] - w.s[i]) * v
			}
			for i, f := range w.g {
				out[i] -= e * along * (f - w.u[i])
			}
			g.images(w, w.h, w.y, ui, k, p, q)
			floats.AddScaled(out, e, w.y)
		}
	}
	g.pool.Put(w)
}

var (
	_ BridgeDensity  = (*PairBridge)(nil)
	_ BridgeJacobian = (*PairBridge)(nil)
)
