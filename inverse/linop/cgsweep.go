package linop

import "github.com/seed-dea4846a/sampler/internal/simd"

// A sweep is one pass over the vectors of CG, in blocks of a fixed length whose sums are added
// in order, so that the bits do not depend on the number of goroutines. It belongs to a Work.
type sweep struct {
	crew        *crew
	body        func(s *sweep, lo, hi int) [3]float64
	n           int
	x, p, q, r  []float64
	alpha, beta float64
	sums        [][3]float64
}

const (
	sweepBlock = 4096
	sweepAlone = 1 << 16 // numbers up to which one goroutine is faster than several
)

// run calls body for all blocks and returns the sum of what it returns.
func (s *sweep) run(n int, body func(s *sweep, lo, hi int) [3]float64) (sum [3]float64) {
	if s.crew == nil {
		s.crew = newCrew(s.block)
	}
	blocks := (n + sweepBlock - 1) / sweepBlock
	for len(s.sums) < blocks {
		s.sums = append(s.sums, [3]float64{})
	}
	s.n, s.body = n, body
	if n <= sweepAlone {
		s.crew.alone(blocks)
	} else {
		s.crew.run(blocks)
	}
	for _, v := range s.sums[:blocks] {
		for i := range sum {
			sum[i] += v[i]
		}
	}
	s.x, s.p, s.q, s.r = nil, nil, nil, nil
	return sum
}

func (s *sweep) block(i int) {
	s.sums[i] = s.body(s, i*sweepBlock, min((i+1)*sweepBlock, s.n))
}

// dots returns pᵀq, pᵀp and qᵀq.
func (s *sweep) dots(p, q []float64) (pq, pp, qq float64) {
	s.p, s.q = p, q
	v := s.run(len(p), func(s *sweep, lo, hi int) [3]float64 {
		pq, pp, qq := simd.KrylovDots(s.p[lo:hi], s.q[lo:hi])
		return [3]float64{pq, pp, qq}
	})
	return v[0], v[1], v[2]
}

// subtract sets r to r − α q and returns its norm.
func (s *sweep) subtract(r []float64, alpha float64, q []float64) float64 {
	s.r, s.q, s.alpha = r, q, alpha
	v := s.run(len(r), func(s *sweep, lo, hi int) [3]float64 {
		return [3]float64{simd.KrylovStep(s.r[lo:hi], s.q[lo:hi], s.alpha)}
	})
	return rootOf(v[0], r)
}

// add sets x to x + α p.
func (s *sweep) add(x []float64, alpha float64, p []float64) {
	s.x, s.p, s.alpha = x, p, alpha
	s.run(len(x), func(s *sweep, lo, hi int) [3]float64 {
		simd.AddScaled(s.x[lo:hi], s.p[lo:hi], s.alpha)
		return [3]float64{}
	})
}

// advance sets x to x + α p and p to z + β p.
func (s *sweep) advance(x []float64, alpha float64, p []float64, beta float64, z []float64) {
	s.x, s.p, s.r, s.alpha, s.beta = x, p, z, alpha, beta
	s.run(len(x), func(s *sweep, lo, hi int) [3]float64 {
		simd.KrylovAdvance(s.x[lo:hi], s.p[lo:hi], s.r[lo:hi], s.alpha, s.beta)
		return [3]float64{}
	})
}
