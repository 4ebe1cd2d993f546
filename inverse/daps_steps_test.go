package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// decoupled are the samplers of decoupled, split and flow methods on one problem, with
// evaluations of the denoiser for each sample.
func decoupled(t testing.TB, d int) map[string]struct {
	*score.Sampler
	steps score.Steps
	nfe   int
} {
	p, err := New(newSpectrum(randomMatrix(3, d, 1)), randoms(3, 3), 0.3)
	require.NoError(t, err)
	cg, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	prior := testMixture(t, d)
	out := map[string]struct {
		*score.Sampler
		steps score.Steps
		nfe   int
	}{}
	add := func(name string, p *Problem, nfe int, steps score.Steps, sampler func(score.Sampler) *score.Sampler) {
		s := sampler(*annealed(conditional(t, p, prior, nil), 5, 0.1, 6))
		s.Base = score.Normal{Std: 2}
		out[name] = struct {
			*score.Sampler
			steps score.Steps
			nfe   int
		}{s, steps, nfe}
	}
	daps := DAPS{}
	add("DAPS", p, 6*5, daps.NewStepper, daps.Sampler)
	add("DAPS, CG", cg, 6*5, daps.NewStepper, daps.Sampler)
	heun := DAPS{Flow: ode.Heun, Levels: 3, Langevin: &Langevin{Steps: 10, Rate: 1e-3}}
	add("DAPS, Langevin", cg, 6*5, heun.NewStepper, heun.Sampler)
	gibbs := SplitGibbs{Sweeps: 7, Levels: 4, First: 4}
	add("split Gibbs", cg, 7*4, gibbs.NewStepper, gibbs.Sampler)
	gibbs.Steps = Corrected{Eta: 1}.NewStepper
	add("split Gibbs, corrected", p, 7*4, gibbs.NewStepper, gibbs.Sampler)
	gibbs.Steps = score.SDESteps(sde.SRA1, 1)
	add("split Gibbs, SRA1", cg, 7*(3*2+1), gibbs.NewStepper, gibbs.Sampler)
	red := REDDiff{}
	add("RED-diff", cg, 6, red.NewStepper, red.Sampler)
	chef := FlowChef{Inner: func(t float64) int { return 1 + int(2*t) }}
	add("FlowChef", cg, 6, chef.NewStepper, chef.Sampler)
	pnp := PnPFlow{Power: 0.5, Draws: 2}
	add("PnP-Flow", cg, 12, pnp.NewStepper, pnp.Sampler)
	tv := DDSTV{Slices: 2, Lambda: 0.1, Iterations: 2, Krylov: Krylov{Iterations: 3}, Step: Recursion{Eta: .85}}
	add("DDS TV", cg, 6, tv.NewStepper, tv.Sampler)
	return out
}

func TestDecoupledSamplesDependOnSeedAndIndexAlone(t *testing.T) {
	const d, n = 4, 11
	for name, s := range decoupled(t, d) {
		want, res, err := s.Draw(context.Background(), n, &ode.Settings{Workers: 1, Rows: n})
		require.NoError(t, err, name)
		got, _, err := s.Draw(context.Background(), n, &ode.Settings{Workers: 3, Rows: 2})
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
		tail, _, err := s.Draw(context.Background(), n-4, &ode.Settings{First: 4})
		require.NoError(t, err, name)
		assert.Equal(t, want[4*d:], tail, name)
		assert.Equal(t, float64(s.nfe), res.NFE(), name)
		assert.Equal(t, s.nfe, res.MaxNFE, name)
		other := *s.Sampler
		other.Seed++
		moved, _, err := other.Draw(context.Background(), n, nil)
		require.NoError(t, err, name)
		assert.NotEqual(t, want, moved, name)
	}
}

func TestDecoupledStepsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	const d, rows = 4, 3
	for name, s := range decoupled(t, d) {
		run := *s.Sampler
		run.Model = s.Model.(drawn).Denoiser
		st := s.steps(&run, sde.Independent{Seed: 1}, rows)
		x, t1 := randoms(rows*d, 130), 2.0
		if len(s.Grid) > 1 {
			t1 = s.Grid[1]
		}
		st.Begin(0, rows)
		assert.Zero(t, testing.AllocsPerRun(20, func() { st.Step(x, s.Grid[0], t1) }), name)
	}
}

func TestNoNumberServesTwice(t *testing.T) {
	// Of all normals that a run takes none returns: a sweep's inner steps go on in the
	// stream and do not begin it anew.
	const d, rows = 4, 2
	for name, s := range decoupled(t, d) {
		run := *s.Sampler
		run.Model = s.Model.(drawn).Denoiser
		seen := map[float64]bool{}
		spy := &recorder{seen: seen}
		st := s.steps(&run, spy, rows)
		st.Begin(0, rows)
		x := randoms(rows*d, 131)
		for k := range 3 {
			st.Step(x, float64(k)/8, float64(k+1)/8)
		}
		assert.Zero(t, spy.again, name)
		assert.Equal(t, name == "FlowChef", len(seen) == 0, name)
	}
}

// recorder is independent noise that counts normals which were seen before.
type recorder struct {
	sde.Noise
	seen  map[float64]bool
	again int
}

func (r *recorder) NewNoise(dim, rows int) sde.Noise {
	r.Noise = sde.Independent{Seed: 5}.NewNoise(dim, rows)
	return r
}

func (r *recorder) Increment(dw []float64, t0, t1 float64) {
	r.Noise.Increment(dw, t0, t1)
	for _, v := range dw {
		v = math.Round(v/math.Sqrt(math.Abs(t1-t0))*1e12) / 1e12 // up to its scale
		if r.seen[v] {
			r.again++
		}
		r.seen[v] = true
	}
}

func TestDecoupledSamplersRefuseWhatTheyCannotRun(t *testing.T) {
	const d = 4
	all := decoupled(t, d)
	ctx := context.Background()
	good := *all["DAPS"].Sampler
	good.Model, good.Solver = good.Model.(drawn).Denoiser, nil
	none, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0)
	require.NoError(t, err)
	noiseless := good
	noiseless.Model = conditional(t, none, testMixture(t, d), nil)
	plain := good
	plain.Model = testMixture(t, d)
	for want, s := range map[string]*score.Sampler{
		"DAPS needs a sampler of a *Conditional, which holds the problem and the prior, got a *density.Mixture": DAPS{}.Sampler(plain),
		"DAPS has the noise τ = -1 and a flow of 0 levels":                                                      DAPS{Noise: -1}.Sampler(good),
		"steps of the rate 0":                         DAPS{Langevin: &Langevin{}}.Sampler(good),
		"divides by the noise of each measurement":    DAPS{Langevin: &Langevin{Rate: 1}}.Sampler(noiseless),
		"the limit -2":                                DAPS{Krylov: Krylov{Iterations: -2}}.Sampler(good),
		"SplitGibbs needs a sampler":                  SplitGibbs{}.Sampler(plain),
		"falling by 2 to":                             SplitGibbs{Decay: 2}.Sampler(good),
		"5 sweeps of 20 levels cannot have 4":         SplitGibbs{Sweeps: 5, BurnIn: 4, Keep: 2}.Sampler(good),
		"no time at which σ/α is ρ = 10":              SplitGibbs{}.Sampler(good),
		"REDDiff needs a sampler":                     REDDiff{}.Sampler(plain),
		"REDDiff has λ = -1":                          REDDiff{Lambda: -1}.Sampler(good),
		"FlowChef needs a sampler":                    FlowChef{}.Sampler(plain),
		"the rate of FlowChef is 2":                   FlowChef{Rate: 2}.Sampler(good),
		"PnPFlow needs a sampler":                     PnPFlow{}.Sampler(plain),
		"the rate of PnPFlow is -1":                   PnPFlow{Rate: -1}.Sampler(good),
		"PnPFlow has the power NaN":                   PnPFlow{Power: math.NaN()}.Sampler(good),
		"DDSTV needs a sampler":                       DDSTV{Slices: 2}.Sampler(plain),
		"3 slices does not fit points of dimension 4": DDSTV{Slices: 3}.Sampler(good),
		"DDSTV has λ = -1":                            DDSTV{Slices: 2, Lambda: -1}.Sampler(good),
		"has η = 2 and the split 0":                   DDSTV{Slices: 2, Step: Recursion{Eta: 2}}.Sampler(good),
	} {
		_, _, err := s.Draw(ctx, 2, nil)
		assert.ErrorContains(t, err, want)
	}
	far := good
	far.Path, far.Grid = interpolant.CondOT{}, []float64{0, 0.5}
	_, _, err = DAPS{}.Sampler(far).Draw(ctx, 2, nil)
	assert.ErrorContains(t, err, "no signal (α = 0) at t = 0")
	for _, steps := range []score.Steps{DAPS{}.NewStepper, SplitGibbs{First: 4}.NewStepper, PnPFlow{}.NewStepper} {
		assert.Panics(t, func() { steps(&good, sde.Tree{T0: 0, T1: 1}, 1) })
	}
	for _, steps := range []score.Steps{
		DAPS{}.NewStepper, SplitGibbs{First: 4}.NewStepper, REDDiff{}.NewStepper, FlowChef{}.NewStepper, PnPFlow{}.NewStepper, DDSTV{}.NewStepper,
	} {
		assert.Panics(t, func() { steps(&plain, sde.Independent{}, 1) })
	}
}
