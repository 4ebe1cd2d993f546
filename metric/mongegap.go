package metric

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// A GroundCost is a cost c(x, y) of points. Grad, needed for gradients only, writes
// ∂c/∂y to dst.
type GroundCost struct {
	Value func(x, y []float64) float64
	Grad  func(dst, x, y []float64)
}

// SquaredEuclidean is the cost |x - y|².
func SquaredEuclidean() GroundCost {
	return GroundCost{
		Value: func(x, y []float64) float64 {
			var r2 [1]float64
			squaredDistances(r2[:], x, y)
			return r2[0]
		},
		Grad: func(dst, x, y []float64) {
			for k := range dst {
				dst[k] = 2 * (y[k] - x[k])
			}
		},
	}
}

// A MongeGapResult is a Monge gap with what it was made of.
type MongeGapResult struct {
	Gap, StdErr float64
	// Lower and Upper enclose the gap of ε = 0, for which Gap is too small by up to
	// ε log n: MeanCost less the cost of the plan (whose marginals are met to Tol), and
	// less the dual objective of the potentials made feasible, F_i = min_j C_ij - G_j.
	Lower, Upper float64
	MeanCost     float64 // 1/n Σ c(x_i, T(x_i))
	Transport    *SinkhornResult
}

// MongeGapOf returns the Monge gap of a map known by its values t_i = T(x_i),
//
//	M = 1/n Σ c(x_i, t_i) - OT_ε(x, t),
//
// with the same points in both terms (Uscidda and Cuturi 2023, definition 3.1). For
// ε → 0 it is never negative, and 0 if and only if no rearrangement of the pairs is
// cheaper: for c = |x - y|², if T is the gradient of a convex function. The plan of the
// pairs has KL(P | a⊗b) ≤ log n, so that M ≥ -ε log n (for distinct points). OT_ε is the
// dual objective: unless converged, M is too large. With slacks
//
//	s_i = c(x_i, t_i) - F_i - G_i,   M = mean of s,   StdErr = sd(s)/√n.
//
// If dt is not nil, ∂M/∂t is written to it; by Danskin's theorem the plan is held:
//
//	∂M/∂t_j = 1/n ∇₂c(x_j, t_j) - Σ_i P_ij ∇₂c(x_i, t_j).
//
// Memory is that of the cost matrix and, unless LogDomain, as much again.
func MongeGapOf(ctx context.Context, dt, x, t []float64, dim int, cost GroundCost, o SinkhornOptions) (*MongeGapResult, error) {
	n := len(x) / dim
	if len(t) != len(x) {
		return nil, fmt.Errorf("metric: a map's %d points cannot have %d images", n, len(t)/dim)
	}
	c, err := CostMatrix(x, t, dim, cost.Value, o.Workers)
	if err != nil {
		return nil, err
	}
	tr, err := Sinkhorn(ctx, c, n, n, nil, nil, o)
	if err != nil {
		return nil, err
	}
	r := &MongeGapResult{Transport: tr}
	slack := make([]float64, n)
	for i := range slack {
		r.MeanCost += c[i*n+i] / float64(n)
		slack[i] = c[i*n+i] - tr.F[i] - tr.G[i]
	}
	r.Gap = r.MeanCost - tr.RegCost
	r.Lower, r.Upper = r.MeanCost-tr.Cost, r.MeanCost-stat.Mean(tr.G, nil)
	for i := range n {
		least := math.Inf(1)
		for j, v := range c[i*n : (i+1)*n] {
			least = min(least, v-tr.G[j])
		}
		r.Upper -= least / float64(n)
	}
	_, r.StdErr = meanErr(slack)
	if dt != nil {
		if len(dt) != len(t) {
			panic("metric: the gradient's length is not that of the points")
		}
		mongeGradient(dt, x, t, dim, cost, tr)
	}
	return r, nil
}

// mongeGradient walks the plan row by row, so that no second matrix is held.
func mongeGradient(dt, x, t []float64, dim int, cost GroundCost, tr *SinkhornResult) {
	clear(dt)
	n := len(tr.F)
	plan, grad := make([]float64, n), make([]float64, dim)
	for i := range n {
		tr.PlanRow(plan, i)
		floats.Scale(-1, plan)
		plan[i] += 1 / float64(n)
		for j, w := range plan {
			if w != 0 {
				cost.Grad(grad, x[i*dim:(i+1)*dim], t[j*dim:(j+1)*dim])
				floats.AddScaled(dt[j*dim:(j+1)*dim], w, grad)
			}
		}
	}
}

// mongeCap is the default of Options.MaxPoints for MongeGap.
const mongeCap = 2000

// MongeGap returns the Monge gap of a sampler's flow from its starts x0 to its ends x1,
// for c = |x - y|² and in the squared units of the samples: by how much the flow's map
// is longer than the shortest between the same points,
//
//	M = 1/n Σ |x_i - y_i|² - min_π 1/n Σ |x_i - y_π(i)|² ≥ 0,
//
// by exact assignment (Uscidda and Cuturi 2023, definition 3.1, for ε = 0). An optimal map
// has 0 for every draw, whatever n; other maps have less than their gap by what two clouds
// of n points of one law differ. With the duals U and V, M is the mean of the slacks
// |x_i - y_i|² - U_i - V_i and StdErr their sd/√n. Pairs beyond Options.MaxPoints (0 means
// 2,000) are cut to a random subset. MongeGapOf has other costs and a gradient.
func MongeGap(x0, x1 []float64, dim int, o Options) (Value, error) {
	if err := checkPair(x0, x1, dim, 2); err != nil {
		return Value{}, err
	}
	limit := o.MaxPoints
	if limit == 0 {
		limit = mongeCap
	}
	if len(x0) != len(x1) {
		return Value{}, fmt.Errorf("metric: a map's %d points cannot have %d images", len(x0)/dim, len(x1)/dim)
	}
	// the same draw, lest pairs be torn apart
	x0 = subset(x0, dim, limit, o.Seed, useSubset, 0)
	x1 = subset(x1, dim, limit, o.Seed, useSubset, 0)
	n := len(x0) / dim
	best, err := Assign(n, PowerCost(x0, x1, dim, 2))
	if err != nil {
		return Value{}, err
	}
	slack := make([]float64, n)
	var r2 [1]float64
	for i := range slack {
		squaredDistances(r2[:], x0[i*dim:(i+1)*dim], x1[i*dim:(i+1)*dim])
		slack[i] = max(0, r2[0]-best.U[i]-best.V[i])
	}
	mean, sd := stat.MeanStdDev(slack, nil)
	return Value{Value: mean, StdErr: sd / math.Sqrt(float64(n)), NX: n, NY: n}, nil
}
