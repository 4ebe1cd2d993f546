// Pfgm draws a ring of eight by PFGM++ at several D, from Student-t starts with the exact
// denoiser, and writes pfgm.png.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

func main() {
	const n = 3000
	target := density.Ring(8, 4, 0.3)
	path := interpolant.EDM{SigmaMin: 0.0005}
	t0, t1 := path.Span()
	exact := density.Sample(target, n, 1, 0, 0)
	gallery := figure.Gallery{D: 2, Caption: "PFGM++, Heun on Karras' grid, 18 steps; the number is sliced W2", Truth: figure.Truth{Exact: exact}}
	for _, d := range []float64{1, 2, 8, 128, 2048} {
		s := score.Sampler{
			Path:   path,
			Model:  pfgm.New(target, d, 1e-6), // exact for any target, by a quadrature over the noise
			Base:   pfgm.Prior(path, t0, d),   // Student's t, not a Gaussian
			Solver: score.ODE(ode.EDMHeun{}),
			Grid:   interpolant.KarrasGrid(path, 7, t0, t1, 18),
			Seed:   1,
		}
		x, _, err := s.Draw(context.Background(), n, nil)
		if err != nil {
			log.Fatal(err)
		}
		w2, err := metric.SlicedW2(x, exact, 2, metric.Options{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("D = %g: sliced W2 %.3g\n", d, w2.Value)
		gallery.Sheets = append(gallery.Sheets, figure.Sheet{Title: fmt.Sprintf("D = %g", d), Note: fmt.Sprintf("%.3g", w2.Value), X: x})
	}
	if err := gallery.Figure().Save("pfgm.png"); err != nil {
		log.Fatal(err)
	}
}
