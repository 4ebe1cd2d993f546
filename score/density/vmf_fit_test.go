package density

import (
	"math"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/special"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// TestFitVMF recovers κ to 1% from 4,000 points in 2048 dimensions (2% from 1,000 in
// short mode), and elsewhere within 5 standard errors of the maximum likelihood estimate,
// 1/√(nρ'), and its bias: E|ū|² = ρ² + (1-ρ²)/n.
func TestFitVMF(t *testing.T) {
	for _, c := range []struct {
		dim, n int
		kappa  float64
		tol    float64
	}{
		{2048, 4000, 500, 0.01}, {2048, 4000, 1500, 0.01}, {2048, 4000, 5000, 0.01},
		{1, 2000, 0.8, 0}, {2, 2000, 3, 0}, {3, 2000, 0.5, 0}, {3, 2000, 1e9, 0}, {10, 2000, 2, 0}, {100, 2000, 1e4, 0},
	} {
		if testing.Short() && c.dim > 1000 {
			c.n, c.tol = c.n/4, 0.02 // the bias, 0.25% at κ = 500, is four times as large
		}
		f := newTestVMF(80, c.dim, c.kappa)
		x := noised(f, c.n, 3, 0, source(81)) // the length does not count
		mu, kappa, err := FitVMF(x, c.dim)
		require.NoError(t, err)
		rho, slope := special.RatioI(float64(c.dim)/2-1, c.kappa)
		if c.tol == 0 {
			n := float64(c.n)
			c.tol = (5/math.Sqrt(n*slope) + (1-rho*rho)/(2*n*rho)/slope) / c.kappa
		}
		t.Logf("d=%d n=%d κ=%g: %.6g, error %+.3f%%, μ·μ̂ = %.5f", c.dim, c.n, c.kappa, kappa, 100*(kappa/c.kappa-1), floats.Dot(mu, f.mu))
		assert.InEpsilon(t, c.kappa, kappa, c.tol, "d=%d", c.dim)
		assert.InDelta(t, 1, norm(mu), 1e-12)
	}
}

// TestConcentration: the equation is solved to rounding over the whole range.
func TestConcentration(t *testing.T) {
	for _, d := range []int{1, 2, 3, 7, 100, 2048, 100_000} {
		n := float64(d)
		for _, c := range []float64{1e-12, 1e-6, 1e-2, 0.3, 1, 2, 10, 1e3, 1e9} {
			kappa := c * n
			if d == 1 && c > 10 {
				continue // 1 - ρ² underflows
			}
			rho, slope := special.RatioI(n/2-1, kappa)
			got, err := concentration(rho, slope+(n-1)*rho/kappa, d)
			require.NoError(t, err, "d=%d κ=%g", d, kappa)
			assert.InEpsilon(t, kappa, got, 1e-13, "d=%d", d) // a few roundings of ρ and of its logarithm
		}
	}
}

// TestFitVMFMixture recovers three components, within 5 standard errors of each and the
// mixing of neighbours.
func TestFitVMFMixture(t *testing.T) {
	const d, n = 20, 6000
	f := newTestVMF(82, d, 30, 100, 60)
	x := noised(f, n, 1, 0, source(83))
	fit, logLik, err := FitVMFMixture(x, d, 3, source(84))
	require.NoError(t, err)
	weights, mus, kappas := f.Components()
	gotW, gotMu, gotK := fit.Components()
	for k := range weights {
		best := 0
		for j := range gotW {
			if floats.Dot(gotMu[j*d:(j+1)*d], mus[k*d:(k+1)*d]) > floats.Dot(gotMu[best*d:(best+1)*d], mus[k*d:(k+1)*d]) {
				best = j
			}
		}
		// √(w(1-w)/n) ≤ 0.0065; κ by √(2κ²/(nw(d-1))) ≤ 1.1%; a μ by √((d-1)/(nwκρ)) of angle.
		assert.InDelta(t, weights[k], gotW[best], 0.032)
		assert.InEpsilon(t, kappas[k], gotK[best], 0.055)
		assert.Greater(t, floats.Dot(gotMu[best*d:(best+1)*d], mus[k*d:(k+1)*d]), 0.997)
	}
	// The truth is not above the maximum.
	truth := 0.0
	for i := range n {
		l := make([]float64, 3)
		for k := range l {
			l[k] = f.logW[k] + kappas[k]*(floats.Dot(x[i*d:(i+1)*d], mus[k*d:(k+1)*d])-1) - f.norm[k]
		}
		truth += floats.LogSumExp(l) / n
	}
	assert.Greater(t, logLik, truth)
	assert.InDelta(t, truth, logLik, 0.02) // (parameters/2)/n = 0.005 in the mean
}

func TestFitVMFErrors(t *testing.T) {
	for want, x := range map[string][]float64{
		"density: 3 values are not a positive number of points of dimension 2": {1, 2, 3},
		"density: point 1 has length 0, want a finite length above 0":          {1, 2, 0, 0},
		"density: the points have no mean direction":                           {1, 0, -1, 0},
		"density: the points coincide, their concentration is infinite":        {1, 2, 1, 2, 2, 4},
	} {
		_, _, err := FitVMF(x, 2)
		assert.EqualError(t, err, want)
	}
	_, _, err := FitVMF([]float64{math.NaN(), 1}, 2)
	assert.Error(t, err)
	_, _, err = FitVMFMixture([]float64{1, 0, 0, 1}, 2, 3, source(85))
	assert.EqualError(t, err, "density: 3 components for 2 points")
	_, _, err = FitVMFMixture([]float64{1, 0, 0, 1}, 2, 2, source(85))
	assert.EqualError(t, err, "density: component 0: the points coincide, their concentration is infinite")
}
