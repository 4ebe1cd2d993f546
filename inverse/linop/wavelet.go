package linop

import (
	"fmt"
	"math/bits"
	"sync"

	"gonum.org/v1/gonum/floats"
)

// Wavelet is an orthonormal wavelet transform of an image with the compactly supported
// filters of Daubechies (1988), made periodic. Coefficients are stored in the place of
// the image, coarse ones at the upper left, and each level transforms the coarse part of
// the level before along its rows and columns:
//
//	a_i = Σ_k h_k x_{2i+k},   d_i = Σ_k (−1)^k h_{L−1−k} x_{2i+k},
//
// indices modulo the length. Of an odd number of samples the last one is no part of
// this: it joins the coarse coefficients as it is, so that the transform is orthonormal
// for every size, at the price that this sample is on the scale of the level before.
type Wavelet struct {
	rows, cols, levels int
	low, high          []float64
	ones               []float64
	buffers            *sync.Pool
}

// daubechies holds the filters by their number of taps, to 17 digits: Daubechies (1992),
// Ten Lectures on Wavelets, table 6.1.
var daubechies = map[int][]float64{
	2: {0.70710678118654752, 0.70710678118654752},
	4: {0.48296291314453415, 0.83651630373780790, 0.22414386804201338, -0.12940952255126037},
	6: {0.33267055295008262, 0.80689150931109257, 0.45987750211849157, -0.13501102001025458,
		-0.085441273882026662, 0.035226291885709537},
	8: {0.23037781330889650, 0.71484657055291565, 0.63088076792985890, -0.027983769416859854,
		-0.18703481171909309, 0.030841381835560763, 0.032883011666885200, -0.010597401785069032},
}

// NewWavelet returns the transform of an image of rows by cols over a number of levels
// with the filter of 2 (Haar), 4, 6 or 8 taps. It panics at another number of taps, or
// at more levels than it takes to reach one pixel.
func NewWavelet(rows, cols, taps, levels int) *Wavelet {
	mustPositive(rows, cols, levels)
	h, ok := daubechies[taps]
	if !ok {
		panic(fmt.Sprintf("linop: no Daubechies filter of %d taps; have 2, 4, 6 and 8", taps))
	}
	if levels > bits.Len(uint(max(rows, cols)-1)) {
		panic(fmt.Sprintf("linop: %d wavelet levels are too many for an image of %d×%d", levels, rows, cols))
	}
	g := make([]float64, taps)
	for k := range g {
		g[k] = h[taps-1-k]
		if k%2 == 1 {
			g[k] = -g[k]
		}
	}
	n := rows * cols
	w := &Wavelet{rows: rows, cols: cols, levels: levels, low: h, high: g, ones: make([]float64, n), buffers: newBuffers(n)}
	for i := range w.ones {
		w.ones[i] = 1
	}
	return w
}

func (w *Wavelet) Dims() (rows, cols int) { return len(w.ones), len(w.ones) }
func (w *Wavelet) DomainShape() []int     { return []int{w.rows, w.cols} }
func (w *Wavelet) RangeShape() []int      { return []int{w.rows, w.cols} }
func (w *Wavelet) Orthogonal()            {}
func (w *Wavelet) Singular() []float64    { return w.ones }
func (w *Wavelet) V(dst, v []float64)     { w.Adjoint(dst, v) }
func (w *Wavelet) VT(dst, x []float64)    { w.Apply(dst, x) }
func (w *Wavelet) UT(dst, y []float64)    { w.U(dst, y) }
func (w *Wavelet) U(dst, u []float64) {
	mustVectors(dst, len(w.ones), u, len(w.ones))
	copy(dst, u)
}

// level returns the size of the coarse image after k levels.
func (w *Wavelet) level(k int) (rows, cols int) {
	round := 1<<k - 1
	return (w.rows + round) >> k, (w.cols + round) >> k
}

func (w *Wavelet) Apply(dst, x []float64) {
	mustVectors(dst, len(w.ones), x, len(w.ones))
	t := w.buffers.Get().(*buffer)
	copy(dst, x)
	for k := range w.levels {
		rows, cols := w.level(k)
		for r := range rows {
			w.analyse(t.v[r*cols:(r+1)*cols], dst[r*w.cols:r*w.cols+cols])
		}
		w.analyseRows(dst, t.v, rows, cols)
	}
	w.buffers.Put(t)
}

func (w *Wavelet) Adjoint(dst, y []float64) {
	mustVectors(dst, len(w.ones), y, len(w.ones))
	t := w.buffers.Get().(*buffer)
	copy(dst, y)
	for k := w.levels - 1; k >= 0; k-- {
		rows, cols := w.level(k)
		w.synthesiseRows(t.v, dst, rows, cols)
		for r := range rows {
			w.synthesise(dst[r*w.cols:r*w.cols+cols], t.v[r*cols:(r+1)*cols])
		}
	}
	w.buffers.Put(t)
}

// analyse writes the coarse coefficients of x and then the fine ones.
func (w *Wavelet) analyse(dst, x []float64) {
	n := len(x)
	half, even := n/2, n&^1
	fine := dst[n-half:]
	if even < n {
		dst[half] = x[even]
	}
	high := w.high[:len(w.low)]
	for i := range half {
		a, d := 0.0, 0.0
		if 2*i+len(w.low) <= even {
			for k, v := range x[2*i : 2*i+len(w.low)] {
				a += w.low[k] * v
				d += high[k] * v
			}
		} else {
			for k, h := range w.low {
				v := x[(2*i+k)%even]
				a += h * v
				d += high[k] * v
			}
		}
		dst[i], fine[i] = a, d
	}
}

// synthesise is the transpose of analyse.
func (w *Wavelet) synthesise(dst, y []float64) {
	n := len(y)
	half, even := n/2, n&^1
	clear(dst)
	if even < n {
		dst[even] = y[half]
	}
	for i, d := range y[n-half:] {
		a := y[i]
		for k, h := range w.low {
			dst[(2*i+k)%even] += h*a + w.high[k]*d
		}
	}
}

// analyseRows is analyse across the rows of the image x, written into the corner of dst.
func (w *Wavelet) analyseRows(dst, x []float64, rows, cols int) {
	half, even := rows/2, rows&^1
	corner := func(r int) []float64 { return dst[r*w.cols : r*w.cols+cols] }
	if even < rows {
		copy(corner(half), x[even*cols:])
	}
	for i := range half {
		a, d := corner(i), corner(rows-half+i)
		clear(a)
		clear(d)
		for k, h := range w.low {
			j := (2*i + k) % even
			floats.AddScaled(a, h, x[j*cols:(j+1)*cols])
			floats.AddScaled(d, w.high[k], x[j*cols:(j+1)*cols])
		}
	}
}

// synthesiseRows is the transpose of analyseRows, from the corner of y.
func (w *Wavelet) synthesiseRows(dst, y []float64, rows, cols int) {
	half, even := rows/2, rows&^1
	corner := func(r int) []float64 { return y[r*w.cols : r*w.cols+cols] }
	clear(dst[:rows*cols])
	if even < rows {
		copy(dst[even*cols:rows*cols], corner(half))
	}
	for i := range half {
		a, d := corner(i), corner(rows-half+i)
		for k, h := range w.low {
			j := (2*i + k) % even
			floats.AddScaled(dst[j*cols:(j+1)*cols], h, a)
			floats.AddScaled(dst[j*cols:(j+1)*cols], w.high[k], d)
		}
	}
}
