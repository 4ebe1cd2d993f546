// Package sde integrates stochastic differential equations for many points at once.
//
//	dX = f(t, X) dt + g(t) dW              additive noise (Process)
//	dX = f(t, X) dt + diag(g(t, X)) dW     diagonal noise (DiagonalProcess), Itô
//
// W is a d-dimensional Brownian motion, independent for each point. Points are
// flat as in package ode: x holds n points of dimension d one after another.
// Time may run in either direction; dt is then negative and dW has the variance
// |dt|.
//
// # Parts
//
// A Process is the equation. A Method is immutable options and makes a stepper for
// each goroutine; ode.March drives it. The Brownian motion is not drawn by the
// step but queried by interval from a Noise: either independent increments
// addressed by (seed, sample, step), or a Brownian tree, on which a coarse and a
// fine grid, or a rejected step and its repetition, see one and the same path.
//
// The samplers of diffusion models (ddpm, SDE-DPM-Solver++, SEEDS, ER-SDE, SA-Solver and
// others) integrate the linear part of a Semilinear process exactly. Records lists every
// method with its claims.
package sde

import "github.com/seed-dea4846a/sampler/ode"

// A Process is dX = f(t, X) dt + g(t) dW with noise that does not depend on the
// state.
//
// Drift writes f(t, x) into dst under the rules of ode.Field: it does not change
// or keep x, is safe for concurrent use, and treats each point by itself.
// Diffusion returns g(t) ≥ 0.
type Process interface {
	Dim() int
	Drift(dst, x []float64, t float64)
	Diffusion(t float64) float64
}

// A DiagonalProcess is dX = f(t, X) dt + diag(g(t, X)) dW in the sense of Itô,
// where the i-th noise coefficient depends on the i-th coordinate.
type DiagonalProcess interface {
	Dim() int
	Drift(dst, x []float64, t float64)
	// DiffusionDiag writes g(t, x), coordinate by coordinate, into dst.
	DiffusionDiag(dst, x []float64, t float64)
}

// A DiagonalDeriver is a DiagonalProcess that knows ∂g_i/∂x_i, as Milstein's
// scheme needs.
type DiagonalDeriver interface {
	DiagonalProcess
	// DiffusionDeriv writes ∂g_i/∂x_i(t, x) into dst.
	DiffusionDeriv(dst, x []float64, t float64)
}

// A Noise is the Brownian motion of one group of rows, queried by interval. It
// belongs to one goroutine and allocates nothing in a query.
type Noise interface {
	// Begin addresses the noise of the points first, first+1, … first+rows-1.
	Begin(first, rows int)
	// Increment fills dw, rows × d values, with W(t1) - W(t0).
	Increment(dw []float64, t0, t1 float64)
	// IncrementArea fills dw likewise and dz with the time integral
	// I₁₀ = ∫ (W(s) - W(t0)) ds over s from t0 to t1, of variance |t1-t0|³/3 and
	// covariance (t1-t0)²/2 · sign(t1-t0) with dw.
	IncrementArea(dw, dz []float64, t0, t1 float64)
}

// A NoiseSource makes the Noise of one goroutine, for points of dimension dim and
// at most rows points in a group.
type NoiseSource interface {
	NewNoise(dim, rows int) Noise
}

// A Method is a fixed-step scheme for processes with additive noise.
type Method interface {
	Name() string
	StrongOrder() float64 // for additive noise
	WeakOrder() float64   // for additive noise
	NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper
}

// A DiagonalMethod is a fixed-step scheme for processes with diagonal noise.
type DiagonalMethod interface {
	Name() string
	StrongOrder() float64
	WeakOrder() float64
	NewDiagonalStepper(p DiagonalProcess, noise NoiseSource, rows int) ode.Stepper
}
