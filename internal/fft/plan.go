package fft

import (
	"math"
	"sync"
)

// maxRadix is the largest prime that a pass takes as its radix; beyond it Bluestein's
// three transforms cost less than the quadratic butterfly.
const maxRadix = 31

// A Plan transforms complex sequences of one length.
type Plan struct {
	n      int
	stages []stage
	blue   *bluestein // instead of stages; nil for lengths without large primes
}

var plans sync.Map // int -> *Plan

// New returns the plan of length n ≥ 1, made at its first use.
func New(n int) *Plan {
	if p, ok := plans.Load(n); ok {
		return p.(*Plan)
	}
	if n < 1 {
		panic("fft: the length must be positive")
	}
	p := &Plan{n: n}
	if radices, ok := factor(n); ok {
		m := n
		for _, r := range radices {
			m /= r
			p.stages = append(p.stages, newStage(r, m))
		}
	} else {
		p.blue = newBluestein(n)
	}
	got, _ := plans.LoadOrStore(n, p)
	return got.(*Plan)
}

// Len returns the length.
func (p *Plan) Len() int { return p.n }

// factor returns the radices of n, or false if n has a prime factor above maxRadix.
// Powers of two go by 4 with at most one 8 or 2.
func factor(n int) (radices []int, ok bool) {
	twos := 0
	for ; n%2 == 0; n /= 2 {
		twos++
	}
	if twos%2 == 1 && twos >= 3 {
		radices, twos = append(radices, 8), twos-3
	}
	for ; twos >= 2; twos -= 2 {
		radices = append(radices, 4)
	}
	if twos == 1 {
		radices = append(radices, 2)
	}
	for f := 3; f <= maxRadix; f += 2 {
		for ; n%f == 0; n /= f {
			radices = append(radices, f)
		}
	}
	return radices, n == 1
}

// NextFast returns the least m ≥ n without prime factors above 5, for padding.
func NextFast(n int) int {
	for m := max(n, 1); ; m++ {
		k := m
		for _, f := range [3]int{2, 3, 5} {
			for k%f == 0 {
				k /= f
			}
		}
		if k == 1 {
			return m
		}
	}
}

// root returns e^(-2πi k/n), with the angle folded into the first octant where it is
// exact to its rounding and the functions are most accurate.
func root(k, n int) complex128 {
	k %= n
	eighth := 8 * k / n
	// The angle from the nearest axis, in units of 2π/(4n): at most n/2.
	quarter := (eighth + 1) / 2
	sin, cos := math.Sincos(math.Pi / 2 * float64(4*k-quarter*n) / float64(n))
	switch quarter % 4 {
	case 0:
		return complex(cos, -sin)
	case 1:
		return complex(-sin, -cos)
	case 2:
		return complex(-cos, sin)
	}
	return complex(sin, cos)
}

// room returns how many values exec needs for s sequences in each of its buffers.
func (p *Plan) room(s int) int {
	if p.blue != nil {
		return p.blue.inner.n * s
	}
	return p.n * s
}

// exec transforms the s interleaved sequences in a, with b as work space, both of
// length room(s), and returns the one that holds the result, then the other.
func (p *Plan) exec(a, b []complex128, s int) (res, other []complex128) {
	if p.blue != nil {
		return p.blue.exec(a, b, s)
	}
	for i := range p.stages {
		st := &p.stages[i]
		st.run(b, a, s)
		s *= st.r
		a, b = b, a
	}
	return a, b
}

// Forward writes the transform of src to dst, which may be src.
func (p *Plan) Forward(dst, src []complex128) {
	p.check(dst, src)
	w := getWork(p.room(1))
	copy(w.a, src)
	res, _ := p.exec(w.a, w.b, 1)
	copy(dst, res)
	w.put()
}

// Inverse writes the inverse transform of src to dst, which may be src. It is the
// forward transform of the sequence read backwards, over n.
func (p *Plan) Inverse(dst, src []complex128) {
	p.check(dst, src)
	w := getWork(p.room(1))
	w.a[0] = src[0]
	for k := 1; k < p.n; k++ {
		w.a[p.n-k] = src[k]
	}
	res, _ := p.exec(w.a, w.b, 1)
	c := 1 / float64(p.n)
	for j, v := range res[:p.n] {
		dst[j] = scale(c, v)
	}
	w.put()
}

func (p *Plan) check(dst, src []complex128) {
	if len(dst) != p.n || len(src) != p.n {
		panic("fft: length of a sequence is not the plan's")
	}
}

func scale(c float64, v complex128) complex128 { return complex(c*real(v), c*imag(v)) }

// A bluestein writes jk = (j² + k² - (k-j)²)/2, which makes the transform a convolution
// with the chirp:
//
//	X[k] = c_k Σ_j (c_j x_j) conj c_(k-j),   c_k = e^(-πi k²/n)
type bluestein struct {
	chirp []complex128
	hat   []complex128 // transform of conj c over the inner length, divided by it
	inner *Plan
}

func newBluestein(n int) *bluestein {
	m := NextFast(2*n - 1)
	b := &bluestein{chirp: make([]complex128, n), hat: make([]complex128, m), inner: New(m)}
	for k := range n {
		c := root(k*k%(2*n), 2*n)
		b.chirp[k] = c
		v := complex(real(c)/float64(m), -imag(c)/float64(m))
		b.hat[k], b.hat[(m-k)%m] = v, v
	}
	b.inner.Forward(b.hat, b.hat)
	return b
}

func (b *bluestein) exec(a, w []complex128, s int) (res, other []complex128) {
	n, m := len(b.chirp), len(b.hat)
	for k, c := range b.chirp {
		for q, v := range a[k*s:][:s] {
			a[k*s+q] = c * v
		}
	}
	clear(a[n*s : m*s])
	res, other = b.inner.exec(a, w, s)
	for k, h := range b.hat {
		back := other[(m-k)%m*s:][:s]
		for q, v := range res[k*s:][:s] {
			back[q] = h * v
		}
	}
	res, other = b.inner.exec(other, res, s)
	for k, c := range b.chirp {
		for q, v := range res[k*s:][:s] {
			res[k*s+q] = c * v
		}
	}
	return res, other
}

// A work is the pair of buffers of exec.
type work struct{ a, b []complex128 }

var works = sync.Pool{New: func() any { return new(work) }}

// spectra holds the half spectra of Filter, apart from the small buffers.
var spectra = sync.Pool{New: func() any { return new([]complex128) }}

func getWork(n int) *work {
	w := works.Get().(*work)
	if cap(w.a) < n {
		w.a, w.b = make([]complex128, n), make([]complex128, n)
	}
	w.a, w.b = w.a[:n], w.b[:n]
	return w
}

func (w *work) put() { works.Put(w) }
