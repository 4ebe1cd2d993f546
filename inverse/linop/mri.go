package linop

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// MRI is the encoding of a complex image by one or more receive coils,
//
//	y_c = M F (S_c x)        Aᴴ y = Σ_c conj(S_c) Fᴴ Mᴴ y_c
//
// with sensitivities S_c, and for F the centred orthonormal transform (Fourier) cut by a
// mask M to its samples, or the transform at free frequencies (NUFFT). Complex numbers
// are pairs (re, im). With Σ_c |S_c|² = 1 everywhere a masked transform has ‖A‖ ≤ 1.
//
// Noise of standard deviation σ means σ in each real number of y: the complex noise of a
// sample has variance 2σ². Coils are taken as whitened, with equal and independent noise.
//
// Source: Pruessmann, Weiger, Scheidegger and Boesiger, SENSE, Magn. Reson. Med. 42 (1999).
type MRI struct {
	rows, cols, coils int
	maps              []complex128 // nil stands for one coil of sensitivity 1
	encoding          encoding
	images            *sync.Pool
}

// An encoding takes the image of one coil to its samples. forward may use up its input.
type encoding interface {
	samples() int
	forward(dst, x []complex128)
	adjoint(dst, y []complex128)
}

// NewMRI returns the Cartesian encoding with a mask. maps holds coils images of rows by
// cols pairs, or is nil for a single coil of sensitivity 1. An error is returned if the
// mask keeps nothing, or maps have the wrong size or values that are not finite.
func NewMRI(m SamplingMask, maps []float64) (*MRI, error) {
	c := &cartesian{rows: m.Rows, cols: m.Cols}
	if m.Rows < 1 || m.Cols < 1 || len(m.Keep) != m.Rows*m.Cols {
		return nil, fmt.Errorf("linop: %d values for a mask of %d×%d", len(m.Keep), m.Rows, m.Cols)
	}
	column := make([]bool, m.Cols)
	for i, keep := range m.Keep {
		if keep {
			c.kept = append(c.kept, i)
			column[i%m.Cols] = true
		}
	}
	if len(c.kept) == 0 {
		return nil, fmt.Errorf("linop: the mask of %d×%d keeps no sample", m.Rows, m.Cols)
	}
	for j, keep := range column {
		if keep {
			c.columns = append(c.columns, j)
		}
	}
	c.plan = fft.NewComplex2(m.Rows, m.Cols)
	return newMRI(c, m.Rows, m.Cols, maps)
}

// NewNonCartesianMRI returns the encoding at the frequencies of NewNUFFT, such as those of
// RadialTrajectory.
func NewNonCartesianMRI(rows, cols int, points, maps []float64) (*MRI, error) {
	f, err := NewNUFFT(rows, cols, points)
	if err != nil {
		return nil, err
	}
	return newMRI(f, rows, cols, maps)
}

func newMRI(e encoding, rows, cols int, maps []float64) (*MRI, error) {
	n := rows * cols
	m := &MRI{rows: rows, cols: cols, coils: 1, encoding: e}
	if maps != nil {
		if len(maps) == 0 || len(maps)%(2*n) != 0 {
			return nil, fmt.Errorf("linop: %d numbers for coil maps, want a multiple of %d×%d×2", len(maps), rows, cols)
		}
		for i, v := range maps {
			if !finite(v) {
				return nil, fmt.Errorf("linop: coil map %d holds %g", i/(2*n), v)
			}
		}
		m.coils = len(maps) / (2 * n)
		m.maps = append([]complex128(nil), fft.Complex(maps)...)
	}
	m.images = &sync.Pool{New: func() any { z := make([]complex128, n); return &z }}
	return m, nil
}

// Coils returns the number of coils.
func (m *MRI) Coils() int { return m.coils }

func (m *MRI) Dims() (rows, cols int) {
	return 2 * m.coils * m.encoding.samples(), 2 * m.rows * m.cols
}

func (m *MRI) DomainShape() []int { return []int{m.rows, m.cols, 2} }

// RangeShape returns {coils, samples, 2}; Cartesian samples are in the order of the grid.
func (m *MRI) RangeShape() []int { return []int{m.coils, m.encoding.samples(), 2} }

func (m *MRI) Apply(dst, x []float64) {
	rows, cols := m.Dims()
	mustVectors(dst, rows, x, cols)
	z := m.images.Get().(*[]complex128)
	image, in, out := *z, fft.Complex(x), fft.Complex(dst)
	n, k := len(image), m.encoding.samples()
	for c := range m.coils {
		if m.maps == nil {
			copy(image, in)
		} else {
			maps := m.maps[c*n:][:n]
			if n <= serialWork || runtime.GOMAXPROCS(0) == 1 {
				simd.ComplexMul(image, maps, in)
			} else {
				spread(n, func(lo, hi int) { simd.ComplexMul(image[lo:hi], maps[lo:hi], in[lo:hi]) })
			}
		}
		m.encoding.forward(out[c*k:][:k], image)
	}
	m.images.Put(z)
}

func (m *MRI) Adjoint(dst, y []float64) {
	rows, cols := m.Dims()
	mustVectors(dst, cols, y, rows)
	in, out := fft.Complex(y), fft.Complex(dst)
	if m.maps == nil {
		m.encoding.adjoint(out, in)
		return
	}
	z := m.images.Get().(*[]complex128)
	image := *z
	n, k := len(image), m.encoding.samples()
	clear(out)
	for c := range m.coils {
		m.encoding.adjoint(image, in[c*k:][:k])
		maps := m.maps[c*n:][:n]
		if n <= serialWork || runtime.GOMAXPROCS(0) == 1 {
			simd.ComplexAddConjMul(out, maps, image)
		} else {
			spread(n, func(lo, hi int) { simd.ComplexAddConjMul(out[lo:hi], maps[lo:hi], image[lo:hi]) })
		}
	}
	m.images.Put(z)
}

// FromGrid writes the samples of a full k-space of shape {coils, rows, cols, 2}, as files
// hold it, in the order of the operator's data. It panics if the encoding has no grid.
func (m *MRI) FromGrid(dst, kspace []float64) {
	c := m.cartesian()
	rows, _ := m.Dims()
	mustVectors(dst, rows, kspace, 2*m.coils*m.rows*m.cols)
	out, in := fft.Complex(dst), fft.Complex(kspace)
	for q := range m.coils {
		c.gather(out[q*len(c.kept):], in[q*m.rows*m.cols:])
	}
}

// ToGrid is the transpose of FromGrid: samples that were not taken become 0.
func (m *MRI) ToGrid(kspace, y []float64) {
	c := m.cartesian()
	rows, _ := m.Dims()
	mustVectors(kspace, 2*m.coils*m.rows*m.cols, y, rows)
	out, in := fft.Complex(kspace), fft.Complex(y)
	clear(out)
	for q := range m.coils {
		c.scatter(out[q*m.rows*m.cols:], in[q*len(c.kept):])
	}
}

func (m *MRI) cartesian() *cartesian {
	c, ok := m.encoding.(*cartesian)
	if !ok {
		panic("linop: the samples of a non-Cartesian encoding lie on no grid")
	}
	return c
}

// cartesian is the centred transform cut to the kept samples. Columns of the k-space
// without any are not computed.
type cartesian struct {
	rows, cols    int
	kept, columns []int
	plan          *fft.Complex2
}

func (c *cartesian) samples() int { return len(c.kept) }

func (c *cartesian) forward(dst, x []complex128) {
	c.plan.Centred(x, x, c.columns)
	c.gather(dst, x)
}

func (c *cartesian) adjoint(dst, y []complex128) {
	clear(dst)
	c.scatter(dst, y)
	c.plan.CentredInverse(dst, c.columns)
}

func (c *cartesian) gather(dst, x []complex128) {
	for k, i := range c.kept {
		dst[k] = x[i]
	}
}

func (c *cartesian) scatter(dst, y []complex128) {
	for k, i := range c.kept {
		dst[i] = y[k]
	}
}
