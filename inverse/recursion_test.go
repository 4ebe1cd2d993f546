package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func sameLaw(t *testing.T, want, got law, tol float64, name string) {
	t.Helper()
	assert.InDeltaSlice(t, want.mean.RawVector().Data, got.mean.RawVector().Data, tol, "mean: %s", name)
	assert.InDeltaSlice(t, flat(want.cov), flat(got.cov), tol, "covariance: %s", name)
}

func TestSongsSplitOfThePosteriorIsDDIM(t *testing.T) {
	const d = 6
	prior := testGaussian(t, d)
	for name, p := range problems(t, d) {
		s := sampler(t, conditional(t, p, prior, MMPS(0)), 7)
		want := propagate(t, s, score.SDESteps(sde.DDIM, 0.6), s.Grid, baseLaw(s))
		r := Recursion{EtaOf: func(float64) float64 { return 0.6 }, Split: Song, Posterior: true}
		// The same algebra in two orders: rounding over seven steps, gains of up to 1/√ᾱ = 150.
		sameLaw(t, want, propagate(t, s, r.NewStepper, s.Grid, baseLaw(s)), 1e-8, name)
	}
}

func TestDDSVEStepIsThePublishedOne(t *testing.T) {
	// x' = x̂0' - σ'σ √(1-η²b²) ∇log p + σ' η b ξ, b = 1 - σ'²/σ², with the prior's own score.
	const d, eta = 3, 0.7
	prior := testGaussian(t, d)
	p, err := New(dense{randomMatrix(2, d, 110)}, randoms(2, 111), 0.2)
	require.NoError(t, err)
	c := conditional(t, p, prior, DDS{Gamma: 1, Krylov: Krylov{Iterations: 5}})
	path := interpolant.VE{}
	s := &score.Sampler{Path: path, Model: c, Grid: []float64{0.5, 0.6}}
	from, to := path.At(0.5).Sigma, path.At(0.6).Sigma
	b := 1 - to*to/(from*from)
	got := propagate(t, s, Recursion{Eta: eta, Split: MixedVE}.NewStepper, s.Grid, isotropicLaw(d, 1))
	want := isotropicLaw(d, 1).through(t, 2+2*d, func(x []float64) {
		in, sc := append([]float64(nil), x...), make([]float64, len(x))
		c.Denoise(x, in, 1, from)
		prior.Score(sc, in, 1, from)
		for i := range x {
			x[i] -= to * from * math.Sqrt(1-eta*eta*b*b) * sc[i]
			if j := i/d - 1 - d; j == i%d || i/d == 1+2*d {
				x[i] += to * eta * b
			}
		}
	})
	sameLaw(t, want, got, 1e-10, "VE") // rounding at σ = 1
}

func TestDDRMActsOnEachSingularDirection(t *testing.T) {
	// On the prior N(0, S I) the directions are problems of their own.
	const d, m, data, noise = 5, 3, 0.7, 0.3
	prior := density.Normal(d, math.Sqrt(data))
	a := newSpectrum(randomMatrix(m, d, 120))
	p, err := New(a, randoms(m, 121), noise)
	require.NoError(t, err)
	uty := make([]float64, m)
	a.UT(uty, p.Y())
	for _, etaB := range []float64{1, 0.5} {
		s := sampler(t, prior, 9)
		got := propagate(t, s, DDRM{p, .85, etaB}.NewStepper, s.Grid, baseLaw(s)).denoised(t, s)
		var mean mat.VecDense
		var half, cov mat.Dense
		mean.MulVec(a.v.T(), got.mean)
		half.Mul(a.v.T(), got.cov)
		cov.Mul(&half, a.v)
		for i := range d {
			one := sampler(t, density.Normal(1, math.Sqrt(data)), 9)
			var steps score.Steps
			if i < m {
				q, err := New(newSpectrum(mat.NewDense(1, 1, []float64{a.s[i]})), []float64{uty[i]}, noise)
				require.NoError(t, err)
				steps = DDRM{q, .85, etaB}.NewStepper
			} else { // no data: a gain of nothing
				q, err := New(dense{mat.NewDense(1, 1, []float64{1})}, []float64{1}, noise)
				require.NoError(t, err)
				one.Model = conditional(t, q, one.Model, DiffPIR(1e300))
				steps = Recursion{Eta: .85}.NewStepper
			}
			want := propagate(t, one, steps, one.Grid, baseLaw(one)).denoised(t, one)
			assert.InDelta(t, want.mean.AtVec(0), mean.AtVec(i), 1e-11) // rounding
			assert.InDelta(t, want.cov.At(0, 0), cov.At(i, i), 1e-11)
		}
	}
	// Full trust moves with the mean; a noiseless direction ends on the data.
	q, err := New(a, p.Y(), 0)
	require.NoError(t, err)
	s := sampler(t, prior, 9)
	got := propagate(t, s, DDRM{q, .85, 1}.NewStepper, append(s.Grid, s.Path.(*interpolant.Discrete).Index(-0.999)), baseLaw(s))
	out := make([]float64, m)
	a.Apply(out, got.mean.RawVector().Data)
	assert.InDeltaSlice(t, p.Y(), out, 1e-3) // α differs from 1 by about 5e-5 there
}

// solvers are the samplers of this package on one problem.
func solvers(t testing.TB, d int) map[string]*score.Sampler {
	p, err := New(newSpectrum(randomMatrix(3, d, 1)), randoms(3, 3), 0.3)
	require.NoError(t, err)
	prior := testMixture(t, d)
	mmps := conditional(t, p, prior, MMPS(0))
	plain := sampler(t, prior, 6)
	s := func(m score.Denoiser, solver score.Solver) *score.Sampler {
		return &score.Sampler{Path: plain.Path, Grid: plain.Grid, Model: m, Solver: solver, Seed: 3}
	}
	return map[string]*score.Sampler{
		"DDNM":               s(conditional(t, p, prior, DDNM{}), Recursion{Eta: .85}.Solver()),
		"DDS":                s(conditional(t, p, prior, DDS{Gamma: 1, Krylov: Krylov{Iterations: 3}}), Recursion{Eta: .85}.Solver()),
		"DDRM":               s(prior, DDRM{p, .85, 1}.Solver()),
		"MMPS Heun":          s(mmps, score.ODE(ode.Heun)),
		"corrected":          s(mmps, Corrected{Eta: 1}.Solver()),
		"corrected, drawn":   Corrected{Eta: 1}.Sampler(*s(mmps, nil)),
		"corrected, no data": Corrected{Eta: 1}.Sampler(*s(prior, nil)),
	}
}

func TestSamplesDependOnSeedAndIndexAlone(t *testing.T) {
	const d, n = 4, 11
	for name, s := range solvers(t, d) {
		want, res, err := s.Draw(context.Background(), n, &ode.Settings{Workers: 1, Rows: n})
		require.NoError(t, err, name)
		got, _, err := s.Draw(context.Background(), n, &ode.Settings{Workers: 3, Rows: 2})
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
		tail, _, err := s.Draw(context.Background(), n-4, &ode.Settings{First: 4})
		require.NoError(t, err, name)
		assert.Equal(t, want[4*d:], tail, name)

		nfe := float64(len(s.Grid)) // one a step and one at the end
		if name == "MMPS Heun" {
			nfe = 2*nfe - 1
		}
		assert.Equal(t, nfe, res.NFE(), name)
		assert.Equal(t, int(nfe), res.MaxNFE, name)
	}
}

func TestWarmStepsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	const d, rows = 4, 3
	all := solvers(t, d)
	for name, steps := range map[string]score.Steps{
		"DDNM": Recursion{Eta: .85}.NewStepper, "DDS": Recursion{Eta: .85}.NewStepper,
		"DDRM":      DDRM{all["corrected"].Model.(*Conditional).Problem(), .85, 1}.NewStepper,
		"corrected": Corrected{Eta: 1}.NewStepper,
	} {
		s := all[name]
		st := steps(s, sde.Independent{Seed: 1}, rows)
		x := randoms(rows*d, 130)
		st.Begin(0, rows)
		assert.Zero(t, testing.AllocsPerRun(20, func() { st.Step(x, s.Grid[0], s.Grid[1]) }), name)
	}
}

func TestSolversRefuseWhatTheyCannotRun(t *testing.T) {
	const d = 4
	all := solvers(t, d)
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	good := all["corrected"]
	ctx := context.Background()
	for want, s := range map[string]score.Sampler{
		"a Recursion needs a sampler of a *Conditional, got a *density.Mixture": {Model: all["DDRM"].Model, Solver: Recursion{}.Solver()},
		"η = 2 is not between 0 and 1":                                          {Model: good.Model, Solver: Recursion{Eta: 2}.Solver()},
		"η = -1 is not between 0 and 1":                                         {Model: good.Model, Solver: Corrected{Eta: -1}.Solver()},
		"DDRM needs an operator with a":                                         {Model: all["DDRM"].Model, Solver: DDRM{p, 1, 1}.Solver()},
		"DDRM has η = 3 and η_b = 1":                                            {Model: all["DDRM"].Model, Solver: DDRM{p, 3, 1}.Solver()},
		"but the prior's points have 2":                                         {Model: density.Normal(2, 1), Solver: DDRM{p, 1, 1}.Solver()},
		"has the limit -3":                                                      {Model: good.Model, Solver: Corrected{Cov: Tweedie{Krylov{Iterations: -3}}}.Solver()},
		"1 prior variances for points of":                                       {Model: good.Model, Solver: Corrected{Cov: Diagonal{Var: []float64{1}}}.Solver()},
	} {
		s.Path, s.Grid = good.Path, good.Grid
		_, _, err := s.Draw(ctx, 2, nil)
		assert.ErrorContains(t, err, want)
	}
	s := *good
	s.Path, s.Grid = interpolant.CondOT{}, []float64{0, 0.5, 0.99}
	_, _, err = s.Draw(ctx, 2, nil)
	assert.ErrorContains(t, err, "no signal (α = 0) at t = 0")
	for _, g := range []Gain{MMPS(2), PiGDM(1), TMPD{}, DiffPIR(1), DMPS{}} {
		s.Model, s.Solver = conditional(t, p, testGaussian(t, d), g), Recursion{}.Solver()
		_, _, err = s.Draw(ctx, 2, nil)
		assert.ErrorContains(t, err, "no signal (α = 0) at t = 0")
	}
	s.Model = conditional(t, p, testGaussian(t, d), DDNM{}) // divides by nothing
	_, _, err = s.Draw(ctx, 2, nil)
	assert.NoError(t, err)
	assert.Panics(t, func() { Recursion{Split: 9}.NewStepper(good, sde.Independent{}, 1) })
}

func TestDDRMStartsAtTheData(t *testing.T) {
	// One step from σ̄ where the data know more than x: with g = S/(S+σ̄²), e = σ_y/s and
	// x̄ ~ N(ȳ, σ̄² - e²) the coordinate's mean is (1-η_b)gȳ + η_bȳ.
	const data, noise, s, y, etaB = 0.7, 0.3, 0.8, 1.1, 0.4
	p, err := New(newSpectrum(mat.NewDense(1, 1, []float64{s})), []float64{y}, noise)
	require.NoError(t, err)
	path, grid := interpolant.VP{}, []float64{0.6, 0.7}
	a, b := path.At(grid[0]), path.At(grid[1])
	from, to, e := a.Sigma/a.Alpha, b.Sigma/b.Alpha, noise/s
	require.Greater(t, to, e)
	run := &score.Sampler{Path: path, Grid: grid, Model: density.Normal(1, math.Sqrt(data))}
	got := propagate(t, run, DDRM{p, .85, etaB}.NewStepper, grid, baseLaw(run))
	g := data / (data + from*from)
	assert.InDelta(t, b.Alpha*((1-etaB)*g+etaB)*y/s, got.mean.AtVec(0), 1e-12) // rounding
	v := math.Pow((1-etaB)*g, 2)*(from*from-e*e) + to*to - etaB*etaB*e*e
	assert.InDelta(t, b.Alpha*b.Alpha*v, got.cov.At(0, 0), 1e-12)
}
