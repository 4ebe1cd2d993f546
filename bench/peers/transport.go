package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/special"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// clouds are n points of ring8 and n of N(0, 9 I), with their squared distances.
func clouds(n int) (x, y, c []float64) {
	x, y = density.Sample(ring8(), n, 0, 0, 0), density.Sample(density.Normal(2, 3), n, 1, 0, 0)
	c = make([]float64, n*n)
	for i := range n {
		for j := range n {
			u, v := x[2*i]-y[2*j], x[2*i+1]-y[2*j+1]
			c[i*n+j] = u*u + v*v
		}
	}
	return x, y, c
}

// transport is exact assignment and entropic transport to a marginal error of 1e-9.
var transport = []task{
	{"ot/exact-w2/n1000", 1, func() func() string { return assign(1000) }},
	{"ot/exact-w2/n2000", 1, func() func() string { return assign(2000) }},
	{"ot/sinkhorn/n1000/eps.01med/to1e-9 (Sinkhorn)", 1, func() func() string {
		c, o := entropic()
		return func() string {
			r := must(metric.Sinkhorn(ctx, c, 1000, 1000, nil, nil, o))
			return fmt.Sprintf(" (%d iterations, error %.1g, cost %.4g)", r.Iterations, r.MarginalError, r.Cost)
		}
	}},
	{"ot/sinkhorn/n1000/eps.01med/to1e-9 (over-relaxed)", 1, func() func() string {
		c, o := entropic()
		o.Relax = true
		return func() string {
			r := must(metric.Sinkhorn(ctx, c, 1000, 1000, nil, nil, o))
			return fmt.Sprintf(" (%d iterations, error %.1g, cost %.4g)", r.Iterations, r.MarginalError, r.Cost)
		}
	}},
	{"ot/sinkhorn/n1000/eps.01med/to1e-9 (Sinkhorn-Newton-Sparse)", 1, func() func() string {
		c, o := entropic()
		return func() string {
			o := metric.NewtonOptions{SinkhornOptions: o}
			o.MaxIter = 0
			r := must(metric.SinkhornNewton(ctx, c, 1000, 1000, nil, nil, o))
			return fmt.Sprintf(" (%d+%d iterations, error %.1g, cost %.4g)", r.Iterations, r.Newton, r.MarginalError, r.Cost)
		}
	}},
}

func entropic() ([]float64, metric.SinkhornOptions) {
	_, _, c := clouds(1000)
	sorted := slices.Sorted(slices.Values(c))
	return c, metric.SinkhornOptions{Epsilon: 0.01 * sorted[len(c)/2], Tol: 1e-9, MaxIter: 1_000_000}
}

// assign computes W2 from the points.
func assign(n int) func() string {
	x, y, _ := clouds(n)
	return func() string {
		v := must(metric.W2Exact(x, y, 2, metric.Options{MaxPoints: n}))
		return fmt.Sprintf(" (W2 %.3g)", v.Value)
	}
}

// bessel is log I of order ν at 10,000 points around it, in seconds each.
var bessel = func() (tasks []task) {
	for _, nu := range []float64{10, 100, 1000, 10_000, 100_000} {
		tasks = append(tasks, task{fmt.Sprintf("bessel/order%g", nu), 10_000, func() func() string {
			return func() string {
				sum := 0.0
				for i := range 10_000 {
					sum += special.LogI(nu, nu*(0.5+1.5*float64(i)/9999))
				}
				if math.IsNaN(sum) {
					return " (fails)"
				}
				return ""
			}
		}})
	}
	return tasks
}()
