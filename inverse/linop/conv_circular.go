package linop

import (
	"fmt"
	"math"
	"math/cmplx"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/fft"
)

// CircularConv is the circular convolution of a rows by cols image,
//
//	(A x)[i,j] = Σ_kl h[k,l] x[i-k, j-l]  (indices modulo the size),   F A x = ĥ F x
//
// by the fast Fourier transform. It is Spectral: V is the real orthonormal Fourier basis,
// the singular values are |ĥ|, each twice for a pair of frequencies ±f, and U is V with
// the phases ĥ/|ĥ|, or signs where f = -f. Functions of AᵀA and of ĥ are closed forms.
//
// Spectra are given and returned as the half rows×(cols/2+1) of frequencies, along the
// last axis, that determines the rest.
type CircularConv struct {
	rows, cols int
	plan       *fft.Real2
	h          []complex128
	svd        func() *fourierSVD
	spectra    *sync.Pool // *[]complex128 of the length of h
	basis      fourierBasis
}

type fourierSVD struct {
	s     []float64
	phase []complex128
}

// NewCircularConv returns the circular convolution with a PSF, which must not be larger
// than the image.
func NewCircularConv(p PSF, rows, cols int) (*CircularConv, error) {
	if err := p.fits(rows, cols); err != nil {
		return nil, err
	}
	plan := fft.NewReal2(rows, cols)
	h := make([]complex128, rows*plan.Half())
	plan.Forward(h, p.wrapped(rows, cols))
	return NewTransfer(h, rows, cols)
}

// NewTransfer returns the circular convolution with the half spectrum h, which it copies.
// In the columns 0 and, if cols is even, cols/2 the spectrum of a real image satisfies
// ĥ[rows-k] = conj ĥ[k]: there the lower half is taken from the upper one and the
// imaginary part of frequencies that are their own opposite is dropped. An error is
// returned if the length of h is wrong or a value is not finite.
func NewTransfer(h []complex128, rows, cols int) (*CircularConv, error) {
	mustPositive(rows, cols)
	c := &CircularConv{rows: rows, cols: cols, plan: fft.NewReal2(rows, cols)}
	if len(h) != rows*c.plan.Half() {
		return nil, fmt.Errorf("linop: a half spectrum of %d values for an image of %d×%d, want %d×%d",
			len(h), rows, cols, rows, c.plan.Half())
	}
	for _, v := range h {
		if !finite(real(v)) || !finite(imag(v)) {
			return nil, fmt.Errorf("linop: the spectrum of the convolution holds %v", v)
		}
	}
	c.h = append([]complex128(nil), h...)
	c.basis = fourierBasis{rows, cols, c.plan.Half()}
	for _, l := range c.basis.realColumns() {
		for k := range rows/2 + 1 {
			at, mirror := k*c.plan.Half()+l, (rows-k)%rows*c.plan.Half()+l
			if at == mirror {
				c.h[at] = complex(real(c.h[at]), 0)
			} else {
				c.h[mirror] = cmplx.Conj(c.h[at])
			}
		}
	}
	c.svd = sync.OnceValue(c.decompose)
	n := len(h)
	c.spectra = &sync.Pool{New: func() any { z := make([]complex128, n); return &z }}
	return c, nil
}

// NewRealTransfer is NewTransfer for a real spectrum p: A is symmetric with eigenvalues p.
// The covariance of a stationary Gaussian image is such an operator, p its power spectrum.
func NewRealTransfer(p []float64, rows, cols int) (*CircularConv, error) {
	h := make([]complex128, len(p))
	for i, v := range p {
		h[i] = complex(v, 0)
	}
	return NewTransfer(h, rows, cols)
}

// Spectrum returns the half spectrum ĥ, which must not be changed.
func (c *CircularConv) Spectrum() []complex128 { return c.h }

func (c *CircularConv) Dims() (rows, cols int) { n := c.rows * c.cols; return n, n }
func (c *CircularConv) DomainShape() []int     { return []int{c.rows, c.cols} }
func (c *CircularConv) RangeShape() []int      { return []int{c.rows, c.cols} }

func (c *CircularConv) Apply(dst, x []float64) {
	mustVectors(dst, c.rows*c.cols, x, c.rows*c.cols)
	c.plan.Filter(dst, x, c.h, false)
}

func (c *CircularConv) Adjoint(dst, y []float64) {
	mustVectors(dst, c.rows*c.cols, y, c.rows*c.cols)
	c.plan.Filter(dst, y, c.h, true)
}

// SolveNormal is the function SolveNormal by one filter: (a AᵀA + b I)⁻¹ x, or, if b = 0,
// its pseudo-inverse.
func (c *CircularConv) SolveNormal(dst, x []float64, a, b float64) {
	mustVectors(dst, c.rows*c.cols, x, c.rows*c.cols)
	if !(a >= 0 && b >= 0 && a+b > 0) {
		panic("linop: SolveNormal needs a and b that are not negative and not both 0")
	}
	cut := 0.
	if b == 0 {
		cut = c.cut(float64(2*c.rows*c.cols) * unitRoundoff)
	}
	z := c.spectra.Get().(*[]complex128)
	for i, h := range c.h {
		(*z)[i] = 0
		if p := power(h); b > 0 || p > cut {
			(*z)[i] = complex(1/(a*p+b), 0)
		}
	}
	c.plan.Filter(dst, x, *z, false)
	c.spectra.Put(z)
}

// PseudoInverse is the function PseudoInverse by one filter, A⁺ y, where singular values
// up to rtol times the largest count as zero.
func (c *CircularConv) PseudoInverse(dst, y []float64, rtol float64) {
	mustVectors(dst, c.rows*c.cols, y, c.rows*c.cols)
	cut := c.cut(rtol)
	z := c.spectra.Get().(*[]complex128)
	for i, h := range c.h {
		(*z)[i] = 0
		if power(h) > cut {
			(*z)[i] = 1 / h
		}
	}
	c.plan.Filter(dst, y, *z, false)
	c.spectra.Put(z)
}

// cut returns the square of rtol times the largest singular value.
func (c *CircularConv) cut(rtol float64) float64 {
	top := 0.
	for _, h := range c.h {
		top = max(top, power(h))
	}
	return rtol * rtol * top
}

// Wiener returns the operator R whose R y is the posterior mean of a zero-mean stationary
// Gaussian image with half power spectrum p, the eigenvalues of its covariance, given
// y = A x + n with white noise of standard deviation sigma:
//
//	r = p conj ĥ / (p |ĥ|² + σ²)
//
// where both parts of the fraction vanish, r = 0. An error is returned if p is negative
// somewhere or of the wrong length, or sigma is negative.
func (c *CircularConv) Wiener(p []float64, sigma float64) (*CircularConv, error) {
	if len(p) != len(c.h) {
		return nil, fmt.Errorf("linop: a half power spectrum of %d values, want %d", len(p), len(c.h))
	}
	if !(sigma >= 0) {
		return nil, fmt.Errorf("linop: a noise of standard deviation %g", sigma)
	}
	r := make([]complex128, len(p))
	for i, h := range c.h {
		if !(p[i] >= 0) {
			return nil, fmt.Errorf("linop: a power spectrum of %g at %d", p[i], i)
		}
		if d := p[i]*power(h) + sigma*sigma; d > 0 {
			r[i] = complex(p[i]/d, 0) * cmplx.Conj(h)
		}
	}
	return NewTransfer(r, c.rows, c.cols)
}

func power(h complex128) float64 { return real(h)*real(h) + imag(h)*imag(h) }

func (c *CircularConv) decompose() *fourierSVD {
	d := &fourierSVD{s: make([]float64, c.rows*c.cols), phase: make([]complex128, len(c.h))}
	abs := make([]complex128, len(c.h))
	for i, h := range c.h {
		s := cmplx.Abs(h)
		abs[i], d.phase[i] = complex(s, s), 1
		if s > 0 {
			d.phase[i] = h / complex(s, 0)
		}
	}
	c.basis.pack(d.s, abs, 1, 1) // (s, s) gives s to both members of a pair
	return d
}

// Singular returns |ĥ| in the order of the basis; see V.
func (c *CircularConv) Singular() []float64 { return c.svd().s }

// V writes the image with the coordinates v in the real Fourier basis: with N pixels,
// √(2/N) cos 2πf·n and -√(2/N) sin 2πf·n for a pair ±f, 1/√N cos 2πf·n for f = -f.
func (c *CircularConv) V(dst, v []float64) { c.fromBasis(dst, v, nil) }

func (c *CircularConv) VT(dst, x []float64) { c.toBasis(dst, x, nil) }
func (c *CircularConv) U(dst, u []float64)  { c.fromBasis(dst, u, c.svd().phase) }
func (c *CircularConv) UT(dst, y []float64) { c.toBasis(dst, y, c.svd().phase) }

func (c *CircularConv) fromBasis(dst, v []float64, phase []complex128) {
	mustVectors(dst, c.rows*c.cols, v, c.rows*c.cols)
	z := c.spectra.Get().(*[]complex128)
	n := float64(c.rows) * float64(c.cols)
	c.basis.unpack(*z, v, math.Sqrt(n/2), math.Sqrt(n))
	for i, p := range phase {
		(*z)[i] *= p
	}
	c.plan.Inverse(dst, *z)
	c.spectra.Put(z)
}

func (c *CircularConv) toBasis(dst, x []float64, phase []complex128) {
	mustVectors(dst, c.rows*c.cols, x, c.rows*c.cols)
	z := c.spectra.Get().(*[]complex128)
	c.plan.Forward(*z, x)
	for i, p := range phase {
		(*z)[i] *= cmplx.Conj(p)
	}
	n := float64(c.rows) * float64(c.cols)
	c.basis.pack(dst, *z, math.Sqrt(2/n), 1/math.Sqrt(n))
	c.spectra.Put(z)
}
