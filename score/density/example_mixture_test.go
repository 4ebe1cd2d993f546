package density_test

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/score/density"
)

func ExampleNewMixture() {
	m, err := density.NewMixture(
		[]float64{1, 3},                       // weights, of any sum
		[]float64{-2, 0, 2, 0},                // means
		[]float64{1, 0.5, 0.5, 1, 1, 0, 0, 1}, // covariances
		2)
	if err != nil {
		fmt.Println(err)
		return
	}
	mean := make([]float64, 2)
	m.Mean(mean)
	d := make([]float64, 2)
	m.Denoise(d, []float64{0, 1}, 1, 0.5)
	fmt.Printf("mean %.3f, E[x₁|x] %.3f\n", mean, d)
	// Output:
	// mean [1.000 0.000], E[x₁|x] [0.129 0.853]
}

func ExampleRing() {
	ring8 := density.Ring(8, 4, 0.3)
	d := make([]float64, 4)
	ring8.Denoise(d, []float64{3, 0.5, 0, 5}, 1, 1) // two points, noise 1
	fmt.Printf("%.3f\n", d)
	// Output:
	// [3.772 0.344 0.000 4.073]
}

func ExampleNewPoints() {
	p, err := density.NewPoints([]float64{0, 0, 1, 0, 0, 1}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	d := make([]float64, 2)
	p.Denoise(d, []float64{0.9, 0.2}, 1, 0.3)
	fmt.Printf("%.3f\n", d)
	// Output:
	// [0.988 0.000]
}

func ExampleMoons() {
	moons := density.Moons(0.1)
	x := []float64{-1, 1.4, 1, -1.5}
	logp := make([]float64, 2)
	moons.CleanLogProb(logp, x)
	fmt.Printf("%.2f\n", logp)
	// Output:
	// [-1.62 -1.15]
}

func ExampleSmooth() {
	p, err := density.NewPoints([]float64{-1, 1}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := density.Smooth(p, 0.5) // ½N(-1, 0.25) + ½N(1, 0.25)
	logp := make([]float64, 1)
	s.LogProb(logp, []float64{0}, 1, 0.5)
	fmt.Printf("%.4f\n", logp)
	// Output:
	// [-1.5724]
}
