package fft

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// A Trig2 transforms real rows×cols images to the coordinates of an orthonormal real basis of
// products of cosines or of Hartley's functions, in place.
type Trig2 struct {
	rows, cols int
	row, col   *trig
}

// NewCosine2 returns the transform to the functions √(2/n) cos(πk(j+½)/n), k > 0, and √(1/n)
// along both axes, the DCT-II. It is a Fourier transform of the even places followed by the
// odd ones backwards (Makhoul, IEEE Trans. ASSP 28, 1980).
func NewCosine2(rows, cols int) *Trig2 {
	return &Trig2{rows, cols, newCosine(cols), newCosine(rows)}
}

// NewHartley2 returns the transform to the functions √(1/n) [cos + sin](2πkj/n) along both
// axes.
func NewHartley2(rows, cols int) *Trig2 {
	return &Trig2{rows, cols, newHartley(cols), newHartley(rows)}
}

// To replaces the image x by its coordinates.
func (t *Trig2) To(x []float64) {
	t.sweep(x, forward, t.cols, trigColumns)
	t.sweep(x, forward, t.rows, trigRows)
}

// From is the inverse of To.
func (t *Trig2) From(x []float64) {
	t.sweep(x, inverse, t.rows, trigRows)
	t.sweep(x, inverse, t.cols, trigColumns)
}

func (t *Trig2) sweep(x []float64, m mode, n int, body func(s *sweep, lo, hi int)) {
	if len(x) != t.rows*t.cols {
		panic("fft: length of an image is not the transform's")
	}
	s := sweeps.Get().(*sweep)
	s.t2, s.x, s.mode = t, x, m
	s.run(n, 2*lanes, t.rows*t.cols, body)
}

// A trig is the transform along one axis.
type trig struct {
	plan  *Plan
	place []int     // of each number of the Fourier transform, in the line
	c     []float64 // see simd.FFTTurn
	edge  float64   // the factor of numbers 0 and n/2
}

func newTrig(n int, c func(k int) [4]float64) *trig {
	t := &trig{plan: New(n), place: make([]int, n), edge: 1 / math.Sqrt(float64(n))}
	for k := range n {
		t.place[k] = k
	}
	for k := 1; 2*k < n; k++ {
		f := c(k)
		t.c = append(t.c, f[:]...)
	}
	return t
}

func newCosine(n int) *trig {
	f := math.Sqrt(2/float64(n)) / 2
	t := newTrig(n, func(k int) [4]float64 {
		w := root(k, 4*n) // e^(-πik/2n)
		c, s := f*real(w), -f*imag(w)
		return [4]float64{c, s, s, -c}
	})
	for k := range n {
		if 2*k < n {
			t.place[k] = 2 * k
		} else {
			t.place[k] = 2*(n-k) - 1
		}
	}
	return t
}

func newHartley(n int) *trig {
	f := 1 / math.Sqrt(float64(n)) / 2
	return newTrig(n, func(int) [4]float64 { return [4]float64{f, -f, f, f} })
}

// edges scales the blocks 0 and n/2 and, if asked, exchanges their parts.
func (t *trig) edges(a []float64, exchanged bool) {
	n := t.plan.n
	for k := 0; k < n; k += max(1, (n+1)/2) {
		if 2*k%n != 0 {
			continue
		}
		b := a[k*block:][:block]
		for i := range lanes {
			x, y := t.edge*b[i], t.edge*b[lanes+i]
			if exchanged {
				x, y = y, x
			}
			b[i], b[lanes+i] = x, y
		}
	}
}

// to transforms the blocks of w.a and returns the result.
func (t *trig) to(w *work) []float64 {
	res, _ := t.plan.exec(w.a, w.b)
	simd.FFTTurn(res, t.c, t.plan.n)
	t.edges(res, false)
	return res
}

// from is the inverse of to, with the parts of the result exchanged.
func (t *trig) from(w *work) []float64 {
	simd.FFTTurnBack(w.a, t.c, t.plan.n)
	t.edges(w.a, true)
	res, _ := t.plan.exec(w.a, w.b)
	return res
}

// trigColumns transforms the columns lo..hi-1 of s.x, the second half of a group as the
// imaginary parts of the first.
func trigColumns(s *sweep, lo, hi int) {
	t, cols := s.t2.col, s.t2.cols
	w := getWork(t.plan.room(), 0)
	if hi-lo < block {
		clear(w.a)
	}
	if s.mode == forward {
		for i, at := range t.place {
			copy(w.a[i*block:], s.x[at*cols+lo:][:hi-lo])
		}
		res := t.to(w)
		for i := range t.place {
			copy(s.x[i*cols+lo:][:hi-lo], res[i*block:])
		}
	} else {
		for i := range t.place {
			copy(w.a[i*block:], s.x[i*cols+lo:][:hi-lo])
		}
		res := t.from(w)
		for i, at := range t.place {
			line, b := s.x[at*cols+lo:][:hi-lo], res[i*block:][:block]
			copy(line, b[lanes:])
			copy(line[min(lanes, len(line)):], b[:lanes])
		}
	}
	w.put()
}

// trigRows transforms the rows lo..hi-1 of s.x.
func trigRows(s *sweep, lo, hi int) {
	t, n := s.t2.row, s.t2.cols
	k := min(hi-lo, lanes)
	w := getWork(t.plan.room(), n)
	move := func(a []float64, first, second int, out bool) {
		move(a, parts(first), s.x, rowsOf(lo, n), k, n, out)
		move(a, parts(second), s.x, rowsOf(lo+k, n), hi-lo-k, n, out)
	}
	if hi-lo < block {
		clear(w.a)
		clear(w.u1)
	}
	if s.mode == forward {
		move(w.u1, 0, lanes, false)
		for i, at := range t.place {
			copy(w.a[i*block:][:block], w.u1[at*block:])
		}
		move(t.to(w), 0, lanes, true)
	} else {
		move(w.a, 0, lanes, false)
		res := t.from(w)
		for i, at := range t.place {
			copy(w.u1[at*block:][:block], res[i*block:])
		}
		move(w.u1, lanes, 0, true)
	}
	w.put()
}
