package linop

import (
	"sync"

	"github.com/seed-dea4846a/sampler/internal/fft"
)

// A Boundary says what a convolution reads outside of the image. Periodic images are
// CircularConv's.
type Boundary int

const (
	BoundaryZero    Boundary = iota // zeros
	BoundaryReflect                 // the image mirrored at its edges, the edge pixel twice
	BoundaryValid                   // nothing: the result is cut to where the PSF is inside
)

// Conv is the convolution of a rows by cols image with a PSF h of centre c,
//
//	(A x)[i] = Σ_k h[k] x[i - (k-c)]
//
// along both axes, with a boundary. The result has the size of the image, for
// BoundaryValid (rows - h.Rows + 1) by (cols - h.Cols + 1), its first pixel that of the
// first full overlap. It is A = C H E: E extends the image, H is a circular convolution
// of a fast size, C cuts; the adjoint Eᵀ Hᵀ Cᵀ is exact.
type Conv struct {
	row, col convAxis
	plan     *fft.Real2
	h        []complex128
	buffers  *sync.Pool
}

// A convAxis is one axis of Conv.
type convAxis struct {
	n     int   // of the image
	src   []int // of each padded position its position in the image, -1 for zero
	first int   // padded position of the first result
	out   int   // number of results
}

// NewConv returns the convolution with a PSF, which must not be larger than the image.
func NewConv(p PSF, rows, cols int, b Boundary) (*Conv, error) {
	if err := p.fits(rows, cols); err != nil {
		return nil, err
	}
	c := &Conv{row: newConvAxis(rows, p.Rows, b), col: newConvAxis(cols, p.Cols, b)}
	padRows, padCols := len(c.row.src), len(c.col.src)
	c.plan = fft.NewReal2(padRows, padCols)
	c.h = make([]complex128, padRows*c.plan.Half())
	c.plan.Forward(c.h, p.wrapped(padRows, padCols))
	c.buffers = newBuffers(padRows * padCols)
	return c, nil
}

func newConvAxis(n, taps int, b Boundary) convAxis {
	after, before := taps/2, taps-1-taps/2 // how far the sum reads beyond the end and the start
	a := convAxis{n: n, out: n}
	padded := n
	switch b {
	case BoundaryZero:
		padded += max(after, before) // one stretch of zeros serves both ends
	case BoundaryReflect:
		padded += after + before
	case BoundaryValid: // what wraps around is cut
		a.first, a.out = before, n-taps+1
	default:
		panic("linop: unknown boundary of a convolution")
	}
	a.src = make([]int, fft.NextFast(padded))
	for i := range a.src {
		switch back := len(a.src) - i; { // position -back of the periodic axis
		case i < n:
			a.src[i] = i
		case b == BoundaryReflect && i < n+after:
			a.src[i] = 2*n - 1 - i
		case b == BoundaryReflect && back <= before:
			a.src[i] = back - 1
		default:
			a.src[i] = -1
		}
	}
	return a
}

func (c *Conv) Dims() (rows, cols int) { return c.row.out * c.col.out, c.row.n * c.col.n }
func (c *Conv) DomainShape() []int     { return []int{c.row.n, c.col.n} }
func (c *Conv) RangeShape() []int      { return []int{c.row.out, c.col.out} }

func (c *Conv) Apply(dst, x []float64) {
	rows, cols := c.Dims()
	mustVectors(dst, rows, x, cols)
	b := c.buffers.Get().(*buffer)
	wide := len(c.col.src)
	for i, r := range c.row.src {
		line := b.v[i*wide:][:wide]
		if r < 0 {
			clear(line)
			continue
		}
		in := x[r*c.col.n:][:c.col.n]
		copy(line, in)
		for j := c.col.n; j < wide; j++ {
			line[j] = 0
			if k := c.col.src[j]; k >= 0 {
				line[j] = in[k]
			}
		}
	}
	c.plan.Filter(b.v, b.v, c.h, false)
	for i := range c.row.out {
		copy(dst[i*c.col.out:][:c.col.out], b.v[(c.row.first+i)*wide+c.col.first:])
	}
	c.buffers.Put(b)
}

func (c *Conv) Adjoint(dst, y []float64) {
	rows, cols := c.Dims()
	mustVectors(dst, cols, y, rows)
	b := c.buffers.Get().(*buffer)
	wide := len(c.col.src)
	clear(b.v)
	for i := range c.row.out {
		copy(b.v[(c.row.first+i)*wide+c.col.first:], y[i*c.col.out:][:c.col.out])
	}
	c.plan.Filter(b.v, b.v, c.h, true)
	clear(dst)
	for i, r := range c.row.src {
		if r < 0 {
			continue
		}
		out := dst[r*c.col.n:][:c.col.n]
		for j, k := range c.col.src {
			if k >= 0 {
				out[k] += b.v[i*wide+j]
			}
		}
	}
	c.buffers.Put(b)
}
