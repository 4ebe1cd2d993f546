package interpolant_test

import (
	"context"
	"fmt"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
)

// The Schrödinger bridge between two Gaussians, found among interpolants and in closed form.
func ExampleSchrodingerProblem_Fit() {
	const eps = 0.5
	bridge, err := interpolant.NewGaussianSchrodinger([]float64{0}, []float64{1}, []float64{2}, []float64{0.25}, eps)
	if err != nil {
		panic(err)
	}
	source, _ := density.Gaussian([]float64{0}, []float64{1})
	target, _ := density.Gaussian([]float64{2}, []float64{0.25})
	problem, err := interpolant.NewSchrodingerProblem(source, target, eps, nil)
	if err != nil {
		panic(err)
	}
	fit, err := problem.Fit(context.Background(), 3)
	if err != nil {
		panic(err)
	}
	fmt.Printf("energy: %.4f before, %.4f after, %.4f at least\n", fit.Start, fit.Energy, bridge.Energy())
	mean, variance := make([]float64, 1), make([]float64, 1)
	bridge.Moments(mean, variance, 0.5)
	c := fit.Path.At(0.5)
	fmt.Printf("variance half way: %.3f, want %.3f\n", c.Alpha*c.Alpha+c.Beta*c.Beta/4+c.Gamma*c.Gamma, variance[0])
	// Output:
	// energy: 2.7216 before, 2.7052 after, 2.7052 at least
	// variance half way: 0.666, want 0.666
}
