package netprior

import (
	"testing"

	"github.com/seed-dea4846a/sampler/inverse/prior"
)

// One evaluation at 256² pixels, and one with a Jacobian product, beside the patch prior's.
func BenchmarkDenoise(b *testing.B) {
	const n = 256
	x, v, dst := normals(n*n, 1), normals(n*n, 2), make([]float64, n*n)
	net, patches := Default().New(n, n), prior.Default().New(n, n, nil)
	for name, f := range map[string]func(){
		"network":     func() { net.Denoise(dst, x, 1, 0.1) },
		"network/JVP": func() { net.JVP(dst, x, v, 1, 0.1) },
		"network/VJP": func() { net.VJP(dst, x, v, 1, 0.1) },
		"patches":     func() { patches.Denoise(dst, x, 1, 0.1) },
		"patches/JVP": func() { patches.JVP(dst, x, v, 1, 0.1) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
}
