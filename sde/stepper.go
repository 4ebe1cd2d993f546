package sde

// base is what all steppers share.
type base struct {
	noise Noise
	nfe   int
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
