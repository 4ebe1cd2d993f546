package metric

import (
	"fmt"
	"slices"
	"testing"
)

// BenchmarkSort measures the choice behind radixMin. The data change from run to run,
// lest the branch predictor learn them.
func BenchmarkSort(b *testing.B) {
	for _, n := range []int{250, 500, 1_000, 10_000, 100_000} {
		x := normals(0, 1_000_000)
		next := func(i int) []float64 { return x[i*n%(len(x)-n):][:n] }
		b.Run(fmt.Sprintf("slices/n=%d", n), func(b *testing.B) {
			v := make([]float64, n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				copy(v, next(i))
				slices.Sort(v)
			}
		})
		b.Run(fmt.Sprintf("radix/n=%d", n), func(b *testing.B) {
			s, one := newSorter(n), []float64{1}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				project(s.keys, next(i), one)
				s.sort()
			}
		})
	}
}

func BenchmarkMetrics(b *testing.B) {
	for _, c := range []struct{ n, d int }{{10_000, 2}, {100_000, 2}, {10_000, 64}} {
		x, y := normals(0, c.n*c.d), normals(1, c.n*c.d)
		for _, m := range All() {
			if m.Name == "w2" {
				continue
			}
			b.Run(fmt.Sprintf("%s/n=%d/d=%d", m.Name, c.n, c.d), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := m.Compute(x, y, c.d, Options{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkLine(b *testing.B) {
	x, y := normals(0, 100_000), normals(1, 100_000)
	for _, m := range All() {
		b.Run(m.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Compute(x, y, 1, Options{MaxPoints: 5000}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMoments(b *testing.B) {
	for _, d := range []int{2, 64} {
		x := normals(0, 100_000*d)
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := MomentsOf(x, d, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCountModes(b *testing.B) {
	x, centres := normals(0, 200_000), normals(1, 50)
	weights := slices.Repeat([]float64{1. / 25}, 25)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CountModes(x, 2, weights, centres, 1, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
