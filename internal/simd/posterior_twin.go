package simd

import "math"

// The Go twins take three coordinates, of which those beyond D are zeros, and a gain of every
// component: what they add up is then the same for all.

var zeroRow [PosteriorBlock]float64

// row returns the i-th row of a block.
func (p *Posterior) row(block []float64, i int) []float64 { return block[i*PosteriorBlock:][:p.K] }

// coordinates returns D rows of a block from the i-th on.
func (p *Posterior) coordinates(block []float64, i int) (m0, m1, m2 []float64) {
	m0, m1, m2 = p.row(block, i), zeroRow[:p.K], zeroRow[:p.K]
	if p.D > 1 {
		m1 = p.row(block, i+1)
	}
	if p.D > 2 {
		m2 = p.row(block, i+2)
	}
	return m0, m1, m2
}

// values returns the rows of M and of g.
func (p *Posterior) values(block []float64) (m0, m1, m2, g []float64) {
	first, g := 1, zeroRow[:p.K]
	if p.Varied {
		first, g = 3+p.D, p.row(block, 2+p.D)
	}
	m0, m1, m2 = p.coordinates(block, first)
	return m0, m1, m2, g
}

// logits writes those of the point x to t and returns the largest, or top.
func (p *Posterior) logits(t, x, block []float64, top float64) float64 {
	var y [3]float64
	copy(y[:], x)
	m0, m1, m2 := p.coordinates(block, 1)
	c := p.row(block, 0)
	precs := c // not read
	if p.Varied {
		precs = p.row(block, 1+p.D)
	}
	m0, m1, m2, c, precs = m0[:len(t)], m1[:len(t)], m2[:len(t)], c[:len(t)], precs[:len(t)]
	varied, prec, alpha := p.Varied, p.Prec, p.Alpha
	for k := range t {
		u0, u1, u2 := y[0]-alpha*m0[k], y[1]-alpha*m1[k], y[2]-alpha*m2[k]
		if varied {
			prec = precs[k]
		}
		l := c[k] - prec*(u0*u0+u1*u1+u2*u2)
		t[k] = l
		if l > top {
			top = l
		}
	}
	return top
}

// add is Add.
func (p *Posterior) add(x, block []float64, s *PosteriorSums) {
	t := s.scratch[:p.K+1]
	t[p.K] = s.Top
	s.Top = p.logits(t[:p.K], x, block, s.Top)
	powers(t, s.Top)
	t, f := t[:p.K], t[p.K] // what the sums so far lose
	var z, s0, s1, s2, sg float64
	m0, m1, m2, g := p.values(block)
	m0, m1, m2, g = m0[:len(t)], m1[:len(t)], m2[:len(t)], g[:len(t)]
	for k, e := range t {
		z += e
		s0 += e * m0[k]
		s1 += e * m1[k]
		s2 += e * m2[k]
		sg += e * g[k]
	}
	sums := [5]float64{z, s0, s1, s2}
	sums[1+p.D] = sg
	for i, v := range sums[:2+p.D] {
		s.sums[i][0] = f*s.sums[i][0] + v
	}
}

// addSecond is Spread, or Product if v is not nil.
func (p *Posterior) addSecond(x, mean, v, block []float64, s *PosteriorSums) {
	t := s.scratch[:p.K]
	p.logits(t, x, block, s.Top)
	powers(t, s.Top)
	var at, y, w [3]float64
	copy(at[:], mean)
	copy(y[:], x)
	copy(w[:], v)
	var s0, s1, s2, sg float64
	m0, m1, m2, g := p.values(block)
	m0, m1, m2, g = m0[:len(t)], m1[:len(t)], m2[:len(t)], g[:len(t)]
	for k, e := range t {
		u0, u1, u2 := m0[k]+g[k]*y[0]-at[0], m1[k]+g[k]*y[1]-at[1], m2[k]+g[k]*y[2]-at[2]
		sg += e * g[k]
		if v == nil {
			s0 += e * (u0*u0 + u1*u1 + u2*u2)
			continue
		}
		e *= u0*w[0] + u1*w[1] + u2*w[2]
		s0 += e * u0
		s1 += e * u1
		s2 += e * u2
	}
	sums, n := [4]float64{s0, s1, s2}, p.D
	if v == nil {
		n = 1
	}
	sums[n] = sg
	for i, v := range sums[:n+1] {
		s.sums[i][0] += v
	}
}

// powers replaces each t_k, at most top + 700, by 2^max(t_k - top, -500), as expSum does.
func powers(t []float64, top float64) {
	const shift = 0x1.8p46 // adding it rounds to 64ths
	for k, x := range t {
		x -= top
		if x < -500 {
			x = -500
		}
		n := x + shift
		r := (x - (n - shift)) * math.Ln2
		r2 := r * r
		q := r + r2*((1./2+r*(1./6))+r2*(1./24+r*(1./120)))
		bits := math.Float64bits(n)
		s := math.Float64frombits(roots[bits%64] + bits<<46)
		t[k] = s + s*q
	}
}
