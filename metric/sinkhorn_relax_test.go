package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// TestRelax: over-relaxation reaches the plain solution in a third of the iterations, for any
// number of workers the same.
func TestRelax(t *testing.T) {
	const n = 150
	c, eps := peerCase(n)
	skewed := make([]float64, n)
	for i := range skewed {
		skewed[i] = float64(i % 7) // some of weight 0
	}
	floats.Scale(1/floats.Sum(skewed), skewed)
	for name, k := range map[string]struct {
		a []float64
		o SinkhornOptions
	}{
		"uniform":    {nil, SinkhornOptions{Epsilon: eps}},
		"skewed":     {skewed, SinkhornOptions{Epsilon: eps}},
		"descent":    {nil, SinkhornOptions{Epsilon: eps, Scaling: 0.5}},
		"unbalanced": {nil, SinkhornOptions{Epsilon: eps, Rho: 300 * eps}},
	} {
		t.Run(name, func(t *testing.T) {
			k.o.MaxIter = 20_000
			plain, err := Sinkhorn(t.Context(), c, n, n, k.a, nil, k.o)
			require.NoError(t, err)
			k.o.Relax = true
			r, err := Sinkhorn(t.Context(), c, n, n, k.a, nil, k.o)
			require.NoError(t, err)
			assert.Equal(t, SinkhornConverged, r.Status)
			assert.LessOrEqual(t, r.MarginalError, 1e-9)
			assert.Less(t, 3*r.Iterations, plain.Iterations)
			t.Logf("%d iterations, plain %d", r.Iterations, plain.Iterations)
			// At an error of 1e-9 a rate of 0.99 leaves 1e-7 of the way.
			assert.InEpsilon(t, plain.Cost, r.Cost, 1e-6)
			assert.InEpsilon(t, plain.RegCost, r.RegCost, 1e-8)
			k.o.Workers = 1
			one, err := Sinkhorn(t.Context(), c, n, n, k.a, nil, k.o)
			require.NoError(t, err)
			assert.Equal(t, r.F, one.F)
			// The second marginal is met, but for rounding.
			if math.IsInf(k.o.Rho, 1) || k.o.Rho == 0 {
				for j := range n {
					sum := 0.0
					for i := range n {
						a := 1. / n
						if k.a != nil {
							a = k.a[i]
						}
						sum += a * math.Exp((r.F[i]+r.G[j]-c[i*n+j])/eps)
					}
					assert.InDelta(t, 1, sum, 1e-11)
				}
			}
		})
	}
}

// TestRelaxation: an error that grows ends the relaxation, one that does not fall halves it.
func TestRelaxation(t *testing.T) {
	var r relaxation
	r.start()
	err := 1.0
	fall := func(rate float64) {
		for range relaxWindow + 1 {
			r.next(err)
			err *= rate
		}
	}
	fall(0.98)
	assert.Equal(t, 1., r.omega, "one rate is not yet known to have settled")
	fall(0.98)
	// The window's rate is (0.98)^(20/20).
	assert.InDelta(t, 2/(1+math.Sqrt(0.02)), r.omega, 1e-12)
	first := r.omega
	fall(0.9) // above ω - 1 = 0.752: the slow mode rules, and η was underestimated
	assert.Greater(t, r.omega, first)
	second := r.omega
	fall(1.0)
	assert.InDelta(t, 1+(second-1)/2, r.omega, 1e-12)
	r.next(100)
	assert.Equal(t, 1., r.omega)
}
