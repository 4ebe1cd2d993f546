package figure_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/figure"
)

func ExampleSamples() {
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 2*10_000)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	f := figure.Samples{
		Title:   "gauss · vp",
		Caption: "heun, 40 steps (79 NFE)",
		D:       2,
		X:       x,
		Truth: figure.Truth{LogDensity: func(dst, x []float64) {
			for i := range dst {
				dst[i] = -(x[2*i]*x[2*i]+x[2*i+1]*x[2*i+1])/2 - 1.8378770664093453 // log 2π
			}
		}},
	}.Figure()
	b, err := f.PNG()
	fmt.Println(len(b) > 0, err)
	fmt.Println(f.Save("figure.pdf"))
	// Output:
	// true <nil>
	// figure.pdf: figures are written as png or svg, not "pdf"
}

func ExampleCurves() {
	s, err := figure.Curves{
		Title:  "ring8 · vp",
		YLabel: "sliced W2",
		Floor:  0.01,
		Series: []figure.Series{
			{Name: "heun", X: []float64{10, 20, 40}, Y: []float64{0.3, 0.07, 0.02}},
			{Name: "em", X: []float64{10, 20, 40}, Y: []float64{0.5, 0.3, 0.15}, Stochastic: true},
		},
	}.Figure().SVG()
	fmt.Println(s[:21], err)
	// Output: <?xml version="1.0"?> <nil>
}
