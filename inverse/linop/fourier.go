package linop

import "github.com/seed-dea4846a/sampler/internal/fft"

// Fourier is the orthonormal discrete Fourier transform of rows by cols complex images
// with both origins in the middle, at (rows/2, cols/2) rounded down: ifftshift,
// transform, fftshift, for even and odd sizes. It is unitary, so its adjoint is its
// inverse.
type Fourier struct {
	rows, cols int
	plan       *fft.Complex2
}

// NewFourier returns the transform of rows by cols complex images.
func NewFourier(rows, cols int) *Fourier {
	mustPositive(rows, cols)
	return &Fourier{rows, cols, fft.NewComplex2(rows, cols)}
}

func (f *Fourier) Dims() (rows, cols int) { n := 2 * f.rows * f.cols; return n, n }
func (f *Fourier) DomainShape() []int     { return []int{f.rows, f.cols, 2} }
func (f *Fourier) RangeShape() []int      { return []int{f.rows, f.cols, 2} }
func (f *Fourier) Orthogonal()            {}

func (f *Fourier) Apply(dst, x []float64) {
	n, _ := f.Dims()
	mustVectors(dst, n, x, n)
	f.plan.Centred(fft.Complex(dst), fft.Complex(x), nil)
}

func (f *Fourier) Adjoint(dst, y []float64) {
	n, _ := f.Dims()
	mustVectors(dst, n, y, n)
	copy(dst, y)
	f.plan.CentredInverse(fft.Complex(dst), nil)
}
