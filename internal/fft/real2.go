package fft

import "github.com/seed-dea4846a/sampler/internal/simd"

// A Real2 transforms real images of one size, rows×cols, to the half spectrum
// rows×(cols/2+1):
//
//	X[k,l] = Σ_ij x[i,j] e^(-2πi (ik/rows + jl/cols)),   l ≤ cols/2
type Real2 struct {
	rows, cols, half int
	row, col         *Plan
}

// NewReal2 returns a transform of rows×cols real images.
func NewReal2(rows, cols int) *Real2 {
	return &Real2{rows: rows, cols: cols, half: cols/2 + 1, row: New(cols), col: New(rows)}
}

// Half returns the number of columns of the half spectrum, cols/2 + 1.
func (r *Real2) Half() int { return r.half }

// Forward writes the half spectrum of the image src to dst.
func (r *Real2) Forward(dst []complex128, src []float64) {
	r.check(src, dst)
	s := sweeps.Get().(*sweep)
	s.r2, s.x, s.z = r, src, dst
	s.run(r.rows, 2*lanes, r.rows*r.cols, realRows)
	r.columns(dst, nil, forward)
}

// Inverse writes the image of the half spectrum src to dst and leaves src changed. The
// part of src that a real image cannot have is not looked at.
func (r *Real2) Inverse(dst []float64, src []complex128) {
	r.check(dst, src)
	r.columns(src, nil, inverse)
	r.inverseRows(dst, src)
}

// Filter writes to dst, which may be src, the circular convolution whose half spectrum
// is h, or, if adjoint, its transpose, the correlation with spectrum conj h. Work space
// is taken from a pool.
func (r *Real2) Filter(dst, src []float64, h []complex128, adjoint bool) {
	r.check(src, h)
	r.check(dst, h)
	buf := spectra.Get().(*[]complex128)
	if cap(*buf) < len(h) {
		*buf = make([]complex128, len(h))
	}
	z := (*buf)[:len(h)]
	s := sweeps.Get().(*sweep)
	s.r2, s.x, s.z = r, src, z
	s.run(r.rows, 2*lanes, r.rows*r.cols, realRows)
	if adjoint {
		r.columns(z, h, filterConj)
	} else {
		r.columns(z, h, filter)
	}
	r.inverseRows(dst, z)
	spectra.Put(buf)
}

func (r *Real2) columns(z, h []complex128, m mode) {
	s := sweeps.Get().(*sweep)
	s.r2, s.z, s.h, s.mode = r, z, h, m
	s.run(r.half, lanes, r.rows*r.cols, realColumns)
}

func (r *Real2) inverseRows(dst []float64, z []complex128) {
	s := sweeps.Get().(*sweep)
	s.r2, s.x, s.z = r, dst, z
	s.run(r.rows, 2*lanes, r.rows*r.cols, realRowsInverse)
}

func (r *Real2) check(x []float64, z []complex128) {
	if len(x) != r.rows*r.cols || len(z) != r.rows*r.half {
		panic("fft: length of an image or of its half spectrum is not the plan's")
	}
}

// realRows transforms the rows lo..hi-1 of s.x, the first half of them as real and the
// second as imaginary parts.
func realRows(s *sweep, lo, hi int) {
	r := s.r2
	n, k := r.cols, min(hi-lo, lanes)
	w := getWork(r.row.room(), r.half)
	if hi-lo < 2*lanes {
		clear(w.a)
	}
	move(w.a, parts(0), s.x, rowsOf(lo, n), k, n, false)
	move(w.a, parts(lanes), s.x, rowsOf(lo+k, n), hi-lo-k, n, false)
	res, _ := r.row.exec(w.a, w.b)
	simd.FFTUntangle(w.u1, w.u2, res, n)
	z := floats(s.z)
	move(w.u1, pairs(false), z, rowsOf(lo, 2*r.half), k, 2*r.half, true)
	move(w.u2, pairs(false), z, rowsOf(lo+k, 2*r.half), hi-lo-k, 2*r.half, true)
	w.put()
}

// realRowsInverse is the way back, over the number of pixels.
func realRowsInverse(s *sweep, lo, hi int) {
	r := s.r2
	n, k := r.cols, min(hi-lo, lanes)
	w := getWork(r.row.room(), r.half)
	if hi-lo < 2*lanes {
		clear(w.u1)
		clear(w.u2)
	}
	z := floats(s.z)
	move(w.u1, pairs(false), z, rowsOf(lo, 2*r.half), k, 2*r.half, false)
	move(w.u2, pairs(false), z, rowsOf(lo+k, 2*r.half), hi-lo-k, 2*r.half, false)
	simd.FFTEntangle(w.a, w.u1, w.u2, n, 1/(float64(r.rows)*float64(n)))
	res, _ := r.row.exec(w.a, w.b)
	move(res, parts(lanes), s.x, rowsOf(lo, n), k, n, true)
	move(res, parts(0), s.x, rowsOf(lo+k, n), hi-lo-k, n, true)
	w.put()
}

// realColumns transforms the columns lo..hi-1 of s.z in place: forward, inverse (without
// the factor), or forward, times s.h, and inverse while they are in the cache.
func realColumns(s *sweep, lo, hi int) {
	r := s.r2
	n, k, stride := r.rows, hi-lo, 2*r.half
	w := getWork(r.col.room(), 0)
	z := floats(s.z[lo:])
	re, im := order(s.mode == inverse)
	simd.FFTGather(w.a, z, n, stride, k, re, im)
	res, other := r.col.exec(w.a, w.b)
	if s.mode >= filter {
		sign := 1.0
		if s.mode == filterConj {
			sign = -1
		}
		simd.FFTMultiply(res, floats(s.h[lo:]), n, stride, k, sign)
		res, _ = r.col.exec(res, other)
	}
	re, im = order(s.mode != forward)
	simd.FFTScatter(z, res, n, stride, k, re, im)
	w.put()
}
