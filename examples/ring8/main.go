// Ring8 draws samples of eight Gaussians on a ring through the library and writes the
// figure ring8.png.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

func main() {
	const n = 20_000
	target := density.Ring(8, 4, 0.3) // the target is its own exact model
	path := interpolant.CondOT{}      // x_t = t x₁ + (1-t) z
	t0, t1 := path.Span()
	s := score.Sampler{
		Path:   path,
		Model:  target,
		Solver: score.ODE(ode.Heun),
		Grid:   interpolant.UniformGrid(t0, t1, 40),
		Seed:   1,
	}
	x, res, err := s.Draw(context.Background(), n, nil)
	if err != nil {
		log.Fatal(err)
	}
	exact := density.Sample(target, n, 1, 0, 0)
	w2, err := metric.SlicedW2(x, exact, 2, metric.Options{})
	if err != nil {
		log.Fatal(err)
	}
	caption := fmt.Sprintf("Heun, %g evaluations, sliced W2 %.3g", res.NFE(), w2.Value)
	fmt.Println(caption)
	fig := figure.Samples{Title: "ring8", Caption: caption, D: 2, X: x, Truth: figure.Truth{Exact: exact}}.Figure()
	if err := fig.Save("ring8.png"); err != nil {
		log.Fatal(err)
	}
}
