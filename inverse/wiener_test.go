package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"github.com/seed-dea4846a/sampler/tweedie"
)

// wiener is circular deblurring of side² pixels under a stationary Gaussian prior.
type wiener struct {
	p     *Problem
	prior Exact
	post  *Posterior
	power []float64
	mean  []float64 // Wiener's filter on y
}

func newWiener(t testing.TB, side int, noise float64) wiener {
	psf, err := linop.GaussianPSF(2)
	require.NoError(t, err)
	a, err := linop.NewCircularConv(psf, side, side)
	require.NoError(t, err)
	var spectrum []float64 // of half the frequencies, as a real transfer function has them
	for i := range side {
		for j := range side/2 + 1 {
			u, v := float64(min(i, side-i)), float64(j)
			spectrum = append(spectrum, 30/math.Pow(9+u*u+v*v, 1.3))
		}
	}
	cov, err := linop.NewRealTransfer(spectrum, side, side)
	require.NoError(t, err)
	w := wiener{power: append([]float64(nil), cov.Singular()...)}
	zero := make([]float64, side*side)
	w.prior, err = Stationary(a, zero, w.power)
	require.NoError(t, err)
	x, y := make([]float64, side*side), make([]float64, side*side)
	rng := stream.New().At(1, stream.Test, 150, 0)
	w.prior.Rand(x, rng)
	a.Apply(y, x)
	for i := range y {
		y[i] += noise * rng.NormFloat64()
	}
	w.p, err = New(a, y, noise)
	require.NoError(t, err)
	w.post, err = StationaryPosterior(w.p, zero, w.power)
	require.NoError(t, err)
	filter, err := a.Wiener(spectrum, noise)
	require.NoError(t, err)
	w.mean = make([]float64, side*side)
	filter.Apply(w.mean, y)
	return w
}

func distance(a, b []float64) float64 { return floats.Distance(a, b, 2) / floats.Norm(b, 2) }

// The mean of a sampler's output on a Gaussian prior is its output from a zero start with
// zero noise, as every step is affine.
func TestSamplersReachWienersMean(t *testing.T) {
	side := 128
	if testing.Short() {
		side = 32
	}
	w := newWiener(t, side, 0.1)
	d := side * side
	mean := make([]float64, d)
	w.post.Mean(mean)
	assert.Less(t, distance(mean, w.mean), 1e-12) // two ways to the same formula

	path := interpolant.VP{}
	grid := []float64{1e-3, 0.3, 0.6, 0.9}
	basis := w.p.A().(linop.Spectral)
	tight := Krylov{RTol: 1e-6}
	for name, m := range map[string]score.Denoiser{
		"exact oracle":     w.post,
		"MMPS":             conditional(t, w.p, w.prior, Kalman{Cov: Tweedie{}, Krylov: tight}),
		"fixed covariance": conditional(t, w.p, w.prior, Fixed(Diagonal{Basis: basis, Var: w.power}, tight)),
	} {
		s := &score.Sampler{Path: path, Grid: grid, Model: m}
		silent := &probe{first: math.MaxInt}
		x, out := make([]float64, d), make([]float64, d)
		st := score.SDESteps(sde.DDIM, 1)(s, quiet{silent}, 1)
		st.Begin(0, 1)
		for k := 1; k < len(grid); k++ {
			st.Step(x, grid[k-1], grid[k])
		}
		end := path.At(grid[len(grid)-1])
		m.Denoise(out, x, end.Alpha, end.Sigma)
		// The base lacks αE[x₁|y], α = 7e-3 at its start, most of which the steps forget;
		// the systems are solved to 1e-6.
		assert.Less(t, distance(out, w.mean), 1e-4, name)
	}
}

// quiet is no noise at all.
type quiet struct{ *probe }

func (q quiet) NewNoise(_, _ int) sde.Noise        { return q }
func (quiet) Increment(dw []float64, _, _ float64) { clear(dw) }

func TestPosteriorVarianceMapMatchesTheSpectrum(t *testing.T) {
	// The variance of a stationary posterior is the same at every pixel, the mean over the
	// spectrum; far from the data, at σ/α = 1e4, Cov[x₁|x, y] is that posterior's covariance.
	const side = 32
	w := newWiener(t, side, 0.1)
	d := side * side
	want := 0.0
	sv := w.p.A().(linop.Spectral).Singular()
	for i, v := range w.power {
		want += v * 0.01 / (v*sv[i]*sv[i] + 0.01) / float64(d)
	}
	x, got, se := make([]float64, d), make([]float64, d), make([]float64, d)
	tweedie.Of(w.post).DiagonalEstimate(got, se, x, 1e-4, 1, tweedie.Probes{N: 200, Seed: 2})
	beyond := 0
	for i := range got {
		if math.Abs(got[i]-want) > 3*se[i] {
			beyond++
		}
	}
	// 3 standard errors of 200 probes leave 0.3 %: at most 14 of 1024 but once in 1e6.
	assert.LessOrEqual(t, beyond, 14)
	assert.InDelta(t, want, floats.Sum(got)/float64(d), 0.02*want)
	assert.Less(t, floats.Sum(se)/float64(d), 0.3*want)
}
