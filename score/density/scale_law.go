package density

import (
	"math"
	"sync"
)

// A scaleLaw is the noised law of x₁ = √V g, g ~ N(0, I), V > 0 random. Given V, x is
// N(0, S I) with S = α²V + σ², so that with the posterior of V given r = |x|
//
//	p(x)    = E N(x; 0, S I)
//	∇ log p = -E[1/S | r] x
//	D       = E[k | r] x,   k = αV/S
//	∂D/∂x   = E[k | r] I + (α/σ²) Var[k | r] x xᵀ.
//
// The expectations are integrals over τ = log V on the whole line, of functions that
// are analytic around it and decay on both sides, by the trapezoidal rule: its error
// falls like exp(-c/h) (Trefethen & Weideman 2014). The step is chosen so that it is
// below 1e-11, relative to each quantity (measured), and nodes below e^{-60} of the largest are left
// out: e^{-20} of a mean is far from e^{-60} of the mass where V has a heavy tail.
type scaleLaw struct {
	d     int
	prior scalePrior
	pool  sync.Pool // of *scaleTables
}

type scalePrior interface {
	// logPrior is the log-density of τ = log V.
	logPrior(tau float64) float64
	// window bounds the part of the τ axis that matters at r.
	window(r, alpha, sigma float64) (lo, hi float64)
	// shape bounds the second derivative in τ of the integrand's logarithm.
	shape(r, alpha, sigma float64) float64
}

// scaleTables keeps what depends on α and σ only, for each step, from one point to
// the next. A node is a multiple of the step, so a point's values do not depend on who
// asked first.
type scaleTables [maxHalvings + 1]scaleTable

type scaleTable struct {
	first        int // nodes first, first+1, ... times the step
	log, inv, k  []float64
	alpha, sigma float64 // what it was made for
}

// Nodes below e^{-negligible} of the largest are left out; windows reach a little
// further.
const negligible, margin = 60, 65

// maxHalvings of the step serve the Laplace distribution to |x| of 1e7 b.
const maxHalvings = 11

func newScaleLaw(d int, prior scalePrior) *scaleLaw {
	l := &scaleLaw{d: d, prior: prior}
	l.pool.New = func() any { return new(scaleTables) }
	return l
}

// tauStep returns the step for an integrand of the given shape. For exp(aτ - e^τ), whose
// Fourier transform is Γ(a+iω), the error is below e^{-30} for any a.
func tauStep(shape float64) float64 { return 0.72 / math.Sqrt(shape+6) }

func (l *scaleLaw) at(r, alpha, sigma float64) radialPoint {
	h, halvings := tauStep(l.prior.shape(0, alpha, sigma)), 0
	for want := tauStep(l.prior.shape(r, alpha, sigma)); h > want && halvings < maxHalvings; halvings++ {
		h /= 2
	}
	lo, hi := l.prior.window(r, alpha, sigma)
	first, last := int(math.Floor(max(lo, -600)/h)), int(math.Ceil(min(hi, 600)/h))
	tables := l.pool.Get().(*scaleTables)
	t := &tables[halvings]
	l.cover(t, first, last, h, alpha, sigma)
	first, last = first-t.first, last-t.first
	log, inv, k := t.log[first:last+1], t.inv[first:last+1], t.k[first:last+1]
	half := r * r / 2
	top, peak := math.Inf(-1), 0
	for q, v := range log {
		if v -= half * inv[q]; v > top {
			top, peak = v, q
		}
	}
	// k is taken from its value at the peak, its variance then loses nothing.
	var sum, s1, k1, k2 float64
	k0 := k[peak]
	for q, v := range log {
		if v -= half*inv[q] + top; v > -negligible {
			w := math.Exp(v)
			sum += w
			s1 += w * inv[q]
			k1 += w * (k[q] - k0)
			k2 += w * (k[q] - k0) * (k[q] - k0)
		}
	}
	l.pool.Put(tables)
	s1, k1, k2 = s1/sum, k1/sum, k2/sum
	return radialPoint{
		logp:  top + math.Log(sum*h),
		score: -s1,
		gain:  k0 + k1,
		outer: alpha / sigma / sigma * (k2 - k1*k1),
	}
}

// cover makes the table hold the nodes first..last.
func (l *scaleLaw) cover(t *scaleTable, first, last int, h, alpha, sigma float64) {
	if t.alpha != alpha || t.sigma != sigma {
		t.alpha, t.sigma = alpha, sigma
		t.log = t.log[:0]
	}
	if n := len(t.log); n > 0 {
		if t.first <= first && last < t.first+n {
			return
		}
		first, last = min(first, t.first), max(last, t.first+n-1)
	}
	t.first = first
	t.log, t.inv, t.k = t.log[:0], t.inv[:0], t.k[:0]
	for q := first; q <= last; q++ {
		tau := float64(q) * h
		v := math.Exp(tau)
		s := alpha*alpha*v + sigma*sigma
		t.log = append(t.log, l.prior.logPrior(tau)-float64(l.d)/2*math.Log(2*math.Pi*s))
		t.inv = append(t.inv, 1/s)
		t.k = append(t.k, alpha*v/s)
	}
}
