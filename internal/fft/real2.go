package fft

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
	s.run(r.rows, 2*batch, realRows)
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
	s.run(r.rows, 2*batch, realRows)
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
	s.run(r.half, batch, realColumns)
}

func (r *Real2) inverseRows(dst []float64, z []complex128) {
	s := sweeps.Get().(*sweep)
	s.r2, s.x, s.z = r, dst, z
	s.run(r.rows, 2*batch, realRowsInverse)
}

func (r *Real2) check(x []float64, z []complex128) {
	if len(x) != r.rows*r.cols || len(z) != r.rows*r.half {
		panic("fft: length of an image or of its half spectrum is not the plan's")
	}
}

// realRows transforms the rows lo..hi-1 of s.x, two as one complex sequence:
//
//	z = x₁ + i x₂,   X₁[k] = (Z[k] + conj Z[n-k])/2,   X₂[k] = (Z[k] - conj Z[n-k])/2i
func realRows(s *sweep, lo, hi int) {
	r := s.r2
	n, pairs := r.cols, (hi-lo+1)/2
	w := getWork(r.row.room(pairs))
	for p := range pairs {
		i := lo + 2*p
		x1 := s.x[i*n:][:n]
		if i+1 == hi {
			for j, v := range x1 {
				w.a[j*pairs+p] = complex(v, 0)
			}
			continue
		}
		x2 := s.x[(i+1)*n:][:n]
		for j, v := range x1 {
			w.a[j*pairs+p] = complex(v, x2[j])
		}
	}
	res, _ := r.row.exec(w.a, w.b, pairs)
	for p := range pairs {
		i := lo + 2*p
		y1 := s.z[i*r.half:][:r.half]
		y2 := y1 // of no row; written first
		if i+1 < hi {
			y2 = s.z[(i+1)*r.half:][:r.half]
		}
		y2[0], y1[0] = complex(imag(res[p]), 0), complex(real(res[p]), 0)
		at, back := p, n*pairs+p
		for k := 1; k < len(y1); k++ {
			at += pairs
			back -= pairs
			z, c := res[at], res[back]
			y2[k] = complex(0.5*(imag(z)+imag(c)), 0.5*(real(c)-real(z)))
			y1[k] = complex(0.5*(real(z)+real(c)), 0.5*(imag(z)-imag(c)))
		}
	}
	w.put()
}

// realRowsInverse is the way back, over the number of pixels. The inverse transform is
// the forward one of Z read backwards.
func realRowsInverse(s *sweep, lo, hi int) {
	r := s.r2
	n, pairs := r.cols, (hi-lo+1)/2
	w := getWork(r.row.room(pairs))
	for p := range pairs {
		i := lo + 2*p
		x1 := s.z[i*r.half:][:r.half]
		x2 := x1
		if i+1 < hi {
			x2 = s.z[(i+1)*r.half:][:r.half]
		}
		w.a[p] = complex(real(x1[0]), real(x2[0]))
		at, back := p, n*pairs+p
		for k := 1; k < (n+1)/2; k++ {
			at += pairs
			back -= pairs
			u, v := x1[k], x2[k]
			w.a[back] = complex(real(u)-imag(v), imag(u)+real(v))
			w.a[at] = complex(real(u)+imag(v), real(v)-imag(u))
		}
		if n%2 == 0 {
			w.a[n/2*pairs+p] = complex(real(x1[n/2]), real(x2[n/2]))
		}
	}
	res, _ := r.row.exec(w.a, w.b, pairs)
	c := 1 / (float64(r.rows) * float64(n))
	for p := range pairs {
		i := lo + 2*p
		y1 := s.x[i*n:][:n]
		if i+1 == hi {
			for j := range y1 {
				y1[j] = c * real(res[j*pairs+p])
			}
			continue
		}
		y2 := s.x[(i+1)*n:][:n]
		for j := range y1 {
			z := res[j*pairs+p]
			y1[j], y2[j] = c*real(z), c*imag(z)
		}
	}
	w.put()
}

// realColumns transforms the columns lo..hi-1 of s.z in place: forward, inverse (without
// the factor), or forward, times s.h, and inverse while they are in the cache.
func realColumns(s *sweep, lo, hi int) {
	r := s.r2
	n, wide := r.rows, hi-lo
	w := getWork(r.col.room(wide))
	a := w.a
	if s.mode == inverse {
		copy(a[:wide], s.z[lo:hi])
		for i := 1; i < n; i++ {
			copy(a[(n-i)*wide:][:wide], s.z[i*r.half+lo:][:wide])
		}
	} else {
		for i := range n {
			copy(a[i*wide:][:wide], s.z[i*r.half+lo:][:wide])
		}
	}
	res, other := r.col.exec(a, w.b, wide)
	if s.mode >= filter {
		for i := range n {
			back := other[(n-i)%n*wide:][:wide]
			h := s.h[i*r.half+lo:][:wide]
			u := res[i*wide:][:wide]
			if s.mode == filterConj {
				for q, v := range h {
					back[q] = u[q] * conj(v)
				}
			} else {
				for q, v := range h {
					back[q] = u[q] * v
				}
			}
		}
		res, _ = r.col.exec(other, res, wide)
	}
	for i := range n {
		copy(s.z[i*r.half+lo:][:wide], res[i*wide:][:wide])
	}
	w.put()
}
