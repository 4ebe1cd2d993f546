package density

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/special"
)

// Boxes is a mixture of uniform distributions over axis-aligned boxes,
//
//	p₁ = Σ w_k Π_j 1[a_kj ≤ x_j ≤ b_kj]/(b_kj - a_kj).
//
// Under noise each box is a product over the coordinates of
//
//	[Φ((x-αa)/σ) - Φ((x-αb)/σ)]/(α(b-a)),
//
// and the posterior of a coordinate given x and the box is a truncated normal
// distribution (special.TruncNormal, where nothing cancels or underflows). With its
// means m_k and variances v_k and the responsibilities r_k,
//
//	D     = Σ r_k m_k
//	∂D/∂x = (α/σ²) Σ r_k [diag(v_k) + (m_k - D)(m_k - D)ᵀ]
type Boxes struct {
	d, k      int
	mid, half []float64 // k×d: centres and half widths
	w, cum    []float64 // k: weights, their running sums
	pool      sync.Pool // of *boxWork
}

// boxWork holds the posterior of one point.
type boxWork struct {
	r       []float64 // k: responsibilities
	mean, s []float64 // k×d: truncated means of x₁ and of (αx₁ - x)/σ
	v       []float64 // k×d: truncated variances of x₁, times α/σ²
	d       []float64 // d: the mean
	logp    float64
}

// NewBoxes returns the mixture of the uniform distributions over the boxes with the
// corners lo and hi, flat, K·dim values each. weights has K values of any sum > 0, or
// is nil for equal weights. Boxes may overlap; those of weight zero are dropped.
func NewBoxes(weights, lo, hi []float64, dim int) (*Boxes, error) {
	keep, logW, err := components(weights, lo, dim)
	if err != nil {
		return nil, err
	}
	if len(hi) != len(lo) {
		return nil, fmt.Errorf("density: %d upper bounds for %d lower bounds", len(hi), len(lo))
	}
	for i := range lo {
		if !(lo[i] < hi[i]) || math.IsInf(hi[i]-lo[i], 1) {
			return nil, fmt.Errorf("density: box %d runs from %g to %g in coordinate %d, want a finite width above 0", i/dim, lo[i], hi[i], i%dim)
		}
	}
	b := &Boxes{d: dim, k: len(keep)}
	for i, a := range pick(lo, keep, dim) {
		c := hi[keep[i/dim]*dim+i%dim]
		b.mid = append(b.mid, a+(c-a)/2)
		b.half = append(b.half, (c-a)/2)
	}
	sum := 0.0
	for _, l := range logW {
		sum += math.Exp(l)
		b.w, b.cum = append(b.w, math.Exp(l)), append(b.cum, sum)
	}
	b.pool.New = func() any {
		n := b.k * dim
		return &boxWork{r: make([]float64, b.k), mean: make([]float64, n), s: make([]float64, n), v: make([]float64, n), d: make([]float64, dim)}
	}
	return b, nil
}

// Uniform returns the uniform distribution over the cube [lo, hi]^dim. It panics unless
// dim ≥ 1 and lo < hi.
func Uniform(dim int, lo, hi float64) *Boxes {
	if dim < 1 || !(lo < hi) {
		panic("density: Uniform needs a dimension of at least 1 and lo < hi")
	}
	a, b := make([]float64, dim), make([]float64, dim)
	for j := range dim {
		a[j], b[j] = lo, hi
	}
	u, err := NewBoxes(nil, a, b, dim)
	if err != nil {
		panic(err.Error())
	}
	return u
}

// Dim returns the dimension of a point.
func (b *Boxes) Dim() int { return b.d }

// Rand fills dst, one point, with an exact draw.
func (b *Boxes) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, b.d)
	k := search(b.cum, rng.Float64())
	for j := range dst {
		dst[j] = b.mid[k*b.d+j] + b.half[k*b.d+j]*(2*rng.Float64()-1)
	}
}

func checkPoint(dst []float64, d int) {
	if len(dst) != d {
		panic("density: dst is not one point")
	}
}

// search returns the index of the first running sum above u times the last.
func search(cum []float64, u float64) int {
	n := len(cum) - 1
	u *= cum[n]
	return sort.Search(n, func(i int) bool { return cum[i] > u })
}

// posterior fills w for the point x.
func (b *Boxes) posterior(w *boxWork, x []float64, alpha, sigma float64) {
	top := math.Inf(-1)
	for k := range b.k {
		l := math.Log(b.w[k])
		for j, xj := range x {
			i := k*b.d + j
			half := b.half[i]
			t := special.TruncNormal((alpha*b.mid[i]-xj)/sigma, alpha*half/sigma)
			l += t.LogAvg()
			w.mean[i] = b.mid[i] + half*t.Off
			w.s[i] = t.Mean
			w.v[i] = alpha * (half / sigma * half / sigma) * t.Var
		}
		w.r[k] = l
		top = max(top, l)
	}
	sum := 0.0
	for k, l := range w.r {
		w.r[k] = math.Exp(l - top)
		sum += w.r[k]
	}
	clear(w.d)
	for k := range w.r {
		w.r[k] /= sum
		for j := range w.d {
			w.d[j] += w.r[k] * w.mean[k*b.d+j]
		}
	}
	w.logp = top + math.Log(sum) - float64(b.d)*(math.Log(2*math.Pi)/2+math.Log(sigma))
}

// each calls f with the posterior of every point, for size values of dst each.
func (b *Boxes) each(size int, dst, x []float64, alpha, sigma float64, f func(i int, w *boxWork)) {
	checkBatch(b.d, size, dst, x)
	w := b.pool.Get().(*boxWork)
	for i := range len(x) / b.d {
		b.posterior(w, x[i*b.d:(i+1)*b.d], alpha, sigma)
		f(i, w)
	}
	b.pool.Put(w)
}

// Denoise writes E[x₁ | x].
func (b *Boxes) Denoise(dst, x []float64, alpha, sigma float64) {
	b.each(b.d, dst, x, alpha, sigma, func(i int, w *boxWork) { copy(dst[i*b.d:], w.d) })
}

// Score writes ∇ log p(x).
func (b *Boxes) Score(dst, x []float64, alpha, sigma float64) {
	clear(dst)
	b.each(b.d, dst, x, alpha, sigma, func(i int, w *boxWork) {
		s := dst[i*b.d : (i+1)*b.d]
		for k, r := range w.r {
			for j := range s {
				s[j] += r / sigma * w.s[k*b.d+j]
			}
		}
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (b *Boxes) LogProb(dst, x []float64, alpha, sigma float64) {
	b.each(1, dst, x, alpha, sigma, func(i int, w *boxWork) { dst[i] = w.logp })
}

// JVP writes (∂D/∂x) v.
func (b *Boxes) JVP(dst, x, v []float64, alpha, sigma float64) {
	checkBatch(b.d, b.d, v, x)
	clear(dst)
	b.each(b.d, dst, x, alpha, sigma, func(i int, w *boxWork) {
		u, out := v[i*b.d:(i+1)*b.d], dst[i*b.d:(i+1)*b.d]
		for k, r := range w.r {
			m, c := w.mean[k*b.d:(k+1)*b.d], w.v[k*b.d:(k+1)*b.d]
			dot := 0.0
			for j := range u {
				dot += (m[j] - w.d[j]) * u[j]
			}
			dot *= alpha / sigma / sigma
			for j := range u {
				out[j] += r * (c[j]*u[j] + (m[j]-w.d[j])*dot)
			}
		}
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (b *Boxes) Divergence(dst, x []float64, alpha, sigma float64) {
	b.each(1, dst, x, alpha, sigma, func(i int, w *boxWork) {
		sum := 0.0
		for k, r := range w.r {
			for j := range w.d {
				e := w.mean[k*b.d+j] - w.d[j]
				sum += r * (w.v[k*b.d+j] + alpha*(e/sigma)*(e/sigma))
			}
		}
		dst[i] = sum
	})
}

// CleanLogProb writes log p₁(x), one value a point, -Inf outside all boxes.
func (b *Boxes) CleanLogProb(dst, x []float64) {
	checkBatch(b.d, 1, dst, x)
	for i := range dst {
		p := math.Inf(-1)
		for k := range b.k {
			l := math.Log(b.w[k])
			for j, v := range x[i*b.d : (i+1)*b.d] {
				half := b.half[k*b.d+j]
				if math.Abs(v-b.mid[k*b.d+j]) > half {
					l = math.Inf(-1)
					break
				}
				l -= math.Log(2 * half)
			}
			p = logAdd(p, l)
		}
		dst[i] = p
	}
}

// logAdd returns log(e^a + e^b).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// Mean fills mean, d values.
func (b *Boxes) Mean(mean []float64) {
	clear(mean)
	for k, w := range b.w {
		for j := range mean {
			mean[j] += w * b.mid[k*b.d+j]
		}
	}
}

// Cov fills cov, d×d values.
func (b *Boxes) Cov(cov []float64) {
	mean := make([]float64, b.d)
	b.Mean(mean)
	clear(cov)
	for k, w := range b.w {
		m := b.mid[k*b.d : (k+1)*b.d]
		for i := range m {
			for j := range m {
				cov[i*b.d+j] += w * (m[i] - mean[i]) * (m[j] - mean[j])
			}
			cov[i*b.d+i] += w * b.half[k*b.d+i] * b.half[k*b.d+i] / 3
		}
	}
}
