package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// BenchmarkDefaultRecipe trains by the default recipe and measures the result, as its doc
// states it; with -benchtime 1x.
func BenchmarkDefaultRecipe(b *testing.B) {
	for name, target := range map[string]density.Target{
		"ring8": density.Ring(8, 4, 0.3), "moons": density.Moons(0.1), "checkerboard": density.NewCheckerboard(4, 2),
	} {
		b.Run(name, func(b *testing.B) {
			const n, points = 20000, 500
			std := DataStd(density.Sample(target, n, 3, 0, 0), 2)
			for b.Loop() {
				r := DefaultRecipe(2, std)
				m, err := nn.NewModel(r.Spec, r.Precond, 1)
				require.NoError(b, err)
				_, err = Run(ctx, m, r.Objective, Target{target}, r.Settings)
				require.NoError(b, err)
				b.StopTimer()
				path := interpolant.EDM{SigmaMin: 0.002 * std, SigmaMax: 80 * std}
				t0, t1 := path.Span()
				s := &score.Sampler{Path: path, Model: m, Solver: score.ODE(ode.DPMSolverPPM{}), Grid: interpolant.KarrasGrid(path, 7, t0, t1, 40), Seed: 5}
				y, _, err := s.Draw(ctx, n, nil)
				require.NoError(b, err)
				exact, other := density.Sample(target, n, 11, 0, 0), density.Sample(target, n, 12, 0, 0)
				floor, err := metric.SlicedW2(exact, other, 2, metric.Options{})
				require.NoError(b, err)
				got, err := metric.SlicedW2(y, other, 2, metric.Options{})
				require.NoError(b, err)
				l := score.Likelihood{Path: path, Model: m, End: 0.01, Solver: ode.Adaptive{RTol: 1e-4, ATol: 1e-4}}
				lp, _, _, err := l.LogProb(ctx, exact[:2*points], nil)
				require.NoError(b, err)
				truth, gap := make([]float64, points), 0.0
				target.(density.CleanLogProber).CleanLogProb(truth, exact[:2*points])
				for i := range lp {
					gap += (truth[i] - lp[i]) / points
				}
				b.ReportMetric(got.Value/floor.Value, "sw2/floor")
				b.ReportMetric(gap, "nats")
				b.StartTimer()
			}
		})
	}
}

// BenchmarkStep is a step of training by each objective.
func BenchmarkStep(b *testing.B) {
	for name, c := range objectives(b) {
		if name == "map" {
			continue // most of it is Sinkhorn's
		}
		b.Run(name, func(b *testing.B) {
			net, err := nn.New[float32](nn.Spec{Kind: "mlp", Dim: 2, Out: c.out, Hidden: 96, Depth: 2, Residual: true, Features: 32})
			require.NoError(b, err)
			net.Init(1)
			e, err := NewEvaluator(net, c.o, 512, 0)
			require.NoError(b, err)
			g, bat := make([]float32, len(net.W)), batch(512)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Loss(ctx, bat, g); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
