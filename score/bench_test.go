package score

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// BenchmarkHeun18 is the run that docs/BENCHMARKS.md compares with other toolkits: ring8,
// EDM path and grid, Heun with 18 steps (35 evaluations), 100,000 points.
func BenchmarkHeun18(b *testing.B) {
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	s := Sampler{Path: p, Model: density.Ring(8, 4, 0.3), Solver: ODE(ode.Heun), Grid: interpolant.KarrasGrid(p, 7, t0, t1, 18)}
	const n = 100_000
	for _, workers := range []int{1, 2} {
		b.Run(map[int]string{1: "workers=1", 2: "workers=2"}[workers], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, res, err := s.Draw(context.Background(), n, &ode.Settings{Workers: workers})
				require.NoError(b, err)
				require.Equal(b, 35.0, res.NFE())
			}
			perRun := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(n/perRun, "points/s")
			b.ReportMetric(perRun*1e9/(n*35)*float64(workers), "ns/NFE")
		})
	}
}

// BenchmarkEulerMaruyama500 is 10,000 points of ring8 through 500 steps of the reverse SDE.
func BenchmarkEulerMaruyama500(b *testing.B) {
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	s := Sampler{Path: p, Model: density.Ring(8, 4, 0.3), Solver: SDE(sde.EulerMaruyama{}, 1, false), Grid: interpolant.KarrasGrid(p, 7, t0, t1, 500)}
	b.ReportAllocs()
	for b.Loop() {
		_, _, err := s.Draw(context.Background(), 10_000, nil)
		require.NoError(b, err)
	}
}

// BenchmarkAdaptiveFlow is the probability flow of 1,000 points of ring8 at rtol = atol = 1e-5,
// each with its own steps, in σ and in log σ.
func BenchmarkAdaptiveFlow(b *testing.B) {
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	s := Sampler{Path: p, Model: density.Ring(8, 4, 0.3), Grid: []float64{t0, t1}}
	start := s.Start(1000, 0, 1)
	x := make([]float64, len(start))
	for _, tab := range []*ode.Tableau{ode.DormandPrince54, ode.DormandPrince853} {
		solver := AdaptiveODE(ode.Adaptive{Tableau: tab, RTol: 1e-5, ATol: 1e-5})
		for name, solver := range map[string]Solver{"sigma": solver, "logsigma": OnLogSNR(solver)} {
			b.Run(tab.Label+"/"+name, func(b *testing.B) {
				var evals int64
				for b.Loop() {
					copy(x, start)
					res, err := solver(context.Background(), &s, x, &ode.Settings{Workers: 1})
					require.NoError(b, err)
					evals = res.Evals
				}
				b.ReportMetric(float64(evals)/1000, "NFE")
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(evals), "ns/NFE")
			})
		}
	}
}
