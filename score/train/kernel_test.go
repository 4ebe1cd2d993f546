package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/density"
)

func kernelData(t *testing.T, target density.Target, n int, seed uint64) (x1, x, alpha, sigma []float64) {
	t.Helper()
	d := target.Dim()
	x1, x0 := make([]float64, n*d), make([]float64, n*d)
	require.NoError(t, Target{target}.Draw(x0, x1, seed, 0))
	x, alpha, sigma = make([]float64, n*d), make([]float64, n), make([]float64, n)
	for i := range n {
		c := LogUniform{0.2, 3}.Draw(stream.New().At(seed, stream.Test, uint64(i), 0))
		alpha[i], sigma[i] = 1, c.Sigma
		for j := i * d; j < (i+1)*d; j++ {
			x[j] = x1[j] + c.Sigma*x0[j]
		}
	}
	return x1, x, alpha, sigma
}

// TestNTK is that of the infinite network: E_w[1(w·u > 0) 1(w·v > 0)] u·v.
func TestNTK(t *testing.T) {
	u, v := []float64{1, 2, -0.5}, []float64{-0.3, 1, 1}
	const n = 200000
	w, hits := normals(3*n, 60), 0.0
	for i := range n {
		a, b := 0.0, 0.0
		for j := range 3 {
			a += w[3*i+j] * u[j]
			b += w[3*i+j] * v[j]
		}
		if a > 0 && b > 0 {
			hits++
		}
	}
	p := hits / n
	uv := -0.3 + 2 - 0.5
	assert.InDelta(t, uv*p, NTK(u, v), 4*uv*math.Sqrt(p*(1-p)/n)) // 4 standard errors
	assert.InEpsilon(t, 5.25/2, NTK(u, u), 1e-15)
}

// TestKernelFlow holds the closed form to gradient descent in small steps on f(u_i) = (Kc)_i/n,
// c' = x₁ - f.
func TestKernelFlow(t *testing.T) {
	x1, x, alpha, sigma := kernelData(t, density.Ring(3, 1, 0.2), 12, 3)
	k, err := NewKernel(x1, x, alpha, sigma, 2)
	require.NoError(t, err)
	gram := make([]float64, 144)
	for i := range 12 {
		for j := range 12 {
			gram[12*i+j] = NTK(k.u[4*i:4*i+4], k.u[4*j:4*j+4]) / 12
		}
	}
	c, f := make([]float64, 24), make([]float64, 24)
	const tau, steps = 30.0, 30000
	for s := 0; s <= steps; s++ {
		for i := range 12 {
			for l := range 2 {
				f[2*i+l] = 0
				for j := range 12 {
					f[2*i+l] += gram[12*i+j] * c[2*j+l]
				}
			}
		}
		for i := range c {
			if s < steps {
				c[i] += tau / steps * (x1[i] - f[i])
			}
		}
	}
	got := make([]float64, 2)
	for i := range 12 {
		k.At(tau).Denoise(got, x[2*i:2*i+2], 1, sigma[i])
		for l := range 2 {
			assert.InDelta(t, min(max(f[2*i+l], -k.Bound), k.Bound), got[l], 1e-3) // Euler steps of 1e-3
		}
	}
}

// TestKernelStopping measures the error of the estimated denoiser against the stopping time: it
// falls, then rises as the noise of the labels is fitted. The time of least estimated risk is
// within 1.5 times of the least error; that of the complexity rule within 2.5 times if it is told
// the target's norm (2 measured), within 6 if it takes it for 1 (5 measured).
func TestKernelStopping(t *testing.T) {
	target, err := density.NewIsotropicMixture([]float64{1, 1}, []float64{-1, 1}, []float64{0.3, 0.3}, 1)
	require.NoError(t, err)
	_, xt, at, st := kernelData(t, target, 1000, 77)
	var best []float64
	for _, n := range []int{100, 200, 400} {
		x1, x, alpha, sigma := kernelData(t, target, n, 5)
		k, err := NewKernel(x1, x, alpha, sigma, 1)
		require.NoError(t, err)
		noise, div := 0.0, make([]float64, 1)
		for i := range n {
			target.Divergence(div, x[i:i+1], alpha[i], sigma[i])
			noise += sigma[i] * sigma[i] / alpha[i] * div[0] / float64(n)
		}
		fail := func(tau float64) float64 {
			m, sq := k.At(tau), make([]float64, len(xt))
			got, want := make([]float64, 1), make([]float64, 1)
			for i := range xt {
				m.Denoise(got, xt[i:i+1], at[i], st[i])
				target.Denoise(want, xt[i:i+1], at[i], st[i])
				sq[i] = (got[0] - want[0]) * (got[0] - want[0])
			}
			return stat.Mean(sq, nil)
		}
		var errs []float64
		for e := 0.0; e <= 7; e += 0.5 {
			errs = append(errs, fail(math.Pow(10, e)))
		}
		low, where := math.Inf(1), 0
		for i, e := range errs {
			if e < low {
				low, where = e, i
			}
		}
		rule := fail(StopTime(k.Eigenvalues(), math.Sqrt(noise)))
		exact := make([]float64, n)
		for i := range exact {
			target.Denoise(exact[i:i+1], x[i:i+1], alpha[i], sigma[i])
		}
		norm := k.Norm(exact)
		scaled := fail(StopTime(k.Eigenvalues(), math.Sqrt(noise)/norm))
		t.Logf("norm %.3g, rule with it %.2f times the least error", norm, scaled/low)
		assert.Less(t, scaled, 2.5*low, "n = %d", n)
		assert.Less(t, scaled, rule)
		stop := k.RiskTime(math.Sqrt(noise))
		t.Logf("n = %d, label noise %.3f: errors %.4f, least at 10^%g; complexity rule %.4f, least risk at %.3g: %.4f", n, math.Sqrt(noise), errs,
			float64(where)/2, rule, stop, fail(stop))
		best = append(best, low)
		assert.Less(t, fail(stop), 1.5*low, "n = %d", n)
		assert.Less(t, rule, 6*low, "n = %d", n)
		assert.Greater(t, errs[0], 2*low)
		assert.Greater(t, errs[len(errs)-1], 1.5*low)
	}
	assert.Less(t, best[2], best[0])
}

// TestKernelNorm: f = K(·, u_i) has the norm √K(u_i, u_i).
func TestKernelNorm(t *testing.T) {
	x1, x, alpha, sigma := kernelData(t, density.Ring(3, 1, 0.2), 20, 3)
	k, err := NewKernel(x1, x, alpha, sigma, 2)
	require.NoError(t, err)
	f := make([]float64, 40)
	for i := range 20 {
		f[2*i+1] = NTK(k.u[4*i:4*i+4], k.u[28:32])
	}
	assert.InEpsilon(t, math.Sqrt(NTK(k.u[28:32], k.u[28:32])), k.Norm(f), 1e-6) // a condition of 1e6 or so
}

// TestStopTime solves the rule by hand for equal eigenvalues μ < 1/τ: τ √μ = 1/(2es).
func TestStopTime(t *testing.T) {
	mu := []float64{0.04, 0.04, 0.04}
	want := 1 / (2 * math.E * 0.5 * 0.2)
	assert.InEpsilon(t, want, StopTime(mu, 0.5), 1e-9) // the bisection's end
	assert.Equal(t, 18, StopStep(mu, 0.5, repeat(0.1, 100)))
	assert.True(t, math.IsInf(StopTime([]float64{0}, 1), 1))
}

func repeat(v float64, n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}
