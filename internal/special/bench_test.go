package special

import (
	"fmt"
	"testing"
)

func BenchmarkBessel(b *testing.B) {
	for _, at := range [][2]float64{{0, 1e-300}, {0, 0.5}, {0, 5}, {20.3, 10}, {0.5, 40}, {64, 10}, {1023, 500}, {1e6, 1e6}, {2, 1e6}} {
		for _, f := range []struct {
			name string
			call func(nu, x float64) float64
		}{
			{"LogI", LogI}, {"LogK", LogK}, {"RatioK", RatioK},
			{"RatioI", func(nu, x float64) float64 { r, _ := RatioI(nu, x); return r }},
		} {
			b.Run(fmt.Sprintf("%s/nu=%g,x=%g", f.name, at[0], at[1]), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f.call(at[0], at[1])
				}
			})
		}
	}
}

func BenchmarkTruncNormal(b *testing.B) {
	for name, at := range map[string][2]float64{"narrow": {1, 0.05}, "short": {1, 0.9}, "tail": {8, 2}, "body": {1, 2}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				TruncNormal(at[0], at[1])
			}
		})
	}
}

func BenchmarkTruncGrid(b *testing.B) {
	const n = 50
	m0, m1, m2 := make([]float64, n), make([]float64, n), make([]float64, n)
	b.ReportAllocs()
	for b.Loop() {
		TruncGrid(m0, m1, m2, -7, 0.14, 0)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/interval")
}
