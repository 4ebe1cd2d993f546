package main

import (
	"context"
	"fmt"
	"log"
	"path/filepath"

	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// A run is a network to train: a target, the place of its weight w_R among the weights, and the
// scale.
type run struct {
	problem
	k int
	scale
}

func (r run) weight() float64 { return weights[r.k] }

// A scale is what the paper's training and measures were cut down to.
type scale struct {
	Steps   int     `json:"steps"` // of Adam
	Batch   int     `json:"batch"`
	Samples int     `json:"samples"` // by flow and process each
	Times   int     `json:"times"`   // intervals of the densities
	Beta    float64 `json:"beta"`    // of softplus
	Plain   bool    `json:"plain"`   // score matching on x₁ itself
}

func (r run) String() string { return fmt.Sprintf("%s-%g", r.name, r.weight()) }

func (r run) file(dir, ext string) string { return filepath.Join(folder(dir, r.Beta), r.String()+ext) }

// folder is where the networks of one β are kept.
func folder(dir string, beta float64) string { return filepath.Join(dir, fmt.Sprintf("beta%g", beta)) }

// learn trains the network, goes on from its checkpoint, or reads it if that is whole. It starts
// from random weights, that of the greatest w_R from the network of the one before: in as many
// steps from random weights, which a large w_R holds long to the stationary law, whose residual
// is 0 as well, its loss ends higher.
func (r run) learn(ctx context.Context, dir string) (*nn.Model, *train.Result, error) {
	pre := nn.Precond{Kind: nn.LogDensity, Path: ou{}}
	m, err := nn.NewModel(nn.Spec{Kind: "mlp", Dim: 2, Out: 1, Hidden: 80, Depth: 3, Act: nn.Softplus, Beta: r.Beta}, pre, 1)
	if err != nil {
		return nil, nil, err
	}
	dsm := &train.Denoising{
		Precond: pre, Weight: train.WeightScore,
		// τ = 10 Beta(1, 2) + 1e-5
		Levels: train.Times{Path: ou{}, T0: -horizon - least, T1: -least, A: 2, B: 1},
	}
	if !r.Plain {
		dsm.Teacher = r.target
	}
	var o train.Objective = dsm
	if r.k > 0 {
		if r.k == len(weights)-1 {
			before := r
			before.k--
			start, _, err := before.learn(ctx, dir)
			if err != nil {
				return nil, nil, err
			}
			copy(m.Net.W, start.Net.W)
		}
		o = &train.FokkerPlanck{Base: dsm, Precond: pre, Path: ou{}, Weight: r.weight(), T0: -horizon, T1: -least,
			Lo: []float64{-window, -window}, Hi: []float64{window, window}}
	}
	res, err := train.Run(ctx, m, o, train.Target{Target: r.target}, train.Settings{
		Steps: r.Steps, Batch: r.Batch, Seed: 1, EMA: -1, Workers: 1,
		// The paper's rates, 25, 65 and 10 % of its steps; with fewer of them more at the first.
		Rate:       nn.Schedule{Kind: "step", Rate: 1e-3, Factor: 0.1, At: []int{r.Steps * 6 / 10, r.Steps * 9 / 10}},
		Every:      max(1, r.Steps/40),
		Checkpoint: r.file(dir, ".checkpoint"), CheckpointEvery: max(1, r.Steps/100), Tag: fmt.Sprintf("%v beta=%g plain=%v", r, r.Beta, r.Plain),
		Progress: func(p train.Point) {
			log.Printf("%v: step %d of %d, loss %.4g, gradient %.3g", r, p.Step, r.Steps, p.Loss, p.Norm)
		},
	})
	return m, res, err
}
