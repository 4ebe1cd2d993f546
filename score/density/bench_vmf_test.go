package density

import (
	"fmt"
	"testing"
)

func BenchmarkVMF(b *testing.B) {
	for _, d := range []int{3, 64, 2048} {
		t := newTestVMF(86, d, float64(d), 4*float64(d))
		for _, sigma := range []float64{1, 0.1} {
			benchDenoise(b, fmt.Sprintf("vmf%d", d), t, sigma)
		}
		x := make([]float64, d)
		rng := source(87)
		b.Run(fmt.Sprintf("Rand%d", d), func(b *testing.B) {
			for b.Loop() {
				t.Rand(x, rng)
			}
		})
	}
}

func BenchmarkFitVMF(b *testing.B) {
	const d, n = 2048, 4000
	x := noised(newTestVMF(80, d, 1500), n, 1, 0, source(81))
	for b.Loop() {
		if _, _, err := FitVMF(x, d); err != nil {
			b.Fatal(err)
		}
	}
}
