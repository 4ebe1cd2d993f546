package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/ode"
)

// given returns the law given y = A x + N(0, diag(r)) and log p(y): one step of Kalman's filter.
func (l law) given(t *testing.T, a *mat.Dense, y, r []float64) (law, float64) {
	d, m := l.mean.Len(), len(y)
	var ca, s, gain, drop mat.Dense
	ca.Mul(l.cov, a.T())
	s.Mul(a, &ca)
	sym := mat.NewSymDense(m, nil)
	for i := range m {
		for j := range i + 1 {
			sym.SetSym(i, j, (s.At(i, j)+s.At(j, i))/2)
		}
		sym.SetSym(i, i, sym.At(i, i)+r[i])
	}
	var chol mat.Cholesky
	require.True(t, chol.Factorize(sym))
	var e, u, shift mat.VecDense
	e.MulVec(a, l.mean)
	e.SubVec(mat.NewVecDense(m, y), &e)
	require.NoError(t, chol.SolveVecTo(&u, &e))
	require.NoError(t, chol.SolveTo(&gain, ca.T()))
	out := isotropicLaw(d, 0)
	shift.MulVec(&ca, &u)
	out.mean.AddVec(l.mean, &shift)
	drop.Mul(&ca, &gain)
	out.cov.Sub(l.cov, &drop)
	return out, -(mat.Dot(&e, &u) + chol.LogDet() + float64(m)*math.Log(2*math.Pi)) / 2
}

// On a Gaussian prior Kalman's filter of the same noisy data is what many particles of FPS
// must give, and its distance from the posterior is the method's own.
func TestFPSIsAFilter(t *testing.T) {
	const d, n = 3, 6000
	prior := testGaussian(t, d)
	a := randomMatrix(2, d, 1)
	for _, noise := range []float64{0.5, 0.02} {
		p, err := NewVar(dense{a}, randoms(2, 3), []float64{noise * noise, 2 * noise * noise})
		require.NoError(t, err)
		s := sampler(t, conditional(t, p, prior, DDNM{}), 40)
		s.Seed = 6
		m := SMC{Method: FPS{}}
		r, err := m.newRun(s, s.Start(n, 0, 0), &ode.Settings{})
		require.NoError(t, err)
		data := fpsData(r)
		l := baseLaw(s)
		for k, c := range r.at {
			if k > 0 {
				l = l.chained(t, prior, r.at[k-1], r.legs[k])
			}
			l, _ = l.given(t, a, data[2*k:2*k+2], []float64{c.Alpha * c.Alpha * p.Variance(0), c.Alpha * c.Alpha * p.Variance(1)})
		}
		run := *s
		run.Model = prior
		l = l.denoised(t, &run)

		out, _, err := m.Run(context.Background(), *s, n, nil)
		require.NoError(t, err)
		post := lawOf(posteriorOf(t, p, chainLaw(t, s, prior, 1)), d)
		for i := range d {
			mean, v := 0.0, 0.0
			for j := range n {
				mean += math.Exp(out.LogWeights[j]) * out.X[j*d+i]
			}
			for j := range n {
				e := out.X[j*d+i] - mean
				v += math.Exp(out.LogWeights[j]) * e * e
			}
			ess, want := out.ESS[len(out.ESS)-1], l.cov.At(i, i)
			// 5 standard errors, twice as large for ancestors in common.
			assert.InDelta(t, l.mean.AtVec(i), mean, 10*math.Sqrt(want/ess))
			assert.InDelta(t, 1, v/want, 10*math.Sqrt(2/ess))
			assert.Less(t, want, post.cov.At(i, i), "FPS is too sure")
			t.Logf("noise %g, coordinate %d: FPS has mean %.3f, variance %.4f; the posterior %.3f, %.4f", noise, i, l.mean.AtVec(i), want, post.mean.AtVec(i), post.cov.At(i, i))
		}
	}
}
