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
