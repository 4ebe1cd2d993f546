// Bridge carries two moons to a ring of eight along a stochastic interpolant, by its flow
// and by its stochastic equation from the same starts, and draws trajectories of the flow
// in bridge.png.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func main() {
	const n = 1500
	moons, ring := density.Moons(0.1), density.Ring(8, 4, 0.3)
	source, _ := density.AsMixture(moons)
	path, err := interpolant.NewTwoSided("linear", "sqrt", 1) // x_t = (1-t)x₀ + tx₁ + √(t(1-t)) z
	if err != nil {
		log.Fatal(err)
	}
	bridge, err := interpolant.NewMixtureBridge(path, source, ring)
	if err != nil {
		log.Fatal(err)
	}
	exact := density.Sample(ring, n, 1, 1, 0)
	trace := &ode.Trace{Rows: 80}
	for _, run := range []struct {
		name   string
		solver interpolant.BridgeSolver
		steps  int
		trace  *ode.Trace
	}{
		{"flow, Heun", interpolant.BridgeODE(ode.Heun), 40, trace},
		{"SDE, eps 1, Euler-Maruyama", interpolant.BridgeNoise(sde.EulerMaruyama{}, interpolant.VanishingEps(1), false), 80, nil},
	} {
		s := interpolant.BridgeSampler{Model: bridge, Source: moons, Solver: run.solver, Grid: interpolant.UniformGrid(0, 1, run.steps+1), Seed: 1}
		x, res, err := s.Draw(context.Background(), n, &ode.Settings{Trace: run.trace})
		if err != nil {
			log.Fatal(err)
		}
		w2, err := metric.SlicedW2(x, exact, 2, metric.Options{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %g evaluations, sliced W2 %.3g\n", run.name, res.NFE(), w2.Value)
	}
	fig := figure.Trajectories{
		Title: "moons to ring8", Caption: "flow of the interpolant x = (1-t) x₀ + t x₁ + √(t(1-t)) z", D: 2,
		T: interpolant.UniformGrid(0, 1, 41), X: trace.X, Samples: append(density.Sample(moons, 20_000, 1, 2, 0), density.Sample(ring, 40_000, 1, 3, 0)...),
	}.Figure()
	if err := fig.Save("bridge.png"); err != nil {
		log.Fatal(err)
	}
}
