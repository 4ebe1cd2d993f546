package density_test

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/score/density"
)

// Directions in 512 dimensions, drawn and fitted.
func ExampleFitVMF() {
	const dim, n = 512, 2000
	mu := make([]float64, dim)
	mu[0] = 1
	law, err := density.NewVMF(nil, mu, []float64{800}, dim)
	if err != nil {
		panic(err)
	}
	x := density.Sample(law, n, 1, 0, 1)
	mean, kappa, err := density.FitVMF(x, dim)
	if err != nil {
		panic(err)
	}
	fmt.Printf("μ̂·μ = %.2f, κ̂/κ = %.2f\n", mean[0], kappa/800)
	// Output:
	// μ̂·μ = 1.00, κ̂/κ = 1.00
}
