package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// posteriorCase returns a block of k components and n points.
func posteriorCase(d, k, n int, varied bool) (p *Posterior, block, x []float64) {
	rng := rand.New(rand.NewPCG(uint64(d), uint64(k)))
	p = &Posterior{K: (k + 7) &^ 7, Alpha: 0.8, Prec: 1.3, A: 0.7, B: 0.4, D: d, Varied: varied}
	if varied {
		p.A = 1
	}
	block = make([]float64, p.Rows()*PosteriorBlock)
	for i := range p.Rows() {
		for c := range k {
			v := rng.NormFloat64()
			if varied && i == 1+d {
				v = math.Exp(v)
			}
			block[i*PosteriorBlock+c] = v
		}
	}
	for c := k; c < p.K; c++ {
		block[c] = math.Inf(-1)
	}
	x = make([]float64, n*d)
	for i := range x {
		x[i] = 2 * rng.NormFloat64()
	}
	return p, block, x
}

// number returns number k of row i of a block.
func number(block []float64, i, k int) float64 { return block[i*PosteriorBlock+k] }

func (p *Posterior) logit(x, block []float64, k int) float64 {
	q, prec := 0.0, p.Prec
	for j, v := range x {
		q += math.Pow(v-p.Alpha*number(block, 1+j, k), 2)
	}
	if p.Varied {
		prec = number(block, 1+p.D, k)
	}
	return number(block, 0, k) - prec*q
}

// posteriorSums are the sums from their formulas.
func posteriorSums(p *Posterior, x, block []float64, k int) (mean []float64, top, z float64, weights []float64) {
	weights, mean = make([]float64, k), make([]float64, p.D)
	top = math.Inf(-1)
	for c := range k {
		top = max(top, p.logit(x, block, c))
	}
	for c := range k {
		weights[c] = math.Exp2(p.logit(x, block, c) - top)
		z += weights[c]
	}
	for j := range mean {
		for c, w := range weights {
			if p.Varied {
				mean[j] += w / z * (number(block, 3+p.D+j, c) + number(block, 2+p.D, c)*x[j])
			} else {
				mean[j] += w / z * (p.A*number(block, 1+j, c) + p.B*x[j])
			}
		}
	}
	return mean, top, z, weights
}

func forPosteriors(t *testing.T, f func(t *testing.T, p *Posterior, block, x []float64, k int)) {
	everyLevel(t, func(t *testing.T) {
		for d := 1; d <= 3; d++ {
			for _, varied := range []bool{false, true} {
				for _, k := range []int{1, 5, 8, 25, 64} {
					p, block, x := posteriorCase(d, k, 21, varied)
					t.Run(fmt.Sprintf("d=%d,K=%d,varied=%v", d, k, varied), func(t *testing.T) { f(t, p, block, x, k) })
				}
			}
		}
	})
}

// Rounding: a logit of size up to 100 is off by a few ulp, and with it the weights.
const posteriorTol = 1e-13

func TestPosteriorMeans(t *testing.T) {
	forPosteriors(t, func(t *testing.T, p *Posterior, block, x []float64, k int) {
		n := len(x) / p.D
		s := new(PosteriorSums)
		dst, top, z := make([]float64, len(x)), make([]float64, n), make([]float64, n)
		p.Means(dst, x, top, z, block, s)
		one, oneTop, oneZ := make([]float64, p.D), make([]float64, 1), make([]float64, 1)
		for i := range n {
			xi := x[i*p.D : (i+1)*p.D]
			mean, wantTop, wantZ, _ := posteriorSums(p, xi, block, k)
			assert.InDeltaSlice(t, mean, dst[i*p.D:(i+1)*p.D], 10*posteriorTol)
			assert.InDelta(t, wantTop, top[i], posteriorTol)
			assert.InEpsilon(t, wantZ, z[i], posteriorTol)
			// By itself, and block by block.
			p.Means(one, xi, oneTop, oneZ, block, s)
			assert.Equal(t, dst[i*p.D:(i+1)*p.D], one, "the bits do not depend on the batch")
			assert.Equal(t, []float64{top[i], z[i]}, []float64{oneTop[0], oneZ[0]})
			s.Reset()
			p.Add(xi, block, s)
			oneZ[0] = p.Mean(one, xi, s)
			assert.InDeltaSlice(t, mean, one, 10*posteriorTol)
			assert.InEpsilon(t, wantZ, oneZ[0], posteriorTol)
			assert.Equal(t, top[i], s.Top)
		}
		// A point that is not a number, or infinite, is no other's concern.
		want := append([]float64{}, dst...)
		x[3*p.D], x[12*p.D] = math.NaN(), math.Inf(1)
		p.Means(dst, x, top, z, block, s)
		for i := range n {
			if i == 3 || i == 12 {
				assert.True(t, math.IsNaN(dst[i*p.D]))
			} else {
				assert.Equal(t, want[i*p.D:(i+1)*p.D], dst[i*p.D:(i+1)*p.D])
			}
		}
	})
}

// posteriorLevels returns n noise levels.
func posteriorLevels(n int) (alpha, sigma []float64) {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	alpha, sigma = make([]float64, n), make([]float64, n)
	for i := range n {
		alpha[i], sigma[i] = rng.Float64(), math.Exp(2*rng.NormFloat64())
	}
	return alpha, sigma
}

// TestPosteriorMeansEach: with a level for each point, the bits are those of one level for all.
func TestPosteriorMeansEach(t *testing.T) {
	everyLevel(t, func(t *testing.T) {
		s, top, z := new(PosteriorSums), make([]float64, 1), make([]float64, 1)
		for d := 1; d <= 3; d++ {
			for _, k := range []int{1, 8, 25, 64} {
				for n := range 41 {
					p, block, x := posteriorCase(d, k, n, false)
					alpha, sigma := posteriorLevels(n)
					if n > 12 {
						x[3*d], alpha[12] = math.NaN(), math.Inf(1)
					}
					got, want := make([]float64, n*d+1), make([]float64, n*d+1)
					for i := range n {
						p.SetNoise(alpha[i], sigma[i], 0.09)
						p.Means(want[i*d:(i+1)*d], x[i*d:(i+1)*d], top, z, block, s)
					}
					p.MeansEach(got[:n*d], x, alpha, sigma, 0.09, block, s)
					for i, v := range want {
						if !assert.Equal(t, math.Float64bits(v), math.Float64bits(got[i]), "d=%d, K=%d, n=%d, value %d", d, k, n, i) {
							return
						}
					}
				}
			}
		}
	})
}

// TestPosteriorBlocks: the second block holds the largest logit, or the first.
func TestPosteriorBlocks(t *testing.T) {
	forPosteriors(t, func(t *testing.T, p *Posterior, block, x []float64, k int) {
		x = x[:p.D]
		half := (k + 1) / 2
		parts := [2][]float64{append([]float64{}, block...), append([]float64{}, block...)}
		for c := range k {
			parts[c/half][c] = math.Inf(-1)
		}
		mean, top, z, weights := posteriorSums(p, x, block, k)
		for first := range 2 {
			s := new(PosteriorSums)
			s.Reset()
			p.Add(x, parts[first], s)
			p.Add(x, parts[1-first], s)
			got := make([]float64, p.D)
			if k == 1 && first == 0 { // the first block was empty
				continue
			}
			assert.InEpsilon(t, z, p.Mean(got, x, s), posteriorTol)
			assert.InDeltaSlice(t, mean, got, 10*posteriorTol)
			assert.InDelta(t, top, s.Top, posteriorTol)
		}
		s, v := new(PosteriorSums), []float64{0.3, -2, 1}[:p.D]
		spread, gain, product := 0.0, 0.0, make([]float64, p.D)
		for c, w := range weights {
			g, dot, first := 0.0, 0.0, 1
			if p.Varied {
				g, first = number(block, 2+p.D, c), 3+p.D
			}
			u := make([]float64, p.D)
			for j := range u {
				u[j] = number(block, first+j, c) + g*x[j] - mean[j]
				spread += w * u[j] * u[j]
				dot += u[j] * v[j]
			}
			for j := range u {
				product[j] += w * dot * u[j]
			}
			gain += w * g
		}
		check := func(add func(block []float64, s *PosteriorSums), want []float64) {
			s.Reset()
			s.Top = top
			add(parts[0], s)
			add(parts[1], s)
			if p.Varied {
				want = append(want, gain)
			}
			for i, w := range want {
				assert.InDelta(t, w, p.Second(i, s), 100*posteriorTol*(1+math.Abs(w)))
			}
		}
		check(func(block []float64, s *PosteriorSums) { p.Spread(x, mean, block, s) }, []float64{spread})
		check(func(block []float64, s *PosteriorSums) { p.Product(x, mean, v, block, s) }, product)
	})
}

func BenchmarkPosterior(b *testing.B) {
	for _, l := range Levels() {
		for _, n := range []int{1, 1024} {
			p, block, x := posteriorCase(2, 8, n, false)
			s := new(PosteriorSums)
			dst, top, z := make([]float64, len(x)), make([]float64, n), make([]float64, n)
			b.Run(fmt.Sprintf("d=2,K=8,n=%d/%s", n, l), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					p.Means(dst, x, top, z, block, s)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/point")
			})
		}
	}
}

func BenchmarkPosteriorEach(b *testing.B) {
	for _, l := range Levels() {
		for _, n := range []int{1, 15, 1024} {
			p, block, x := posteriorCase(2, 8, n, false)
			s := new(PosteriorSums)
			dst := make([]float64, len(x))
			alpha, sigma := posteriorLevels(n)
			b.Run(fmt.Sprintf("d=2,K=8,n=%d/%s", n, l), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					p.MeansEach(dst, x, alpha, sigma, 0.09, block, s)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/point")
			})
		}
	}
}
