package prior

import (
	"math"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Eigenvalues below tailCut·s² are replaced by their mean: the gains λ/(λ+s²) of the
// directions concerned change by less than tailCut.
const tailCut = 1e-3

// A level holds what the mixture makes of one noise s. Goroutines share it.
type level struct {
	c     *compiled
	s     float64
	users int // guarded by levels.mu

	norm  []float64 // K: log w_k + ½ log det P_k
	trace []float64 // K: tr P_k
	gate  []float32 // terms×padded(K): -½ of the leading block's precision, and as the last row log w_k + ½ log its det

	ready []atomic.Bool // K: whether p has P_k, which the first to need it computes
	mu    []sync.Mutex
	p     []float64 // K × b²×padded(b²)
	space sync.Pool // of *[]float64, b²×padded(b²)
}

// levels keeps the latest noises of a mixture, as many as are in use but a few at least.
type levels struct {
	mu   sync.Mutex
	list []*level // the latest one last
}

const levelsKept = 3

// get returns the level of s, to be given back by put.
func (ls *levels) get(c *compiled, s float64) *level {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	at, free := -1, -1
	for i, l := range ls.list {
		if l.s == s {
			at = i
		}
		if l.users == 0 && free < 0 {
			free = i
		}
	}
	var l *level
	switch {
	case at >= 0:
		l = ls.list[at]
	case free >= 0 && len(ls.list) >= levelsKept:
		at, l = free, ls.list[free]
		l.fill(s)
	default:
		at, l = len(ls.list), newLevel(c)
		ls.list = append(ls.list, l)
		l.fill(s)
	}
	copy(ls.list[at:], ls.list[at+1:])
	ls.list[len(ls.list)-1] = l
	l.users++
	return l
}

func (ls *levels) put(l *level) {
	ls.mu.Lock()
	l.users--
	ls.mu.Unlock()
}

func newLevel(c *compiled) *level {
	ld := padded(c.n)
	return &level{c: c, norm: make([]float64, c.k), trace: make([]float64, c.k), gate: make([]float32, c.terms*padded(c.k)),
		ready: make([]atomic.Bool, c.k), mu: make([]sync.Mutex, c.k), p: make([]float64, c.k*c.n*ld),
		space: sync.Pool{New: func() any { x := make([]float64, c.n*ld); return &x }}}
}

// rank returns the number of directions of component k with an eigenvalue of their own, and
// the precision of the others.
func (l *level) rank(k int) (r int, rest float64) {
	lam, s2 := l.c.lam[k*l.c.m:(k+1)*l.c.m], l.s*l.s
	r = len(lam)
	for r > 0 && lam[r-1] < tailCut*s2 {
		r--
	}
	if r < len(lam) {
		rest = 1 / (floats.Sum(lam[r:])/float64(len(lam)-r) + s2)
	}
	return r, rest
}

// fill sets the noise.
func (l *level) fill(s float64) {
	l.s = s
	c, s2 := l.c, s*s
	m, q := c.m, c.q
	for k := range c.k {
		l.ready[k].Store(false)
		r, rest := l.rank(k)
		logDet, trace := 0.0, 0.0
		if r < m {
			logDet, trace = -float64(m-r)*math.Log(rest), float64(m-r)*rest
		}
		for _, v := range c.lam[k*m : k*m+r] {
			logDet += math.Log(v + s2)
			trace += 1 / (v + s2)
		}
		l.norm[k], l.trace[k] = c.logW[k]-logDet/2, trace

		gl, gu := c.gateLam[k*q:(k+1)*q], c.gateU[k*q*q:(k+1)*q*q]
		logDet = 0
		var prec [gateCoords]float64
		for t, v := range gl {
			v = max(v, 0) + s2
			logDet += math.Log(v)
			prec[t] = 1 / v
		}
		at := k
		for i := range q {
			for j := range i + 1 {
				sum := 0.0
				for t := range gl {
					sum += gu[i*q+t] * gu[j*q+t] * prec[t]
				}
				if i == j {
					sum /= 2
				}
				l.gate[at] = float32(-sum)
				at += padded(c.k)
			}
		}
		l.gate[at] = float32(c.logW[k] - logDet/2)
	}
}

// precision returns P_k in the pixels of a patch, b²×padded(b²), which takes off the mean:
//
//	P = 1/(λ̄+s²) (I - 11ᵀ/b²) + Σ_j [1/(λ_j+s²) - 1/(λ̄+s²)] u_j u_jᵀ
func (l *level) precision(k int) []float64 {
	c := l.c
	n, ld := c.n, padded(c.n)
	p := l.p[k*n*ld : (k+1)*n*ld]
	if l.ready[k].Load() {
		return p
	}
	l.mu[k].Lock()
	defer l.mu[k].Unlock()
	if l.ready[k].Load() {
		return p
	}
	r, rest := l.rank(k)
	for i := range n {
		row := p[i*ld:][:n]
		for j := range row {
			row[j] = -rest / float64(n)
		}
		row[i] += rest
	}
	if r > 0 {
		space := l.space.Get().(*[]float64)
		u, scaled := c.u[k*c.m*n:(k+1)*c.m*n], *space
		for j := range r {
			floats.ScaleTo(scaled[j*ld:][:n], 1/(c.lam[k*c.m+j]+l.s*l.s)-rest, u[j*n:][:n])
		}
		height, width := simd.TileShape[float64]()
		for j := 0; j < n; j += width {
			for i := 0; i < n; i += height {
				simd.GemmTile(p[i*ld+j:], ld, u[i:], 1, n, scaled[j:], ld, r, min(height, n-i), min(width, n-j), 1, 1)
			}
		}
		l.space.Put(space)
	}
	l.ready[k].Store(true)
	return p
}
