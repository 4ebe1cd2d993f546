package tweedie

import (
	"sync"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score"
	"gonum.org/v1/gonum/floats"
)

// Probes are the random vectors of an estimate: N of them for each point, drawn from the
// seed and the point's index in the whole batch, First for the first point of x.
type Probes struct {
	N     int // 16 if zero
	Seed  uint64
	First int
}

func (q Probes) count() int {
	if q.N < 0 {
		panic("tweedie: the number of probes is negative")
	}
	if q.N == 0 {
		return 16
	}
	return q.N
}

// sources keeps generators warm.
var sources = sync.Pool{New: func() any { return stream.New() }}

// signs fills each of the points of v with random signs.
func (q Probes) signs(v []float64, d int, index uint64) {
	src := sources.Get().(*stream.Source)
	for r := 0; r*d < len(v); r++ {
		src.Signs(v[r*d:(r+1)*d], q.Seed, stream.Probe, uint64(q.First+r), index)
	}
	sources.Put(src)
}

// normals fills each of the points of v with standard normals.
func (q Probes) normals(v []float64, d int, index uint64) {
	src := sources.Get().(*stream.Source)
	src.Rows(v, q.Seed, stream.Probe, uint64(q.First), index, d)
	sources.Put(src)
}

// Trace writes tr Cov[x₁|x], the mean squared error that remains, one value a point: by
// the model if it is a score.Diverger, or else by d products.
func (p *Posterior) Trace(dst, x []float64, alpha, sigma float64) {
	p.check(len(dst)*p.Dim(), len(x), alpha)
	if g, ok := p.Model.(score.Diverger); ok {
		g.Divergence(dst, x, alpha, sigma)
		floats.Scale(sigma*sigma/alpha, dst)
		return
	}
	d := p.Dim()
	w := p.borrow(len(x))
	diag := w.take(len(x))
	p.Diagonal(diag, x, alpha, sigma)
	for r := range dst {
		dst[r] = floats.Sum(diag[r*d : (r+1)*d])
	}
	p.pool.Put(w)
}

// Diagonal writes the variance of each coordinate of x₁ given x, by d products.
func (p *Posterior) Diagonal(dst, x []float64, alpha, sigma float64) {
	p.check(len(dst), len(x), alpha)
	d := p.Dim()
	w := p.borrow(2 * len(x))
	v, cv := w.take(len(x)), w.take(len(x))
	clear(v)
	for j := range d {
		for i := j; i < len(x); i += d {
			v[i] = 1
		}
		p.CovMul(cv, x, v, alpha, sigma)
		for i := j; i < len(x); i += d {
			dst[i], v[i] = cv[i], 0
		}
	}
	p.pool.Put(w)
}

// Hutchinson estimates tr Cov[x₁|x] by the mean of vᵀ Cov v over random signs v, without
// bias, one product a probe (Hutchinson 1989). The variance of one term is
// 2 Σ_{i≠j} Cov_ij². stderr receives the standard errors, one a point, NaN for a single
// probe.
func (p *Posterior) Hutchinson(dst, stderr, x []float64, alpha, sigma float64, q Probes) {
	d, n := p.Dim(), q.count()
	p.check(len(dst)*d, len(x), alpha)
	w := p.borrow(2 * len(x))
	v, cv := w.take(len(x)), w.take(len(x))
	clear(dst)
	clear(stderr)
	for k := range n {
		q.signs(v, d, uint64(k))
		p.CovMul(cv, x, v, alpha, sigma)
		for r := range dst {
			e := floats.Dot(v[r*d:(r+1)*d], cv[r*d:(r+1)*d])
			dst[r] += e
			stderr[r] += e * e
		}
	}
	for r := range dst {
		dst[r], stderr[r] = meanError(dst[r], stderr[r], n)
	}
	p.pool.Put(w)
}

// HutchPP estimates tr Cov[x₁|x] by Hutch++ (Meyer, Musco, Musco and Woodruff 2021, arXiv
// 2010.09649, algorithm 1): with Q an orthonormal basis of the range of Cov S, S of k
// normal columns, P = I - QQᵀ and random signs g,
//
//	tr Cov = tr QᵀCov Q + E gᵀP Cov P g,
//
// k of each, so q.N stands for k and costs 3k products. Where k reaches the rank of the
// covariance nothing is left to chance. The standard error is that of the second term
// given Q, which is unbiased for every Q.
func (p *Posterior) HutchPP(dst, stderr, x []float64, alpha, sigma float64, q Probes) {
	d := p.Dim()
	p.check(len(dst)*d, len(x), alpha)
	n := q.count()
	k := min(n, d)
	w := p.borrow((k+2)*len(x) + len(dst))
	basis, v, cv, sum := w.take(k*len(x)), w.take(len(x)), w.take(len(x)), w.take(len(dst))
	clear(dst)
	clear(stderr)
	clear(sum)
	for c := range k {
		col := basis[c*len(x) : (c+1)*len(x)]
		q.normals(v, d, uint64(n+c))
		p.CovMul(col, x, v, alpha, sigma)
		orthonormalize(col, basis[:c*len(x)], d)
	}
	for c := range k {
		col := basis[c*len(x) : (c+1)*len(x)]
		p.CovMul(cv, x, col, alpha, sigma)
		for r := range dst {
			dst[r] += floats.Dot(col[r*d:(r+1)*d], cv[r*d:(r+1)*d])
		}
	}
	for c := 0; c < n && k < d; c++ {
		q.signs(v, d, uint64(c))
		project(v, basis, d)
		p.CovMul(cv, x, v, alpha, sigma)
		for r := range dst {
			e := floats.Dot(v[r*d:(r+1)*d], cv[r*d:(r+1)*d])
			sum[r] += e
			stderr[r] += e * e
		}
	}
	for r := range dst {
		if k < d {
			var rest float64
			rest, stderr[r] = meanError(sum[r], stderr[r], n)
			dst[r] += rest
		}
	}
	p.pool.Put(w)
}

// project removes from each point of v its components along the columns of the basis,
// each of which holds one unit vector, or zero, a point.
func project(v, basis []float64, d int) {
	for ; len(basis) > 0; basis = basis[len(v):] {
		for lo := 0; lo < len(v); lo += d {
			q := basis[lo : lo+d]
			floats.AddScaled(v[lo:lo+d], -floats.Dot(q, v[lo:lo+d]), q)
		}
	}
}

// orthonormalize makes v the next column of the basis by the modified Gram-Schmidt
// process, done twice for orthogonality to rounding. A vector that depends on those
// before it becomes 0.
func orthonormalize(v, basis []float64, d int) {
	const dependent = 1e-10 // part of the length that rounding cannot tell from 0
	for lo := 0; lo < len(v); lo += d {
		floats.Scale(1/length(v[lo:lo+d]), v[lo:lo+d])
	}
	project(v, basis, d)
	project(v, basis, d)
	for lo := 0; lo < len(v); lo += d {
		row := v[lo : lo+d]
		if size := floats.Norm(row, 2); size <= dependent {
			clear(row)
		} else {
			floats.Scale(1/size, row)
		}
	}
}

// DiagonalEstimate estimates the variance of each coordinate of x₁ given x by the mean of
// v ⊙ Cov v over random signs v, without bias, one product a probe (Bekas, Kokiopoulou
// and Saad 2007, Appl. Numer. Math. 57). The variance of one term is Σ_{j≠i} Cov_ij².
// dst and stderr have the length of x; an estimate may be negative.
func (p *Posterior) DiagonalEstimate(dst, stderr, x []float64, alpha, sigma float64, q Probes) {
	d, n := p.Dim(), q.count()
	p.check(len(dst), len(x), alpha)
	w := p.borrow(2 * len(x))
	v, cv := w.take(len(x)), w.take(len(x))
	clear(dst)
	clear(stderr)
	for k := range n {
		q.signs(v, d, uint64(k))
		p.CovMul(cv, x, v, alpha, sigma)
		for i, c := range cv {
			e := v[i] * c
			dst[i] += e
			stderr[i] += e * e
		}
	}
	for i := range dst {
		dst[i], stderr[i] = meanError(dst[i], stderr[i], n)
	}
	p.pool.Put(w)
}
