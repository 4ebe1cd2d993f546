package simd

import (
	"math"
	"unsafe"
)

//go:generate go run -C gen ./products -out ../products_amd64.s -stubs ../products_amd64.go -pkg simd

// Products multiplies rows by a matrix, four at a time. Its zero value is ready; it holds the
// arguments of the kernels, so a goroutine has its own.
type Products struct {
	// The kernels read these.
	a, c         [4]*float64
	b            *float64
	stride, m, n int
	alpha        float64
	w            *float64
}

// Add adds to c_r, of n values, Σ_k a_r[k] b_k for each row r, where b_k is b[k·stride:][:n].
// The rows a_r have one length. The bits of a row do not depend on the other rows.
func (p *Products) Add(c, a [][]float64, b []float64, stride, n int) {
	p.run(c, a, b, nil, stride, n, addRow, productsOf[level].products)
}

// AddSquares adds to c_r Σ_k (a_r[k] - αb_k)², and is otherwise Add.
func (p *Products) AddSquares(c, a [][]float64, b []float64, stride, n int, alpha float64) {
	p.alpha = alpha
	p.run(c, a, b, nil, stride, n, addSquares, productsOf[level].squares)
}

// AddWeighted adds to c_r Σ_k w_k (a_r[k] - αb_k)², where w_k is w[k·stride:][:n], and is
// otherwise Add.
func (p *Products) AddWeighted(c, a [][]float64, b, w []float64, stride, n int, alpha float64) {
	if len(w) < len(b) {
		panic("simd: Products of slices that do not fit")
	}
	p.alpha = alpha
	p.run(c, a, b, w, stride, n, addWeighted, productsOf[level].weighted)
}

// productKernels are the kernels of a level, of products the forms for four rows and for one,
// of whitened those for two and three dimensions.
type productKernels struct {
	products, squares, weighted [2]func(p *byte)
	whitened                    [2]func(q, x, b, w *float64, n int, alpha float64)
	logits                      func(q, c, p, m *float64, n int, s, t, u float64) float64
	reach                       func(q, r, hi, near, lo, far *float64, n int, alpha float64) float64
}

// A twin adds to the row c of results what the row a gives.
type twin func(p *Products, c, a, b, w []float64)

func (p *Products) run(c, a [][]float64, b, w []float64, stride, n int, f twin, kernels [2]func(*byte)) {
	if len(a) == 0 || n == 0 || len(a[0]) == 0 {
		return
	}
	m := len(a[0])
	if n > stride || (m-1)*stride+n > len(b) || len(c) < len(a) {
		panic("simd: Products of slices that do not fit")
	}
	for r := range a {
		if len(a[r]) != m || len(c[r]) < n {
			panic("simd: Products of slices that do not fit")
		}
	}
	p.b, p.w, p.stride, p.m, p.n = &b[0], unsafe.SliceData(w), stride, m, n
	if kernels[0] == nil {
		for r := range a {
			f(p, c[r][:n], a[r], b, w)
		}
		return
	}
	arg := (*byte)(unsafe.Pointer(p))
	r := 0
	for ; r+4 <= len(a); r += 4 {
		for i := range 4 {
			p.a[i], p.c[i] = &a[r+i][0], &c[r+i][0]
		}
		kernels[0](arg)
	}
	for ; r < len(a); r++ {
		p.a[0], p.c[0] = &a[r][0], &c[r][0]
		kernels[1](arg)
	}
	*p = Products{} // keep nothing alive
}

func addRow(p *Products, c, a, b, _ []float64) {
	k, stride := 0, p.stride
	for ; k+4 <= len(a); k += 4 {
		a0, a1, a2, a3 := a[k], a[k+1], a[k+2], a[k+3]
		if a0 == 0 && a1 == 0 && a2 == 0 && a3 == 0 {
			continue
		}
		b0, b1, b2, b3 := b[k*stride:][:len(c)], b[(k+1)*stride:][:len(c)], b[(k+2)*stride:][:len(c)], b[(k+3)*stride:][:len(c)]
		for i := range c {
			c[i] += (a0*b0[i] + a1*b1[i]) + (a2*b2[i] + a3*b3[i])
		}
	}
	for ; k < len(a); k++ {
		v, row := a[k], b[k*stride:][:len(c)]
		for i := range c {
			c[i] += v * row[i]
		}
	}
}

func addSquares(p *Products, c, a, b, _ []float64) {
	for k, v := range a {
		row := b[k*p.stride:][:len(c)]
		for i := range c {
			u := v - p.alpha*row[i]
			c[i] += u * u
		}
	}
}

func addWeighted(p *Products, c, a, b, w []float64) {
	for k, v := range a {
		row, weights := b[k*p.stride:][:len(c)], w[k*p.stride:][:len(c)]
		for i := range c {
			u := v - p.alpha*row[i]
			c[i] += weights[i] * (u * u)
		}
	}
}

// WhitenedSquares writes for the point x, of d numbers,
//
//	q_k = Σ_j w_jk (Σ_i B_jik (x_i - αm_ik))²
//
// where b holds the rows m_i and then B_ji, d·d of them, and w the rows w_j, each as long as q,
// which is a multiple of eight.
func WhitenedSquares(q, x, b, w []float64, alpha float64) {
	n, d := len(q), len(x)
	if n%8 != 0 || d == 0 || len(b) != n*d*(1+d) || len(w) != n*d {
		panic("simd: WhitenedSquares of slices that do not fit")
	}
	if f := productsOf[level].whitened; (d == 2 || d == 3) && f[d-2] != nil && n > 0 {
		f[d-2](&q[0], &x[0], &b[0], &w[0], n, alpha)
		return
	}
	clear(q)
	for lo := 0; lo < n; lo += 8 {
		eight := func(row []float64) *[8]float64 { return (*[8]float64)(row[lo:]) }
		sum := eight(q)
		for j := range d {
			var z [8]float64
			for i, v := range x {
				m, r := eight(b[i*n:]), eight(b[(d+j*d+i)*n:])
				for k := range z {
					z[k] += r[k] * (v - alpha*m[k])
				}
			}
			for k, u := range eight(w[j*n:]) {
				sum[k] += u * (z[k] * z[k])
			}
		}
	}
}

// GaussLogits replaces q_k by c_k - p_k max(0, s + t·q_k + u·m_k) and returns the largest, -Inf
// of none. The number of values is a multiple of eight.
func GaussLogits(q, c, p, m []float64, s, t, u float64) (top float64) {
	n := len(q)
	if n%8 != 0 || len(c) != n || len(p) != n || len(m) != n {
		panic("simd: GaussLogits of slices that do not fit")
	}
	if f := productsOf[level].logits; f != nil && n > 0 {
		return f(&q[0], &c[0], &p[0], &m[0], n, s, t, u)
	}
	top = math.Inf(-1)
	for k, v := range q {
		q[k] = c[k] - p[k]*max(0, s+t*v+u*m[k])
		top = max(top, q[k])
	}
	return top
}

// Balls are the bounds of groups of Gaussians whose means lie in balls of radius R: constants
// of the logits and halves of the precisions, at their most and their least. Their number is a
// multiple of eight; those beyond have Hi = Lo = -Inf and zeros.
type Balls struct{ R, Hi, Near, Lo, Far []float64 }

// Reach replaces the squared distance q of a point from each centre, times α, by the bound
// Hi - Near·max(0, √q - αR)² of the logits in the ball, and returns the largest
// Lo - Far·(√q + αR)², which some logit reaches.
func (b *Balls) Reach(q []float64, alpha float64) (floor float64) {
	n := len(q)
	if n%8 != 0 || len(b.R) != n || len(b.Hi) != n || len(b.Near) != n || len(b.Lo) != n || len(b.Far) != n {
		panic("simd: Balls.Reach of slices that do not fit")
	}
	if f := productsOf[level].reach; f != nil && n > 0 {
		return f(&q[0], &b.R[0], &b.Hi[0], &b.Near[0], &b.Lo[0], &b.Far[0], n, alpha)
	}
	floor = math.Inf(-1)
	for i, v := range q {
		d := math.Sqrt(v)
		near, far := max(0, d-alpha*b.R[i]), d+alpha*b.R[i]
		q[i] = b.Hi[i] - b.Near[i]*(near*near)
		floor = max(floor, b.Lo[i]-b.Far[i]*(far*far))
	}
	return floor
}
