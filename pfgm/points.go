package pfgm

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
)

var _ Model = (*Points)(nil)

// Points is the exact PFGM++ denoiser of m data points y_i of equal weight (Xu et al. 2023,
// equation 8): with ρ_i = |x - αy_i|² + r², r = σ√D, and the kernel's score s_i,
//
//	w_i ∝ ρ_i^{-(N+D)/2},   s_i = -(N+D)(x - αy_i)/ρ_i
//	D       = Σ w_i y_i
//	∇ log p = Σ w_i s_i
//	∂D/∂x   = Σ w_i (y_i - D)(s_i - ∇ log p)ᵀ
//
// A point costs O(m N). Methods are safe for concurrent use.
type Points struct {
	tails
	n    int
	data []float64
	pool sync.Pool
}

// NewPoints returns the denoiser of the points in data, flat, of dimension dim, at D > 0,
// finite. data is copied. It panics unless it holds whole points, one or more, and if D is
// out of range.
func NewPoints(data []float64, dim int, d float64) *Points {
	checkD(d)
	if dim < 1 || len(data) == 0 || len(data)%dim != 0 {
		panic("pfgm: the data must be one or more points of dimension 1 or more")
	}
	p := &Points{tails: tails(d), n: dim, data: append([]float64(nil), data...)}
	p.pool.New = func() any {
		return &pointsWork{w: make([]float64, len(data)/dim), mean: make([]float64, dim), s: make([]float64, dim)}
	}
	return p
}

// pointsWork is the scratch of one call.
type pointsWork struct {
	w, mean, s []float64
	nearest    float64 // smallest |x - αy_i|²
}

// posterior writes the weights w_i, of sum 1, of the point x, and returns the sum relative to
// the weight of the nearest. Logits are relative to the nearest as well: at D = 1e6 their
// own size would cost 9 of the 16 digits.
func (p *Points) posterior(w *pointsWork, x []float64, alpha, r float64) float64 {
	w.nearest = math.Inf(1)
	for i := range w.w {
		w.w[i] = p.distance(i, x, alpha)
		w.nearest = min(w.nearest, w.w[i])
	}
	k := (float64(p.n) + float64(p.tails)) / 2
	base := w.nearest + r*r
	sum := 0.0
	for i, d2 := range w.w {
		w.w[i] = math.Exp(-k * math.Log1p((d2-w.nearest)/base))
		sum += w.w[i]
	}
	floats.Scale(1/sum, w.w)
	return sum
}

// distance returns |x - αy_i|².
func (p *Points) distance(i int, x []float64, alpha float64) float64 {
	sum := 0.0
	for j, y := range p.data[i*p.n : (i+1)*p.n] {
		diff := x[j] - alpha*y
		sum += diff * diff
	}
	return sum
}

// each calls f with a workspace that holds the weights of the point i of x.
func (p *Points) each(x []float64, alpha, sigma float64, f func(w *pointsWork, i int, x []float64, sum float64)) {
	w := p.pool.Get().(*pointsWork)
	r := Kernel{Sigma: sigma, D: float64(p.tails)}.Radius()
	for i := 0; i < len(x)/p.n; i++ {
		xi := x[i*p.n : (i+1)*p.n]
		f(w, i, xi, p.posterior(w, xi, alpha, r))
	}
	p.pool.Put(w)
}

// pull returns (N+D)/ρ_i: s_i is that times αy_i - x.
func (p *Points) pull(i int, x []float64, alpha, sigma float64) float64 {
	d := float64(p.tails)
	return (float64(p.n) + d) / (p.distance(i, x, alpha) + sigma*sigma*d)
}

// Dim returns the dimension N of a point.
func (p *Points) Dim() int { return p.n }

// Denoise writes E[y | x].
func (p *Points) Denoise(dst, x []float64, alpha, sigma float64) {
	checkBatch(dst, x, p.n, p.n)
	p.each(x, alpha, sigma, func(w *pointsWork, i int, _ []float64, _ float64) {
		row := dst[i*p.n : (i+1)*p.n]
		clear(row)
		for k, wk := range w.w {
			floats.AddScaled(row, wk, p.data[k*p.n:(k+1)*p.n])
		}
	})
}

// Score writes ∇ log p(x). Unlike for Gaussian noise it is not (αD - x)/σ².
func (p *Points) Score(dst, x []float64, alpha, sigma float64) {
	checkBatch(dst, x, p.n, p.n)
	p.each(x, alpha, sigma, func(w *pointsWork, i int, x []float64, _ float64) {
		row := dst[i*p.n : (i+1)*p.n]
		clear(row)
		for k, wk := range w.w {
			c := wk * p.pull(k, x, alpha, sigma)
			for j, y := range p.data[k*p.n : (k+1)*p.n] {
				row[j] += c * (alpha*y - x[j])
			}
		}
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (p *Points) LogProb(dst, x []float64, alpha, sigma float64) {
	checkBatch(dst, x, p.n, 1)
	kernel := Kernel{Sigma: sigma, D: float64(p.tails)}
	r := kernel.Radius()
	c := kernel.logNorm(p.n) - math.Log(float64(len(p.data)/p.n))
	p.each(x, alpha, sigma, func(w *pointsWork, i int, _ []float64, sum float64) {
		dst[i] = c + math.Log(sum) - (float64(p.n)+kernel.D)/2*math.Log1p(w.nearest/(r*r))
	})
}

// JVP writes (∂D/∂x) v.
func (p *Points) JVP(dst, x, v []float64, alpha, sigma float64) {
	checkBatch(dst, x, p.n, p.n)
	checkBatch(v, x, p.n, p.n)
	p.each(x, alpha, sigma, func(w *pointsWork, i int, x []float64, _ float64) {
		row, v := dst[i*p.n:(i+1)*p.n], v[i*p.n:(i+1)*p.n]
		clear(row)
		clear(w.mean)
		sum, along := 0.0, 0.0
		for k, wk := range w.w {
			if wk == 0 {
				continue
			}
			data := p.data[k*p.n : (k+1)*p.n]
			g := 0.0
			for j, y := range data {
				g += (alpha*y - x[j]) * v[j]
			}
			g *= p.pull(k, x, alpha, sigma)
			sum += wk // Welford's update, as in Denoiser.JVP
			along += wk / sum * (g - along)
			for j, y := range data {
				diff := y - w.mean[j]
				row[j] += wk * diff * (g - along)
				w.mean[j] += wk / sum * diff
			}
		}
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (p *Points) Divergence(dst, x []float64, alpha, sigma float64) {
	checkBatch(dst, x, p.n, 1)
	p.each(x, alpha, sigma, func(w *pointsWork, i int, x []float64, _ float64) {
		clear(w.mean)
		clear(w.s)
		sum, trace := 0.0, 0.0
		for k, wk := range w.w {
			if wk == 0 {
				continue
			}
			c := p.pull(k, x, alpha, sigma)
			sum += wk
			for j, y := range p.data[k*p.n : (k+1)*p.n] {
				s := c * (alpha*y - x[j])
				diff := y - w.mean[j]
				w.s[j] += wk / sum * (s - w.s[j])
				trace += wk * diff * (s - w.s[j])
				w.mean[j] += wk / sum * diff
			}
		}
		dst[i] = trace
	})
}
