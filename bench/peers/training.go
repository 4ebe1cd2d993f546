package main

import (
	"context"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// training is a step of Adam, forward and backward, on a network 34-128-128-128-2, batch 512.
var training = []task{{"train/step", 20, func() func() string {
	const batch = 512
	net := must(nn.New[float32](nn.Spec{Kind: "mlp", Dim: 2, Features: 32, Hidden: 128, Depth: 3}))
	net.Init(1)
	shards := nn.NewShards[float32](len(net.W), 128, 0)
	var tapes []*nn.Tape[float32]
	var outs [][]float64
	for range shards.Workers() {
		tapes = append(tapes, net.NewTape(128, nn.Jet{Back: nn.Weights}))
		outs = append(outs, make([]float64, 2*128))
	}
	x, t, target := make([]float64, 2*batch), make([]float64, batch), make([]float64, 2*batch)
	for i, v := range [][]float64{x, t, target} {
		stream.New().Normals(v, 1, stream.Test, uint64(i), 0)
	}
	adam := new(nn.Adam[float32])
	return func() string {
		for range 20 {
			must(shards.Run(context.Background(), batch, func(worker int, g []float32, lo, hi int) (float64, error) {
				tp, y := tapes[worker], outs[worker][:2*(hi-lo)]
				tp.Forward(x[2*lo:2*hi], t[lo:hi], nil, nil)
				tp.Out(y, 0)
				for i := range y {
					y[i] = (y[i] - target[2*lo+i]) / batch
				}
				tp.Backward(g, y)
				return 0, nil
			}))
			adam.Step(net.W, shards.Grad, 1e-3)
		}
		return ""
	}
}}}
