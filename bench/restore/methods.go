package main

import (
	"context"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// A measurement is a problem with its truth and a prior.
type measurement struct {
	rows, cols int
	clean      []float64
	problem    *inverse.Problem
	prior      score.Denoiser
	start      []float64 // where iterations that want one begin, if not nil
}

// measure returns the problem of A clean + σ z, z addressed by the seed and sample.
func measure(a linop.Operator, clean []float64, sigma float64, sample uint64) (*inverse.Problem, error) {
	m, _ := a.Dims()
	y, z := make([]float64, m), make([]float64, m)
	a.Apply(y, clean)
	stream.New().Normals(z, seed, stream.Test, sample, 0)
	floats.AddScaled(y, sigma, z)
	return inverse.New(a, y, sigma)
}

// A chain is a way to draw samples.
type chain struct {
	path   interpolant.Path
	grid   []float64
	solver score.Solver
	draws  int // whose mean is the answer; 0 means 1
}

// conditional runs the chain on the y-aware denoiser of a gain.
func (c chain) conditional(m *measurement, g inverse.Gain) func(context.Context) (answer, error) {
	return func(ctx context.Context) (answer, error) {
		model, err := inverse.NewConditional(m.problem, m.prior, g)
		if err != nil {
			return answer{}, err
		}
		a, err := c.run(ctx, model)
		n := model.Counts()
		a.JVP, a.Pairs = n.JVP, (n.Apply+n.Adjoint)/2
		return a, err
	}
}

// stepped runs a method with a last step of its own.
func (c chain) stepped(m *measurement, with func(score.Sampler) *score.Sampler) func(context.Context) (answer, error) {
	return func(ctx context.Context) (answer, error) {
		model, err := inverse.NewConditional(m.problem, m.prior, nil)
		if err != nil {
			return answer{}, err
		}
		a, err := c.draw(ctx, with(score.Sampler{Path: c.path, Model: model, Grid: c.grid, Seed: seed}))
		n := model.Counts()
		a.JVP, a.Pairs = n.JVP, (n.Apply+n.Adjoint)/2
		return a, err
	}
}

// run draws from a sampler of the model.
func (c chain) run(ctx context.Context, model score.Denoiser) (answer, error) {
	return c.draw(ctx, &score.Sampler{Path: c.path, Model: model, Grid: c.grid, Solver: c.solver, Seed: seed})
}

func (c chain) draw(ctx context.Context, s *score.Sampler) (answer, error) {
	n := max(c.draws, 1)
	x, res, err := s.Draw(ctx, n, nil)
	if err != nil {
		return answer{}, err
	}
	return answer{x: mean(x, n), NFE: res.NFE() * float64(n)}, nil
}

// mean averages n pictures.
func mean(x []float64, n int) []float64 {
	d := len(x) / n
	avg := make([]float64, d)
	for i := range n {
		floats.AddScaled(avg, 1/float64(n), x[i*d:(i+1)*d])
	}
	return avg
}

// wiener is the posterior mean under the Gaussian prior of a spectrum. For a circular blur it is the
// filter, with the periodic prior; otherwise the estimate at a noise that says nothing, σ/α =
// 1000, at which the covariance given x is that of the prior.
func wiener(m *measurement, spectrum prior.Spectrum) func(context.Context) (answer, error) {
	return func(context.Context) (answer, error) {
		a := answer{x: make([]float64, len(m.clean))}
		if blur, ok := m.problem.A().(*linop.CircularConv); ok {
			g := prior.NewGaussian(m.rows, m.cols, spectrum, prior.Periodic)
			var half []float64
			for i := range m.rows {
				half = append(half, g.Power()[i*m.cols:][:m.cols/2+1]...)
			}
			sigma, _ := m.problem.Sigma()
			filter, err := blur.Wiener(half, sigma)
			if err != nil {
				return a, err
			}
			centred := append([]float64(nil), m.problem.Y()...)
			floats.AddConst(-g.MeanValue(), centred) // a PSF of sum 1 leaves the mean
			filter.Apply(a.x, centred)
			floats.AddConst(g.MeanValue(), a.x)
			return a, nil
		}
		g := prior.NewGaussian(m.rows, m.cols, spectrum, prior.Mirror)
		model, err := inverse.NewConditional(m.problem, g, inverse.Kalman{Cov: inverse.Tweedie{}, Krylov: inverse.Krylov{RTol: 1e-5, Iterations: 500}})
		if err != nil {
			return answer{}, err
		}
		model.Denoise(a.x, make([]float64, len(m.clean)), 1, 1000)
		n := model.Counts()
		a.Pairs = (n.Apply + n.Adjoint) / 2
		return a, nil
	}
}

// splitWeight is λ of splitting. On the lowest rows of three training photographs, with a prior
// fitted to the rows above, this and the last denoising gave 0.15 to 0.3 dB more than 1 without; a
// quarter, which wants more steps, lost 1.6 dB on motion blur.
const splitWeight = 0.35

// splitting is half-quadratic splitting with the prior's denoiser (Zoran and Weiss 2011,
// ICCV, section 3.2; Zhang et al. 2022, IEEE TPAMI 44, 6360): over falling noises s,
//
//	z = D(x; s),   x = argmin |A x - y|²/σ² + λ|x - z|²/s²
//
// from m.start, or 0, and at last z = D(x; s). λ is below 1 because the error of x is less
// than s. Where pixels are missing, C = s²∂D/∂x takes the place of s²/λ I, as in MMPS,
// and carries the data to them. It is no sampler, but what one is compared with where only
// the distance to the truth counts.
func splitting(m *measurement, noises []float64, lambda float64) func(context.Context) (answer, error) {
	return func(ctx context.Context) (answer, error) {
		gain := inverse.Kalman{Cov: inverse.Proximal{Lambda: lambda}, Krylov: inverse.Krylov{RTol: 1e-4, Iterations: 100}}
		_, mask := m.problem.A().(*linop.Mask)
		_, skew := m.prior.(score.VJPer) // no covariance, and conjugate gradients fail
		if mask && !skew {
			gain = inverse.MMPS(5)
		}
		model, err := inverse.NewConditional(m.problem, m.prior, gain)
		if err != nil {
			return answer{}, err
		}
		x, next := make([]float64, len(m.clean)), make([]float64, len(m.clean))
		copy(x, m.start)
		for _, s := range noises {
			if err := ctx.Err(); err != nil {
				return answer{}, err
			}
			model.Denoise(next, x, 1, s)
			x, next = next, x
		}
		m.prior.Denoise(next, x, 1, noises[len(noises)-1])
		n := model.Counts()
		return answer{x: next, NFE: float64(len(noises) + 1), JVP: n.JVP, Pairs: (n.Apply + n.Adjoint) / 2}, nil
	}
}

// totalVariation is the least-squares solution with the given weight from the start.
func totalVariation(m *measurement, lambda, norm float64, start []float64, upper float64, limit int) func(context.Context) (answer, error) {
	return func(ctx context.Context) (answer, error) {
		a := answer{x: append([]float64(nil), start...)}
		res, err := prior.TVLeastSquares{Rows: m.rows, Cols: m.cols, Lambda: lambda, Norm: norm, Upper: upper, Tol: 1e-3, Limit: limit}.
			Solve(ctx, a.x, m.problem.A(), m.problem.Y())
		if ctx.Err() != nil {
			return a, err
		}
		// The limit ends it with a small gap: the picture stands as it is.
		a.Pairs = int64(res.Iterations)
		return a, nil
	}
}

// song is DDIM with the noise of the ancestral sampler.
var song = score.SDE(sde.DDIM, 1, false)
