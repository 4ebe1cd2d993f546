package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
)

func TestSTSLDescendsItsSurrogate(t *testing.T) {
	const d, zeta, nu, eta = 6, 0.3, 0.8, 0.6
	prior := testMixture(t, d)
	a := onePath.At(oneStep[0])
	for name, data := range allData(t, d) {
		g := guidedBy(t, data, prior)
		misfitOf := func(x []float64) float64 {
			r, _ := residualAt(g, x)
			return zeta * floats.Norm(r, 2)
		}
		for _, h := range []float64{0, 0.3} {
			step := h
			if h == 0 {
				step = 1
			}
			descends(t, STSL{Zeta: zeta, Nu: nu, Step: h, Eta: eta}, g, eta, 1, func(x, z []float64) float64 {
				z = z[d : 2*d]
				at := floats.AddScaledTo(make([]float64, d), x, step, z)
				s, moved := make([]float64, d), make([]float64, d)
				prior.Score(s, x, a.Alpha, a.Sigma)
				prior.Score(moved, at, a.Alpha, a.Sigma)
				return misfitOf(x) + nu/d*(floats.Dot(z, moved)-floats.Dot(z, s))/step
			}, name)
		}
		descends(t, STSL{Zeta: zeta, Nu: nu, Exact: true, Eta: eta}, g, eta, 1, func(x, _ []float64) float64 {
			trace := make([]float64, 1)
			prior.Divergence(trace, x, a.Alpha, a.Sigma)
			return misfitOf(x) + nu/d*(a.Alpha*trace[0]-d)/(a.Sigma*a.Sigma)
		}, name)
	}
}

func TestSTSLWithoutTraceIsDPS(t *testing.T) {
	const d = 6
	prior, x := testMixture(t, d), randoms(3*d, 300)
	for name, data := range allData(t, d) {
		g := guidedBy(t, data, prior)
		want, _, _ := take(t, DPS{Zeta: 0.3, Eta: 0.6}, g, x)
		for _, m := range []STSL{{Zeta: 0.3, Eta: 0.6}, {Zeta: 0.3, Eta: 0.6, Exact: true, Step: 2}} {
			got, _, _ := take(t, m, g, x)
			assert.Equal(t, want, got, name)
		}
	}
	// The curvature of a Gaussian is the same everywhere: no trace to descend.
	p := problems(t, d)["wide"]
	gauss := guidedBy(t, p, testGaussian(t, d))
	exact, _, _ := take(t, STSL{Zeta: 0.3, Nu: 1, Exact: true}, gauss, x)
	want, _, _ := take(t, DPS{Zeta: 0.3}, gauss, x)
	assert.InDeltaSlice(t, want, exact, 1e-8) // the stated error of tweedie's differences
	published, _, _ := take(t, STSL{Zeta: 0.3, Nu: 1}, gauss, x)
	assert.InDeltaSlice(t, want, published, 1e-13) // the same products twice
}

func TestSTSLTraceIsTheMeanOfItsProbes(t *testing.T) {
	// For a small step the mean over probes is the exact gradient. One point, many rows.
	const d, n = 3, 60000
	prior := testMixture(t, d)
	p, err := New(dense{randomMatrix(2, d, 1)}, randoms(2, 3), 0.3)
	require.NoError(t, err)
	g := guidedBy(t, p, prior)
	x, one := make([]float64, 0, n*d), randoms(d, 310)
	for range n {
		x = append(x, one...)
	}
	got, _, _ := take(t, STSL{Nu: 1, Step: 1e-4}, g, x)
	want, _, _ := take(t, STSL{Nu: 1, Exact: true}, g, one)
	base, _, _ := take(t, STSL{}, g, one)
	col := make([]float64, n)
	for i := range d {
		for r := range col {
			col[r] = got[r*d+i] - base[i]
		}
		mean, std := stat.MeanStdDev(col, nil)
		// Five standard errors, and 1e-4 of the derivative beyond.
		assert.InDelta(t, want[i]-base[i], mean, 5*std/math.Sqrt(n)+1e-3*math.Abs(want[i]-base[i]))
		assert.Greater(t, math.Abs(want[i]-base[i]), 8*std/math.Sqrt(n), "the test would see nothing")
	}
}

func TestSTSLInnerDescents(t *testing.T) {
	// K descents are K-1 at the noise of the step's start, then one step.
	const d, eta, zeta = 5, 0.6, 0.3
	prior, x := testMixture(t, d), randoms(2*d, 320)
	p := problems(t, d)["wide, variances"]
	g := guidedBy(t, p, prior)
	got, _, _ := take(t, STSL{Zeta: zeta, Inner: 3, Eta: eta}, g, x)
	moved := append([]float64(nil), x...)
	a := onePath.At(oneStep[0])
	grad, mean, cot := make([]float64, d), make([]float64, d), make([]float64, d)
	for range 2 {
		for lo := 0; lo < len(x); lo += d {
			row := moved[lo : lo+d]
			prior.Denoise(mean, row, a.Alpha, a.Sigma)
			r := away(p, mean)
			floats.Scale(1/floats.Norm(r, 2), r)
			p.A().Adjoint(cot, r)
			prior.JVP(grad, row, cot, a.Alpha, a.Sigma)
			floats.AddScaled(row, zeta, grad)
		}
	}
	want, _, _ := take(t, DPS{Zeta: zeta, Eta: eta}, g, moved)
	assert.InDeltaSlice(t, want, got, 1e-12) // rounding
	// Each descent has a probe of its own.
	one, nu := x[:d], 0.4
	got, z, _ := take(t, STSL{Nu: nu, Inner: 2, Eta: eta}, g, one)
	require.Len(t, z, 3*d)
	slope := func(x, z []float64) []float64 {
		at := floats.AddTo(make([]float64, d), x, z)
		here, there := make([]float64, d), make([]float64, d)
		prior.JVP(here, x, z, a.Alpha, a.Sigma)
		prior.JVP(there, at, z, a.Alpha, a.Sigma)
		floats.Sub(there, here)
		floats.Scale(nu/d*a.Alpha/(a.Sigma*a.Sigma), there)
		return there
	}
	first := floats.SubTo(make([]float64, d), one, slope(one, z[d:2*d]))
	want = floats.SubTo(make([]float64, d), ddim(prior, first, z, eta), slope(first, z[2*d:]))
	assert.InDeltaSlice(t, want, got, 1e-12) // rounding
}

func TestSTSLStartsAtTheNoisedAdjoint(t *testing.T) {
	const d, n = 4, 20000
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	g := guidedBy(t, p, testMixture(t, d))
	s := STSL{Zeta: 1}.Sampler(score.Sampler{Path: onePath, Grid: []float64{0.5, 0.9}, Model: g, Seed: 1})
	c, aty := onePath.At(0.5), make([]float64, d)
	p.A().Adjoint(aty, p.Y())
	x := s.Start(n, 0, 1)
	for i := range d {
		col := make([]float64, n)
		for r := range col {
			col[r] = x[r*d+i]
		}
		mean, std := stat.MeanStdDev(col, nil)
		assert.InDelta(t, c.Alpha*aty[i], mean, 5*c.Sigma/math.Sqrt(n)) // five standard errors
		assert.InDelta(t, c.Sigma, std, 5*c.Sigma/math.Sqrt(2*n))
	}
	_, _, err = s.Draw(context.Background(), 3, nil)
	require.NoError(t, err)

	// Its density is that of its law.
	b := NewNoised(onePath, 0.5, aty)
	z, got, want := make([]float64, d), make([]float64, 1), make([]float64, 1)
	stream.New().Normals(z, 5, stream.Test, 0, 0)
	score.Normal{Std: c.Sigma}.LogProb(want, z, d)
	floats.AddScaled(z, c.Alpha, aty)
	b.LogProb(got, z, d)
	assert.InDelta(t, want[0], got[0], 1e-12) // rounding
	assert.Panics(t, func() { NewNoised(onePath, 0.5, nil) })

	// A base of the caller's stays; a nonlinear problem has no adjoint to start from.
	own := score.Normal{Std: 9}
	assert.Equal(t, own, STSL{}.Sampler(score.Sampler{Path: onePath, Grid: oneStep, Model: g, Base: own}).Base)
	q, err := NewNonlinear(linop.Linear(p.A()), p.Y(), 1)
	require.NoError(t, err)
	assert.Nil(t, STSL{}.Sampler(score.Sampler{Path: onePath, Grid: oneStep, Model: guidedBy(t, q, testMixture(t, d))}).Base)
}
