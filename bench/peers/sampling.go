package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/internal/testprob"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/sde"
)

var ctx = context.Background()

// The targets of peer_common.py.
func ring8() *density.Mixture  { return density.Ring(8, 4, 0.3) }
func grid25() *density.Mixture { return density.Grid(5, 2, 0.1) }
func gmm64() *density.Mixture {
	const d = 64
	mu := make([]float64, d*d)
	for i := range mu {
		k, j := float64(i/d+1), float64(i%d+1)
		mu[i] = 3 * math.Sin(1+0.7*k*j+0.3*k*k)
	}
	return must(density.NewIsotropicMixture(nil, mu, []float64{0.5}, d))
}

// denoisers are one evaluation of 1,024 points at a noise of 1, in seconds a point.
var denoisers = []task{
	denoiser("denoiser/ring8", ring8), denoiser("denoiser/grid25", grid25), denoiser("denoiser/gmm64", gmm64),
}

func denoiser(name string, target func() *density.Mixture) task {
	const n, repeats = 1024, 200
	return task{name, n * repeats, func() func() string {
		t := target()
		x := density.Sample(t, n, 1, 0, 0)
		z := make([]float64, len(x))
		stream.New().Normals(z, 1, stream.Test, 0, 0)
		for i := range x {
			x[i] += z[i]
		}
		return func() string {
			for range repeats {
				t.Denoise(z, x, 1, 1)
			}
			return ""
		}
	}}
}

// normals is a million of them, in seconds each.
var normals = []task{{"normals", 1_000_000, func() func() string {
	z, src := make([]float64, 1_000_000), stream.New()
	seed := uint64(0)
	return func() string {
		seed++
		src.Normals(z, seed, stream.Test, 0, 0)
		return ""
	}
}}}

// samplers are whole runs, from the first random number to the last denoising.
var samplers = func() (tasks []task) {
	for _, c := range []struct {
		name   string
		target func() *density.Mixture
		n      int
	}{{"gmm2d-ring8", ring8, 100_000}, {"gmm2d-grid25", grid25, 100_000}, {"gmm64", gmm64, 20_000}} {
		for _, s := range []struct {
			name   string
			solver score.Solver
			steps  int
			n      int
		}{
			{"heun18", score.ODE(ode.Heun), 18, c.n}, {"euler100", score.ODE(ode.Euler), 100, c.n},
			{"dpmpp2m20", score.ODE(ode.DPMSolverPPM{Warmup: ode.PublishedWarmup}), 20, c.n},
			{"em500", score.SDE(sde.EulerMaruyama{}, 1, false), 500, c.n},
			{fmt.Sprintf("em500-%dk", c.n/10_000), score.SDE(sde.EulerMaruyama{}, 1, false), 500, c.n / 10},
		} {
			tasks = append(tasks, task{c.name + "/" + s.name, 1, func() func() string {
				draw := sampler(c.target(), s.solver, s.steps)
				return func() string { draw(s.n); return "" }
			}})
		}
	}
	return tasks
}()

// sampler returns a function that draws n points along EDM's path on Karras' grid.
func sampler(m score.Denoiser, solver score.Solver, steps int) func(n int) []float64 {
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	s := score.Sampler{Path: p, Model: m, Solver: solver, Grid: interpolant.KarrasGrid(p, 7, t0, t1, steps), Seed: 1}
	return func(n int) []float64 {
		x, _, err := s.Draw(ctx, n, nil)
		must(0, err)
		return x
	}
}

// networks is a net of three hidden layers of 256 with random weights, 10,000 points.
var networks = []task{{"mlp/heun18", 1, func() func() string {
	m := must(nn.NewModel(nn.Spec{Kind: "mlp", Dim: 2, Hidden: 256, Depth: 3}, nn.Precond{Kind: nn.EDM}, 1))
	draw := sampler(m, score.ODE(ode.Heun), 18)
	return func() string { draw(10_000); return "" }
}}}

// adaptive are 1,000 trajectories of the probability flow, each with its own steps, and the
// problems of Hairer, Nørsett and Wanner.
var adaptive = func() (tasks []task) {
	pairs := []struct {
		name string
		tab  *ode.Tableau
	}{{"dopri5", ode.DormandPrince54}, {"dop853", ode.DormandPrince853}}
	for _, c := range []struct {
		name   string
		target func() *density.Mixture
	}{{"ring8", ring8}, {"grid25", grid25}} {
		for _, clock := range []string{"sigma", "logsigma"} {
			for _, pair := range pairs {
				tasks = append(tasks, task{"ode/pf-" + c.name + "/" + clock + "/rtol1e-5 (" + pair.name + ")", 1, func() func() string {
					return flow(c.target(), clock == "logsigma", ode.Adaptive{Tableau: pair.tab, RTol: 1e-5, ATol: 1e-5})
				}})
			}
		}
	}
	for _, p := range problems {
		for _, tol := range []float64{1e-5, 1e-8, 1e-11} {
			for _, pair := range pairs {
				tasks = append(tasks, task{fmt.Sprintf("ode/%s/rtol%.0e (%s)", p.Name, tol, pair.name), 20, func() func() string {
					x := make([]float64, p.Dim)
					solve := func(tab *ode.Tableau, tol, share float64) ode.Result {
						copy(x, p.X0)
						return must(ode.SolveAdaptive(ctx, ode.Func{D: p.Dim, F: p.F}, x, []float64{0, p.T1}, ode.Adaptive{Tableau: tab, RTol: tol, ATol: tol * share}, nil))
					}
					end := p.X0 // of a period
					if p.Name != "arenstorf" {
						solve(ode.DormandPrince853, 1e-13, 1e-2)
						end = slices.Clone(x)
					}
					return func() string {
						var res ode.Result
						for range 20 {
							res = solve(pair.tab, tol, 0.01)
						}
						return fmt.Sprintf(" (%.0f evaluations, error %.2g)", res.NFE(), floats.Distance(x, end, math.Inf(1)))
					}
				}})
			}
		}
	}
	return tasks
}()

// problems are those of SciPy's side.
var problems = []testprob.Problem{
	{Name: "vanderpol5", Dim: 2, X0: []float64{2, 0}, T1: 20, F: func(dst, x []float64, _ float64) {
		dst[0], dst[1] = x[1], 5*(1-x[0]*x[0])*x[1]-x[0]
	}},
	{Name: "lorenz", Dim: 3, X0: []float64{1, 1, 1}, T1: 5, F: func(dst, x []float64, _ float64) {
		dst[0], dst[1], dst[2] = 10*(x[1]-x[0]), x[0]*(28-x[2])-x[1], x[0]*x[1]-8./3*x[2]
	}},
	testprob.Arenstorf(),
}

// flow integrates the probability flow from σ = 80 to 0.002.
func flow(m score.Denoiser, logarithmic bool, a ode.Adaptive) func() string {
	const n = 1000
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	run := func(a ode.Adaptive, logarithmic bool) ([]float64, float64) {
		solver := score.AdaptiveODE(a)
		if logarithmic {
			solver = score.OnLogSNR(solver)
		}
		s := score.Sampler{Path: p, Model: m, Solver: solver, Grid: []float64{t0, t1}, Seed: 1}
		x := s.Start(n, 0, 0)
		res, err := solver(ctx, &s, x, nil)
		must(0, err)
		return x, res.NFE()
	}
	exact, _ := run(ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-10, ATol: 1e-11}, true)
	return func() string {
		x, nfe := run(a, logarithmic)
		sum := 0.0
		for i, v := range x {
			sum += (v - exact[i]) * (v - exact[i])
		}
		return fmt.Sprintf(" (%.0f evaluations, rms error %.2g)", nfe, math.Sqrt(sum/n))
	}
}
