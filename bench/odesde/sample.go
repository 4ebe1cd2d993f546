package main

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// paperGrid has the paper's times: 800 even steps from τ = 10 to 0, the last ten of them cut in
// ten.
func paperGrid() []float64 {
	const steps, last, cut = 800, 10, 10
	var t []float64
	for i := range steps - last {
		t = append(t, -horizon*float64(steps-i)/steps)
	}
	for i := range last*cut + 1 {
		t = append(t, -horizon*float64(last*cut-i)/(cut*steps))
	}
	return t
}

// draw returns n samples by Euler's method from N(0, I/2), by the flow or by the process, whose
// last step has no noise.
func draw(ctx context.Context, m score.Denoiser, n int, process bool, seed uint64) ([]float64, error) {
	x, src, grid := make([]float64, 2*n), stream.New(), paperGrid()
	for i := range n {
		src.Normals(x[2*i:2*i+2], seed, stream.Base, uint64(i), 0)
	}
	for i := range x {
		x[i] *= math.Sqrt(0.5)
	}
	set := &ode.Settings{Workers: 1}
	if !process {
		_, err := ode.Solve(ctx, &score.Flow{Path: ou{}, Model: m}, x, grid, ode.Euler, set)
		return x, err
	}
	reverse := &score.Reverse{Path: ou{}, Model: m, Eta: 1}
	end := len(grid) - 2
	if _, err := sde.Solve(ctx, reverse, x, grid[:end+1], sde.EulerMaruyama{}, sde.Independent{Seed: seed}, set); err != nil {
		return nil, err
	}
	drift := make([]float64, len(x))
	reverse.Drift(drift, x, grid[end])
	for i, b := range drift {
		x[i] += (grid[end+1] - grid[end]) * b
	}
	return x, nil
}
