package simd

import (
	"math"
	"unsafe"
)

//go:generate go run -C gen ./posterior -out ../posterior_amd64.s -stubs ../posterior_amd64.go -pkg simd

// A Posterior weighs isotropic Gaussians in one to three dimensions: with base-2 logits
//
//	l_k = c_k - p_k |x - αμ_k|²,   r_k ∝ 2^l_k,   m_k = M_k + g_k x,
//
// it gives the mean of m, and the sums that the derivatives of that mean take. If the
// components share p and g, these are Prec and 0, M is μ, and the mean is A·Σ r_k μ_k + B·x.
//
// The components lie in blocks of up to PosteriorBlock, in rows of that length: c, the
// coordinates of μ and, if varied, p, g and the coordinates of M. A block is filled up to a
// multiple of eight by c = -Inf and zeros. Powers below 2⁻⁵⁰⁰ of the largest count as that.
type Posterior struct {
	// The kernels read these.
	K           int // components of the block
	Alpha, Prec float64
	A, B        float64 // A is 1 and B is not used if varied

	D      int
	Varied bool
}

// PosteriorBlock is the largest number of components of a block.
const PosteriorBlock = 64

// Rows returns the number of rows of a block.
func (p *Posterior) Rows() int {
	if p.Varied {
		return 3 + 2*p.D
	}
	return 1 + p.D
}

// PosteriorSums is the state of one point's sums, of which each lane has a part, and the
// scratch of the kernels.
type PosteriorSums struct {
	Top     float64 // the largest logit so far
	sums    [5][8]float64
	scratch [8*PosteriorBlock + 3*5*8]float64
	point   [9]float64
}

// Reset makes s ready for a point.
func (s *PosteriorSums) Reset() {
	s.Top = math.Inf(-1)
	s.sums = [5][8]float64{}
}

// total adds up the lanes of a sum, in the order of the kernels.
func (s *PosteriorSums) total(i int) float64 {
	v := &s.sums[i]
	return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}

type posteriorKernel struct {
	rows    func(p *byte, block *float64, groups int, dst, x, top, z, scratch *float64)
	each    func(p *byte, block *float64, groups int, dst, x, alpha, sigma *float64, v float64, scratch *float64)
	row     func(p *byte, block, dst, x, top, z, scratch *float64)
	block   func(p *byte, block, x, top, sums, scratch *float64)
	spread  func(p *byte, block, point *float64, top float64, sums *float64)
	product func(p *byte, block, point *float64, top float64, sums *float64)
}

// kernel returns the kernels, which are nil at the generic level.
func (p *Posterior) kernel() (k *posteriorKernel, arg *byte) {
	varied := 0
	if p.Varied {
		varied = 1
	}
	return &posteriorKernels[level][varied][p.D-1], (*byte)(unsafe.Pointer(p))
}

// Means writes, for the points of x, the mean, the largest logit and Σ 2^(l_k - top), all
// components being in one block. The bits of a point's results do not depend on its place
// nor on the points beside it.
func (p *Posterior) Means(dst, x, top, z, block []float64, s *PosteriorSums) {
	n := len(top)
	if len(dst) != n*p.D || len(x) != n*p.D || len(z) != n || len(block) < p.Rows()*PosteriorBlock || p.K > PosteriorBlock {
		panic("simd: Posterior.Means of slices that do not fit")
	}
	k, arg := p.kernel()
	if k.row == nil {
		for i := range n {
			s.Reset()
			p.Add(x[i*p.D:(i+1)*p.D], block, s)
			top[i] = s.Top
			z[i] = p.Mean(dst[i*p.D:(i+1)*p.D], x[i*p.D:(i+1)*p.D], s)
		}
		return
	}
	i := 0
	// A few points are faster one by one.
	if lanes := 4 << (level - AVX2); k.rows != nil && n >= lanes {
		groups := n / lanes
		k.rows(arg, &block[0], groups, &dst[0], &x[0], &top[0], &z[0], &s.scratch[0])
		i = groups * lanes
	}
	for ; i < n; i++ {
		k.row(arg, &block[0], &dst[i*p.D], &x[i*p.D], &top[i], &z[i], &s.scratch[0])
	}
}

// SetNoise makes the mean E[x₁ | αx₁ + σz = x], for components that share the variance v: with
// the precision q = 1/(α²v + σ²), half of it to the base 2 is Prec, A = σ²q and B = αvq.
func (p *Posterior) SetNoise(alpha, sigma, v float64) {
	// The conversions keep the products from being fused into the sum, as in the kernels.
	q := 1 / (float64(alpha*alpha*v) + float64(sigma*sigma))
	p.Alpha, p.Prec = alpha, q/2*math.Log2E
	p.A, p.B = sigma*sigma*q, alpha*v*q
}

// MeansEach writes the means that Means writes after SetNoise, to the bit, with α and σ for each
// point. dst does not overlap what is read.
func (p *Posterior) MeansEach(dst, x, alpha, sigma []float64, v float64, block []float64, s *PosteriorSums) {
	n := len(alpha)
	if p.Varied || len(dst) != n*p.D || len(x) != n*p.D || len(sigma) != n || len(block) < p.Rows()*PosteriorBlock || p.K > PosteriorBlock {
		panic("simd: Posterior.MeansEach of slices that do not fit")
	}
	i := 0
	if k, arg := p.kernel(); k.each != nil {
		lanes := 4 << (level - AVX2)
		run := func(from, groups int) {
			at := from * p.D
			k.each(arg, &block[0], groups, &dst[at], &x[at], &alpha[from], &sigma[from], v, &s.scratch[0])
		}
		if groups := n / lanes; groups > 0 {
			run(0, groups)
			i = groups * lanes
			// More than half a group costs less as one, which takes some points again.
			if 2*(n-i) > lanes {
				run(n-lanes, 1)
				return
			}
		}
	}
	for ; i < n; i++ {
		p.SetNoise(alpha[i], sigma[i], v)
		p.Means(dst[i*p.D:(i+1)*p.D], x[i*p.D:(i+1)*p.D], s.point[:1], s.point[1:2], block, s)
	}
}

// Add adds a block to the sums of the point x.
func (p *Posterior) Add(x, block []float64, s *PosteriorSums) {
	if k, arg := p.kernel(); k.block != nil {
		k.block(arg, &block[0], &x[0], &s.Top, &s.sums[0][0], &s.scratch[0])
		return
	}
	p.add(x, block, s)
}

// Mean writes the mean from the sums of the point x and returns Σ 2^(l_k - top).
func (p *Posterior) Mean(dst, x []float64, s *PosteriorSums) (z float64) {
	z = s.total(0)
	a, b := 1/z, p.B
	if p.Varied {
		b = a * s.total(1+p.D)
	}
	a *= p.A
	for j := range dst {
		dst[j] = a*s.total(1+j) + b*x[j]
	}
	return z
}

// Spread adds a block's Σ 2^(l_k - s.Top) |m_k - mean|² to the sums, which Reset has
// cleared.
func (p *Posterior) Spread(x, mean, block []float64, s *PosteriorSums) {
	p.second(x, mean, nil, block, s)
}

// Product adds a block's Σ 2^(l_k - s.Top) ((m_k - mean)·v) (m_k - mean) to the sums.
func (p *Posterior) Product(x, mean, v, block []float64, s *PosteriorSums) {
	p.second(x, mean, v, block, s)
}

// Second returns the sum i of Spread or Product, and of the gains under the same weights.
func (p *Posterior) Second(i int, s *PosteriorSums) float64 { return s.total(i) }

func (p *Posterior) second(x, mean, v, block []float64, s *PosteriorSums) {
	d := p.D
	copy(s.point[:d], x)
	copy(s.point[d:2*d], mean)
	copy(s.point[2*d:], v)
	if k, arg := p.kernel(); k.spread != nil {
		f := k.spread
		if v != nil {
			f = k.product
		}
		f(arg, &block[0], &s.point[0], s.Top, &s.sums[0][0])
		return
	}
	p.addSecond(x, mean, v, block, s)
}
