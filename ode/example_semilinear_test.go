package ode_test

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// normal is the flow from noise to N(2, 0.25) on the path x = t x₁ + (1-t) z.
type normal struct{}

func (normal) Dim() int                       { return 1 }
func (normal) Noise(t float64) (α, σ float64) { return t, 1 - t }
func (normal) Time(logSNR float64) float64    { return 1 / (1 + math.Exp(-logSNR)) }
func (n normal) Eval(dst, x []float64, t float64) {
	n.Denoise(dst, x, t, 1-t)
	for i, d := range dst {
		dst[i] = (d - x[i]) / (1 - t)
	}
}
func (normal) Denoise(dst, x []float64, α, σ float64) {
	for i, x := range x {
		dst[i] = (0.25*α*x + σ*σ*2) / (0.25*α*α + σ*σ)
	}
}

// The quantiles of noise become those of the target. The grid starts without signal, where
// the first step is DDIM's, and goes on evenly in λ = log(α/σ).
func ExampleSemilinear() {
	x := []float64{-1.5, 0, 1.5}
	grid := []float64{0}
	for λ := -4.0; λ <= 4; λ++ {
		grid = append(grid, normal{}.Time(λ))
	}
	res, err := ode.Solve(context.Background(), normal{}, x, grid, ode.RES{Stages: 3}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	α, σ := normal{}.Noise(grid[len(grid)-1])
	for i, z := range []float64{-1.5, 0, 1.5} {
		fmt.Printf("%.2f, exactly %.2f\n", x[i], 2*α+z*math.Sqrt(0.25*α*α+σ*σ))
	}
	fmt.Println(res.NFE(), "evaluations a point")
	// Output:
	// 1.23, exactly 1.23
	// 1.96, exactly 1.96
	// 2.70, exactly 2.70
	// 25 evaluations a point
}
