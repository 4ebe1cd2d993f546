// Pfgm measures how well the exact models of PFGM++ bear disturbances, the experiments of Xu
// et al. (2023, section 5) without a network: noise before each step, few steps, a
// quantised denoiser, over D. It prints a Markdown table and saves a figure a target:
//
//	go run ./bench/pfgm [-n 1] [-out DIR]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

var dims = []float64{1, 8, 64, 128, 2048, math.Inf(1)}

// A setting is one disturbance.
type setting struct {
	name   string
	steps  int
	alpha  float64
	bits   int  // 0 for none
	figure bool // shown in the figure
}

var settings = []setting{
	{"none (18 steps)", 18, 0, 0, true},
	{"36 steps", 36, 0, 0, false}, {"10 steps", 10, 0, 0, false}, {"7 steps", 7, 0, 0, true}, {"5 steps", 5, 0, 0, true},
	{"noise 0.1", 18, 0.1, 0, true}, {"noise 0.2", 18, 0.2, 0, true},
	{"6 bits", 18, 0, 6, false}, {"5 bits", 18, 0, 5, false}, {"4 bits", 18, 0, 4, true}, {"3 bits", 18, 0, 3, false},
}

// seeds of independent sets: the draws, and the exact samples they are held against.
const seed, floorReps = 1, 8

func main() {
	log.SetFlags(0)
	scale := flag.Float64("n", 1, "samples, as a multiple of the default numbers")
	out := flag.String("out", "", "folder for the figures; none if empty")
	flag.Parse()
	fmt.Print("Sliced W2 of samples of exact PFGM++ models, Heun's method on the grid of EDM (σ from 80 to 0.002),\n" +
		"against exact samples. The last column is W2 between two exact samples, with its standard deviation.\n" +
		"Xu et al. (2023) find networks of smaller D more robust; the lines below each table say where exact models are.\n")
	for _, t := range []struct {
		name   string
		target density.Target
		n      int
	}{
		{"ring8", density.Ring(8, 4, 0.3), 10000},
		{"checkerboard", density.NewCheckerboard(4, 2), 1500},
		{"mixture in 64 dimensions", mixture64(), 3000},
	} {
		if err := report(t.name, t.target, int(float64(t.n)**scale), *out); err != nil {
			log.Fatal(err)
		}
	}
}

// mixture64 has ten Gaussians of standard deviation 0.5 with normal means.
func mixture64() density.Target {
	const k, d = 10, 64
	means, stds := make([]float64, k*d), make([]float64, k)
	stream.New().Normals(means, seed, stream.Test, 64, 0)
	for i := range stds {
		stds[i] = 0.5
	}
	m, err := density.NewIsotropicMixture(nil, means, stds, d)
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// report measures one target.
func report(name string, target density.Target, n int, out string) error {
	dim := target.Dim()
	exact := density.Sample(target, n, seed, 0, 0)
	floor, err := metric.Floor([]metric.Metric{{Name: "sliced W2", Compute: metric.SlicedW2}}, func(dst []float64, i uint64) {
		copy(dst, density.Sample(target, n, seed, i+1, 0))
	}, n, dim, floorReps, metric.Options{})
	if err != nil {
		return err
	}
	fmt.Printf("\n### %s, %d samples\n\n| disturbance |", name, n)
	for _, d := range dims {
		fmt.Printf(" D=%s |", label(d))
	}
	fmt.Printf(" exact |\n|---|%s\n", strings.Repeat("---|", len(dims)+1))
	table := make([][]float64, len(settings))
	for i, s := range settings {
		fmt.Printf("| %s |", s.name)
		for _, d := range dims {
			v, err := measure(target, s, d, exact)
			if err != nil {
				return fmt.Errorf("%s, %s, D=%s: %w", name, s.name, label(d), err)
			}
			table[i] = append(table[i], v)
			fmt.Printf(" %.3f |", v)
		}
		fmt.Printf(" %.3f ± %.3f |\n", floor[0].Mean, floor[0].SD)
	}
	verdict(table, floor[0].SD)
	if out == "" {
		return nil
	}
	return draw(name, table, floor[0]).Figure().Save(filepath.Join(out, "pfgm-"+strings.Fields(name)[0]+".png"))
}

// measure draws under a disturbance and returns the sliced W2 to the exact samples.
func measure(target density.Target, s setting, d float64, exact []float64) (float64, error) {
	p, dim := interpolant.EDM{}, target.Dim()
	_, t1 := p.Span()
	run := score.Sampler{
		// The Gaussian prior by the same recipe: all D start from the same directions.
		Path: p, Model: target, Base: pfgm.Prior(p, 0, 1e12), Seed: seed,
		Grid:   interpolant.KarrasGrid(p, 7, 0, t1, s.steps),
		Solver: score.ODE(pfgm.Jitter{Method: ode.Heun, Alpha: s.alpha, Seed: seed}),
	}
	if !math.IsInf(d, 1) {
		run.Model, run.Base = pfgm.New(target, d, 1e-4), pfgm.Prior(p, 0, d) // the floor is 1e-2 and more
	}
	if s.bits > 0 {
		run.Model = &pfgm.Quantized{Model: run.Model, Bits: s.bits, Lo: floats.Min(exact), Hi: floats.Max(exact)}
	}
	x, _, err := run.Draw(context.Background(), len(exact)/dim, nil)
	if err != nil {
		return 0, err
	}
	v, err := metric.SlicedW2(x, exact, dim, metric.Options{})
	return v.Value, err
}

// verdict says which D bears each disturbance best and whether it differs from D = ∞ by more
// than chance.
func verdict(table [][]float64, sd float64) {
	fmt.Println()
	for i, row := range table {
		best, last := floats.MinIdx(row), len(row)-1
		switch gain := row[last] - row[best]; {
		case gain > 3*sd:
			fmt.Printf("- %s: D=%s is better than D=∞ by %.3f (%.0f standard deviations).\n", settings[i].name, label(dims[best]), gain, gain/sd)
		case slices.Max(row)-row[last] > 3*sd:
			worst := floats.MaxIdx(row)
			fmt.Printf("- %s: no D is better than D=∞ beyond chance; D=%s is worse by %.3f.\n", settings[i].name, label(dims[worst]), row[worst]-row[last])
		default:
			fmt.Printf("- %s: all D are equal to within chance.\n", settings[i].name)
		}
	}
}

// infinity is where the figure shows D = ∞.
const infinity = 1 << 15

func draw(name string, table [][]float64, floor metric.FloorValue) figure.Curves {
	c := figure.Curves{
		Title: "PFGM++ under disturbance: " + name, Caption: "exact models, Heun's method, 18 steps where not said",
		XLabel: fmt.Sprintf("D (∞ at %d)", infinity), YLabel: "sliced W2",
		Floor: floor.Mean, FloorLo: floor.Mean - floor.SD, FloorHi: floor.Mean + floor.SD,
	}
	for i, s := range settings {
		if !s.figure {
			continue
		}
		x := slices.Clone(dims)
		x[len(x)-1] = infinity
		c.Series = append(c.Series, figure.Series{Name: s.name, X: x, Y: table[i]})
	}
	return c
}

func label(d float64) string {
	if math.IsInf(d, 1) {
		return "∞"
	}
	return fmt.Sprintf("%g", d)
}
