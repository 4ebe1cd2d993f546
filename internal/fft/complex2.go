package fft

import "math"

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
	c.sweepRows(dst, src, forward, false, 1)
	c.sweepCols(dst, c.all, forward, false)
}

// Inverse writes the inverse transform of src to dst, which may be src.
func (c *Complex2) Inverse(dst, src []complex128) {
	c.check(dst, src)
	if &dst[0] != &src[0] {
		copy(dst, src)
	}
	c.sweepCols(dst, c.all, inverse, false)
	c.sweepRows(dst, dst, inverse, false, 1/(float64(c.rows)*float64(c.cols)))
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
	c.sweepRows(dst, src, forward, true, 1/math.Sqrt(float64(c.rows)*float64(c.cols)))
	c.sweepCols(dst, c.list(cols), forward, true)
}

// CentredInverse is the inverse of Centred, and its adjoint, of a spectrum z that is zero
// outside the columns cols. It works in place.
func (c *Complex2) CentredInverse(z []complex128, cols []int) {
	c.check(z, z)
	c.sweepCols(z, c.list(cols), inverse, true)
	c.sweepRows(z, z, inverse, true, 1/math.Sqrt(float64(c.rows)*float64(c.cols)))
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

func (c *Complex2) sweepRows(dst, src []complex128, m mode, shift bool, factor float64) {
	s := sweeps.Get().(*sweep)
	s.c2, s.to, s.z, s.mode, s.shift, s.factor = c, dst, src, m, shift, factor
	s.run(c.rows, batch, complexRows)
}

func (c *Complex2) sweepCols(z []complex128, cols []int, m mode, shift bool) {
	s := sweeps.Get().(*sweep)
	s.c2, s.z, s.cols, s.mode, s.shift = c, z, cols, m, shift
	s.run(len(cols), batch, complexColumns)
}

// A walk goes through the n positions of a line in the order that a transform wants:
// from start by step, around the end.
type walk struct{ at, step, n int }

// reading is the order of the input: from the centre on, backwards for an inverse.
func (s *sweep) reading(n int) walk {
	w := walk{step: 1, n: n}
	if s.shift {
		w.at = n / 2
	}
	if s.mode == inverse {
		w.step = -1
	}
	return w
}

// writing is the order of the output.
func (s *sweep) writing(n int) walk {
	w := walk{step: 1, n: n}
	if s.shift {
		w.at = n / 2
	}
	return w
}

func (w *walk) next() int {
	at := w.at
	w.at += w.step
	if w.at == w.n {
		w.at = 0
	} else if w.at < 0 {
		w.at = w.n - 1
	}
	return at
}

func complexRows(s *sweep, lo, hi int) {
	c := s.c2
	n, high := c.cols, hi-lo
	w := getWork(c.row.room(high))
	read := s.reading(n)
	for j := range n {
		at := lo*n + read.next()
		for q := range w.a[j*high:][:high] {
			w.a[j*high+q] = s.z[at]
			at += n
		}
	}
	res, _ := c.row.exec(w.a, w.b, high)
	write := s.writing(n)
	for j := range n {
		at := lo*n + write.next()
		for _, v := range res[j*high:][:high] {
			s.to[at] = scale(s.factor, v)
			at += n
		}
	}
	w.put()
}

func complexColumns(s *sweep, lo, hi int) {
	c := s.c2
	n, cols := c.rows, s.cols[lo:hi]
	w := getWork(c.col.room(len(cols)))
	read := s.reading(n)
	for i := range n {
		line := s.z[read.next()*c.cols:][:c.cols]
		a := w.a[i*len(cols):][:len(cols)]
		for q, j := range cols {
			a[q] = line[j]
		}
	}
	res, _ := c.col.exec(w.a, w.b, len(cols))
	write := s.writing(n)
	for i := range n {
		line := s.z[write.next()*c.cols:][:c.cols]
		for q, v := range res[i*len(cols):][:len(cols)] {
			line[cols[q]] = v
		}
	}
	w.put()
}
