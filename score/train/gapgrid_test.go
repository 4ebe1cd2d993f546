package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
)

// TestGridGapIsTheLinearGap holds the densities, the terms of the bound and the bound to those
// of LinearGap, in the plane with an error that is gradient and curl.
func TestGridGapIsTheLinearGap(t *testing.T) {
	cov, mat := []float64{0.9, 0.2, 0.2, 0.6}, []float64{-0.2, 0.15, -0.25, 0.1}
	target, err := density.Gaussian([]float64{0, 0}, cov)
	require.NoError(t, err)
	m := &Misled{Exact: target, Error: func(dst, x []float64, _, _ float64) { linearField(mat).Eval(dst, x, 0) }}
	path := OU{Horizon: 1.5}
	const t1 = 0.9
	want, err := LinearGap(path, cov, mat, func(float64) float64 { return 1 }, 0, t1, 400)
	require.NoError(t, err)
	g := &Grid{Lo: []float64{-5, -5}, Hi: []float64{5, 5}, N: []int{100, 100}}
	c, p0 := path.At(0), make([]float64, 10000)
	target.LogProb(p0, g.Centres(), c.Alpha, c.Sigma)
	for i, v := range p0 {
		p0[i] = math.Exp(v)
	}
	got, err := GridGap(ctx, m, path, g, p0, interpolant.UniformGrid(0, t1, 31), 0)
	require.NoError(t, err)
	x := g.Centres()
	second := func(p []float64, a, b int) float64 {
		s := 0.0
		for i, v := range p {
			s += v * x[2*i+a] * x[2*i+b] * g.Volume()
		}
		return s
	}
	for a := range 2 {
		for b := range 2 {
			// second order in cells of a tenth: h²/12 and the limiter's part, below a percent
			assert.InDelta(t, want.Flow.At(min(a, b), max(a, b)), second(got.Flow, a, b), 0.01)
			assert.InDelta(t, want.Process.At(min(a, b), max(a, b)), second(got.Process, a, b), 0.01)
		}
	}
	assert.InEpsilon(t, want.Bound, got.Bound, 0.03) // the same, and the trapezoidal rule at 30 steps
	assert.Less(t, bures(t, want.Flow, want.Process), got.Bound)
}
