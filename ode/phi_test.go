package ode

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// bigPhi sums the series of φ_k in 400 bits, of which the alternating series at z = -50 loses
// 2 log₂ e^50 = 144.
func bigPhi(k int, z float64) float64 {
	const bits = 400
	num := func(v float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(v) }
	term, sum := num(1), num(0)
	for i := 2; i <= k; i++ {
		term.Quo(term, num(float64(i)))
	}
	for n := 1; n < 400; n++ { // 50⁴⁰⁰/400! = 1e-189
		sum.Add(sum, term)
		term.Mul(term, num(z)).Quo(term, num(float64(n+k)))
	}
	v, _ := sum.Float64()
	return v
}

func TestPhi(t *testing.T) {
	for k := 1; k <= 5; k++ {
		for _, h := range []float64{0, 1e-8, 1e-5, 1e-3, 0.1, 0.5, 1, 2.7, 5, 8, 11.9, 12.1, 20, 50} {
			for _, z := range []float64{h, -h} {
				want := bigPhi(k, z)
				// Up to 60 positive terms, summed from small to large and down: 1e-15 of the
				// size and no more; exp alone gives 2e-16.
				assert.InDelta(t, 1, phi(k, z)/want, 1.5e-15, "φ_%d(%g)", k, z)
			}
		}
	}
}

// The weights integrate every polynomial of the nodes' degree exactly, on uneven nodes.
func TestLagrangeWeights(t *testing.T) {
	nodes := []float64{0, -0.7, -1.9, -2.2}
	for n := 1; n <= 4; n++ {
		for _, k := range []float64{1e-8, 0.01, 1, 7, 50, -1e-8, -0.3, -3} {
			m, w := make([]float64, n), make([]float64, n)
			expMoments(m, k)
			lagrangeWeights(w, nodes[:n], m)
			for degree := range n {
				sum, size := 0.0, 0.0
				for j, v := range w {
					p := v * math.Pow(nodes[j], float64(degree))
					sum += p
					size += math.Abs(p)
				}
				// Rounding of the terms, which are a few times as large as their parts.
				assert.InDelta(t, m[degree], sum, 1e-14*size, "%d nodes, k = %g, degree %d", n, k, degree)
			}
		}
	}
}

// The moments agree with quadrature of their definition, and those in t, on a path where
// t is a smooth function of ρ that is no polynomial, with integrals known in closed form.
func TestMoments(t *testing.T) {
	for _, k := range []float64{0.01, 1, 6, -0.5, -4} {
		var m [4]float64
		expMoments(m[:], k)
		for j := range m {
			sum := 0.0
			for p := range 20 {
				for i, x := range legendre.x {
					θ := (float64(p) + x) / 20
					sum += legendre.w[i] / 20 * k * math.Exp(-k*(1-θ)) * math.Pow(θ, float64(j))
				}
			}
			assert.InDelta(t, 1, m[j]/sum, 1e-13, "rounding of 320 terms") // positive terms
		}
	}
	f := condOT(newMix(2))
	for _, ts := range [][2]float64{{0.05, 0.06}, {0.1, 0.5}, {0.02, 0.98}} {
		from, to := levelAt(f, ts[0]), levelAt(f, ts[1])
		var m [4]float64
		timeMoments(m[:], f, from, to)
		// ρ = 1/t - 1, so ∫ θ^j dρ = -∫ θ^j t^-2 dt; with a = t₀, h = t₁ - t₀, q = log(t₁/t₀):
		a, b := ts[0], ts[1]
		h, q := b-a, math.Log(b/a)
		i0 := 1/a - 1/b
		want := []float64{-i0, -(q - a*i0) / h, -(h - 2*a*q + a*a*i0) / (h * h)}
		for j, v := range want {
			// The closed forms cancel: their terms exceed the result by a²/h² at most.
			assert.InDelta(t, 1, m[j]/v, 1e-13*(1+10*a*a/h/h), "t from %g to %g, moment %d", a, b, j)
		}
	}
}

// cloudFrom returns standard normal numbers from another address than cloud's.
func cloudFrom(index uint64, n int) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 2, stream.Test, 0, index)
	return x
}
