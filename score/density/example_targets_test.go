package density_test

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/score/density"
)

// A point in the middle of a dark square, seen through much noise and through little.
func ExampleNewCheckerboard() {
	board := density.NewCheckerboard(4, 2)
	x, d := []float64{0.9, 1}, make([]float64, 2)
	for _, sigma := range []float64{10, 0.1} {
		board.Denoise(d, x, 1, sigma)
		fmt.Printf("%.3f\n", d)
	}
	// Output:
	// [0.038 0.044]
	// [-0.011 1.000]
}

func ExampleNewImage() {
	// The lower right pixel is three times as bright as the upper left one.
	image, err := density.NewImage([]float64{
		1, 0,
		0, 3,
	}, 2, 2)
	if err != nil {
		panic(err)
	}
	mean := make([]float64, 2)
	image.Mean(mean)
	fmt.Println(mean)
	// Output:
	// [1 -1]
}

// The denoiser of a ring points to the ring, from within as from without.
func ExampleNewSpheres() {
	ring, err := density.NewSpheres(nil, []float64{2}, 2)
	if err != nil {
		panic(err)
	}
	x := []float64{0.5, 0, 0, -3}
	d := make([]float64, 4)
	ring.Denoise(d, x, 1, 0.3)
	fmt.Printf("%.3f\n", d)
	// Output:
	// [1.908 0.000 0.000 -1.985]
}

func ExampleNewBoxes() {
	// Two intervals, [0, 1] three times as likely as [4, 6].
	b, err := density.NewBoxes([]float64{3, 1}, []float64{0, 4}, []float64{1, 6}, 1)
	if err != nil {
		panic(err)
	}
	p := make([]float64, 3)
	b.CleanLogProb(p, []float64{0.5, 5, 2})
	fmt.Printf("%.4f\n", p)
	// Output:
	// [-0.2877 -2.0794 -Inf]
}

// The law of a Student t variable keeps its tail under noise: twice as far out, the
// score is half as large.
func ExampleNewStudentT() {
	t := density.NewStudentT(1, 3, 1)
	s := make([]float64, 2)
	t.Score(s, []float64{1e4, 2e4}, 1, 1)
	fmt.Printf("%.3e\n", s)
	// Output:
	// [-4.000e-04 -2.000e-04]
}

func ExampleNewLaplace() {
	l := density.NewLaplace(1, 1)
	p := make([]float64, 1)
	l.CleanLogProb(p, []float64{3})
	fmt.Printf("%.4f\n", p[0])
	// Output:
	// -3.6931
}

// In the funnel's neck the denoiser knows that the second coordinate is tiny.
func ExampleNewFunnel() {
	f := density.NewFunnel(2)
	d := make([]float64, 4)
	f.Denoise(d, []float64{-8, 0.5, 3, 0.5}, 1, 0.5)
	fmt.Printf("%.3f\n", d)
	// Output:
	// [-7.784 0.001 2.801 0.492]
}
