package prior

import (
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

const (
	chunk = 512 // patches of one pass, whose work stays in cache
	// A component takes part in a patch if its probability given the q leading
	// coordinates is within e^-gateCut of the likeliest's (cut 1e-3), the gateMost
	// likeliest at most.
	gateCut  = 6.9
	gateMost = 6
)

// A patchWork denoises patches z, without their mean, that hold noise of deviation s, under
// the mixture, with P_k = (C_k + s²I)⁻¹:
//
//	D(z) = z - s² Σ ρ_k g_k,   g_k = P_k z,   ρ_k ∝ w_k N(z; 0, P_k⁻¹)
//	J(z) = I - s² Σ ρ_k P_k + s² [Σ ρ_k g_k g_kᵀ - ḡ ḡᵀ],   ḡ = Σ ρ_k g_k
//
// with k running over the components that the gate lets through: one product of a patch
// and a matrix each. It belongs to one goroutine.
type patchWork struct {
	c *compiled
	l *level

	z, v, out        []float64 // chunk × b²
	lead             []float64 // chunk × q: leading coordinates
	features, logits []float32
	choice
	own          choice    // what choose writes to
	comp, pairAt []int     // of a pair: its component; of a row: its pair
	gv           []float64 // of a row: P v
	dot          []float64 // of a pair: gᵀv
	rows         []float64 // gathered rows of one component
}

// A choice is what the derivative needs to know of up to chunk patches: the components that
// take part in each, a pair of the two having a row among those sorted by component.
type choice struct {
	starts []int     // chunk+1: the pairs of patch i are starts[i]..starts[i+1]-1
	slot   []int     // of a pair: its row
	bucket []int     // K+1: the rows of component k are bucket[k]..bucket[k+1]-1
	owner  []int     // of a row: its patch
	g      []float64 // of a row: P z
	rho    []float64 // of a pair
}

// keep copies the choice of the n patches of w.
func (c *choice) keep(w *patchWork, n int) {
	pairs := w.starts[n]
	c.starts = append(c.starts[:0], w.starts[:n+1]...)
	c.slot = append(c.slot[:0], w.slot[:pairs]...)
	c.bucket = append(c.bucket[:0], w.bucket...)
	c.owner = append(c.owner[:0], w.owner[:pairs]...)
	c.g = append(c.g[:0], w.g[:pairs*w.c.n]...)
	c.rho = append(c.rho[:0], w.rho[:pairs]...)
}

func newPatchWork(c *compiled) *patchWork {
	f := func(n int) []float64 { return make([]float64, n) }
	pairs := chunk * gateMost
	return &patchWork{
		c: c,
		z: f(chunk * c.n), v: f(chunk * c.n), out: f(chunk * c.n), lead: f(chunk * c.q),
		features: make([]float32, chunk*c.terms), logits: make([]float32, chunk*c.k),
		own: choice{
			starts: make([]int, chunk+1), slot: make([]int, pairs), bucket: make([]int, c.k+1),
			owner: make([]int, pairs), g: f(pairs * c.n), rho: f(pairs),
		},
		comp: make([]int, pairs), pairAt: make([]int, pairs), gv: f(pairs * c.n), dot: f(pairs), rows: f(chunk * c.n),
	}
}

// of returns vector i of x, whose vectors have b² numbers.
func (w *patchWork) of(x []float64, i int) []float64 { return x[i*w.c.n : (i+1)*w.c.n] }

// centre takes the mean off each of the n patches in x.
func (w *patchWork) centre(x []float64, n int) {
	for i := range n {
		p := w.of(x, i)
		mean := floats.Sum(p) / float64(len(p))
		for j := range p {
			p[j] -= mean
		}
	}
}

// choose takes the mean off the n patches in z and finds the components of each, their g and
// their probabilities ρ.
func (w *patchWork) choose(n int) {
	c, l := w.c, w.l
	w.choice = w.own
	w.centre(w.z, n)
	multiply(w.lead, c.q, w.z, c.n, c.lead, padded(c.q), c.n, n, c.q)
	for i := range n {
		z, f := w.lead[i*c.q:(i+1)*c.q], w.features[i*c.terms:(i+1)*c.terms]
		at := 0
		for a, za := range z {
			for _, zb := range z[:a+1] {
				f[at] = float32(za * zb)
				at++
			}
		}
		f[at] = 1
	}
	multiply(w.logits, c.k, w.features, c.terms, l.gate, padded(c.k), c.terms, n, c.k)
	w.shortlist(n)

	w.apply(w.g, w.z)
	for row := range w.starts[n] {
		pair := w.pairAt[row]
		w.rho[pair] = l.norm[w.comp[pair]] - floats.Dot(w.of(w.z, w.owner[row]), w.of(w.g, row))/2
	}
	for i := range n {
		rho := w.rho[w.starts[i]:w.starts[i+1]]
		top, sum := floats.Max(rho), 0.0
		for j, v := range rho {
			rho[j] = math.Exp(v - top)
			sum += rho[j]
		}
		for j := range rho {
			rho[j] /= sum
		}
	}
}

// shortlist turns the logits into pairs and sorts these by component.
func (w *patchWork) shortlist(n int) {
	c := w.c
	clear(w.bucket)
	pairs := 0
	for i := range n {
		w.starts[i] = pairs
		logits := w.logits[i*c.k : (i+1)*c.k]
		top, least := logits[0], float32(math.Inf(-1))
		var best [gateMost]int // descending
		count := 0
		for k, v := range logits {
			if !(v >= least) || count == gateMost && v == least {
				continue
			}
			if v > top {
				top = v
			}
			count = min(count+1, gateMost)
			j := count - 1
			for ; j > 0 && logits[best[j-1]] < v; j-- {
				best[j] = best[j-1]
			}
			best[j] = k
			if least = top - gateCut; count == gateMost {
				least = max(least, logits[best[count-1]])
			}
		}
		for count > 0 && logits[best[count-1]] < top-gateCut {
			count-- // chosen before the likeliest was met
		}
		if count == 0 {
			count = 1 // every logit is NaN: let NaN go through
		}
		for _, k := range best[:count] {
			w.comp[pairs] = k
			w.bucket[k+1]++
			pairs++
		}
	}
	w.starts[n] = pairs
	for k := range c.k {
		w.bucket[k+1] += w.bucket[k]
	}
	for i := range n {
		for pair := w.starts[i]; pair < w.starts[i+1]; pair++ {
			k := w.comp[pair]
			row := w.bucket[k]
			w.bucket[k]++
			w.slot[pair], w.owner[row], w.pairAt[row] = row, i, pair
		}
	}
	copy(w.bucket[1:], w.bucket[:c.k])
	w.bucket[0] = 0
}

// apply writes P x, of each row's component and patch.
func (w *patchWork) apply(dst, x []float64) {
	n := w.c.n
	for k := range w.c.k {
		lo, hi := w.bucket[k], w.bucket[k+1]
		if lo == hi {
			continue
		}
		for row := lo; row < hi; row++ {
			copy(w.of(w.rows, row-lo), w.of(x, w.owner[row]))
		}
		multiply(dst[lo*n:], n, w.rows, n, w.l.precision(k), padded(n), n, hi-lo, n)
	}
}

// mean writes D into out.
func (w *patchWork) mean(n int) {
	s2 := w.l.s * w.l.s
	for i := range n {
		out := w.of(w.out, i)
		copy(out, w.of(w.z, i))
		for pair := w.starts[i]; pair < w.starts[i+1]; pair++ {
			simd.AddScaled(out, w.of(w.g, w.slot[pair]), -s2*w.rho[pair])
		}
	}
}

// derivative writes J v into out, v being n patches and J that of the choice:
//
//	J v = v - s² Σ ρ_k [P_k v - δ_k g_k],   δ_k = g_kᵀv - ḡᵀv
func (w *patchWork) derivative(n int) {
	w.centre(w.v, n)
	w.apply(w.gv, w.v)
	s2 := w.l.s * w.l.s
	for i := range n {
		lo, hi := w.starts[i], w.starts[i+1]
		out, v := w.of(w.out, i), w.of(w.v, i)
		for pair := lo; pair < hi; pair++ {
			w.dot[pair] = floats.Dot(w.of(w.g, w.slot[pair]), v)
		}
		mean := floats.Dot(w.rho[lo:hi], w.dot[lo:hi])
		copy(out, v)
		for pair := lo; pair < hi; pair++ {
			row, rho := w.slot[pair], s2*w.rho[pair]
			simd.AddScaled(out, w.of(w.gv, row), -rho)
			simd.AddScaled(out, w.of(w.g, row), rho*(w.dot[pair]-mean))
		}
	}
}

// padded returns the width of rows of at least n numbers that simd.GemmTile may read in whole
// tiles.
func padded(n int) int { return (n + 31) &^ 31 }

// multiply writes c = a b, a being m×k and b k×n with rows of the given strides.
func multiply[T simd.Float](c []T, ldc int, a []T, lda int, b []T, ldb, k, m, n int) {
	height, width := simd.TileShape[T]()
	tiles := (m + height - 1) / height
	for j := 0; j < n; j += width {
		for t := range tiles {
			i, end := m*t/tiles, m*(t+1)/tiles
			simd.GemmTile(c[i*ldc+j:], ldc, a[i*lda:], lda, 1, b[j:], ldb, k, end-i, min(width, n-j), 1, 0)
		}
	}
}
