package linop

import (
	"fmt"
	"math"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/stretchr/testify/require"
)

// benchRadon runs f on a square image at the sizes that scikit-image is timed at: n
// detectors of one pixel, views over 180°. It reports nanoseconds per ray and image line.
func benchRadon(b *testing.B, f func(b *testing.B, s Scan)) {
	for _, c := range []struct{ n, views int }{{256, 180}, {512, 360}} {
		b.Run(fmt.Sprintf("%dx%d", c.n, c.views), func(b *testing.B) {
			f(b, Scan{Rows: c.n, Cols: c.n, Detectors: c.n, Angles: ViewAngles(c.views, 0, math.Pi)})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.n*c.n*c.views), "ns/ray-pixel")
		})
	}
}

func benchOperator(b *testing.B, s Scan, f func(op Operator, image, sino []float64)) {
	op, err := NewRadon(s)
	require.NoError(b, err)
	rows, cols := op.Dims()
	image, sino := make([]float64, cols), make([]float64, rows)
	src := stream.New()
	src.Normals(image, 1, stream.Test, 0, 0)
	src.Normals(sino, 1, stream.Test, 1, 0)
	f(op, image, sino)
	b.ReportAllocs()
	for b.Loop() {
		f(op, image, sino)
	}
}

func BenchmarkRadonForward(b *testing.B) {
	benchRadon(b, func(b *testing.B, s Scan) {
		benchOperator(b, s, func(op Operator, image, sino []float64) { op.Apply(sino, image) })
	})
}

func BenchmarkRadonAdjoint(b *testing.B) {
	benchRadon(b, func(b *testing.B, s Scan) {
		benchOperator(b, s, func(op Operator, image, sino []float64) { op.Adjoint(image, sino) })
	})
}

func BenchmarkRadonFBP(b *testing.B) {
	benchRadon(b, func(b *testing.B, s Scan) {
		f, err := NewFBP(s, FBPRamp)
		require.NoError(b, err)
		benchOperator(b, s, func(_ Operator, image, sino []float64) { f.Reconstruct(image, sino) })
	})
}
