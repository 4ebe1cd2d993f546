package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
)

// On a Gaussian prior the local Gaussian is the truth: whatever the steps, weights do not
// change after the start, and moments and evidence are those of the exact posterior.
func TestCorrectedTwistIsOptimalOnGaussians(t *testing.T) {
	const d, n = 5, 1200
	prior := testGaussian(t, d)
	for name, p := range problems(t, d) {
		for _, steps := range []int{1, 5} {
			s := sampler(t, conditional(t, p, prior, DDNM{}), steps)
			s.Seed = 7
			m := SMC{Method: TwistedCorrected{Lanczos: Krylov{RTol: 1e-10}}, Threshold: -1}
			out, _, err := m.Run(context.Background(), *s, n, nil)
			require.NoError(t, err, name)
			for _, e := range out.ESS {
				// CG to 1e-10 with conditions up to 1e5.
				require.InDelta(t, out.ESS[0], e, 1e-4*n, "%s, %d steps", name, steps)
			}
			// At the start α/σ = 6e-3: E[x₁|x] varies by so much times the spread, of 1 to 3.
			assert.Greater(t, out.ESS[0], 0.99*n)
			post, err := MixturePosterior(p, prior)
			require.NoError(t, err)
			assert.InDelta(t, post.LogEvidence, out.LogEvidence[0], 0.02)
			want := lawOf(post, d)
			for i := range d {
				var x, w []float64
				for j := range n {
					x, w = append(x, out.X[j*d+i]), append(w, n*math.Exp(out.LogWeights[j]))
				}
				mean, v := stat.MeanVariance(x, w)
				sd := math.Sqrt(want.cov.At(i, i))
				// 5 standard errors, and what the start leaves.
				assert.InDelta(t, want.mean.AtVec(i), mean, (5/math.Sqrt(n)+0.02)*sd, name)
				assert.InDelta(t, 1, v/(sd*sd), 5*math.Sqrt(2./n)+0.01, name)
			}
		}
	}
}

func TestTwistIsTheDenseGaussian(t *testing.T) {
	const d = 6
	prior := testMixture(t, d)
	for name, p := range problems(t, d) {
		m, _ := p.Dims()
		s := sampler(t, conditional(t, p, prior, DDNM{}), 3)
		x := s.Start(1, 0, 1)
		for kind, c := range map[string]struct {
			twist Twisted
			gain  Gain
		}{
			"Tweedie":     {Twisted{}, nil},
			"MMPS":        {Twisted{Proposal: MMPS(0)}, MMPS(0)},
			"isotropic":   {Twisted{Cov: Isotropic{Data: 0.5}}, PiGDM(0.5)},
			"matrix-free": {Twisted{Quadrature: &linop.Quadrature{Probes: 4000, Steps: 10, Seed: 1}}, MMPS(0)},
			"proposal":    {Twisted{Proposal: DDS{Gamma: 1, Krylov: Krylov{Iterations: 2}}}, DDS{Gamma: 1, Krylov: Krylov{Iterations: 2}}},
		} {
			r, err := SMC{Method: c.twist}.newRun(s, append([]float64(nil), x...), &ode.Settings{})
			require.NoError(t, err)
			r.at[0].Alpha, r.at[0].Sigma = alpha, sigma
			w, q := r.newMover(), &r.all[0]
			prior.Denoise(q.mean, q.x, alpha, sigma)
			w.look(q, 0)

			seen := look(p, prior, q.x)
			if kind == "isotropic" {
				seen.c.Zero()
				for i := range d {
					seen.c.Set(i, i, sigma*sigma*0.5/(sigma*sigma+alpha*alpha*0.5))
				}
			}
			var ac, cov mat.Dense
			ac.Mul(seen.a, seen.c)
			cov.Mul(&ac, seen.a.T())
			sym := mat.NewSymDense(m, nil)
			for i := range m {
				for j := range i + 1 {
					sym.SetSym(i, j, (cov.At(i, j)+cov.At(j, i))/2)
				}
				sym.SetSym(i, i, sym.At(i, i)+seen.r[i])
			}
			var chol mat.Cholesky
			require.True(t, chol.Factorize(sym))
			var u mat.VecDense
			require.NoError(t, chol.SolveVecTo(&u, seen.residual))
			want := -(mat.Dot(seen.residual, &u) + chol.LogDet() + float64(m)*math.Log(2*math.Pi)) / 2
			tol := 1e-8 // CG to 1e-10, conditions of 1e2
			if kind == "matrix-free" {
				tol = 0.2 // 5 standard errors of 4000 probes, the variance of each below 2|log S|² < 8
			}
			assert.InDelta(t, want, q.twist, tol, "%s, %s", name, kind)

			if kind == "Tweedie" { // C Aᵀ for the look ahead
				assert.InDeltaSlice(t, flat(&ac), q.aux, 1e-12, name)
				continue
			}
			shift := make([]float64, d)
			conditional(t, p, prior, c.gain).Denoise(shift, q.x, alpha, sigma)
			floats.Sub(shift, q.mean)
			assert.InDeltaSlice(t, shift, q.aux, 1e-7, "%s, %s", name, kind)
		}
	}
}

// Where C maps the range of C Aᵀ to itself, the look ahead knows the twist at x' of a
// Gaussian prior: the proposal is exactly p(x'|x) ψ'(x'), so the weight has no chance in it.
func TestLookaheadIsOptimalOnGaussians(t *testing.T) {
	const d = 5
	for name, c := range map[string]struct {
		prior *density.Mixture
		m     int
	}{"white prior": {density.Normal(d, 0.8), 2}, "as many data as unknowns": {testGaussian(t, d), d}} {
		p, err := NewVar(dense{randomMatrix(c.m, d, 1)}, randoms(c.m, 3), []float64{0.3, 0.1, 0.2, 0.05, 0.1}[:c.m])
		require.NoError(t, err)
		s := smcSampler(conditional(t, p, c.prior, DDNM{}), 4)
		r, err := SMC{Eta: 0.8}.newRun(s, s.Start(1, 0, 1), &ode.Settings{})
		require.NoError(t, err)
		w, q := r.newMover(), &r.all[0]
		x := append([]float64(nil), q.x...)
		weight := func(z []float64) float64 {
			copy(q.x, x)
			c.prior.Denoise(q.mean, q.x, r.at[1].Alpha, r.at[1].Sigma)
			w.look(q, 1)
			l := w.move(q, z, 2)
			c.prior.Denoise(q.mean, q.x, r.at[2].Alpha, r.at[2].Sigma)
			w.look(q, 2)
			return l + q.twist
		}
		want := weight(make([]float64, 2*d+c.m))
		for i := range uint64(3) {
			assert.InDelta(t, want, weight(randoms(2*d+c.m, 160+i)), 1e-8, name) // rounding, conditions of 1e3
		}
	}
}

// The draw is affine in its noise, so its law is read off exactly, and must be the q of the
// weight log p/q.
func TestLookaheadDrawsWhatItWeighs(t *testing.T) {
	const d, m = 4, 2
	prior := testMixture(t, d)
	p, err := New(dense{randomMatrix(m, d, 1)}, randoms(m, 3), 0.2)
	require.NoError(t, err)
	s := smcSampler(conditional(t, p, prior, DDNM{}), 4)
	r, err := SMC{Eta: 0.8}.newRun(s, s.Start(1, 0, 1), &ode.Settings{})
	require.NoError(t, err)
	w, q := r.newMover(), &r.all[0]
	x, g := append([]float64(nil), q.x...), r.legs[2]
	move := func(z []float64) (to []float64, logw float64) {
		copy(q.x, x)
		prior.Denoise(q.mean, q.x, r.at[1].Alpha, r.at[1].Sigma)
		w.look(q, 1)
		logw = w.move(q, z, 2)
		return append([]float64(nil), q.x...), logw
	}
	z := make([]float64, 2*d+m)
	centre, _ := move(z)
	cov := mat.NewSymDense(d, nil)
	for j := range d + m {
		clear(z)
		z[j] = 1
		to, _ := move(z)
		floats.Sub(to, centre)
		cov.SymRankOne(cov, 1, mat.NewVecDense(d, to))
	}
	law, ok := distmv.NewNormal(centre, cov, nil)
	require.True(t, ok)
	to, logw := move(randoms(2*d+m, 165))
	logp := 0.0
	for i, v := range to {
		logp += logGauss(v-g.keep*x[i]-g.gain*q.mean[i], g.v)
	}
	assert.InDelta(t, logp-law.LogProb(to), logw, 1e-9) // rounding
}
