package pfgm_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// TestFlowIsThePapers holds score.Flow on the path EDM to dx/dσ = (x - D)/σ.
func TestFlowIsThePapers(t *testing.T) {
	m := pfgm.New(density.Ring(8, 4, 0.3), 2, 0)
	f := &score.Flow{Path: interpolant.EDM{}, Model: m}
	x, u, d := []float64{3, -2}, make([]float64, 2), make([]float64, 2)
	f.Eval(u, x, 0.9)
	m.Denoise(d, x, 1, 8)
	for j := range u {
		assert.InEpsilon(t, -80*(x[j]-d[j])/8, u[j], 1e-12) // dσ/dt = -80; rounding
	}
}

// TestFlowCarriesTheLaw is the continuity equation in its integrated form: the change of log p
// along the flow from σ = 80 to 0.1 is the integral of the divergence. It ties the denoiser,
// its divergence, the flow and the density of x together, on three paths.
func TestFlowCarriesTheLaw(t *testing.T) {
	ctx := context.Background()
	for _, d := range []float64{1, 2, 8, 128, 2048} {
		m := pfgm.New(density.Ring(8, 4, 0.3), d, 0)
		for name, p := range map[string]interpolant.Path{"edm": interpolant.EDM{}, "vp": interpolant.VP{}, "cond-ot": interpolant.CondOT{}} {
			t0, t1 := p.Time(-math.Log(80)), p.Time(-math.Log(0.1))
			a, b := p.At(t1), p.At(t0)
			x := []float64{4.1 * a.Alpha, 0.2 * a.Alpha, -a.Alpha, 2 * a.Alpha}
			want := make([]float64, 2)
			m.LogProb(want, x, a.Alpha, a.Sigma)
			got, _, _, err := ode.LogDensity(ctx, &score.Flow{Path: p, Model: m}, x,
				func(dst, x []float64) { m.LogProb(dst, x, b.Alpha, b.Sigma) },
				[]float64{t1, t0}, ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-9}, ode.Exact{}, nil)
			require.NoError(t, err)
			assert.InDeltaSlice(t, want, got, 1e-7, "D=%g %s", d, name) // 100 RTol
		}
	}
}

// TestLikelihood holds score.Likelihood with the prior as base to the clean density. On
// Cond-OT the base is exact; the flow starts at σ/α = 1e-5, which for D = 1, whose noise has no
// mean, is an error of that order.
func TestLikelihood(t *testing.T) {
	target := density.Ring(8, 4, 0.3)
	for _, d := range []float64{1, 8} {
		x, p := []float64{4.1, 0.2, 2.5, 3}, interpolant.CondOT{}
		want := make([]float64, 2)
		target.CleanLogProb(want, x)
		l := score.Likelihood{Path: p, Model: pfgm.New(target, d, 0), Base: pfgm.Prior(p, 0, d)}
		got, _, _, err := l.LogProb(context.Background(), x, nil)
		require.NoError(t, err)
		assert.InDeltaSlice(t, want, got, 2e-4, "D=%g", d)
	}
}

// TestPathsShareTrajectories ends at the same x/α from the same x/α at σ/α = 80.
func TestPathsShareTrajectories(t *testing.T) {
	ctx := context.Background()
	m := pfgm.New(density.Ring(8, 4, 0.3), 2, 0)
	var first []float64
	for _, p := range []interpolant.Path{interpolant.EDM{}, interpolant.VP{}, interpolant.CondOT{}} {
		t0, t1 := p.Time(-math.Log(80)), p.Time(-math.Log(0.05))
		x := draws(pfgm.Kernel{Sigma: 80, D: 2}, 16, 2)
		floats.Scale(p.At(t0).Alpha, x)
		_, err := ode.SolveAdaptive(ctx, &score.Flow{Path: p, Model: m}, x, []float64{t0, t1}, ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-9}, nil)
		require.NoError(t, err)
		floats.Scale(1/p.At(t1).Alpha, x)
		if first == nil {
			first = x
		}
		assert.InDeltaSlice(t, first, x, 1e-6, "%T", p) // the tolerance times the flow's stretching
	}
}

// TestSamplesAreExact draws with Heun's method on the grid of EDM, 100 steps from σ = 80 to
// 0.002, and compares with the noise floor of exact samples. z below 4 is a false alarm
// of 1e-4 or so a case, the floor being known to 20%. (bench/pfgm draws more.)
func TestSamplesAreExact(t *testing.T) {
	if testing.Short() {
		t.Skip("evaluates the checkerboard 300,000 times")
	}
	for _, c := range []struct {
		name   string
		target density.Target
		n      int
		tol    float64 // of the spread; the floor is 0.2 and more
	}{{"ring8", density.Ring(8, 4, 0.3), 1000, 1e-6}, {"checkerboard", density.NewCheckerboard(4, 2), 300, 1e-4}} {
		floor, err := metric.Floor([]metric.Metric{{Name: "sliced W2", Compute: metric.SlicedW2}}, func(dst []float64, i uint64) {
			copy(dst, density.Sample(c.target, c.n, 3, i, 0))
		}, c.n, 2, 16, metric.Options{})
		require.NoError(t, err)
		exact := density.Sample(c.target, c.n, 3, 99, 0)
		for _, d := range []float64{1, 2, 8, 128, 2048} {
			p := interpolant.EDM{}
			_, t1 := p.Span()
			s := score.Sampler{Path: p, Model: pfgm.New(c.target, d, c.tol), Base: pfgm.Prior(p, 0, d), Solver: score.ODE(ode.Heun), Grid: interpolant.KarrasGrid(p, 7, 0, t1, 100), Seed: 4}
			x, _, err := s.Draw(context.Background(), c.n, nil)
			require.NoError(t, err)
			v, err := metric.SlicedW2(x, exact, 2, metric.Options{})
			require.NoError(t, err)
			t.Logf("%s D=%g: sliced W2 %.4f, floor %.4f ± %.4f", c.name, d, v.Value, floor[0].Mean, floor[0].SD)
			assert.Less(t, floor[0].Z(v.Value), 4.0, fmt.Sprintf("%s D=%g", c.name, d))
		}
	}
}
