package sde

import (
	"context"

	"github.com/seed-dea4846a/sampler/ode"
)

// Solve advances x, in place, along the process from grid[0] to the last time of the
// grid with one step of the method for each interval. A nil noise means Independent{}.
// The sample at row r of x has the noise of sample Settings.First + r, whatever the
// settings. Errors are those of ode.March.
func Solve(ctx context.Context, p Process, x, grid []float64, m Method, noise NoiseSource, s *ode.Settings) (ode.Result, error) {
	if p == nil || m == nil {
		panic("sde: nil process or method")
	}
	m.NewStepper(p, noise, 1) // a misfit panics here rather than on another goroutine
	res, err := ode.March(ctx, x, p.Dim(), grid, func(rows int) ode.Stepper { return m.NewStepper(p, noise, rows) }, s)
	return res, ode.WithModelError(err, p)
}

// SolveDiagonal is Solve for diagonal noise. Without a process of its own, a diagonal
// method solves additive noise through Diagonal.
func SolveDiagonal(ctx context.Context, p DiagonalProcess, x, grid []float64, m DiagonalMethod, noise NoiseSource, s *ode.Settings) (ode.Result, error) {
	if p == nil || m == nil {
		panic("sde: nil process or method")
	}
	m.NewDiagonalStepper(p, noise, 1)
	res, err := ode.March(ctx, x, p.Dim(), grid, func(rows int) ode.Stepper { return m.NewDiagonalStepper(p, noise, rows) }, s)
	return res, ode.WithModelError(err, p)
}
