package density

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Full components in more than three dimensions, C = QᵀΛQ. For the points of a tile the
// whitened z = Q(x - αμ) are one product with Qᵀ, the squared distance is z·Pz with
// P = 1/(α²Λ + σ²), and αCS⁻¹(x - αμ) = Qᵀ(αΛPz) is another, with Q.

// isFull reports whether the mixture is of this kind.
func (g *gaussians) isFull() bool { return g.vec != nil && !g.isAffine() }

// fullBlock returns the number of components of a block, whose whitened points stay in cache.
func fullBlock(dim int) int { return min(max(1<<9/dim, 8), 64) &^ 7 }

// turnFull transposes the eigenvectors.
func (g *gaussians) turnFull() {
	d := g.d
	g.back = make([]float64, len(g.vec))
	for k := range g.k {
		simd.Transpose(g.back[k*d*d:], d, g.vec[k*d*d:], d, d, d)
	}
}

// white returns z of component k of a block, for the points w.many.rows after each other.
func (m *many) white(k, d int) []float64 { return m.whites[k*tile*d:][:len(m.rows)*d] }

// fullSquares writes the squared distances of the points w.many.rows of x, and z.
func (g *gaussians) fullSquares(w *work, x []float64, lo int) {
	m, d, n := w.many, g.d, len(w.many.rows)
	count := min(g.block, g.k-lo)
	u, q := m.u[:n*d], m.e[:n]
	for _, i := range m.rows {
		clear(m.row(i)[count:g.blockWidth(lo)])
	}
	for k := range count {
		c := lo + k
		z := m.white(k, d)
		clear(z)
		m.a, m.c = m.a[:0], m.c[:0]
		for r, i := range m.rows {
			row := u[r*d : (r+1)*d]
			copy(row, x[i*d:(i+1)*d])
			m.a, m.c = append(m.a, row), append(m.c, z[r*d:(r+1)*d])
		}
		simd.AddProduct(simd.Rows[float64]{X: u, Stride: d}, n, d, 0, -w.alpha, simd.Row(g.mu[c*d:][:d]))
		m.Add(m.c, m.a, g.back[c*d*d:][:d*d], d, d)
		simd.WeightedNorms(q, z, w.prec[c*d:][:d])
		for r, i := range m.rows {
			m.row(i)[k] = q[r]
		}
	}
}

// gather adds a block's share of the points w.many.rows to their denoiser or score.
func (g *gaussians) gather(w *work, lo int, what quantity) {
	m, d, n := w.many, g.d, len(w.many.rows)
	for k := range min(g.block, g.k-lo) {
		m.counting(k)
		if len(m.near) == 0 {
			continue
		}
		c := lo + k
		if what == denoiser {
			g.gain(w, c)
		} else {
			simd.SetProduct(simd.Row(m.gain), 1, d, 0, -1, simd.Row(w.prec[c*d:]))
		}
		simd.ScaleRows(m.u[:n*d], m.e[:n], m.white(k, d), m.gain)
		m.a, m.c = m.a[:0], m.c[:0]
		for _, r := range m.near {
			i := m.rows[r]
			m.a, m.c = append(m.a, m.u[r*d:][:d]), append(m.c, w.acc[i*d:(i+1)*d])
		}
		m.Add(m.c, m.a, g.vec[c*d*d:][:d*d], d, d)
	}
	// The means come last: what is smaller is rounded less.
	if what == denoiser {
		m.a, m.c = m.a[:0], m.c[:0]
		for _, i := range m.rows {
			m.a, m.c = append(m.a, g.weights(w, i, lo)), append(m.c, w.acc[i*d:(i+1)*d])
		}
		m.Add(m.c, m.a, g.mu[lo*d:], d, d)
	}
}

// gain writes αΛP of component c.
func (g *gaussians) gain(w *work, c int) {
	d := g.d
	simd.SetProduct(simd.Row(w.many.gain), 1, d, 0, w.alpha, simd.Row(g.eig[c*d:]), simd.Row(w.prec[c*d:]))
}

// fullSpread adds a block's share of the product of the Jacobian with v, or of its trace.
func (g *gaussians) fullSpread(w *work, dst, x, v []float64, lo int) {
	m, d, n := w.many, g.d, len(w.many.rows)
	f := w.alpha / (w.sigma * w.sigma)
	for k := range min(g.block, g.k-lo) {
		m.counting(k)
		if len(m.near) == 0 {
			continue
		}
		c := lo + k
		q, back := g.vec[c*d*d:][:d*d], g.back[c*d*d:][:d*d]
		g.gain(w, c)
		y := simd.Rows[float64]{X: m.y, Stride: d}
		simd.SetProduct(y, n, d, 0, 1, simd.Rows[float64]{X: m.white(k, d), Stride: d}, simd.Row(m.gain))
		m.a, m.c = m.a[:0], m.c[:0]
		for _, r := range m.near {
			u, i := m.u[r*d:][:d], m.rows[r]
			m.e[r] /= w.z[i]
			simd.Combine2(u, 1, g.mu[c*d:], -1, w.mean[i*d:(i+1)*d])
			m.a, m.c = append(m.a, m.y[r*d:][:d]), append(m.c, u)
		}
		m.Add(m.c, m.a, q, d, d) // u = m_k - D
		if v == nil {
			trace := floats.Sum(m.gain)
			for _, r := range m.near {
				u := simd.Row(m.u[r*d:])
				dst[m.rows[r]] += m.e[r] * (trace + f*simd.Dot(u, u, 1, d))
			}
			continue
		}
		m.a, m.c = m.a[:0], m.c[:0]
		for _, r := range m.near {
			u, y, i := m.u[r*d:][:d], m.y[r*d:][:d], m.rows[r]
			vi := v[i*d : (i+1)*d]
			simd.AddScaled(dst[i*d:(i+1)*d], u, f*m.e[r]*simd.Dot(simd.Row(u), simd.Row(vi), 1, d))
			clear(y)
			m.a, m.c = append(m.a, vi), append(m.c, y)
		}
		m.Add(m.c, m.a, back, d, d)
		simd.ScaleRows(m.y[:n*d], m.e[:n], m.y[:n*d], m.gain)
		for s, r := range m.near {
			i := m.rows[r]
			m.a[s], m.c[s] = m.y[r*d:][:d], dst[i*d:(i+1)*d]
		}
		m.Add(m.c, m.a, q, d, d)
	}
}
