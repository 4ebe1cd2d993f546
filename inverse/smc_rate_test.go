package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// With a twist of about the right width the errors of the posterior mean and of the
// evidence fall as 1/√particles, for one Gaussian and for two modes.
func TestParticlesConverge(t *testing.T) {
	if testing.Short() {
		t.Skip("ten seconds")
	}
	const d, populations = 2, 200
	two, err := density.NewIsotropicMixture([]float64{0.3, 0.7}, []float64{-1.5, -1, 1.5, 1}, []float64{0.6}, d)
	require.NoError(t, err)
	p, err := New(newSpectrum(mat.NewDense(1, d, []float64{0.8, 0.6})), []float64{0.5}, 0.7)
	require.NoError(t, err)
	path := interpolant.VP{}
	for name, prior := range map[string]*density.Mixture{"Gaussian": density.Normal(d, 1.3), "two modes": two} {
		s := &score.Sampler{Path: path, Model: conditional(t, p, prior, DDNM{}), Grid: interpolant.LogSNRGrid(path, path.Time(-5), path.Time(3), 100)}
		post, err := MixturePosterior(p, prior)
		require.NoError(t, err)
		if name == "Gaussian" { // what the chain makes of the prior is known, and its posterior
			post = posteriorOf(t, p, chainLaw(t, s, prior, 1))
		}
		want := lawOf(post, d)
		for method, twist := range map[string]Twisted{"TDS": {Cov: Isotropic{Data: 3}}, "covariance twist": {}} {
			var logN, mean, evidence []float64
			for _, size := range []int{8, 32, 128} {
				s.Seed = uint64(size)
				out, _, err := SMC{Method: twist, Particles: size}.Run(context.Background(), *s, populations*size, nil)
				require.NoError(t, err)
				far, off := 0.0, 0.0
				for r, l := range out.LogEvidence {
					for i := range d {
						e := -want.mean.AtVec(i)
						for j := r * size; j < (r+1)*size; j++ {
							e += math.Exp(out.LogWeights[j]) * out.X[j*d+i]
						}
						far += e * e / populations
					}
					off += math.Pow(math.Expm1(l-post.LogEvidence), 2) / populations
				}
				logN, mean, evidence = append(logN, math.Log(float64(size))), append(mean, math.Log(far)/2), append(evidence, math.Log(off)/2)
			}
			for what, v := range map[string][]float64{"mean": mean, "evidence": evidence} {
				_, slope := stat.LinearRegression(logN, v, nil, false)
				t.Logf("%s, %s, %s: %.3f, slope %.2f", name, method, what, expOf(v), slope)
				// Four standard errors of the slope of three root mean squares of 200 each;
				// the 0.02 by which 100 steps miss two modes' evidence is half of the last.
				assert.InDelta(t, -0.5, slope, 0.11, "%s, %s, %s", name, method, what)
			}
		}
	}
}

// A twist that takes data of variance 100 for data of variance 1 loses nearly all particles
// at the start. There x₀ ~ N(0, σ²), a D(x₀) has a variance b², and weights N(y; a D, V) have
//
//	ESS/N = √(V(V+2b²))/(V+b²) exp(-y²(1/(V+b²) - 1/(V+2b²))).
func TestANarrowTwistLosesTheStart(t *testing.T) {
	const variance, y, noise, n = 100.0, 16.0, 0.3, 4000
	prior := density.Normal(1, math.Sqrt(variance))
	p, err := New(newSpectrum(mat.NewDense(1, 1, []float64{1})), []float64{y}, noise)
	require.NoError(t, err)
	s := smcSampler(conditional(t, p, prior, DDNM{}), 2)
	at := s.Path.At(s.Grid[0])
	for data, lost := range map[float64]bool{1: true, variance: false} {
		out, _, err := SMC{Method: Twisted{Cov: Isotropic{Data: data}}, Threshold: -1}.Run(context.Background(), *s, n, nil)
		require.NoError(t, err)
		v, a := at.Sigma*at.Sigma, at.Alpha*at.Alpha
		b := v * a * math.Pow(variance/(a*variance+v), 2)
		w := noise*noise + v*data/(v+a*data)
		want := math.Sqrt(w*(w+2*b)) / (w + b) * math.Exp(-y*y*(1/(w+b)-1/(w+2*b)))
		if lost {
			assert.Less(t, want, 1e-3/n)
			assert.Less(t, out.ESS[0], 0.005*n) // a few that lie out most
			continue
		}
		assert.InDelta(t, want, out.ESS[0]/n, 5*(1-want)/math.Sqrt(n)) // 5 standard errors
	}
}
