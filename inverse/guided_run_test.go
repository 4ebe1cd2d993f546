package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// guides are all methods of this kind, with what a step costs a point.
func guides(d int) map[string]struct {
	guide
	work Counts
} {
	type row = struct {
		guide
		work Counts
	}
	return map[string]row{
		"DPS":          {DPS{Zeta: 0.3, Eta: 1}, Counts{JVP: 1, Apply: 1, Adjoint: 1}},
		"DPS, matched": {DPS{Zeta: 0.3, Form: Likelihood, Eta: 1}, Counts{JVP: 1, Apply: 1, Adjoint: 1}},
		"MCG":          {MCG{Zeta: 0.3, Eta: 1}, Counts{JVP: 1, Apply: 3, Adjoint: 2}},
		"LGD":          {LGD{Zeta: 0.3, Draws: 3, Eta: 1}, Counts{JVP: 1, Apply: 3, Adjoint: 3}},
		"STSL":         {STSL{Zeta: 0.3, Nu: 0.02, Inner: 2, Eta: 1}, Counts{JVP: 4, Apply: 2, Adjoint: 2}},
		"STSL, first":  {STSL{Zeta: 0.3, Inner: 2, Eta: 1}, Counts{JVP: 2, Apply: 2, Adjoint: 2}},
		"STSL, exact":  {STSL{Zeta: 0.3, Nu: 0.02, Exact: true, Eta: 1}, Counts{JVP: int64(2*d + 1), Apply: 1, Adjoint: 1}},
		"PSLD":         {PSLD{Omega: 1, Gamma: 0.1, Eta: 1}, Counts{JVP: 1, Apply: 2, Adjoint: 2}},
		"LDPS":         {PSLD{Omega: 1, Eta: 1}, Counts{JVP: 1, Apply: 1, Adjoint: 1}},
	}
}

func TestGuidedSamplesDependOnSeedAndIndexAlone(t *testing.T) {
	const d, n = 4, 11
	p, err := New(newSpectrum(randomMatrix(3, d, 1)), randoms(3, 3), 0.3)
	require.NoError(t, err)
	for name, m := range guides(d) {
		g := guidedBy(t, p, testMixture(t, d))
		s := sampler(t, g, 6)
		s.Solver, s.Seed = guideSolver(m.guide), 3
		want, res, err := s.Draw(context.Background(), n, &ode.Settings{Workers: 1, Rows: n})
		require.NoError(t, err, name)

		// Counts: five steps of the grid; one evaluation a descent, and the last denoising.
		inner := 1
		if st, ok := m.guide.(STSL); ok {
			inner = st.inner()
		}
		assert.Equal(t, float64(5*inner+1), res.NFE(), name)
		got := g.Counts()
		assert.Equal(t, Counts{JVP: 5 * n * m.work.JVP, Apply: 5 * n * m.work.Apply, Adjoint: 5 * n * m.work.Adjoint}, got, name)

		again, _, err := s.Draw(context.Background(), n, &ode.Settings{Workers: 3, Rows: 2})
		require.NoError(t, err, name)
		assert.Equal(t, want, again, name)
		tail, _, err := s.Draw(context.Background(), n-4, &ode.Settings{First: 4})
		require.NoError(t, err, name)
		assert.Equal(t, want[4*d:], tail, name)
	}
}

func TestWarmGuidedStepsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	const d, rows = 4, 3
	for _, op := range []linop.Operator{dense{randomMatrix(3, d, 1)}, newSpectrum(randomMatrix(3, d, 1))} {
		p, err := New(op, randoms(3, 3), 0.3)
		require.NoError(t, err)
		for name, m := range guides(d) {
			s := sampler(t, guidedBy(t, p, testMixture(t, d)), 6)
			st := m.NewStepper(s, sde.Independent{Seed: 1}, rows)
			x := randoms(rows*d, 130)
			st.Begin(0, rows)
			assert.Zero(t, testing.AllocsPerRun(20, func() { st.Step(x, s.Grid[2], s.Grid[3]) }), name)
		}
	}
}

func TestGuidedRefusesWhatItCannotRun(t *testing.T) {
	const d = 4
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	clean, err := New(p.A(), p.Y(), 0)
	require.NoError(t, err)
	bent, err := NewNonlinear(linop.Linear(p.A()), p.Y(), 0.3)
	require.NoError(t, err)
	prior := testMixture(t, d)
	good := sampler(t, guidedBy(t, p, prior), 3)
	for want, c := range map[string]struct {
		m     guide
		model score.Denoiser
	}{
		"DPS needs a sampler of a *Guided or a *Conditional, got a *density.Mixture": {DPS{}, prior},
		"η = 2 is not between 0 and 1":                                               {DPS{Eta: 2}, good.Model},
		"η = NaN is not between":                                                     {MCG{Eta: math.NaN()}, good.Model},
		"the step size of DPS is -1":                                                 {DPS{Zeta: -1}, good.Model},
		"the step size of PSLD is +Inf":                                              {PSLD{Omega: math.Inf(1)}, good.Model},
		"DPS has no form 4":                                                          {DPS{Form: formEnd}, good.Model},
		"measurement 0 has no noise, by which this form of DPS":                      {DPS{Whitened: true}, guidedBy(t, clean, prior)},
		"measurement 0 has no noise, by which LGD":                                   {LGD{}, guidedBy(t, clean, prior)},
		"LGD has -1 draws":                                                           {LGD{Draws: -1}, good.Model},
		"MCG projects, which only a linear problem allows; DPS serves a *inverse.Nonlinear": {MCG{}, guidedBy(t, bent, prior)},
		"PSLD glues by the adjoint of a linear problem; DPS serves a *inverse.Nonlinear":    {PSLD{}, guidedBy(t, bent, prior)},
		"the weight γ of PSLD is -1":                   {PSLD{Gamma: -1}, good.Model},
		"has the limit -2":                             {MCG{Krylov: Krylov{Iterations: -2}}, good.Model},
		"STSL has the weight ν = -1, 0 inner descents": {STSL{Nu: -1}, good.Model},
		"-2 inner descents":                            {STSL{Inner: -2}, good.Model},
	} {
		s := score.Sampler{Path: good.Path, Grid: good.Grid, Model: c.model, Solver: guideSolver(c.m)}
		_, _, err := s.Draw(context.Background(), 2, nil)
		assert.ErrorContains(t, err, want)
		assert.Panics(t, func() { c.m.NewStepper(&s, sde.Independent{}, 1) }, want)
	}
	// Only matched steps and the exact trace divide by α.
	s := score.Sampler{Path: interpolant.CondOT{}, Grid: []float64{0, 0.5, 0.99}, Model: good.Model}
	for _, m := range []guide{DPS{Form: Likelihood}, LGD{}, STSL{Nu: 1, Exact: true}} {
		s.Solver = guideSolver(m)
		_, _, err := s.Draw(context.Background(), 2, nil)
		assert.ErrorContains(t, err, "no signal (α = 0) at t = 0")
	}
	for _, m := range []guide{DPS{Zeta: 0.1}, STSL{Zeta: 0.1, Nu: 0.1}, MCG{Zeta: 0.1}} {
		s.Solver = guideSolver(m)
		_, _, err := s.Draw(context.Background(), 2, nil)
		assert.NoError(t, err)
	}

	q, err := NewNonlinearVar(bent.Map(), p.Y(), []float64{1, 2, 3})
	require.NoError(t, err)
	assert.Equal(t, []float64{1, 2, 3}, []float64{q.Variance(0), q.Variance(1), q.Variance(2)})
	assert.InDelta(t, 0.09, bent.Variance(2), 1e-15)
	_, err = NewGuided(p, density.Normal(2, 1))
	assert.ErrorContains(t, err, "acts on 4 values, but the prior's points have 2")
	for want, f := range map[string]func() (*Nonlinear, error){
		"takes 4 values to 3, but there are 2 measurements": func() (*Nonlinear, error) { return NewNonlinear(bent.Map(), randoms(2, 1), 1) },
		"standard deviation -1":                             func() (*Nonlinear, error) { return NewNonlinear(bent.Map(), p.Y(), -1) },
		"2 noise variances for 3 measurements":              func() (*Nonlinear, error) { return NewNonlinearVar(bent.Map(), p.Y(), []float64{1, 1}) },
		"measurement 1 has the noise variance NaN":          func() (*Nonlinear, error) { return NewNonlinearVar(bent.Map(), p.Y(), []float64{1, math.NaN(), 1}) },
		"measurement 2 is +Inf":                             func() (*Nonlinear, error) { return NewNonlinear(bent.Map(), []float64{1, 1, math.Inf(1)}, 1) },
	} {
		_, err := f()
		assert.ErrorContains(t, err, want)
	}
}
