package score

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// paths are all Gaussian paths; a new one adds a row.
func paths(t testing.TB) map[string]interpolant.Path {
	d, err := interpolant.FromBetas(interpolant.LinearBetas(1000, 1e-4, 0.02))
	require.NoError(t, err)
	return map[string]interpolant.Path{
		"vp": interpolant.VP{}, "subvp": interpolant.SubVP{}, "cosine": interpolant.Cosine{},
		"ve": interpolant.VE{}, "edm": interpolant.EDM{}, "condot": interpolant.CondOT{},
		"trig": interpolant.Trig{}, "ddpm": d,
	}
}

// gauss1 is N(0.7, 0.5²), for which everything is affine.
const gaussMean, gaussStd = 0.7, 0.5

func gauss1(t testing.TB) *density.Mixture {
	m, err := density.NewIsotropicMixture([]float64{1}, []float64{gaussMean}, []float64{gaussStd}, 1)
	require.NoError(t, err)
	return m
}

// bare hides all that a model offers beside Denoise.
type bare struct{ m Denoiser }

func (b bare) Dim() int                                       { return b.m.Dim() }
func (b bare) Denoise(dst, x []float64, alpha, sigma float64) { b.m.Denoise(dst, x, alpha, sigma) }

func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 1, stream.Test, 0, index)
	return x
}

func TestConversionsRoundTrip(t *testing.T) {
	x, d := normals(6, 0), normals(6, 1)
	for name, p := range paths(t) {
		for _, tm := range []float64{0.1, 0.5, 0.9} {
			c := p.At(tm)
			s, back := make([]float64, 6), make([]float64, 6)
			near := func(what string) {
				t.Helper()
				for i := range d {
					// The conversions divide by α, σ and their squares: rounding grows with
					// the largest ratio.
					tol := 1e-15 * (1 + math.Abs(x[i])) * (1/c.Alpha + c.Sigma/c.Alpha + 4)
					assert.InDelta(t, d[i], back[i], tol, "%s %s at %g", name, what, tm)
				}
			}
			FromDenoised(s, x, d, c.Alpha, c.Sigma)
			ToDenoised(back, x, s, c.Alpha, c.Sigma)
			near("score")
			NoiseFromDenoised(s, x, d, c.Alpha, c.Sigma)
			DenoisedFromNoise(back, x, s, c.Alpha, c.Sigma)
			near("noise")
			VelocityFromDenoised(s, x, d, c)
			DenoisedFromVelocity(back, x, s, c)
			near("velocity")
		}
	}
}

func TestScoreIsTheTargetsScore(t *testing.T) {
	m := density.Ring(8, 4, 0.3)
	x := normals(40, 2)
	d, s, want := make([]float64, 40), make([]float64, 40), make([]float64, 40)
	for _, sigma := range []float64{0.1, 1, 10} {
		m.Denoise(d, x, 1, sigma)
		FromDenoised(s, x, d, 1, sigma)
		m.Score(want, x, 1, sigma)
		for i := range s {
			// (αD - x)/σ² loses |x|/σ² ulps
			assert.InDelta(t, want[i], s[i], 1e-14*10/(sigma*sigma))
		}
	}
}

// TestFlowOfAGaussian integrates the flow of every path to 1e-10 and compares with the
// closed form: the flow of N(m, s²) keeps (x - αm)/√(α²s² + σ²).
func TestFlowOfAGaussian(t *testing.T) {
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		x := []float64{-1.3, 0.2, 2.5}
		a, b := p.At(t0), p.At(t1)
		scale := math.Sqrt((sq(b.Alpha*gaussStd) + sq(b.Sigma)) / (sq(a.Alpha*gaussStd) + sq(a.Sigma)))
		want := make([]float64, len(x))
		for i, v := range x {
			want[i] = b.Alpha*gaussMean + scale*(v-a.Alpha*gaussMean)
		}
		f := &Flow{Path: p, Model: gauss1(t)}
		_, err := ode.SolveAdaptive(context.Background(), f, x, []float64{t0, t1}, ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-12, ATol: 1e-12}, nil)
		require.NoError(t, err, name)
		for i := range x {
			// rtol 1e-12 a step over some hundred steps; 1 - t at the end of EDM carries 4e-12.
			// The discrete path has 1000 knots where λ̈ jumps, each a local error that an
			// embedded estimate does not see well.
			tol := 3e-10
			if name == "ddpm" {
				tol = 1e-7
			}
			assert.InDelta(t, want[i], x[i], tol, "%s", name)
		}
	}
}

// Each point at its own time has the bits that it has alone.
func TestFlowAtManyTimes(t *testing.T) {
	const n = 37
	g := density.Ring(8, 4, 0.3)
	for name, p := range paths(t) {
		for _, m := range []Denoiser{g, bare{g}} {
			f := &Flow{Path: p, Model: m}
			x, got, want := normals(2*n, 0), make([]float64, 2*n), make([]float64, 2*n)
			times := make([]float64, n)
			for i := range times {
				times[i] = 0.01 + 0.98*float64(i)/n
				f.Eval(want[2*i:2*i+2], x[2*i:2*i+2], times[i])
			}
			f.EvalEach(got, x, times)
			require.Equal(t, want, got, name)
		}
	}
}

// TestReverseKeepsTheMarginals checks the moment equations of the process for a Gaussian
// target, where drift = a x + b: with V = α²s² + σ² and mean M = αm,
//
//	dM/dt = a M + b,   dV/dt = 2aV + g²
//
// at any noise level. A wrong weight of the score breaks the second.
func TestReverseKeepsTheMarginals(t *testing.T) {
	for name, p := range paths(t) {
		for _, tm := range []float64{0.05, 0.4, 0.8, 0.97} {
			c := p.At(tm)
			dM := c.DAlpha * gaussMean
			v := sq(c.Alpha*gaussStd) + sq(c.Sigma)
			dV := 2*c.Alpha*c.DAlpha*sq(gaussStd) + 2*c.Sigma*c.DSigma
			rs := []*Reverse{
				{Path: p, Model: gauss1(t)},
				{Path: p, Model: gauss1(t), Eta: 0.5},
				{Path: p, Model: gauss1(t), Eta: 1},
				{Path: p, Model: gauss1(t), Eta: 3},
				{Path: p, Model: gauss1(t), EtaOf: func(l float64) float64 { return 1 + math.Tanh(l) }},
				{Path: p, Model: gauss1(t), G: func(t float64) float64 { return 1.5 + t }},
			}
			for k, r := range rs {
				f := make([]float64, 2)
				r.Drift(f, []float64{0, 1}, tm)
				b, a := f[0], f[1]-f[0]
				g2 := sq(r.Diffusion(tm))
				// rounding relative to the largest term
				size := math.Abs(a)*(v+1) + math.Abs(b) + g2 + 1
				assert.InDelta(t, dM, a*c.Alpha*gaussMean+b, 1e-12*size, "%s, process %d, mean at %g", name, k, tm)
				// EtaAt is the same noise on the clock λ.
				assert.InDelta(t, g2, sq(r.EtaAt(c.LogSNR())*NaturalDiffusion(c)), 1e-9*size, "%s, process %d, η at %g", name, k, tm)
				assert.InDelta(t, dV, 2*a*v+g2, 1e-12*size, "%s, process %d, variance at %g", name, k, tm)
			}
			// η = 0 is the flow, bit for bit.
			x, u, w := normals(5, 3), make([]float64, 5), make([]float64, 5)
			(&Flow{Path: p, Model: gauss1(t)}).Eval(u, x, tm)
			rs[0].Drift(w, x, tm)
			assert.Equal(t, u, w, name)
		}
	}
}

// TestNaturalDiffusionIsTheForwardOne: g_nat² = d(σ²)/dt·… with dσ²/dt = 2(α̇/α)σ² - g_nat²
// in our time, which runs against the noising process dx = -(α̇/α)x dτ + g dW.
func TestNaturalDiffusionIsTheForwardOne(t *testing.T) {
	for name, p := range paths(t) {
		for _, tm := range []float64{0.1, 0.5, 0.9} {
			c := p.At(tm)
			g2 := sq(NaturalDiffusion(c))
			assert.InEpsilon(t, 2*c.DAlpha/c.Alpha*sq(c.Sigma)-2*c.Sigma*c.DSigma, g2, 1e-12, "%s at %g", name, tm)
		}
	}
	// VP: g² = β(τ), Song et al. 2021 equation 11.
	for _, tm := range []float64{0.1, 0.6} {
		assert.InEpsilon(t, 0.1+(1-tm)*19.9, sq(NaturalDiffusion(interpolant.VP{}.At(tm))), 1e-12)
	}
}

func TestDerivativesOfTheFlow(t *testing.T) {
	m := density.Ring(8, 4, 0.3)
	const n = 10
	v := normals(2*n, 5)
	for name, p := range paths(t) {
		for _, tm := range []float64{0.2, 0.6, 0.9} {
			c := p.At(tm)
			x := normals(2*n, 4)
			for i := range x {
				x[i] *= 3*c.Alpha + c.Sigma
			}
			exact, slow := &Flow{Path: p, Model: m}, &Flow{Path: p, Model: bare{m}}
			j1, j2 := make([]float64, 2*n), make([]float64, 2*n)
			exact.JVP(j1, x, v, tm)
			slow.JVP(j2, x, v, tm)
			d1, d2 := make([]float64, n), make([]float64, n)
			exact.Divergence(d1, x, tm)
			slow.Divergence(d2, x, tm)
			// The central difference of ±6e-6 σ has the relative error 1e-11 + eps·|D|/(6e-6 σ).
			size := math.Abs(c.DSigma/c.Sigma) + math.Abs(c.DAlpha)*20/(c.Sigma*c.Sigma)
			tol := (1e-8 + 1e-9/c.Sigma) * size
			for i := range j1 {
				assert.InDelta(t, j1[i], j2[i], tol, "%s: JVP at %g", name, tm)
			}
			for i := range d1 {
				assert.InDelta(t, d1[i], d2[i], tol, "%s: divergence at %g", name, tm)
			}
			// Against a difference of the field itself.
			const h = 1e-6
			up, down, fd := make([]float64, 2*n), make([]float64, 2*n), make([]float64, 2*n)
			for i := range x {
				up[i], down[i] = x[i]+h*c.Sigma*v[i], x[i]-h*c.Sigma*v[i]
			}
			exact.Eval(fd, up, tm)
			exact.Eval(up, down, tm)
			for i := range fd {
				assert.InDelta(t, (fd[i]-up[i])/(2*h*c.Sigma), j1[i], 100*tol, "%s: field at %g", name, tm)
			}
		}
	}
}

func TestBase(t *testing.T) {
	b := BaseOf(interpolant.EDM{}, 0)
	assert.Equal(t, 80.0, b.Std)
	lp := make([]float64, 2)
	b.LogProb(lp, []float64{80, 0, 0, -160}, 2)
	c := -2*math.Log(80) - math.Log(2*math.Pi)
	assert.InDelta(t, c-0.5, lp[0], 1e-13)
	assert.InDelta(t, c-2, lp[1], 1e-13)
}

func sq(x float64) float64 { return x * x }

func ringSampler(s Solver, grid []float64) *Sampler {
	return &Sampler{Path: interpolant.CondOT{}, Model: density.Ring(8, 4, 0.3), Solver: s, Grid: grid, Seed: 3}
}

var drawTests = []struct {
	name   string
	solver Solver
}{
	{"heun", ODE(ode.Heun)},
	{"ab3", ODE(ode.AdamsBashforth(3))},
	{"tsit5", AdaptiveODE(ode.Adaptive{Tableau: ode.Tsitouras54, RTol: 1e-4})},
	{"em", SDE(sde.EulerMaruyama{}, 1, false)},
	{"sra1 on a tree", SDE(sde.SRA1, 0.5, true)},
	{"sra3 on the log-SNR", OnLogSNR(SDE(sde.SRA3, 1, false))},
}

// TestDrawDependsOnSeedAndIndexOnly: the same bits for any number of workers, any group
// size, and any split into shards.
func TestDrawDependsOnSeedAndIndexOnly(t *testing.T) {
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	grid := interpolant.LogSNRGrid(p, 0, t1, 12)
	for _, tt := range drawTests {
		const n = 300
		want, res, err := ringSampler(tt.solver, grid).Draw(context.Background(), n, &ode.Settings{Workers: 1})
		require.NoError(t, err, tt.name)
		assert.Equal(t, n, res.Points)
		for _, set := range []*ode.Settings{nil, {Workers: 2}, {Workers: 7}, {Workers: 3, Rows: 1}, {Rows: 77}} {
			got, _, err := ringSampler(tt.solver, grid).Draw(context.Background(), n, set)
			require.NoError(t, err)
			assert.Equal(t, want, got, "%s, %+v", tt.name, set)
		}
		for first := 0; first < n; first += 120 {
			k := min(120, n-first)
			got, _, err := ringSampler(tt.solver, grid).Draw(context.Background(), k, &ode.Settings{First: first})
			require.NoError(t, err)
			assert.Equal(t, want[2*first:2*(first+k)], got, "%s, shard from %d", tt.name, first)
		}
	}
}

func TestDrawCountsEvaluations(t *testing.T) {
	p := interpolant.EDM{}
	t0, t1 := p.Span()
	for _, tt := range []struct {
		steps, nfe int
		m          ode.Method
	}{
		{1, 1, ode.Heun}, {2, 3, ode.Heun}, {18, 35, ode.Heun}, // EDM's 2K-1
		{1, 1, ode.RK4}, {5, 17, ode.RK4}, {7, 7, ode.Euler},
	} {
		calls := &counter{Denoiser: density.Ring(8, 4, 0.3)}
		s := Sampler{Path: p, Model: calls, Solver: ODE(tt.m), Grid: interpolant.KarrasGrid(p, 7, t0, t1, tt.steps)}
		_, res, err := s.Draw(context.Background(), 5, &ode.Settings{Workers: 1})
		require.NoError(t, err)
		assert.Equal(t, float64(tt.nfe), res.NFE(), "%s, %d steps", tt.m.Name(), tt.steps)
		assert.Equal(t, tt.nfe, calls.n, "%s, %d steps: calls of the model", tt.m.Name(), tt.steps)
	}
}

type counter struct {
	Denoiser
	n int
}

func (c *counter) Denoise(dst, x []float64, alpha, sigma float64) {
	c.n++
	c.Denoiser.Denoise(dst, x, alpha, sigma)
}

func TestDrawRefusesBadGrids(t *testing.T) {
	for name, grid := range map[string][]float64{
		"empty": {}, "NaN": {0, math.NaN()}, "repeated": {0, 0.5, 0.5, 0.9}, "not monotone": {0, 0.5, 0.3},
		"downwards": {0.9, 0.1}, "outside": {-0.1, 0.5}, "beyond": {0, 1.5}, "no noise left": {0, 0.5, 1},
	} {
		x, _, err := ringSampler(ODE(ode.Heun), grid).Draw(context.Background(), 3, nil)
		assert.Error(t, err, name)
		assert.Nil(t, x, name)
	}
}

// failing is a model that breaks after some calls.
type failing struct{ bare }

func (failing) Denoise(dst, _ []float64, _, _ float64) {
	for i := range dst {
		dst[i] = math.NaN()
	}
}
func (failing) Err() error { return assert.AnError }

func TestDrawReportsTheModelsError(t *testing.T) {
	s := ringSampler(ODE(ode.Heun), []float64{0, 0.5, 0.9})
	s.Model = failing{bare{s.Model}}
	_, res, err := s.Draw(context.Background(), 3, nil)
	assert.ErrorIs(t, err, assert.AnError)
	assert.Equal(t, ode.NonFinite, res.Status)
}

// A model that fails only in the last denoising must not give samples.
func TestDrawChecksTheLastDenoising(t *testing.T) {
	s := ringSampler(ODE(ode.Heun), []float64{0.5})
	s.Model = failing{bare{s.Model}}
	x, res, err := s.Draw(context.Background(), 3, nil)
	assert.ErrorIs(t, err, assert.AnError)
	assert.Equal(t, ode.NonFinite, res.Status)
	assert.Nil(t, x)
}

// Noise at t = 0 of a path without signal there is an error and no panic on a worker.
func TestDrawRefusesInfiniteNoise(t *testing.T) {
	for name, solver := range map[string]Solver{
		"em": SDE(sde.EulerMaruyama{}, 1, false), "ddpm": SDE(sde.DDPM, 1, false),
		"adaptive": AdaptiveSDE(sde.Adaptive{}, 1), "clock": OnLogSNR(ODE(ode.Heun)),
	} {
		_, _, err := ringSampler(solver, []float64{0, 0.5, 0.9}).Draw(context.Background(), 3, nil)
		assert.ErrorContains(t, err, "infinite", name)
	}
	_, _, err := ringSampler(SDE(sde.EulerMaruyama{}, 0, false), []float64{0, 0.5, 0.9}).Draw(context.Background(), 3, nil)
	assert.NoError(t, err, "without noise there is nothing to refuse")
}

func TestDrawStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	x, res, err := ringSampler(ODE(ode.Heun), []float64{0, 0.5, 0.9}).Draw(ctx, 3, nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, ode.Cancelled, res.Status)
	assert.Nil(t, x)
}

// TestSamplesHaveTheLaw draws a Gaussian with correlated coordinates through every kind
// of solver and compares mean and covariance; a moment's standard error is about
// 1/√n (0.005 at n = 40,000), and the discretisation errors at these steps are below
// 0.01. The bound is 4 standard errors and the discretisation.
func TestSamplesHaveTheLaw(t *testing.T) {
	m, err := density.NewMixture([]float64{1}, []float64{0.5, -0.2}, []float64{1, 0.6, 0.6, 0.8}, 2)
	require.NoError(t, err)
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	n := 40_000
	if testing.Short() {
		n = 5_000 // standard errors of 0.014
	}
	for _, tt := range drawTests {
		steps := 60
		if tt.name == "em" {
			steps = 400 // weak order 1
		}
		s := &Sampler{Path: p, Model: m, Solver: tt.solver, Grid: interpolant.LogSNRGrid(p, 0, t1, steps), Seed: 5}
		x, _, err := s.Draw(context.Background(), n, nil)
		require.NoError(t, err)
		var mx, my, xx, xy, yy float64
		for i := 0; i < len(x); i += 2 {
			mx += x[i] / float64(n)
			my += x[i+1] / float64(n)
		}
		for i := 0; i < len(x); i += 2 {
			xx += sq(x[i]-mx) / float64(n)
			xy += (x[i] - mx) * (x[i+1] - my) / float64(n)
			yy += sq(x[i+1]-my) / float64(n)
		}
		got := []float64{mx, my, xx, xy, yy}
		for k, want := range []float64{0.5, -0.2, 1, 0.6, 0.8} {
			assert.InDelta(t, want, got[k], 0.01+4/math.Sqrt(float64(n)), "%s, moment %d", tt.name, k)
		}
	}
}
