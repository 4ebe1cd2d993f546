package density

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// TestRowsAlone: at every level a point has the same bits alone and in a batch, whatever its
// place.
func TestRowsAlone(t *testing.T) {
	for _, l := range simd.Levels() {
		defer simd.Use(l)()
		for _, r := range targets {
			m, ok := r.target.(*Mixture)
			if !ok {
				continue
			}
			rng := rand.New(rand.NewPCG(12, 12))
			const n = 75 // more than a call of the kernels takes
			x, v := noised(m, n, 0.8, 0.3, rng), noised(m, n, 0, 1, rng)
			want := methods(m, x, v, 0.8, 0.3)
			for i := range n {
				got := methods(m, x[i*m.d:(i+1)*m.d], v[i*m.d:(i+1)*m.d], 0.8, 0.3)
				for k, g := range got {
					if !assert.Equal(t, want[k][i*len(g):(i+1)*len(g)], g, "%s, %s: method %d, point %d", l, r.name, k, i) {
						return
					}
				}
			}
		}
	}
}

// TestFewBlocks: components cut into blocks, of equal and of own variances, against one
// mixture of the same law in the form for many dimensions.
func TestFewBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 13))
	const k = 150
	for d := 1; d <= 3; d++ {
		for _, stds := range [][]float64{{0.3}, nil} {
			means, diag := make([]float64, k*d), make([]float64, k*d)
			for i := range means {
				means[i] = 2 * rng.NormFloat64()
			}
			if stds == nil {
				for range k {
					stds = append(stds, 0.1+rng.Float64())
				}
			}
			for i := range diag {
				diag[i] = stds[i/d%len(stds)]
			}
			few, other := must(NewIsotropicMixture(nil, means, stds, d)), must(NewDiagonalMixture(nil, means, diag, d))
			for _, sigma := range []float64{0.05, 1, 20} {
				x, v := noised(few, 30, 0.9, sigma, rng), noised(few, 30, 0, 1, rng)
				want, got := methods(other, x, v, 0.9, sigma), methods(few, x, v, 0.9, sigma)
				for i := range want {
					// Rounding: of logits up to 1e3, and in a Jacobian times α/σ² = 400.
					assert.InDeltaSlice(t, want[i], got[i], 1e-10, "d=%d, %d widths, σ=%g, method %d", d, len(stds), sigma, i)
				}
			}
		}
	}
}
