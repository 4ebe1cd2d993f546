package train

import (
	"math"

	"github.com/seed-dea4846a/sampler/score/nn"
)

// A Recipe is all that a model is trained with, but for the data.
type Recipe struct {
	Spec      nn.Spec
	Precond   nn.Precond
	Objective Objective
	Settings  Settings
}

// DefaultRecipe returns the recipe for data in the plane, and for other low dimensions, of
// the standard deviation std (DataStd): EDM's preconditioning and weights, noise levels about
// a third of std and a residual network of 38,000 weights that is told the noise as one number.
// (With sinusoidal features of it as well, which outnumber the coordinates, the loss stays on a
// plateau for the first thousand steps, and the network is wild beyond the trained levels.)
//
// docs/LEARNED.md has what it comes to on ring8, moons and checkerboard: samples at the noise
// floor, and likelihoods 0.01 nats off on the first two, in half a minute of one core.
func DefaultRecipe(dim int, std float64) Recipe {
	const steps, mean, width = 8000, -1.0, 1.4 // of ln(σ/std)
	p := nn.Precond{Kind: nn.EDM, DataStd: std, MinNoise: std * math.Exp(mean-3*width), MaxNoise: std * math.Exp(mean+3*width)}
	return Recipe{
		Spec:      nn.Spec{Kind: "mlp", Dim: dim, Hidden: 96, Depth: 2, Residual: true},
		Precond:   p,
		Objective: &Denoising{Precond: p, Levels: LogNormal{Mean: math.Log(std) + mean, Std: width}},
		Settings: Settings{
			Steps: steps, Batch: 1024, EMA: 0.999,
			Rate: nn.Schedule{Kind: "cosine", Rate: 2e-3, Warmup: 200, Total: steps, Final: 0.01},
		},
	}
}
