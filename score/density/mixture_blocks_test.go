package density

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// TestSpreadOfOne: where one of the points holds all, the Jacobian of the denoiser vanishes; what
// is left are squares of roundings, (ε|μ|)²α/σ² ~ 1e-22, and not ε|μ|²α/σ² ~ 1e-6.
func TestSpreadOfOne(t *testing.T) {
	const d, sigma = 7, 1e-4
	rng := rand.New(rand.NewPCG(14, 14))
	y := make([]float64, 20*d)
	for i := range y {
		y[i] = 10 + rng.NormFloat64()
	}
	p, err := NewPoints(y, d)
	require.NoError(t, err)
	x, v := noised(p, 10, 1, sigma, rng), noised(p, 10, 0, 1, rng)
	got := methods(p, x, v, 1, sigma)
	assert.InDeltaSlice(t, make([]float64, 10*d), got[2], 1e-18)
	assert.InDeltaSlice(t, make([]float64, 10), got[4], 1e-18)
}

// TestFarBlocks: in every form, of two blocks far apart each point passes over one, and that
// changes nothing.
func TestFarBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 15))
	stds := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = 0.5 + rng.Float64()
		}
		return out
	}
	for _, c := range []struct {
		name string
		d    int
		make func(logW, mu []float64, k, d int) *gaussians
	}{
		{"isotropic", 5, func(logW, mu []float64, k, d int) *gaussians { return newIsotropic(d, logW, mu, stds(k)) }},
		{"diagonal", 5, func(logW, mu []float64, k, d int) *gaussians { return newWide(d, logW, mu, stds(k*d), nil) }},
		{"full, few dimensions", 2, func(logW, mu []float64, k, d int) *gaussians {
			return newWide(d, logW, mu, stds(k*d), turns(k, d, rng))
		}},
		{"full", 20, func(logW, mu []float64, k, d int) *gaussians {
			return newWide(d, logW, mu, stds(k*d), turns(k, d, rng))
		}},
	} {
		// A whole block and three components.
		k := blockSize(c.d) + 3
		if c.name == "full" {
			k = fullBlock(c.d) + 3
		}
		mu, logW := make([]float64, k*c.d), make([]float64, k)
		for i := range mu {
			mu[i] = rng.NormFloat64() + 30
			if i/c.d < k-3 {
				mu[i] -= 60
			}
		}
		for i := range logW {
			logW[i] = -math.Log(float64(k))
		}
		pruned := &Mixture{c.make(logW, mu, k, c.d)}
		plain := &Mixture{newGaussians(c.d, logW, mu)}
		plain.vars, plain.eig, plain.vec, plain.packed, plain.block = pruned.vars, pruned.eig, pruned.vec, pruned.packed, pruned.block
		plain.back, plain.outer = pruned.back, pruned.outer

		const n = 11 // about one of them in the last, small block
		alpha, sigma := 0.9, 0.5
		x, v := noised(plain, n, alpha, sigma, rng), noised(plain, n, 0, 1, rng)
		for i := range x[:c.d] {
			x[c.d+i] = alpha * mu[(k-1)*c.d+i]
		}
		w := pruned.begin(x, x, c.d, alpha, sigma)
		pruned.measure(w, x)
		assert.True(t, pruned.far(w, 1, 0, w.floor[1]), "%s: the first block", c.name)
		assert.True(t, pruned.far(w, 0, pruned.block, w.floor[0]), "%s: the last block", c.name)
		want, got := methods(plain, x, v, alpha, sigma), methods(pruned, x, v, alpha, sigma)
		for i := range want {
			// What is passed over is e⁻⁶⁰; the rest is rounding of other sums.
			assert.InDeltaSlice(t, want[i], got[i], 1e-13*(1+floats.Norm(want[i], math.Inf(1))), "%s, method %d", c.name, i)
		}
		// Nor do points that are no numbers, which leave their logits of the first block behind.
		bad := make([]float64, len(x))
		for i := range bad {
			bad[i] = math.NaN()
		}
		methods(pruned, bad, v, alpha, sigma)
		assert.Equal(t, got, methods(pruned, x, v, alpha, sigma), "%s: after points that are no numbers", c.name)
	}
}

// turns returns k random orthogonal matrices.
func turns(k, d int, rng *rand.Rand) []float64 {
	var out []float64
	for range k {
		a := mat.NewDense(d, d, nil)
		for i := range a.RawMatrix().Data {
			a.RawMatrix().Data[i] = rng.NormFloat64()
		}
		var qr mat.QR
		var q mat.Dense
		qr.Factorize(a)
		qr.QTo(&q)
		out = append(out, q.RawMatrix().Data...)
	}
	return out
}
