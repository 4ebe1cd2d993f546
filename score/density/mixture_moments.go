package density

import (
	"math"
	"math/rand/v2"
	"sort"
)

// Rand fills dst with an exact draw.
func (g *gaussians) Rand(dst []float64, rng *rand.Rand) {
	if len(dst) != g.d {
		panic("density: dst is not one point")
	}
	// The weights sum to 1 up to rounding only.
	k := min(sort.SearchFloat64s(g.cum, rng.Float64()*g.cum[g.k-1]), g.k-1)
	copy(dst, g.mu[k*g.d:])
	switch {
	case g.eig == nil:
		std := math.Sqrt(g.vars[k%len(g.vars)])
		if std == 0 {
			return
		}
		for i := range dst {
			dst[i] += std * rng.NormFloat64()
		}
	case g.vec == nil:
		for i := range dst {
			dst[i] += math.Sqrt(g.eig[k*g.d+i]) * rng.NormFloat64()
		}
	default:
		for i := range g.d {
			a := math.Sqrt(g.eig[k*g.d+i]) * rng.NormFloat64()
			for j, v := range g.vec[(k*g.d+i)*g.d:][:g.d] {
				dst[j] += a * v
			}
		}
	}
}

// Mean fills mean with Σ w_k μ_k.
func (g *gaussians) Mean(mean []float64) {
	if len(mean) != g.d {
		panic("density: mean is not one point")
	}
	clear(mean)
	for k, l := range g.logW {
		w := math.Exp(l)
		for i := range mean {
			mean[i] += w * g.mu[k*g.d+i]
		}
	}
}

// Cov fills cov, d×d, with Σ w_k (C_k + (μ_k - m)(μ_k - m)ᵀ), m the mean.
func (g *gaussians) Cov(cov []float64) {
	if len(cov) != g.d*g.d {
		panic("density: cov is not d×d")
	}
	clear(cov)
	mean := make([]float64, g.d)
	g.Mean(mean)
	for k, l := range g.logW {
		w := math.Exp(l)
		g.addCov(cov, k, w)
		m := g.mu[k*g.d:][:g.d]
		for i := range mean {
			for j := range mean {
				cov[i*g.d+j] += w * ((m[i] - mean[i]) * (m[j] - mean[j]))
			}
		}
	}
}

// addCov adds w·C_k to cov.
func (g *gaussians) addCov(cov []float64, k int, w float64) {
	d := g.d
	for i := range d {
		switch {
		case g.eig == nil:
			cov[i*d+i] += w * g.vars[k%len(g.vars)]
		case g.vec == nil:
			cov[i*d+i] += w * g.eig[k*d+i]
		default:
			e := w * g.eig[k*d+i]
			q := g.vec[(k*d+i)*d:][:d]
			for a := range q {
				for b := range q {
					cov[a*d+b] += e * (q[a] * q[b])
				}
			}
		}
	}
}
