package sde

import "github.com/seed-dea4846a/sampler/internal/simd"

// base is what all steppers share.
type base struct {
	noise Noise
	nfe   int
	sum
}

// A sum gathers terms and adds them up in one pass over memory.
type sum struct {
	w []float64
	v [][]float64
}

// add takes w v, unless w is zero: the entries of a table that are zero cost nothing, and
// increments that were not drawn are not read.
func (s *sum) add(w float64, v []float64) {
	if w != 0 {
		s.w, s.v = append(s.w, w), append(s.v, v)
	}
}

// set writes the terms and a x to dst, and drops them.
func (s *sum) set(dst []float64, a float64, x []float64) {
	if len(s.w) == 0 && a == 1 {
		copy(dst, x)
		return
	}
	simd.Combine(dst, a, x, s.w, s.v)
	s.w, s.v = s.w[:0], s.v[:0]
}

// point returns x and the terms, in y if there are any.
func (s *sum) point(y, x []float64) []float64 {
	if len(s.w) == 0 {
		return x
	}
	s.set(y, 1, x)
	return y
}

// newBase returns the base of a stepper; a nil source means Independent{}.
func newBase(src NoiseSource, dim, rows int) base {
	if src == nil {
		src = Independent{}
	}
	return base{noise: src.NewNoise(dim, rows)}
}

// Begin starts a new group of rows.
func (b *base) Begin(first, rows int) {
	b.nfe = 0
	b.noise.Begin(first, rows)
}

// NFE returns the number of drift evaluations for each point since Begin.
func (b *base) NFE() int { return b.nfe }

// pass stands for a query on a step without noise: it keeps the addresses of the
// steps that follow.
func (b *base) pass() {
	if s, ok := b.noise.(Skipper); ok {
		s.Skip()
	}
}

// carve cuts k slices of n values each from one allocation.
func carve(k, n int) [][]float64 {
	buf := make([]float64, k*n)
	s := make([][]float64, k)
	for i := range s {
		s[i] = buf[i*n : (i+1)*n : (i+1)*n]
	}
	return s
}

// stageTime returns t0 + c(t1-t0), exactly t1 for c = 1: a coefficient that ends at
// t1 is never asked beyond it.
func stageTime(t0, t1, c float64) float64 {
	if c == 1 {
		return t1
	}
	return t0 + c*(t1-t0)
}
