package interpolant

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/score/density"
)

// NewSampleSchrodinger returns the Schrödinger bridge between two samples, flat, of weights
// a and b (nil for equal ones), given the logarithms f and g of the scalings of their
// entropic plan
//
//	P_ij = a_i b_j exp(f_i + g_j - |x_i - y_j|²/(4ε)).
//
// They are F/Epsilon and G/Epsilon of metric.SinkhornPoints at Epsilon = 4ε, or of
// metric.Sinkhorn for the cost |x - y|²/2 at Epsilon = 2ε. It is the mixture of the Brownian
// bridges of all pairs, in O(n + m) a point, and exact but for what P lacks of its marginals.
// Between and beyond the points its drift is an estimate of that between the densities
// behind the samples (Pooladian and Niles-Weed 2024). An ε so small that f or g spans more
// than 600 is an error; there the plan has few pairs that count, and NewPlanBridge serves.
func NewSampleSchrodinger(eps float64, x0, x1 []float64, dim int, a, b, f, g []float64) (*Schrodinger, error) {
	if err := checkEps(eps); err != nil {
		return nil, err
	}
	start, w, err := tilted(x0, dim, a, f)
	if err != nil {
		return nil, err
	}
	end, _, err := tilted(x1, dim, b, g)
	if err != nil {
		return nil, err
	}
	m := newSchrodinger(eps, start, end)
	// Z = ∫ φ̂(0) φ(0), a sum over the points of x₀.
	logs := make([]float64, len(w))
	end.LogProb(logs, x0, 1, m.width(1))
	for i, v := range w {
		logs[i] += math.Log(v)
	}
	m.logZ = floats.LogSumExp(logs)
	return m, nil
}

// tilted returns the points with weights ∝ w exp(f), and those of sum 1.
func tilted(x []float64, dim int, w, f []float64) (*density.Points, []float64, error) {
	if dim < 1 || len(x) == 0 || len(x) != len(f)*dim || w != nil && len(w) != len(f) {
		return nil, nil, fmt.Errorf("interpolant: %d potentials and %d weights for %d values of points of dimension %d", len(f), len(w), len(x), dim)
	}
	top := floats.Max(f)
	if span := top - floats.Min(f); !(span <= 600) {
		return nil, nil, fmt.Errorf("interpolant: the logarithms of the plan's scalings span %g, more than 600: use a larger ε, or NewPlanBridge", span)
	}
	tilt := make([]float64, len(f))
	for i, v := range f {
		tilt[i] = math.Exp(v - top)
		if w != nil {
			tilt[i] *= w[i]
		}
	}
	p, err := density.NewWeightedPoints(tilt, x, dim)
	if err != nil {
		return nil, nil, fmt.Errorf("interpolant: %w", err)
	}
	floats.Scale(1/floats.Sum(tilt), tilt)
	return p, tilt, nil
}

// NewPlanBridge returns the mixture of the Brownian bridges of noise √(2ε) dW between pairs
// of points with the given masses > 0, of any sum: pair k joins row rows[k][0] of x0 and row
// rows[k][1] of x1, flat. With the pairs of an entropic plan of cost |x - y|²/2 and strength
// 2ε it is the Schrödinger bridge of the samples, in O(pairs) a point, and with those of any
// other plan the process that is the plan's at the ends and the reference's given them.
func NewPlanBridge(eps float64, x0, x1 []float64, dim int, rows [][2]int, mass []float64) (*PairBridge, error) {
	if err := checkEps(eps); err != nil {
		return nil, err
	}
	if dim < 1 || len(x0)%dim != 0 || len(x1)%dim != 0 || len(rows) == 0 || len(rows) != len(mass) {
		return nil, fmt.Errorf("interpolant: %d pairs, %d masses and %d and %d values are no plan between points of dimension %d", len(rows), len(mass), len(x0), len(x1), dim)
	}
	sum := floats.Sum(mass)
	if s := floats.Sum(x0) + floats.Sum(x1) + sum; math.IsNaN(s) || math.IsInf(s, 0) {
		return nil, errors.New("interpolant: a point or a mass is not finite")
	}
	g := &PairBridge{path: brownian(eps), d: dim, iso: true, pairs: make([]pair, len(rows))}
	zero := []float64{0}
	for k, r := range rows {
		i, j := r[0], r[1]
		if i < 0 || j < 0 || (i+1)*dim > len(x0) || (j+1)*dim > len(x1) {
			return nil, fmt.Errorf("interpolant: pair %d names rows %d and %d of %d and %d", k, i, j, len(x0)/dim, len(x1)/dim)
		}
		if !(mass[k] > 0) {
			return nil, fmt.Errorf("interpolant: the mass of pair %d is %g, want a number > 0", k, mass[k])
		}
		g.pairs[k] = pair{m0: x0[i*dim : (i+1)*dim], m1: x1[j*dim : (j+1)*dim], v0: zero, v1: zero, logW: math.Log(mass[k] / sum)}
	}
	g.ready()
	return g, nil
}
