package density

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// perPoint is score.PerPoint.
type perPoint interface {
	DenoiseEach(dst, x, alpha, sigma []float64)
}

// levelsOf returns n noise levels, of which some follow their like.
func levelsOf(n int, rng *rand.Rand) (alpha, sigma []float64) {
	alpha, sigma = make([]float64, n), make([]float64, n)
	for i := range n {
		if i > 0 && rng.IntN(3) == 0 {
			alpha[i], sigma[i] = alpha[i-1], sigma[i-1]
			continue
		}
		alpha[i], sigma[i] = rng.Float64(), math.Exp(3*rng.NormFloat64())
	}
	return alpha, sigma
}

// TestDenoiseEach: at every level of the processor, points at noise levels of their own have
// the bits that they have alone.
func TestDenoiseEach(t *testing.T) {
	for _, l := range simd.Levels() {
		restore := simd.Use(l)
		offered := 0
		for _, r := range targets {
			each, ok := r.target.(perPoint)
			if !ok {
				continue
			}
			offered++
			d := r.target.Dim()
			rng := rand.New(rand.NewPCG(14, 14))
			lengths := []int{1, 2, 3, 5, 8, 40}
			if !testing.Short() && d <= 3 {
				lengths = lengths[:0]
				for n := range 41 {
					lengths = append(lengths, n)
				}
			}
			// More than a call of the kernels takes.
			for _, n := range append(lengths, 75) {
				alpha, sigma := levelsOf(n, rng)
				x := noised(r.target, n, 1, 0.5, rng)
				want, got := make([]float64, n*d), make([]float64, n*d)
				for i := range n {
					r.target.Denoise(want[i*d:(i+1)*d], x[i*d:(i+1)*d], alpha[i], sigma[i])
				}
				each.DenoiseEach(got, x, alpha, sigma)
				if !assert.Equal(t, want, got, "%s, %s: %d points", l, r.name, n) {
					break
				}
			}
		}
		restore()
		assert.Greater(t, offered, 15)
	}
	m := Ring(8, 4, 0.3)
	x := make([]float64, 4)
	assert.Panics(t, func() { m.DenoiseEach(make([]float64, 4), x, []float64{1}, []float64{1, 1}) })
	assert.Panics(t, func() { m.DenoiseEach(make([]float64, 2), x, []float64{1, 1}, []float64{1, 1}) })
}

func TestDenoiseEachAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	rng := rand.New(rand.NewPCG(15, 15))
	for _, r := range targets {
		each, ok := r.target.(perPoint)
		if !ok {
			continue
		}
		const n = 10
		alpha, sigma := levelsOf(n, rng)
		x := noised(r.target, n, 1, 0.5, rng)
		dst := make([]float64, len(x))
		require.Zero(t, testing.AllocsPerRun(10, func() { each.DenoiseEach(dst, x, alpha, sigma) }), r.name)
	}
}

func BenchmarkDenoiseEach(b *testing.B) {
	for _, r := range targets {
		each, ok := r.target.(perPoint)
		if !ok {
			continue
		}
		rng := rand.New(rand.NewPCG(16, 16))
		alpha, sigma := make([]float64, 1024), make([]float64, 1024)
		for i := range alpha {
			alpha[i], sigma[i] = 1, 1+0.1*rng.Float64()
		}
		b.Run(r.name, func(b *testing.B) {
			bench(b, r.target, 1, 1, func(dst, x []float64) { each.DenoiseEach(dst, x, alpha, sigma) })
		})
		b.Run(r.name+",alone", func(b *testing.B) {
			d := r.target.Dim()
			bench(b, r.target, 1, 1, func(dst, x []float64) {
				for i := range alpha {
					r.target.Denoise(dst[i*d:(i+1)*d], x[i*d:(i+1)*d], alpha[i], sigma[i])
				}
			})
		})
	}
}
