package density

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// The points of a tile and a block of components at a time, for all mixtures but the isotropic
// in few dimensions: logits, their exponentials, and what these weigh. The forms differ in
// the squared distances and in what is weighed.
//
// For isotropic components in more than three dimensions the distances are products with the
// block's transposed means, or sums of squared differences where the square may not be
// expanded, and the means are weighed in a product again.

// many is the part of a workspace that these loops use.
type many struct {
	simd.Products
	rows  []int       // points of the tile that the block is not far from
	a, c  [][]float64 // rows of the factors and of the products
	q     []float64   // tile×block: squared distances, logits, then exponentials
	half  []float64   // 1/2S of isotropic components, or of a block if it is one for all, 1/2 of others
	logC  []float64   // work.logC, filled up to a multiple of eight by -Inf
	norm2 []float64   // gaussians.norm2, filled up likewise
	u, y  []float64   // tile×d

	// Of isotropic components, for the Jacobian: tile×block.
	t, far []float64

	// Of affine components the coefficients, and whether those of the call stand there.
	table  []float64
	tabled bool
	means  []float64 // tile×d, the denoiser's values at the points w.many.rows

	// Of full components.
	whites []float64 // block×tile×d
	gain   []float64 // of a component: d factors of z

	e    []float64 // of a component: the points' weights
	near []int     // and the places in rows of those at which it counts
}

func round8(n int) int { return (n + 7) &^ 7 }

// packMany transposes the means of each block.
func (g *gaussians) packMany() {
	g.packed = make([]float64, round8(g.k)*g.d)
	for lo := 0; lo < g.k; lo += g.block {
		b, width := g.packed[lo*g.d:], g.blockWidth(lo)
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
		u: make([]float64, tile*g.d), y: make([]float64, tile*g.d),
		e: make([]float64, tile), near: make([]int, 0, tile),
	}
	switch {
	case g.eig == nil:
		m.t, m.far = make([]float64, tile*g.block), make([]float64, tile*g.block)
	case g.isAffine():
		m.table, m.means = make([]float64, g.k*g.width()), make([]float64, tile*g.d)
	default:
		m.whites, m.gain = make([]float64, g.block*tile*g.d), make([]float64, g.d)
	}
	if len(g.vars) > 1 {
		m.half = make([]float64, k)
	}
	if g.eig != nil {
		for k := range m.half {
			m.half[k] = 0.5
		}
	}
	copy(m.logC, g.logW)
	copy(m.norm2, g.norm2)
	for i := g.k; i < k; i++ {
		m.logC[i] = math.Inf(-1)
	}
	return m
}

// prepareMany follows from what (α, σ) fix.
func (g *gaussians) prepareMany(w *work) {
	m := w.many
	m.tabled = false
	if len(g.vars) == 1 {
		for i := range m.half {
			m.half[i] = w.prec[0] / 2
		}
		return
	}
	copy(m.logC, w.logC)
	if g.eig == nil {
		for k, p := range w.prec {
			m.half[k] = p / 2
		}
		return
	}
	if g.isAffine() {
		// The last component fills up its block.
		last, step := g.place(g.k - 1)
		for at := last; at < len(w.prec); at += step {
			for i := range len(m.logC) - g.k {
				w.prec[at+1+i] = w.prec[at]
			}
		}
	}
}

// row returns q of point i.
func (m *many) row(i int) []float64 {
	size := len(m.q) / tile
	return m.q[i*size : (i+1)*size]
}

// choose takes the points of the tile that the block is not far from, and reports whether
// there are any.
func (g *gaussians) choose(w *work, n, lo int) bool {
	m := w.many
	m.rows = m.rows[:0]
	for i := range n {
		if !g.far(w, i, lo, max(w.floor[i], w.top[i])) {
			m.rows = append(m.rows, i)
		}
	}
	return len(m.rows) > 0
}

// logits writes the logits of the points w.many.rows of x for the block of components from lo
// on, and their largest into w.peak.
func (g *gaussians) logits(w *work, x []float64, lo int) {
	switch {
	case g.eig == nil:
		g.manySquares(w, x, lo)
	case g.isAffine():
		g.affineSquares(w, x, lo)
	default:
		g.fullSquares(w, x, lo)
	}
	m, width := w.many, g.blockWidth(lo)
	half := m.half[:width]
	if len(g.vars) > 1 {
		half = m.half[lo:][:width]
	}
	logC, norm2 := m.logC[lo:][:width], m.norm2[lo:][:width]
	for _, i := range m.rows {
		q := m.row(i)[:width]
		if w.expand[i] {
			w.peak[i] = simd.GaussLogits(q, logC, half, norm2, w.sq[i], -2*w.alpha, w.alpha*w.alpha)
		} else {
			w.peak[i] = simd.GaussLogits(q, logC, half, norm2, 0, 1, 0)
		}
	}
}

// weigh turns the logits of point i into e, or e/s² of isotropic components of own variances,
// and returns those and Σ e.
func (g *gaussians) weigh(w *work, i, lo int) (e []float64, sum float64) {
	e = g.weights(w, i, lo)
	sum = simd.ExpSum(e, w.top[i], cutoff)
	if len(g.vars) > 1 {
		for k, p := range w.prec[lo:][:len(e)] {
			e[k] *= p
		}
	}
	return e, sum
}

// weights returns what weigh has left.
func (g *gaussians) weights(w *work, i, lo int) []float64 {
	return w.many.row(i)[:min(g.block, g.k-lo)]
}

// addBlock adds a block's share of the points of a tile to their sums.
func (g *gaussians) addBlock(w *work, x []float64, lo int, what quantity) {
	m, d, width := w.many, g.d, g.width()
	if !g.choose(w, len(x)/d, lo) {
		return
	}
	g.logits(w, x, lo)
	m.a, m.c = m.a[:0], m.c[:0]
	for _, i := range m.rows {
		a := w.acc[i*width : (i+1)*width]
		w.raise(i, w.peak[i], a)
		e, sum := g.weigh(w, i, lo)
		w.z[i] += sum
		if len(g.vars) > 1 {
			var prs, gain float64
			for k, v := range g.vars[lo:][:len(e)] {
				prs += e[k]
				gain += e[k] * v
			}
			w.prs[i] += prs
			w.gain[i] += gain
		}
		m.a, m.c = append(m.a, e), append(m.c, a)
	}
	switch {
	case what == density:
	case g.eig == nil:
		m.Add(m.c, m.a, g.mu[lo*d:], d, d)
	case g.isAffine():
		m.Add(m.c, m.a, m.table[lo*width:], width, width)
	default:
		g.gather(w, lo, what)
	}
}

// counting takes the places in w.many.rows of the points at which component k of a block
// counts, and their weights, of all.
func (m *many) counting(k int) {
	m.near = m.near[:0]
	for r, i := range m.rows {
		e := m.row(i)[k]
		m.e[r] = e
		if e != 0 {
			m.near = append(m.near, r)
		}
	}
}

// manySquares writes the squared distances of the points w.many.rows of x, or x·μ_k where the
// square may be expanded.
func (g *gaussians) manySquares(w *work, x []float64, lo int) {
	m, d, width := w.many, g.d, g.blockWidth(lo)
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
}
