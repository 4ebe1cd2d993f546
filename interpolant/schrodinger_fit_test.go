package interpolant_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func schrodingerProblem(t testing.TB, a, b *density.Mixture, eps float64, set *interpolant.SchrodingerSettings) *interpolant.SchrodingerProblem {
	p, err := interpolant.NewSchrodingerProblem(a, b, eps, set)
	require.NoError(t, err)
	return p
}

func fitSchrodinger(t testing.TB, p *interpolant.SchrodingerProblem) *interpolant.SchrodingerFit {
	fit, err := p.Fit(context.Background(), 3)
	require.NoError(t, err)
	return fit
}

// The coefficients have the ends of an interpolant and the derivatives of what they are.
func TestSplineCoefficients(t *testing.T) {
	p := interpolant.SplineCoefficients{A: []float64{1.3, 0.7, 2}, B: []float64{0.5, 1.2, 0.8}, G: []float64{0.3, -1, 0.6, 1}}.TwoSided()
	c0, c1 := p.At(0), p.At(1)
	assert.Equal(t, [6]float64{1, 0, 0, 0, 1, 0}, [6]float64{c0.Alpha, c0.Beta, c0.Gamma, c1.Alpha, c1.Beta, c1.Gamma})
	assert.InDelta(t, math.Exp(0.3)/2, c0.GDG, 1e-15) // γ² → e^{G(0)} t
	assert.InDelta(t, -math.Exp(1)/2, c1.GDG, 1e-15)
	assert.InDelta(t, 0.5, c0.DBeta, 1e-15) // β → B(0) t
	for _, tm := range []float64{0.1, 1. / 3, 0.62, 0.97} {
		c := p.At(tm)
		for _, v := range []struct {
			f    func(c interpolant.TwoCoeffs) float64
			want float64
		}{
			{func(c interpolant.TwoCoeffs) float64 { return c.Alpha }, c.DAlpha},
			{func(c interpolant.TwoCoeffs) float64 { return c.Beta }, c.DBeta},
			{func(c interpolant.TwoCoeffs) float64 { return c.Gamma }, c.DGamma},
			{func(c interpolant.TwoCoeffs) float64 { return c.Gamma * c.Gamma / 2 }, c.GDG},
		} {
			// At a knot the third derivative jumps: an error of h²·10.
			assert.InDelta(t, v.want, diff(func(e float64) float64 { return v.f(p.At(tm + e)) }, 1e-5), 1e-8)
		}
	}
	assert.Panics(t, func() {
		interpolant.SplineCoefficients{A: []float64{1}, B: []float64{1}, G: []float64{1, 1}}.TwoSided()
	})
}

// The objective of the max-min problem by its own definition, at draws of (x₀, x₁, z): at
// u = b + εs it is minus the energy, and any other u has more.
func TestSchrodingerObjective(t *testing.T) {
	const n, eps = 200000, 0.4
	a, b := density.Normal(2, 1), density.Ring(3, 2, 0.5)
	path := mustTwoSided(t, "trig", "sqrt", 1)
	p := schrodingerProblem(t, a, b, eps, nil)
	m := p.Bridge(path)
	x0, x1, z := density.Sample(a, n, 7, 0, 1), density.Sample(b, n, 7, 1, 1), normals(2*n, 99)
	x, rate, u := make([]float64, 2), make([]float64, 2), make([]float64, 2)
	objective := func(scale float64) (mean, stdErr float64) {
		var sum, sq float64
		for i := range n {
			tm := (float64(i) + 0.5) / n
			c := path.At(tm)
			lo := 2 * i
			zi := z[lo : lo+2]
			v := 0.0
			for _, sign := range []float64{1, -1} { // antithetic: γ̇ - ε/γ is infinite at the ends
				c := c
				c.Gamma *= sign
				interpolant.Interpolate(x, rate, x0[lo:lo+2], x1[lo:lo+2], zi, c)
				m.Combine(u, x, tm, 1, eps-c.GDG)
				floats.Scale(scale, u)
				v += (floats.Dot(u, u)/2 - floats.Dot(rate, u) - sign*(c.DGamma-eps/math.Abs(c.Gamma))*floats.Dot(zi, u)) / 2
			}
			sum += v
			sq += v * v
		}
		mean = sum / n
		return mean, math.Sqrt((sq/n - mean*mean) / n)
	}
	least, se := objective(1)
	want := p.Energy(path)
	// Five standard errors, and 1% for the draws of Energy.
	assert.InDelta(t, -want, least, 5*se+0.01*want)
	more, _ := objective(1.2)
	assert.InDelta(t, 0.04*want, more-least, 0.04*0.1*want) // (0.2)² times the energy
}

// Between Gaussians whose bridge is in the family the fit is that bridge: the drift within 1% in
// L2. For any interpolant the energy above the least one is half the square of the error
// of the drift.
func TestSchrodingerFitGaussians(t *testing.T) {
	for _, g := range gaussPairs[:3] {
		a, b := g.ends(t)
		for _, eps := range []float64{0.05, 0.5, 5} {
			truth := g.bridge(t, eps)
			fit := fitSchrodinger(t, schrodingerProblem(t, a, b, eps, &interpolant.SchrodingerSettings{Draws: 8}))
			fine := schrodingerProblem(t, a, b, eps, &interpolant.SchrodingerSettings{Draws: 8, Times: 200, Seed: 1})
			start := linearGamma(t, eps)
			relative := func(path interpolant.TwoSided) float64 {
				return math.Sqrt(fine.DriftGap(path, truth) / (2 * truth.Energy()))
			}
			before, after := relative(start), relative(fit.Path)
			t.Logf("%s, eps %g: least energy %.6f, before %.6f, after %.6f in %d evaluations; drift off by %.2f%% before, %.3f%% after",
				g.name, eps, truth.Energy(), fit.Start, fit.Energy, fit.Evals, 100*before, 100*after)
			if g.name == "commuting" {
				// One γ for two axes of variance √(0.2) and √(0.6): the rest is the family's.
				assert.Less(t, after, 0.6*before+0.001)
				assert.Less(t, after, 0.06)
			} else {
				assert.Less(t, after, 0.01)
			}
			for _, path := range []interpolant.TwoSided{start, fit.Path} {
				// Exact but for the quadrature over 200 times, 1e-8 of the energy.
				assert.InDelta(t, fine.Energy(path)-truth.Energy(), fine.DriftGap(path, truth)/2, 1e-7*truth.Energy(), "%s, ε = %g", g.name, eps)
			}
		}
	}
}

func TestSchrodingerFitStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := schrodingerProblem(t, density.Normal(1, 1), density.Normal(1, 2), 1, nil).Fit(ctx, 3)
	assert.ErrorIs(t, err, context.Canceled)
}

// linearGamma is the interpolant that fits begin with.
func linearGamma(t testing.TB, eps float64) interpolant.TwoSided {
	return mustTwoSided(t, "linear", "sqrt", 2*eps)
}

// Between mixtures of one width on both sides, paired as the bridge pairs them, the bridge is in
// the family too.
func TestSchrodingerFitMixtures(t *testing.T) {
	const eps = 0.3
	gaussian, err := density.Gaussian([]float64{1, 0}, []float64{2.25, 0, 0, 2.25}) // weights 0.57, 0.22, 0.22
	require.NoError(t, err)
	truth, a, b, err := interpolant.NewMixtureSchrodinger(eps, gaussian, density.Ring(3, 2, 0.5))
	require.NoError(t, err)
	w, _, _ := a.Components()
	set := interpolant.SchrodingerSettings{Draws: 64, Tol: 1e-7, Coupling: []float64{w[0], 0, 0, 0, w[1], 0, 0, 0, w[2]}}
	p := schrodingerProblem(t, a, b, eps, &set)
	fit := fitSchrodinger(t, p)
	set.Seed, set.Draws = 5, 256
	fresh := schrodingerProblem(t, a, b, eps, &set)
	relative := func(path interpolant.TwoSided) float64 {
		return math.Sqrt(fresh.DriftGap(path, truth) / (2 * fit.Energy))
	}
	before, after := relative(linearGamma(t, eps)), relative(fit.Path)
	t.Logf("energy %.5f before, %.5f after; drift off by %.1f%% before, %.2f%% after", fit.Start, fit.Energy, 100*before, 100*after)
	assert.Less(t, after, 0.01)
	x, got, want := normals(8, 3), make([]float64, 4), make([]float64, 4)
	p.Bridge(fit.Path).LogProb(got, x, 1)
	b.CleanLogProb(want, x)
	assert.InDeltaSlice(t, want, got, 1e-12) // the coupling's marginal
	set.Workers = 3
	assert.Equal(t, fresh.Energy(fit.Path), schrodingerProblem(t, a, b, eps, &set).Energy(fit.Path))
}

// From a Gaussian to a ring the bridge is not in the family, and Sinkhorn's plan between samples
// is the truth. The energy of the bridge is
//
//	OT - 2ε H(ρ(1)) + εd log 4πε,   OT = min E|x₁-x₀|²/2 + 2ε KL(π‖ρ(0)⊗ρ(1)),
//
// H the differential entropy: KL to the reference from ρ(0) is KL to the product of the ends,
// less that of the product to the reference.
func TestSchrodingerFitAgainstSinkhorn(t *testing.T) {
	if testing.Short() {
		t.Skip("5 s of fitting and transport")
	}
	const n, eps, copies = 1000, 0.5, 64
	a, b := density.Normal(2, 1), density.Ring(4, 3, 0.5)
	p := schrodingerProblem(t, a, b, eps, &interpolant.SchrodingerSettings{Draws: 64, Tol: 1e-6})
	fit := fitSchrodinger(t, p)
	x0, x1 := density.Sample(a, n, 7, 0, 1), density.Sample(b, n, 7, 1, 1)
	f, g, r := plan(t, x0, x1, 2, nil, nil, eps)
	logp := make([]float64, n)
	b.CleanLogProb(logp, x1)
	least := r.RegCost/2 + 2*eps*floats.Sum(logp)/n + eps*2*math.Log(4*math.Pi*eps)
	fresh := schrodingerProblem(t, a, b, eps, &interpolant.SchrodingerSettings{Draws: 512, Seed: 5})
	energy := fresh.Energy(fit.Path)
	t.Logf("energy: %.4f before, %.4f after (%.4f at fresh draws), least by Sinkhorn %.4f", fit.Start, fit.Energy, energy, least)

	truth, err := interpolant.NewSampleSchrodinger(eps, x0, x1, 2, nil, nil, f, g)
	require.NoError(t, err)
	before, after := earlyGap(p, truth, linearGamma(t, eps), eps), earlyGap(p, truth, fit.Path, eps)
	t.Logf("drift off Sinkhorn's bridge up to t = 0.8: %.1f%% before, %.1f%% after", 100*before, 100*after)

	// The coupling by the stochastic equation, from some of the points, in copies.
	const starts = 200
	from := make([]float64, 0, 2*starts*copies)
	for range copies {
		from = append(from, x0[:2*starts]...)
	}
	bary := make([]float64, 2*starts)
	truth.Combine(bary, x0[:2*starts], 0, 1, 0) // E[x₁|x₀] - x₀
	report := func(name string, path interpolant.TwoSided) (cost, off float64) {
		s := &interpolant.BridgeSampler{Model: p.Bridge(path), Seed: 4, Grid: floats.Span(make([]float64, 61), 0, 1)}
		s.Solver = interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(eps), false)
		to, _, err := s.DrawFrom(context.Background(), from, nil)
		require.NoError(t, err)
		mean := make([]float64, 2*starts)
		for i, v := range to {
			cost += (v - from[i]) * (v - from[i]) / (starts * copies)
			mean[i%(2*starts)] += (v - from[i]) / copies
		}
		floats.Sub(mean, bary)
		off = math.Sqrt(floats.Dot(mean, mean) / starts)
		t.Logf("%s: E|x1-x0|² %.3f against %.3f of the plan; E[x1|x0] off by %.3f (rms)", name, cost, r.Cost, off)
		return cost, off
	}
	_, off0 := report("before", linearGamma(t, eps))
	cost, off := report("after", fit.Path)
	assert.Less(t, energy, fit.Start)
	// Sinkhorn's least energy on samples has a standard error of 2/√n.
	assert.Greater(t, energy, least-3*2/math.Sqrt(n))
	assert.Less(t, after, before)
	assert.Less(t, off, off0)
	// The costs have standard errors of 5/√n and 5/√200, 0.4 together.
	assert.InDelta(t, r.Cost, cost, 3*0.4)
}

// earlyGap is the relative error of the drift over the law of an interpolant on [0, 0.8], where
// the drift of samples has no noise of its own width yet.
func earlyGap(p *interpolant.SchrodingerProblem, truth interpolant.Bridge, path interpolant.TwoSided, eps float64) float64 {
	m := p.Bridge(path)
	const n = 1000
	x0, x1, z := density.Sample(density.Normal(2, 1), n, 9, 0, 1), density.Sample(density.Ring(4, 3, 0.5), n, 9, 1, 1), make([]float64, 2*n)
	stream.New().Normals(z, 9, stream.Test, 0, 0)
	x, u, w := make([]float64, 2*n), make([]float64, 2*n), make([]float64, 2*n)
	var gap, norm float64
	for k := range 16 {
		tm := 0.05 * (float64(k) + 0.5)
		interpolant.Interpolate(x, nil, x0, x1, z, path.At(tm))
		m.Combine(u, x, tm, 1, eps-m.At(tm).GDG)
		truth.Combine(w, x, tm, 1, eps-truth.At(tm).GDG)
		norm += floats.Dot(w, w)
		floats.Sub(u, w)
		gap += floats.Dot(u, u)
	}
	return math.Sqrt(gap / norm)
}
