package ode_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/ode"
)

// straight is the flow of N(1, 0.5²) on α = t, σ = 1 - t, to its very end.
type straight struct{}

func (straight) Dim() int                               { return 1 }
func (straight) Noise(t float64) (alpha, sigma float64) { return t, 1 - t }
func (straight) Time(logSNR float64) float64            { return 1 / (1 + math.Exp(-logSNR)) }
func (straight) Denoise(dst, x []float64, alpha, sigma float64) {
	k := alpha * 0.25 / (alpha*alpha*0.25 + sigma*sigma)
	for i, v := range x {
		dst[i] = 1 + k*(v-alpha)
	}
}
func (s straight) Eval(dst, x []float64, t float64) {
	a, b := s.Noise(t)
	s.Denoise(dst, x, a, b)
	for i, v := range x {
		dst[i] = (dst[i] - v) / b
	}
}

// TestStepToNoNoise: every exponential method takes a last step to σ = 0, where x = α'D, and
// ends without a value that is not finite; beyond the end of the path, where λ is NaN, it
// says so in finite time.
func TestStepToNoNoise(t *testing.T) {
	for _, r := range ode.Records() {
		if _, generic := r.Method.(*ode.Tableau); generic {
			continue // evaluates the field, which is singular at σ = 0
		}
		if _, generic := r.Method.(ode.AdamsBashforth); generic {
			continue
		}
		for _, grid := range [][]float64{{0.5, 1}, {0.2, 0.9, 1}, {0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 1}} {
			x := []float64{0.3, 1.7}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			_, err := ode.Solve(ctx, straight{}, x, grid, r.Method, nil)
			cancel()
			require.NoError(t, err, "%s on %v", r.Name, grid)
			assert.False(t, math.IsNaN(x[0]+x[1]) || math.IsInf(x[0]+x[1], 0), "%s on %v: %v", r.Name, grid, x)
		}
		done := make(chan error, 1)
		go func() {
			_, err := ode.Solve(context.Background(), straight{}, []float64{0.3}, []float64{0.2, 0.4, 0.6, 0.8, 1.2}, r.Method, nil)
			done <- err
		}()
		select {
		case <-done: // an error, or the finite numbers of a formula that is defined there
		case <-time.After(20 * time.Second):
			t.Fatalf("%s does not return from a step beyond the path", r.Name)
		}
	}
	x := []float64{0.3, 1.7}
	_, err := ode.SolveDPMAdaptive(context.Background(), straight{}, x, []float64{0.2, 1}, ode.DPMAdaptive{RTol: 1e-5, ATol: 1e-7}, nil)
	require.NoError(t, err)
	// the exact flow keeps (x - αm)/√(α²s² + σ²); the last step from σ/α = 1e-4 errs by its square
	for i, v := range []float64{0.3, 1.7} {
		want := 1 + 0.5*(v-0.2)/math.Hypot(0.2*0.5, 0.8)
		assert.InDelta(t, want, x[i], 1e-3)
	}
}
