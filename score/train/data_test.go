package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

func draw(t *testing.T, s Source, n int, seed, step uint64) (x0, x1 []float64) {
	t.Helper()
	x0, x1 = make([]float64, n*s.Dim()), make([]float64, n*s.Dim())
	require.NoError(t, s.Draw(x0, x1, seed, step))
	return x0, x1
}

func assign(x0, x1 []float64) ([]int, error) {
	n := len(x0) / 2
	a, err := metric.Assign(n, metric.PowerCost(x0, x1, 2, 2))
	if err != nil {
		return nil, err
	}
	return a.To, nil
}

// TestBatchesHaveAddresses: the same step gives the same batch, a larger one begins with it
// unless rows are coupled, and steps are independent.
func TestBatchesHaveAddresses(t *testing.T) {
	moons := Target{density.Moons(0.1)}
	points := &Points{density.Sample(moons.Target, 50, 1, 0, 0), 2}
	for _, s := range []Source{moons, points, Between{points, moons}, &Pairs{points.X, points.X, 2}} {
		a0, a1 := draw(t, s, 20, 7, 3)
		b0, b1 := draw(t, s, 30, 7, 3)
		assert.Equal(t, a0, b0[:40])
		assert.Equal(t, a1, b1[:40])
		_, c1 := draw(t, s, 20, 7, 4)
		assert.NotEqual(t, a1, c1)
	}
	x0, x1 := draw(t, Between{points, points}, 200, 7, 3)
	same := 0
	for i := range 200 {
		if x0[2*i] == x1[2*i] {
			same++
		}
	}
	assert.Less(t, same, 16) // of 200 independent pairs of 50 points 4 agree, ± 2: 6 deviations
	rest, held, err := points.Split(0.2, 1)
	require.NoError(t, err)
	assert.Len(t, rest.X, 80)
	assert.Len(t, held.X, 20)
	sum := func(x []float64) (s float64) {
		for _, v := range x {
			s += v
		}
		return s
	}
	assert.InDelta(t, sum(points.X), sum(rest.X)+sum(held.X), 1e-12) // rounding
	_, _, err = points.Split(1, 1)
	assert.Error(t, err)
	assert.InDelta(t, 1.5, DataStd(density.Sample(density.Normal(3, 1.5), 20000, 1, 0, 0), 3), 0.02) // 1.5/√120000, 4 times
}

// TestCouplingSavesTransport keeps the laws and lowers the cost.
func TestCouplingSavesTransport(t *testing.T) {
	ring := Target{density.Ring(8, 4, 0.3)}
	x0, x1 := draw(t, ring, 128, 7, 3)
	y0, y1 := draw(t, Coupled{ring, 0, assign}, 128, 7, 3)
	assert.Equal(t, x0, y0)
	assert.ElementsMatch(t, x1, y1)
	assert.Less(t, interpolant.PairCost(y0, y1, 2, nil), 0.8*interpolant.PairCost(x0, x1, 2, nil))
}

// TestReflowPairs are the ends of the flow: one more step of the straight path from x₀ reaches
// x₁ better on the pairs of the flow than on independent ones.
func TestReflowPairs(t *testing.T) {
	target := density.Normal(2, 0.5)
	path := interpolant.CondOT{}
	s := &score.Sampler{Path: path, Model: target, Solver: score.ODE(ode.Heun), Grid: interpolant.UniformGrid(0, 0.99, 60), Seed: 2}
	p, err := SamplePairs(ctx, s, 200, nil)
	require.NoError(t, err)
	// The flow of a round Gaussian is a scaling by its standard deviation; Heun in 60 steps and
	// the last denoising leave 1e-3.
	for i, v := range p.X0 {
		assert.InDelta(t, 0.5*v, p.X1[i], 5e-3*(1+math.Abs(v)))
	}
}

// TestDefaultRecipeFits is the architecture and the objective of one another.
func TestDefaultRecipeFits(t *testing.T) {
	r := DefaultRecipe(2, 1.5)
	m, err := nn.NewModel(r.Spec, r.Precond, 1)
	require.NoError(t, err)
	assert.NoError(t, r.Objective.Check(m.Net.In(), m.Net.Out()))
	r.Settings.Steps = 2
	res, err := Run(ctx, m, r.Objective, Target{density.Moons(0.1)}, r.Settings)
	require.NoError(t, err)
	assert.NoError(t, res.Err())
}
