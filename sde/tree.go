package sde

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// Tree is a NoiseSource whose every query looks at one and the same Brownian path a
// sample, whatever the grid, the order and the direction of the queries: a virtual
// Brownian tree over [T0, T1] (either order; both zero mean [0, 1]) that knows the
// integral of the path as well.
//
// A node of the dyadic tree stands for an interval of length h and holds
//
//	W = W(u) - W(s)                              ~ N(0, h)
//	H = 1/h ∫ (W(r) - W(s) - (r-s)/h · W) dr     ~ N(0, h/12), independent of W
//
// and its halves follow from it and from Z ~ N(0, h/16) and N ~ N(0, h/12), all
// independent, drawn at the address (Seed, stream.Tree, sample, node):
//
//	W_left = W/2 + 3/2 H + Z     H_left  = H/4 - Z/2 + N/2
//	W_right = W - W_left         H_right = H/4 - Z/2 - N/2
//
// (Foster, Lyons and Oberhauser 2020, SIAM J. Numer. Anal. 58(3); Jelinčič, Foster
// and Kidger 2024, arXiv:2405.06464). The descent to a time ends at the node that
// begins there. Below Depth halvings the path is its mean given the leaf's W and H,
// a parabola: steps much shorter than the resolution
//
//	ℓ = |T1 - T0| / 2^Depth
//
// see too little noise; Var W(t) falls short by at most ℓ/12, and by nothing where t
// is a node.
//
// A query outside [T0, T1] by more than rounding panics. A descent costs up to Depth
// draws of 2d normals a sample; a march in either direction needs one a step.
type Tree struct {
	Seed   uint64
	T0, T1 float64
	Depth  int // halvings, at most 52; 24 if zero
}

// NewNoise returns the noise of one goroutine. It panics if the interval is empty or
// not finite, or if Depth is not in 0..52.
func (tr Tree) NewNoise(dim, rows int) Noise {
	lo, hi := min(tr.T0, tr.T1), max(tr.T0, tr.T1)
	if lo == 0 && hi == 0 {
		hi = 1
	}
	if length := hi - lo; !(length > 0) || math.IsInf(length, 0) {
		panic(fmt.Sprintf("sde: Brownian tree over [%v, %v]", tr.T0, tr.T1))
	}
	if tr.Depth < 0 || tr.Depth > 52 {
		panic(fmt.Sprintf("sde: Brownian tree of depth %d", tr.Depth))
	}
	if tr.Depth == 0 {
		tr.Depth = 24
	}
	n := rows * dim
	buf := make([]float64, 8*n)
	return &tree{
		src: stream.New(), seed: tr.Seed, lo: lo, hi: hi, depth: tr.Depth, dim: dim,
		from:  pathPoint{w: buf[:n], iw: buf[n : 2*n]},
		to:    pathPoint{w: buf[2*n : 3*n], iw: buf[3*n : 4*n]},
		nodeW: buf[4*n : 5*n], nodeH: buf[5*n : 6*n],
		normal: buf[6*n:],
	}
}

type tree struct {
	src        *stream.Source
	seed       uint64
	lo, hi     float64
	depth, dim int

	first, rows int
	from, to    pathPoint // ends of the last query
	nodeW       []float64 // W and H of the current node of each row
	nodeH       []float64
	normal      []float64 // its two d normals, row after row
}

// A pathPoint is the path of each row at one time: w = W(t) - W(lo) and
// iw = ∫ (W(r) - W(lo)) dr over r from lo to t.
type pathPoint struct {
	known bool
	t     float64
	w, iw []float64
}

func (tr *tree) Begin(first, rows int) {
	tr.first, tr.rows = first, rows
	tr.from.known, tr.to.known = false, false
}

func (tr *tree) Increment(dw []float64, t0, t1 float64) {
	tr.query(t0, t1)
	for i := range dw {
		dw[i] = tr.to.w[i] - tr.from.w[i]
	}
}

func (tr *tree) IncrementArea(dw, dz []float64, t0, t1 float64) {
	tr.Increment(dw, t0, t1)
	for i := range dz {
		dz[i] = tr.to.iw[i] - tr.from.iw[i] - (t1-t0)*tr.from.w[i]
	}
}

// query moves from and to to t0 and t1. The next step begins where the last one
// ended, a repeated one where the rejected one began: both are at hand.
func (tr *tree) query(t0, t1 float64) {
	if tr.to.known && tr.to.t == t0 {
		tr.from, tr.to = tr.to, tr.from
	}
	tr.descend(&tr.from, t0)
	tr.descend(&tr.to, t1)
}

func (tr *tree) descend(p *pathPoint, t float64) {
	if p.known && p.t == t {
		return
	}
	s := tr.fraction(t)
	n := tr.rows * tr.dim
	tr.walk(p.w[:n], p.iw[:n], s)
	p.known, p.t = true, t
}

// fraction maps [lo, hi] to [0, 1]. Time grids overshoot their ends by rounding, so
// four units in the last place are forgiven.
func (tr *tree) fraction(t float64) float64 {
	slack := 4 * 0x1p-52 * max(math.Abs(tr.lo), math.Abs(tr.hi))
	if !(t >= tr.lo-slack && t <= tr.hi+slack) {
		panic(fmt.Sprintf("sde: time %v outside the Brownian tree's [%v, %v]", t, tr.lo, tr.hi))
	}
	return max(0, min(1, (t-tr.lo)/(tr.hi-tr.lo)))
}

// walk writes the paths at the fraction s of the interval. The fraction of the current node's
// interval, 2s or 2s-1, is exact, so that s reaches 0 at a node.
func (tr *tree) walk(w, iw []float64, s float64) {
	n, d := len(w), tr.dim
	nw, nh, z := tr.nodeW[:n], tr.nodeH[:n], tr.normal[:2*n]
	h := tr.hi - tr.lo
	rw, rh := math.Sqrt(h), math.Sqrt(h/12)
	tr.src.Rows(z, tr.seed, stream.Tree, uint64(tr.first), 0, 2*d)
	for i := 0; i < n; i += d {
		for j := range d {
			nw[i+j], nh[i+j] = rw*z[2*i+j], rh*z[2*i+d+j]
		}
	}
	clear(w)
	clear(iw)
	index := uint64(1) // of the node, in heap order; 0 is the root's own W and H
	for level := 0; level < tr.depth && 0 < s && s < 1; level++ {
		tr.src.Rows(z, tr.seed, stream.Tree, uint64(tr.first), index, 2*d)
		rz, rn := math.Sqrt(h/16), math.Sqrt(h/12)
		h /= 2
		index *= 2
		s *= 2
		right := s >= 1
		for i := 0; i < n; i += d {
			for j, k := 2*i, i; k < i+d; j, k = j+1, k+1 {
				z1, z2 := rz*z[j], rn*z[j+d]/2
				wl, hm := nw[k]/2+1.5*nh[k]+z1, nh[k]/4-z1/2
				if right {
					iw[k] += h * (w[k] + wl/2 + hm + z2)
					w[k] += wl
					nw[k], nh[k] = nw[k]-wl, hm-z2
				} else {
					nw[k], nh[k] = wl, hm+z2
				}
			}
		}
		if right {
			index++
			s--
		}
	}
	// The mean of the path in a leaf; s = 0 and s = 1 are the ends of the node.
	for i := range w {
		iw[i] += h * s * (w[i] + s*(nw[i]/2+(3-2*s)*nh[i]))
		w[i] += s * (nw[i] + 6*(1-s)*nh[i])
	}
}
