package netprior

import (
	"sync"

	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/nn"
)

var (
	_ score.Denoiser = (*Pictures)(nil)
	_ score.JVPer    = (*Pictures)(nil)
	_ score.VJPer    = (*Pictures)(nil)
)

// Pictures is the prior of rows×cols pictures. In y = x/α with the noise s = σ/α,
//
//	D = β W(y) + (1-β) [μ + P N(Pᵀ(y - μ); s)]
//
// N being the network, Pᵀ the continuation of a picture, mirrored, to the multiple of pixels
// that the network needs, P its part inside, W the denoiser of the stationary Gaussian law, μ
// Law.Centre and β(s) Law.Blend. The network is not told that it is a gradient, so the Jacobian
// is not quite symmetric: VJP is its transpose. It is safe for concurrent use, and gives the same
// bits for any number of goroutines.
type Pictures struct {
	law        *Law
	rows, cols int
	width      int   // of the network's pictures
	from       []int // pixel of a picture that each of the network's shows
	net        *nn.Model
	gaussian   *prior.Gaussian
	pool       sync.Pool // of *pictureRun
}

// A pictureRun is the working memory of a call: pictures of the network, and one of the prior.
type pictureRun struct{ in, vec, out, wiener []float64 }

// New returns the prior for pictures of rows×cols pixels, 2×2 or more; it panics if there are
// fewer.
func (m *Model) New(rows, cols int) *Pictures {
	unit := m.Net.Spec.Unit()
	up := func(n int) int { return (n + unit - 1) / unit * unit }
	h, w := up(rows), up(cols)
	net, err := m.Net.Sized(h, w)
	if err != nil {
		panic(err.Error())
	}
	p := &Pictures{law: &m.Law, rows: rows, cols: cols, width: w, net: net, from: make([]int, h*w)}
	p.gaussian = prior.NewGaussian(rows, cols, m.Spectrum(), prior.Mirror)
	for i := range p.from {
		p.from[i] = mirror(i/w, rows)*cols + mirror(i%w, cols)
	}
	p.pool.New = func() any {
		return &pictureRun{make([]float64, h*w), make([]float64, h*w), make([]float64, h*w), make([]float64, rows*cols)}
	}
	return p
}

// mirror returns the pixel of 0 … n-1 that pixel i of the continuation shows.
func mirror(i, n int) int {
	if i %= 2 * n; i >= n {
		return 2*n - 1 - i
	}
	return i
}

// Dim returns rows·cols.
func (p *Pictures) Dim() int { return p.rows * p.cols }

// Err returns the network's first error.
func (p *Pictures) Err() error { return p.net.Err() }

// each runs f, which writes run.out from run.in, on each picture of x and blends it with wiener,
// which gets a picture's place; mean is added to the network's.
func (p *Pictures) each(dst, x []float64, alpha, sigma, mean float64, f func(run *pictureRun, at int, s float64), wiener func(dst []float64, at int)) {
	n := p.Dim()
	if len(dst) != len(x) || len(x)%n != 0 {
		panic("netprior: dst and x must hold the same whole number of pictures")
	}
	run := p.pool.Get().(*pictureRun)
	defer p.pool.Put(run)
	s := sigma / alpha
	beta := p.law.blend(s)
	for at := 0; at < len(x); at += n {
		to := dst[at : at+n]
		clear(to)
		if beta < 1 {
			for i, j := range p.from {
				run.in[i] = x[at+j]/alpha - p.law.Centre
			}
			f(run, at, s)
			for i := range to {
				to[i] = (1 - beta) * (run.out[i/p.cols*p.width+i%p.cols] + mean)
			}
		}
		if beta > 0 {
			wiener(run.wiener, at)
			for i, v := range run.wiener {
				to[i] += beta * v
			}
		}
	}
}

// Denoise writes D of each picture of x.
func (p *Pictures) Denoise(dst, x []float64, alpha, sigma float64) {
	p.each(dst, x, alpha, sigma, p.law.Centre, func(run *pictureRun, _ int, s float64) {
		p.net.Denoise(run.out, run.in, 1, s)
	}, func(dst []float64, at int) { p.gaussian.Denoise(dst, x[at:at+p.Dim()], alpha, sigma) })
}

// JVP writes (∂D/∂x) v.
func (p *Pictures) JVP(dst, x, v []float64, alpha, sigma float64) {
	p.each(dst, x, alpha, sigma, 0, func(run *pictureRun, at int, s float64) {
		for i, j := range p.from {
			run.vec[i] = v[at+j] / alpha
		}
		p.net.JVP(run.out, run.in, run.vec, 1, s)
	}, func(dst []float64, at int) {
		p.gaussian.JVP(dst, x[at:at+p.Dim()], v[at:at+p.Dim()], alpha, sigma)
	})
}

// VJP writes (∂D/∂x)ᵀ u.
func (p *Pictures) VJP(dst, x, u []float64, alpha, sigma float64) {
	p.each(dst, x, alpha, sigma, 0, func(run *pictureRun, at int, s float64) {
		clear(run.vec)
		for i, v := range u[at : at+p.Dim()] {
			run.vec[i/p.cols*p.width+i%p.cols] = v / alpha
		}
		p.net.VJP(run.out, run.in, run.vec, 1, s)
		// what the continuation showed is a pixel inside
		for i, j := range p.from {
			if k := j/p.cols*p.width + j%p.cols; k != i {
				run.out[k] += run.out[i]
			}
		}
	}, func(dst []float64, at int) {
		p.gaussian.JVP(dst, x[at:at+p.Dim()], u[at:at+p.Dim()], alpha, sigma)
	})
}
