package score

import (
	"testing"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// nothing is a denoiser that costs nothing: what is left is the stepper's own.
type nothing struct{}

func (nothing) Dim() int                               { return 2 }
func (nothing) Denoise(dst, _ []float64, _, _ float64) { clear(dst) }

// BenchmarkSteppers runs every registered fixed-step method on a group of 1,024 points in two
// dimensions over 20 steps of EDM's path, at η = 1: nanoseconds a point and step, beside
// nothing and with the denoiser of ring8.
func BenchmarkSteppers(b *testing.B) {
	const rows, steps = 1024, 20
	path := interpolant.EDM{}
	t0, t1 := path.Span()
	grid := interpolant.LogSNRGrid(path, t0, t1, steps+1)
	start := (&Sampler{Path: path, Model: nothing{}, Grid: grid}).Start(rows, 0, 1)
	for _, m := range []struct {
		name  string
		model Denoiser
	}{{"nothing", nothing{}}, {"ring8", density.Ring(8, 4, 0.3)}} {
		run := func(name string, st ode.Stepper) {
			b.Run(name+"/"+m.name, func(b *testing.B) {
				x := make([]float64, len(start))
				for b.Loop() {
					copy(x, start)
					st.Begin(0, rows)
					for k, t := range grid[1:] {
						st.Step(x, grid[k], t)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows*steps), "ns/step")
			})
		}
		for _, r := range ode.Records() {
			run(r.Name, r.Method.NewStepper(&Flow{Path: path, Model: m.model}, rows))
		}
		for _, r := range sde.Records() {
			if r.Method != nil {
				run(r.Name, r.Method.NewStepper(&Reverse{Path: path, Model: m.model, Eta: 1}, nil, rows))
			}
		}
	}
}
