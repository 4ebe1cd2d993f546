package interpolant

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// A GaussianSchrodinger is the Schrödinger bridge (see Schrodinger) from N(m₀, C₀) to
// N(m₁, C₁) with noise √(2ε) dW, in closed form. The plan is Gaussian with
//
//	E[x₁|x₀] = m₁ + X(x₀ - m₀),   Cov[x₁|x₀] = 2εX,   Cov(x₀, x₁) = C₀X
//	X = C₀^-½ K C₀^-½,   K = ½((4 C₀^½ C₁ C₀^½ + 4ε²I)^½ - 2εI),
//
// so that C₁ = XC₀X + 2εX (Mallasto, Gerolin and Minh 2022, arXiv 2006.03416; Bunne, Hsieh,
// Cuturi and Krause 2023, arXiv 2202.05722, theorem 3; as ε → 0, X is the Bures map). Along
// the way, with M = (1-t)I + tX,
//
//	x_t ~ N((1-t)m₀ + tm₁, S),   S = MC₀M + 2εtM
//	forward drift u = b + εs = m₁ - m₀ + (X - I)M⁻¹(x - mean),   v = u - 2εt s,
//
// [derived from the Brownian bridges between plan and drift: Cov[x_t|x₀] = t²·2εX + 2εt(1-t)I].
// In the axes of X, M and the drift are diagonal; C₀ and C₁ need not commute. A point costs
// O(d²), a new time O(d³) once a call. All methods are safe for concurrent use, treat each
// point by itself and allocate nothing once warm.
type GaussianSchrodinger struct {
	linear TwoSided
	d      int
	eps    float64
	m0, m1 []float64
	axes   []float64 // eigenvectors of X as rows
	chi    []float64 // its eigenvalues
	cov    []float64 // C₀ in these axes
	pool   sync.Pool
}

// gaussWork is the scratch of one call.
type gaussWork struct {
	t                float64 // of what the points share
	mean, drift, inv []float64
	logC, trace      float64 // -½ log det 2πS, tr S⁻¹
	r, y, h          []float64
}

// NewGaussianSchrodinger returns the bridge; covariances are flat, d×d, positive definite.
// The means are kept.
func NewGaussianSchrodinger(m0, c0, m1, c1 []float64, eps float64) (*GaussianSchrodinger, error) {
	if err := checkEps(eps); err != nil {
		return nil, err
	}
	d := len(m0)
	if d == 0 || len(m1) != d || len(c0) != d*d || len(c1) != d*d {
		return nil, fmt.Errorf("interpolant: means of %d and %d and covariances of %d and %d values are not two Gaussians", d, len(m1), len(c0), len(c1))
	}
	var es mat.EigenSym
	var q, t, x mat.Dense
	spectrum := func(m mat.Matrix) ([]float64, error) {
		s := mat.NewSymDense(d, nil)
		for i := range d {
			for j := range i + 1 {
				s.SetSym(i, j, (m.At(i, j)+m.At(j, i))/2)
			}
		}
		if !es.Factorize(s, true) {
			return nil, errors.New("interpolant: the eigenvalues of a covariance were not found; are its entries finite?")
		}
		es.VectorsTo(&q)
		return es.Values(nil), nil
	}
	// apply writes Q f(values) Qᵀ.
	apply := func(dst *mat.Dense, values []float64, f func(v float64) float64) {
		scaled := mat.DenseCopyOf(&q)
		for j, v := range values {
			fv := f(v)
			for i := range d {
				scaled.Set(i, j, scaled.At(i, j)*fv)
			}
		}
		dst.Mul(scaled, q.T())
	}
	a, b := mat.NewDense(d, d, append([]float64(nil), c0...)), mat.NewDense(d, d, append([]float64(nil), c1...))
	var chol mat.Cholesky
	for _, c := range [][]float64{c0, c1} {
		if !chol.Factorize(mat.NewSymDense(d, append([]float64(nil), c...))) {
			return nil, errors.New("interpolant: a covariance is not positive definite")
		}
	}
	values, err := spectrum(a)
	if err != nil {
		return nil, err
	}
	var root, inverse mat.Dense
	apply(&root, values, math.Sqrt)
	apply(&inverse, values, func(v float64) float64 { return 1 / math.Sqrt(v) })
	t.Mul(b, &root)
	x.Mul(&root, &t)
	if values, err = spectrum(&x); err != nil {
		return nil, err
	}
	// ½(√(4v + 4ε²) - 2ε) without cancellation.
	apply(&x, values, func(v float64) float64 { return max(v, 0) / (math.Sqrt(max(v, 0)+eps*eps) + eps) })
	t.Mul(&x, &inverse)
	x.Mul(&inverse, &t)
	chi, err := spectrum(&x)
	if err != nil {
		return nil, err
	}
	if !(floats.Min(chi) > 0) {
		return nil, errors.New("interpolant: the covariances are singular to rounding")
	}
	t.Mul(a, &q)
	x.Mul(q.T(), &t)
	g := &GaussianSchrodinger{
		linear: brownian(eps), d: d, eps: eps, m0: m0, m1: m1, chi: chi,
		axes: mat.DenseCopyOf(q.T()).RawMatrix().Data, cov: mat.DenseCopyOf(&x).RawMatrix().Data,
	}
	g.pool.New = func() any {
		v := make([]float64, 5*d+d*d)
		return &gaussWork{t: math.NaN(), mean: v[:d], drift: v[d : 2*d], r: v[2*d : 3*d], y: v[3*d : 4*d], h: v[4*d : 5*d], inv: v[5*d:]}
	}
	return g, nil
}

// Dim returns the dimension of a point.
func (g *GaussianSchrodinger) Dim() int { return g.d }

// At returns the coefficients of the interpolant, γ = √(2εt(1-t)).
func (g *GaussianSchrodinger) At(t float64) TwoCoeffs { return g.linear.At(t) }

// spread writes S in the axes of X.
func (g *GaussianSchrodinger) spread(dst []float64, t float64) {
	d := g.d
	for i, ci := range g.chi {
		mi := 1 - t + t*ci
		for j, cj := range g.chi {
			dst[i*d+j] = mi * (1 - t + t*cj) * (g.cov[i*d+j] + g.cov[j*d+i]) / 2
		}
		dst[i*d+i] += 2 * g.eps * t * mi
	}
}

func (g *GaussianSchrodinger) begin(x []float64, t float64) *gaussWork {
	d := g.d
	if len(x)%d != 0 {
		panic("interpolant: length of x is not a multiple of the dimension")
	}
	w := g.pool.Get().(*gaussWork)
	if w.t == t {
		return w
	}
	w.t = t
	for i, c := range g.chi {
		w.mean[i] = (1-t)*g.m0[i] + t*g.m1[i]
		w.drift[i] = (c - 1) / (1 - t + t*c)
	}
	g.spread(w.inv, t)
	tri, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Stride: d, Data: w.inv})
	if !ok {
		floats.AddConst(math.NaN(), w.inv)
	}
	w.logC, w.trace = -float64(d)/2*math.Log(2*math.Pi), 0
	for i := range d {
		w.logC -= math.Log(w.inv[i*d+i])
	}
	lapack64.Potri(tri)
	for i := range d {
		w.trace += w.inv[i*d+i]
		for j := range i {
			w.inv[i*d+j] = w.inv[j*d+i]
		}
	}
	return w
}

// rotate writes y = Vr and h = S⁻¹Vr.
func (g *GaussianSchrodinger) rotate(w *gaussWork, r []float64) {
	d := g.d
	for i := range d {
		w.y[i] = floats.Dot(g.axes[i*d:(i+1)*d], r)
	}
	for i := range d {
		w.h[i] = floats.Dot(w.inv[i*d:(i+1)*d], w.y)
	}
}

// linearPart writes (p(X - I)M⁻¹ - q'S⁻¹) r: that of p·v + q·s = p·u + (q - 2εtp)s, q' the
// factor in brackets.
func (g *GaussianSchrodinger) linearPart(w *gaussWork, out, r []float64, p, q float64) {
	d := g.d
	g.rotate(w, r)
	clear(out)
	for i, y := range w.y {
		floats.AddScaled(out, p*w.drift[i]*y-q*w.h[i], g.axes[i*d:(i+1)*d])
	}
}

// Combine writes p·v + q·s.
func (g *GaussianSchrodinger) Combine(dst, x []float64, t, p, q float64) {
	w := g.begin(x, t)
	q -= 2 * g.eps * t * p
	for lo := 0; lo < len(x); lo += g.d {
		out := dst[lo : lo+g.d]
		floats.SubTo(w.r, x[lo:lo+g.d], w.mean)
		g.linearPart(w, out, w.r, p, q)
		if p != 0 {
			floats.AddScaled(out, p, g.m1)
			floats.AddScaled(out, -p, g.m0)
		}
	}
	g.pool.Put(w)
}

// JVP writes the Jacobian of p·v + q·s times u.
func (g *GaussianSchrodinger) JVP(dst, x, u []float64, t, p, q float64) {
	w := g.begin(x, t)
	q -= 2 * g.eps * t * p
	for lo := 0; lo < len(x); lo += g.d {
		g.linearPart(w, dst[lo:lo+g.d], u[lo:lo+g.d], p, q)
	}
	g.pool.Put(w)
}

// Divergence writes the trace of that Jacobian.
func (g *GaussianSchrodinger) Divergence(dst, x []float64, t, p, q float64) {
	w := g.begin(x, t)
	div := p*floats.Sum(w.drift) - (q-2*g.eps*t*p)*w.trace
	for i := range dst {
		dst[i] = div
	}
	g.pool.Put(w)
}

// LogProb writes log ρ(t, x).
func (g *GaussianSchrodinger) LogProb(dst, x []float64, t float64) {
	w := g.begin(x, t)
	for i := range dst {
		floats.SubTo(w.r, x[i*g.d:(i+1)*g.d], w.mean)
		g.rotate(w, w.r)
		dst[i] = w.logC - floats.Dot(w.y, w.h)/2
	}
	g.pool.Put(w)
}

// Moments writes the mean and the covariance of x_t, d×d.
func (g *GaussianSchrodinger) Moments(mean, cov []float64, t float64) {
	for i := range mean {
		mean[i] = (1-t)*g.m0[i] + t*g.m1[i]
	}
	s := make([]float64, g.d*g.d)
	g.spread(s, t)
	g.back(cov, s)
}

// Coupling writes Cov(x₀, x₁) = C₀X, d×d, whose transpose is Cov(x₁, x₀).
func (g *GaussianSchrodinger) Coupling(cov []float64) {
	s := make([]float64, g.d*g.d)
	for i := range s {
		s[i] = g.cov[i] * g.chi[i%g.d]
	}
	g.back(cov, s)
}

// back writes VᵀsV.
func (g *GaussianSchrodinger) back(dst, s []float64) {
	d := g.d
	v, out := mat.NewDense(d, d, g.axes), mat.NewDense(d, d, dst)
	var t mat.Dense
	t.Mul(mat.NewDense(d, d, s), v)
	out.Mul(v.T(), &t)
}

// Energy returns the least energy ½∫E|u|²dt = 2ε KL(bridge‖reference from ρ(0)), which is
//
//	½ E|x₁ - x₀|² - ε(d + log det X),   E|x₁ - x₀|² = |m₁ - m₀|² + tr(C₀ + C₁ - 2C₀X).
func (g *GaussianSchrodinger) Energy() float64 {
	dist := floats.Distance(g.m0, g.m1, 2)
	e := dist * dist / 2
	for i, c := range g.chi {
		// C₁ = XC₀X + 2εX.
		e += g.cov[i*g.d+i]*(1-c)*(1-c)/2 + g.eps*(c-1-math.Log(c))
	}
	return e
}

var (
	_ BridgeDensity  = (*GaussianSchrodinger)(nil)
	_ BridgeJacobian = (*GaussianSchrodinger)(nil)
)
