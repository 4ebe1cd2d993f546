package metric

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// peerRing returns n points of eight Gaussians of deviation 0.3 on a circle of radius 4,
// the first clouds of the peers' case ot; the second are N(0, 9 I).
func peerRing(i uint64, n int) []float64 {
	x := normals(i, 2*n)
	rng := stream.New().At(2, stream.Test, i, 1)
	for k := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(rng.IntN(8)) / 8)
		x[2*k] = 4*cos + 0.3*x[2*k]
		x[2*k+1] = 4*sin + 0.3*x[2*k+1]
	}
	return x
}

func squared(x, y []float64) float64 {
	d := floats.Distance(x, y, 2)
	return d * d
}

// peerCase returns the cost of n ring8 points against N(0, 9 I), and its median/100.
func peerCase(n int) (c []float64, eps float64) {
	c, _ = CostMatrix(peerRing(1, n), gaussian(2, n, []float64{0, 0}, []float64{3, 3}), 2, squared, 0)
	return c, 0.01 * sorted(c)[len(c)/2]
}

func BenchmarkSinkhorn(b *testing.B) {
	c, eps := peerCase(1000)
	for _, o := range []SinkhornOptions{{}, {Scaling: 0.5}, {LogDomain: true}, {Workers: 1, Relax: true}, {Workers: 1}, {LogDomain: true, Workers: 1}} {
		o.Epsilon = eps
		b.Run(fmt.Sprintf("log=%v/workers=%d/scaling=%v/relax=%v", o.LogDomain, o.Workers, o.Scaling, o.Relax), func(b *testing.B) {
			b.ReportAllocs()
			var r *SinkhornResult
			for b.Loop() {
				r, _ = Sinkhorn(b.Context(), c, 1000, 1000, nil, nil, o)
			}
			b.ReportMetric(float64(r.Iterations), "iterations")
			b.ReportMetric(r.MarginalError, "error")
			b.ReportMetric(r.Cost, "cost")
		})
	}
}

// BenchmarkSinkhornPoints measures an iteration where all pairs count (the descent of ε
// has just begun) and a solution.
func BenchmarkSinkhornPoints(b *testing.B) {
	for _, n := range []int{10_000, 50_000} {
		x, y := peerRing(1, n), gaussian(2, n, []float64{0, 0}, []float64{3, 3})
		for _, o := range []SinkhornOptions{{Epsilon: 100, MaxIter: 1}, {Epsilon: 1, Scaling: 0.25, Tol: 1e-2}} {
			b.Run(fmt.Sprintf("n=%d/eps=%v", n, o.Epsilon), func(b *testing.B) {
				if testing.Short() && n > 10_000 {
					b.Skip()
				}
				b.ReportAllocs()
				var r *DivergenceResult
				for b.Loop() {
					r, _ = Divergence(b.Context(), x, y, 2, nil, nil, o)
				}
				b.ReportMetric(float64(r.Iterations), "iterations")
				b.ReportMetric(r.MarginalError, "error")
				b.ReportMetric(r.Value, "value")
			})
		}
	}
}

// BenchmarkNewton measures the paper's problems, to an error of 1e-12, by
// Sinkhorn-Newton-Sparse and by Sinkhorn.
func BenchmarkNewton(b *testing.B) {
	o := SinkhornOptions{Epsilon: 1. / 1200, Tol: 1e-12, MaxIter: 200_000}
	run := func(name string, n int, weightsA, weightsB, c []float64, sweeps int) {
		b.Run(name+"/newton", func(b *testing.B) {
			var r *NewtonResult
			for b.Loop() {
				r, _ = SinkhornNewton(b.Context(), c, n, n, weightsA, weightsB, NewtonOptions{SinkhornOptions: o, Sweeps: sweeps})
			}
			b.ReportMetric(float64(r.Iterations), "sweeps")
			b.ReportMetric(float64(r.Newton), "steps")
			b.ReportMetric(float64(r.CG), "CG")
		})
		b.Run(name+"/sinkhorn", func(b *testing.B) {
			if testing.Short() {
				b.Skip()
			}
			var r *SinkhornResult
			for b.Loop() {
				r, _ = Sinkhorn(b.Context(), c, n, n, weightsA, weightsB, o)
			}
			b.ReportMetric(float64(r.Iterations), "sweeps")
		})
	}
	run("assignment", 500, nil, nil, uniformCost(500), 20)
	for power, sweeps := range map[float64]int{2: 20, 1: 700} { // the paper's
		weightsA, weightsB, c := images(28, power)
		run(fmt.Sprintf("image-l%v", power), 784, weightsA, weightsB, c, sweeps)
		weightsA, weightsB, c = crops(b, power)
		run(fmt.Sprintf("crop-l%v", power), 784, weightsA, weightsB, c, sweeps)
	}
}

// BenchmarkNewtonPeer is BenchmarkSinkhorn's problem by Sinkhorn-Newton-Sparse.
func BenchmarkNewtonPeer(b *testing.B) {
	c, eps := peerCase(1000)
	var r *NewtonResult
	for b.Loop() {
		r, _ = SinkhornNewton(b.Context(), c, 1000, 1000, nil, nil, NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: eps, Tol: 1e-9, Workers: 1}})
	}
	b.ReportMetric(float64(r.Newton), "steps")
	b.ReportMetric(float64(r.CG), "CG")
	b.ReportMetric(r.MarginalError, "error")
}
