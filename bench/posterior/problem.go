package main

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A problem is data under a mixture prior of isotropic components, with the truth.
type problem struct {
	name    string
	d, m, i int
	path    *interpolant.Discrete
	prior   *density.Mixture
	p       *inverse.Problem
	post    *inverse.Posterior
	centres []float64
	weights []float64 // of the prior's components given y
	spread  float64   // mean variance of the prior's coordinates
	truth   []float64 // exact posterior draws
	mean    []float64
	cov     *mat.SymDense
	level   float64 // log-density above which lies 90 % of the posterior
	even    bool    // levels evenly spaced in the log-SNR, not in α
}

// addresses of stream.Test: what is drawn for a (d, m, i).
const (
	useWeights = iota
	useThin
	useProblem = 1 << 16 // + i
	useDraws   = 2 << 16 // + i
)

// mcgProblem is problem i of Cardoso, Janati, Moulines and Le Corff (2023, arXiv
// 2308.07983, section 5): 25 unit Gaussians whose means repeat the pair (8j, 8k), j, k in
// -2 … 2; weights as squared normals, the same for all problems of a d; A with uniform
// singular vectors and sorted uniform singular values; noise of standard deviation uniform
// in (0, 1) times the largest of them; betas from 0.02 down to 1e-4 in 999 steps.
func mcgProblem(d, m, i, n int) (*problem, error) {
	src := stream.New()
	rng := src.At(seed, stream.Test, uint64(d), useWeights)
	var weights, means []float64
	for j := -2.0; j <= 2; j++ {
		for k := -2.0; k <= 2; k++ {
			z := rng.NormFloat64()
			weights = append(weights, z*z)
			for range d / 2 {
				means = append(means, 8*j, 8*k)
			}
		}
	}
	rng = src.At(seed, stream.Test, uint64(d*10+m), uint64(useProblem+i))
	s := make([]float64, m)
	for j := range s {
		s[j] = rng.Float64()
	}
	sortDescending(s)
	a := newReflected(s, d, rng)
	prior, err := density.NewIsotropicMixture(weights, means, []float64{1}, d)
	if err != nil {
		return nil, err
	}
	x, y := make([]float64, d), make([]float64, m)
	noise := rng.Float64() * s[0]
	prior.Rand(x, rng)
	a.Apply(y, x)
	for j := range y {
		y[j] += noise * rng.NormFloat64()
	}
	betas := interpolant.LinearBetas(999, 0.02, 1e-4)
	return newProblem(fmt.Sprintf("d = %d, m = %d, problem %d", d, m, i), i, a, y, noise, weights, means, []float64{1}, betas, n)
}

func newProblem(name string, i int, a linop.Operator, y []float64, noise float64, weights, means, stds, betas []float64, n int) (*problem, error) {
	m, d := a.Dims()
	q := &problem{name: name, d: d, m: m, i: i, centres: means, mean: make([]float64, d)}
	var err error
	if q.path, err = interpolant.FromBetas(betas); err != nil {
		return nil, err
	}
	if q.prior, err = density.NewIsotropicMixture(weights, means, stds, d); err != nil {
		return nil, err
	}
	if q.p, err = inverse.New(a, y, noise); err != nil {
		return nil, err
	}
	if q.post, err = inverse.IsotropicPosterior(q.p, weights, means, stds); err != nil {
		return nil, err
	}
	if err := q.weigh(weights, stds); err != nil {
		return nil, err
	}
	cov := make([]float64, d*d)
	q.prior.Cov(cov)
	for j := range d {
		q.spread += cov[j*d+j] / float64(d)
	}
	q.post.Mean(q.mean)
	q.post.Cov(cov)
	q.cov = mat.NewSymDense(d, cov)
	q.truth = density.Sample(q.post, n, seed, 0, 0)
	logp := make([]float64, n)
	q.post.CleanLogProb(logp, q.truth)
	floats.Argsort(logp, make([]int, n))
	q.level = stat.Quantile(1-credible, stat.Empirical, logp, nil)
	return q, nil
}

// weigh sets the posterior weights of all components of the prior, also those that are
// zero to rounding, by their evidence.
func (q *problem) weigh(weights, stds []float64) error {
	q.weights = make([]float64, len(weights))
	for k, w := range weights {
		one, err := inverse.IsotropicPosterior(q.p, nil, q.centres[k*q.d:(k+1)*q.d], stds[k%len(stds):k%len(stds)+1])
		if err != nil {
			return err
		}
		q.weights[k] = math.Log(w) + one.LogEvidence
	}
	sum := floats.LogSumExp(q.weights)
	for k, l := range q.weights {
		q.weights[k] = max(math.Exp(l-sum), 1e-300)
	}
	return nil
}

// grid returns n times at levels evenly spaced in α from the noisiest to the cleanest
// but one of n+1, or to the end of the schedule if that is nearer; or in the log-SNR over
// the whole schedule.
func (q *problem) grid(n int) []float64 {
	t0, t1 := q.path.Span()
	if q.even {
		return interpolant.LogSNRGrid(q.path, t0, t1, n)
	}
	lo, hi := q.path.At(t0).Alpha, q.path.At(t1).Alpha
	hi = min(hi, 1-(1-lo)/float64(n))
	grid := make([]float64, n)
	for k := range grid {
		a := lo + (hi-lo)*float64(k)/float64(max(1, n-1))
		grid[k] = q.path.Time(math.Log(a / math.Sqrt((1-a)*(1+a))))
	}
	return grid
}

func sortDescending(s []float64) {
	floats.Scale(-1, s)
	floats.Argsort(s, make([]int, len(s)))
	floats.Scale(-1, s)
}
