package fft

import (
	"math"

	gonum "gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// A Complex2 transforms complex images of one size, rows×cols.
type Complex2 struct {
	rows, cols int
	row, col   *Plan
	all        []int // 0..cols-1
}

// NewComplex2 returns a transform of rows×cols complex images.
func NewComplex2(rows, cols int) *Complex2 {
	c := &Complex2{rows: rows, cols: cols, row: New(cols), col: New(rows), all: make([]int, cols)}
	for j := range c.all {
		c.all[j] = j
	}
	return c
}

// Forward writes the unnormalised transform of src to dst, which may be src.
func (c *Complex2) Forward(dst, src []complex128) {
	c.check(dst, src)
	c.sweepRows(dst, src, forward, false)
	c.sweepCols(dst, c.all, forward, false, 1)
}

// Inverse writes the inverse transform of src to dst, which may be src.
func (c *Complex2) Inverse(dst, src []complex128) {
	c.check(dst, src)
	if &dst[0] != &src[0] {
		copy(dst, src)
	}
	c.sweepCols(dst, c.all, inverse, false, 1/(float64(c.rows)*float64(c.cols)))
	c.sweepRows(dst, dst, inverse, false)
}

// Centred writes the orthonormal transform of src to dst, which may be src, with the
// origins of the image and of the spectrum at (⌊rows/2⌋, ⌊cols/2⌋):
//
//	X[k] = 1/√N Σ_j x[j] e^(-2πi (j-c)(k-c)/n)   along each axis, c = ⌊n/2⌋
//
// that is ifftshift, transform, fftshift, for odd sizes too. It computes the columns of
// the spectrum that cols names; the others are undefined. A nil cols names all.
func (c *Complex2) Centred(dst, src []complex128, cols []int) {
	c.check(dst, src)
	c.sweepRows(dst, src, forward, true)
	c.sweepCols(dst, c.list(cols), forward, true, 1/math.Sqrt(float64(c.rows)*float64(c.cols)))
}

// CentredInverse is the inverse of Centred, and its adjoint, of a spectrum z that is zero
// outside the columns cols. It works in place.
func (c *Complex2) CentredInverse(z []complex128, cols []int) {
	c.check(z, z)
	c.sweepCols(z, c.list(cols), inverse, true, 1/math.Sqrt(float64(c.rows)*float64(c.cols)))
	c.sweepRows(z, z, inverse, true)
}

func (c *Complex2) list(cols []int) []int {
	if cols == nil {
		return c.all
	}
	return cols
}

func (c *Complex2) check(dst, src []complex128) {
	if len(dst) != c.rows*c.cols || len(src) != c.rows*c.cols {
		panic("fft: length of an image is not the plan's")
	}
}

func (c *Complex2) sweepRows(dst, src []complex128, m mode, shift bool) {
	s := sweeps.Get().(*sweep)
	s.c2, s.to, s.z, s.mode, s.shift = c, dst, src, m, shift
	s.run(c.rows, lanes, c.rows*c.cols, complexRows)
}

func (c *Complex2) sweepCols(z []complex128, cols []int, m mode, shift bool, factor float64) {
	s := sweeps.Get().(*sweep)
	s.c2, s.z, s.cols, s.mode, s.shift, s.factor = c, z, cols, m, shift, factor
	s.run(len(cols), lanes, c.rows*c.cols, complexColumns)
}

// runs calls f for the one or two runs of a line of n places that follow each other in the
// transform, which begins at the centre if s.shift: place at of the line and what it is there.
func (s *sweep) runs(n int, f func(at, place, count int)) {
	if !s.shift {
		f(0, 0, n)
		return
	}
	f(n/2, 0, n-n/2)
	f(0, n-n/2, n/2)
}

func complexRows(s *sweep, lo, hi int) {
	c := s.c2
	n := c.cols
	w := getWork(c.row.room(), 0)
	b, m := pairs(s.mode == inverse), rowsOf(lo, 2*n)
	s.runs(n, func(at, place, count int) {
		move(w.a, from(b, place*block), floats(s.z), from(m, 2*at), hi-lo, 2*count, false)
	})
	res, _ := c.row.exec(w.a, w.b)
	s.runs(n, func(at, place, count int) {
		move(res, from(b, place*block), floats(s.to), from(m, 2*at), hi-lo, 2*count, true)
	})
	w.put()
}

func complexColumns(s *sweep, lo, hi int) {
	c := s.c2
	n, cols := c.rows, s.cols[lo:hi]
	w := getWork(c.col.room(), 0)
	re, im := order(s.mode == inverse)
	z, stride := floats(s.z), 2*c.cols
	together := cols[len(cols)-1]-cols[0] == len(cols)-1
	s.runs(n, func(at, place, count int) {
		switch {
		case count == 0:
		case together:
			simd.FFTGather(w.a[place*block:], z[at*stride+2*cols[0]:], count, stride, len(cols), re, im)
		default:
			simd.FFTGatherColumns(w.a[place*block:], z[at*stride:], count, stride, cols, re, im)
		}
	})
	res, _ := c.col.exec(w.a, w.b)
	if s.factor != 1 { // here and not along the rows, for all of which there may be few columns
		gonum.Scale(s.factor, res[:n*block])
	}
	s.runs(n, func(at, place, count int) {
		switch {
		case count == 0:
		case together:
			simd.FFTScatter(z[at*stride+2*cols[0]:], res[place*block:], count, stride, len(cols), re, im)
		default:
			simd.FFTScatterColumns(z[at*stride:], res[place*block:], count, stride, cols, re, im)
		}
	})
	w.put()
}
