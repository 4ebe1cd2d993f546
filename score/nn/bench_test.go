package nn

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
)

// The network and batch of the README's comparison: 2 coordinates and 32 features of t in.
const benchBatch = 512

func benchNet(b *testing.B) *Net[float32] {
	n, err := New[float32](Spec{Kind: "mlp", Dim: 2, Features: 32})
	require.NoError(b, err)
	n.Init(1)
	return n
}

func BenchmarkForward(b *testing.B) {
	n := benchNet(b)
	tp := n.NewTape(128, Jet{})
	x, t := normals(2*128, 1), normals(128, 2)
	b.ReportAllocs()
	for b.Loop() {
		for range benchBatch / 128 {
			tp.Forward(x, t, nil, nil)
		}
	}
}

// BenchmarkStep is a step of training: forward, backward, Adam.
func BenchmarkStep(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			n := benchNet(b)
			shards := NewShards[float32](len(n.W), 128, workers)
			var tapes []*Tape[float32]
			var outs [][]float64
			for range shards.Workers() {
				tapes = append(tapes, n.NewTape(128, Jet{Back: Weights}))
				outs = append(outs, make([]float64, 256))
			}
			x, t, target := normals(2*benchBatch, 1), normals(benchBatch, 2), normals(2*benchBatch, 3)
			adam := new(Adam[float32])
			b.ReportAllocs()
			for b.Loop() {
				_, err := shards.Run(context.Background(), benchBatch, func(worker int, g []float32, lo, hi int) (float64, error) {
					tp, y := tapes[worker], outs[worker][:2*(hi-lo)]
					tp.Forward(x[2*lo:2*hi], t[lo:hi], nil, nil)
					tp.Out(y, 0)
					for i := range y {
						y[i] = (y[i] - target[2*lo+i]) / benchBatch
					}
					tp.Backward(g, y)
					return 0, nil
				})
				require.NoError(b, err)
				adam.Step(n.W, shards.Grad, 1e-3)
			}
		})
	}
}

// BenchmarkResidual is the gradient of a Fokker-Planck residual, 128 points in two dimensions.
func BenchmarkResidual(b *testing.B) {
	n, err := New[float32](Spec{Kind: "mlp", Dim: 2, Out: 1, Hidden: 80, Act: Softplus, Beta: 100})
	require.NoError(b, err)
	n.Init(1)
	tp := n.NewTape(128, Jet{Dirs: 3, Lap: 2, Back: Weights})
	x, t, dy, g := normals(256, 1), normals(128, 2), normals(128, 3), make([]float32, len(n.W))
	b.ReportAllocs()
	for b.Loop() {
		tp.Forward(x, t, nil, nil)
		tp.Backward(g, dy, dy, dy, dy, dy)
	}
}

// BenchmarkUNet is the gradient at images: one of 32×32, and two of 64×64 by the denoiser of
// package netprior.
func BenchmarkUNet(b *testing.B) {
	for name, c := range map[string]struct {
		spec Spec
		rows int
	}{
		"default":  {Spec{Kind: "unet", Height: 32, Width: 32}, 1},
		"denoiser": {Spec{Kind: "unet", Height: 64, Width: 64, Act: ReLU, Fold: 2, Plain: true}, 2},
	} {
		b.Run(name, func(b *testing.B) {
			n, err := New[float32](c.spec)
			require.NoError(b, err)
			n.Init(1)
			tp := n.NewTape(c.rows, Jet{Back: Weights})
			x, t, g := normals(c.rows*n.In(), 1), normals(c.rows, 2), make([]float32, len(n.W))
			b.ReportAllocs()
			for b.Loop() {
				tp.Forward(x, t, nil, nil)
				tp.Backward(g, x)
			}
			b.ReportMetric(float64(len(n.W)), "weights")
		})
	}
}

// BenchmarkSampler is 10,000 points through EDM's Heun with 18 steps (35 evaluations) and a
// network 2-256-256-256-2 that sees the noise level.
func BenchmarkSampler(b *testing.B) {
	m, err := NewModel(Spec{Kind: "mlp", Dim: 2, Hidden: 256}, Precond{Kind: EDM}, 1)
	require.NoError(b, err)
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	s := score.Sampler{Path: p, Model: m, Solver: score.ODE(ode.Heun), Grid: interpolant.KarrasGrid(p, 7, t0, t1, 18)}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				_, _, err := s.Draw(context.Background(), 10_000, &ode.Settings{Workers: workers})
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkDenoise is the denoiser of the README's network, its points at one noise level, at
// levels of their own, and one by one.
func BenchmarkDenoise(b *testing.B) {
	m, err := NewModel(Spec{Kind: "mlp", Dim: 2, Features: 32}, Precond{Kind: EDM}, 1)
	require.NoError(b, err)
	const n = 512
	x, dst, alpha, sigma := normals(2*n, 1), make([]float64, 2*n), make([]float64, n), make([]float64, n)
	for i := range n {
		alpha[i], sigma[i] = 1, 1+float64(i)/n
	}
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"together", func() { m.Denoise(dst, x, 1, 1) }},
		{"each", func() { m.DenoiseEach(dst, x, alpha, sigma) }},
		{"alone", func() {
			for i := range n {
				m.Denoise(dst[2*i:2*i+2], x[2*i:2*i+2], alpha[i], sigma[i])
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/point")
		})
	}
}
