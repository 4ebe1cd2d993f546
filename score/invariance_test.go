package score

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// TestLawDoesNotDependOnNoiseOrPath draws an uneven mixture with every kind of noise and
// on several paths, and compares mean, covariance and mode weights with the truth: at the
// end, and on the way at σ/α = 3, 1 and 0.3, where the law of x_t is the mixture
// noised. The bound is 4.5 standard errors of n samples (false alarm 7e-6 for each of some
// 300 numbers) plus a bias: that of the discretisation (grids as fine as the method's order
// needs for 2e-3 of the scale) and of starting at σ/α = 1000 from N(0, σ²).
func TestLawDoesNotDependOnNoiseOrPath(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute of sampling")
	}
	const n = 200_000
	weights, means, stds := []float64{0.5, 0.3, 0.2}, []float64{2, 0, -1.5, 1, 0, -2}, []float64{0.4, 0.3, 0.5}
	m, err := density.NewIsotropicMixture(weights, means, stds, 2)
	require.NoError(t, err)
	truth := map[float64][6]float64{}
	for _, ratio := range []float64{3, 1, 0.3, 0.002} {
		noised := make([]float64, len(stds))
		for i, v := range stds {
			noised[i] = math.Hypot(v, ratio)
		}
		exact, err := density.NewIsotropicMixture(weights, means, noised, 2)
		require.NoError(t, err)
		truth[ratio], _ = features(density.Sample(exact, 8*n, 12, 0, 0), means)
	}
	condot, edm, vp := interpolant.CondOT{}, interpolant.EDM{SigmaMax: 1000}, interpolant.VP{BetaMax: 28}
	for _, tt := range []struct {
		name   string
		path   interpolant.Path
		solver Solver
		steps  int
	}{
		{"flow, dpmpp-3m", condot, ODE(ode.DPMSolverPPM{Steps: 3}), 100},
		{"flow, edm-heun", edm, ODE(ode.EDMHeun{}), 100},
		{"sde-dpmpp-2m, eta 0.5", condot, SDE(sde.SDEDPMPP{}, 0.5, false), 100},
		{"sde-dpmpp-2m, eta 1", vp, SDE(sde.SDEDPMPP{}, 1, false), 100},
		{"seeds-2, eta 1", edm, SDE(sde.SEEDS(2), 1, false), 100},
		{"sde-dpmpp-3m, eta 2", condot, SDE(sde.SDEDPMPP{Order: 3}, 2, false), 200},
		{"sa, eta 1", vp, SDE(sde.SASolver{}, 1, false), 100},
		{"er-sde-3", edm, SDE(sde.ERSDE{}, 1, false), 100},
		{"edm-churn, eta 1", edm, SDE(sde.Churn{}, 1, false), 100},
		{"ddpm", condot, SDE(sde.DDPM, 1, false), 600},
	} {
		t0, _ := tt.path.Span()
		for _, ratio := range []float64{3, 1, 0.3, 0.002} {
			end := tt.path.Time(-math.Log(ratio))
			s := &Sampler{Path: tt.path, Model: m, Solver: tt.solver, Seed: 11, Grid: interpolant.LogSNRGrid(tt.path, t0, end, tt.steps)}
			x := s.Start(n, 0, 0)
			_, err := s.Solver(context.Background(), s, x, nil)
			require.NoError(t, err, tt.name)
			alpha := tt.path.At(end).Alpha
			for i := range x {
				x[i] /= alpha
			}
			got, sd := features(x, means)
			for k := range got {
				// the reference of 8n points adds an eighth of the variance
				se := sd[k] * math.Sqrt((1+1./8)/n)
				assert.InDelta(t, truth[ratio][k], got[k], 4.5*se+2e-3*sd[k], "%s at σ/α = %g: feature %d (standard error %.2g)", tt.name, ratio, k, se)
			}
		}
	}
}

// features returns the means over points in the plane of the coordinates, their products
// and the share of the first mode's cell, and the standard deviations of a point's.
func features(x, modes []float64) (mean, sd [6]float64) {
	for i := 0; i < len(x); i += 2 {
		p, q := x[i], x[i+1]
		best, dist := 0, math.Inf(1)
		for k := 0; k < len(modes); k += 2 {
			if d := sq(p-modes[k]) + sq(q-modes[k+1]); d < dist {
				best, dist = k, d
			}
		}
		f := [6]float64{p, q, p * p, p * q, q * q}
		if best == 0 {
			f[5] = 1
		}
		for k, v := range f {
			mean[k] += v
			sd[k] += v * v
		}
	}
	n := float64(len(x) / 2)
	for k := range mean {
		mean[k] /= n
		sd[k] = math.Sqrt(sd[k]/n - sq(mean[k]))
	}
	return mean, sd
}
