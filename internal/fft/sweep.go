package fft

import (
	"context"
	"runtime"
	"sync"
	"unsafe"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// batch is how many rows or columns go through the passes together: enough for the
// inner loops, few enough that 512 points stay in the first-level cache.
const batch = 4

// A sweep is one parallel pass over groups of rows or columns. It is pooled with its
// method value, so that starting one allocates nothing on a single worker.
type sweep struct {
	body   func(s *sweep, lo, hi int)
	rows   func(worker, lo, hi int) error
	r2     *Real2
	c2     *Complex2
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

// run calls body for the groups of size rows of 0..n-1 and hands the sweep back.
func (s *sweep) run(n, size int, body func(s *sweep, lo, hi int)) {
	s.body = body
	if n <= size || runtime.GOMAXPROCS(0) == 1 {
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
