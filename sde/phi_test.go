package sde

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/integrate/quad"
)

// The moments of the kernel against quadrature, on both sides of h = 1 and at the ends.
func TestPsi(t *testing.T) {
	var m [maxNodes]float64
	for _, h := range []float64{1e-9, 1e-3, 0.3, 1, math.Nextafter(1, 2), 3, 20} {
		psi(m[:], h)
		for k := range m {
			want := quad.Fixed(func(u float64) float64 {
				return h * math.Exp(-h*(1-u)) * math.Pow(u, float64(k))
			}, 0, 1, 60, nil, 0)
			// Rounding of the recurrence, k!/h^k at most 6 at h > 1, and of the quadrature.
			assert.InEpsilon(t, want, m[k], 1e-13, "h %v, k %v", h, k)
		}
	}
	psi(m[:], math.Inf(1))
	assert.Equal(t, [maxNodes]float64{1, 1, 1, 1}, m) // the kernel is a point at θ = 1
	psi(m[:], 0)
	assert.Equal(t, [maxNodes]float64{}, m)
}

// Weights integrate every polynomial of their degree.
func TestExpWeights(t *testing.T) {
	nodes := []float64{1, 0, -0.7, -2.1}
	for n := 1; n <= len(nodes); n++ {
		for _, h := range []float64{0.01, 0.8, 5} {
			var w, m [maxNodes]float64
			expWeights(w[:n], nodes[:n], h)
			psi(m[:], h)
			for k := range n {
				sum := 0.0
				for j, u := range nodes[:n] {
					sum += w[j] * math.Pow(u, float64(k))
				}
				assert.InDelta(t, m[k], sum, 1e-13*h, "n %v, h %v, k %v", n, h, k) // sums of size 10h
			}
		}
	}
}
