package interpolant

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/density"
)

// MMSEOptions are the settings of NewMMSE. Nil and the zero value mean the defaults.
type MMSEOptions struct {
	Samples int    // draws of x₁ and z, shared by all s; zero means 4096; rounded up to a multiple of 16
	Seed    uint64 // of the draws
	Workers int    // goroutines; GOMAXPROCS if not positive
}

const (
	mmseBatches = 16
	mmseRows    = 256     // points evaluated at once
	maxCov      = 1024    // largest dimension whose covariance matrix is asked for
	mmseSamples = 1 << 12 // default number of draws
)

// NewMMSE estimates the table of a target by its exact denoiser. Data are a target too:
// density.NewPoints of them, whose denoiser is the weighted mean of the data.
//
// All s share the draws of x₁ and z, so that the table is as smooth as the truth. With E
// the mean over the draws, three estimates of R(s) are combined with the weights of least
// variance,
//
//	A = E |D - D_lin|²/mmse_lin
//	B = 1 - (σ²/α) E tr ∂D/∂x/mmse_lin              (the trace of Cov[x₁|x])
//	C = A + 1 - E |x - αE x₁|²/(α²S + σ²d)
//
// A has a small relative error where R is small and none at all for N(m, cI), B where R is
// near 1, less than E|x₁ - D|², of which it is the conditional mean; C takes away what the
// length of x explains. Weights fitted to the draws bias R by O(1/Samples), far below its standard error.
//
// S and the mean are the target's own if it is a density.Momenter of dimension 1024 at
// most; else they are those of the draws, whose error the standard errors leave out. The
// work is Samples·129 denoisers and divergences, the memory 2·Samples·d values. Results are
// bit-equal for any number of workers. It returns an error if S is infinite or 0, or a denoiser is not finite.
func NewMMSE(ctx context.Context, t density.Target, o *MMSEOptions) (*MMSE, error) {
	var opt MMSEOptions
	if o != nil {
		opt = *o
	}
	if opt.Samples < 1 {
		opt.Samples = mmseSamples
	}
	d := t.Dim()
	rows := (opt.Samples + mmseBatches - 1) / mmseBatches
	n := rows * mmseBatches
	x1 := density.Sample(t, n, opt.Seed, 0, opt.Workers)
	m := &MMSE{dim: d, angle: floats.Span(make([]float64, angleKnots), -angleEnd, angleEnd)}
	mean := m.moments(t, x1)
	if err := m.usable(); err != nil {
		return nil, err
	}
	batches := make([][]moments, mmseBatches)
	err := par.Rows(ctx, n, rows, opt.Workers, func(_, lo, hi int) error {
		var err error
		batches[lo/rows], err = m.batch(ctx, t, x1[lo*d:hi*d], mean, opt.Seed, lo)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.combine(batches)
	return m, m.fit()
}

// usable returns an error unless 0 < S < ∞.
func (m *MMSE) usable() error {
	if !(m.variance > 0) || math.IsInf(m.variance, 0) {
		return fmt.Errorf("interpolant: the variance of the target is %v: a kinetic energy needs one that is finite and above 0", m.variance)
	}
	return nil
}

// moments sets S, |E x₁|² and the bound, and returns the mean.
func (m *MMSE) moments(t density.Target, x1 []float64) []float64 {
	d := m.dim
	mean := make([]float64, d)
	if known, ok := t.(density.Momenter); ok && d <= maxCov {
		known.Mean(mean)
		cov := make([]float64, d*d)
		known.Cov(cov)
		var eig mat.EigenSym
		c := mat.NewSymDense(d, cov)
		m.variance = mat.Trace(c)
		if !math.IsInf(m.variance, 0) && !math.IsNaN(m.variance) && eig.Factorize(c, false) {
			for _, v := range eig.Values(nil) {
				m.bound += square(math.Sqrt(max(v, 0)) - 1)
			}
		}
	} else {
		n := len(x1) / d
		for i := range n {
			floats.AddScaled(mean, 1/float64(n), x1[i*d:(i+1)*d])
		}
		for i, v := range x1 {
			m.variance += square(v-mean[i%d]) / float64(n)
		}
		m.bound = square(math.Sqrt(m.variance) - math.Sqrt(float64(d)))
	}
	m.meanSquare = floats.Dot(mean, mean)
	return mean
}

// moments are the sums over draws of A, of the controls B - A and C - A, which have the
// mean 0, and of their products.
type moments struct {
	n                  float64
	a, b, c            float64
	ab, ac, bb, bc, cc float64
}

func (s *moments) add(a, b, c float64) {
	s.n++
	s.a, s.b, s.c = s.a+a, s.b+b, s.c+c
	s.ab, s.ac = s.ab+a*b, s.ac+a*c
	s.bb, s.bc, s.cc = s.bb+b*b, s.bc+b*c, s.cc+c*c
}

// batch returns the sums at every knot over the draws x1, the first of which is number
// first.
func (m *MMSE) batch(ctx context.Context, t density.Target, x1, mean []float64, seed uint64, first int) ([]moments, error) {
	d := m.dim
	sums := make([]moments, len(m.angle))
	z := make([]float64, len(x1))
	src := stream.New()
	src.Rows(z, seed, stream.Base, uint64(first), 0, d)
	x, den, div := make([]float64, mmseRows*d), make([]float64, mmseRows*d), make([]float64, mmseRows)
	for k, v := range m.angle {
		s := m.snr(v)
		alpha, sigma := s/math.Hypot(1, s), 1/math.Hypot(1, s)
		power := alpha*alpha*m.variance + sigma*sigma*float64(d) // E|x|² about the mean
		linear := m.variance / (1 + math.Exp(2*v))
		gain := alpha * m.variance / power
		for lo := 0; lo < len(z); lo += len(x) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			hi := min(lo+len(x), len(z))
			rows := (hi - lo) / d
			for i := range hi - lo {
				x[i] = alpha*x1[lo+i] + sigma*z[lo+i]
			}
			t.Denoise(den[:hi-lo], x[:hi-lo], alpha, sigma)
			t.Divergence(div[:rows], x[:hi-lo], alpha, sigma)
			for r := range rows {
				var gap, norm float64
				for j, c := range mean {
					xc := x[r*d+j] - alpha*c
					gap += square(den[r*d+j] - c - gain*xc)
					norm += xc * xc
				}
				a := gap / linear
				b := 1 - sigma*sigma/alpha*div[r]/linear
				if math.IsNaN(a+b) || math.IsInf(a+b, 0) {
					return nil, fmt.Errorf("interpolant: the denoiser of draw %d is not finite at s = %.3g", first+lo/d+r, s)
				}
				sums[k].add(a, b-a, 1-norm/power)
			}
		}
	}
	return sums, nil
}

// combine sets R and the batches: A less the regression of A on its controls over all
// draws.
func (m *MMSE) combine(batches [][]moments) {
	m.ratio = make([]float64, len(m.angle))
	m.batches = make([][]float64, len(batches))
	for i := range m.batches {
		m.batches[i] = make([]float64, len(m.angle))
	}
	for k := range m.angle {
		var s moments
		for _, b := range batches {
			s.join(b[k])
		}
		wb, wc := s.weights()
		for i, b := range batches {
			m.batches[i][k] = (b[k].a - wb*b[k].b - wc*b[k].c) / b[k].n
			m.ratio[k] += m.batches[i][k] / float64(len(batches))
		}
	}
}

func (s *moments) join(o moments) {
	s.n += o.n
	s.a, s.b, s.c = s.a+o.a, s.b+o.b, s.c+o.c
	s.ab, s.ac = s.ab+o.ab, s.ac+o.ac
	s.bb, s.bc, s.cc = s.bb+o.bb, s.bc+o.bc, s.cc+o.cc
}

// weights returns the coefficients of the regression of A on its controls.
func (s *moments) weights() (wb, wc float64) {
	mean := func(p, x, y float64) float64 { return p/s.n - x/s.n*y/s.n }
	ab, ac := mean(s.ab, s.a, s.b), mean(s.ac, s.a, s.c)
	bb, bc, cc := mean(s.bb, s.b, s.b), mean(s.bc, s.b, s.c), mean(s.cc, s.c, s.c)
	switch det := bb*cc - bc*bc; {
	case det > 1e-9*bb*cc: // else the controls are the same but for rounding
		return (ab*cc - ac*bc) / det, (ac*bb - ab*bc) / det
	case bb > 0:
		return ab / bb, 0
	default:
		return 0, 0
	}
}
