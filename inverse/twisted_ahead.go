package inverse

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	lapackgo "gonum.org/v1/gonum/lapack/gonum"
)

// A lookahead draws from p(x'|x) N(r; F(x' - m), T), where with W = C Aᵀ,
// Q = A C Aᵀ, r = y - A D(m) and
//
//	F = (α'/σ'²) XᵀWᵀ,   T = Q X + R,   X = (Q + κ WᵀW)⁻¹Q.
//
// C' = C(I + κC)⁻¹ gives A C' = XᵀWᵀ if C maps the range of W to itself, which is a
// Galerkin projection else. Whatever F and T, the weights are right.
type lookahead struct {
	q, x, t, s []float64 // m×m
	fw         []float64 // F Fᵀ
	r, u, v    []float64 // m
}

func newLookahead(m int) *lookahead {
	mm := func() []float64 { return make([]float64, m*m) }
	return &lookahead{q: mm(), x: mm(), t: mm(), s: mm(), fw: mm(), r: make([]float64, m), u: make([]float64, m), v: make([]float64, m)}
}

func (a *lookahead) move(w *twisted, p *particle, z []float64, k int) float64 {
	l, g := w.l, w.run.legs[k]
	m, d := l.Dims()
	from, to := w.run.at[k-1], w.run.at[k]
	l.Apply(a.r, p.mean)
	floats.SubTo(a.r, l.y, a.r)
	ratio := func(alpha, sigma float64) float64 { return alpha * alpha / (sigma * sigma) }
	a.model(w, p.aux, ratio(to.Alpha, to.Sigma)-ratio(from.Alpha, from.Sigma))
	f, root := to.Alpha/(to.Sigma*to.Sigma), math.Sqrt(g.v)

	// D(m) = D + ρ C'(x - α D), ρ = α' keep/σ'² - α/σ², which is 0 at η = 1.
	e := l.d1
	floats.AddScaledTo(e, p.x, -from.Alpha, p.mean)
	a.forward(a.v, f*g.keep-from.Alpha/(from.Sigma*from.Sigma), p.aux, e)
	floats.Sub(a.r, a.v)

	// S = T + v F Fᵀ, of the data before x' is known.
	for i := range a.s {
		a.s[i] = a.t[i] + g.v*f*f*a.fw[i]
	}
	if !factor(a.s, m) || !factor(a.t, m) {
		return math.NaN()
	}
	copy(a.u, a.r)
	logw := logNormal(a.r, a.u, solveFactored(a.u, a.s))

	// e = √v z, then e + v FᵀS⁻¹(r - F e - T^½ n).
	floats.ScaleTo(e, root, z[:d])
	a.forward(a.v, f, p.aux, e)
	for i := range m {
		a.u[i] = a.r[i] - a.v[i]
		for j := range i + 1 {
			a.u[i] -= a.t[i*m+j] * z[d+j]
		}
	}
	lapackgo.Implementation{}.Dpotrs(blas.Lower, m, 1, a.s, m, a.u, 1)
	for j := range m {
		c := 0.0 // (X u)_j
		for i := range m {
			c += a.x[j*m+i] * a.u[i]
		}
		floats.AddScaled(e, g.v*f*c, p.aux[j*d:(j+1)*d])
	}
	a.forward(a.v, f, p.aux, e)
	floats.SubTo(a.r, a.r, a.v)
	copy(a.u, a.r)
	logw -= logNormal(a.r, a.u, solveFactored(a.u, a.t))

	for i, v := range p.x {
		p.x[i] = g.keep*v + g.gain*p.mean[i] + e[i]
	}
	return logw
}

// model sets x, t and fw = XᵀWᵀW X. Where C is not positive semidefinite X = 0 leaves the
// proposal to the prior.
func (a *lookahead) model(w *twisted, ca []float64, kappa float64) {
	m, d := w.l.Dims()
	trace := 0.0
	for i := range m {
		for j := range i + 1 {
			q := (floats.Dot(w.rows[i*d:(i+1)*d], ca[j*d:(j+1)*d]) + floats.Dot(w.rows[j*d:(j+1)*d], ca[i*d:(i+1)*d])) / 2
			ww := floats.Dot(ca[i*d:(i+1)*d], ca[j*d:(j+1)*d])
			a.q[i*m+j], a.q[j*m+i] = q, q
			a.fw[i*m+j], a.fw[j*m+i] = ww, ww
		}
		trace += a.q[i*m+i] + kappa*a.fw[i*m+i]
	}
	for i := range a.s {
		a.s[i] = a.q[i] + kappa*a.fw[i]
	}
	for i := range m { // a redundant measurement leaves no more than rounding
		a.s[i*m+i] += 1e-12 * trace
	}
	copy(a.x, a.q)
	if factor(a.s, m) {
		lapackgo.Implementation{}.Dpotrs(blas.Lower, m, m, a.s, m, a.x, m)
	} else {
		w.l.counts.Unfinished++
		clear(a.x)
	}
	multiply(a.t, a.q, a.x, m, false)
	multiply(a.s, a.fw, a.x, m, false)
	multiply(a.fw, a.x, a.s, m, true)
	symmetrise(a.t, m)
	symmetrise(a.fw, m)
	for i := range m {
		a.t[i*m+i] += w.l.Variance(i)
	}
}

// multiply writes x y, or xᵀy, of m×m matrices.
func multiply(dst, x, y []float64, m int, transposed bool) {
	clear(dst)
	for i := range m {
		for k := range m {
			v := x[i*m+k]
			if transposed {
				v = x[k*m+i]
			}
			floats.AddScaled(dst[i*m:(i+1)*m], v, y[k*m:(k+1)*m])
		}
	}
}

// forward writes F e = f XᵀWᵀe.
func (a *lookahead) forward(dst []float64, f float64, ca, e []float64) {
	m, d := len(dst), len(e)
	clear(dst)
	for i := range m {
		floats.AddScaled(dst, f*floats.Dot(ca[i*d:(i+1)*d], e), a.x[i*m:(i+1)*m])
	}
}
