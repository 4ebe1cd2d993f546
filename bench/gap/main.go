// Command gap measures the Monge gap of the probability flows of several paths to the
// ring of eight, with the energy and the straightness of their trajectories, then that of
// the flow to other targets and of maps whose gap is known, and prints Markdown tables:
//
//	go run ./bench/gap
//
// The gap is metric.MongeGap's, by exact assignment.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 2000, "samples of a run")
	seeds := flag.Int("seeds", 5, "runs")
	flag.Parse()

	target := density.Ring(8, 4, 0.3)
	m, err := interpolant.NewMMSE(context.Background(), target, nil)
	if err != nil {
		log.Fatal(err)
	}
	kinetic, err := interpolant.NewKinetic(m, 0)
	if err != nil {
		log.Fatal(err)
	}
	restricted, err := interpolant.NewKineticVP(m, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("| path | Monge gap | energy of the trajectories | straightness |\n|---|---|---|---|")
	for _, p := range []struct {
		name string
		path interpolant.Path
	}{
		{"kinetic-optimal", kinetic}, {"kinetic-optimal, VP", restricted}, {"Cond-OT", interpolant.CondOT{}},
		{"trigonometric", interpolant.Trig{}}, {"VP", interpolant.VP{}},
	} {
		t0, t1 := p.path.Span()
		s := score.Sampler{Path: p.path, Model: target, Solver: score.AdaptiveODE(ode.Adaptive{RTol: 1e-7}), Grid: interpolant.UniformGrid(t0, t1, 400)}
		gaps, energies, bends := measure(s, *n, *seeds)
		fmt.Printf("| %s | %s | %s | %s |\n", p.name, spread(gaps), spread(energies), spread(bends))
	}

	fmt.Println("\n| map of N(0, I) | Monge gap | mean squared length |\n|---|---|---|")
	for _, t := range []struct {
		name   string
		target density.Target
	}{
		{"checkerboard", density.NewCheckerboard(4, 2)}, {"moons", density.Moons(0.1)}, {"swissroll", density.SwissRoll(0.1)},
		{"spiral", density.Spirals(2, 0.1)}, {"grid25", density.Grid(5, 2, 0.1)}, {"rings", must(density.NewSpheres([]float64{1, 2, 3}, []float64{4. / 3, 8. / 3, 4}, 2))},
	} {
		t0, t1 := interpolant.CondOT{}.Span()
		s := score.Sampler{Path: interpolant.CondOT{}, Model: t.target, Solver: score.AdaptiveODE(ode.Adaptive{RTol: 1e-6}), Grid: interpolant.UniformGrid(t0, t1, 100)}
		gaps, energies, bends := measure(s, *n, *seeds)
		length := make([]float64, len(gaps))
		for i := range length {
			length[i] = energies[i] - bends[i]
		}
		fmt.Printf("| flow to %s | %s | %s |\n", t.name, spread(gaps), spread(length))
	}
	known(*n, *seeds, "x ↦ (2x₁, x₂/2), optimal", func(y, x []float64) { y[0], y[1] = 2*x[0], x[1]/2 })
	known(*n, *seeds, "rotation by 30°, gap 4(1 - cos 30°) = 0.536", func(y, x []float64) {
		sin, cos := math.Sincos(math.Pi / 6)
		y[0], y[1] = cos*x[0]-sin*x[1], sin*x[0]+cos*x[1]
	})
}

// known prints the row of a map of the plane.
func known(n, seeds int, name string, f func(y, x []float64)) {
	var gaps, length []float64
	for seed := range seeds {
		x := density.Sample(density.Normal(2, 1), n, uint64(seed), 0, 0)
		y := make([]float64, len(x))
		sum := 0.0
		for i := 0; i < len(x); i += 2 {
			f(y[i:i+2], x[i:i+2])
			sum += (y[i]-x[i])*(y[i]-x[i]) + (y[i+1]-x[i+1])*(y[i+1]-x[i+1])
		}
		gaps, length = append(gaps, mongeGap(x, y, 2)), append(length, sum/float64(n))
	}
	fmt.Printf("| %s | %s | %s |\n", name, spread(gaps), spread(length))
}

func must(t density.Target, err error) density.Target {
	if err != nil {
		log.Fatal(err)
	}
	return t
}

// measure returns the gap and the mean energy and straightness of the trajectories of each
// run.
func measure(s score.Sampler, n, seeds int) (gaps, energies, bends []float64) {
	for seed := range seeds {
		s.Seed = uint64(seed)
		tr := &ode.Trace{Rows: n}
		x, _, err := s.Draw(context.Background(), n, &ode.Settings{Trace: tr})
		if err != nil {
			log.Fatal(err)
		}
		e, b := interpolant.TrajectoryEnergies(tr, s.Grid, s.Model.Dim())
		gaps = append(gaps, mongeGap(s.Start(n, 0, 0), x, s.Model.Dim()))
		energies, bends = append(energies, stat.Mean(e, nil)), append(bends, stat.Mean(b, nil))
	}
	return gaps, energies, bends
}

// mongeGap returns the gap of a map known by its values.
func mongeGap(x, y []float64, dim int) float64 {
	v, err := metric.MongeGap(x, y, dim, metric.Options{MaxPoints: len(x)})
	if err != nil {
		log.Fatal(err)
	}
	return v.Value
}

func spread(v []float64) string {
	mean, sd := stat.MeanStdDev(v, nil)
	return fmt.Sprintf("%.4g ± %.1g", mean, sd/math.Sqrt(float64(len(v))))
}
