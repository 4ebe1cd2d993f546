package density

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Isotropic components in one to three dimensions, whose loops are those of
// simd.Posterior: the denoiser is Σ r_k m_k with m_k = (σ²/s_k²) μ_k + (αv_k/s_k²) x, the
// score Σ r_k (αμ_k - x)/s_k².

// fewRows is the number of points of a call of the kernels.
const fewRows = 64

// few is the part of a workspace that these loops use.
type few struct {
	simd.Posterior
	sums   simd.PosteriorSums
	blocks []float64 // as simd.Posterior wants them, of varied variances those of this call
	top, z [fewRows]float64
	mean   [3 * fewRows]float64

	scale, shift float64 // of shared variances: m_k = scale·μ_k + shift·x
}

// isFew reports whether the mixture is of this kind.
func (g *gaussians) isFew() bool { return g.d <= 3 && g.eig == nil }

// packFew lays the components out in blocks.
func (g *gaussians) packFew() {
	p := simd.Posterior{D: g.d, Varied: len(g.vars) > 1}
	size := p.Rows() * simd.PosteriorBlock
	g.packed = make([]float64, (g.k+simd.PosteriorBlock-1)/simd.PosteriorBlock*size)
	for lo := 0; lo < g.k; lo += simd.PosteriorBlock {
		b := g.packed[lo/simd.PosteriorBlock*size:]
		for i := range simd.PosteriorBlock {
			if lo+i >= g.k {
				b[i] = math.Inf(-1)
				continue
			}
			b[i] = g.logW[lo+i] * math.Log2E
			for j := range g.d {
				b[(1+j)*simd.PosteriorBlock+i] = g.mu[(lo+i)*g.d+j]
			}
		}
	}
}

// block returns the block of the components from lo on, and sets their number.
func (g *gaussians) fewBlock(f *few, lo int) []float64 {
	f.K = min(simd.PosteriorBlock, (g.k-lo+7)&^7)
	size := f.Rows() * simd.PosteriorBlock
	return f.blocks[lo/simd.PosteriorBlock*size:][:size]
}

// prepare fixes what is to be averaged. If the variances are shared and nothing but the
// density is asked for, that is μ_k, of which m_k is f.scale·μ_k + f.shift·x.
func (g *gaussians) prepare(w *work, what quantity) *few {
	f := w.few
	if !f.Varied {
		f.SetNoise(w.alpha, w.sigma, g.vars[0])
		if what == gradient {
			f.A, f.B = w.alpha*w.prec[0], -w.prec[0]
		}
		f.scale, f.shift = f.A, f.B
		if what == density {
			f.A, f.B = 1, 0
		}
		return f
	}
	factors := func(v, prec float64) (scale, shift float64) {
		if what == gradient {
			return w.alpha * prec, -prec
		}
		return w.sigma * w.sigma * prec, w.alpha * v * prec
	}
	f.Alpha, f.A, f.scale = w.alpha, 1, 1
	const row = simd.PosteriorBlock
	for lo := 0; lo < g.k; lo += row {
		b := g.fewBlock(f, lo)
		p, gain, m := b[(1+g.d)*row:][:row], b[(2+g.d)*row:][:row], b[(3+g.d)*row:]
		for i := range min(row, g.k-lo) {
			k := lo + i
			b[i] = w.logC[k] * math.Log2E
			p[i] = w.prec[k] / 2 * math.Log2E
			scale, shift := factors(g.vars[k], w.prec[k])
			gain[i] = shift
			for j := range g.d {
				m[j*row+i] = scale * b[(1+j)*row+i]
			}
		}
	}
	return f
}

// means writes the means of up to fewRows points, and their largest logits and normalisers
// into f.
func (g *gaussians) means(w *work, dst, x []float64) {
	f, d := w.few, g.d
	n := len(x) / d
	if g.k <= simd.PosteriorBlock {
		b := g.fewBlock(f, 0)
		f.Means(dst, x, f.top[:n], f.z[:n], b, &f.sums)
		return
	}
	for i := range n {
		xi := x[i*d : (i+1)*d]
		g.bounds(w, xi, 0)
		f.sums.Reset()
		for lo := 0; lo < g.k; lo += simd.PosteriorBlock {
			if !g.far(w, 0, lo, max(w.floor[0], f.sums.Top*math.Ln2)) {
				b := g.fewBlock(f, lo)
				f.Add(xi, b, &f.sums)
			}
		}
		f.z[i] = f.Mean(dst[i*d:(i+1)*d], xi, &f.sums)
		f.top[i] = f.sums.Top
	}
}

// fewMeans writes the means of all points.
func (g *gaussians) fewMeans(w *work, dst, x []float64, what quantity) {
	g.prepare(w, what)
	for step := fewRows * g.d; len(x) > 0; {
		n := min(step, len(x))
		g.means(w, dst[:n], x[:n])
		dst, x = dst[n:], x[n:]
	}
}

// fewLogProb writes c + log Σ exp of the logits.
func (g *gaussians) fewLogProb(w *work, dst, x []float64, c float64) {
	f := g.prepare(w, density)
	for len(dst) > 0 {
		n := min(fewRows, len(dst))
		g.means(w, f.mean[:n*g.d], x[:n*g.d])
		simd.Log(f.z[:n], f.z[:n])
		for i, l := range f.z[:n] {
			dst[i] = c + f.top[i]*math.Ln2 + l
		}
		dst, x = dst[n:], x[n*g.d:]
	}
}

// fewJacobian writes (∂D/∂x) v, or tr ∂D/∂x if v is nil: with the mean m̄ of m_k,
//
//	∂D/∂x = Σ r_k (αv_k/s_k²) I + (α/σ²) Σ r_k (m_k - m̄)(m_k - m̄)ᵀ
func (g *gaussians) fewJacobian(w *work, dst, x, v []float64) {
	f, d := g.prepare(w, density), g.d
	n, sums := len(x)/d, 1
	if v != nil {
		sums = d
	}
	outer := w.alpha / (w.sigma * w.sigma) * f.scale * f.scale
	for i := range n {
		xi, mean := x[i*d:(i+1)*d], f.mean[:d]
		g.means(w, mean, xi)
		f.sums.Reset()
		f.sums.Top = f.top[0]
		var vi []float64
		if v != nil {
			vi = v[i*d : (i+1)*d]
		}
		for lo := 0; lo < g.k; lo += simd.PosteriorBlock {
			if g.far(w, 0, lo, f.sums.Top*math.Ln2) {
				continue
			}
			b := g.fewBlock(f, lo)
			if v == nil {
				f.Spread(xi, mean, b, &f.sums)
			} else {
				f.Product(xi, mean, vi, b, &f.sums)
			}
		}
		gain := f.shift
		if f.Varied {
			gain = f.Second(sums, &f.sums) / f.z[0]
		}
		if v == nil {
			dst[i] = float64(d)*gain + outer*(f.Second(0, &f.sums)/f.z[0])
			continue
		}
		for j, u := range vi {
			dst[i*d+j] = gain*u + outer*(f.Second(j, &f.sums)/f.z[0])
		}
	}
}
