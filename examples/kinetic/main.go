// Kinetic makes the kinetic-optimal path of a checkerboard from the mean-square error of
// its denoiser, prints the energies of the common paths beside it, and writes the
// trajectories of the probability flow along it to kinetic.png.
package main

import (
	"context"
	"fmt"
	"log"

	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

func main() {
	target := density.NewCheckerboard(4, 2)
	mmse, err := interpolant.NewMMSE(context.Background(), target, nil)
	if err != nil {
		log.Fatal(err)
	}
	energies, err := mmse.Energies(0)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range energies {
		fmt.Printf("%-12s kinetic energy %.3f\n", e.Name, e.Value)
	}
	path, err := interpolant.NewKinetic(mmse, 0)
	if err != nil {
		log.Fatal(err)
	}
	t0, t1 := path.Span()
	s := score.Sampler{Path: path, Model: target, Solver: score.ODE(ode.RK4), Grid: interpolant.UniformGrid(t0, t1, 200), Seed: 1}
	trace := &ode.Trace{Rows: 60}
	if _, _, err := s.Draw(context.Background(), 60, &ode.Settings{Trace: trace}); err != nil {
		log.Fatal(err)
	}
	energy, bend := interpolant.TrajectoryEnergies(trace, s.Grid, 2)
	caption := fmt.Sprintf("60 trajectories along the kinetic-optimal path: energy %.3g, straightness %.2g", stat.Mean(energy, nil), stat.Mean(bend, nil))
	fmt.Println(caption)
	fig := figure.Trajectories{Title: "checkerboard", Caption: caption, D: 2, T: s.Grid, X: trace.X, Samples: density.Sample(target, 20_000, 1, 0, 0)}.Figure()
	if err := fig.Save("kinetic.png"); err != nil {
		log.Fatal(err)
	}
}
