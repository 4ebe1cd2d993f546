package prior

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/seed-dea4846a/sampler/score/density"
)

var _ density.Target = (*Gaussian)(nil)

// A Gaussian is the stationary Gaussian prior of pictures: mean μ and covariance
// T diag(S) Tᵀ in an orthonormal basis T of the Boundary, so that with y = Tᵀ(x - αμ)
//
//	D       = μ + T diag(αS/(α²S + σ²)) y        (Wiener's filter)
//	∇ log p = -T diag(1/(α²S + σ²)) y
//	∂D/∂x   = T diag(αS/(α²S + σ²)) Tᵀ
//	log p   = -½ Σ [y²/(α²S + σ²) + log(2π(α²S + σ²))]
//
// all exact, at the cost of two fast transforms.
type Gaussian struct {
	basis *basis
	mean  float64
	power []float64 // of the modes, row after row
	pool  sync.Pool // of *[]float64, a picture
}

// NewGaussian returns the prior of rows×cols pictures with the given spectrum. It
// panics if a size is below 2 or the spectrum is not positive and finite at some mode.
func NewGaussian(rows, cols int, s Spectrum, b Boundary) *Gaussian {
	if rows < 2 || cols < 2 {
		panic("prior: a picture needs at least 2×2 pixels")
	}
	g := &Gaussian{basis: newBasis(rows, cols, b), mean: s.Mean, power: make([]float64, rows*cols)}
	for i := range g.power {
		g.power[i] = s.Power(math.Hypot(g.basis.frequency(i/cols, rows), g.basis.frequency(i%cols, cols)))
		if i == 0 && s.MeanVar > 0 {
			g.power[0] = s.MeanVar * float64(rows*cols)
		}
		if !(g.power[i] > 0) || math.IsInf(g.power[i], 0) {
			panic("prior: a spectrum must be positive and finite at every mode")
		}
	}
	g.pool.New = func() any { x := make([]float64, rows*cols); return &x }
	return g
}

// Dim returns rows·cols.
func (g *Gaussian) Dim() int { return len(g.power) }

// MeanValue returns the mean μ of every pixel.
func (g *Gaussian) MeanValue() float64 { return g.mean }

// Power returns the eigenvalues S of the covariance, row after row: with Periodic those
// of the modes exp(2πi(jr/rows + kc/cols)) of the discrete Fourier transform at (j, k),
// with Mirror those of cos(πj(r+½)/rows) cos(πk(c+½)/cols). The caller must not change
// the slice.
func (g *Gaussian) Power() []float64 { return g.power }

// Denoise writes E[x₁ | x].
func (g *Gaussian) Denoise(dst, x []float64, alpha, sigma float64) {
	g.affine(dst, x, alpha*g.mean, g.mean, func(s float64) float64 { return alpha * s / (alpha*alpha*s + sigma*sigma) })
}

// Score writes ∇ log p(x).
func (g *Gaussian) Score(dst, x []float64, alpha, sigma float64) {
	g.affine(dst, x, alpha*g.mean, 0, func(s float64) float64 { return -1 / (alpha*alpha*s + sigma*sigma) })
}

// JVP writes (∂D/∂x) v.
func (g *Gaussian) JVP(dst, x, v []float64, alpha, sigma float64) {
	if len(x) != len(v) {
		panic("prior: x and v must have one length")
	}
	g.affine(dst, v, 0, 0, func(s float64) float64 { return alpha * s / (alpha*alpha*s + sigma*sigma) })
}

// affine writes shift + T diag(f(S)) Tᵀ(x - centre) for each picture of x.
func (g *Gaussian) affine(dst, x []float64, centre, shift float64, f func(s float64) float64) {
	d := g.Dim()
	rowsOf(dst, x, d)
	for at := 0; at < len(x); at += d {
		p := dst[at : at+d]
		for i, v := range x[at : at+d] {
			p[i] = v - centre
		}
		g.filter(p, f)
		for i := range p {
			p[i] += shift
		}
	}
}

// filter replaces the picture p by T diag(f(S)) Tᵀ p.
func (g *Gaussian) filter(p []float64, f func(s float64) float64) {
	g.basis.to(p)
	for i, s := range g.power {
		p[i] *= f(s)
	}
	g.basis.from(p)
}

// LogProb writes log p(x) in nats, one value a picture.
func (g *Gaussian) LogProb(dst, x []float64, alpha, sigma float64) {
	d := g.Dim()
	perRow(dst, x, d)
	buf := g.pool.Get().(*[]float64)
	defer g.pool.Put(buf)
	y := *buf
	for i := range dst {
		for j, v := range x[i*d : (i+1)*d] {
			y[j] = v - alpha*g.mean
		}
		g.basis.to(y)
		sum := 0.0
		for j, s := range g.power {
			v := alpha*alpha*s + sigma*sigma
			sum += y[j]*y[j]/v + math.Log(2*math.Pi*v)
		}
		dst[i] = -sum / 2
	}
}

// Divergence writes tr ∂D/∂x, one value a picture.
func (g *Gaussian) Divergence(dst, x []float64, alpha, sigma float64) {
	perRow(dst, x, g.Dim())
	sum := 0.0
	for _, s := range g.power {
		sum += alpha * s / (alpha*alpha*s + sigma*sigma)
	}
	for i := range dst {
		dst[i] = sum
	}
}

// Rand fills dst, one picture, with an exact draw.
func (g *Gaussian) Rand(dst []float64, rng *rand.Rand) {
	if len(dst) != g.Dim() {
		panic("prior: dst must be one picture")
	}
	for i, s := range g.power {
		dst[i] = math.Sqrt(s) * rng.NormFloat64()
	}
	g.basis.from(dst)
	for i := range dst {
		dst[i] += g.mean
	}
}

func rowsOf(dst, x []float64, d int) {
	if len(dst) != len(x) || len(x)%d != 0 {
		panic("prior: dst and x must hold the same whole number of pictures")
	}
}

func perRow(dst, x []float64, d int) {
	if len(x) != len(dst)*d {
		panic("prior: dst must hold one value a picture")
	}
}
