package density

import (
	"fmt"
	"testing"
)

// benchDenoise reports the time of a point's denoiser in a batch of 1024.
func benchDenoise(b *testing.B, name string, tg Target, sigma float64) {
	const n = 1024
	x := noised(tg, n, 1, sigma, source(42))
	dst := make([]float64, len(x))
	b.Run(fmt.Sprintf("%s/sigma=%g", name, sigma), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tg.Denoise(dst, x, 1, sigma)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/point")
	})
}

func BenchmarkTargets(b *testing.B) {
	for _, c := range []struct {
		name   string
		target Target
	}{
		{"uniform2", Uniform(2, -4, 4)},
		{"checkerboard", NewCheckerboard(4, 2)},
		{"rings", newTestSpheres(2, 1, 3)},
		{"spheres64", newTestSpheres(64, 4, 6)},
		{"t2", NewStudentT(2, 3, 1)},
		{"t64", NewStudentT(64, 3, 1)},
		{"laplace2", NewLaplace(2, 1)},
		{"funnel2", NewFunnel(2)},
		{"funnel10", NewFunnel(10)},
	} {
		for _, sigma := range []float64{10, 1, 0.1} {
			benchDenoise(b, c.name, c.target, sigma)
		}
	}
}

func BenchmarkImage(b *testing.B) {
	im := newTestImage(256, 256)
	for _, sigma := range []float64{80, 8, 3, 1, 0.6, 0.3, 0.2, 0.1, 0.03, 0.01, 0.002} {
		benchDenoise(b, "256x256", im, sigma)
	}
}

func BenchmarkNewImage(b *testing.B) {
	grey := testImage(256, 256)
	for b.Loop() {
		if _, err := NewImage(grey, 256, 256); err != nil {
			b.Fatal(err)
		}
	}
}
