package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
)

func bures(t *testing.T, a, b *mat.SymDense) float64 {
	t.Helper()
	d := a.SymmetricDim()
	flat := func(s *mat.SymDense) []float64 {
		out := make([]float64, d*d)
		for i := range d {
			for j := range d {
				out[i*d+j] = s.At(i, j)
			}
		}
		return out
	}
	w, err := metric.BuresW2(make([]float64, d), flat(a), make([]float64, d), flat(b))
	require.NoError(t, err)
	return w
}

// TestGapFollowsTheory holds flow and process of a score with a known error to what they must
// do: no gap without an error, or for a rotation of a round law, or to first order in the
// error, and never above the bound.
func TestGapFollowsTheory(t *testing.T) {
	path := OU{Horizon: 3}
	round, oval := []float64{0.8, 0, 0, 0.8}, []float64{1.2, 0.3, 0.3, 0.5}
	grad, curl := []float64{1, 0.4, 0.4, -0.6}, []float64{0, 1, -1, 0}
	run := func(cov, m []float64, eps float64) *GaussianGap {
		g, err := LinearGap(path, cov, m, func(float64) float64 { return eps }, 0, 0.98, 800)
		require.NoError(t, err)
		return g
	}
	none := run(oval, grad, 0)
	// RK4 at 800 steps: some 1e-9 of the covariances, whose root is W2
	assert.Less(t, bures(t, none.Flow, none.Process), 1e-6)
	assert.Less(t, bures(t, none.Flow, none.Truth), 1e-6)
	turned := run(round, curl, 0.3)
	assert.Less(t, bures(t, turned.Flow, turned.Process), 1e-6)
	assert.Greater(t, turned.ScoreError, 0.01)
	for name, c := range map[string][2][]float64{"gradient": {oval, grad}, "curl": {oval, curl}, "round": {round, grad}} {
		var gaps []float64
		for _, eps := range []float64{0.02, 0.04, 0.08, 0.16} {
			g := run(c[0], c[1], eps)
			w := bures(t, g.Flow, g.Process)
			gaps = append(gaps, w)
			assert.LessOrEqual(t, w, g.Bound, "%s at %g", name, eps)
			assert.Positive(t, w)
			t.Logf("%s, error %.2f: W2 flow-process %.4f, flow-truth %.4f, process-truth %.4f, bound %.4f, ∫h E|e|² %.4g", name, eps, w,
				bures(t, g.Flow, g.Truth), bures(t, g.Process, g.Truth), g.Bound, g.ScoreError)
		}
		// first order in the error as it goes to 0: doubling the error of 2% doubles the gap,
		// but for a second-order term of a few times 2%
		assert.InDelta(t, 2, gaps[1]/gaps[0], 0.15, name)
	}
	// The scalar problem to first order: δ_flow' = 2(f - h/v)δ... solved by an integrating
	// factor, f - h/v being v̇/2v: δ_flow = v ∫ 2h e dt; the process forgets, at the rate h/v.
	const eps = 1e-4
	g := run(round, []float64{1, 0, 0, 1}, eps)
	sumH, v1 := 0.0, g.Truth.At(0, 0)
	const n = 100000
	for i := range n {
		_, h := residual{path: path}.drift(0.98 * (float64(i) + 0.5) / n)
		sumH += 0.98 * h / n
	}
	// a second-order term of eps·∫h ~ 1e-4 of it
	assert.InEpsilon(t, v1*2*eps*sumH, g.Flow.At(0, 0)-v1, 1e-3)
}

// TestBoundOfTheTrapezoid holds GapBound to its closed form for constants, c(e^{K} - 1)/K.
func TestBoundOfTheTrapezoid(t *testing.T) {
	times := interpolant.UniformGrid(0, 1, 401)
	fill := func(v float64) []float64 {
		s := make([]float64, len(times))
		for i := range s {
			s[i] = v
		}
		return s
	}
	got := GapBound(times, fill(0.5), fill(2), fill(0.3))
	assert.InEpsilon(t, 0.15*(math.Exp(2)-1)/2, got, 1e-5) // h²/12 of e^{2t}'s second derivative
}
