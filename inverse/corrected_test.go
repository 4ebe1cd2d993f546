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

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// lawOf is the law of a target; noised is that of α x₁ + σ z.
func lawOf(e density.Momenter, d int) law {
	l := isotropicLaw(d, 0)
	e.Mean(l.mean.RawVector().Data)
	e.Cov(l.cov.RawMatrix().Data)
	return l
}

func (l law) noised(alpha, sigma float64) law {
	d := l.mean.Len()
	out := isotropicLaw(d, sigma*sigma)
	out.mean.ScaleVec(alpha, l.mean)
	var c mat.Dense
	c.Scale(alpha*alpha, l.cov)
	out.cov.Add(out.cov, &c)
	return out
}

// From the exact law of x at the start of the grid, every number of steps and every η must
// lead to the exact posterior: what is left is the residual of the solver.
func TestCorrectedIsExactOnGaussians(t *testing.T) {
	const d = 6
	prior := testGaussian(t, d)
	path := interpolant.VP{}
	for _, n := range []int{1, 3, 12} {
		grid := make([]float64, n)
		for i := range grid {
			grid[i] = 0.1 + 0.8*float64(i)/float64(n)
		}
		c := path.At(grid[0])
		for _, eta := range []float64{0, 0.6, 1} {
			for name, p := range problems(t, d) {
				post, err := MixturePosterior(p, prior)
				require.NoError(t, err)
				s := &score.Sampler{Path: path, Grid: grid, Model: conditional(t, p, prior, DDNM{})} // the gain plays no part
				want := lawOf(post, d)
				got := propagate(t, s, Corrected{Eta: eta}.NewStepper, append(grid[:n:n], 2), want.noised(c.Alpha, c.Sigma))
				// Residual 1e-10 of systems with conditions up to 1e3.
				sameLaw(t, want, got, 1e-7, fmt.Sprintf("%s, N = %d, η = %g", name, n, eta))

				// Up to the end of the grid, where the law of x is known too.
				end := path.At(grid[n-1])
				got = propagate(t, s, Corrected{Eta: eta}.NewStepper, grid, want.noised(c.Alpha, c.Sigma))
				sameLaw(t, want.noised(end.Alpha, end.Sigma), got, 1e-7, name)
			}
			s := &score.Sampler{Path: path, Grid: grid, Model: prior}
			want := lawOf(prior, d)
			sameLaw(t, want, propagate(t, s, Corrected{Eta: eta}.NewStepper, append(grid[:n:n], 2), want.noised(c.Alpha, c.Sigma)), 1e-9, "no data")
		}
	}
}

func TestCorrectedTakesAKnownCovariance(t *testing.T) {
	const d = 7
	a := newSpectrum(randomMatrix(d, d, 50))
	p, err := New(a, randoms(d, 51), 0.4)
	require.NoError(t, err)
	power, mean := randoms(d, 52), randoms(d, 53)
	for i := range power {
		power[i] = 0.05 + power[i]*power[i]
	}
	post, err := StationaryPosterior(p, mean, power)
	require.NoError(t, err)
	var c, vd mat.Dense
	vd.Apply(func(_, j int, v float64) float64 { return v * power[j] }, a.v)
	c.Mul(&vd, a.v.T())
	covs := flat(&c)
	symmetrise(covs, d)
	prior, err := density.Gaussian(mean, covs)
	require.NoError(t, err)
	path, grid := interpolant.VP{}, []float64{0.1, 0.5}
	s := &score.Sampler{Path: path, Grid: grid, Model: conditional(t, p, blind{prior}, DDNM{})}
	k := path.At(grid[0])
	want := lawOf(post, d)
	got := propagate(t, s, Corrected{Eta: 1, Cov: Diagonal{Basis: a, Var: power}}.NewStepper, append(grid, 2), want.noised(k.Alpha, k.Sigma))
	sameLaw(t, want, got, 1e-8, "no Jacobian")
	assert.Zero(t, s.Model.(*Conditional).Counts().JVP)
}

func TestLanczosRoot(t *testing.T) {
	// Root of C = (σ²/α) J against the eigenvectors, for a spectrum from 1e-3 to 1 as
	// far as the tolerance asks.
	const d = 90
	vars, z := make([]float64, d), randoms(d, 140)
	for i := range vars {
		vars[i] = math.Pow(10, -3*float64(i)/(d-1))
	}
	stds := make([]float64, d)
	for i, v := range vars {
		stds[i] = math.Sqrt(v)
	}
	prior, err := density.NewDiagonalMixture(nil, make([]float64, d), stds, d)
	require.NoError(t, err)
	l := newLocal(&Problem{a: nothing{d}}, prior)
	l.at(make([]float64, d), make([]float64, d), alpha, sigma)
	want, got := make([]float64, d), make([]float64, d)
	for i, v := range vars {
		want[i] = math.Sqrt(v*sigma*sigma/(sigma*sigma+alpha*alpha*v)) * z[i]
	}
	for _, rtol := range []float64{1e-3, 0, 1e-9} {
		Tweedie{Krylov{RTol: rtol}}.Root(got, z, l)
		if rtol == 0 {
			rtol = lanczosRTol
		}
		// A change over several steps is near the error before them.
		assert.Less(t, floats.Distance(got, want, 2)/floats.Norm(want, 2), 10*rtol)
	}
	assert.Less(t, l.counts.JVP, int64(3*d-30))
	assert.Zero(t, l.counts.Unfinished)
	Tweedie{Krylov{Iterations: 3}}.Root(got, z, l)
	assert.EqualValues(t, 1, l.counts.Unfinished)
	clear(z)
	Tweedie{}.Root(got, z, l)
	assert.Equal(t, make([]float64, d), got)

	// A covariance of one eigenvalue takes one step.
	l = newLocal(&Problem{a: nothing{d}}, density.Normal(d, 1))
	l.at(make([]float64, d), make([]float64, d), alpha, sigma)
	Tweedie{}.Root(got, randoms(d, 141), l)
	assert.EqualValues(t, 1, l.counts.JVP)
}

func TestCorrectedDrawsHaveThePosteriorsSpread(t *testing.T) {
	// By sampling, through score.Sampler: two steps from the base at ᾱ = 4e-5.
	const d, n = 4, 4000
	prior := testGaussian(t, d)
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	post, err := MixturePosterior(p, prior)
	require.NoError(t, err)
	s := sampler(t, conditional(t, p, prior, MMPS(0)), 2)
	s.Seed = 5
	x, res, err := Corrected{Eta: 1}.Sampler(*s).Draw(context.Background(), n, nil)
	require.NoError(t, err)
	assert.Equal(t, 2.0, res.NFE())
	want := lawOf(post, d)
	for i := range d {
		m, v := 0.0, 0.0
		for r := range n {
			e := x[r*d+i] - want.mean.AtVec(i)
			m += e / n
			v += e * e / n
		}
		w := want.cov.At(i, i)
		// 5 standard errors and the √ᾱ = 6e-3 of the base's mean.
		assert.InDelta(t, 0, m, 5*math.Sqrt(w/n)+0.006*math.Abs(want.mean.AtVec(i)))
		assert.InDelta(t, 1, v/w, 5*math.Sqrt(2./n)+0.01)
	}
}
