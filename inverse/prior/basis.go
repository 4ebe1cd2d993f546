package prior

import (
	"context"
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// A Boundary says how a picture goes on beyond its edge.
type Boundary int

const (
	// Periodic pictures repeat: the boundary of circular convolution.
	Periodic Boundary = iota
	// Mirror pictures are reflected at their edge, so that opposite sides, which in
	// photographs have nothing to do with each other, do not touch.
	Mirror
)

// A basis is an orthonormal basis of rows×cols pictures, separable and real, in which a
// power spectrum that is even in both frequencies is diagonal: for Periodic the Hartley
// functions cos + sin of 2πkx/n, for Mirror the cosines of πk(x+½)/n (DCT-II).
type basis struct {
	rows, cols int
	boundary   Boundary
	work       sync.Pool // of *basisWork
}

func newBasis(rows, cols int, b Boundary) *basis {
	t := &basis{rows: rows, cols: cols, boundary: b}
	t.work.New = func() any { return &basisWork{row: newAxis(cols, b), col: newAxis(rows, b)} }
	return t
}

// frequency returns the frequency of mode k of n in cycles a pixel, 0 to ½.
func (t *basis) frequency(k, n int) float64 {
	if t.boundary == Mirror {
		return float64(k) / float64(2*n)
	}
	return float64(min(k, n-k)) / float64(n)
}

type basisWork struct{ row, col *axis }

const axisGroup = 16 // rows or columns of one piece of parallel work

// to replaces the picture x by its coordinates; from is the inverse.
func (t *basis) to(x []float64)   { t.apply(x, (*axis).to) }
func (t *basis) from(x []float64) { t.apply(x, (*axis).from) }

func (t *basis) apply(x []float64, f func(*axis, []float64)) {
	if t.rows*t.cols <= serialSize { // no closure, so no allocation
		w := t.work.Get().(*basisWork)
		t.alongRows(w, x, f, 0, t.rows)
		t.alongCols(w, x, f, 0, t.cols)
		t.work.Put(w)
		return
	}
	group(t.rows, axisGroup, func(lo, hi int) {
		w := t.work.Get().(*basisWork)
		t.alongRows(w, x, f, lo, hi)
		t.work.Put(w)
	})
	group(t.cols, axisGroup, func(lo, hi int) {
		w := t.work.Get().(*basisWork)
		t.alongCols(w, x, f, lo, hi)
		t.work.Put(w)
	})
}

func (t *basis) alongRows(w *basisWork, x []float64, f func(*axis, []float64), lo, hi int) {
	for r := lo; r < hi; r++ {
		f(w.row, x[r*t.cols:(r+1)*t.cols])
	}
}

func (t *basis) alongCols(w *basisWork, x []float64, f func(*axis, []float64), lo, hi int) {
	line := w.col.line
	for c := lo; c < hi; c++ {
		for r := range line {
			line[r] = x[r*t.cols+c]
		}
		f(w.col, line)
		for r, v := range line {
			x[r*t.cols+c] = v
		}
	}
}

// serialSize is the number of pixels up to which one goroutine does all, without
// allocating: starting others would cost about as much as they save.
const serialSize = 64 * 64

// group is par.Rows for work that neither fails nor is cancelled.
func group(n, size int, f func(lo, hi int)) {
	if err := par.Rows(context.Background(), n, size, 0, func(_, lo, hi int) error { f(lo, hi); return nil }); err != nil {
		panic(err)
	}
}

// An axis transforms lines of n values; it belongs to one goroutine.
type axis struct {
	n      int
	line   []float64
	coeff  []complex128
	fft    *fourier.FFT
	cosine *fourier.QuarterWaveFFT
}

func newAxis(n int, b Boundary) *axis {
	a := &axis{n: n, line: make([]float64, n)}
	if b == Mirror {
		a.cosine = fourier.NewQuarterWaveFFT(n)
	} else {
		a.fft, a.coeff = fourier.NewFFT(n), make([]complex128, n/2+1)
	}
	return a
}

// to writes the coordinates of x over it.
func (a *axis) to(x []float64) {
	if a.cosine == nil {
		a.hartley(x)
		return
	}
	// CosSequence is 4 Σ x_j cos(πk(j+½)/n), by which the squared norm of row 0 is
	// 16n and of the others 8n.
	a.cosine.CosSequence(x, x)
	a.scale(x, 0.25)
}

// from is the inverse of to.
func (a *axis) from(x []float64) {
	if a.cosine == nil {
		a.hartley(x)
		return
	}
	a.scale(x, 1)
	// CosCoefficients is x_0 + 2 Σ x_k cos(πk(j+½)/n).
	a.cosine.CosCoefficients(x, x)
}

// scale makes the rows of 4c·cos (to) or the columns of (1, 2 cos) (from) of unit norm,
// √(2/n)·cos and √(1/n).
func (a *axis) scale(x []float64, c float64) {
	first, other := math.Sqrt(1/float64(a.n)), math.Sqrt(1/float64(2*a.n))
	if c != 1 {
		other = math.Sqrt(2 / float64(a.n))
	}
	for i := range x {
		x[i] *= c * other
	}
	x[0] *= first / other
}

// hartley writes Re X - Im X of the discrete Fourier transform over x; divided by √n
// it is its own inverse.
func (a *axis) hartley(x []float64) {
	a.fft.Coefficients(a.coeff, x)
	s := 1 / math.Sqrt(float64(a.n))
	for k, c := range a.coeff {
		x[k] = s * (real(c) - imag(c))
		if k > 0 {
			x[a.n-k] = s * (real(c) + imag(c))
		}
	}
}
