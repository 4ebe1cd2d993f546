package density

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Diagonal components, and full ones in two or three dimensions. What is averaged is affine
// in the point, with few coefficients: with A = S⁻¹,
//
//	denoiser   m_k = σ²A_kμ_k + αC_kA_k x
//	score      αA_kμ_k - A_k x
//
// so a block's share is the product of its weights with a table of the coefficients, a vector
// and a matrix, or its diagonal, a component.

// affineDim is the most dimensions in which full components are of this kind: for those the
// kernels of simd.WhitenedSquares are written.
const affineDim = 3

// isAffine reports whether the mixture is of this kind.
func (g *gaussians) isAffine() bool { return g.eig != nil && (g.vec == nil || g.d <= affineDim) }

// affineWidth returns the number of coefficients of a component.
func (g *gaussians) affineWidth() int {
	if g.vec == nil {
		return 2 * g.d
	}
	return g.d + g.d*g.d
}

// packAffine transposes the means and, beneath them, the eigenvectors of each block. The last
// component fills up its block: its logit is -Inf there.
func (g *gaussians) packAffine() {
	rows := g.d
	if g.vec != nil {
		rows += g.d * g.d
		g.turnAffine()
	}
	g.packed = make([]float64, round8(g.k)*rows)
	for lo := 0; lo < g.k; lo += g.block {
		b, width := g.packed[lo*rows:], g.blockWidth(lo)
		for i := range width {
			k := min(lo+i, g.k-1)
			for j := range g.d {
				b[j*width+i] = g.mu[k*g.d+j]
			}
			for j := g.d; j < rows; j++ {
				b[j*width+i] = g.vec[k*g.d*g.d+j-g.d]
			}
		}
	}
}

// turnAffine multiplies each eigenvector q with itself: qqᵀμ and then qqᵀ, of which the
// coefficients of full components are sums.
func (g *gaussians) turnAffine() {
	d := g.d
	g.outer = make([]float64, 0, g.k*d*(d+d*d))
	for k := range g.k {
		for l := range d {
			q := g.vec[(k*d+l)*d:][:d]
			z := floats.Dot(q, g.mu[k*d:(k+1)*d])
			for _, u := range q {
				g.outer = append(g.outer, z*u)
			}
			for _, u := range q {
				for _, v := range q {
					g.outer = append(g.outer, u*v)
				}
			}
		}
	}
}

// affineSquares writes the squared distances of the points w.many.rows of x.
func (g *gaussians) affineSquares(w *work, x []float64, lo int) {
	m, d, width := w.many, g.d, g.blockWidth(lo)
	prec := w.prec[lo*d:][:width*d]
	if g.vec != nil {
		rows := d + d*d
		b := g.packed[lo*rows:][:width*rows]
		for _, i := range m.rows {
			simd.WhitenedSquares(m.row(i)[:width], x[i*d:(i+1)*d], b, prec, w.alpha)
		}
		return
	}
	m.a, m.c = m.a[:0], m.c[:0]
	for _, i := range m.rows {
		q := m.row(i)[:width]
		clear(q)
		m.a, m.c = append(m.a, x[i*d:(i+1)*d]), append(m.c, q)
	}
	m.AddWeighted(m.c, m.a, g.packed[lo*d:][:width*d], prec, width, width, w.alpha)
}

// tabulate writes the coefficients of what is to be averaged, once a call.
func (g *gaussians) tabulate(w *work, what quantity) {
	m, d, width := w.many, g.d, g.width()
	if m.tabled {
		return
	}
	m.tabled = true
	// Along an eigenvector of eigenvalue λ the coefficients are aμ and b + cλ, over S.
	a, b, c := w.sigma*w.sigma, 0.0, w.alpha
	if what == gradient {
		a, b, c = w.alpha, -1, 0
	}
	for k := range g.k {
		t, mu, eig := m.table[k*width:][:width], g.mu[k*d:][:d], g.eig[k*d:][:d]
		at, step := g.place(k)
		if g.vec == nil {
			for l, v := range eig {
				p := w.prec[at+l*step]
				t[l], t[d+l] = a*p*mu[l], (b+c*v)*p
			}
			continue
		}
		clear(t)
		for l, v := range eig {
			p, o := w.prec[at+l*step], g.outer[(k*d+l)*width:][:width]
			vector, matrix := a*p, (b+c*v)*p
			for j, u := range o[:d] {
				t[j] += vector * u
			}
			for j, u := range o[d:] {
				t[d+j] += matrix * u
			}
		}
	}
}

// turn adds to dst the product of the matrix of a row of coefficients with x.
func (g *gaussians) turn(dst, row, x []float64) {
	b := row[g.d:]
	if g.vec == nil {
		for j, v := range x {
			dst[j] += b[j] * v
		}
		return
	}
	for i := range dst {
		for j, v := range x {
			dst[i] += b[i*g.d+j] * v
		}
	}
}

// affineGain writes Σ r_k αC_kS_k⁻¹v of point i, or the trace if v is nil.
func (g *gaussians) affineGain(w *work, out, v []float64, i int) {
	row := w.acc[i*g.width():][:g.width()]
	if v == nil {
		step := 1
		if g.vec != nil {
			step = g.d + 1
		}
		for j := g.d; j < len(row); j += step {
			out[0] += row[j]
		}
	} else {
		g.turn(out, row, v)
	}
	for j := range out {
		out[j] /= w.z[i]
	}
}

// diagonalSpread adds a block's share of (α/σ²) Σ r_k u_k u_kᵀv, or of the trace, a component at a
// time.
func (g *gaussians) diagonalSpread(w *work, dst, x, v []float64, lo int) {
	m, d, n := w.many, g.d, len(w.many.rows)
	f := w.alpha / (w.sigma * w.sigma)
	us, xs, means := simd.Rows[float64]{X: m.u, Stride: d}, simd.Rows[float64]{X: m.y, Stride: d}, simd.Rows[float64]{X: m.means, Stride: d}
	for r, i := range m.rows {
		copy(m.y[r*d:(r+1)*d], x[i*d:])
		copy(m.means[r*d:(r+1)*d], w.mean[i*d:])
	}
	for k := range min(g.block, g.k-lo) {
		m.counting(k)
		if len(m.near) == 0 {
			continue
		}
		row := m.table[2*d*(lo+k):][:2*d]
		simd.SetProduct(us, n, d, 0, 1, xs, simd.Row(row[d:]))
		simd.AddProduct(us, n, d, 0, 1, simd.Row(row))
		simd.AddProduct(us, n, d, 0, -1, means)
		for _, r := range m.near {
			i := m.rows[r]
			u := m.u[r*d : (r+1)*d]
			e := f * m.e[r] / w.z[i]
			if v == nil {
				dst[i] += e * simd.Dot(simd.Row(u), simd.Row(u), 1, d)
				continue
			}
			simd.AddScaled(dst[i*d:(i+1)*d], u, e*simd.Dot(simd.Row(u), simd.Row(v[i*d:]), 1, d))
		}
	}
}

// affineSpread is diagonalSpread for full components, of few dimensions.
func (g *gaussians) affineSpread(w *work, dst, x, v []float64, lo int) {
	m, d, width := w.many, g.d, g.width()
	size := len(dst) / (len(x) / d)
	f := w.alpha / (w.sigma * w.sigma)
	u := m.u[:d]
	for _, i := range m.rows {
		xi, mean, out := x[i*d:(i+1)*d], w.mean[i*d:(i+1)*d], dst[i*size:(i+1)*size]
		for k, e := range g.weights(w, i, lo) {
			if e == 0 {
				continue
			}
			row := m.table[(lo+k)*width:][:width]
			for j, c := range row[:d] {
				u[j] = c - mean[j]
			}
			g.turn(u, row, xi)
			s := u
			if v != nil {
				s = v[i*d : (i+1)*d]
			}
			dot := 0.0
			for j, c := range u {
				dot += c * s[j]
			}
			dot *= f * e / w.z[i]
			if v == nil {
				out[0] += dot
				continue
			}
			for j, c := range u {
				out[j] += dot * c
			}
		}
	}
}
