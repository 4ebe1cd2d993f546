package train_test

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// A small denoiser of three modes, and how far its score is from the exact one.
func Example() {
	target := density.Ring(3, 1, 0.3)
	r := train.DefaultRecipe(2, 0.75)
	r.Spec.Hidden, r.Spec.Depth = 24, 1
	r.Settings.Steps, r.Settings.Batch = 400, 128
	r.Settings.Rate = nn.Schedule{Kind: "cosine", Rate: 0.01, Total: 400}
	r.Settings.EMA = 0.98
	m, err := nn.NewModel(r.Spec, r.Precond, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	path := interpolant.EDM{SigmaMax: 10}
	at := []float64{path.Time(math.Log(2))} // σ = ½
	before, err := train.ScoreError(context.Background(), m, target, path, at, 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := train.Run(context.Background(), m, r.Objective, train.Target{Target: target}, r.Settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := train.ScoreError(context.Background(), m, target, path, at, 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Status, res.Steps, "steps")
	fmt.Println("a third of the error at most:", after[0].Mean < before[0].Mean/3)
	// Output:
	// done 400 steps
	// a third of the error at most: true
}
