package pfgm_test

import (
	"context"
	"fmt"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A model of PFGM++ runs under any deterministic sampler, with the Student-t prior as base.
func Example() {
	target, path := density.Ring(8, 4, 0.3), interpolant.EDM{}
	_, end := path.Span()
	s := score.Sampler{
		Path:   path,
		Model:  pfgm.New(target, 128, 0),
		Base:   pfgm.Prior(path, 0, 128),
		Solver: score.ODE(ode.Heun),
		Grid:   interpolant.KarrasGrid(path, 7, 0, end, 18),
	}
	x, res, err := s.Draw(context.Background(), 1000, nil)
	if err != nil {
		panic(err)
	}
	w, err := metric.SlicedW2(x, density.Sample(target, 1000, 0, 1, 0), 2, metric.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%g evaluations, sliced W2 below 0.4: %v\n", res.NFE(), w.Value < 0.4)
	// Output: 35 evaluations, sliced W2 below 0.4: true
}
