package prior

import (
	"context"

	"github.com/seed-dea4846a/sampler/internal/fft"
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
	boundary Boundary
	trig     *fft.Trig2
}

func newBasis(rows, cols int, b Boundary) *basis {
	if b == Mirror {
		return &basis{b, fft.NewCosine2(rows, cols)}
	}
	return &basis{b, fft.NewHartley2(rows, cols)}
}

// frequency returns the frequency of mode k of n in cycles a pixel, 0 to ½.
func (t *basis) frequency(k, n int) float64 {
	if t.boundary == Mirror {
		return float64(k) / float64(2*n)
	}
	return float64(min(k, n-k)) / float64(n)
}

// to replaces the picture x by its coordinates; from is the inverse.
func (t *basis) to(x []float64)   { t.trig.To(x) }
func (t *basis) from(x []float64) { t.trig.From(x) }

// serialSize is the number of pixels up to which one goroutine does all, without
// allocating: starting others would cost about as much as they save.
const serialSize = 64 * 64

// group is par.Rows for work that neither fails nor is cancelled.
func group(n, size int, f func(lo, hi int)) {
	if err := par.Rows(context.Background(), n, size, 0, func(_, lo, hi int) error { f(lo, hi); return nil }); err != nil {
		panic(err)
	}
}
