package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score/density"
)

// testPCA is that of random points.
func testPCA(t testing.TB, d, k int) *PCA {
	p, err := FitPCA(randoms(30*d, 400), d, k)
	require.NoError(t, err)
	return p
}

func TestPSLDDescendsThePublishedLoss(t *testing.T) {
	const d, k, omega, gamma, eta = 6, 4, 0.8, 0.3, 0.6
	pca := testPCA(t, d, k)
	prior, err := pca.Mixture(testMixture(t, d))
	require.NoError(t, err)
	for name, p := range problems(t, d) {
		latent, err := pca.Problem(p)
		require.NoError(t, err)
		a := onePath.At(oneStep[0])
		descends(t, PSLD{Omega: omega, Gamma: gamma, Eta: eta}, guidedBy(t, latent, prior), eta, 1, func(z, _ []float64) float64 {
			hat, image := make([]float64, k), make([]float64, d)
			prior.Denoise(hat, z, a.Alpha, a.Sigma)
			pca.Decode(image, hat)
			r := away(p, image)
			// ℰ(Aᵀy + (I - AᵀA)𝒟(ẑ0)) - ẑ0
			glued, code := make([]float64, d), make([]float64, k)
			p.A().Adjoint(glued, r)
			floats.Add(glued, image)
			pca.Encode(code, glued)
			return omega*floats.Norm(r, 2) + gamma*floats.Distance(code, hat, 2)
		}, name)
	}
}

func TestPSLDReducesToDPS(t *testing.T) {
	const d, omega, gamma = 6, 0.8, 0.3
	// Without reduction, and AAᵀ = I: ‖Aᵀr‖ = ‖r‖.
	whole := testPCA(t, d, d)
	a := newSpectrum(randomMatrix(3, d, 410))
	rows := mat.DenseCopyOf(a.v.Slice(0, d, 0, 3).T())
	p, err := New(dense{rows}, randoms(3, 411), 0.3)
	require.NoError(t, err)
	prior := testMixture(t, d)
	latent, err := whole.Mixture(prior)
	require.NoError(t, err)
	q, err := whole.Problem(p)
	require.NoError(t, err)
	z := randoms(2*d, 412)
	got, _, _ := take(t, PSLD{Omega: omega, Gamma: gamma, Eta: 1}, guidedBy(t, q, latent), z)
	want, _, _ := take(t, DPS{Zeta: omega + gamma, Eta: 1}, guidedBy(t, q, latent), z)
	assert.InDeltaSlice(t, want, got, 1e-12) // rounding

	// Turned and shifted back it is DPS of the pictures: x = αμ + Bz, for noise alike in
	// all directions (η = 0, where no draw has to be turned).
	c, e := onePath.At(oneStep[0]), onePath.At(oneStep[1])
	turn := func(z []float64, alpha float64) []float64 {
		x := make([]float64, len(z))
		whole.Decode(x, z)
		for lo := 0; lo < len(x); lo += d {
			floats.AddScaled(x[lo:lo+d], alpha-1, whole.Mean)
		}
		return x
	}
	got, _, _ = take(t, PSLD{Omega: omega, Gamma: gamma}, guidedBy(t, q, latent), z)
	want, _, _ = take(t, DPS{Zeta: omega + gamma}, guidedBy(t, p, prior), turn(z, c.Alpha))
	assert.InDeltaSlice(t, want, turn(got, e.Alpha), 1e-11) // rounding

	// LDPS is DPS of the latent problem, whatever the operator.
	few := testPCA(t, d, 2)
	latent, err = few.Mixture(prior)
	require.NoError(t, err)
	for name, p := range problems(t, d) {
		q, err := few.Problem(p)
		require.NoError(t, err)
		want, _, _ := take(t, DPS{Zeta: omega, Eta: 1}, guidedBy(t, q, latent), randoms(4, 413))
		got, _, _ := take(t, PSLD{Omega: omega, Eta: 1}, guidedBy(t, q, latent), randoms(4, 413))
		assert.InDeltaSlice(t, want, got, 1e-13, name) // rounding
	}
}

func TestPCAKeepsMostAndTheLatentLawIsExact(t *testing.T) {
	const d, k, n = 5, 2, 400
	prior := testMixture(t, d)
	x := density.Sample(prior, n, 1, 1, 1)
	p, err := FitPCA(x, d, k)
	require.NoError(t, err)
	for i := range k {
		for j := range k {
			want := 0.0
			if i == j {
				want = 1
			}
			assert.InDelta(t, want, floats.Dot(p.Basis[i*d:(i+1)*d], p.Basis[j*d:(j+1)*d]), 1e-13)
		}
	}
	z, back, again := make([]float64, n*k), make([]float64, n*d), make([]float64, n*k)
	p.Encode(z, x)
	p.Decode(back, z)
	p.Encode(again, back)
	assert.InDeltaSlice(t, z, again, 1e-12)
	// What is lost in the mean square is the sum of the small eigenvalues (Eckart-Young).
	lost, cov := 0.0, mat.NewSymDense(d, nil)
	for r := range n {
		for i := range d {
			e := x[r*d+i] - back[r*d+i]
			lost += e * e / n
			for j := range i + 1 {
				cov.SetSym(i, j, cov.At(i, j)+(x[r*d+i]-p.Mean[i])*(x[r*d+j]-p.Mean[j])/n)
			}
		}
	}
	var eig mat.EigenSym
	require.True(t, eig.Factorize(cov, false))
	values := eig.Values(nil)
	assert.InDelta(t, floats.Sum(values[:d-k]), lost, 1e-11) // rounding of 400 points

	// The law of ℰ(x₁): its density against that of the mixture, marginalised by the
	// moments of a single component, and by the moments of the whole.
	latent, err := p.Mixture(prior)
	require.NoError(t, err)
	b := mat.NewDense(k, d, p.Basis)
	full := mat.NewDense(d, d, nil)
	prior.Cov(full.RawMatrix().Data)
	var half, want mat.Dense
	half.Mul(b, full)
	want.Mul(&half, b.T())
	got, mean, centre := make([]float64, k*k), make([]float64, k), make([]float64, d)
	latent.Cov(got)
	assert.InDeltaSlice(t, flat(&want), got, 1e-12)
	prior.Mean(centre)
	p.Encode(again[:k], centre)
	latent.Mean(mean)
	assert.InDeltaSlice(t, again[:k], mean, 1e-12)
	// Tweedie commutes with orthogonal projection of the noise only where the basis is
	// whole: D of z = ℰ-coordinates is then ℰ(D(x)).
	whole := testPCA(t, d, d)
	all, err := whole.Mixture(prior)
	require.NoError(t, err)
	zx, dz, dx, xx := randoms(d, 420), make([]float64, d), make([]float64, d), make([]float64, d)
	whole.Decode(xx, zx)
	floats.AddScaled(xx, alpha-1, whole.Mean)
	prior.Denoise(dx, xx, alpha, sigma)
	all.Denoise(dz, zx, alpha, sigma)
	code := make([]float64, d)
	whole.Encode(code, dx)
	assert.InDeltaSlice(t, code, dz, 1e-12)
}

func TestLatentProblemSeesTheSameResidual(t *testing.T) {
	const d, k = 6, 3
	pca := testPCA(t, d, k)
	for name, p := range problems(t, d) {
		q, err := pca.Problem(p)
		require.NoError(t, err)
		z, x := randoms(k, 430), make([]float64, d)
		pca.Decode(x, z)
		assert.InDeltaSlice(t, away(p, x), away(q, z), 1e-13, name)
		for i := range p.Y() {
			assert.Equal(t, p.Variance(i), q.Variance(i))
		}
	}
}

func TestPCAErrors(t *testing.T) {
	for want, f := range map[string]func() error{
		"7 values are not a positive number of points of dimension 2": func() error { _, err := FitPCA(make([]float64, 7), 2, 1); return err },
		"3 components of 4 points of dimension 2, want 1 to 2":        func() error { _, err := FitPCA(make([]float64, 8), 2, 3); return err },
		"value 1 of point 1 is NaN":                                   func() error { _, err := FitPCA([]float64{1, 2, 3, math.NaN()}, 2, 1); return err },
		"acts on 6 values, but the autoencoder's points have 4":       func() error { _, err := testPCA(t, 4, 2).Problem(problems(t, 6)["wide"]); return err },
		"points have 4 values, but the prior's 5":                     func() error { _, err := testPCA(t, 4, 2).Mixture(testMixture(t, 5)); return err },
		"maps everything to zero": func() error {
			p, err := New(dense{mat.NewDense(1, 2, []float64{1, 0})}, []float64{1}, 1)
			require.NoError(t, err)
			_, err = (&PCA{Mean: make([]float64, 2), Basis: []float64{0, 1}}).Problem(p)
			return err
		},
	} {
		assert.ErrorContains(t, f(), want)
	}
	p := testPCA(t, 4, 2)
	assert.Panics(t, func() { p.Encode(make([]float64, 2), make([]float64, 8)) })
	assert.Panics(t, func() { p.Decode(make([]float64, 5), make([]float64, 2)) })
	assert.Panics(t, func() { (&PCA{}).Dims() })
}
