package netprior

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// Fit are the settings of Train. Zero values mean the defaults named.
type Fit struct {
	Steps      int     // of the optimiser; default 20000
	Batch      int     // crops a step; default 16
	Side       int     // of a crop; default 64
	Hidden     int     // channels of the finest level; default 32
	Depth      int     // residual blocks a level and side; default 1
	Levels     int     // default 3
	Rate       float64 // largest learning rate; default 1e-3
	Seed       uint64
	Checkpoint string            // see train.Settings
	Tag        string            // names the pictures, see train.Settings
	Progress   func(train.Point) // every 100 steps
	Workers    int               // never changes a bit
}

const (
	centre  = 0.5  // of the range of pixels
	dataStd = 0.25 // σ_d of EDM's preconditioning
)

// Train fits a Model to pictures: the network by denoising score matching on Crops, with EDM's
// preconditioning and weights and noises about 0.1 of the range of pixels, the Gaussian by
// prior.FitSpectrum, and at some noises the share β of it that is best, in the mean square, on the
// noised centres of the same pictures.
//
// If the context ends, the run goes on from Checkpoint when Train is called again.
func Train(ctx context.Context, images []prior.Image, f Fit) (*Model, *train.Result, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&f.Steps, 20_000)
	def(&f.Batch, 16)
	def(&f.Side, 64)
	def(&f.Hidden, 32)
	def(&f.Depth, 1)
	def(&f.Levels, 3)
	if f.Rate == 0 {
		f.Rate = 1e-3
	}
	crops, err := NewCrops(images, f.Side)
	if err != nil {
		return nil, nil, err
	}
	crops.Centre = centre
	m := &Model{Law: Law{Centre: centre}}
	if m.Mean, m.MeanVar, m.Power, err = prior.FitSpectrum(images); err != nil {
		return nil, nil, err
	}
	spec := nn.Spec{Kind: "unet", Height: f.Side, Width: f.Side, Hidden: f.Hidden, Depth: f.Depth, Levels: f.Levels,
		Fold: 2, Plain: true, Act: nn.ReLU, Features: 16, Top: 8}
	pre := nn.Precond{Kind: nn.EDM, DataStd: dataStd, MinNoise: 0.003, MaxNoise: 8}
	if m.Net, err = nn.NewModel(spec, pre, f.Seed); err != nil {
		return nil, nil, err
	}
	res, err := train.Run(ctx, m.Net, &train.Denoising{Precond: pre, Levels: train.LogNormal{Mean: math.Log(0.1), Std: 1.4}}, crops, train.Settings{
		Steps: f.Steps, Batch: f.Batch, Seed: f.Seed, EMA: 0.999,
		Rate:       nn.Schedule{Kind: "cosine", Rate: f.Rate, Warmup: 200, Total: f.Steps, Final: 0.01},
		Checkpoint: f.Checkpoint, CheckpointEvery: 200, Tag: f.Tag, Progress: f.Progress, Workers: f.Workers,
	})
	if err != nil {
		return nil, res, err
	}
	return m, res, m.fitBlend(ctx, images, f.Seed)
}

// fitBlend finds β at noises up to one from which the Gaussian has all the weight.
func (m *Model) fitBlend(ctx context.Context, images []prior.Image, seed uint64) error {
	src := stream.New()
	var noises, shares []float64
	for level, s := range []float64{0.25, 0.5, 1, 2, 4, 8} {
		top, bottom := 0.0, 0.0
		// The network has seen these pictures, and none as large: noise is drawn for each anew.
		for i, im := range images {
			if err := ctx.Err(); err != nil {
				return err
			}
			side := min(im.Rows, im.Cols, 256)
			x := make([]float64, 0, side*side)
			for r := range side {
				x = append(x, im.Pix[((im.Rows-side)/2+r)*im.Cols+(im.Cols-side)/2:][:side]...)
			}
			y, a, g := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
			rng := src.At(seed, stream.Probe, uint64(i), uint64(level))
			for j, v := range x {
				y[j] = v + s*rng.NormFloat64()
			}
			m.BlendNoise, m.Blend = []float64{s}, []float64{0}
			m.New(side, side).Denoise(a, y, 1, s)
			prior.NewGaussian(side, side, m.Spectrum(), prior.Mirror).Denoise(g, y, 1, s)
			for j, v := range x {
				top += (v - a[j]) * (g[j] - a[j])
				bottom += (g[j] - a[j]) * (g[j] - a[j])
			}
		}
		noises = append(noises, s)
		shares = append(shares, min(max(top/max(bottom, 1e-300), 0), 1))
	}
	m.BlendNoise, m.Blend = append(noises, 32), append(shares, 1)
	return nil
}
