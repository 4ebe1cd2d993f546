package pfgm

import (
	"math"

	"github.com/seed-dea4846a/sampler/score/density"
)

// A rule is the trapezoidal rule in v = log(τ²/σ²) for points of dimension N.
//
// The kernel is a mixture of Gaussians of variance τ² = σ²D/χ²_D, so with a = D/2 the law
// of x and its posterior mean are integrals over v of
//
//	exp f(v) = e^{-a(v + e^{-v} - 1)} p_τ(x),   p_τ the law of x under Gaussian noise τ
//
// Seen as an average over the clean point y, exp f is an average of curves of one shape:
// with k = (N+D)/2 and c = D e^{-v},
//
//	c^k e^{-cA/2},   A = 1 + |x - αy|²/r² ≥ 1,
//
// the gamma density in log c, shifted by log A. The error of the trapezoidal rule for each
// of them is 2|Γ(k + 2πi/h)/Γ(k)| of its area (Poisson's summation formula), whatever A. So
// one step h serves every target: the error is that share of the density, and of
// E[|y - D| | x] for the denoiser.
type rule struct {
	n, d, k float64 // N, D, (N+D)/2
	h       float64 // step in v
	cut     float64 // nodes with f below its largest value by more are left out
	left    int     // first node: f is below the cut at all nodes before it
}

func newRule(n, d, tol float64) rule {
	r := rule{n: n, d: d, k: (n + d) / 2, cut: 3 - math.Log(tol)}
	// log |Γ(k+iω)/Γ(k)| by Stirling's formula; ω is where it is log(tol/10).
	omega := root(func(w float64) float64 {
		return (r.k-0.5)/2*math.Log1p(w/r.k*w/r.k) - w*math.Atan(w/r.k) - math.Log(tol/10)
	}, math.Sqrt(r.k))
	r.h = 2 * math.Pi / omega
	// The shape c^k e^{-c/2} of A = 1 falls by the cut at c = 2k(1+e); those of A > 1 lie
	// to the right.
	e := root(func(e float64) float64 { return r.k*(math.Log1p(e)-e) + r.cut }, 1)
	r.left = int(math.Floor(math.Log(d/(2*r.k*(1+e))) / r.h))
	return r
}

// root returns the root of a function that falls from positive at 0.
func root(f func(float64) float64, guess float64) float64 {
	hi := guess
	for f(hi) > 0 {
		hi *= 2
	}
	lo := 0.0
	for hi-lo > 1e-6*hi {
		if mid := (lo + hi) / 2; f(mid) > 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// firstStride is the first distance between nodes of the search for the mass: half of
// the width of the gamma shape, about 17 nodes for large k.
const firstStride = 8

// farthest is where the search ends if nothing is found: τ²/σ² = e^600.
const farthest = 600

// A node is a value f of exp f at v = jh; w is its share of the sum.
type node struct {
	j    int
	f, w float64
	tau  float64
}

// nodes places the nodes of one point where the mass is. G = f + kv is the logarithm of
// E exp(-cA/2), a Laplace transform: convex in c, and 0 at c = 0 (in units where f∞ = 0). So
// chords bound f from above between known nodes, and beyond the last one, and the search
// is sure to pass over no mass, although exp f may have several peaks far apart.
type nodes struct {
	rule
	target       density.Target
	x            []float64
	alpha, sigma float64
	top, end     float64 // largest f so far; limit of f + kv at v = ∞
	list         []node
	bounds       []float64
	logp         [1]float64
}

// place finds the nodes of the point x, with weights of sum 1, and returns the logarithm of
// the sum of exp f. The weights are NaN if x is not finite.
func (q *nodes) place(x []float64, alpha, sigma float64) float64 {
	q.x, q.alpha, q.sigma = x, alpha, sigma
	q.top, q.list, q.bounds = math.Inf(-1), q.list[:0], q.bounds[:0]
	q.end = q.d/2 - q.n*(math.Log(2*math.Pi)/2+math.Log(sigma))
	last := q.eval(q.left)
	for stride := firstStride; q.beyond(last) > q.top-q.cut && float64(last.j)*q.h < farthest; stride *= 2 {
		last = q.eval(last.j + stride)
	}
	walk := len(q.list)
	for i := 1; i < walk; i++ {
		q.bounds = append(q.bounds, q.between(q.list[i-1], q.list[i]))
	}
	for range q.bounds { // the most promising interval first, as it raises the top
		i := 0
		for j, b := range q.bounds {
			if b > q.bounds[i] {
				i = j
			}
		}
		q.refine(q.list[i], q.list[i+1])
		q.bounds[i] = math.Inf(-1)
	}
	kept, sum := q.list[:0], 0.0
	for _, n := range q.list {
		if n.f > q.top-q.cut {
			n.w = math.Exp(n.f - q.top)
			sum += n.w
			kept = append(kept, n)
		}
	}
	if len(kept) == 0 {
		kept = append(kept, node{w: math.NaN(), tau: sigma})
	}
	q.list, q.x = kept, nil
	for i := range q.list {
		q.list[i].w /= sum
	}
	return q.top + math.Log(sum)
}

// eval adds the node j.
func (q *nodes) eval(j int) node {
	v := float64(j) * q.h
	n := node{j: j, tau: q.sigma * math.Exp(v/2)}
	q.target.LogProb(q.logp[:], q.x, q.alpha, n.tau)
	n.f = q.logp[0] - q.d/2*(v+math.Expm1(-v))
	if n.f > q.top {
		q.top = n.f
	}
	q.list = append(q.list, n)
	return n
}

// refine adds the nodes between l and r that may count.
func (q *nodes) refine(l, r node) {
	if r.j-l.j < 2 || max(l.f, r.f) < q.top-q.cut && q.between(l, r) < q.top-q.cut {
		return
	}
	m := q.eval((l.j + r.j) / 2)
	if l.f < r.f {
		q.refine(m, r)
		q.refine(l, m)
	} else {
		q.refine(l, m)
		q.refine(m, r)
	}
}

// between returns an upper bound of f between two nodes: G is below its chord in c.
func (q *nodes) between(l, r node) float64 {
	if math.IsInf(l.f, -1) {
		return r.f // no chord; f rises to r
	}
	w := float64(r.j-l.j) * q.h
	return q.chord(l.f, r.f-l.f+q.k*w, math.Exp(-w))
}

// beyond returns an upper bound of f from the node on: the chord goes to G = end at c = 0.
func (q *nodes) beyond(n node) float64 {
	if math.IsInf(n.f, -1) {
		return math.Inf(1)
	}
	return q.chord(n.f, q.end-q.k*float64(n.j)*q.h-n.f, 0)
}

// chord returns the largest value of f + k log y + rise (1-y)/(1-y1) over y1 ≤ y ≤ 1, where
// y = c/c₀ runs from the node of value f, and rise is that of G up to y1.
func (q *nodes) chord(f, rise, y1 float64) float64 {
	slope := rise / (1 - y1)
	if !(slope > q.k) {
		return f
	}
	y := max(q.k/slope, y1)
	return f + q.k*math.Log(y) + slope*(1-y)
}
