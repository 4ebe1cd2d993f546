package density

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Isotropic components in more than three dimensions. A block's logits are products of the
// points of a tile with the block's transposed means, or sums of squared differences where
// the square may not be expanded, and its means are weighed in a product again.

// many is the part of a workspace that these loops use.
type many struct {
	simd.Products
	rows  []int       // points of the tile that the block is not far from
	a, c  [][]float64 // rows of the factors and of the products
	q     []float64   // tile×block: logits, then exponentials
	half  []float64   // 1/2S of the components, or of a block if it is one for all
	logC  []float64   // work.logC, filled up to a multiple of eight by -Inf
	norm2 []float64   // gaussians.norm2, filled up likewise
}

func round8(n int) int { return (n + 7) &^ 7 }

// packMany transposes the means of each block.
func (g *gaussians) packMany() {
	g.packed = make([]float64, round8(g.k)*g.d)
	for lo := 0; lo < g.k; lo += g.block {
		b := g.packed[lo*g.d:]
		width := min(g.block, round8(g.k-lo))
		for k := range min(g.block, g.k-lo) {
			for j := range g.d {
				b[j*width+k] = g.mu[(lo+k)*g.d+j]
			}
		}
	}
}

func (g *gaussians) newMany() *many {
	k := round8(g.k)
	m := &many{
		rows: make([]int, tile), a: make([][]float64, 0, tile), c: make([][]float64, 0, tile),
		q: make([]float64, tile*g.block), half: make([]float64, g.block),
		logC: make([]float64, k), norm2: make([]float64, k),
	}
	if len(g.vars) > 1 {
		m.half = make([]float64, k)
	}
	copy(m.logC, g.logW)
	copy(m.norm2, g.norm2)
	for i := g.k; i < k; i++ {
		m.logC[i] = math.Inf(-1)
	}
	return m
}

// prepare follows from what (α, σ) fix.
func (m *many) prepare(w *work) {
	if len(w.prec) == 1 {
		for i := range m.half {
			m.half[i] = w.prec[0] / 2
		}
		return
	}
	copy(m.logC, w.logC)
	for k, p := range w.prec {
		m.half[k] = p / 2
	}
}

// row returns q of point i.
func (m *many) row(i int) []float64 {
	size := len(m.q) / tile
	return m.q[i*size : (i+1)*size]
}

// manyLogits writes the logits of the points w.many.rows of x for the block of components
// from lo on, and returns those of the last and their largest.
func (g *gaussians) manyLogits(w *work, x []float64, lo int) (q []float64, top float64) {
	m, d := w.many, g.d
	width := min(g.block, round8(g.k-lo))
	mu := g.packed[lo*d:][:width*d]
	for _, expand := range []bool{true, false} {
		m.a, m.c = m.a[:0], m.c[:0]
		for _, i := range m.rows {
			if w.expand[i] == expand {
				q := m.row(i)[:width]
				clear(q)
				m.a, m.c = append(m.a, x[i*d:(i+1)*d]), append(m.c, q)
			}
		}
		if expand {
			m.Add(m.c, m.a, mu, width, width)
		} else {
			m.AddSquares(m.c, m.a, mu, width, width, w.alpha)
		}
	}
	half := m.half[:width]
	if len(g.vars) > 1 {
		half = m.half[lo:][:width]
	}
	logC, norm2 := m.logC[lo:][:width], m.norm2[lo:][:width]
	for _, i := range m.rows {
		q = m.row(i)[:width]
		if w.expand[i] {
			top = simd.GaussLogits(q, logC, half, norm2, w.sq[i], -2*w.alpha, w.alpha*w.alpha)
		} else {
			top = simd.GaussLogits(q, logC, half, norm2, 0, 1, 0)
		}
		w.peak[i] = top
	}
	return q[:min(width, g.k-lo)], top
}

// manyBlock adds a block's share of the points of a tile to their sums.
func (g *gaussians) manyBlock(w *work, acc, x []float64, lo int, what quantity) {
	m, d, k := w.many, g.d, min(g.block, g.k-lo)
	m.rows = m.rows[:0]
	for i := range len(x) / d {
		if !g.far(w, i, lo, max(w.floor[i], w.top[i])) {
			m.rows = append(m.rows, i)
		}
	}
	if len(m.rows) == 0 {
		return
	}
	g.manyLogits(w, x, lo)
	m.a, m.c = m.a[:0], m.c[:0]
	for _, i := range m.rows {
		e, a := m.row(i)[:k], acc[i*d:(i+1)*d]
		w.raise(i, w.peak[i], a)
		w.z[i] += simd.ExpSum(e, w.top[i], cutoff)
		if len(g.vars) > 1 {
			var prs, gain float64
			for k, v := range g.vars[lo:][:k] {
				e[k] *= w.prec[lo+k]
				prs += e[k]
				gain += e[k] * v
			}
			w.prs[i] += prs
			w.gain[i] += gain
		}
		m.a, m.c = append(m.a, e), append(m.c, a)
	}
	if what != density {
		m.Add(m.c, m.a, g.mu[lo*d:], d, d)
	}
}
