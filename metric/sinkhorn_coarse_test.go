package metric

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// The start from the blocks changes the way and not the end: the solution is that of the
// descent over the points alone, and few iterations remain to be done at full size.
func TestCoarseStart(t *testing.T) {
	const n, m = 2500, 2000
	x, y := peerRing(3, n), gaussian(4, m, []float64{0, 0}, []float64{3, 3})
	a := make([]float64, n)
	for i := range a {
		a[i] = 1 + float64(i%3)
	}
	a[7] = 0
	floats.Scale(1/floats.Sum(a), a)
	require.Greater(t, n*m, denseLimit, "else there is no coarse problem")
	o := SinkhornOptions{Epsilon: 8, Scaling: 0.25, Tol: 1e-5}

	with, err := SinkhornPoints(t.Context(), x, y, 2, a, nil, o)
	require.NoError(t, err)
	require.Equal(t, SinkhornConverged, with.Status)

	problem := func() *entropic {
		p, err := newEntropic(newPoints(newCloud(x, 2), newCloud(y, 2), 0), a, nil, o)
		require.NoError(t, err)
		return p
	}
	p := problem()
	without := p.solve(t.Context())
	require.Equal(t, SinkhornConverged, without.Status)
	// The dual objective is off by the square of the marginal error, the potentials by the
	// error times a constant of the problem's slow rate.
	require.InDelta(t, without.RegCost, with.RegCost, 1e-7)
	shift := with.F[0] - without.F[0]
	for i := range with.F {
		require.InDelta(t, without.F[i], with.F[i]-shift, 1e-3)
	}

	// At the hand-over the points' marginal is nearly met, which a start from zero is far from.
	q := problem()
	q.startCoarse(t.Context())
	require.InDelta(t, 11, q.from, 3, "8 squared radii of a block of 39 points")
	first := func(p *entropic) float64 {
		p.o.Epsilon, p.o.MaxIter, p.o.Scaling = q.from, 1, 0
		return p.solve(t.Context()).MarginalError
	}
	warm, cold := first(q), first(problem())
	t.Logf("marginal error after one iteration at ε = %.3g: %.2g from the blocks, %.2g from zero", q.from, warm, cold)
	require.Less(t, warm, cold/5)
}

// A law with itself has one potential, which the coarse start must leave equal on both sides.
func TestCoarseStartOfDivergence(t *testing.T) {
	x := peerRing(5, 2100)
	r, err := Divergence(t.Context(), x, x, 2, nil, nil, SinkhornOptions{Epsilon: 8, Scaling: 0.25, Tol: 1e-4})
	require.NoError(t, err)
	require.Equal(t, SinkhornConverged, r.Status)
	require.InDelta(t, 0, r.Value, 1e-5) // the square of the marginal error times ε, and a constant of the slow rate

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err = Divergence(ctx, x, x, 2, nil, nil, SinkhornOptions{Epsilon: 0.5, Scaling: 0.25})
	require.NoError(t, err)
	require.Equal(t, SinkhornCancelled, r.Status)
}
