package main

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score/density"
)

func TestOperator(t *testing.T) {
	rng := stream.New().At(1, stream.Test, 0, 0)
	for _, a := range []*reflected{newReflected([]float64{0.9, 0.5, 0.1}, 7, rng), newReflected([]float64{2}, 3, rng), newRow(3, -4)} {
		m, d := a.Dims()
		assert.Less(t, linop.DotTest(a, 1), 1e-12)
		x, v, y, u := make([]float64, d), make([]float64, d), make([]float64, m), make([]float64, m)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		// A = U diag(s) Vᵀ with orthogonal V and U, to rounding.
		a.VT(v, x)
		assert.InDelta(t, floats.Norm(x, 2), floats.Norm(v, 2), 1e-14)
		for j, s := range a.s {
			u[j] = s * v[j]
		}
		a.U(y, u)
		want := make([]float64, m)
		a.Apply(want, x)
		assert.InDeltaSlice(t, want, y, 1e-13)
		back := make([]float64, m)
		a.UT(back, y)
		assert.InDeltaSlice(t, u, back, 1e-14)
		w := make([]float64, d)
		a.V(w, v)
		assert.InDeltaSlice(t, x, w, 1e-14)
	}
	y := []float64{0}
	newRow(3, -4).Apply(y, []float64{2, 1})
	assert.InDelta(t, 2, y[0], 1e-14)
}

func TestSingularVectorsAreUniform(t *testing.T) {
	// The first column of V is uniform on the sphere: mean 0, covariance I/d, and so is the
	// second. 5 standard errors of 4000 draws, of which the widest entry has √(2/d²).
	const n, d = 4000, 3
	rng := stream.New().At(2, stream.Test, 0, 0)
	for j := range 2 {
		mean, second := make([]float64, d), make([]float64, d)
		for range n {
			a := newReflected([]float64{1, 1}, d, rng)
			e, v := make([]float64, d), make([]float64, d)
			e[j] = 1
			a.V(v, e)
			for i := range v {
				mean[i] += v[i] / n
				second[i] += v[i] * v[i] / n
			}
		}
		for i := range mean {
			assert.InDelta(t, 0, mean[i], 5*math.Sqrt(1./d/n))
			assert.InDelta(t, 1./d, second[i], 5*math.Sqrt(2./d/d/n))
		}
	}
}

func TestProblemAndMeasures(t *testing.T) {
	const n = 4000
	q, err := mcgProblem(8, 2, 0, n)
	require.NoError(t, err)
	again, err := mcgProblem(8, 2, 0, n)
	require.NoError(t, err)
	assert.Equal(t, q.truth, again.truth)

	// The weights are those of the posterior's own components.
	weights, _, _ := q.post.Modes()
	next := 0
	for _, w := range q.weights {
		if next < len(weights) && math.Abs(w-weights[next]) < 1e-12*(1+weights[next]) {
			next++
		}
	}
	assert.Equal(t, len(weights), next)
	assert.InDelta(t, 1, floats.Sum(q.weights), 1e-12) // rounding

	var exact cell
	x, _, err := exactDraws(context.Background(), q, n, 0)
	require.NoError(t, err)
	require.NoError(t, exact.measure(q, x))
	// 5 standard errors: √(0.9·0.1/n) of the draws and as much of the truth.
	assert.InDelta(t, 0.9, exact.Region, 5*math.Sqrt(2*0.09/n))
	assert.InDelta(t, 0.9, exact.Interval, 5*math.Sqrt(2*0.09/n))
	assert.Less(t, exact.Mean, 5/math.Sqrt(n))
	assert.Less(t, exact.TV, 25*0.5/math.Sqrt(n))
	assert.Less(t, exact.SW1, exact.SW2)

	// A shift by one standard deviation along all, and draws that are too close together.
	shifted, narrow := append([]float64(nil), x...), append([]float64(nil), x...)
	size := math.Sqrt(q.cov.Trace() / 8)
	for i := range x {
		shifted[i] += size
		narrow[i] = q.mean[i%8]
	}
	var s, c cell
	require.NoError(t, s.measure(q, shifted))
	assert.InDelta(t, 1, s.Mean, 5/math.Sqrt(n)) // |shift| = √tr C
	assert.InDelta(t, exact.Cov, s.Cov, 1e-9)
	assert.Greater(t, s.SW1, 0.1*size)
	require.NoError(t, c.measure(q, narrow))
	assert.InDelta(t, 0, c.Mean, 1e-11) // rounding of 4000 terms
	assert.InDelta(t, 1, c.Cov, 1e-11)
	assert.Zero(t, c.Interval)
}

func TestIntervalsOfANarrowSample(t *testing.T) {
	// Central 90 % intervals of half the width hold Φ-mass 2Φ(1.6449/2) - 1 = 0.589.
	const n = 20000
	x := density.Sample(density.Normal(2, 0.5), n, 1, 0, 0)
	y := density.Sample(density.Normal(2, 1), n, 1, 1, 0)
	assert.InDelta(t, 0.589, intervals(x, y, 2), 0.015) // 3 standard errors of the quantiles
}

func TestRatios(t *testing.T) {
	r := ratioOf([]float64{1, 4, 2}, []float64{2, 2, 2})
	assert.InDelta(t, 1, r.mean, 1e-15)
	assert.Equal(t, 1, r.wins)
	assert.InDelta(t, 1, r.lo*r.hi, 1e-12)
	// Student's t with 2 degrees has 4.3027; log 2 is the standard deviation.
	assert.InDelta(t, 4.302653*math.Ln2/math.Sqrt(3), math.Log(r.hi), 1e-6)
}

// The law of the steps, which needs no samples, to the digits that an independent
// recursion of mean and variance gave; the corrected step is exact.
func TestGaussianTable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, gaussianTable(&b))
	for _, line := range strings.Split(b.String(), "\n") {
		switch {
		case strings.HasPrefix(line, "| exact mean, DDIM η = 1"):
			assert.Contains(t, line, "1.000 / 0.203 | 1.000 / 0.625 | 1.000 / 0.926 | 1.000 / 0.841 | 1.000 / 0.979 | 1.000 / 0.983")
		case strings.HasPrefix(line, "| DDRM"):
			assert.Contains(t, line, "0.920 / 1.77 | 0.993 / 0.415 | 1.015 / 0.189 | 1.238 / 0.235 | 1.617 / 0.111 | 1.174 / 0.084")
		case strings.HasPrefix(line, "| corrected step, η = 1"):
			assert.Equal(t, len(scalars), strings.Count(line, "1.000 / 1.000"))
		}
	}
	b.Reset()
	require.NoError(t, annealedTable(&b))
	assert.Contains(t, b.String(), "| DAPS, τ = σ | 1.015 / 1.007 | 1.256 / 1.22 | 1.079 / 1.072 |")
	assert.Contains(t, b.String(), "ρ = 0.3, after many sweeps | 0.743 / 7.43 | 0.847 / 1.15 | 0.933 / 1.27 |")
}

// Every method runs on a small problem, counts about what it was allowed, and all but
// the point estimates and the prior come nearer to the truth than the prior is.
func TestMethodsRun(t *testing.T) {
	q, err := mcgProblem(8, 4, 1, 64)
	require.NoError(t, err)
	for _, me := range methods {
		const budget = 20
		x, nfe, err := me.draw(context.Background(), q, 64, budget)
		if !assert.NoError(t, err, me.name) {
			continue
		}
		assert.GreaterOrEqual(t, len(x), 64*8, me.name)
		assert.Zero(t, len(x)%8, me.name)
		assert.LessOrEqual(t, nfe, 1.5*budget, me.name)
	}
}
