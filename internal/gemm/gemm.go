// Package gemm multiplies dense matrices, row-major and contiguous.
package gemm

import (
	"context"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Float is float32 or float64.
type Float = simd.Float

// Mul computes the m×n matrix
//
//	C = α op(A) op(B) + β C,   op(A) of shape m×k, op(B) of shape k×n,
//
// where op is the transpose if transA or transB says so; A is then stored k×m, B n×k.
// C overlaps neither A nor B; with β = 0 it is written without being read.
//
// Every element is a sum over k in an order that depends on k alone, for n ≤ 4 on transA too: the
// result is the same bit for bit for any number of workers, and a row of C does not depend on the
// other rows. One
// worker allocates nothing once its scratch space has grown; more than one (GOMAXPROCS if
// workers < 1) start goroutines.
//
// The blocks are those of Goto and van de Geijn (2008, doi 10.1145/1356052.1356053): a panel
// of B, depth rows of a tile's width, stays in the first cache while the tiles of a block of
// rows of A pass along it. Up to four columns, of which a tile would be mostly empty, have kernels
// of their own.
func Mul[T Float](c []T, alpha T, a []T, transA bool, b []T, transB bool, beta T, m, n, k, workers int) {
	if len(a) < m*k || len(b) < k*n || len(c) < m*n {
		panic("gemm: matrix shorter than its shape")
	}
	if m == 0 || n == 0 {
		return
	}
	p := product[T]{c: c, a: a, alpha: alpha, beta: beta, m: m, n: n, k: k, ars: k, acs: 1}
	if transA {
		p.ars, p.acs = 1, m
	}
	p.height, p.width = simd.TileShape[T]()
	p.narrow = n <= simd.NarrowCols
	workers = par.Workers(workers)
	size := min(rowBlock, (m+workers-1)/workers)
	buf := scratch[T](min(k, depth) * min(n+p.width, columnBlock))
	defer release(buf)
	for p.j0 = 0; p.j0 < n; p.j0 += columnBlock {
		p.j1 = min(n, p.j0+columnBlock)
		for p.l0 = 0; p.l0 < max(k, 1); p.l0 += depth {
			p.l1 = min(k, p.l0+depth)
			if p.l0 > 0 {
				p.beta = 1
			}
			p.packB(*buf, b, transB)
			if workers > 1 && m > size {
				parallel(p, size, workers)
				continue
			}
			for lo := 0; lo < m; lo += size {
				p.rows(lo, min(m, lo+size))
			}
		}
	}
}

// The blocks of A are at most rowBlock×depth, those of B depth×columnBlock.
// For at most few rows of A a copy of B does not pay. A transposed A whose lines are far
// apart, and mostly a power of two, so that they share few places in the first cache, is
// copied closer together, skew numbers apart, for several panels.
const (
	rowBlock    = 112
	depth       = 256
	columnBlock = 2048
	few         = 42
	far         = 512
	skew        = 16
)

// A product is one of blocks j0 … j1-1 of columns and l0 … l1-1 of the sum.
type product[T Float] struct {
	c, a           []T
	alpha, beta    T
	m, n, k        int
	ars, acs       int // steps between rows and columns of op(A)
	height, width  int // of a tile
	j0, j1, l0, l1 int
	b              []T // the block of B in panels of that width
	direct         []T // B itself, unless nil, for panels of whole width
	narrow         bool
	brs, bcs       int // steps between rows and columns of b, if narrow
}

// packB copies the block of B in panels of a tile's width, each row after row, the last filled
// up with zeros, but for those that are used in place.
func (p *product[T]) packB(buf, b []T, transB bool) {
	k, w := p.l1-p.l0, p.width
	if p.narrow {
		p.packNarrow(buf, b, transB)
		return
	}
	p.b = buf
	p.direct = nil
	if !transB && p.m <= few {
		p.direct = b
	}
	for j := p.j0; j < p.j1; j += w {
		cols := min(w, p.j1-j)
		if p.direct != nil && cols == w {
			continue
		}
		panel := buf[(j-p.j0)*k:][:w*k]
		if cols < w {
			clear(panel)
		}
		if transB {
			simd.Transpose(panel, w, b[j*p.k+p.l0:], p.k, cols, k)
			continue
		}
		for l := range k {
			copy(panel[l*w:(l+1)*w], b[(p.l0+l)*p.n+j:][:cols])
		}
	}
}

// packNarrow copies B's columns if their terms have to lie side by side, as those of A's rows do.
func (p *product[T]) packNarrow(buf, b []T, transB bool) {
	switch k := p.l1 - p.l0; {
	case transB:
		p.b, p.brs, p.bcs = b[p.l0:], 1, p.k
	case p.ars == 1:
		p.b, p.brs, p.bcs = b[p.l0*p.n:], p.n, 1
	default:
		p.b, p.brs, p.bcs = buf, 1, k
		simd.Transpose(buf, k, b[p.l0*p.n:], p.n, k, p.n)
	}
}

func (p *product[T]) rows(lo, hi int) {
	k, w := p.l1-p.l0, p.width
	if p.narrow {
		simd.GemmNarrow(p.c[lo*p.n:], p.n, p.a[lo*p.ars+p.l0*p.acs:], p.ars, p.acs, p.b, p.brs, p.bcs, k, hi-lo, p.n, p.alpha, p.beta)
		return
	}
	tiles := (hi - lo + p.height - 1) / p.height
	a, ars, acs := p.a[lo*p.ars+p.l0*p.acs:], p.ars, p.acs
	if acs >= far && p.j1-p.j0 >= 4*w {
		buf := scratch[T]((rowBlock + skew) * depth)
		defer release(buf)
		size := hi - lo + skew
		for l := range k {
			copy((*buf)[l*size:(l+1)*size-skew], a[l*acs:])
		}
		a, acs = *buf, size
	}
	for j := p.j0; j < p.j1; j += w {
		panel, ldb := p.b[(j-p.j0)*k:][:w*k], w
		cols := min(w, p.j1-j)
		if p.direct != nil && cols == w {
			panel, ldb = p.direct[p.l0*p.n+j:], p.n
		}
		for t := range tiles {
			i, end := (hi-lo)*t/tiles, (hi-lo)*(t+1)/tiles
			simd.GemmTile(p.c[(lo+i)*p.n+j:], p.n, a[i*ars:], ars, acs, panel, ldb, k, end-i, cols, p.alpha, p.beta)
		}
	}
}

// parallel takes the product by value: only here does it escape to the heap.
func parallel[T Float](p product[T], size, workers int) {
	_ = par.Rows(context.Background(), p.m, size, workers, func(_, lo, hi int) error {
		p.rows(lo, hi)
		return nil
	})
}

var space32, space64 sync.Pool // of *[]float32, *[]float64

func space[T Float]() *sync.Pool {
	if _, ok := any(T(0)).(float32); ok {
		return &space32
	}
	return &space64
}

func scratch[T Float](n int) *[]T {
	buf, _ := space[T]().Get().(*[]T)
	if buf == nil || cap(*buf) < n {
		s := make([]T, n)
		buf = &s
	}
	*buf = (*buf)[:n]
	return buf
}

func release[T Float](buf *[]T) { space[T]().Put(buf) }
