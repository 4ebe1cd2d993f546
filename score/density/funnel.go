package density

import (
	"math"
	"math/rand/v2"
)

// Funnel is Neal's funnel (2003, Annals of Statistics 31(3), section 8) in R^d: the
// first coordinate is v ~ N(0, 9), and given v the n = d-1 others are independent
// N(0, e^v). Given v the noised others are N(0, S), S = α²e^v + σ², and the noised first
// alone makes v normal, with s₀² = 9α² + σ²,
//
//	v | x₁ ~ N(m, s²),   m = 9αx₁/s₀²,   s² = 9σ²/s₀²,
//
// so that all is an integral over v, with r² the squared length of the others:
//
//	p(x) = N(x₁; 0, s₀²) ∫ N(v; m, s²) (2πS)^{-n/2} exp(-r²/(2S)) dv
//
// and, E being the mean over v under the integrand and k = αe^v/S,
//
//	D₁ = E v,   D_i = E[k] x_i
//	∂D/∂x = (α/σ²) Cov[(v, k x_i)] + E[k] (1 for every i > 1).
//
// The integrand is analytic, with at most two modes. It is summed by the trapezoidal
// rule around each of them, as far as it is above e^{-60} of its largest value; the
// relative error is below 1e-10 (measured, for σ/α from 1e-3 to 1e3).
type Funnel struct{ d int }

const funnelVar = 9

// NewFunnel returns the funnel in R^dim. It panics unless dim ≥ 2.
func NewFunnel(dim int) *Funnel {
	if dim < 2 {
		panic("density: NewFunnel needs a dimension of at least 2")
	}
	return &Funnel{dim}
}

// Dim returns the dimension of a point.
func (f *Funnel) Dim() int { return f.d }

// Rand fills dst, one point, with an exact draw.
func (f *Funnel) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, f.d)
	dst[0] = math.Sqrt(funnelVar) * rng.NormFloat64()
	s := math.Exp(dst[0] / 2)
	for j := range dst[1:] {
		dst[j+1] = s * rng.NormFloat64()
	}
}

// each calls fn with every point and its posterior, for size values of dst each.
func (f *Funnel) each(size int, dst, x []float64, alpha, sigma float64, fn func(i int, x []float64, p funnelPoint)) {
	checkBatch(f.d, size, dst, x)
	for i := range len(x) / f.d {
		y := x[i*f.d : (i+1)*f.d]
		fn(i, y, f.point(y, alpha, sigma))
	}
}

// Denoise writes E[x₁ | x].
func (f *Funnel) Denoise(dst, x []float64, alpha, sigma float64) {
	f.each(f.d, dst, x, alpha, sigma, func(i int, x []float64, p funnelPoint) {
		out := dst[i*f.d : (i+1)*f.d]
		for j, v := range x {
			out[j] = p.k * v
		}
		out[0] = p.v
	})
}

// Score writes ∇ log p(x).
func (f *Funnel) Score(dst, x []float64, alpha, sigma float64) {
	f.each(f.d, dst, x, alpha, sigma, func(i int, x []float64, p funnelPoint) {
		out := dst[i*f.d : (i+1)*f.d]
		for j, v := range x {
			out[j] = -p.inv * v
		}
		out[0] = p.score1
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (f *Funnel) LogProb(dst, x []float64, alpha, sigma float64) {
	f.each(1, dst, x, alpha, sigma, func(i int, _ []float64, p funnelPoint) { dst[i] = p.logp })
}

// JVP writes (∂D/∂x) v.
func (f *Funnel) JVP(dst, x, v []float64, alpha, sigma float64) {
	checkBatch(f.d, f.d, v, x)
	f.each(f.d, dst, x, alpha, sigma, func(i int, x []float64, p funnelPoint) {
		u, out := v[i*f.d:(i+1)*f.d], dst[i*f.d:(i+1)*f.d]
		dot := 0.0
		for j, w := range u[1:] {
			dot += x[j+1] * w
		}
		for j, w := range u {
			out[j] = p.k*w + (p.vk*u[0]+p.kk*dot)*x[j]
		}
		out[0] = p.vv*u[0] + p.vk*dot
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (f *Funnel) Divergence(dst, x []float64, alpha, sigma float64) {
	f.each(1, dst, x, alpha, sigma, func(i int, x []float64, p funnelPoint) {
		r := length(x[1:])
		dst[i] = p.vv + p.k*float64(f.d-1) + p.kk*r*r
	})
}

// CleanLogProb writes log p₁(x), one value a point.
func (f *Funnel) CleanLogProb(dst, x []float64) {
	checkBatch(f.d, 1, dst, x)
	for i := range dst {
		y := x[i*f.d : (i+1)*f.d]
		r := length(y[1:]) * math.Exp(-y[0]/2)
		dst[i] = -(y[0]*y[0]/funnelVar+math.Log(funnelVar)+float64(f.d-1)*y[0]+r*r)/2 - float64(f.d)/2*math.Log(2*math.Pi)
	}
}

// Mean fills mean, d values, all 0.
func (f *Funnel) Mean(mean []float64) { clear(mean) }

// Cov fills cov, d×d values: 9, then E e^v = e^{9/2} on the diagonal.
func (f *Funnel) Cov(cov []float64) {
	clear(cov)
	for j := range f.d {
		cov[j*(f.d+1)] = math.Exp(funnelVar / 2.)
	}
	cov[0] = funnelVar
}
