package interpolant

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/interp"
	"gonum.org/v1/gonum/optimize"
)

// SplineCoefficients are the coefficients of a two-sided interpolant as cubic splines A, B, G
// (not-a-knot) through values at even knots 0, 1/K, …, 1, the ends built in:
//
//	α = (1-t) A(t), A(0) = 1,   β = t B(t), B(1) = 1,   γ² = t(1-t) exp G(t)
//
// A holds the values at all knots but the first, B at all but the last, G at all K+1. K is
// at least 3.
type SplineCoefficients struct{ A, B, G []float64 }

// TwoSided returns the interpolant. It panics unless len(A) = len(B) = len(G) - 1 ≥ 3 and all
// values are finite.
func (s SplineCoefficients) TwoSided() TwoSided {
	k := len(s.G) - 1
	if k < 3 || len(s.A) != k || len(s.B) != k {
		panic("interpolant: spline coefficients of unequal lengths, or fewer than three")
	}
	knots := floats.Span(make([]float64, k+1), 0, 1)
	fit := func(values []float64) *interp.NotAKnotCubic {
		c := new(interp.NotAKnotCubic)
		if err := c.Fit(knots, values); err != nil || math.IsNaN(floats.Sum(values)) || math.IsInf(floats.Sum(values), 0) {
			panic("interpolant: spline coefficients are not finite")
		}
		return c
	}
	a, b, g := fit(append([]float64{1}, s.A...)), fit(append(append([]float64(nil), s.B...), 1)), fit(s.G)
	return TwoSided{
		Alpha: Plain(func(t float64) (float64, float64) {
			v := a.Predict(t)
			return (1 - t) * v, (1-t)*a.PredictDerivative(t) - v
		}),
		Beta: Plain(func(t float64) (float64, float64) {
			v := b.Predict(t)
			return t * v, t*b.PredictDerivative(t) + v
		}),
		Gamma: func(t float64) (float64, float64, float64) {
			e := math.Exp(g.Predict(t))
			c, cdc := math.Sqrt(t*(1-t)*e), e*(1-2*t+t*(1-t)*g.PredictDerivative(t))/2
			return c, cdc / c, cdc
		},
	}
}

// A SchrodingerFit is the best interpolant that Fit found.
type SchrodingerFit struct {
	Coefficients  SplineCoefficients
	Path          TwoSided
	Start, Energy float64 // of the Brownian bridges between independent ends, and of Path
	Evals         int     // evaluations of the energy
	Status        optimize.Status
}

// Fit minimises the energy over the interpolants of SplineCoefficients with the given number
// of intervals between knots, by BFGS with central differences, starting from the Brownian
// bridges α = 1-t, β = t, γ² = 2εt(1-t). Directions along which the energy does not change,
// as between Gaussians, where only α²C₀ + β²C₁ + γ²I counts, are left as they are. It panics
// if knots < 3 and returns an error if the search broke down or ctx was cancelled.
func (p *SchrodingerProblem) Fit(ctx context.Context, knots int) (*SchrodingerFit, error) {
	if knots < 3 {
		panic("interpolant: the splines of a fit need three intervals")
	}
	theta := make([]float64, 3*knots+1)
	for i := range theta {
		theta[i] = 1
		if i >= 2*knots {
			theta[i] = math.Log(2 * p.eps)
		}
	}
	coefficients := func(theta []float64) SplineCoefficients {
		return SplineCoefficients{A: theta[:knots], B: theta[knots : 2*knots], G: theta[2*knots:]}
	}
	fit := &SchrodingerFit{}
	energy := func(theta []float64) float64 {
		fit.Evals++
		for _, v := range theta {
			if !(math.Abs(v) < 100) { // a line search that left the numbers
				return math.Inf(1)
			}
		}
		e := p.Energy(coefficients(theta).TwoSided())
		if math.IsNaN(e) {
			return math.Inf(1)
		}
		return e
	}
	fit.Start = energy(theta)
	problem := optimize.Problem{
		Func: energy,
		Grad: func(grad, theta []float64) {
			fd.Gradient(grad, energy, theta, &fd.Settings{Formula: fd.Central})
		},
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	// Central differences carry 1e-10 of the energy; the drift's error is the root of what
	// is left to gain.
	res, err := optimize.Minimize(problem, theta, &optimize.Settings{
		GradientThreshold: 1e-8 * fit.Start,
		Converger:         &optimize.FunctionConverge{Relative: p.tol, Iterations: 10},
		MajorIterations:   300,
	}, &optimize.BFGS{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// A line search that finds nothing lower to the last digit has arrived.
	if res == nil || err != nil && !(res.F < fit.Start) {
		return nil, fmt.Errorf("interpolant: the search for the Schrödinger bridge failed: %w", err)
	}
	fit.Coefficients = coefficients(res.X)
	fit.Path, fit.Energy, fit.Status = fit.Coefficients.TwoSided(), res.F, res.Status
	return fit, nil
}
