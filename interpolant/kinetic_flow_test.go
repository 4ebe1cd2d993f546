package interpolant_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func ringTable(t *testing.T) (*density.Mixture, *interpolant.MMSE) {
	ring := density.Ring(8, 4, 0.3)
	m, err := interpolant.NewMMSE(context.Background(), ring, &interpolant.MMSEOptions{Samples: 2048})
	require.NoError(t, err)
	return ring, m
}

// TestOrderOnKinetic: the path is smooth enough for the order of Runge-Kutta methods. In t the
// steps must resolve the start, of length ε, hence the floor; on the clock of log-SNR there
// is nothing to resolve and the default serves.
func TestOrderOnKinetic(t *testing.T) {
	ring, m := ringTable(t)
	smooth, err := interpolant.NewKinetic(m, 1)
	require.NoError(t, err)
	usual, err := interpolant.NewKinetic(m, 0)
	require.NoError(t, err)
	_, end := usual.Span()
	for name, p := range map[string]interpolant.Path{
		"t, ε = 1": smooth, "log-SNR": interpolant.LogSNRClock{Path: usual, From: math.Log(0.02), To: usual.At(end).LogSNR()},
	} {
		t0, t1 := p.Span()
		f := &score.Flow{Path: p, Model: ring}
		run := func(method ode.Method, steps int) []float64 {
			s := score.Sampler{Path: p, Model: ring, Grid: interpolant.UniformGrid(t0, t1, steps+1), Seed: 1}
			x := s.Start(16, 0, 1)
			_, err := ode.Solve(context.Background(), f, x, s.Grid, method, nil)
			require.NoError(t, err)
			return x
		}
		// 2048 steps of an order-8 method are exact to rounding here.
		ref := run(ode.DormandPrince853, 2048)
		for _, row := range []struct {
			method ode.Method
			first  int
		}{{ode.Euler, 64}, {ode.Heun, 256}, {ode.RK4, 64}} {
			var steps, errs []float64
			for k := range 5 {
				x := run(row.method, row.first<<k)
				var s float64
				for i := range x {
					s += (x[i] - ref[i]) * (x[i] - ref[i])
				}
				steps, errs = append(steps, -math.Log(float64(row.first<<k))), append(errs, math.Log(s)/2)
			}
			_, slope := stat.LinearRegression(steps, errs, nil, false)
			assert.InDelta(t, row.method.Order(), slope, 0.2, "%s on %s", row.method.Name(), name)
		}
	}
}

// TestTrajectoryEnergies holds the mean energy of exact trajectories to the energy of the
// path, which comes from the table alone, and straightness to its definition.
func TestTrajectoryEnergies(t *testing.T) {
	// A mean that is not 0, so that Shift counts.
	target, err := density.NewIsotropicMixture([]float64{1, 2, 1}, []float64{-1, 0, 2, 1, 3, -2}, []float64{0.5, 0.3, 0.4}, 2)
	require.NoError(t, err)
	m, err := interpolant.NewMMSE(context.Background(), target, &interpolant.MMSEOptions{Samples: 2048})
	require.NoError(t, err)
	kinetic, err := interpolant.NewKinetic(m, 0.3)
	require.NoError(t, err)
	const n, steps = 2000, 100
	for name, p := range map[string]interpolant.Path{"condot": interpolant.CondOT{}, "kinetic": kinetic} {
		t0, t1 := p.Span()
		s := score.Sampler{Path: p, Model: target, Seed: 2, Grid: interpolant.UniformGrid(t0, t1, steps+1)}
		x := s.Start(n, 0, 0)
		tr := &ode.Trace{Rows: n}
		_, err := ode.Solve(context.Background(), &score.Flow{Path: p, Model: target}, x, s.Grid, ode.RK4, &ode.Settings{Trace: tr})
		require.NoError(t, err)
		energy, straight := interpolant.TrajectoryEnergies(tr, s.Grid, 2)
		mean, sd := stat.MeanStdDev(energy, nil)
		want, err := m.Energy(p, t0, t1)
		require.NoError(t, err)
		// Five standard errors, and the polygon's deficit, of relative order steps⁻².
		tol := 5*math.Hypot(sd/math.Sqrt(n), want.StdErr) + 2e-3*mean
		assert.InDelta(t, want.Value+want.Shift, mean, tol, name)
		for i := range n {
			a, b := tr.X[i*(steps+1)*2:], tr.X[i*(steps+1)*2+steps*2:]
			chord := (b[0]-a[0])*(b[0]-a[0]) + (b[1]-a[1])*(b[1]-a[1])
			require.InEpsilon(t, energy[i]-chord/(t1-t0), straight[i], 1e-9, "S = E - |X_b - X_a|²/(b-a)")
		}
	}
	line := &ode.Trace{Rows: 2, X: []float64{0, 0, 0.5, 1, 2, 4, 1, 1, 1, 1, 1, 3}}
	energy, straight := interpolant.TrajectoryEnergies(line, []float64{0, 0.25, 1}, 2)
	assert.InDeltaSlice(t, []float64{20, 4 / 0.75}, energy, 1e-13, "a straight line; one that waits")
	assert.InDeltaSlice(t, []float64{0, 4/0.75 - 4}, straight, 1e-13)
	assert.Panics(t, func() { interpolant.TrajectoryEnergies(line, []float64{0, 1}, 2) })
	assert.Panics(t, func() { interpolant.TrajectoryEnergies(line, []float64{0, 1, 0.5}, 2) })
}

// TestSamplersOnKinetic: the path serves methods of every family.
func TestSamplersOnKinetic(t *testing.T) {
	ring, m := ringTable(t)
	k, err := interpolant.NewKinetic(m, 0)
	require.NoError(t, err)
	vp, err := interpolant.NewKineticVP(m, 0)
	require.NoError(t, err)
	const n, steps = 2000, 100
	exact := density.Sample(ring, n, 3, 1, 0)
	floor := func(seed uint64) float64 {
		v, err := metric.SlicedW2(density.Sample(ring, n, seed, 5, 0), exact, 2, metric.Options{})
		require.NoError(t, err)
		return v.Value
	}
	worst := max(floor(1), floor(2), floor(3), floor(4), floor(5), floor(6))
	for name, p := range map[string]interpolant.Path{"kinetic": k, "kinetic-vp": vp} {
		t0, t1 := p.Span()
		for _, row := range []struct {
			name   string
			solver score.Solver
			grid   []float64
		}{
			{"heun", score.ODE(ode.Heun), interpolant.UniformGrid(t0, t1, steps)},
			{"dpmpp-2m", score.ODE(ode.DPMSolverPPM{}), interpolant.LogSNRGrid(p, t0, t1, steps)},
			{"adaptive", score.AdaptiveODE(ode.Adaptive{RTol: 1e-4}), []float64{t0, t1}},
			{"sde", score.SDE(sde.EulerMaruyama{}, 1, false), interpolant.KarrasGrid(p, 7, t0, t1, 2*steps)},
		} {
			s := score.Sampler{Path: p, Model: ring, Solver: row.solver, Grid: row.grid, Seed: 4}
			x, _, err := s.Draw(context.Background(), n, nil)
			require.NoError(t, err, "%s, %s", name, row.name)
			v, err := metric.SlicedW2(x, exact, 2, metric.Options{})
			require.NoError(t, err)
			// Twice the largest of six distances between exact samples: their law has no such
			// tail, and a wrong coefficient gives far more.
			assert.Less(t, v.Value, 2*worst, "%s, %s", name, row.name)
		}
	}
}
