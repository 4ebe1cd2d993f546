package fft

import (
	"context"
	"runtime"
	"sync"
	"unsafe"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// A sweep is one parallel pass over groups of rows or columns. It is pooled with its
// method value, so that starting one allocates nothing on a single worker.
type sweep struct {
	body   func(s *sweep, lo, hi int)
	rows   func(worker, lo, hi int) error
	r2     *Real2
	c2     *Complex2
	t2     *Trig2
	x      []float64
	z, to  []complex128
	h      []complex128
	cols   []int
	mode   mode
	shift  bool
	factor float64
}

type mode int

const (
	forward mode = iota
	inverse
	filter     // multiply by h
	filterConj // multiply by conj h
)

var sweeps = sync.Pool{New: func() any {
	s := new(sweep)
	s.rows = func(_, lo, hi int) error { s.body(s, lo, hi); return nil }
	return s
}}

// serial is the number of pixels up to which one goroutine does all, without allocating:
// starting others would cost about as much as they save.
const serial = 64 * 64

// run calls body for the groups of size rows of 0..n-1, of an image of so many pixels, and
// hands the sweep back.
func (s *sweep) run(n, size, pixels int, body func(s *sweep, lo, hi int)) {
	s.body = body
	if n <= size || pixels <= serial || runtime.GOMAXPROCS(0) == 1 {
		for lo := 0; lo < n; lo += size {
			body(s, lo, min(n, lo+size))
		}
	} else {
		_ = par.Rows(context.Background(), n, size, 0, s.rows) // rows returns no error
	}
	rows := s.rows
	*s = sweep{rows: rows} // keeps no data of the caller
	sweeps.Put(s)
}

// Complex sees the pairs (re, im) of x as complex numbers.
func Complex(x []float64) []complex128 {
	if len(x)%2 != 0 {
		panic("fft: odd number of values for pairs (re, im)")
	}
	return unsafe.Slice((*complex128)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
}

func floats(z []complex128) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(z))), 2*len(z))
}

// order returns where real and imaginary parts lie in a block.
func order(exchanged bool) (re, im int) {
	if exchanged {
		return lanes, 0
	}
	return 0, lanes
}

// parts are the real (at 0) or the imaginary parts (at lanes) of blocks, pairs both in turn,
// and rowsOf the rows of an image of so many numbers from one on, as tiles of move.
func parts(at int) simd.Tiles {
	return simd.Tiles{Even: at, Odd: at + block, Pair: 2 * block, Step: 8 * block}
}

func pairs(exchanged bool) simd.Tiles {
	re, im := order(exchanged)
	return simd.Tiles{Even: re, Odd: im, Pair: block, Step: 4 * block}
}

func rowsOf(first, width int) simd.Tiles {
	return simd.Tiles{Even: first * width, Odd: (first + 1) * width, Pair: 2 * width, Step: 8}
}

// from moves the start of tiles.
func from(t simd.Tiles, by int) simd.Tiles {
	t.Even += by
	t.Odd += by
	return t
}

// move takes n numbers of each of so many lines of an image to blocks, or back if out: place
// j of line i is element (i, j mod 8) of tile ⌊j/8⌋ of the image and (j mod 8, i) of the
// blocks'.
func move(blocks []float64, b simd.Tiles, image []float64, m simd.Tiles, lines, n int, out bool) {
	tiles := 0
	if lines == lanes {
		tiles = n / 8
		if out {
			simd.Transpose8(image, m, blocks, b, tiles)
		} else {
			simd.Transpose8(blocks, b, image, m, tiles)
		}
	}
	for i := range lines {
		for j := 8 * tiles; j < n; j++ {
			p, q := &blocks[b.At(j%8, j/8)+i], &image[m.At(i, j/8)+j%8]
			if out {
				*q = *p
			} else {
				*p = *q
			}
		}
	}
}
