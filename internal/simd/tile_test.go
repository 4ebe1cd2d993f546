package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func randoms(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 0))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

var tileShapes = []Strides{
	{K: 1, L: 1, C: 48, A: 1, BK: 48},
	{K: 7, L: 3, C: 50, A: 5, AK: 1, AL: 60, BK: 49, BL: 400},   // forward
	{K: 5, L: 4, C: 144, A: 1, AK: 16, AL: 90, BK: 32, BL: 200}, // gradient in the weights
	{K: 7, L: 1, C: 48, A: 5, AK: 1, BK: 49, Set: true},
}

// extent returns the lengths that a shape needs.
func (s *Strides) extent(columns int) (c, a, b int) {
	return 7*s.C + columns, 7*s.A + (s.K-1)*s.AK + (s.L-1)*s.AL + 1, (s.K-1)*s.BK + (s.L-1)*s.BL + columns
}

func TestTile(t *testing.T) {
	for _, lv := range Levels() {
		for _, columns := range []int{16, 32, 48} {
			for n, s := range tileShapes {
				t.Run(fmt.Sprintf("%s/%d/%d", lv, columns, n), func(t *testing.T) {
					defer Use(lv)()
					nc, na, nb := s.extent(columns)
					c, a, b := randoms(nc, 1), randoms(na, 2), randoms(nb, 3)
					if s.Set {
						c[0] = float32(math.NaN())
					}
					got := append([]float32(nil), c...)
					Tile(got, a, b, columns, &s)
					for i := range got {
						row, j := i/s.C, i%s.C
						if row >= TileRows || j >= columns {
							assert.Equal(t, c[i], got[i], "outside the tile")
							continue
						}
						sum, size := 0.0, 0.0
						for l := range s.L {
							for k := range s.K {
								p := float64(a[row*s.A+k*s.AK+l*s.AL]) * float64(b[j+k*s.BK+l*s.BL])
								sum, size = sum+p, size+math.Abs(p)
							}
						}
						if !s.Set {
							sum, size = sum+float64(c[i]), size+math.Abs(float64(c[i]))
						}
						// KL+1 roundings, of half a unit each, of partial sums no larger than size; twice in Go
						assert.InDelta(t, sum, got[i], (float64(s.K*s.L)+1)*size*0x1p-23)
					}
				})
			}
		}
	}
}

// Infinities and NaN come through as the twin's do: no term is left out.
func TestTileSpecials(t *testing.T) {
	s := Strides{K: 3, L: 2, C: 16, A: 3, AK: 1, AL: 24, BK: 16, BL: 48}
	nc, na, nb := s.extent(16)
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, math.SmallestNonzeroFloat32, 0} {
		a, b, want := randoms(na, 2), randoms(nb, 3), make([]float32, nc)
		a[4], b[17], b[18] = v, 0, v
		TileGo(want, a, b, 16, &s)
		for _, lv := range Levels() {
			restore := Use(lv)
			got := make([]float32, nc)
			Tile(got, a, b, 16, &s)
			restore()
			for i, w := range want {
				if w-w != 0 {
					assert.Equal(t, fmt.Sprint(w), fmt.Sprint(got[i]), "%s at %d of %g", lv, i, v)
				} else {
					assert.InDelta(t, w, got[i], 1e-5*(1+math.Abs(float64(w))))
				}
			}
		}
	}
}

func TestTileBounds(t *testing.T) {
	s := tileShapes[1]
	nc, na, nb := s.extent(32)
	c, a, b := make([]float32, nc), make([]float32, na), make([]float32, nb)
	require.NotPanics(t, func() { Tile(c, a, b, 32, &s) })
	assert.Panics(t, func() { Tile(c[1:], a, b, 32, &s) })
	assert.Panics(t, func() { Tile(c, a[1:], b, 32, &s) })
	assert.Panics(t, func() { Tile(c, a, b[1:], 32, &s) })
	assert.Panics(t, func() { Tile(c, a, b, 24, &s) })
	s.K = 0
	assert.Panics(t, func() { Tile(c, a, b, 32, &s) })
}

func BenchmarkTile(b *testing.B) {
	for _, columns := range []int{16, 32, 48} {
		s := Strides{K: 96, L: 3, C: columns, A: 32, AK: 1, AL: 34 * 32, BK: columns, BL: 96 * columns}
		nc, na, nb := s.extent(columns)
		c, x, y := randoms(nc, 1), randoms(na, 2), randoms(nb, 3)
		for _, lv := range Levels() {
			b.Run(fmt.Sprintf("%s/%d", lv, columns), func(b *testing.B) {
				defer Use(lv)()
				for b.Loop() {
					Tile(c, x, y, columns, &s)
				}
				b.ReportMetric(2*8*float64(columns*s.K*s.L)*float64(b.N)/1e9/b.Elapsed().Seconds(), "GFLOP/s")
			})
		}
	}
}
