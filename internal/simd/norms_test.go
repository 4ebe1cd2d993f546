package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNorms(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	everyLevel(t, func(t *testing.T) {
		for _, d := range []int{1, 3, 4, 7, 8, 13, 64, 131} {
			for _, rows := range []int{0, 1, 2, 5} {
				// A value beyond each result must stay.
				q, f, p, z, y := make([]float64, rows+1), make([]float64, rows), make([]float64, d), make([]float64, rows*d), make([]float64, rows*d+1)
				for _, v := range [][]float64{q, f, p, z, y} {
					for i := range v {
						v[i] = rng.NormFloat64()
					}
				}
				lastQ, lastY := q[rows], y[rows*d]
				WeightedNorms(q[:rows], z, p)
				ScaleRows(y[:rows*d], f, z, p)
				assert.Equal(t, lastQ, q[rows])
				assert.Equal(t, lastY, y[rows*d])
				for r := range rows {
					sum, size := 0.0, 0.0
					for j, v := range z[r*d : (r+1)*d] {
						sum += p[j] * v * v
						size += math.Abs(p[j]) * v * v
						// Two roundings, twice.
						assert.InEpsilon(t, f[r]*p[j]*v, y[r*d+j], 4*0x1p-53)
					}
					// d+2 roundings, twice.
					assert.InDelta(t, sum, q[r], 2*float64(d+2)*0x1p-53*size, "d=%d, %d rows", d, rows)
					one := make([]float64, 1)
					WeightedNorms(one, z[r*d:(r+1)*d], p)
					assert.Equal(t, one[0], q[r], "the bits do not depend on the batch")
				}
				want := slices.Clone(y[:rows*d])
				ScaleRows(z, f, z, p)
				assert.Equal(t, want, z, "in place")
			}
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), 0x1p-1074, math.Copysign(0, -1)} {
			z, y, q, one := []float64{1, v}, make([]float64, 2), make([]float64, 1), []float64{1, 1}
			ScaleRows(y, one[:1], z, one)
			assert.Equal(t, math.Float64bits(v), math.Float64bits(y[1]))
			WeightedNorms(q, z, one)
			if v < 1 {
				assert.Equal(t, 1., q[0])
			} else {
				assert.Equal(t, math.IsNaN(v), math.IsNaN(q[0]))
				assert.Equal(t, math.IsInf(v, 1), math.IsInf(q[0], 1))
			}
		}
		assert.Panics(t, func() { WeightedNorms(make([]float64, 2), make([]float64, 3), make([]float64, 2)) })
		assert.Panics(t, func() { ScaleRows(make([]float64, 3), make([]float64, 2), make([]float64, 3), make([]float64, 2)) })
	})
}

func BenchmarkNorms(b *testing.B) {
	for _, l := range Levels() {
		const rows, d = 32, 64
		q, z, p := make([]float64, rows), make([]float64, rows*d), make([]float64, d)
		b.Run(fmt.Sprintf("WeightedNorms/%s", l), func(b *testing.B) {
			defer Use(l)()
			for b.Loop() {
				WeightedNorms(q, z, p)
			}
		})
		b.Run(fmt.Sprintf("ScaleRows/%s", l), func(b *testing.B) {
			defer Use(l)()
			for b.Loop() {
				ScaleRows(z, q, z, p)
			}
		})
	}
}
