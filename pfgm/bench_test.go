package pfgm_test

import (
	"fmt"
	"testing"

	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score/density"
)

// BenchmarkDenoise gives the cost of a point beside that of the Gaussian denoiser.
func BenchmarkDenoise(b *testing.B) {
	for _, c := range []struct {
		name   string
		target density.Target
	}{{"ring8", density.Ring(8, 4, 0.3)}, {"checkerboard", density.NewCheckerboard(4, 2)}, {"gauss64", density.Normal(64, 1)}} {
		x, y := make([]float64, 64*c.target.Dim()), make([]float64, 64*c.target.Dim())
		for i := range x {
			x[i] = float64(i%13)/3 - 2
		}
		run := func(name string, f func(dst, x []float64, alpha, sigma float64)) {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f(y, x, 1, 0.5)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/point")
			})
		}
		run("gaussian", c.target.Denoise)
		for _, d := range []float64{1, 8, 128, 1e6} {
			run(fmt.Sprintf("D=%g", d), pfgm.New(c.target, d, 0).Denoise)
		}
	}
}
