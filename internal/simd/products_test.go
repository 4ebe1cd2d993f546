package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestProducts(t *testing.T) {
	const alpha = 0.7
	everyLevel(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for _, n := range []int{1, 3, 4, 7, 8, 13, 32, 45, 64, 131} {
			for _, m := range []int{1, 2, 9, 64} {
				for _, rows := range []int{1, 3, 4, 6, 8} {
					stride := n + rng.IntN(3)
					b, w := make([]float64, (m-1)*stride+n), make([]float64, (m-1)*stride+n)
					for i := range b {
						b[i], w[i] = rng.NormFloat64(), rng.ExpFloat64()
					}
					var p Products
					for _, form := range []string{"products", "squares", "weighted squares"} {
						var a, c, one [][]float64
						for range rows {
							x := make([]float64, m)
							for k := range x {
								x[k] = rng.NormFloat64()
							}
							// A value beyond each row must stay.
							a, c, one = append(a, x), append(c, make([]float64, n+1)), append(one, make([]float64, n+1))
							for i := range n + 1 {
								c[len(c)-1][i], one[len(c)-1][i] = float64(i), float64(i)
							}
						}
						add := func(c, a [][]float64) {
							switch form {
							case "products":
								p.Add(c, a, b, stride, n)
							case "squares":
								p.AddSquares(c, a, b, stride, n, alpha)
							default:
								p.AddWeighted(c, a, b, w, stride, n, alpha)
							}
						}
						add(c, a)
						for r := range rows {
							add(one[r:r+1], a[r:r+1])
							assert.Equal(t, one[r], c[r], "the bits do not depend on the batch")
							for i := range n + 1 {
								want, size := float64(i), float64(i)
								for k := 0; k < m && i < n; k++ {
									term := a[r][k] * b[k*stride+i]
									if u := a[r][k] - alpha*b[k*stride+i]; form != "products" {
										term = u * u
									}
									if form == "weighted squares" {
										term *= w[k*stride+i]
									}
									want, size = want+term, size+math.Abs(term)
								}
								// m+1 roundings, twice.
								assert.InDelta(t, want, c[r][i], 2*float64(m+1)*0x1p-52*(1+size), "n=%d, m=%d, %s", n, m, form)
							}
						}
					}
				}
			}
		}
		var p Products
		assert.Panics(t, func() { p.Add([][]float64{{0}}, [][]float64{{1, 2}}, []float64{1}, 1, 1) })
		assert.Panics(t, func() { p.Add([][]float64{{0}}, [][]float64{{1}}, []float64{1, 2}, 2, 2) })
		assert.Panics(t, func() { p.AddWeighted([][]float64{{0}}, [][]float64{{1}}, []float64{1}, nil, 1, 1, 1) })
	})
}

func TestWhitenedSquares(t *testing.T) {
	const alpha = 0.7
	rng := rand.New(rand.NewPCG(6, 6))
	normals := func(n int) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		return v
	}
	everyLevel(t, func(t *testing.T) {
		for d := 1; d <= 4; d++ {
			for n := 0; n <= 40; n += 8 {
				// A value beyond the results must stay.
				q, x, b, w := normals(n + 1)[:n], normals(d), normals(n*d*(1+d)), normals(n*d)
				beyond := q[:n+1][n]
				WhitenedSquares(q, x, b, w, alpha)
				assert.Equal(t, beyond, q[:n+1][n])
				for k := range q {
					want, size := 0.0, 0.0
					for j := range d {
						z := 0.0
						for i := range d {
							z += b[(d+j*d+i)*n+k] * (x[i] - alpha*b[i*n+k])
							size += math.Abs(w[j*n+k]) * math.Pow(b[(d+j*d+i)*n+k]*(math.Abs(x[i])+math.Abs(b[i*n+k])), 2)
						}
						want += w[j*n+k] * z * z
					}
					// Of d squares of d terms each: at most 3d roundings, twice; (Σ|t|)² ≤ d Σt².
					assert.InDelta(t, want, q[k], 6*float64(d*d)*0x1p-52*size, "d=%d, n=%d", d, n)
				}
			}
		}
		for _, v := range []float64{math.NaN(), math.Inf(1)} {
			q, ones := make([]float64, 8), make([]float64, 48)
			for i := range ones {
				ones[i] = 1
			}
			WhitenedSquares(q, []float64{1, v}, ones, ones[:16], 1)
			assert.Equal(t, math.IsNaN(v), math.IsNaN(q[7]))
			assert.Equal(t, math.IsInf(v, 1), math.IsInf(q[7], 1))
		}
		assert.Panics(t, func() { WhitenedSquares(make([]float64, 7), []float64{1}, make([]float64, 14), make([]float64, 7), 1) })
	})
}

func TestGaussLogits(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	everyLevel(t, func(t *testing.T) {
		for n := 0; n <= 64; n += 8 {
			var v [4][]float64
			for i := range v {
				v[i] = make([]float64, n)
				for k := range v[i] {
					v[i][k] = rng.NormFloat64()
				}
			}
			const s, u, w = 0.3, -2, 1.5
			want, top := make([]float64, n), math.Inf(-1)
			for k := range want {
				want[k] = v[1][k] - v[2][k]*max(0, s+u*v[0][k]+w*v[3][k])
				top = max(top, want[k])
			}
			got := GaussLogits(v[0], v[1], v[2], v[3], s, u, w)
			assert.InDeltaSlice(t, want, v[0], 1e-14) // rounding of values up to 10
			if n > 0 {
				assert.InDelta(t, top, got, 1e-14)
			} else {
				assert.Equal(t, top, got)
			}
		}
		q := []float64{1, math.NaN(), math.Inf(1), 1, 1, 1, 1, 1}
		ones := []float64{1, 1, 1, 1, 1, 1, 1, math.Inf(-1)}
		GaussLogits(q, ones, ones[:8], []float64{0, 0, 0, 0, 0, 0, 0, 0}, 0, 1, 1)
		assert.True(t, math.IsNaN(q[1]))
		assert.Equal(t, math.Inf(-1), q[2])
		assert.Equal(t, 0., q[0])
	})
}

func TestReach(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	everyLevel(t, func(t *testing.T) {
		for n := 0; n <= 24; n += 8 {
			var v [6][]float64
			for i := range v {
				for range n {
					v[i] = append(v[i], rng.ExpFloat64())
				}
			}
			if n > 0 {
				v[2][n-1], v[4][n-1] = math.Inf(-1), math.Inf(-1)
			}
			const alpha = 0.6
			want, floor := make([]float64, n), math.Inf(-1)
			for i := range want {
				d := math.Sqrt(v[0][i])
				want[i] = v[2][i] - v[3][i]*math.Pow(max(0, d-alpha*v[1][i]), 2)
				floor = max(floor, v[4][i]-v[5][i]*math.Pow(d+alpha*v[1][i], 2))
			}
			b := Balls{R: v[1], Hi: v[2], Near: v[3], Lo: v[4], Far: v[5]}
			got := b.Reach(v[0], alpha)
			if n == 0 {
				assert.Equal(t, floor, got)
				continue
			}
			assert.InDeltaSlice(t, want[:n-1], v[0][:n-1], 1e-13) // rounding of values up to 100
			assert.Equal(t, math.Inf(-1), v[0][n-1])
			assert.InDelta(t, floor, got, 1e-13)
		}
	})
}

func BenchmarkProducts(b *testing.B) {
	for _, l := range Levels() {
		for _, rows := range []int{1, 8} {
			var p Products
			var a, c [][]float64
			m, x := make([]float64, 64*64), fftNumbers(64, 1) // rows of zeros would be left out
			for range rows {
				a, c = append(a, x), append(c, make([]float64, 64))
			}
			b.Run(fmt.Sprintf("64x64,rows=%d/%s", rows, l), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					p.Add(c, a, m, 64, 64)
				}
				b.ReportMetric(2*64*64*float64(rows)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}

func BenchmarkWeighted(b *testing.B) {
	for _, l := range Levels() {
		for _, n := range []int{8, 64} {
			var p Products
			var a, c [][]float64
			m := make([]float64, 64*n)
			for range 8 {
				a, c = append(a, make([]float64, 64)), append(c, make([]float64, n))
			}
			b.Run(fmt.Sprintf("d=64,K=%d/%s", n, l), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					p.AddWeighted(c, a, m, m, n, n, 1)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*8*64*n), "ns/value")
			})
		}
	}
}

func BenchmarkWhitenedSquares(b *testing.B) {
	for _, l := range Levels() {
		for d := 2; d <= 3; d++ {
			q, x, m := make([]float64, 64), make([]float64, d), make([]float64, 64*d*(1+d))
			b.Run(fmt.Sprintf("d=%d,K=64/%s", d, l), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					WhitenedSquares(q, x, m, m[:64*d], 1)
				}
			})
		}
	}
}
