package interpolant

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/density"
)

// twoPointMMSE is 1 - E tanh(s² + s ε), the mean-square error of data ±1 with equal weights
// (D = tanh(sx) and E tanh² = E tanh). The trapezoidal rule of this analytic integrand, of
// poles π/2s from the real axis, is exact to rounding for s ≤ 8; beyond, mmse < 1e-14.
func twoPointMMSE(s float64) float64 {
	const h = 1.0 / 64
	var sum float64
	for i := -640; i <= 640; i++ {
		x := h * float64(i)
		sum += h * math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) * 2 / (1 + math.Exp(2*s*(s+x)))
	}
	return sum
}

// mustMMSE tabulates a target with n draws.
func mustMMSE(t testing.TB, target density.Target, n int) *MMSE {
	m, err := NewMMSE(context.Background(), target, &MMSEOptions{Samples: n, Seed: 7})
	require.NoError(t, err)
	return m
}

// cloud returns n points in the plane as data, no two alike, around (1, -2).
func cloud(t testing.TB, n int) *density.Points {
	x := make([]float64, 2*n)
	stream.New().Normals(x, 11, stream.Test, 0, 0)
	for i := range x {
		x[i] = []float64{1, -2}[i%2] + []float64{2, 0.7}[i%2]*x[i]
	}
	p, err := density.NewPoints(x, 2)
	require.NoError(t, err)
	return p
}

// forgetful hides that a target knows its moments.
type forgetful struct{ density.Target }

func TestMMSEOfTwoPoints(t *testing.T) {
	points, err := density.NewPoints([]float64{-1, 1}, 1)
	require.NoError(t, err)
	exact, err := NewMMSEFunc(1, 1, twoPointMMSE)
	require.NoError(t, err)
	m := mustMMSE(t, points, 4096)
	assert.Equal(t, 1.0, m.Variance())
	for _, s := range []float64{0.01, 0.1, 0.3, 1, 2, 3, 5} {
		want := twoPointMMSE(s)
		got, stderr := exact.At(s)
		// The interpolation of a function of unit scale in log s over steps of 1/8: (1/8)³
		// times a few hundredths (measured: 3e-5).
		assert.InDelta(t, want, got, 1e-4, "s = %g", s)
		assert.Zero(t, stderr)
		got, stderr = m.At(s)
		assert.InDelta(t, want, got, 5*stderr+1e-4, "s = %g: five standard errors of 16 batches fail once in 6,000", s)
		assert.Less(t, stderr, 0.01)
	}
}

func TestMMSEOfGaussians(t *testing.T) {
	// Each direction of variance c by itself: mmse = Σ c/(1 + cs²).
	c := []float64{4, 0.25, 1}
	g, err := density.Gaussian([]float64{3, 0, -1}, []float64{c[0], 0, 0, 0, c[1], 0, 0, 0, c[2]})
	require.NoError(t, err)
	m := mustMMSE(t, g, 4096)
	assert.InDelta(t, 5.25, m.Variance(), 1e-12)
	assert.InDelta(t, 10, m.MeanSquare(), 1e-12)
	assert.InDelta(t, 1+0.25, m.Bound(), 1e-12, "(2-1)² + (1/2-1)²")
	for _, s := range []float64{0.003, 0.1, 0.5, 1, 3, 10, 300} {
		var want float64
		for _, v := range c {
			want += v / (1 + v*s*s)
		}
		got, stderr := m.At(s)
		// The trace of the covariance is constant, an estimate without variance: what is left
		// is the interpolation.
		assert.InEpsilon(t, want, got, 1e-4, "s = %g", s)
		assert.Less(t, stderr, 1e-8*want)
	}
	normal := mustMMSE(t, density.Normal(5, 3), 256)
	for k, r := range normal.ratio {
		assert.Less(t, r, 1e-18, "knot %d: D is linear, and R the square of its rounding", k)
	}
}

// TestMMSEOfPlainMean holds the table to the definition, E|x₁ - D|², on other draws, and the
// combined estimate to less variance than it and than each of its parts.
func TestMMSEOfPlainMean(t *testing.T) {
	const n, d = 2048, 2
	for name, target := range map[string]density.Target{
		"ring8": density.Ring(8, 4, 0.3), "checkerboard": density.NewCheckerboard(4, 2), "points": cloud(t, 40),
		"forgetful": forgetful{density.Ring(3, 2, 0.5)},
	} {
		m := mustMMSE(t, target, n)
		x1, z := density.Sample(target, n, 5, 9, 0), make([]float64, n*d)
		stream.New().Normals(z, 5, stream.Test, 1, 0)
		x, den, div := make([]float64, n*d), make([]float64, n*d), make([]float64, n)
		for _, s := range []float64{0.05, 0.3, 1, 3, 20} {
			for i := range x {
				x[i] = s*x1[i] + z[i]
			}
			target.Denoise(den, x, s, 1)
			target.Divergence(div, x, s, 1)
			plain, trace := make([]float64, n), make([]float64, n)
			for i := range n {
				plain[i] = square(x1[2*i]-den[2*i]) + square(x1[2*i+1]-den[2*i+1])
				trace[i] = div[i] / s
			}
			want, wantErr := meanErr(plain)
			_, traceErr := meanErr(trace)
			got, gotErr := m.At(s)
			// five standard errors; S of forgetful ones is off by its own Monte Carlo error,
			// 3% of S at most
			tol := 5 * math.Hypot(wantErr, gotErr)
			if name == "forgetful" {
				tol += 0.03 * got
			}
			assert.InDelta(t, want, got, tol+1e-4*want, "%s at s = %g", name, s)
			// The standard error of 16 batches is itself uncertain by 18%.
			assert.Less(t, gotErr, 1.6*min(wantErr, traceErr)+1e-12, "%s at s = %g", name, s)
		}
	}
}

func meanErr(v []float64) (mean, stderr float64) {
	n := float64(len(v))
	for _, x := range v {
		mean += x / n
	}
	for _, x := range v {
		stderr += square(x-mean) / n / n
	}
	return mean, math.Sqrt(stderr)
}

func TestMMSEFalls(t *testing.T) {
	two, err := NewMMSEFunc(1, 1, twoPointMMSE)
	require.NoError(t, err)
	for name, m := range map[string]*MMSE{
		"two": two, "ring8": mustMMSE(t, density.Ring(8, 4, 0.3), 512), "checkerboard": mustMMSE(t, density.NewCheckerboard(4, 2), 512),
		"points": mustMMSE(t, cloud(t, 30), 512), "laplace": mustMMSE(t, density.NewLaplace(2, 1), 512),
	} {
		before := m.Variance()
		for l := -12.0; l < 12; l += 0.01 {
			v, _ := m.At(math.Exp(l))
			require.LessOrEqual(t, v, before*(1+1e-13), "%s at log s = %g (but for rounding)", name, l)
			require.GreaterOrEqual(t, v, 0.0)
			before = v
		}
		zero, _ := m.At(0)
		// R at the first knot, s = 3e-4 √(d/S), is of the order of s² at most.
		assert.InEpsilon(t, m.Variance(), zero, 1e-6, name)
	}
}

func TestMMSEIsReproducible(t *testing.T) {
	target := density.NewCheckerboard(4, 2)
	a, err := NewMMSE(context.Background(), target, &MMSEOptions{Samples: 300, Workers: 1})
	require.NoError(t, err)
	b, err := NewMMSE(context.Background(), target, &MMSEOptions{Samples: 300, Workers: 5})
	require.NoError(t, err)
	assert.Equal(t, a, b, "bit-equal for any number of workers")
	text, err := json.Marshal(a)
	require.NoError(t, err)
	var c MMSE
	require.NoError(t, json.Unmarshal(text, &c))
	assert.Equal(t, a, &c, "JSON keeps every bit")
	for _, bad := range []string{`3`, `{}`, `{"dim":1,"variance":1,"log_tan":[1,2],"ratio":[0,0]}`,
		`{"dim":1,"variance":1,"log_tan":[1,2,2,3,4],"ratio":[0,0,0,0,0]}`,
		`{"dim":1,"variance":1,"log_tan":[1,2,3,4,5],"ratio":[0,0,0,0,3]}`,
		`{"dim":1,"variance":1,"log_tan":[1,2,3,4,5],"ratio":[0,0,0,0,0],"batches":[[1]]}`} {
		assert.Error(t, json.Unmarshal([]byte(bad), &c), bad)
	}
}

// broken is a target whose denoiser fails.
type broken struct{ density.Target }

func (broken) Denoise(dst, _ []float64, _, _ float64) {
	for i := range dst {
		dst[i] = math.NaN()
	}
}

func TestMMSERefuses(t *testing.T) {
	ctx := context.Background()
	point, err := density.NewPoints([]float64{2, 3}, 2)
	require.NoError(t, err)
	for _, target := range []density.Target{density.NewStudentT(2, 2, 1), point, forgetful{point}, broken{density.Normal(2, 1)}} {
		_, err := NewMMSE(ctx, target, &MMSEOptions{Samples: 64})
		assert.Error(t, err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = NewMMSE(done, density.Normal(2, 1), nil)
	assert.ErrorIs(t, err, context.Canceled)
	_, err = NewMMSEFunc(1, 1, func(float64) float64 { return 2 })
	assert.ErrorContains(t, err, "best linear denoiser")
	_, err = NewMMSEFunc(1, math.Inf(1), twoPointMMSE)
	assert.Error(t, err)
}
