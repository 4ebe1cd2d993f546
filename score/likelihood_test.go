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
)

// TestLikelihoodOfGrid25 holds the flow's log-likelihood of the 25-mode mixture against
// its closed form. rtol 1e-8 a step leaves some 1e-7 in the integral of the divergence
// (measured: see docs/ACCURACY.md); σ/α = 1e-5 at the data adds (1e-5/0.1)² = 1e-8.
func TestLikelihoodOfGrid25(t *testing.T) {
	m := density.Grid(5, 2, 0.1)
	x := density.Sample(m, 100, 1, 0, 1)
	want := make([]float64, 100)
	m.CleanLogProb(want, x)
	for name, p := range map[string]interpolant.Path{"condot": interpolant.CondOT{}, "trig": interpolant.Trig{}} {
		l := Likelihood{Path: p, Model: m, Solver: ode.Adaptive{Tableau: ode.Tsitouras54, RTol: 1e-8, ATol: 1e-8}}
		got, stderr, res, err := l.LogProb(context.Background(), x, nil)
		require.NoError(t, err)
		worst := 0.0
		for i := range got {
			worst = max(worst, math.Abs(got[i]-want[i]))
		}
		assert.Less(t, worst, 1e-6, name)
		assert.Zero(t, stderr[0])
		t.Logf("%s: largest error %.2g at %g evaluations", name, worst, res.NFE())
	}
}

// TestLikelihoodEstimators: with random probes the estimates of log p(x) are unbiased, so
// z = (estimate - exact)/stderr over points and seeds has mean 0: |mean| < 4.5/√k. The
// solver's tolerance of 1e-6 is far below the standard errors.
func TestLikelihoodEstimators(t *testing.T) {
	m, err := density.NewMixture([]float64{0.4, 0.6}, []float64{-1, 0, 0.5, 1, 0.5, -0.5}, []float64{
		1, 0.3, 0, 0.3, 0.5, 0.1, 0, 0.1, 0.2,
		0.3, 0, 0.1, 0, 0.6, 0, 0.1, 0, 0.9,
	}, 3)
	require.NoError(t, err)
	const n = 40
	x := density.Sample(m, n, 2, 0, 1)
	want := make([]float64, n)
	m.CleanLogProb(want, x)
	for name, div := range map[string]ode.Divergence{
		"hutchinson":          ode.Hutchinson{Probes: 64, Seed: 7},
		"hutchinson gaussian": ode.Hutchinson{Probes: 64, Law: ode.Gaussian, Seed: 7},
		"hutch++":             ode.HutchPP{Probes: 1, Repeats: 64, Seed: 7},
	} {
		l := Likelihood{Path: interpolant.CondOT{}, Model: m, Div: div, End: 1e-4}
		got, stderr, _, err := l.LogProb(context.Background(), x, nil)
		require.NoError(t, err)
		sum, used := 0.0, 0
		for i := range got {
			require.Positive(t, stderr[i], name)
			z := (got[i] - want[i]) / stderr[i]
			assert.Less(t, math.Abs(z), 6.0, "%s: point %d", name, i) // t law with 63 dof: 1e-7
			sum += z
			used++
		}
		// The probes are addressed by point and seed, hence independent over points.
		assert.Less(t, math.Abs(sum)/math.Sqrt(float64(used)), 4.5, name)
	}
}

func TestDenseForms(t *testing.T) {
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	s := Sampler{Path: p, Model: density.Ring(8, 4, 0.3), Solver: ODE(ode.Heun), Grid: interpolant.UniformGrid(0, t1, 5)}
	flat, _, err := s.Draw(context.Background(), 7, nil)
	require.NoError(t, err)
	x, _, err := s.DrawDense(context.Background(), 7, nil)
	require.NoError(t, err)
	assert.Equal(t, flat, x.RawMatrix().Data)
	l := Likelihood{Path: p, Model: s.Model}
	want, _, _, err := l.LogProb(context.Background(), flat, nil)
	require.NoError(t, err)
	got, _, _, err := l.LogProbDense(context.Background(), x, nil)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestLikelihoodRefusesBadGrids(t *testing.T) {
	m := density.Ring(8, 4, 0.3)
	for _, grid := range [][]float64{{0.01, 0.999}, {0.5}, {1.2, 0.1}, {0.9, -0.1}, {0.5, 0.5}} {
		l := Likelihood{Path: interpolant.CondOT{}, Model: m, Solver: ode.Fixed(ode.RK4), Grid: grid}
		_, _, _, err := l.LogProb(context.Background(), []float64{1, 2}, nil)
		assert.Error(t, err, "%v", grid)
	}
}

func TestLikelihoodOnOtherPaths(t *testing.T) {
	m := gauss1(t)
	x := []float64{-0.5, 0.7, 1.9}
	want := make([]float64, 3)
	m.CleanLogProb(want, x)
	for name, p := range paths(t) {
		l := Likelihood{Path: p, Model: m, Solver: ode.Adaptive{Tableau: ode.Tsitouras54, RTol: 1e-8, ATol: 1e-9}}
		a, b := l.Times()
		ca, cb := p.At(a), p.At(b)
		// The base N(0, σ²) in place of the law N(αm, α²s² + σ²) at the noisy end shifts log p
		// by known amounts, and so does the noise left at the clean end (cosine, VE, ddpm).
		got, _, _, err := l.LogProb(context.Background(), x, nil)
		require.NoError(t, err, name)
		v1 := sq(ca.Alpha*gaussStd) + sq(ca.Sigma)
		v0 := sq(cb.Alpha*gaussStd) + sq(cb.Sigma)
		for i := range x {
			z := (ca.Alpha*x[i] - ca.Alpha*gaussMean) / math.Sqrt(v1)
			x0 := cb.Alpha*gaussMean + math.Sqrt(v0)*z
			exact := -sq(x0/cb.Sigma)/2 - math.Log(cb.Sigma) - math.Log(2*math.Pi)/2 + math.Log(v0/v1)/2 + math.Log(ca.Alpha)
			tol := 1e-6 // rtol 1e-8 over some hundred steps
			if name == "ddpm" {
				tol = 1e-5 // 1000 knots where λ̈ jumps, which the error estimate sees late
			}
			assert.InDelta(t, exact, got[i], tol, "%s", name)
			if cb.Alpha == 0 && ca.Sigma/ca.Alpha < 1e-4 {
				assert.InDelta(t, want[i], got[i], 1e-6, "%s against the density", name)
			}
		}
	}
}
