package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/density"
)

// randomMatrix is an m×n matrix of normals over √n.
func randomMatrix(m, n int, index uint64) *mat.Dense {
	v := fixed(m*n, 2, index)
	floats.Scale(1/math.Sqrt(float64(n)), v)
	return mat.NewDense(m, n, v)
}

func randoms(n int, index uint64) []float64 {
	return fixed(n, 3, index)
}

// fixed returns normals from the general generator, whose numbers never changed: the problems on
// which these tests have power stay what they are.
func fixed(n int, seed, index uint64) []float64 {
	v, rng := make([]float64, n), stream.New().At(seed, stream.Test, index, uint64(n))
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// covariance is a d×d one with eigenvalues of order one.
func covariance(d int, index uint64) *mat.SymDense {
	b := randomMatrix(d, d, index)
	c := mat.NewSymDense(d, nil)
	c.SymOuterK(0.8, b)
	for i := range d {
		c.SetSym(i, i, c.At(i, i)+0.1)
	}
	return c
}

func flat(s mat.Matrix) []float64 {
	n, m := s.Dims()
	out := make([]float64, 0, n*m)
	for i := range n {
		for j := range m {
			out = append(out, s.At(i, j))
		}
	}
	return out
}

// bayes holds a posterior to p(x|y) p(y) = p(x) N(y; A x, R) at random points.
func bayes(t *testing.T, p *Problem, prior density.CleanLogProber, post *Posterior, spread, tol float64) {
	t.Helper()
	m, d := p.Dims()
	x, lp, lq, ax := randoms(3*d, 77), make([]float64, 3), make([]float64, 3), make([]float64, m)
	floats.Scale(spread, x)
	prior.CleanLogProb(lp, x)
	post.CleanLogProb(lq, x)
	for r := range 3 {
		p.A().Apply(ax, x[r*d:(r+1)*d])
		for i, y := range p.Y() {
			v := p.Variance(i)
			lp[r] -= ((y-ax[i])*(y-ax[i])/v + math.Log(2*math.Pi*v)) / 2
		}
		assert.InDelta(t, lp[r], lq[r]+post.LogEvidence, tol*(1+math.Abs(lp[r])))
	}
}

// problems are one problem each with fewer and with more data than unknowns, of white and
// of other noise, with and without a known decomposition.
func problems(t *testing.T, d int) map[string]*Problem {
	wide, tall := randomMatrix(3, d, 1), randomMatrix(d+2, d, 2)
	out := map[string]*Problem{}
	add := func(name string, p *Problem, err error) {
		require.NoError(t, err)
		out[name] = p
	}
	v := randoms(d+2, 5)
	for i := range v {
		v[i] = 0.1 + v[i]*v[i]
	}
	p, err := New(dense{wide}, randoms(3, 3), 0.3)
	add("wide", p, err)
	p, err = New(newSpectrum(wide), randoms(3, 3), 0.3)
	add("wide, spectral", p, err)
	p, err = New(newSpectrum(tall), randoms(d+2, 4), 0.3)
	add("tall, spectral", p, err)
	p, err = NewVar(dense{wide}, randoms(3, 3), v[:3])
	add("wide, variances", p, err)
	p, err = NewVar(dense{tall}, randoms(d+2, 4), v)
	add("tall, variances", p, err)
	return out
}

func TestPosteriorsObeyBayesRule(t *testing.T) {
	const d = 6
	means, stds := randoms(4*d, 8), []float64{0.4, 0.8, 1.2, 0.6}
	w := []float64{1, 2, 3, 0.5}
	var covs []float64
	for k := range uint64(4) {
		covs = append(covs, flat(covariance(d, 20+k))...)
	}
	full, err := density.NewMixture(w, means, covs, d)
	require.NoError(t, err)
	iso, err := density.NewIsotropicMixture(w, means, stds, d)
	require.NoError(t, err)
	for name, p := range problems(t, d) {
		t.Run(name, func(t *testing.T) {
			post, err := MixturePosterior(p, full)
			require.NoError(t, err)
			bayes(t, p, full, post, 1, 1e-11) // rounding of d×d solves

			dense, err := MixturePosterior(p, iso)
			require.NoError(t, err)
			fast, err := IsotropicPosterior(p, w, means, stds)
			require.NoError(t, err)
			bayes(t, p, iso, fast, 1, 1e-11)
			assert.InDelta(t, dense.LogEvidence, fast.LogEvidence, 1e-10)
			sameTarget(t, dense, fast)
		})
	}
}

// sameTarget holds all that two forms of one law know to each other.
func sameTarget(t *testing.T, a, b Exact) {
	t.Helper()
	d := a.Dim()
	x, v := randoms(2*d, 9), randoms(2*d, 10)
	for name, f := range map[string]func(e Exact, dst []float64){
		"denoiser":   func(e Exact, dst []float64) { e.Denoise(dst, x, 0.7, 0.5) },
		"score":      func(e Exact, dst []float64) { e.Score(dst, x, 0.7, 0.5) },
		"jvp":        func(e Exact, dst []float64) { e.JVP(dst, x, v, 0.7, 0.5) },
		"logprob":    func(e Exact, dst []float64) { e.LogProb(dst[:2], x, 0.7, 0.5) },
		"divergence": func(e Exact, dst []float64) { e.Divergence(dst[:2], x, 0.7, 0.5) },
		"mean":       func(e Exact, dst []float64) { e.Mean(dst[:d]) },
		"modes": func(e Exact, dst []float64) {
			w, c, _ := e.Modes()
			copy(dst, w)
			copy(dst[2:], c)
		},
	} {
		p, q := make([]float64, 2*d), make([]float64, 2*d)
		f(a, p)
		f(b, q)
		assert.InDeltaSlice(t, p, q, 1e-9, name) // rounding, conditions of about 1e3
	}
	p, q := make([]float64, d*d), make([]float64, d*d)
	a.Cov(p)
	b.Cov(q)
	assert.InDeltaSlice(t, p, q, 1e-10)

	// Draws: every coordinate's mean over n draws, 5 standard errors.
	const n = 4000
	rng, mean, one := stream.New().At(1, stream.Test, 30, 0), make([]float64, d), make([]float64, d)
	for range n {
		b.Rand(one, rng)
		floats.AddScaled(mean, 1./n, one)
	}
	a.Mean(one)
	for i := range d {
		assert.InDelta(t, one[i], mean[i], 5*math.Sqrt(p[i*d+i]/n))
	}
}

func TestPosteriorInManyDimensions(t *testing.T) {
	const d, m, k = 800, 4, 25
	var means []float64
	for i := -2; i <= 2; i++ {
		for j := -2; j <= 2; j++ {
			for range d / 2 {
				means = append(means, float64(8*i), float64(8*j))
			}
		}
	}
	p, err := New(dense{randomMatrix(m, d, 40)}, []float64{4, -3, 0.5, 8}, 0.3)
	require.NoError(t, err)
	prior, err := density.NewIsotropicMixture(nil, means, []float64{1}, d)
	require.NoError(t, err)
	post, err := IsotropicPosterior(p, nil, means, []float64{1})
	require.NoError(t, err)
	bayes(t, p, prior, post, 1, 1e-10) // sums of 800 squares of size 100
}

func TestPosteriorsByKnownTransformsAreThoseByMatrix(t *testing.T) {
	const d, m = 70, 66
	a, means := randomMatrix(m, d, 45), randoms(3*d, 46)
	known, err := New(newSpectrum(a), randoms(m, 47), 0.5)
	require.NoError(t, err)
	formed, err := New(dense{a}, randoms(m, 47), 0.5)
	require.NoError(t, err)
	p, err := IsotropicPosterior(known, nil, means, []float64{0.7})
	require.NoError(t, err)
	q, err := IsotropicPosterior(formed, nil, means, []float64{0.7})
	require.NoError(t, err)
	assert.InDelta(t, q.LogEvidence, p.LogEvidence, 1e-9)
	sameTarget(t, q, p)
}

func TestStationaryPosteriorIsWieners(t *testing.T) {
	const d = 7
	a := newSpectrum(randomMatrix(d, d, 50))
	p, err := New(a, randoms(d, 51), 0.4)
	require.NoError(t, err)
	power, mean := randoms(d, 52), randoms(d, 53)
	for i := range power {
		power[i] = 0.05 + power[i]*power[i]
	}
	var c, vd mat.Dense
	vd.Apply(func(_, j int, v float64) float64 { return v * power[j] }, a.v)
	c.Mul(&vd, a.v.T())
	covs := flat(&c)
	symmetrise(covs, d)
	prior, err := density.Gaussian(mean, covs)
	require.NoError(t, err)
	post, err := StationaryPosterior(p, mean, power)
	require.NoError(t, err)
	bayes(t, p, prior, post, 1, 1e-11)
	dense, err := MixturePosterior(p, prior)
	require.NoError(t, err)
	sameTarget(t, dense, post)
}

func TestPosteriorErrors(t *testing.T) {
	p, err := New(dense{randomMatrix(2, 3, 60)}, []float64{1, 2}, 0)
	require.NoError(t, err)
	_, err = MixturePosterior(p, density.Normal(3, 1))
	assert.ErrorContains(t, err, "needs noise of positive variance")
	_, err = MixturePosterior(p, density.Normal(4, 1))
	assert.ErrorContains(t, err, "acts on 3 values, but the prior's points have 4")
	p, err = New(dense{randomMatrix(2, 3, 60)}, []float64{1, 2}, 1)
	require.NoError(t, err)
	_, err = IsotropicPosterior(p, nil, make([]float64, 4), []float64{1})
	assert.ErrorContains(t, err, "the means hold 4 values, not a positive number of points of dimension 3")
	_, err = IsotropicPosterior(p, nil, make([]float64, 6), []float64{1, 1, 1})
	assert.ErrorContains(t, err, "3 standard deviations for 2 components")
	_, err = IsotropicPosterior(p, []float64{1}, make([]float64, 6), []float64{1})
	assert.ErrorContains(t, err, "1 weights for 2 components")
	_, err = StationaryPosterior(p, make([]float64, 3), make([]float64, 3))
	assert.ErrorContains(t, err, "the stationary posterior needs an operator with a known singular value decomposition")
}
