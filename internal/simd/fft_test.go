package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func fftNumbers(n int, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// atLevels calls f at each level but Generic, which gave want.
func atLevels(f func(l Level)) {
	for _, l := range Levels()[1:] {
		restore := Use(l)
		f(l)
		restore()
	}
}

// fftTables are those that FFTPass asks for.
func fftTables(r, m int) (tw, w []float64) {
	put := func(z []float64, k, n int) []float64 {
		s, c := math.Sincos(-2 * math.Pi * float64(k%n) / float64(n))
		return append(z, c, s)
	}
	first := 1
	if r > 5 && r != 8 {
		first = 0
		for k := range r {
			w = put(w, k, r)
		}
	}
	for p := first; p < m; p++ {
		for k := first; k < r; k++ {
			tw = put(tw, p*k, r*m)
		}
	}
	return tw, w
}

func TestFFTPassTwins(t *testing.T) {
	for _, r := range []int{2, 3, 4, 5, 7, 8, 11, 31} {
		for _, m := range []int{1, 2, 3} {
			for _, s := range []int{1, 2, 5} {
				n := r * m * s * fftBlock
				x, want, got := fftNumbers(n, 1), make([]float64, n), make([]float64, n+1)
				x[3] = math.NaN() // stays in lane 3
				x[4] = math.Inf(1)
				x[5], x[6] = 5e-324, math.Copysign(0, -1)
				tw, w := fftTables(r, m)
				fftPass(want, x, tw, w, r, m, s)
				atLevels(func(l Level) {
					got[n] = 7 // beyond the end
					FFTPass(got, x, tw, w, r, m, s)
					assert.Equal(t, 7.0, got[n])
					for i, v := range want {
						if lane := i % 8; lane == 3 || lane == 4 {
							assert.Equal(t, finite(v), finite(got[i]), "r=%d m=%d s=%d %v", r, m, s, l)
							continue
						}
						// Up to r + 4 operations on sums of up to √r in size; 6 is beyond
						// four standard deviations of each number.
						assert.InDelta(t, v, got[i], 6*0x1p-53*float64(r+4)*math.Sqrt(float64(r)), "r=%d m=%d s=%d %v", r, m, s, l)
					}
				})
			}
		}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// What only moves numbers, halves or multiplies one by another gives the same bits.
func TestFFTMovesTwins(t *testing.T) {
	x := fftNumbers(4096, 2)
	copy(x, []float64{math.NaN(), math.Inf(1), math.Inf(-1), 5e-324, math.Copysign(0, -1), math.MaxFloat64})
	bits := func(x []float64) (b []uint64) {
		for _, v := range x {
			if v != v {
				v = math.NaN()
			}
			b = append(b, math.Float64bits(v))
		}
		return b
	}
	for name, f := range map[string]func(y []float64){
		"transpose": func(y []float64) {
			Transpose8(y, Tiles{Even: 8, Odd: 0, Pair: 16, Step: 64}, x, Tiles{Even: 0, Odd: 37, Pair: 74, Step: 8}, 3)
			Transpose8(y[500:], Tiles{Even: 0, Odd: 29, Pair: 58, Step: 8}, x, Tiles{Even: 0, Odd: 16, Pair: 32, Step: 128}, 2)
		},
		"untangle": func(y []float64) {
			for n := 1; n < 8; n++ {
				FFTUntangle(y[n*200:], y[2000+n*200:], x, n)
			}
		},
		"entangle": func(y []float64) {
			for n := 1; n < 8; n++ {
				FFTEntangle(y[n*200:], x[32:], x[1032:], n, 0.125)
			}
		},
		"gather": func(y []float64) {
			for lanes := 1; lanes <= 8; lanes++ {
				FFTGather(y[lanes*200:], x, 3, 21, lanes, 0, 8)
				FFTGather(y[2000+lanes*200:], x, 3, 18, lanes, 8, 0)
			}
		},
		"scatter": func(y []float64) {
			for lanes := 1; lanes <= 8; lanes++ {
				FFTScatter(y[lanes*200:], x, 3, 21, lanes, 0, 8)
				FFTScatter(y[2000+lanes*200:], x, 3, 18, lanes, 8, 0)
			}
		},
	} {
		restore := Use(Generic)
		want := make([]float64, 4096)
		f(want)
		restore()
		atLevels(func(l Level) {
			got := make([]float64, 4096)
			f(got)
			assert.Equal(t, bits(want), bits(got), "%s %v", name, l)
		})
	}
}

func TestFFTColumns(t *testing.T) {
	const n, stride = 5, 60
	z := fftNumbers(n*stride, 7)
	for lanes := 1; lanes <= FFTLanes; lanes++ {
		columns := []int{29, 3, 4, 11, 0, 17, 8, 9}[:lanes]
		for _, parts := range [][2]int{{0, 8}, {8, 0}} {
			re, im := parts[0], parts[1]
			blocks, want := make([]float64, n*fftBlock), make([]float64, n*fftBlock)
			FFTGatherColumns(blocks, z, n, stride, columns, re, im)
			back, wantBack := make([]float64, len(z)), make([]float64, len(z))
			FFTScatterColumns(back, blocks, n, stride, columns, re, im)
			for k, j := range columns {
				FFTGather(want, z[2*j:], n, stride, 1, re+k, im+k)
				FFTScatter(wantBack[2*j:], want, n, stride, 1, re+k, im+k)
			}
			assert.Equal(t, want, blocks)
			assert.Equal(t, wantBack, back)
		}
	}
}

func TestFFTTurnTwins(t *testing.T) {
	c := fftNumbers(40, 6)
	for n := 1; n < 10; n++ {
		for _, f := range []func(z, c []float64, n int){FFTTurn, FFTTurnBack} {
			restore := Use(Generic)
			want := fftNumbers(n*fftBlock, 7)
			f(want, c, n)
			restore()
			atLevels(func(l Level) {
				got := fftNumbers(n*fftBlock, 7)
				f(got, c, n)
				// Four products of numbers up to 4, fused or not.
				assert.InDeltaSlice(t, want, got, 64*0x1p-53, "%v n=%d", l, n)
			})
		}
	}
}

func TestFFTMultiplyTwins(t *testing.T) {
	h := fftNumbers(200, 3)
	for lanes := 1; lanes <= 8; lanes++ {
		for _, sign := range []float64{1, -1} {
			restore := Use(Generic)
			want := fftNumbers(5*fftBlock, 4)
			FFTMultiply(want, h, 5, 19, lanes, sign)
			restore()
			atLevels(func(l Level) {
				got := fftNumbers(5*fftBlock, 4)
				FFTMultiply(got, h, 5, 19, lanes, sign)
				// Two products of numbers up to 4, fused or not.
				assert.InDeltaSlice(t, want, got, 32*0x1p-53, "%v", l)
			})
		}
	}
	assert.Panics(t, func() { FFTMultiply(make([]float64, 16), h[:15:15], 1, 0, 8, 1) })
	assert.Panics(t, func() { FFTPass(make([]float64, 32), make([]float64, 31), nil, nil, 2, 1, 1) })
	assert.Panics(t, func() {
		Transpose8(make([]float64, 63), Tiles{0, 8, 16, 64}, make([]float64, 64), Tiles{0, 8, 16, 64}, 1)
	})
}

func BenchmarkFFTPass(b *testing.B) {
	for _, r := range []int{2, 3, 4, 5, 7, 8} {
		const m, s = 2, 8
		tw, w := fftTables(r, m)
		n := r * m * s * fftBlock
		x, y := fftNumbers(n, 5), make([]float64, n)
		b.Run(fmt.Sprint(r), func(b *testing.B) {
			for b.Loop() {
				FFTPass(y, x, tw, w, r, m, s)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n/2), "ns/number")
		})
	}
}
