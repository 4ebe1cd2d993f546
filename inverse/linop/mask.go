package linop

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// Mask keeps some of the coordinates, (A x)_i = x_{kept[i]}, in increasing order. It is
// Spectral with all singular values 1 and V a permutation.
type Mask struct {
	order []int // the kept coordinates, then the others
	ones  []float64
}

// NewMask keeps the coordinates at which keep is true. A mask that keeps nothing is an
// error.
func NewMask(keep []bool) (*Mask, error) {
	var kept, lost []int
	for i, k := range keep {
		if k {
			kept = append(kept, i)
		} else {
			lost = append(lost, i)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("linop: the mask keeps none of the %d values; keep at least one", len(keep))
	}
	m := &Mask{slices.Concat(kept, lost), make([]float64, len(kept))}
	for i := range m.ones {
		m.ones[i] = 1
	}
	return m, nil
}

// NewRandomMask keeps round(p n) of n coordinates, chosen by the seed. It is an error if
// p is not in (0, 1] or so small that none is kept.
func NewRandomMask(n int, p float64, seed uint64) (*Mask, error) {
	if !(p > 0 && p <= 1) {
		return nil, fmt.Errorf("linop: the kept share %g is not in (0, 1]", p)
	}
	mustPositive(n)
	keep := make([]bool, n)
	for _, i := range stream.New().At(seed, stream.Target, 0, 0).Perm(n)[:int(math.Round(p*float64(n)))] {
		keep[i] = true
	}
	return NewMask(keep)
}

// NewBoxMask keeps what is outside of a box in an image of rows by cols: the pixels of
// the rows top to top+height-1 and the columns left to left+width-1 are lost. The box
// is cut at the border. A box over the whole image is an error.
func NewBoxMask(rows, cols, top, left, height, width int) (*Mask, error) {
	mustPositive(rows, cols)
	keep := make([]bool, rows*cols)
	for i := range keep {
		r, c := i/cols, i%cols
		keep[i] = r < top || r >= top+height || c < left || c >= left+width
	}
	return NewMask(keep)
}

// Kept returns the kept coordinates in increasing order. The caller must not change the
// slice.
func (m *Mask) Kept() []int { return m.order[:len(m.ones)] }

func (m *Mask) Dims() (rows, cols int) { return len(m.ones), len(m.order) }
func (m *Mask) Singular() []float64    { return m.ones }
func (m *Mask) Apply(dst, x []float64) {
	mustVectors(dst, len(m.ones), x, len(m.order))
	for i, j := range m.Kept() {
		dst[i] = x[j]
	}
}

func (m *Mask) Adjoint(dst, y []float64) {
	mustVectors(dst, len(m.order), y, len(m.ones))
	for i, j := range m.Kept() {
		dst[j] = y[i]
	}
	for _, j := range m.order[len(m.ones):] {
		dst[j] = 0
	}
}

func (m *Mask) V(dst, v []float64) {
	mustVectors(dst, len(m.order), v, len(m.order))
	for i, j := range m.order {
		dst[j] = v[i]
	}
}

func (m *Mask) VT(dst, x []float64) {
	mustVectors(dst, len(m.order), x, len(m.order))
	for i, j := range m.order {
		dst[i] = x[j]
	}
}

func (m *Mask) U(dst, u []float64) {
	mustVectors(dst, len(m.ones), u, len(m.ones))
	copy(dst, u)
}

func (m *Mask) UT(dst, y []float64) { m.U(dst, y) }
