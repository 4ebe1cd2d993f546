package nn

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Optimisers change weights w in place from a gradient g. Their exported fields are all
// their state: an optimiser restored from them goes on bit for bit. Buffers that are nil are
// made by the first step. Zero settings mean the defaults named.

// SGD is gradient descent with momentum and decoupled weight decay:
//
//	m ← μm + g      w ← w - η(m + λw)
type SGD[T Float] struct {
	Momentum, Decay float64 // μ and λ, default 0
	M               []T
}

// Step takes a step at the rate η.
func (o *SGD[T]) Step(w, g []T, rate float64) {
	o.M = buffer(o.M, w, g)
	mu, eta, decay := T(o.Momentum), T(rate), T(o.Decay)
	for i, v := range g {
		o.M[i] = mu*o.M[i] + v
		w[i] -= eta * (o.M[i] + decay*w[i])
	}
}

// Adam is Adam with decoupled weight decay (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1;
// Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2):
//
//	m ← β₁m + (1-β₁)g      v ← β₂v + (1-β₂)g²
//	w ← w - η( m̂/(√v̂ + ε) + λw ),   m̂ = m/(1-β₁^k), v̂ = v/(1-β₂^k) in step k
type Adam[T Float] struct {
	Beta1, Beta2, Eps float64 // defaults 0.9, 0.999, 1e-8
	Decay             float64 // λ
	Steps             int
	M, V              []T
}

// Step takes a step at the rate η.
func (o *Adam[T]) Step(w, g []T, rate float64) {
	o.M, o.V = buffer(o.M, w, g), buffer(o.V, w, g)
	o.Steps++
	b1, b2, eps := or(o.Beta1, 0.9), or(o.Beta2, 0.999), or(o.Eps, 1e-8)
	c1, c2 := corrections(b1, b2, o.Steps)
	simd.Adam(w, g, o.M, o.V, simd.AdamRates[T]{
		Beta1: T(b1), Beta2: T(b2), Rest1: T(1 - b1), Rest2: T(1 - b2),
		Step: T(rate / c1), Scale: T(1 / c2), Eps: T(eps), Decay: T(rate * o.Decay),
	})
}

// AdaHessian is the second-order method of Yao et al. (2020, arXiv 2006.00719, algorithm 1):
// Adam with the diagonal D of the Hessian in place of the gradient in v,
//
//	m ← β₁m + (1-β₁)g      v ← β₂v + (1-β₂)D²
//	w ← w - η( m̂/(v̂^{k/2} + ε) + λw )
//
// D is estimated from one Hessian-vector product, |z∘Hz| with z = ±1 (Hutchinson), and
// averaged over the pixels of each convolution kernel. The rate is about 0.15.
type AdaHessian[T Float] struct {
	Beta1, Beta2, Eps float64 // defaults 0.9, 0.999, 1e-4
	Power             float64 // k, default 1
	Decay             float64 // λ
	Params            []Param // those of the network, for the averages
	RowMean           bool    // average over the rows of matrices too
	Steps             int
	M, V              []T
}

// Step takes a step at the rate η from the gradient g and z∘Hz, which it overwrites with D.
func (o *AdaHessian[T]) Step(w, g, zhz []T, rate float64) {
	o.M, o.V = buffer(o.M, w, g), buffer(o.V, w, zhz)
	o.Steps++
	SpatialMean(zhz, o.Params, o.RowMean)
	b1, b2, eps, k := or(o.Beta1, 0.9), or(o.Beta2, 0.999), or(o.Eps, 1e-4), or(o.Power, 1)
	c1, c2 := corrections(b1, b2, o.Steps)
	for i, x := range g {
		o.M[i] = T(b1)*o.M[i] + T(1-b1)*x
		o.V[i] = T(b2)*o.V[i] + T(1-b2)*zhz[i]*zhz[i]
		den := math.Sqrt(float64(o.V[i]) / c2)
		if k != 1 {
			den = math.Pow(den, k)
		}
		w[i] -= T(rate * (float64(o.M[i])/c1/(den+eps) + o.Decay*float64(w[i])))
	}
}

// SpatialMean replaces each value of h by its modulus, and those of one kernel of a
// convolution, with rows those of one row of a matrix too, by their mean.
func SpatialMean[T Float](h []T, params []Param, rows bool) {
	for i, v := range h {
		h[i] = T(math.Abs(float64(v)))
	}
	for i := range params {
		p := &params[i]
		part := h[p.Offset : p.Offset+p.Len()]
		switch {
		case len(p.Shape) == 4:
			in, pixels := p.Shape[3], p.Shape[1]*p.Shape[2]
			for ; len(part) > 0; part = part[pixels*in:] {
				for c := range in {
					mean(part[c:], pixels, in)
				}
			}
		case len(p.Shape) == 2 && rows:
			for ; len(part) > 0; part = part[p.Shape[1]:] {
				mean(part, p.Shape[1], 1)
			}
		}
	}
}

// mean replaces n values, a stride apart, by their mean.
func mean[T Float](h []T, n, stride int) {
	sum := 0.0
	for i := range n {
		sum += float64(h[i*stride])
	}
	for i := range n {
		h[i*stride] = T(sum / float64(n))
	}
}

// corrections are those of the bias of averages that start at zero.
func corrections(beta1, beta2 float64, k int) (c1, c2 float64) {
	return 1 - math.Pow(beta1, float64(k)), 1 - math.Pow(beta2, float64(k))
}

func buffer[T Float](m, w, g []T) []T {
	if len(w) != len(g) || m != nil && len(m) != len(w) {
		panic("nn: weights, gradient and state of different lengths")
	}
	if m == nil {
		m = make([]T, len(w))
	}
	return m
}

func or(v, d float64) float64 {
	if v == 0 {
		return d
	}
	return v
}

// EMA is an exponential moving average of weights, which samples better than the last ones:
//
//	a ← a + (1-β_k)(w - a),   β_k = min(Decay, (1+k)/(10+k)) in step k = 0, 1, …
//
// The first steps count for more, so that the start is soon forgotten.
type EMA[T Float] struct {
	Decay float64 // default 0.999
	Steps int
	W     []T
}

// Update takes in the weights w; the first become the average.
func (e *EMA[T]) Update(w []T) {
	k := float64(e.Steps)
	e.Steps++
	if e.W == nil {
		e.W = append([]T(nil), w...)
		return
	}
	rest := T(1 - min(or(e.Decay, 0.999), (1+k)/(10+k)))
	for i, v := range w {
		e.W[i] += rest * (v - e.W[i])
	}
}

// Clip scales g to the norm limit if it is longer, and returns the norm that it had. A limit
// of zero means none.
func Clip[T Float](g []T, limit float64) float64 {
	sum := 0.0
	for _, v := range g {
		sum += float64(v) * float64(v)
	}
	norm := math.Sqrt(sum)
	if limit > 0 && norm > limit {
		f := T(limit / norm)
		for i := range g {
			g[i] *= f
		}
	}
	return norm
}

// A Schedule gives the learning rate of each step, with a Warmup of as many steps in which it
// rises in proportion to the step. The zero Kind is constant.
type Schedule struct {
	Kind   string  `json:"kind,omitempty"` // "constant", "step" or "cosine"
	Rate   float64 `json:"rate"`
	Warmup int     `json:"warmup,omitempty"`
	Total  int     `json:"total,omitempty"` // cosine: steps until the rate is Rate·Final
	Final  float64 `json:"final,omitempty"`
	Every  int     `json:"every,omitempty"` // step: the rate is multiplied by Factor every so many steps,
	Factor float64 `json:"factor,omitempty"`
	At     []int   `json:"at,omitempty"` // or at these
}

// Of returns the rate of step k = 0, 1, …
func (s *Schedule) Of(k int) float64 {
	r := s.Rate
	if k < s.Warmup {
		r *= float64(k+1) / float64(s.Warmup)
	}
	switch s.Kind {
	case "", "constant":
	case "step":
		drops := 0
		if s.Every > 0 {
			drops = k / s.Every
		}
		for _, at := range s.At {
			if k >= at {
				drops++
			}
		}
		r *= math.Pow(s.Factor, float64(drops))
	case "cosine":
		f := min(float64(k)/float64(max(s.Total, 1)), 1)
		r *= s.Final + (1-s.Final)*(1+math.Cos(math.Pi*f))/2
	default:
		panic("nn: no schedule " + s.Kind + ": there are constant, step and cosine")
	}
	return r
}
