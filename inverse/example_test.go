package inverse_test

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// The sum of two coordinates is measured, the prior is a ring of modes.
func Example() {
	prior := density.Ring(8, 2, 0.4)
	a := linop.NewMatrix(mat.NewDense(1, 2, []float64{1, 1}))
	p, err := inverse.New(a, []float64{2.5}, 0.3)
	if err != nil {
		panic(err)
	}
	c, err := inverse.NewConditional(p, prior, inverse.MMPS(1))
	if err != nil {
		panic(err)
	}
	path := interpolant.EDM{}
	t0, t1 := path.Span()
	s := score.Sampler{Path: path, Model: c, Grid: interpolant.LogSNRGrid(path, t0, t1, 50), Solver: score.SDE(sde.DDIM, 1, false), Seed: 1}
	x, res, err := s.Draw(context.Background(), 4000, nil)
	if err != nil {
		panic(err)
	}
	post, err := inverse.MixturePosterior(p, prior)
	if err != nil {
		panic(err)
	}
	truth := make([]float64, 2)
	post.Mean(truth)
	first := make([]float64, 4000)
	for i := range first {
		first[i] = x[2*i]
	}
	fmt.Printf("NFE %.0f, mean %.1f, exact %.1f\n", res.NFE(), stat.Mean(first, nil), truth[0])
	// Output:
	// NFE 50, mean 1.2, exact 1.2
}
