package prior

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

const (
	chunk = 512 // patches of one pass, whose work stays in cache
	// A component takes part in a patch if its probability given the q leading
	// coordinates is within e^-gateCut of the likeliest's (cut 1e-3), the gateMost
	// likeliest at most.
	gateCut  = 6.9
	gateMost = 6
	// Eigenvalues below tailCut·s² are replaced by their mean: the gains λ/(λ+s²) of
	// the directions concerned change by less than tailCut.
	tailCut = 1e-3
)

// A patchWork denoises patches z = z₁ + s·noise under the mixture, with S_k = C_k + s²I:
//
//	D(z) = Σ ρ_k m_k,   m_k = C_k S_k⁻¹ z,   ρ_k ∝ w_k N(z; 0, S_k)
//	J(z) = Σ ρ_k C_k S_k⁻¹ + (1/s²) [Σ ρ_k m_k m_kᵀ - D Dᵀ]
//
// with k running over the components that the gate lets through. It belongs to one
// goroutine.
type patchWork struct {
	c *compiled
	s float64 // the noise that the tables below are for

	rank []int     // K: directions with an eigenvalue of their own
	tail []float64 // K: the gain ḡ of the other directions
	rest []float64 // K: 1/(λ̄ + s²), their precision
	gain []float64 // K·m: g_j - ḡ
	prec []float64 // K·m: 1/(λ̄+s²) - 1/(λ_j+s²)
	norm []float64 // K: log w_k - ½ log det S_k
	gate []float64 // (q(q+1)/2)·K: -½ of the leading block's precision
	bias []float64 // K: log w_k - ½ log det of the leading block

	p, z, v, out     []float64 // chunk × b² or m
	features, logits []float64
	starts           []int     // chunk+1: the pairs of patch i are starts[i]..starts[i+1]-1
	comp, slot       []int     // of a pair: its component, its row when sorted by component
	bucket           []int     // K+1
	owner, pairAt    []int     // of a row: its patch, its pair
	coef, coefV      []float64 // of a row: Uᵀz, Uᵀv
	rho              []float64 // of a pair
	dot              []float64 // of a pair: m_kᵀv
	rows, prod       []float64 // gathered rows of one component
}

func newPatchWork(c *compiled) *patchWork {
	f := func(n int) []float64 { return make([]float64, n) }
	pairs := chunk * gateMost
	nf := c.q * (c.q + 1) / 2
	return &patchWork{
		c: c, s: -1, rank: make([]int, c.k), tail: f(c.k), rest: f(c.k), gain: f(c.k * c.m), prec: f(c.k * c.m),
		norm: f(c.k), gate: f(nf * c.k), bias: f(c.k),
		p: f(chunk * c.b * c.b), z: f(chunk * c.m), v: f(chunk * c.m), out: f(chunk * c.m),
		features: f(chunk * nf), logits: f(chunk * c.k),
		starts: make([]int, chunk+1), comp: make([]int, pairs), slot: make([]int, pairs), bucket: make([]int, c.k+1),
		owner: make([]int, pairs), pairAt: make([]int, pairs), coef: f(pairs * c.m), coefV: f(pairs * c.m),
		rho: f(pairs), dot: f(pairs), rows: f(chunk * c.m), prod: f(chunk * c.m),
	}
}

// level fills the tables for the noise s.
func (w *patchWork) level(s float64) {
	if w.s == s {
		return
	}
	w.s = s
	c, s2 := w.c, s*s
	m, q := c.m, c.q
	for k := range c.k {
		lam := c.lam[k*m : (k+1)*m]
		r := m
		for r > 0 && lam[r-1] < tailCut*s2 {
			r--
		}
		mean := 0.0
		if r < m {
			mean = floats.Sum(lam[r:]) / float64(m-r)
		}
		w.rank[k], w.tail[k], w.rest[k] = r, mean/(mean+s2), 1/(mean+s2)
		logDet := float64(m-r) * math.Log(mean+s2)
		for j, l := range lam[:r] {
			w.gain[k*m+j] = l/(l+s2) - w.tail[k]
			w.prec[k*m+j] = w.rest[k] - 1/(l+s2)
			logDet += math.Log(l + s2)
		}
		w.norm[k] = c.logW[k] - logDet/2

		gl, gu := c.gateLam[k*q:(k+1)*q], c.gateU[k*q*q:(k+1)*q*q]
		logDet = 0
		for _, l := range gl {
			logDet += math.Log(max(l, 0) + s2)
		}
		w.bias[k] = c.logW[k] - logDet/2
		at := k
		for i := range q {
			for j := range i + 1 {
				sum := 0.0
				for t, l := range gl {
					sum += gu[i*q+t] * gu[j*q+t] / (max(l, 0) + s2)
				}
				if i == j {
					sum /= 2
				}
				w.gate[at] = -sum
				at += c.k
			}
		}
	}
}

// choose fills z from the n patches in p, finds the components of each and their
// probabilities ρ.
func (w *patchWork) choose(n int) {
	c := w.c
	b2, m, q, nf := c.b*c.b, c.m, c.q, c.q*(c.q+1)/2
	mul(w.z, w.p, c.toZ, n, b2, m, b2, m, m, 0)
	for i := range n {
		z, f := w.z[i*m:i*m+q], w.features[i*nf:(i+1)*nf]
		at := 0
		for a, za := range z {
			for _, zb := range z[:a+1] {
				f[at] = za * zb
				at++
			}
		}
		copy(w.logits[i*c.k:(i+1)*c.k], w.bias)
	}
	mul(w.logits, w.features, w.gate, n, nf, c.k, nf, c.k, c.k, 1)
	w.shortlist(n)

	w.project(w.coef, w.z)
	for k := range c.k {
		prec := w.prec[k*m : k*m+w.rank[k]]
		for row := w.bucket[k]; row < w.bucket[k+1]; row++ {
			z := w.z[w.owner[row]*m : (w.owner[row]+1)*m]
			quad := w.rest[k] * floats.Dot(z, z)
			for j, v := range w.coef[row*m : row*m+len(prec)] {
				quad -= prec[j] * v * v
			}
			w.rho[w.pairAt[row]] = w.norm[k] - quad/2
		}
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
		cut := floats.Max(logits) - gateCut
		var best [gateMost]int // descending
		count := 0
		for k, v := range logits {
			if v < cut || count == gateMost && v <= logits[best[count-1]] {
				continue
			}
			if count < gateMost {
				count++
			}
			j := count - 1
			for ; j > 0 && logits[best[j-1]] < v; j-- {
				best[j] = best[j-1]
			}
			best[j] = k
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

// project writes Uᵀx, of each row's component and patch.
func (w *patchWork) project(coef, x []float64) {
	m := w.c.m
	for k := range w.c.k {
		lo, hi := w.bucket[k], w.bucket[k+1]
		if lo == hi || w.rank[k] == 0 {
			continue
		}
		for row := lo; row < hi; row++ {
			copy(w.rows[(row-lo)*m:(row-lo+1)*m], x[w.owner[row]*m:])
		}
		mul(coef[lo*m:], w.rows, w.c.u[k*m*m:], hi-lo, m, w.rank[k], m, m, m, 0)
	}
}

// mean writes D into out.
func (w *patchWork) mean(n int) {
	clear(w.out[:n*w.c.m])
	w.gather(func(rho []float64, row, pair, k int) {
		for j, v := range w.coef[row*w.c.m : row*w.c.m+len(rho)] {
			rho[j] = w.rho[pair] * w.gain[k*w.c.m+j] * v
		}
		floats.AddScaled(w.out[w.owner[row]*w.c.m:(w.owner[row]+1)*w.c.m], w.rho[pair]*w.tail[k], w.z[w.owner[row]*w.c.m:(w.owner[row]+1)*w.c.m])
	})
}

// gather adds to out, for each row, U times the coefficients that f fills.
func (w *patchWork) gather(f func(coef []float64, row, pair, k int)) {
	m := w.c.m
	for k := range w.c.k {
		lo, hi, r := w.bucket[k], w.bucket[k+1], w.rank[k]
		for row := lo; row < hi; row++ {
			f(w.rows[(row-lo)*m:(row-lo)*m+r], row, w.pairAt[row], k)
		}
		if lo == hi || r == 0 {
			continue
		}
		mul(w.prod, w.rows, w.c.ut[k*m*m:], hi-lo, r, m, m, m, m, 0)
		for row := lo; row < hi; row++ {
			floats.Add(w.out[w.owner[row]*m:(w.owner[row]+1)*m], w.prod[(row-lo)*m:(row-lo+1)*m])
		}
	}
}

// derivative writes J v into out, v from the n patches in p:
//
//	J v = Σ ρ_k [C_k S_k⁻¹ v + δ_k m_k],   δ_k = (m_kᵀv - Σ ρ_l m_lᵀv)/s²
func (w *patchWork) derivative(n int) {
	m := w.c.m
	mul(w.v, w.p, w.c.toZ, n, w.c.b*w.c.b, m, w.c.b*w.c.b, m, m, 0)
	w.project(w.coefV, w.v)
	for pair := range w.comp[:w.starts[n]] {
		k, row := w.comp[pair], w.slot[pair]
		i := w.owner[row]
		sum := w.tail[k] * floats.Dot(w.z[i*m:(i+1)*m], w.v[i*m:(i+1)*m])
		for j := range w.rank[k] {
			sum += w.gain[k*m+j] * w.coef[row*m+j] * w.coefV[row*m+j]
		}
		w.dot[pair] = sum
	}
	for i := range n {
		lo, hi := w.starts[i], w.starts[i+1]
		mean := floats.Dot(w.rho[lo:hi], w.dot[lo:hi])
		for pair := lo; pair < hi; pair++ {
			w.dot[pair] = (w.dot[pair] - mean) / (w.s * w.s)
		}
	}
	clear(w.out[:n*m])
	w.gather(func(coef []float64, row, pair, k int) {
		rho, delta, i := w.rho[pair], w.dot[pair], w.owner[row]
		for j := range coef {
			coef[j] = rho * w.gain[k*m+j] * (w.coefV[row*m+j] + delta*w.coef[row*m+j])
		}
		floats.AddScaled(w.out[i*m:(i+1)*m], rho*w.tail[k], w.v[i*m:(i+1)*m])
		floats.AddScaled(w.out[i*m:(i+1)*m], rho*w.tail[k]*delta, w.z[i*m:(i+1)*m])
	})
}

// pixels writes the patches of out into p.
func (w *patchWork) pixels(n int) {
	b2, m := w.c.b*w.c.b, w.c.m
	mul(w.p, w.out, w.c.toP, n, m, b2, m, b2, b2, 0)
}
