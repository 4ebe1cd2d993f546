package sde_test

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/sde"
)

// An Ornstein-Uhlenbeck process, dX = -X dt + √2 dW, forgets its start and ends with
// variance 1.
func ExampleSolve() {
	p := sde.Func{
		D: 1,
		F: func(dst, x []float64, t float64) {
			for i := range x {
				dst[i] = -x[i]
			}
		},
		G: func(t float64) float64 { return math.Sqrt2 },
	}
	const n = 20000
	x := make([]float64, n)
	grid := make([]float64, 41)
	for k := range grid {
		grid[k] = 4 * float64(k) / 40
	}
	res, err := sde.Solve(context.Background(), p, x, grid, sde.SRA1, sde.Independent{Seed: 1}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	variance := 0.0
	for _, v := range x {
		variance += v * v / n
	}
	fmt.Printf("%v evaluations a point, variance %.1f\n", res.NFE(), variance)
	// Output: 80 evaluations a point, variance 1.0
}

// Geometric Brownian motion, dX = X/2 dt + X dW, is X(1) = exp(W(1)) on every path; a
// Brownian tree shows that path to any grid.
func ExampleSolveDiagonal() {
	p := sde.DiagonalFunc{
		D: 1,
		F: func(dst, x []float64, t float64) {
			for i := range x {
				dst[i] = x[i] / 2
			}
		},
		G: func(dst, x []float64, t float64) { copy(dst, x) },
	}
	tree := sde.Tree{Seed: 3}
	for _, steps := range []int{10, 100, 1000} {
		x := []float64{1}
		grid := make([]float64, steps+1)
		for k := range grid {
			grid[k] = float64(k) / float64(steps)
		}
		if _, err := sde.SolveDiagonal(context.Background(), p, x, grid, sde.SRIW1, tree, nil); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%4d steps: %.3f\n", steps, x[0])
	}
	noise := tree.NewNoise(1, 1)
	noise.Begin(0, 1)
	w := make([]float64, 1)
	noise.Increment(w, 0, 1)
	fmt.Printf("exp(W(1)):  %.3f\n", math.Exp(w[0]))
	// Output:
	//   10 steps: 2.200
	//  100 steps: 2.187
	// 1000 steps: 2.186
	// exp(W(1)):  2.186
}

// A tree's increments over the parts of an interval add up to the increment over the
// whole.
func ExampleTree() {
	noise := sde.Tree{Seed: 1, T0: 0, T1: 10}.NewNoise(1, 1)
	noise.Begin(0, 1)
	w := make([]float64, 1)
	sum := 0.0
	for t := range 10 {
		noise.Increment(w, float64(t), float64(t+1))
		sum += w[0]
	}
	noise.Increment(w, 0, 10)
	fmt.Println(math.Abs(sum-w[0]) < 1e-14)
	// Output: true
}
