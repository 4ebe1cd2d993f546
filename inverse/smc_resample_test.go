package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
)

func TestResampling(t *testing.T) {
	const n = 7
	w := []float64{0.02, 0.4, 0, 0.3, 0.01, 0.25, 0.02}
	lw := make([]float64, n)
	for i, v := range w {
		lw[i] = math.Log(v)
	}
	for _, scheme := range []Resampling{Systematic, Multinomial} {
		r := &smcRun{SMC: SMC{Particles: n, Resampling: scheme}, s: &score.Sampler{Seed: 4}, set: &ode.Settings{}, counts: make([]int, n), src: stream.New()}
		sum := make([]float64, n)
		const runs = 20000
		for k := range runs {
			r.offspring(0, k, lw)
			total := 0
			for i, c := range r.counts {
				total += c
				sum[i] += float64(c) / runs
				if scheme == Systematic {
					assert.Less(t, math.Abs(float64(c)-n*w[i]), 1.0)
				}
			}
			require.Equal(t, n, total)
		}
		for i, m := range sum {
			assert.InDelta(t, n*w[i], m, 5*math.Sqrt(n*w[i]/runs)+1e-12, "offspring of %d", i) // variance ≤ n w
		}
		// Everyone's place goes to the offspring.
		r.all, r.out = make([]particle, n), &Particles{Ancestors: make([]int, n)}
		for i := range r.all {
			r.all[i] = particle{x: []float64{float64(i)}, mean: []float64{10}, aux: []float64{20}, twist: float64(i), population: i}
			r.out.Ancestors[i] = i
		}
		r.offspring(0, 1, lw)
		r.replace(0)
		got := make([]int, n)
		for i, p := range r.all {
			got[int(p.x[0])]++
			assert.Equal(t, p.x[0], p.twist)
			assert.Equal(t, int(p.x[0]), r.out.Ancestors[i])
			assert.Equal(t, i, p.population)
		}
		assert.Equal(t, r.counts, got)
	}
}
