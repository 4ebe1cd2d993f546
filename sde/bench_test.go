package sde_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// One increment with area of one sample; the tree at a time between its nodes.
func BenchmarkNoise(b *testing.B) {
	for _, src := range noises {
		for _, d := range []int{2, 64} {
			b.Run(fmt.Sprintf("%T/d=%d", src, d), func(b *testing.B) {
				const rows = 16
				noise := src.NewNoise(d, rows)
				noise.Begin(0, rows)
				dw, dz := make([]float64, rows*d), make([]float64, rows*d)
				b.ReportAllocs()
				t := 0.3
				for b.Loop() {
					_, next := math.Modf(t + math.Phi) // a new time in each query
					noise.IncrementArea(dw, dz, t, next)
					t = next
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/sample")
			})
		}
	}
}

// One step of 64 points in dimension 2.
func BenchmarkStep(b *testing.B) {
	for _, c := range steppers() {
		b.Run(c.name, func(b *testing.B) {
			const rows = 64
			s := c.new(sde.Independent{}, rows)
			benchmarkStep(b, s, fill(rows, 0.1, 0.2), rows)
		})
	}
}

func benchmarkStep(b *testing.B, s ode.Stepper, x []float64, rows int) {
	s.Begin(0, rows)
	start := append([]float64(nil), x...)
	b.ReportAllocs()
	for b.Loop() {
		copy(x, start)
		s.Step(x, 0, 0.01)
	}
	b.ReportMetric(float64(s.NFE())/float64(b.N), "NFE/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/point")
}
