// Kinetic compares, at 10 evaluations of the denoiser, samples along kinetic-optimal paths
// with those along Cond-OT, VP and EDM, and prints a Markdown table of sliced W2 distances
// to exact samples, mean and standard deviation over the seeds:
//
//	go run ./bench/kinetic [-n 10000] [-seeds 3] [-nfe 10]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

type target struct {
	name string
	density.Target
}

type column struct {
	name string
	path interpolant.Path
	grid func(p interpolant.Path, k int) []float64
}

type solver struct {
	method ode.Method
	stages int
}

var floors = []float64{0.02, 0.1, 0.3, 1}

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 10000, "samples")
	seeds := flag.Int("seeds", 3, "seeds, from 1")
	nfe := flag.Int("nfe", 10, "evaluations of the denoiser a sample, the last denoising among them")
	flag.Parse()

	fmt.Printf("`go run ./bench/kinetic -n %d -seeds %d -nfe %d`\n\n", *n, *seeds, *nfe)
	targets := []target{
		{"ring8", density.Ring(8, 4, 0.3)}, {"grid25", density.Grid(5, 2, 0.1)}, {"checkerboard", density.NewCheckerboard(4, 2)},
		{"moons", density.Moons(0.1)}, {"spiral", density.Spirals(2, 0.1)},
	}
	for i, t := range targets {
		columns := columns(t)
		if i == 0 {
			header(columns)
		}
		fmt.Printf("| %s | exact | %s |%s\n", t.name, measure(*seeds, func(seed uint64) float64 {
			return distance(t, density.Sample(t, *n, seed, 2, 0), *n, seed)
		}), strings.Repeat(" |", len(columns)-1))
		for _, s := range []solver{{ode.Euler, 1}, {ode.Heun, 2}, {ode.DPMSolverPPM{}, 1}} {
			fmt.Printf("| %s | %s |", t.name, s.method.Name())
			for _, c := range columns {
				grid := c.grid(c.path, (*nfe-1)/s.stages+1)
				fmt.Printf(" %s |", measure(*seeds, func(seed uint64) float64 {
					sampler := score.Sampler{Path: c.path, Model: t, Solver: score.ODE(s.method), Grid: grid, Seed: seed}
					x, _, err := sampler.Draw(context.Background(), *n, nil)
					if err != nil {
						log.Fatalf("%s, %s, %s: %v", t.name, s.method.Name(), c.name, err)
					}
					return distance(t, x, *n, seed)
				}))
			}
			fmt.Println()
		}
	}
}

// columns returns the paths, each with the grid it is used with.
func columns(t target) []column {
	uniform := func(p interpolant.Path, k int) []float64 {
		t0, t1 := p.Span()
		return interpolant.UniformGrid(t0, t1, k)
	}
	karras := func(p interpolant.Path, k int) []float64 {
		t0, t1 := p.Span()
		return interpolant.KarrasGrid(p, 7, t0, t1, k)
	}
	out := []column{{"condot", interpolant.CondOT{}, uniform}, {"vp", interpolant.VP{}, uniform}, {"edm", interpolant.EDM{}, karras}, {"trig", interpolant.Trig{}, uniform}}
	table, err := interpolant.NewMMSE(context.Background(), t.Target, nil)
	if err != nil {
		log.Fatalf("%s: %v", t.name, err)
	}
	for _, floor := range floors {
		p, err := interpolant.NewKinetic(table, floor)
		if err != nil {
			log.Fatalf("%s: %v", t.name, err)
		}
		out = append(out, column{fmt.Sprintf("kinetic ε=%g", floor), p, uniform})
	}
	return out
}

func header(columns []column) {
	fmt.Print("| target | method |")
	for _, c := range columns {
		fmt.Printf(" %s |", c.name)
	}
	fmt.Printf("\n|---|---|%s\n", strings.Repeat("---|", len(columns)))
}

func distance(t target, x []float64, n int, seed uint64) float64 {
	v, err := metric.SlicedW2(x, density.Sample(t, n, seed, 1, 0), t.Dim(), metric.Options{Seed: seed})
	if err != nil {
		log.Fatal(err)
	}
	return v.Value
}

func measure(seeds int, f func(seed uint64) float64) string {
	v := make([]float64, seeds)
	for i := range v {
		v[i] = f(uint64(i + 1))
	}
	if seeds == 1 {
		return fmt.Sprintf("%.4f", v[0])
	}
	mean, sd := stat.MeanStdDev(v, nil)
	return fmt.Sprintf("%.4f ± %.4f", mean, sd)
}
