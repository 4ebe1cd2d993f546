package density

import (
	"fmt"
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/special"
	"gonum.org/v1/gonum/floats"
)

// VMF is a mixture of von Mises-Fisher distributions over the sphere of radius R about
// the origin of R^d: x₁ = Ru, where u has the density, over the uniform distribution on
// the unit sphere,
//
//	p(u) = Σ w_k exp(κ_k μ_k·u)/M(κ_k),   M(κ) = Γ(ν+1) (2/κ)^ν I_ν(κ),   ν = d/2 - 1
//
// (Mardia and Jupp 2000, Directional Statistics, section 9.3.2). It has no density in
// R^d without noise. Noise multiplies it by exp((αR/σ²) x·u), so that each posterior of
// u is of the same family, of natural parameter
//
//	θ_k = κ_k μ_k + (αR/σ²) x,   n = |θ_k|
//
// and with r = |x|, z = αRr/σ², ρ = I_{ν+1}(n)/I_ν(n), ρ' = 1 - ρ² - (d-1)ρ/n
//
//	p(x)    = (2πσ²)^{-d/2} exp(-(r² + α²R²)/2σ²) Σ w_k M(n)/M(κ_k)
//	m_k     = Rρ θ_k/n                              (mean)
//	C_k     = R² [ρ' eeᵀ + (ρ/n)(I - eeᵀ)]          (covariance, e = θ_k/n)
//	D       = Σ r_k m_k,   r_k ∝ w_k M(n)/M(κ_k)
//	∂D/∂x   = (α/σ²) Σ r_k [C_k + (m_k - D)(m_k - D)ᵀ]
//
// For κ = 0 it is Spheres. The large exponents are cancelled on paper, at any
// concentration:
//
//	log M(n)/M(κ) - (r² + α²R²)/2σ² = L(n) - L(κ) - (r - αR)²/2σ² - κz|x/r - μ|²/(n+κ+z)
//
// where L(n) = log M(n) - n is special.LogSphere. A point costs O(Kd).
type VMF struct {
	d               int
	radius          float64
	mu, kappa, norm []float64 // K×d unit vectors; K; K: L(κ)
	logW, cum       []float64
	pool            sync.Pool // of *vmfWork
}

// vmfWork holds the posterior of one point.
type vmfWork struct {
	r              []float64 // K: responsibilities
	n, rho, g, rad []float64 // K: |θ|, ρ, ρ/n, ρ'
	mean, m        []float64 // d: D; one component's e, then m_k - D
	zeta           float64   // αR/σ²
	logp           float64
}

// NewVMF returns the mixture of von Mises-Fisher distributions of mean directions μ_k and
// concentrations κ_k on the unit sphere of R^dim. mus is flat, K·dim values, of unit
// vectors (their length is rounded to 1); kappas has K values ≥ 0; weights has K values
// of any sum > 0, or is nil for equal weights. Components of weight zero are dropped.
func NewVMF(weights, mus, kappas []float64, dim int) (*VMF, error) {
	keep, logW, err := components(weights, mus, dim)
	if err != nil {
		return nil, err
	}
	if len(kappas) != len(mus)/dim {
		return nil, fmt.Errorf("density: %d concentrations for %d mean directions", len(kappas), len(mus)/dim)
	}
	mu, kappa := pick(mus, keep, dim), pick(kappas, keep, 1)
	norm := make([]float64, len(keep))
	for k := range keep {
		m := mu[k*dim : (k+1)*dim]
		l := length(m)
		if math.Abs(l-1) > 1e-6 { // float32 data is good to 1e-7
			return nil, fmt.Errorf("density: mean direction %d has length %g, want 1", keep[k], l)
		}
		for j := range m {
			m[j] /= l
		}
		if !(kappa[k] >= 0) || math.IsInf(kappa[k], 1) {
			return nil, fmt.Errorf("density: concentration %d is %g, want a finite number ≥ 0", keep[k], kappa[k])
		}
		norm[k] = special.LogSphere(float64(dim)/2-1, kappa[k])
	}
	return newVMF(dim, 1, mu, kappa, norm, logW), nil
}

func newVMF(dim int, radius float64, mu, kappa, norm, logW []float64) *VMF {
	t := &VMF{d: dim, radius: radius, mu: mu, kappa: kappa, norm: norm, logW: logW}
	sum := 0.0
	for _, l := range logW {
		sum += math.Exp(l)
		t.cum = append(t.cum, sum)
	}
	t.pool.New = func() any {
		c := make([]float64, 5*len(logW))
		row := func(i int) []float64 { return c[i*len(logW) : (i+1)*len(logW)] }
		return &vmfWork{
			r: row(0), n: row(1), rho: row(2), g: row(3), rad: row(4),
			mean: make([]float64, dim), m: make([]float64, dim),
		}
	}
	return t
}

// WithRadius returns the same distribution of directions on the sphere of the given
// radius. It panics unless the radius is finite and above 0.
func (t *VMF) WithRadius(radius float64) *VMF {
	if !(radius > 0) || math.IsInf(radius, 1) {
		panic("density: WithRadius needs a finite radius above 0")
	}
	return newVMF(t.d, radius, t.mu, t.kappa, t.norm, t.logW)
}

// Dim returns the dimension of a point.
func (t *VMF) Dim() int { return t.d }

// Components returns the weights (K, sum 1), mean directions (K×d, flat) and
// concentrations (K), those of weight zero left out.
func (t *VMF) Components() (weights, mus, kappas []float64) {
	for _, l := range t.logW {
		weights = append(weights, math.Exp(l))
	}
	return weights, append(mus, t.mu...), append(kappas, t.kappa...)
}

// posterior fills w, but for the mean, for the point x.
func (t *VMF) posterior(w *vmfWork, x []float64, alpha, sigma float64) {
	nu := float64(t.d)/2 - 1
	a, r := alpha*t.radius, length(x)
	w.zeta = a / sigma / sigma
	z := a / sigma * (r / sigma)
	top := math.Inf(-1)
	for k, kappa := range t.kappa {
		w.n[k], w.r[k] = kappa, t.logW[k]
		if z > 0 {
			near, far := 0.0, 0.0
			for j, m := range t.mu[k*t.d : (k+1)*t.d] {
				e := x[j] / r
				near += (e - m) * (e - m)
				far += (e + m) * (e + m)
			}
			w.n[k] = math.Hypot(kappa-z, math.Sqrt(kappa)*math.Sqrt(z)*math.Sqrt(far))
			w.r[k] += special.LogSphere(nu, w.n[k]) - t.norm[k] - kappa/(w.n[k]+kappa+z)*z*near
		}
		top = max(top, w.r[k])
	}
	sum := 0.0
	for k, l := range w.r {
		w.r[k] = math.Exp(l - top)
		sum += w.r[k]
	}
	for k := range w.r {
		w.r[k] /= sum
		if w.r[k] < 1e-26 { // far below the rounding
			w.r[k] = 0
			continue
		}
		w.rho[k], w.rad[k] = special.RatioI(nu, w.n[k])
		w.g[k] = w.rho[k] / w.n[k]
		if w.n[k] < 1e-150 {
			w.g[k] = w.rad[k] // both tend to 1/d
		}
	}
	e := (r - a) / sigma
	w.logp = top + math.Log(sum) - e*e/2 - float64(t.d)*(math.Log(2*math.Pi)/2+math.Log(sigma))
}

// denoise writes D of the point x to dst.
func (t *VMF) denoise(dst []float64, w *vmfWork, x []float64) {
	gain := 0.0
	clear(dst)
	for k, r := range w.r {
		if r == 0 {
			continue
		}
		gain += r * w.g[k]
		c := t.radius * r * w.g[k] * t.kappa[k]
		for j, m := range t.mu[k*t.d : (k+1)*t.d] {
			dst[j] += c * m
		}
	}
	gain *= t.radius * w.zeta
	for j, v := range x {
		dst[j] += gain * v
	}
}

// direction writes e of component k to w.m.
func (t *VMF) direction(w *vmfWork, x []float64, k int) {
	if w.n[k] == 0 {
		clear(w.m)
		return
	}
	for j, m := range t.mu[k*t.d : (k+1)*t.d] {
		w.m[j] = t.kappa[k]/w.n[k]*m + w.zeta/w.n[k]*x[j]
	}
}

// each calls f with every point and its posterior, for size values of dst each.
func (t *VMF) each(size int, dst, x []float64, alpha, sigma float64, f func(i int, x []float64, w *vmfWork)) {
	checkBatch(t.d, size, dst, x)
	w := t.pool.Get().(*vmfWork)
	defer t.pool.Put(w)
	for i := range len(x) / t.d {
		p := x[i*t.d : (i+1)*t.d]
		t.posterior(w, p, alpha, sigma)
		f(i, p, w)
	}
}

// Denoise writes E[x₁ | x].
func (t *VMF) Denoise(dst, x []float64, alpha, sigma float64) {
	t.each(t.d, dst, x, alpha, sigma, func(i int, x []float64, w *vmfWork) {
		t.denoise(dst[i*t.d:(i+1)*t.d], w, x)
	})
}

// Score writes ∇ log p(x).
func (t *VMF) Score(dst, x []float64, alpha, sigma float64) {
	t.each(t.d, dst, x, alpha, sigma, func(i int, x []float64, w *vmfWork) {
		out := dst[i*t.d : (i+1)*t.d]
		t.denoise(out, w, x)
		for j, v := range x {
			out[j] = (alpha*out[j] - v) / sigma / sigma
		}
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (t *VMF) LogProb(dst, x []float64, alpha, sigma float64) {
	t.each(1, dst, x, alpha, sigma, func(i int, _ []float64, w *vmfWork) { dst[i] = w.logp })
}

// JVP writes (∂D/∂x) v.
func (t *VMF) JVP(dst, x, v []float64, alpha, sigma float64) {
	checkBatch(t.d, t.d, v, x)
	t.each(t.d, dst, x, alpha, sigma, func(i int, x []float64, w *vmfWork) {
		u, out := v[i*t.d:(i+1)*t.d], dst[i*t.d:(i+1)*t.d]
		t.denoise(w.mean, w, x)
		clear(out)
		for k, r := range w.r {
			if r == 0 {
				continue
			}
			t.direction(w, x, k)
			r *= alpha / sigma / sigma
			floats.AddScaled(out, t.radius*t.radius*r*w.g[k], u)
			floats.AddScaled(out, t.radius*t.radius*r*(w.rad[k]-w.g[k])*floats.Dot(w.m, u), w.m)
			t.deviate(w, k)
			floats.AddScaled(out, r*floats.Dot(w.m, u), w.m)
		}
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (t *VMF) Divergence(dst, x []float64, alpha, sigma float64) {
	t.each(1, dst, x, alpha, sigma, func(i int, x []float64, w *vmfWork) {
		t.denoise(w.mean, w, x)
		sum := 0.0
		for k, r := range w.r {
			if r == 0 {
				continue
			}
			t.direction(w, x, k)
			t.deviate(w, k)
			sum += r * (t.radius*t.radius*(w.rad[k]+float64(t.d-1)*w.g[k]) + floats.Dot(w.m, w.m))
		}
		dst[i] = alpha / sigma / sigma * sum
	})
}

// deviate turns e of component k in w.m into m_k - D.
func (t *VMF) deviate(w *vmfWork, k int) {
	for j, e := range w.m {
		w.m[j] = t.radius*w.rho[k]*e - w.mean[j]
	}
}
