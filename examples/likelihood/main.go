// Likelihood computes the log-likelihood of points of the 25-mode mixture by the
// probability flow at several tolerances and holds it against the closed form; it
// writes the figure likelihood.png.
package main

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

func main() {
	target := density.Grid(5, 2, 0.1)
	x := density.Sample(target, 200, 1, 0, 0)
	want := make([]float64, 200)
	target.CleanLogProb(want, x)

	var series []figure.Series
	for _, pair := range []*ode.Tableau{ode.BogackiShampine32, ode.DormandPrince54, ode.Tsitouras54, ode.DormandPrince853} {
		s := figure.Series{Name: pair.Name()}
		for _, rtol := range []float64{1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8} {
			l := score.Likelihood{
				Path: interpolant.CondOT{}, Model: target,
				Solver: ode.Adaptive{Tableau: pair, RTol: rtol, ATol: rtol},
			}
			logp, _, res, err := l.LogProb(context.Background(), x, nil)
			if err != nil {
				log.Fatal(err)
			}
			worst := 0.0
			for i := range logp {
				worst = max(worst, math.Abs(logp[i]-want[i]))
			}
			fmt.Printf("%-8s rtol %.0e: %7.1f evaluations, largest error %.2e nats\n", pair.Name(), rtol, res.NFE(), worst)
			s.X, s.Y = append(s.X, res.NFE()), append(s.Y, worst)
		}
		series = append(series, s)
	}
	fig := figure.Curves{
		Title: "log-likelihood of grid25 by the flow", Caption: "200 points, exact divergence, straight path",
		XLabel: "evaluations of the denoiser a point", YLabel: "largest error, nats", Series: series,
	}.Figure()
	if err := fig.Save("likelihood.png"); err != nil {
		log.Fatal(err)
	}
}
