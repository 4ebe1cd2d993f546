package inverse

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// exactSplit draws x exactly on Gaussian priors: one corrected step from ρ, to a noise
// that rounding cannot tell from none.
func exactSplit(rho float64) SplitGibbs {
	return SplitGibbs{Rho: rho, First: rho, Decay: 1, Steps: Corrected{Eta: 1}.NewStepper, Levels: 2, End: 1e-7}
}

func sweeps(n int) []float64 {
	k := make([]float64, n+1)
	for i := range k {
		k[i] = float64(i)
	}
	return k
}

// TestSplitGibbsTable is the stationary law on the prior N(0, S) and y = x + σ_y n over the
// posterior's, which an independent program printed.
func TestSplitGibbsTable(t *testing.T) {
	for i, q := range []struct {
		data, noise float64
		want        map[float64][2]float64
	}{
		{.25, .1, map[float64][2]float64{.3: {.743, 7.43}, .1: {.963, 1.93}}},
		{.25, .5, map[float64][2]float64{.3: {.847, 1.153}, .1: {.980, 1.020}}},
		{1, .5, map[float64][2]float64{.3: {.933, 1.269}, .1: {.992, 1.032}}},
	} {
		p, err := New(newSpectrum(mat.NewDense(1, 1, []float64{1})), []float64{1}, q.noise)
		require.NoError(t, err)
		s := &score.Sampler{Path: interpolant.EDM{}, Grid: []float64{0}, Model: conditional(t, p, density.Normal(1, math.Sqrt(q.data)), nil)}
		for rho, want := range q.want {
			// A sweep leaves at most .96·.99 of the deviation: 0.95²⁰⁰ = 4e-5.
			l := propagateQueries(t, s, exactSplit(rho).NewStepper, sweeps(200), isotropicLaw(1, 1))
			gain, spread := ratios(l, q.data, q.noise)
			assert.InDelta(t, want[0], gain, printed(want[0]), "ρ = %g, %d: gain", rho, i)
			tol := 0.00051
			if want[1] > 1.9 { // two decimals
				tol = 0.0051
			}
			assert.InDelta(t, want[1], spread, tol, "ρ = %g, %d: variance", rho, i)
		}
	}
}

// splitLaw is p(x) N(y; A x, R + ρ²AAᵀ) by Bayes' rule.
func splitLaw(t *testing.T, p *Problem, prior *density.Mixture, rho float64) law {
	a := linop.Dense(p.A())
	m, d := p.Dims()
	r := mat.NewSymDense(m, nil)
	r.SymOuterK(rho*rho, a)
	for i := range m {
		r.SetSym(i, i, r.At(i, i)+p.Variance(i))
	}
	q, err := NewWhitened(p.A(), p.Y(), r)
	require.NoError(t, err)
	exact, err := MixturePosterior(q, prior)
	require.NoError(t, err)
	return lawOf(exact, d)
}

func TestSplitGibbsLeavesItsLawAsItIs(t *testing.T) {
	const d = 4
	prior := testGaussian(t, d)
	for _, path := range []interpolant.Path{interpolant.EDM{}, interpolant.VP{}, interpolant.CondOT{}} {
		for name, p := range problems(t, d) {
			s := &score.Sampler{Path: path, Grid: []float64{0.1}, Model: conditional(t, p, prior, nil)}
			want := splitLaw(t, p, prior, 0.4)
			got := propagateQueries(t, s, exactSplit(0.4).NewStepper, sweeps(1), want)
			// Residual 1e-10 at conditions up to 1e3, and σ at the end to 1e-16 of α.
			sameLaw(t, want, got, 1e-7, fmt.Sprintf("%s, %T", name, path))
			// From elsewhere it comes closer.
			far := propagateQueries(t, s, exactSplit(0.4).NewStepper, sweeps(12), isotropicLaw(d, 9))
			assert.Less(t, mat.Norm(difference(far.cov, want.cov), 2), 0.5*mat.Norm(difference(isotropicLaw(d, 9).cov, want.cov), 2))
		}
	}
}

func difference(a, b *mat.Dense) *mat.Dense {
	var c mat.Dense
	c.Sub(a, b)
	return &c
}

func TestAncestralDenoisingConvergesToTheExactOne(t *testing.T) {
	// One sweep from the law that exact sweeps leave: what the default x-step misses is of
	// first order in its steps.
	const d, rho = 3, 0.4
	prior := testGaussian(t, d)
	p := problems(t, d)["wide, variances"]
	s := &score.Sampler{Path: interpolant.EDM{}, Grid: []float64{0}, Model: conditional(t, p, prior, nil)}
	want := splitLaw(t, p, prior, rho)
	var gaps []float64
	for _, n := range []int{33, 65} {
		g := SplitGibbs{Rho: rho, First: rho, Levels: n, End: 1e-4}
		got := propagateQueries(t, s, g.NewStepper, sweeps(1), want)
		gaps = append(gaps, mat.Norm(difference(got.cov, want.cov), 2)/mat.Norm(want.cov, 2))
	}
	assert.Less(t, gaps[1], 0.05)
	assert.InDelta(t, 2, gaps[0]/gaps[1], 0.2) // the second order at 33 levels
}

func TestRhoFallsToItsLeast(t *testing.T) {
	// Without a prior's pull (S = 1e12) the spread of z tells ρ: from x = 0 and y = 0,
	// Var z = (1/ρ² + 1/σ_y²)⁻¹ and then x = z + ρ n.
	p, err := New(newSpectrum(mat.NewDense(1, 1, []float64{1})), []float64{0}, 2)
	require.NoError(t, err)
	s := &score.Sampler{Path: interpolant.EDM{}, Grid: []float64{0}, Model: conditional(t, p, density.Normal(1, 1e6), nil)}
	g := SplitGibbs{Rho: 0.5, First: 3, Decay: 0.5, Steps: Corrected{Eta: 1}.NewStepper, Levels: 2, End: 1e-7}
	for k, rho := range []float64{3, 1.5, 0.75, 0.5, 0.5} {
		got := propagateQueries(t, s, g.NewStepper, []float64{float64(k), float64(k + 1)}, isotropicLaw(1, 0))
		assert.InEpsilon(t, 1/(1/(rho*rho)+0.25)+rho*rho, got.cov.At(0, 0), 1e-5) // S
	}
}

func TestSplitGibbsIsTheSameOnEveryPath(t *testing.T) {
	// Paths differ by the scale of x_t alone, so one seed gives one sample.
	const d = 4
	c := conditional(t, problems(t, d)["wide, variances"], testMixture(t, d), nil)
	draw := func(p interpolant.Path) []float64 {
		x, _, err := SplitGibbs{Sweeps: 3, Levels: 5, First: 4}.Sampler(score.Sampler{Path: p, Model: c, Seed: 2}).Draw(context.Background(), 2, nil)
		require.NoError(t, err)
		return x
	}
	want := draw(interpolant.EDM{})
	// Rounding of 1 - t and of noise-to-signal ratios.
	assert.InDeltaSlice(t, want, draw(interpolant.CondOT{}), 1e-9)
	assert.InDeltaSlice(t, want, draw(interpolant.VP{}), 1e-9)
}

func TestChainsKeepWhatTheSamplerReturns(t *testing.T) {
	const d, n, first = 4, 5, 2
	all := decoupled(t, d)["split Gibbs"]
	s := *all.Sampler
	s.Model = s.Model.(drawn).Denoiser
	ctx := context.Background()
	g := SplitGibbs{Sweeps: 9, BurnIn: 2, Keep: 3, Levels: 3, First: 4}
	x, res, err := g.Chains(ctx, s, n, &ode.Settings{First: first, Rows: 2})
	require.NoError(t, err)
	require.Len(t, x, n*3*d)
	assert.Equal(t, float64(9*3), res.NFE())
	for j, after := range []int{4, 6, 9} { // 2 + j·7/3
		short := SplitGibbs{Sweeps: after, BurnIn: 1, Keep: 1, Levels: 3, First: 4}
		want, _, err := short.Sampler(s).Draw(ctx, n, &ode.Settings{First: first})
		require.NoError(t, err)
		for i := range n {
			assert.Equal(t, want[i*d:(i+1)*d], x[(i*3+j)*d:(i*3+j+1)*d], "chain %d after %d sweeps", i, after)
		}
	}
	_, _, err = SplitGibbs{First: 4, Keep: -1}.Chains(ctx, s, n, nil)
	assert.ErrorContains(t, err, "-1 that are kept")
	_, _, err = SplitGibbs{Sweeps: 2, First: 4}.Chains(ctx, s, n, nil)
	assert.NoError(t, err)
	for n := range 40 { // the rule of keep counts right
		for keep := 1; keep <= n; keep++ {
			k := &kept{x: make([]float64, keep), per: keep}
			st := &splitGibbs{SplitGibbs: SplitGibbs{Sweeps: n + 3, BurnIn: 3, Keep: keep}, kept: k, c: &Conditional{prior: density.Normal(1, 1)}}
			for i := 1; i <= n+3; i++ {
				st.keep([]float64{float64(i)}, i)
			}
			for j := range keep {
				assert.Equal(t, float64(3+(j+1)*n/keep), k.x[j])
			}
		}
	}
}
