package linop

import (
	"math"
	"testing"
	"time"

	"gonum.org/v1/gonum/floats"
)

// BenchmarkCGOverhead is five steps of CG on I + AᵀA, as decomposed diffusion sampling takes
// them. The metric is the time that CG adds to that of the operator, in percent.
func BenchmarkCGOverhead(b *testing.B) {
	psf := must(GaussianPSF(2))
	for name, op := range map[string]Operator{
		"bicubic512":  NewDownsample(512, 512, 4, Bicubic(), EdgeReflect),
		"blur512":     must(NewCircularConv(psf, 512, 512)),
		"radon256x60": must(NewRadon(Scan{Rows: 256, Cols: 256, Detectors: 367, Angles: ViewAngles(60, 0, math.Pi)})),
	} {
		rows, cols := op.Dims()
		y, rhs, x := make([]float64, rows), gaussian(cols, 200), make([]float64, cols)
		var inside time.Duration
		normal := func(dst, x []float64) {
			start := time.Now()
			op.Apply(y, x)
			op.Adjoint(dst, y)
			floats.Add(dst, x)
			inside += time.Since(start)
		}
		o := &KrylovOptions{MaxIter: 5, Work: new(Work)}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			inside = 0
			start := time.Now()
			for b.Loop() {
				clear(x)
				CG(x, normal, rhs, o)
			}
			b.ReportMetric(100*(float64(time.Since(start))/float64(inside)-1), "overhead-%")
		})
	}
}

func BenchmarkOperators(b *testing.B) {
	for name, op := range map[string]Operator{
		"box": NewBox(512, 512, 2), "bicubic": NewDownsample(512, 512, 2, Bicubic(), EdgeReflect),
		"gradient": NewGradient(512, 512), "wavelet8": NewWavelet(512, 512, 8, 4), "haar": NewWavelet(512, 512, 2, 4),
		"hadamard": NewHadamard(512*512, 1<<16, 1), "mask": must(NewRandomMask(512*512, 0.3, 1)),
	} {
		rows, cols := op.Dims()
		x, y := gaussian(cols, 201), make([]float64, rows)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				op.Apply(y, x)
				op.Adjoint(x, y)
			}
		})
	}
}
