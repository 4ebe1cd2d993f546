package tweedie_test

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/tweedie"
)

// Between two modes the noise hides which one a point comes from: the posterior is wide
// across, and as wide as a mode along.
func ExampleOf() {
	modes, err := density.NewIsotropicMixture(nil, []float64{-1, 0, 1, 0}, []float64{0.2}, 2)
	if err != nil {
		panic(err)
	}
	p := tweedie.Of(modes)
	variance := make([]float64, 2)
	p.Diagonal(variance, []float64{0, 0}, 1, 0.5)
	fmt.Printf("standard deviations %.2f %.2f\n", math.Sqrt(variance[0]), math.Sqrt(variance[1]))
	// Output:
	// standard deviations 0.88 0.19
}
