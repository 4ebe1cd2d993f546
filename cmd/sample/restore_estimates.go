package main

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score"
)

// hqs is half-quadratic splitting: at noise levels σ_k that fall geometrically,
//
//	z = D(x; 1, σ_k),   x = argmin |y - Ax|²/σ² + λ|x - z|²/σ_k²,
//
// and the last z is the result. λ of 1/4 to 1/2, about the weight of Zhang et al. (2022,
// section 4.2), serves the patch prior as well: the error of x is less than σ_k. Where
// pixels are missing, the covariance of the prior in the place of σ_k²/λ I, as in MMPS,
// carries the data to them: 1.1 dB more on photographs with 30 % of their pixels.
func hqs(ctx context.Context, p *params, j *job) ([]float64, error) {
	level := hqsLevels[j.task]
	from, to, lambda := level[0], level[1], level[2]
	if j.task == "denoise" { // each level is a denoising of the data itself, as in Zoran and Weiss
		sigma, _ := j.problem.Sigma()
		from, to, lambda = sigma, 0.3*sigma, 1
	}
	if p.given("from") {
		from = p.positive("from")
	}
	if p.given("to") {
		to = p.positive("to")
	}
	if p.given("lambda") {
		lambda = p.positive("lambda")
	}
	gain := inverse.Kalman{Cov: inverse.Proximal{Lambda: lambda}, Krylov: proximal}
	cov := p.oneOf("cov", "auto", "flat", "prior")
	_, skew := j.prior.model.(score.VJPer) // no covariance, and conjugate gradients fail
	if cov == "prior" || cov == "auto" && j.task == "inpaint" && !skew {
		gain = inverse.MMPS(5)
	}
	c, err := inverse.NewConditional(j.problem, j.model, gain)
	if err := firstError(p.err(), asUsage(err)); err != nil {
		return nil, err
	}
	x, err := j.linear()
	if err != nil {
		return nil, err
	}
	z := make([]float64, len(x))
	steps := len(j.grid) - 1 // and the last denoising
	for k := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.Denoise(z, x, 1, from*math.Pow(to/from, float64(k)/float64(max(1, steps-1))))
		x, z = z, x
	}
	j.model.Denoise(z, x, 1, to)
	return z, c.Err()
}

// hqsLevels are the first and last noise level and λ by task. Those of deblur, inpaint and
// superres were among the best, to 0.1 dB, on the lowest rows of three training photographs,
// with a prior fitted to the rows above.
var hqsLevels = map[string][3]float64{
	"deblur": {0.2, 0.02, 0.35}, "inpaint": {0.2, 0.01, 0.25}, "superres": {0.1, 0.01, 0.35}, "ct": {0.5, 0.02, 0.25}, "mri": {0.3, 0.01, 0.25},
}

// linear returns a linear estimate to start from: the mean given the data and the mean
// picture with noise of thrice the pixels' range, under the prior's stationary law if it
// has one. That noise bounds the covariance, so the system is solved in few iterations,
// and is far above what data leave uncertain.
func (j *job) linear() ([]float64, error) {
	const noise = 3
	model, anchor := j.model, make([]float64, j.model.Dim())
	if j.prior.law != nil {
		model = j.law()
		for i := range anchor {
			if !j.scene.pair || i%2 == 0 {
				anchor[i] = j.prior.law.MeanValue()
			}
		}
	} else if _, ok := model.(score.JVPer); !ok {
		return anchor, nil
	}
	return affine(j.problem, model, anchor, noise, inverse.Krylov{Iterations: 60, RTol: 1e-2})
}

// law returns the prior's stationary law.
func (j *job) law() score.Denoiser {
	if j.scene.pair {
		return newComplexPrior(j.prior.law, j.prior.law.MeanValue())
	}
	return j.prior.law
}

// affine writes E[x₁|x, y] at x = x₁ + noise·z for a prior that is Gaussian there.
func affine(p *inverse.Problem, model score.Denoiser, x []float64, noise float64, k inverse.Krylov) ([]float64, error) {
	c, err := inverse.NewConditional(p, model, inverse.Kalman{Cov: inverse.Tweedie{}, Krylov: k})
	if err != nil {
		return nil, asUsage(err)
	}
	m := make([]float64, model.Dim())
	c.Denoise(m, x, 1, noise)
	return m, c.Err()
}

// wiener is the posterior mean of the stationary Gaussian prior.
func wiener(_ context.Context, _ *params, j *job) ([]float64, error) {
	if j.prior.law == nil {
		return nil, usagef("method wiener needs a prior with a power spectrum: --prior patches, gaussian or file:PRIOR.npz")
	}
	const far = 1e3 // noise that hides every picture
	return affine(j.problem, j.law(), make([]float64, j.model.Dim()), far, inverse.Krylov{Iterations: 2000, RTol: 1e-4})
}

// totalVariation takes λ = weight·σ·‖A‖_F/√n, the noise that a pixel gets from all its data:
// weights near 0.6 were best for every task on both photographs.
func totalVariation(ctx context.Context, p *params, j *job) ([]float64, error) {
	if j.scene.pair {
		return nil, usagef("method tv takes real pictures; use --phase maps, or cg-sense")
	}
	norm, res := linop.Norm(j.problem.A(), &linop.KrylovOptions{MaxIter: 60, RTol: 1e-3})
	if err := res.Status.Err(); err != nil {
		return nil, err
	}
	sigma, _ := j.problem.Sigma()
	lambda := p.positive("weight") * sigma * pixelNorm(j.problem.A())
	x := make([]float64, len(j.scene.start))
	copy(x, j.scene.start)
	tv := prior.TVLeastSquares{Rows: j.scene.rows, Cols: j.scene.cols, Lambda: lambda, Norm: 1.01 * norm, Lower: -0.5, Upper: 1.5, Tol: 1e-3, Limit: p.int("iterations", 1, 1_000_000)}
	_, err := tv.Solve(ctx, x, j.problem.A(), j.problem.Y())
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !floats.HasNaN(x) {
		err = nil // the iterations asked for are what was asked for
	}
	return x, err
}

// pixelNorm returns ‖A‖_F/√n, the root mean square length of a column, from one random
// probe: E‖Aᵀz‖² = ‖A‖_F² for random signs z.
func pixelNorm(a linop.Operator) float64 {
	m, n := a.Dims()
	z, x := make([]float64, m), make([]float64, n)
	stream.New().Signs(z, 0, stream.Probe, 0, 0)
	a.Adjoint(x, z)
	return floats.Norm(x, 2) / math.Sqrt(float64(n))
}

func cgls(_ context.Context, p *params, j *job) ([]float64, error) {
	sigma, _ := j.problem.Sigma()
	m, n := j.problem.Dims()
	x := make([]float64, n)
	res := linop.CGLS(x, j.problem.A(), j.problem.Y(), 0, &linop.KrylovOptions{
		MaxIter: p.int("iterations", 1, 1_000_000), RTol: 1e-8, ATol: 1.01 * sigma * math.Sqrt(float64(m)),
	})
	return x, res.Status.Err()
}

// scaledAdjoint is Aᵀy times the number for which A fits y best.
func scaledAdjoint(_ context.Context, _ *params, j *job) ([]float64, error) {
	return bestAdjoint(j.problem.A(), j.problem.Y()), nil
}

func bestAdjoint(a linop.Operator, y []float64) []float64 {
	m, n := a.Dims()
	x, ax := make([]float64, n), make([]float64, m)
	a.Adjoint(x, y)
	a.Apply(ax, x)
	if d := floats.Dot(ax, ax); d > 0 {
		floats.Scale(floats.Dot(ax, y)/d, x)
	}
	return x
}

func fbp(_ context.Context, p *params, j *job) ([]float64, error) {
	name := p.oneOf("filter", "ramp", "shepp-logan", "cosine", "hann", "hamming")
	filters := map[string]linop.FBPFilter{
		"ramp": linop.FBPRamp, "shepp-logan": linop.FBPSheppLogan, "cosine": linop.FBPCosine, "hann": linop.FBPHann, "hamming": linop.FBPHamming,
	}
	return filteredBackProjection(*j.scene.scan, filters[name], j.problem.Y())
}

func filteredBackProjection(s linop.Scan, filter linop.FBPFilter, y []float64) ([]float64, error) {
	f, err := linop.NewFBP(s, filter)
	if err != nil {
		return nil, asUsage(err)
	}
	x := make([]float64, s.Rows*s.Cols)
	f.Reconstruct(x, y)
	return x, nil
}

// zeroFilled is Aᵀy, the density of the samples left as it is.
func zeroFilled(_ context.Context, _ *params, j *job) ([]float64, error) {
	x := make([]float64, j.model.Dim())
	j.problem.A().Adjoint(x, j.problem.Y())
	return x, nil
}

func cgSense(_ context.Context, p *params, j *job) ([]float64, error) {
	_, n := j.problem.Dims()
	x := make([]float64, n)
	res := linop.CGLS(x, j.problem.A(), j.problem.Y(), p.float("damp", 0, 1e9), &linop.KrylovOptions{MaxIter: p.int("iterations", 1, 1_000_000), RTol: 1e-8})
	return x, res.Status.Err()
}

// residual returns ‖y - A x‖/(σ√m), about 1 for a picture that explains the data; NaN
// without noise.
func residual(p *inverse.Problem, a linop.Operator, x []float64) float64 {
	m, _ := p.Dims()
	r := make([]float64, m)
	a.Apply(r, x)
	floats.Sub(r, p.Y())
	sigma, _ := p.Sigma()
	if sigma == 0 {
		return math.NaN()
	}
	return floats.Norm(r, 2) / (sigma * math.Sqrt(float64(m)))
}

// work is what a run took for each sample of a channel.
func (t *tally) work(runs int) (nfe, jvp, ops float64) {
	n := float64(max(1, runs))
	return float64(t.nfe.Load()) / n, float64(t.jvp.Load()) / n, float64(t.ops.Load()) / n
}
