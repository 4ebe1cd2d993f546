package inverse

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// chainLaw is the law that DDIM's chain with a Gaussian prior gives x₁.
func chainLaw(t *testing.T, s *score.Sampler, prior score.Denoiser, eta float64) law {
	l := baseLaw(s)
	for k := 1; k < len(s.Grid); k++ {
		a, b := s.Path.At(s.Grid[k-1]), s.Path.At(s.Grid[k])
		l = l.chained(t, prior, a, newSMCLeg(a, b, eta))
	}
	in := *s
	in.Model = prior
	return l.denoised(t, &in)
}

// chained returns the law after a step of the chain from a.
func (l law) chained(t *testing.T, prior score.Denoiser, a interpolant.Coeffs, g smcLeg) law {
	d := prior.Dim()
	l = l.through(t, 2+d, func(x []float64) {
		mean := make([]float64, len(x))
		prior.Denoise(mean, x, a.Alpha, a.Sigma)
		floats.Scale(g.keep, x)
		floats.AddScaled(x, g.gain, mean)
	})
	for i := range d {
		l.cov.Set(i, i, l.cov.At(i, i)+g.v)
	}
	return l
}

// posteriorOf is the exact posterior of a Gaussian law.
func posteriorOf(t *testing.T, p *Problem, l law) *Posterior {
	cov := flat(l.cov)
	symmetrise(cov, l.mean.Len())
	g, err := density.Gaussian(l.mean.RawVector().Data, cov)
	require.NoError(t, err)
	post, err := MixturePosterior(p, g)
	require.NoError(t, err)
	return post
}

// unbiased holds the estimates of p(y), of p(y) E[x_i|y] and of p(y) Cov[x_i, x_i|y] of
// independent populations to the truth: all are exactly unbiased for any number of
// particles. 4.5 standard errors: one false alarm in 1e5 comparisons.
func unbiased(t *testing.T, out *Particles, evidence float64, post law) {
	t.Helper()
	d, n := post.mean.Len(), out.Size
	gaps := make([][]float64, 1+2*d)
	for r, l := range out.LogEvidence {
		z := math.Exp(l - evidence)
		gaps[0] = append(gaps[0], z-1)
		for i := range d {
			m, v := 0.0, 0.0
			for j := r * n; j < (r+1)*n; j++ {
				w, e := math.Exp(out.LogWeights[j]), out.X[j*d+i]-post.mean.AtVec(i)
				m += w * e
				v += w * (e*e - post.cov.At(i, i))
			}
			gaps[1+i] = append(gaps[1+i], z*m/math.Sqrt(post.cov.At(i, i)))
			gaps[1+d+i] = append(gaps[1+d+i], z*v/post.cov.At(i, i))
		}
	}
	for i, g := range gaps {
		m, sd := stat.MeanStdDev(g, nil)
		se := sd / math.Sqrt(float64(len(g)))
		assert.InDelta(t, 0, m, 4.5*se+1e-6, "figure %d", i) // 1e-6: the last digits of CG
		assert.Less(t, se, 0.1, "figure %d: the test has no power", i)
	}
}

func TestParticlesAreUnbiased(t *testing.T) {
	const d, m, populations = 4, 2, 600
	prior := testGaussian(t, d)
	white, err := New(newSpectrum(randomMatrix(m, d, 1)), randoms(m, 3), 0.4)
	require.NoError(t, err)
	other, err := NewVar(dense{randomMatrix(m, d, 1)}, randoms(m, 3), []float64{0.3, 0.1})
	require.NoError(t, err)
	probes := &linop.Quadrature{Probes: 1, Steps: 2}
	for name, c := range map[string]struct {
		p   *Problem
		smc SMC
	}{
		"covariance twist":       {other, SMC{}},
		"around MMPS":            {other, SMC{Method: Twisted{Proposal: MMPS(0)}}},
		"TDS":                    {other, SMC{Method: Twisted{Cov: Isotropic{}}}},
		"TDS by singular values": {white, SMC{Method: Twisted{Cov: Isotropic{}}, Resampling: Multinomial}},
		"matrix-free, one probe": {other, SMC{Method: Twisted{Quadrature: probes, Krylov: Krylov{Iterations: 1}}}},
		"no Jacobian":            {white, SMC{Method: Twisted{Cov: Proximal{}, Proposal: Fixed(Isotropic{}, Krylov{})}}},
		"no guidance":            {other, SMC{Method: Twisted{Cov: Proximal{Lambda: 4}, Proposal: Fixed(Proximal{Lambda: 1e9}, Krylov{})}, Eta: 0.7}},
		"always resampled":       {white, SMC{Threshold: 1, Resampling: Multinomial}},
		"never resampled":        {other, SMC{Threshold: -1, Eta: 0.6}},
	} {
		t.Run(name, func(t *testing.T) {
			s := smcSampler(conditional(t, c.p, prior, DDNM{}), 20)
			s.Seed = 3
			c.smc.Particles = 16
			out, res, err := c.smc.Run(context.Background(), *s, populations*16, nil)
			require.NoError(t, err)
			assert.Equal(t, 20.0, res.NFE())
			eta := c.smc.Eta
			if eta == 0 {
				eta = 1
			}
			post := posteriorOf(t, c.p, chainLaw(t, s, prior, eta))
			unbiased(t, out, post.LogEvidence, lawOf(post, d))
			logp, rel := out.Evidence()
			assert.InDelta(t, stat.Mean(expOf(out.LogEvidence), nil), math.Exp(logp), 1e-9)
			assert.InDelta(t, 0, rel, 0.1)
		})
	}
}

// smcSampler has steps that are even in log(α/σ) and ends at σ/α = 0.3: the step of DDIM is
// then wide enough for proposals that were made for many steps.
func smcSampler(c *Conditional, n int) *score.Sampler {
	path := interpolant.VP{}
	return &score.Sampler{Path: path, Model: c, Grid: interpolant.LogSNRGrid(path, path.Time(-5), path.Time(1.2), n)}
}

func expOf(l []float64) []float64 {
	out := make([]float64, len(l))
	for i, v := range l {
		out[i] = math.Exp(v)
	}
	return out
}

// The defect of a published code: with data for one coordinate the others collapse. Given
// a Gaussian prior with independent coordinates they have the prior's own variance.
func TestParticlesKeepTheNullSpace(t *testing.T) {
	const d, n = 3, 2000
	prior, err := density.NewDiagonalMixture(nil, make([]float64, d), []float64{1, 1.13, 0.5}, d)
	require.NoError(t, err)
	a := newSpectrum(mat.NewDense(1, d, []float64{0.8, 0, 0}))
	p, err := New(a, []float64{0.5}, 0.3)
	require.NoError(t, err)
	for name, m := range map[string]SMC{
		"MCGdiff": {Method: MCGdiff{}}, "FPS": {Method: FPS{}}, "twisted": {}, "corrected": {Method: TwistedCorrected{}},
	} {
		s := sampler(t, conditional(t, p, prior, DDNM{}), 60)
		s.Seed = 2
		out, _, err := m.Run(context.Background(), *s, n, nil)
		require.NoError(t, err)
		chain := chainLaw(t, s, prior, 1)
		if name == "corrected" {
			chain = lawOf(prior, d)
		}
		for i := 1; i < d; i++ {
			v := 0.0
			for j := range n {
				v += math.Exp(out.LogWeights[j]) * out.X[j*d+i] * out.X[j*d+i]
			}
			ess := out.ESS[len(out.ESS)-1]
			// 5 standard errors, twice as large for ancestors in common.
			assert.InDelta(t, 1, v/chain.cov.At(i, i), 10*math.Sqrt(2/ess), "%s, ESS %g", name, ess)
		}
	}
}

// smcProblem is a small mixture under every method.
func smcProblem(t testing.TB) (*score.Sampler, map[string]SMC) {
	p, err := New(newSpectrum(randomMatrix(2, 4, 1)), []float64{0.4, -0.8}, 0.2)
	require.NoError(t, err)
	c, err := NewConditional(p, testMixture(t, 4), DDNM{})
	require.NoError(t, err)
	s := sampler(t, c, 12)
	s.Seed = 9
	return s, map[string]SMC{
		"twisted":     {Particles: 20},
		"matrix-free": {Particles: 20, Method: Twisted{Quadrature: &linop.Quadrature{Probes: 2, Steps: 2}}},
		"corrected":   {Particles: 20, Method: TwistedCorrected{}},
		"MCGdiff":     {Particles: 20, Method: MCGdiff{}, Threshold: 1, Resampling: Multinomial},
		"FPS":         {Particles: 20, Method: FPS{}},
	}
}

func TestParticlesDoNotDependOnWorkersOrShards(t *testing.T) {
	s, methods := smcProblem(t)
	for name, m := range methods {
		all, res, err := m.Run(context.Background(), *s, 60, &ode.Settings{Workers: 1})
		require.NoError(t, err)
		assert.Equal(t, 12.0, res.NFE(), name)
		counts := s.Model.(*Conditional).Counts()
		other, _, err := m.Run(context.Background(), *s, 60, &ode.Settings{Workers: 3})
		require.NoError(t, err)
		if name == "FPS" {
			assert.True(t, math.IsNaN(all.LogEvidence[0]))
			all.LogEvidence, other.LogEvidence = make([]float64, 3), make([]float64, 3)
		}
		assert.Equal(t, all, other, name)
		// The work is counted once whoever does it.
		after := s.Model.(*Conditional).Counts()
		assert.Equal(t, after.JVP, 2*counts.JVP, name)
		part, _, err := m.Run(context.Background(), *s, 20, &ode.Settings{First: 40})
		require.NoError(t, err)
		assert.Equal(t, all.X[40*4:], part.X, name)
		assert.Equal(t, all.LogWeights[40:], part.LogWeights, name)
		assert.Equal(t, all.Draws[40*4:], part.Draws, name)
		x, _, err := m.Sampler(*s).Draw(context.Background(), 60, nil)
		require.NoError(t, err)
		assert.Equal(t, all.Draws, x)
		for _, k := range all.Distinct() {
			assert.True(t, k >= 1 && k <= 20)
		}
		s.Model = conditional(t, s.Model.(*Conditional).problem, testMixture(t, 4), DDNM{}) // counts from zero
	}
}

func TestParticleCounts(t *testing.T) {
	// m = 2 products for each particle and time with the covariance twist, 1 with a known one,
	// none with MCGdiff.
	s, _ := smcProblem(t)
	for want, method := range map[int64]ParticleMethod{2: Twisted{}, 1: Twisted{Cov: Isotropic{}}, 0: MCGdiff{}} {
		s.Model = conditional(t, s.Model.(*Conditional).problem, testMixture(t, 4), DDNM{})
		_, _, err := SMC{Method: method}.Run(context.Background(), *s, 10, nil)
		require.NoError(t, err)
		assert.Equal(t, want*10*12, s.Model.(*Conditional).Counts().JVP)
	}
}

func TestMoversAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s, methods := smcProblem(t)
	delete(methods, "matrix-free") // a quadrature of many products allocates once
	for name, m := range methods {
		m.Particles = 1
		r, err := m.newRun(s, s.Start(1, 0, 1), &ode.Settings{})
		require.NoError(t, err)
		w, p, z := r.newMover(), &r.all[0], make([]float64, 20)
		w.start(p, z)
		step := func() {
			w.look(p, 0)
			w.move(p, z, 1)
		}
		step()
		assert.Zero(t, testing.AllocsPerRun(10, step), name)
	}
}

func TestParticleErrors(t *testing.T) {
	s, _ := smcProblem(t)
	c := s.Model.(*Conditional)
	noiseless, err := New(dense{randomMatrix(2, 4, 1)}, []float64{1, 2}, 0)
	require.NoError(t, err)
	coloured, err := NewVar(dense{randomMatrix(2, 4, 1)}, []float64{1, 2}, []float64{1, 2})
	require.NoError(t, err)
	for want, f := range map[string]func(s *score.Sampler) SMC{
		"SMC needs a sampler of a *Conditional":       func(s *score.Sampler) SMC { s.Model = c.prior; return SMC{} },
		"10 points from number 0 on are no whole":     func(*score.Sampler) SMC { return SMC{Particles: 3} },
		"η = 2 is not in (0, 1]":                      func(*score.Sampler) SMC { return SMC{Eta: 2} },
		"no resampling of threshold 0.5 and scheme 7": func(*score.Sampler) SMC { return SMC{Resampling: 7} },
		"starts from N(0, σ²I)":                       func(s *score.Sampler) SMC { s.Base = score.Normal{Std: 1}; return SMC{} },
		"measurement 0 has no noise":                  func(s *score.Sampler) SMC { s.Model = conditional(t, noiseless, c.prior, DDNM{}); return SMC{} },
		"MCGdiff needs an operator with a known singular": func(s *score.Sampler) SMC {
			s.Model = conditional(t, coloured, c.prior, DDNM{})
			return SMC{Method: MCGdiff{}}
		},
		"MCGdiff has κ = -1":                        func(*score.Sampler) SMC { return SMC{Method: MCGdiff{Kappa: -1}} },
		"limit -1 and the tolerance 0":              func(*score.Sampler) SMC { return SMC{Method: Twisted{Krylov: Krylov{Iterations: -1}}} },
		"prior variances for points of dimension 4": func(*score.Sampler) SMC { return SMC{Method: Twisted{Cov: Diagonal{}}} },
		"quadrature of -1 probes":                   func(*score.Sampler) SMC { return SMC{Method: Twisted{Quadrature: &linop.Quadrature{Probes: -1}}} },
	} {
		run := *s
		m := f(&run)
		_, _, err := m.Run(context.Background(), run, 10, nil)
		assert.ErrorContains(t, err, want)
	}
	_, _, err = SMC{}.Run(context.Background(), *s, 10, &ode.Settings{Trace: &ode.Trace{Rows: 1}})
	assert.ErrorContains(t, err, "no trajectories")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, res, err := SMC{}.Run(ctx, *s, 10, nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, ode.Cancelled, res.Status)

	// Data beyond what float64 can weigh.
	far, err := New(dense{randomMatrix(2, 4, 1)}, []float64{1e200, 0}, 1e-3)
	require.NoError(t, err)
	s.Model = conditional(t, far, c.prior, DDNM{})
	_, _, err = SMC{Method: Twisted{Cov: Isotropic{}}}.Run(context.Background(), *s, 10, nil)
	assert.Error(t, err)
	s.Model = conditional(t, c.problem, broken{c.prior}, DDNM{})
	_, res, err = SMC{}.Run(context.Background(), *s, 10, nil)
	assert.ErrorContains(t, err, "out of order")
	assert.Equal(t, ode.NonFinite, res.Status)
}

// broken is a model that fails.
type broken struct{ score.Denoiser }

func (b broken) Denoise(dst, _ []float64, _, _ float64) {
	for i := range dst {
		dst[i] = math.NaN()
	}
}

func (broken) Err() error { return fmt.Errorf("out of order") }
