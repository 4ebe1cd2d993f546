package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score/density"
)

// plane are the problems in the plane, each one measurement, a coordinate or a sum.
var plane = []struct {
	name, text string
	row        []float64
	y, noise   float64
	prior      func() (weights, means, stds []float64)
}{
	{"ring", "8 Gaussians on a ring; y = x + 0.2 y' + noise 0.5", []float64{1, 0.2}, 2.4, 0.5, ofTarget(density.Ring(8, 4, 0.3))},
	{"grid", "25 Gaussians on a lattice; y = (x + y')/√2 + noise 0.3", []float64{math.Sqrt2 / 2, math.Sqrt2 / 2}, 1.2, 0.3, ofTarget(density.Grid(5, 2, 0.2))},
	{"spiral", "120 Gaussians along a spiral; y = x + noise 0.2", []float64{1, 0}, 0.8, 0.2, spiral},
}

const (
	planeDraws  = 2000
	planeBudget = 100
)

func ofTarget(m *density.Mixture) func() (weights, means, stds []float64) {
	return func() (weights, means, stds []float64) {
		weights, means, stds, _ = m.Isotropic()
		return weights, means, stds
	}
}

// spiral winds twice; equal weights at equal steps of arc length, nearly.
func spiral() (weights, means, stds []float64) {
	const k = 120
	for i := range k {
		a := 4 * math.Pi * math.Sqrt((float64(i)+0.5)/k)
		means = append(means, a/3*math.Cos(a), a/3*math.Sin(a))
		weights = append(weights, 1)
	}
	return weights, means, []float64{0.15}
}

func planeProblem(i int) (*problem, error) {
	c := plane[i]
	weights, means, stds := c.prior()
	q, err := newProblem(c.name, i, linop.Spectral(newRow(c.row...)), []float64{c.y}, c.noise, weights, means, stds, interpolant.LinearBetas(1000, 1e-4, 0.02), planeDraws)
	if err != nil {
		return nil, err
	}
	q.even = true
	return q, nil
}

// shorter makes names fit over a panel.
var shorter = strings.NewReplacer("exact denoiser, DDIM", "exact denoiser", "covariance-twisted SMC", "cov. SMC", " particles", "",
	", 1 iteration", " (1)", ", r² of the data", ", S", " gain, DDIM", " gain", ", ζ = 1", "", ", no reduction", "", ", 5 draws", "")

// gallery draws all methods on the problems in the plane, writes their sliced W2 and saves
// the pictures. It draws anew on each run, which takes seconds.
func (s *settings) gallery(ctx context.Context, w io.Writer) error {
	rows := make([][]string, len(methods))
	for i := range plane {
		q, err := planeProblem(i)
		if err != nil {
			return err
		}
		g := figure.Gallery{
			Title: "Posterior samples: " + q.name, Caption: plane[i].text + fmt.Sprintf("; %d evaluations, %d draws; sliced W2 at the right", planeBudget, planeDraws),
			D: 2, Cols: 7, Truth: figure.Truth{Exact: q.truth, LogDensity: q.post.CleanLogProb},
		}
		for k, me := range methods {
			c := cell{D: 2, M: 1, I: i, Method: me.name, Budget: planeBudget, N: planeDraws}
			x, _, err := me.draw(ctx, q, planeDraws, planeBudget)
			if err == nil && !finite(x) {
				err = fmt.Errorf("values that are not finite")
			}
			if err == nil {
				x = thin(x, 2, planeDraws)
				err = c.measure(q, x)
			}
			if err != nil {
				rows[k] = append(rows[k], "failed", "")
				continue
			}
			rows[k] = append(rows[k], number(c.SW2), number(c.Region))
			g.Sheets = append(g.Sheets, figure.Sheet{Title: shorter.Replace(me.name), Note: number(c.SW2), X: x})
		}
		if err := g.Figure().Save(filepath.Join(s.out, "img", "posterior-"+q.name+".png")); err != nil {
			return err
		}
	}
	fmt.Fprint(w, "| method |")
	for _, c := range plane {
		fmt.Fprintf(w, " %s: sliced W2 | in the region |", c.name)
	}
	fmt.Fprint(w, "\n|---|---|---|---|---|---|---|\n")
	for k, me := range methods {
		fmt.Fprintf(w, "| %s |", me.name)
		for _, v := range rows[k] {
			fmt.Fprintf(w, " %s |", v)
		}
		fmt.Fprintln(w)
	}
	return nil
}
