package special

import "testing"

func BenchmarkRatioI(b *testing.B) {
	for name, at := range map[string][2]float64{"series": {0, 10}, "near": {5, 32}, "far": {499, 1e4}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				RatioI(at[0], at[1])
			}
		})
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
