package interpolant

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score/density"
)

// A PairBridge is the exact Bridge of pairs of Gaussians: given the pair k, x₀ and x₁ are
// independent N(m0, C0) and N(m1, C1). With
//
//	m_k = αm0 + βm1,   S_k = α²C0 + β²C1 + γ²I,   r_k ∝ w_k N(x; m_k, S_k)
//	v = Σ r_k [ṁ_k + (αα̇C0 + ββ̇C1) S_k⁻¹(x - m_k)],   s = -Σ r_k S_k⁻¹(x - m_k)
//
// (Albergo et al. 2023, appendix A). Derivatives are sums of terms and of the spread of
// the pairs about their mean, so that nothing cancels far from the pairs. Between
// mixtures the pairs are all K₀K₁ with independent coupling; between samples with a
// coupling given by rows they are the rows, of width zero.
//
// A point costs O(d) a pair where both covariances are diagonal, and O(d²) otherwise. A
// pair of full covariances that do not commute is factorised for each time anew, once a
// call, O(d³). All methods are safe for concurrent use, treat each point by itself and
// allocate nothing once warm, and take t in [0, 1], both ends included. Where the law is a
// set of points (samples at the ends) the fields are their limits on the points. At an end
// outside Span the velocity is infinite, and Combine with p ≠ 0 writes NaN.
type PairBridge struct {
	path         TwoSided
	zero0, zero1 bool // an end has mean zero, given the other; see TwoSided.span
	d            int
	pairs        []pair
	iso          bool // all covariances are multiples of I
	pool         sync.Pool
}

// A pair has its covariances as multiples of I (one value each), or as eigenvalues along
// the rows of vec, or the axes if vec is nil, or, if they share no axes, in full.
type pair struct {
	m0, m1, v0, v1, vec, c0, c1 []float64
	logW                        float64
}

// NewMixtureBridge returns the bridge between two mixtures, independently coupled.
func NewMixtureBridge(path TwoSided, source, target *density.Mixture) (*PairBridge, error) {
	d := source.Dim()
	if target.Dim() != d {
		return nil, fmt.Errorf("interpolant: the source has dimension %d, the target %d", d, target.Dim())
	}
	w0, m0, c0 := source.Components()
	w1, m1, c1 := target.Components()
	shape := max(shapeOf(c0, d), shapeOf(c1, d))
	g := &PairBridge{path: path, d: d, iso: shape == isotropic}
	for i, wi := range w0 {
		for j, wj := range w1 {
			p := pair{m0: m0[i*d : (i+1)*d], m1: m1[j*d : (j+1)*d], logW: math.Log(wi) + math.Log(wj)}
			a, b := c0[i*d*d:(i+1)*d*d], c1[j*d*d:(j+1)*d*d]
			switch shape {
			case isotropic:
				p.v0, p.v1 = a[:1], b[:1]
			case diagonal:
				p.v0, p.v1 = diagonalOf(a, d), diagonalOf(b, d)
			default:
				if p.v0, p.v1, p.vec = commonAxes(a, b, d); p.vec == nil {
					p.c0, p.c1 = a, b
				}
			}
			g.pairs = append(g.pairs, p)
		}
	}
	g.zero0, g.zero1 = centred(w0, m0, d), centred(w1, m1, d)
	g.ready()
	return g, nil
}

// centred tells whether points of weights, nil for equal ones, have mean zero to rounding,
// 1e-13 of their size.
func centred(weights, x []float64, d int) bool {
	sum, size := make([]float64, d), 0.0
	for i, v := range x {
		if weights != nil {
			v *= weights[i/d]
		}
		sum[i%d] += v
		size += math.Abs(v)
	}
	return floats.Norm(sum, math.Inf(1)) <= 1e-13*size
}

// NewRowBridge returns the bridge between two samples, flat, of which row i of x₀ goes
// with row pairs[i] of x₁, or with row i if pairs is nil; rows are blurred by N(0, width²I)
// at either end, width 0 being the samples themselves. The inputs are kept.
func NewRowBridge(path TwoSided, x0, x1 []float64, dim int, pairs []int, width float64) (*PairBridge, error) {
	if dim < 1 || len(x0) == 0 || len(x0)%dim != 0 || len(x1)%dim != 0 || pairs == nil && len(x0) != len(x1) {
		return nil, fmt.Errorf("interpolant: %d and %d values are not paired points of dimension %d", len(x0), len(x1), dim)
	}
	n := len(x0) / dim
	if pairs != nil && len(pairs) != n {
		return nil, fmt.Errorf("interpolant: %d pairs for %d points", len(pairs), n)
	}
	if !(width >= 0) || math.IsInf(width, 1) {
		return nil, fmt.Errorf("interpolant: the width of the points is %g, want a finite number ≥ 0", width)
	}
	if sum := floats.Sum(x0) + floats.Sum(x1); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return nil, errors.New("interpolant: a point is not finite")
	}
	g := &PairBridge{path: path, d: dim, iso: true, pairs: make([]pair, n)}
	v := []float64{width * width}
	for i := range n {
		j := i
		if pairs != nil {
			j = pairs[i]
		}
		if j < 0 || (j+1)*dim > len(x1) {
			return nil, fmt.Errorf("interpolant: pair %d names row %d of %d", i, j, len(x1)/dim)
		}
		g.pairs[i] = pair{m0: x0[i*dim : (i+1)*dim], m1: x1[j*dim : (j+1)*dim], v0: v, v1: v, logW: -math.Log(float64(n))}
	}
	// A point tells its partner: only partners at 0 leave an infinite rate without effect.
	zero := func(x []float64) bool { return floats.Norm(x, math.Inf(1)) == 0 }
	g.zero0, g.zero1 = zero(x0), zero(x1)
	g.ready()
	return g, nil
}

// The shapes of covariances, the more general the larger.
const (
	isotropic = iota
	diagonal
	full
)

func shapeOf(covs []float64, d int) int {
	shape := isotropic
	for i, v := range covs {
		switch k := i % (d * d); {
		case k%d != k/d && v != 0:
			return full
		case k%d == k/d && v != covs[i-k]:
			shape = diagonal
		}
	}
	return shape
}

func diagonalOf(cov []float64, d int) []float64 {
	v := make([]float64, d)
	for i := range v {
		v[i] = cov[i*d+i]
	}
	return v
}

// commonAxes returns the eigenvalues of both matrices and their common eigenvectors as
// rows, or nil if there are none: those of a generic sum serve if any do.
func commonAxes(a, b []float64, d int) (va, vb, vec []float64) {
	ma, mb := mat.NewSymDense(d, a), mat.NewSymDense(d, b)
	var sum mat.SymDense
	scale := math.Sqrt2 * mat.Trace(ma) / mat.Trace(mb)
	if !(scale > 0) || math.IsInf(scale, 1) {
		scale = 1 // one is zero, a point, and has the axes of the other
	}
	sum.ScaleSym(scale, mb)
	sum.AddSym(&sum, ma)
	var es mat.EigenSym
	if !es.Factorize(&sum, true) {
		return nil, nil, nil
	}
	var q, t, rot mat.Dense
	es.VectorsTo(&q)
	values := func(m *mat.SymDense) []float64 {
		t.Mul(m, &q)
		rot.Mul(q.T(), &t)
		// Rounding leaves about d·eps of the largest entry.
		tol := 1e-14 * float64(d) * mat.Max(m)
		for i := range d {
			for j := range i {
				if !(math.Abs(rot.At(i, j)) <= tol) { // NaN too
					return nil
				}
			}
		}
		v := make([]float64, d)
		for i := range v {
			v[i] = rot.At(i, i)
		}
		return v
	}
	if va, vb = values(ma), values(mb); va == nil || vb == nil {
		return nil, nil, nil
	}
	return va, vb, mat.DenseCopyOf(q.T()).RawMatrix().Data
}

// Dim returns the dimension of a point.
func (g *PairBridge) Dim() int { return g.d }

// At returns the coefficients of the interpolant.
func (g *PairBridge) At(t float64) TwoCoeffs { return g.path.At(t) }

// Span returns the times between which the velocity is finite: TwoSided.Span, but all of
// [0, 1] where the density with the infinite rate has mean zero and is independent of the
// other.
func (g *PairBridge) Span() (t0, t1 float64) { return g.path.span(g.zero0, g.zero1) }

// infinite tells whether t is an end of [0, 1] that the span leaves out.
func infinite(t float64, span func() (t0, t1 float64)) bool {
	if t > 0 && t < 1 {
		return false
	}
	t0, t1 := span()
	return t < t0 || t > t1
}
