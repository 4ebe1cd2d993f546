package inverse_test

import (
	"context"
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// bayesDDS is DDS to convergence with the γ of Bayes' rule for a unit normal prior,
// γ = r²/σ_y² with r² = σ²/(α² + σ²), in the place of a constant.
type bayesDDS struct{ noise float64 }

func (g bayesDDS) Estimate(dst []float64, l *inverse.Local) {
	r2 := l.Sigma * l.Sigma / (l.Alpha*l.Alpha + l.Sigma*l.Sigma)
	inverse.DDS{Gamma: r2 / (g.noise * g.noise), Krylov: inverse.Krylov{RTol: 1e-8}}.Estimate(dst, l)
}

// silent is no noise at all.
type silent struct{}

func (s silent) NewNoise(_, _ int) sde.Noise              { return s }
func (silent) Begin(_, _ int)                             {}
func (silent) Increment(dw []float64, _, _ float64)       { clear(dw) }
func (silent) IncrementArea(_, _ []float64, _, _ float64) { panic("not used") }

// deblurring has a blur, a stationary prior of colour S and its root S^½, on side² pixels.
func deblurring(t *testing.T, side int) (blur, root *linop.CircularConv, spectrum []float64) {
	psf, err := linop.GaussianPSF(2)
	require.NoError(t, err)
	blur, err = linop.NewCircularConv(psf, side, side)
	require.NoError(t, err)
	var half []float64 // a real transfer function has half the frequencies
	for i := range side {
		for j := range side/2 + 1 {
			u, v := float64(min(i, side-i)), float64(j)
			s := 30 / math.Pow(9+u*u+v*v, 1.3)
			spectrum, half = append(spectrum, s), append(half, math.Sqrt(s))
		}
	}
	root, err = linop.NewRealTransfer(half, side, side)
	require.NoError(t, err)
	return blur, root, spectrum
}

// In the coordinates w of x = S^½ w the prior is white, C is a multiple of the identity, and
// the proximal problem of DDS with its γ is Bayes' rule: from a silent start the sampler
// ends at Wiener's mean. With the published constant γ it does not.
func TestDDSToConvergenceReachesWienersMean(t *testing.T) {
	side := 128
	if testing.Short() {
		side = 32
	}
	const noise = 0.1
	blur, root, spectrum := deblurring(t, side)
	d := side * side
	rng := stream.New().At(1, stream.Test, 160, 0)
	w, x, y := make([]float64, d), make([]float64, d), make([]float64, d)
	for i := range w {
		w[i] = rng.NormFloat64()
	}
	root.Apply(x, w)
	blur.Apply(y, x)
	for i := range y {
		y[i] += noise * rng.NormFloat64()
	}
	filter, err := blur.Wiener(spectrum, noise)
	require.NoError(t, err)
	want := make([]float64, d)
	filter.Apply(want, y)

	p, err := inverse.New(linop.Compose(blur, root), y, noise)
	require.NoError(t, err)
	ends := func(g inverse.Gain) float64 {
		c, err := inverse.NewConditional(p, density.Normal(d, 1), g)
		require.NoError(t, err)
		s := &score.Sampler{Path: interpolant.VP{}, Grid: []float64{1e-3, 0.3, 0.6, 0.9}, Model: c}
		z := make([]float64, d)
		st := score.SDESteps(sde.DDIM, 1)(s, silent{}, 1)
		st.Begin(0, 1)
		for k := 1; k < len(s.Grid); k++ {
			st.Step(z, s.Grid[k-1], s.Grid[k])
		}
		end := s.Path.At(s.Grid[len(s.Grid)-1])
		c.Denoise(w, z, end.Alpha, end.Sigma)
		root.Apply(x, w)
		return floats.Distance(x, want, 2) / floats.Norm(want, 2)
	}
	// The base lacks αE[w|y], α = 7e-3 at its start, most of which the steps forget.
	assert.Less(t, ends(bayesDDS{noise}), 1e-4)
	assert.Greater(t, ends(inverse.DDS{Gamma: 1, Krylov: inverse.Krylov{RTol: 1e-8}}), 1e-2)
}

// Samples of the covariance-corrected step, after two steps, have the posterior's variance
// S σ²/(S|h|² + σ²) at every frequency, and so its variance map, the same at every pixel.
func TestSampledVarianceMapMatchesTheSpectrum(t *testing.T) {
	side, n := 128, 16
	if testing.Short() {
		side, n = 32, 32
	}
	const noise = 0.1
	blur, root, _ := deblurring(t, side)
	d := side * side
	power := make([]float64, d)
	for i, v := range root.Singular() {
		power[i] = v * v
	}
	prior, err := inverse.Stationary(blur, make([]float64, d), power)
	require.NoError(t, err)
	y := make([]float64, d)
	rng := stream.New().At(1, stream.Test, 161, 0)
	for i := range y {
		y[i] = rng.NormFloat64()
	}
	p, err := inverse.New(blur, y, noise)
	require.NoError(t, err)
	post, err := inverse.StationaryPosterior(p, make([]float64, d), power)
	require.NoError(t, err)
	cov := inverse.Diagonal{Basis: blur, Var: power}
	c, err := inverse.NewConditional(p, prior, inverse.Fixed(cov, inverse.Krylov{RTol: 1e-6}))
	require.NoError(t, err)
	run := inverse.Corrected{Eta: 1, Cov: cov, Krylov: inverse.Krylov{RTol: 1e-6}}.Sampler(score.Sampler{
		Path: interpolant.VP{}, Grid: []float64{1e-3, 0.6}, Model: c, Seed: 7,
	})
	x, _, err := run.Draw(context.Background(), n, nil)
	require.NoError(t, err)

	mean := make([]float64, d)
	post.Mean(mean)
	fft := fourier.NewCmplxFFT(side)
	at := func(x []float64) []float64 { // |X|²/d at all frequencies
		rows := make([]complex128, d)
		for i, v := range x {
			rows[i] = complex(v, 0)
		}
		for range 2 {
			for i := range side {
				fft.Coefficients(rows[i*side:(i+1)*side], rows[i*side:(i+1)*side])
			}
			for i := range side {
				for j := range i {
					rows[i*side+j], rows[j*side+i] = rows[j*side+i], rows[i*side+j]
				}
			}
		}
		out := make([]float64, d)
		for i, v := range rows {
			out[i] = real(v*cmplx.Conj(v)) / float64(d)
		}
		return out
	}
	spectrum, variance := make([]float64, d), make([]float64, d)
	for r := range n {
		e := x[r*d : (r+1)*d]
		floats.Sub(e, mean)
		floats.AddScaled(spectrum, 1/float64(n), at(e))
		for i, v := range e {
			variance[i] += v * v / float64(n)
		}
	}
	psf := make([]float64, d)
	unit := make([]float64, d)
	unit[0] = 1
	blur.Apply(psf, unit)
	gain := at(psf)
	colour := make([]float64, d)
	root.Apply(colour, unit)
	s := at(colour)
	ratio, total := 0.0, 0.0
	for i := range spectrum {
		h, v := gain[i]*float64(d), s[i]*float64(d)
		want := v * noise * noise / (v*h + noise*noise)
		ratio += spectrum[i] / want / float64(d)
		total += want / float64(d)
	}
	// A mean of n·d independent χ²₁: 5 standard errors; the base adds ᾱ = 5e-5.
	assert.InDelta(t, 1, ratio, 5*math.Sqrt(2/float64(n*d))+1e-4)

	// At a pixel χ²_n/n; the pixels of a picture are correlated, so their spread about the
	// closed form is held to within a third of √(2/n).
	spread := 0.0
	for _, v := range variance {
		spread += (v/total - 1) * (v/total - 1) / float64(d)
	}
	assert.InDelta(t, math.Sqrt(2/float64(n)), math.Sqrt(spread), math.Sqrt(2/float64(n))/3)
}
