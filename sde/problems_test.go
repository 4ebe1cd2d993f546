package sde_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

var additiveMethods = []sde.Method{
	sde.EulerMaruyama{}, sde.Heun{}, sde.Milstein{},
	sde.SRA1, sde.SRA2, sde.SRA3, sde.SRIW1, sde.SRID2,
}

var diagonalMethods = []sde.DiagonalMethod{
	sde.EulerMaruyamaDiagonal{}, sde.Milstein{}, sde.SRIW1, sde.SRID2,
}

// swirl is a coupled, nonlinear, time-dependent process in two dimensions.
var swirl = sde.Func{
	D: 2,
	F: func(dst, x []float64, t float64) {
		for i := 0; i < len(x); i += 2 {
			dst[i] = math.Sin(2*x[i+1]) - x[i]
			dst[i+1] = math.Cos(2*x[i]) - x[i+1]/2 + t
		}
	},
	G: func(t float64) float64 { return 0.7 + 0.5*math.Sin(4*t) },
}

// gbm is geometric Brownian motion, dX = a X dt + b X dW. From time s to t
//
//	X(t) = X(s) exp(a(t-s) - ½b²|t-s| + b(W(t) - W(s))),
//
// the Itô term having the sign of the direction in which the equation is solved.
type gbm struct{ a, b float64 }

func (p gbm) Dim() int { return 1 }
func (p gbm) Drift(dst, x []float64, t float64) {
	for i, v := range x {
		dst[i] = p.a * v
	}
}
func (p gbm) DiffusionDiag(dst, x []float64, t float64) {
	for i, v := range x {
		dst[i] = p.b * v
	}
}
func (p gbm) DiffusionDeriv(dst, x []float64, t float64) {
	for i := range x {
		dst[i] = p.b
	}
}
func (p gbm) exact(x, w, s, t float64) float64 {
	return x * math.Exp(p.a*(t-s)-p.b*p.b/2*math.Abs(t-s)+p.b*w)
}

// curved has two nonlinear coordinates with pathwise solutions (Itô's formula on
// (1+t) sinh and arsinh; Kloeden and Platen 1992, section 4.4, has the first at
// constant factor):
//
//	X = (1+t) sinh(c + t + W)   dX = (X/(1+t) + X/2 + R) dt + R dW,  R = √((1+t)²+X²)
//	Y = arsinh(c + W)           dY = -½ tanh Y / cosh² Y dt + 1/cosh Y dW
type curved struct{}

func (curved) Dim() int { return 2 }
func (curved) Drift(dst, x []float64, t float64) {
	for i := 0; i < len(x); i += 2 {
		u, y := x[i], x[i+1]
		dst[i] = u/(1+t) + u/2 + math.Hypot(1+t, u)
		dst[i+1] = -math.Tanh(y) / (2 * math.Cosh(y) * math.Cosh(y))
	}
}
func (curved) DiffusionDiag(dst, x []float64, t float64) {
	for i := 0; i < len(x); i += 2 {
		dst[i] = math.Hypot(1+t, x[i])
		dst[i+1] = 1 / math.Cosh(x[i+1])
	}
}
func (curved) DiffusionDeriv(dst, x []float64, t float64) {
	for i := 0; i < len(x); i += 2 {
		dst[i] = x[i] / math.Hypot(1+t, x[i])
		dst[i+1] = -math.Tanh(x[i+1]) / math.Cosh(x[i+1])
	}
}

// noDeriv hides DiffusionDeriv.
type noDeriv struct{ sde.DiagonalProcess }

// uniform returns the grid of n equal steps from a to b.
func uniform(a, b float64, n int) []float64 {
	grid := make([]float64, n+1)
	for k := range grid {
		grid[k] = a + (b-a)*float64(k)/float64(n)
	}
	grid[n] = b
	return grid
}

// fill returns n copies of the point.
func fill(n int, point ...float64) []float64 {
	x := make([]float64, 0, n*len(point))
	for range n {
		x = append(x, point...)
	}
	return x
}

// increments returns W(t1) - W(t0) of n samples.
func increments(src sde.NoiseSource, dim, n int, t0, t1 float64) []float64 {
	dw := make([]float64, n*dim)
	noise := src.NewNoise(dim, n)
	noise.Begin(0, n)
	noise.Increment(dw, t0, t1)
	return dw
}

func solve(t *testing.T, p sde.Process, x, grid []float64, m sde.Method, noise sde.NoiseSource, s *ode.Settings) ode.Result {
	t.Helper()
	res, err := sde.Solve(context.Background(), p, x, grid, m, noise, s)
	require.NoError(t, err)
	return res
}

func solveDiagonal(t *testing.T, p sde.DiagonalProcess, x, grid []float64, m sde.DiagonalMethod, noise sde.NoiseSource) {
	t.Helper()
	_, err := sde.SolveDiagonal(context.Background(), p, x, grid, m, noise, nil)
	require.NoError(t, err)
}

// rms returns the root of the mean square difference.
func rms(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum / float64(len(a)))
}

// slope returns the least-squares slope of log err against log 1/n, over the errors
// above floor.
func slope(t *testing.T, ns []int, errs []float64, floor float64) float64 {
	t.Helper()
	var x, y []float64
	for i, e := range errs {
		if e > floor {
			x = append(x, -math.Log(float64(ns[i])))
			y = append(y, math.Log(e))
		}
	}
	require.GreaterOrEqual(t, len(x), 5, "too few errors above the floor: %v", errs)
	_, b := stat.LinearRegression(x, y, nil, false)
	return b
}

// The solutions of curved at the Brownian motion's value w.
func curvedX(t, w float64) float64 { return (1 + t) * math.Sinh(-0.5+t+w) }
func curvedY(w float64) float64    { return math.Asinh(0.3 + w) }
