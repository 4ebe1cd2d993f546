package figure

import (
	"io"
	"testing"
)

// BenchmarkHeat lays out and encodes two heat maps of 10⁵ points each.
func BenchmarkHeat(b *testing.B) {
	s := Samples{D: 2, X: gauss(100_000, 2, 0, 1, 1), Truth: Truth{Exact: gauss(100_000, 2, 0, 1, 2)}}
	b.Run("layout", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Figure()
		}
	})
	for _, format := range []string{"png", "svg"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Figure().Encode(io.Discard, format); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
