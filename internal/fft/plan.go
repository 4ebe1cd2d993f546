package fft

import (
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

const (
	lanes = simd.FFTLanes
	block = 2 * lanes // numbers in a block
)

// maxRadix is the largest prime that a pass takes as its radix; beyond it Bluestein's
// three transforms cost less than the quadratic butterfly.
const maxRadix = 31

// A Plan transforms complex sequences of one length, simd.FFTLanes side by side.
type Plan struct {
	n      int
	stages []stage
	blue   *bluestein // instead of stages; nil for lengths without large primes
}

// A stage is one pass, see simd.FFTPass.
type stage struct {
	r, m  int
	tw, w []float64
}

func newStage(r, m int) stage {
	st := stage{r: r, m: m}
	put := func(z *[]float64, k, n int) {
		c := root(k, n)
		*z = append(*z, real(c), imag(c))
	}
	first := 1
	if r > 5 && r != 8 {
		first = 0
		for k := range r {
			put(&st.w, k, r)
		}
	}
	for p := first; p < m; p++ {
		for k := first; k < r; k++ {
			put(&st.tw, p*k, r*m)
		}
	}
	return st
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
// Powers of two go by 8 with what is left before.
func factor(n int) (radices []int, ok bool) {
	twos := 0
	for ; n%2 == 0; n /= 2 {
		twos++
	}
	for f := 3; f <= maxRadix; f += 2 {
		for ; n%f == 0; n /= f {
			radices = append(radices, f)
		}
	}
	switch {
	case twos == 1:
		radices, twos = append(radices, 2), 0
	case twos%3 == 1:
		radices, twos = append(radices, 4, 4), twos-4
	case twos%3 == 2:
		radices, twos = append(radices, 4), twos-2
	}
	for ; twos > 0; twos -= 3 {
		radices = append(radices, 8)
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

// room returns the number of blocks that exec needs in each of its buffers.
func (p *Plan) room() int {
	if p.blue != nil {
		return p.blue.inner.n
	}
	return p.n
}

// exec transforms the sequences whose blocks are in a, with b as work space, both of
// room() blocks, and returns the one that holds the result, then the other.
func (p *Plan) exec(a, b []float64) (res, other []float64) {
	if p.blue != nil {
		return p.blue.exec(a, b)
	}
	s := 1
	for i := range p.stages {
		st := &p.stages[i]
		simd.FFTPass(b, a, st.tw, st.w, st.r, st.m, s)
		s *= st.r
		a, b = b, a
	}
	return a, b
}

// Forward writes the transform of src to dst, which may be src. One sequence costs as much
// as simd.FFTLanes.
func (p *Plan) Forward(dst, src []complex128) { p.single(dst, src, 0, lanes, 1) }

// Inverse writes the inverse transform of src to dst, which may be src.
func (p *Plan) Inverse(dst, src []complex128) { p.single(dst, src, lanes, 0, 1/float64(p.n)) }

// single transforms one sequence, its parts at re and im of a block. The inverse transform
// is the forward one with real and imaginary parts exchanged before and after.
func (p *Plan) single(dst, src []complex128, re, im int, c float64) {
	if len(dst) != p.n || len(src) != p.n {
		panic("fft: length of a sequence is not the plan's")
	}
	w := getWork(p.room(), 0)
	simd.FFTGather(w.a, floats(src), p.n, 2, 1, re, im)
	res, _ := p.exec(w.a, w.b)
	simd.FFTScatter(floats(dst), res, p.n, 2, 1, re, im)
	w.put()
	if c != 1 {
		for j, v := range dst {
			dst[j] = complex(c*real(v), c*imag(v))
		}
	}
}

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

func (b *bluestein) exec(x, w []float64) (res, other []float64) {
	n := len(b.chirp)
	modulate(x, b.chirp, false)
	clear(x[n*block:])
	res, other = b.inner.exec(x, w)
	modulate(res, b.hat, true)
	res, other = b.inner.exec(res, other)
	exchange(res[:n*block])
	modulate(res, b.chirp, false)
	return res, other
}

// modulate multiplies each block by a number and, if asked, exchanges real and imaginary
// parts for an inverse transform.
func modulate(x []float64, c []complex128, exchanged bool) {
	re, im := 0, lanes
	if exchanged {
		re, im = im, re
	}
	for k, w := range c {
		b := x[k*block:][:block]
		for i := range lanes {
			v := complex(b[i], b[lanes+i]) * w
			b[re+i], b[im+i] = real(v), imag(v)
		}
	}
}

func exchange(x []float64) {
	for ; len(x) > 0; x = x[block:] {
		for i := range lanes {
			x[i], x[lanes+i] = x[lanes+i], x[i]
		}
	}
}

// A work is the pair of buffers of exec, and one of another pair of sequences.
type work struct{ a, b, u1, u2 []float64 }

var works = sync.Pool{New: func() any { return new(work) }}

// spectra holds the half spectra of Filter, apart from the small buffers.
var spectra = sync.Pool{New: func() any { return new([]complex128) }}

// getWork returns room for so many blocks in each of a and b, and in each of u1 and u2.
func getWork(ab, u int) *work {
	w := works.Get().(*work)
	grow := func(x *[]float64, n int) {
		if cap(*x) < n*block {
			*x = make([]float64, n*block)
		}
		*x = (*x)[:n*block]
	}
	grow(&w.a, ab)
	grow(&w.b, ab)
	grow(&w.u1, u)
	grow(&w.u2, u)
	return w
}

func (w *work) put() { works.Put(w) }

// Sequences is the number of real ones that FilterReal takes.
const Sequences = 2 * lanes

// FilterReal replaces each of Sequences real sequences, number i at x[Sequences·j + i], by its
// circular convolution with the real and even spectrum h: the real sequences are the parts of
// lanes complex ones, which such a filter does not mix.
func (p *Plan) FilterReal(x, h []float64) {
	if len(x) != p.n*block || len(h) != p.n {
		panic("fft: length of a sequence or of its filter is not the plan's")
	}
	w := getWork(p.room(), 0)
	copy(w.a, x)
	res, other := p.exec(w.a, w.b)
	c := 1 / float64(p.n)
	for k, v := range h {
		b := res[k*block:][:block]
		v *= c
		for i := range lanes {
			b[i], b[lanes+i] = v*b[lanes+i], v*b[i]
		}
	}
	res, _ = p.exec(res, other)
	exchange(res[:len(x)])
	copy(x, res)
	w.put()
}
