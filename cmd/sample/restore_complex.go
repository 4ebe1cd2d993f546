package main

import (
	"slices"
	"sync"

	"github.com/seed-dea4846a/sampler/score"
)

// complexPrior is a prior of complex pictures, pairs (re, im), with independent parts: the
// real part has the law of the pictures, the imaginary one that law less its mean,
//
//	D = D₁(Re x) + i (D₁(Im x + αμ) - μ).
type complexPrior struct {
	real  score.Denoiser
	model score.Differentiable // the same, if it knows its Jacobian
	mean  float64
	pool  sync.Pool // *[]float64, three parts of a picture
}

// newComplexPrior returns the prior, as a score.JVPer if real is one.
func newComplexPrior(real score.Denoiser, mean float64) score.Denoiser {
	c := &complexPrior{real: real, mean: mean}
	c.pool.New = func() any { w := make([]float64, 3*real.Dim()); return &w }
	if m, ok := real.(score.Differentiable); ok {
		c.model = m
		return complexJVP{c}
	}
	return c
}

func (c *complexPrior) Dim() int { return 2 * c.real.Dim() }

func (c *complexPrior) Denoise(dst, x []float64, alpha, sigma float64) {
	c.parts(dst, x, nil, alpha, func(dst, x, _ []float64) { c.real.Denoise(dst, x, alpha, sigma) })
}

// parts calls f on both parts of each picture of x, and of v.
func (c *complexPrior) parts(dst, x, v []float64, alpha float64, f func(dst, x, v []float64)) {
	n := c.real.Dim()
	work := c.pool.Get().(*[]float64)
	defer c.pool.Put(work)
	in, out, vin := (*work)[:n], (*work)[n:2*n], (*work)[2*n:3*n]
	for lo := 0; lo < len(x); lo += 2 * n {
		for part := range 2 {
			mean := float64(part) * c.mean
			for i := range n {
				in[i] = x[lo+2*i+part] + alpha*mean
				if v != nil {
					vin[i] = v[lo+2*i+part]
				}
			}
			f(out, in, vin)
			if v != nil {
				mean = 0
			}
			for i, o := range out {
				dst[lo+2*i+part] = o - mean
			}
		}
	}
}

type complexJVP struct{ *complexPrior }

// JVP writes (∂D/∂x) v.
func (c complexJVP) JVP(dst, x, v []float64, alpha, sigma float64) {
	c.parts(dst, x, v, alpha, func(dst, x, v []float64) { c.model.JVP(dst, x, v, alpha, sigma) })
}

// VJP writes (∂D/∂x)ᵀ u.
func (c complexJVP) VJP(dst, x, u []float64, alpha, sigma float64) {
	back := c.model.JVP // of a symmetric Jacobian
	if v, ok := c.real.(score.VJPer); ok {
		back = v.VJP
	}
	c.parts(dst, x, u, alpha, func(dst, x, u []float64) { back(dst, x, u, alpha, sigma) })
}

// NewLinear returns the Jacobians of both parts.
func (c complexJVP) NewLinear() score.Linear {
	l := &complexLinear{}
	for part := range l.part {
		l.part[part] = complexPart{linear: score.LinearOf(c.model), shift: float64(part) * c.mean}
	}
	return l
}

// A complexLinear is the Jacobian of a complexPrior.
type complexLinear struct{ part [2]complexPart }

type complexPart struct {
	linear     score.Linear
	shift      float64
	x, in, out []float64
}

func (l *complexLinear) At(dst, x []float64, alpha, sigma float64) {
	for i := range l.part {
		p := &l.part[i]
		n := len(x) / 2
		p.x, p.in, p.out = slices.Grow(p.x[:0], n)[:n], slices.Grow(p.in[:0], n)[:n], slices.Grow(p.out[:0], n)[:n]
		for j := range p.x {
			p.x[j] = x[2*j+i] + alpha*p.shift
		}
		if dst == nil {
			p.linear.At(nil, p.x, alpha, sigma)
			continue
		}
		p.linear.At(p.out, p.x, alpha, sigma)
		for j, v := range p.out {
			dst[2*j+i] = v - p.shift
		}
	}
}

func (l *complexLinear) JVP(dst, v []float64) { l.product(dst, v, score.Linear.JVP) }
func (l *complexLinear) VJP(dst, u []float64) { l.product(dst, u, score.Linear.VJP) }

func (l *complexLinear) product(dst, v []float64, f func(l score.Linear, dst, v []float64)) {
	for i := range l.part {
		p := &l.part[i]
		for j := range p.in {
			p.in[j] = v[2*j+i]
		}
		f(p.linear, p.out, p.in)
		for j, o := range p.out {
			dst[2*j+i] = o
		}
	}
}
