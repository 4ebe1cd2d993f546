package main

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
	"github.com/seed-dea4846a/sampler/sde"
)

// The target of Albergo et al. 2023, section 7.2: five Gaussians in 128 dimensions.
const (
	bigDim   = 128
	bigModes = 5
)

// fiveModes returns means drawn from N(0, 7.5² I) and covariances WᵀW/d + I.
func fiveModes() (weights, means, covs []float64) {
	src := stream.New()
	const d = bigDim
	means, covs = make([]float64, bigModes*d), make([]float64, bigModes*d*d)
	w := make([]float64, d*d)
	for k := range bigModes {
		weights = append(weights, 1./bigModes)
		src.Normals(means[k*d:(k+1)*d], trainSeed, stream.Test, uint64(k), 1)
		src.Normals(w, trainSeed, stream.Test, uint64(k), 2)
		for i := range d {
			means[k*d+i] *= 7.5
			for j := range d {
				sum := 0.0
				for r := range d {
					sum += w[r*d+i] * w[r*d+j]
				}
				covs[k*d*d+i*d+j] = sum / d
			}
			covs[k*d*d+i*d+i]++
		}
	}
	return weights, means, covs
}

// noises are the ε of the table. Heun's method is stable up to the largest at 100 steps.
var noises = []float64{0, 0.1, 0.3, 1, 3, 10}

// A pair is a learned velocity and a learned score.
type pair struct{ name, velocity, score string }

var pairsOfFields = []pair{
	{"(b, s)", train.FieldB, train.FieldS},
	{"(b, η)", train.FieldB, train.FieldEta},
	{"(v, s)", train.FieldV, train.FieldS},
	{"(v, η)", train.FieldV, train.FieldEta},
}

// interpolants trains the fields of an interpolant from N(0, I) to five modes in 128
// dimensions and draws by the stochastic equation with several ε.
func (l *lab) interpolants() error {
	weights, means, covs := fiveModes()
	target, err := density.NewMixture(weights, means, covs, bigDim)
	if err != nil {
		return err
	}
	path, err := interpolant.NewTwoSided("linear", "sqrt", 1)
	if err != nil {
		return err
	}
	steps := l.of(3000)
	fields, err := l.fields(
		nn.Spec{Kind: "mlp", Dim: bigDim, Hidden: 192, Depth: 3}, path, train.Target{Target: target},
		[]string{train.FieldB, train.FieldV, train.FieldS, train.FieldEta},
		train.Settings{Steps: steps, Batch: 256, EMA: 0.998, Rate: schedule(2e-3, steps)},
	)
	if err != nil {
		return err
	}
	plane, err := newPlaneKL(weights, means, covs, l.of(4000))
	if err != nil {
		return err
	}
	n := l.of(4000)
	floor := make([]float64, 4)
	for i := range floor {
		if floor[i], err = plane.kl(density.Sample(target, n, exactSeed, uint64(i), 0)); err != nil {
			return err
		}
	}
	l.printf("%d samples, 100 steps of Heun's method; exact samples give KL %.4f (the largest of four) and spread 1.\n\n", n, max(floor[0], floor[1], floor[2], floor[3]))
	fig := figure.Curves{
		Title: "Interpolant to five modes in 128 dimensions", XLabel: "ε (0 at 0.03)", YLabel: "KL of the first two coordinates",
		Caption: "learned fields, γ² = t(1-t)", Floor: max(floor[0], floor[1], floor[2], floor[3]),
	}
	head := []string{"fields"}
	for _, e := range noises {
		head = append(head, fmt.Sprintf("ε = %g", e))
	}
	l.head(head...)
	for _, p := range pairsOfFields {
		model := &interpolant.Estimated{Path: path, D: bigDim}
		switch v := fields[p.velocity].Eval; p.velocity {
		case train.FieldB:
			model.B = v
		default:
			model.V = v
		}
		switch s := fields[p.score].Eval; p.score {
		case train.FieldS:
			model.S = s
		default:
			model.Eta = s
		}
		cells, series := []string{p.name}, figure.Series{Name: p.name}
		for _, e := range noises {
			x, err := l.bridge(model, n, e)
			if err != nil {
				return fmt.Errorf("%s, ε = %g: %w", p.name, e, err)
			}
			kl, err := plane.kl(x)
			if err != nil {
				return err
			}
			cells = append(cells, fmt.Sprintf("%.4f (%.3f)", kl, spread(x, weights, means, covs)))
			series.X, series.Y = append(series.X, max(e, 0.03)), append(series.Y, kl)
		}
		l.row(cells...)
		fig.Series = append(fig.Series, series)
	}
	return l.save("interpolant", "KL divergence of the samples of learned interpolants over ε", fig.Figure())
}

// bridge draws n samples with noise ε.
func (l *lab) bridge(m interpolant.Bridge, n int, eps float64) ([]float64, error) {
	const end = 1e-3 // where η/γ is finite
	s := interpolant.BridgeSampler{Model: m, Source: density.Normal(bigDim, 1), Grid: interpolant.UniformGrid(end, 1-end, 101), Seed: drawSeed}
	s.Solver = interpolant.BridgeODE(ode.Heun)
	if eps > 0 {
		s.Solver = interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(eps), false)
	}
	x, _, err := s.Draw(l.ctx, n, nil)
	return x, err
}

// A planeKL measures KL(p_h || q_h) of the first two coordinates: p is the law of the target's,
// known exactly, q that of the samples, and both are blurred by a Gaussian of width h, which
// the kernel estimate of q needs and which then costs p no bias. The mean over draws of p_h is
// that of log(p/q) + q/p - 1, which is never negative.
type planeKL struct {
	x, logp []float64 // draws of p_h
}

// blur is the width h: a third of the modes'.
const blur = 0.5

func newPlaneKL(weights, means, covs []float64, n int) (*planeKL, error) {
	const d = bigDim
	var m, c []float64
	for k := range bigModes {
		m = append(m, means[k*d], means[k*d+1])
		a := covs[k*d*d:]
		c = append(c, a[0]+blur*blur, a[1], a[d], a[d+1]+blur*blur)
	}
	p, err := density.NewMixture(weights, m, c, 2)
	if err != nil {
		return nil, err
	}
	q := &planeKL{x: density.Sample(p, n, exactSeed, 20, 0), logp: make([]float64, n)}
	p.CleanLogProb(q.logp, q.x)
	return q, nil
}

// kl returns the divergence of samples, of which it reads two coordinates.
func (q *planeKL) kl(x []float64) (float64, error) {
	n := len(x) / bigDim
	y := make([]float64, 2*n)
	for i := range n {
		copy(y[2*i:2*i+2], x[i*bigDim:])
	}
	points, err := density.NewPoints(y, 2)
	if err != nil {
		return 0, err
	}
	logq := make([]float64, len(q.logp))
	err = par.Rows(context.Background(), len(logq), 256, 0, func(_, lo, hi int) error {
		points.LogProb(logq[lo:hi], q.x[2*lo:2*hi], 1, blur)
		return nil
	})
	sum := 0.0
	for i, lp := range q.logp {
		sum += lp - logq[i] + math.Expm1(logq[i]-lp)
	}
	return sum / float64(len(logq)), err
}

// spread is the mean over the samples of the squared distance to the nearest mode in units of
// its covariance, a coordinate: 1 for exact samples, less where modes are too narrow.
func spread(x, weights, means, covs []float64) float64 {
	const d = bigDim
	chol := make([]mat.Cholesky, len(weights))
	for k := range chol {
		if !chol[k].Factorize(mat.NewSymDense(d, covs[k*d*d:(k+1)*d*d])) {
			return math.NaN()
		}
	}
	sum, n := 0.0, len(x)/d
	diff := mat.NewVecDense(d, nil)
	var sol mat.VecDense
	for i := range n {
		near := math.Inf(1)
		for k := range chol {
			for j := range d {
				diff.SetVec(j, x[i*d+j]-means[k*d+j])
			}
			if err := chol[k].SolveVecTo(&sol, diff); err != nil {
				return math.NaN()
			}
			near = min(near, mat.Dot(diff, &sol))
		}
		sum += near / float64(n*d)
	}
	return sum
}
