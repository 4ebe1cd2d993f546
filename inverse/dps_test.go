package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func TestDPSDescendsItsForm(t *testing.T) {
	const d, zeta, eta = 6, 0.3, 0.6
	prior := testMixture(t, d)
	for name, data := range allData(t, d) {
		g := guidedBy(t, data, prior)
		for _, whitened := range []bool{false, true} {
			square := func(x []float64) float64 {
				r, _ := residualAt(g, x)
				if whitened {
					return mahalanobis(data, r)
				}
				return floats.Dot(r, r)
			}
			root := func(x, _ []float64) float64 { return zeta * math.Sqrt(square(x)) }
			m := DPS{Zeta: zeta, Eta: eta, Whitened: whitened}
			descends(t, m, g, eta, 1, root, name)
			m.Form = TwiceNorm
			descends(t, m, g, eta, 2, root, name)
			m.Form = Squared
			descends(t, m, g, eta, 1, func(x, _ []float64) float64 { return zeta * square(x) }, name)
			m.Form = Likelihood
			descends(t, m, g, eta, zeta*matchedStep(eta), func(x, _ []float64) float64 {
				r, _ := residualAt(g, x)
				return mahalanobis(data, r) / 2
			}, name)
		}
	}
}

// certain is the covariance of a prior that leaves no doubt.
type certain struct{}

func (certain) scale(*Local) float64            { return 0 }
func (certain) Mul(dst, _ []float64, _ *Local)  { clear(dst) }
func (certain) Root(dst, _ []float64, _ *Local) { clear(dst) }

func TestLikelihoodFormIsDDIMOfTheGuidedScore(t *testing.T) {
	// ∇ log N(y; A x̂0, R) is the Kalman gain with B = 0 inside.
	const d, eta = 6, 0.7
	prior := testMixture(t, d)
	x := randoms(3*d, 220)
	for name, p := range problems(t, d) {
		c := conditional(t, p, prior, Kalman{Cov: Tweedie{}, Inner: certain{}})
		got, _, _ := take(t, DPS{Zeta: 1, Form: Likelihood, Eta: eta}, guidedBy(t, p, prior), x)
		st := score.SDESteps(sde.DDIM, eta)(&score.Sampler{Path: onePath, Grid: oneStep, Model: c}, sde.Independent{Seed: 4}, 3)
		st.Begin(0, 3)
		want := append([]float64(nil), x...)
		st.Step(want, oneStep[0], oneStep[1])
		assert.InDeltaSlice(t, want, got, 1e-9, name) // systems solved to 1e-10

		if sigma, ok := p.Sigma(); ok { // the squared norm with the same step
			squared, _, _ := take(t, DPS{Zeta: matchedStep(eta) / (2 * sigma * sigma), Form: Squared, Eta: eta}, guidedBy(t, p, prior), x)
			assert.InDeltaSlice(t, got, squared, 1e-11, name) // rounding at values of up to 1e2
		}
	}
}

func TestLikelihoodFormHasItsExactLawOnGaussians(t *testing.T) {
	// For a Gaussian prior of covariance C₀ the guided score is that of no data but with
	// C₁(x)Aᵀ(y - Ax̂0)/R beside x̂0; the laws of both codes agree over a whole grid.
	const d = 6
	prior := testGaussian(t, d)
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 2)
	require.NoError(t, err)
	s := sampler(t, guidedBy(t, p, prior), 12)
	got := propagate(t, s, DPS{Zeta: 1, Form: Likelihood, Eta: 1}.NewStepper, s.Grid, baseLaw(s))
	s.Model = conditional(t, p, prior, Kalman{Cov: Tweedie{}, Inner: certain{}})
	sameLaw(t, propagate(t, s, score.SDESteps(sde.DDIM, 1), s.Grid, baseLaw(s)), got, 1e-8, "law") // 12 steps of 1e-10
}

func TestDPSSolvesPhaseRetrieval(t *testing.T) {
	// Moduli of 4d random projections, noise 0.05: the likelihood form must fit the data as
	// well as the noise allows, from a prior whose misfit is that of its spread.
	const d, n = 4, 24
	prior := density.Normal(d, 1)
	f := linop.NewMagnitude(dense{randomMatrix(8*d, d, 290)})
	x := randoms(d, 291)
	y := make([]float64, 4*d)
	f.Apply(y, x)
	floats.AddScaled(y, 0.05, randoms(4*d, 292))
	p, err := NewNonlinear(f, y, 0.05)
	require.NoError(t, err)
	path := interpolant.VP{}
	t0, t1 := path.Span()
	s := &score.Sampler{Path: path, Grid: interpolant.LogSNRGrid(path, max(t0, 1e-3), t1, 400), Model: guidedBy(t, p, prior), Seed: 2}
	fit := func(m DPS) (good int) {
		s.Solver = m.Solver()
		out, _, err := s.Draw(context.Background(), n, nil)
		require.NoError(t, err)
		for lo := 0; lo < len(out); lo += d {
			// χ² of 16: mean 16, and above 48 with probability 5e-5.
			if mahalanobis(p, away(p, out[lo:lo+d])) < 48 {
				good++
			}
		}
		return good
	}
	assert.Zero(t, fit(DPS{Eta: 1}))
	// The problem is not convex: a run may stay in a local minimum.
	assert.Greater(t, fit(DPS{Eta: 1, Zeta: 0.05}), n*2/3)
}

func TestMCGEndsOnTheData(t *testing.T) {
	const d = 6
	prior := testMixture(t, d)
	for name, p := range problems(t, d) {
		if m, _ := p.Dims(); m > d {
			continue // no x fits all the data
		}
		g, x := guidedBy(t, p, prior), randoms(2*d, 250)
		got, z, size := take(t, MCG{Zeta: 0.4, Eta: 0.8}, g, x)
		b := onePath.At(oneStep[1])
		for r := range 2 {
			row := got[r*d : (r+1)*d]
			ax, az := make([]float64, len(p.Y())), make([]float64, len(p.Y()))
			p.A().Apply(ax, row)
			p.A().Apply(az, z[r*size+d:r*size+2*d])
			for i, y := range p.Y() {
				assert.InDelta(t, b.Alpha*y+b.Sigma*az[i], ax[i], 1e-8, name) // residual 1e-10, condition 1e2
			}
			// What the data do not see is DPS's.
			want, _, _ := take(t, DPS{Zeta: 0.4, Eta: 0.8}, g, x)
			_, zd, _ := take(t, DPS{Zeta: 0.4, Eta: 0.8}, g, x)
			diff := floats.SubTo(make([]float64, d), row, want[r*d:(r+1)*d])
			fresh := floats.SubTo(make([]float64, d), ddim(prior, x[r*d:(r+1)*d], z[r*size:], 0.8), ddim(prior, x[r*d:(r+1)*d], zd[r*d:], 0.8))
			floats.Sub(diff, fresh)
			var svd mat.SVD
			svd.Factorize(linop.Dense(p.A()), mat.SVDFull)
			var v mat.Dense
			svd.VTo(&v)
			for j := len(p.Y()); j < d; j++ {
				assert.InDelta(t, 0, floats.Dot(diff, mat.Col(nil, j, &v)), 1e-8, name)
			}
		}
		// With the projection as the last denoising the samples hold the data.
		s := sampler(t, conditional(t, p, prior, DDNM{}), 8)
		s.Solver = MCG{Zeta: 0.4, Eta: 1}.Solver()
		out, _, err := s.Draw(context.Background(), 3, nil)
		require.NoError(t, err)
		for lo := 0; lo < len(out); lo += d {
			assert.InDeltaSlice(t, make([]float64, len(p.Y())), away(p, out[lo:lo+d]), 1e-8, name)
		}
	}
}
