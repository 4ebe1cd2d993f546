package main

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// Seeds that are kept apart: of training, of draws, of the exact samples beside them.
const trainSeed, drawSeed, exactSeed = 1, 5, 11

// schedule is the learning rate of all runs but those that compare optimisers.
func schedule(rate float64, steps int) nn.Schedule {
	return nn.Schedule{Kind: "cosine", Rate: rate, Warmup: steps / 40, Total: steps, Final: 0.01}
}

// fit trains a network.
func (l *lab) fit(s nn.Spec, p nn.Precond, o train.Objective, data train.Source, set train.Settings) (*nn.Model, error) {
	m, err := nn.NewModel(s, p, trainSeed)
	if err != nil {
		return nil, err
	}
	set.Seed = trainSeed
	_, err = train.Run(l.ctx, m, o, data, set)
	return m, err
}

// std is the standard deviation of a target's coordinates.
func std(t density.Target) float64 {
	return train.DataStd(density.Sample(t, 20000, exactSeed, 9, 0), t.Dim())
}

// The noise of all trainings and draws for data of standard deviation sd, as in
// train.DefaultRecipe: ln(σ/sd) ~ N(-1, 1.4²), told to the network within three deviations, and
// draws from the upper end on.
const levelMean, levelWidth = -1.0, 1.4

func levels(sd float64) train.LogNormal {
	return train.LogNormal{Mean: math.Log(sd) + levelMean, Std: levelWidth}
}

func precond(kind nn.Prediction, sd float64) nn.Precond {
	return nn.Precond{Kind: kind, DataStd: sd, MinNoise: sd * math.Exp(levelMean-3*levelWidth), MaxNoise: sd * math.Exp(levelMean+3*levelWidth)}
}

func edmPath(sd float64) interpolant.EDM {
	return interpolant.EDM{SigmaMin: 0.002 * sd, SigmaMax: sd * math.Exp(levelMean+3*levelWidth)}
}

// byFlow draws n samples of a denoiser by DPM-Solver++(2M) in 40 steps.
func (l *lab) byFlow(m score.Denoiser, sd float64, n int) ([]float64, error) {
	p := edmPath(sd)
	t0, t1 := p.Span()
	s := score.Sampler{Path: p, Model: m, Solver: score.ODE(ode.DPMSolverPPM{}), Grid: interpolant.KarrasGrid(p, 7, t0, t1, 40), Seed: drawSeed}
	x, _, err := s.Draw(l.ctx, n, nil)
	return x, err
}

// A judge measures samples of a target against exact ones.
type judge struct {
	target density.Target
	exact  []float64
	floor  metric.FloorValue // sliced W2 between exact samples
}

func newJudge(t density.Target, n int) (*judge, error) {
	floor, err := metric.Floor([]metric.Metric{{Name: "sliced W2", Compute: metric.SlicedW2}}, func(dst []float64, i uint64) {
		copy(dst, density.Sample(t, n, exactSeed, i+1, 0))
	}, n, t.Dim(), 8, metric.Options{})
	if err != nil {
		return nil, err
	}
	return &judge{t, density.Sample(t, n, exactSeed, 0, 0), floor[0]}, nil
}

func (j *judge) n() int { return len(j.exact) / j.target.Dim() }

func (j *judge) slicedW2(x []float64) (float64, error) {
	v, err := metric.SlicedW2(x, j.exact, j.target.Dim(), metric.Options{})
	return v.Value, err
}

// noiseError returns the root mean square of σ(s_θ - s*), the error of the predicted noise, a
// coordinate, over levels of noise from σ = 0.05 std to 3 std, evenly in ln σ, at exact points.
func noiseError(m score.Denoiser, t density.Target, std float64, n int) float64 {
	d := t.Dim()
	x, got, want := make([]float64, n*d), make([]float64, n*d), make([]float64, n*d)
	x1 := density.Sample(t, n, exactSeed, 100, 0)
	z := make([]float64, n*d)
	stream.New().Normals(z, exactSeed, stream.Test, 0, 0)
	const levels = 12
	sum := 0.0
	for k := range levels {
		sigma := std * 0.05 * math.Pow(60, (float64(k)+0.5)/levels)
		for i := range x {
			x[i] = x1[i] + sigma*z[i]
		}
		m.Denoise(got, x, 1, sigma)
		t.Denoise(want, x, 1, sigma)
		for i := range got {
			e := (got[i] - want[i]) / sigma
			sum += e * e / float64(levels*n*d)
		}
	}
	return math.Sqrt(sum)
}
