package density

import "math"

// radial is a target that is invariant under rotations. At the distance r = |x| from
// the origin
//
//	∇ log p = score·x,   D = gain·x,   ∂D/∂x = gain·I + outer·x xᵀ.
type radial struct {
	d   int
	law radialLaw
}

type radialLaw interface {
	at(r, alpha, sigma float64) radialPoint
}

type radialPoint struct{ logp, score, gain, outer float64 }

// Dim returns the dimension of a point.
func (t *radial) Dim() int { return t.d }

// each calls f with every point and its law, for size values of dst each.
func (t *radial) each(size int, dst, x []float64, alpha, sigma float64, f func(i int, x []float64, p radialPoint)) {
	checkBatch(t.d, size, dst, x)
	for i := range len(x) / t.d {
		p := x[i*t.d : (i+1)*t.d]
		f(i, p, t.law.at(length(p), alpha, sigma))
	}
}

// length returns |x| without overflow.
func length(x []float64) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	if top == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range x {
		sum += (v / top) * (v / top)
	}
	return top * math.Sqrt(sum)
}

// Denoise writes E[x₁ | x].
func (t *radial) Denoise(dst, x []float64, alpha, sigma float64) {
	t.each(t.d, dst, x, alpha, sigma, func(i int, x []float64, p radialPoint) {
		for j, v := range x {
			dst[i*t.d+j] = p.gain * v
		}
	})
}

// Score writes ∇ log p(x).
func (t *radial) Score(dst, x []float64, alpha, sigma float64) {
	t.each(t.d, dst, x, alpha, sigma, func(i int, x []float64, p radialPoint) {
		for j, v := range x {
			dst[i*t.d+j] = p.score * v
		}
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (t *radial) LogProb(dst, x []float64, alpha, sigma float64) {
	t.each(1, dst, x, alpha, sigma, func(i int, _ []float64, p radialPoint) { dst[i] = p.logp })
}

// JVP writes (∂D/∂x) v.
func (t *radial) JVP(dst, x, v []float64, alpha, sigma float64) {
	checkBatch(t.d, t.d, v, x)
	t.each(t.d, dst, x, alpha, sigma, func(i int, x []float64, p radialPoint) {
		u, dot := v[i*t.d:(i+1)*t.d], 0.0
		for j := range x {
			dot += x[j] * u[j]
		}
		for j := range x {
			dst[i*t.d+j] = p.gain*u[j] + p.outer*dot*x[j]
		}
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (t *radial) Divergence(dst, x []float64, alpha, sigma float64) {
	t.each(1, dst, x, alpha, sigma, func(i int, x []float64, p radialPoint) {
		r := length(x)
		dst[i] = p.gain*float64(t.d) + p.outer*r*r
	})
}

// Mean fills mean, d values, all 0.
func (t *radial) Mean(mean []float64) { clear(mean) }

// scalarCov fills cov with v times the identity.
func (t *radial) scalarCov(cov []float64, v float64) {
	clear(cov)
	for j := range t.d {
		cov[j*(t.d+1)] = v
	}
}
