package pfgm_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
)

// TestKernelIsNormalised integrates the density over shells, by the trapezoidal rule in
// v = log |x|², which converges exponentially for this integrand.
func TestKernelIsNormalised(t *testing.T) {
	for _, n := range []int{1, 2, 3, 64, 1000} {
		for _, d := range []float64{0.5, 1, 2, 8, 128, 1e6} {
			k := pfgm.Kernel{Sigma: 0.7, D: d}
			lg, _ := math.Lgamma(float64(n) / 2)
			x, lp, sum := make([]float64, n), []float64{0}, 0.0
			const h = 5e-3
			for v := -80.0; v < 160; v += h { // e^{-Dv/2} at the end: 4e-18 for D = 1/2
				clear(x)
				x[0] = math.Exp(v / 2)
				k.LogProb(lp, x, n)
				sum += h * math.Exp(lp[0]+float64(n)/2*(math.Log(math.Pi)+v)-lg)
			}
			// Rounding of terms of size up to (N + D)/2 log(...), some 1e3 where they count.
			assert.InDelta(t, 1, sum, 1e-10, "N=%d D=%g", n, d)
		}
	}
}

func TestKernelTendsToGaussian(t *testing.T) {
	x := []float64{0.3, -1, 2, 0.5, 0.1, 0}
	got, want := make([]float64, 2), make([]float64, 2)
	pfgm.Kernel{Sigma: 2, D: 1e12}.LogProb(got, x, 3)
	score.Normal{Std: 2}.LogProb(want, x, 3)
	assert.InDeltaSlice(t, want, got, 1e-11) // the next term is of order N²/D = 1e-11
}

// draws returns n draws of the kernel, flat.
func draws(k pfgm.Kernel, n, dim int) []float64 {
	src, x := stream.New(), make([]float64, n*dim)
	for i := range n {
		k.Rand(x[i*dim:(i+1)*dim], src.At(1, stream.Test, uint64(i), 0))
	}
	return x
}

// requireKS refuses p-values below 1e-4: of the 30 tests here, with seeds fixed, one
// would fail by chance with probability 0.003.
func requireKS(t *testing.T, x []float64, cdf func(float64) float64, of string) {
	t.Helper()
	res, err := metric.KolmogorovSmirnovCDF(x, cdf)
	require.NoError(t, err)
	require.Greater(t, res.PValue, 1e-4, of)
}

// TestKernelLaw holds the radius to the Beta law of Xu et al. (2023, appendix B) and a
// projection to Student's t on the line.
func TestKernelLaw(t *testing.T) {
	for _, c := range []struct {
		dim, n int
		d      float64
	}{{1, 20000, 1}, {2, 20000, 1}, {2, 20000, 2}, {2, 20000, 128}, {64, 5000, 1}, {64, 5000, 64}, {3, 20000, 2.5}, {2, 20000, 1e6}, {10000, 300, 1}, {10000, 300, 1e6}} {
		k := pfgm.Kernel{Sigma: 3, D: c.d}
		x := draws(k, c.n, c.dim)
		b, first := make([]float64, c.n), make([]float64, c.n)
		for i := range b {
			r2 := 0.0
			for _, v := range x[i*c.dim : (i+1)*c.dim] {
				r2 += v * v
			}
			b[i], first[i] = 1/(1+k.Radius()*k.Radius()/r2), x[i*c.dim]/k.Sigma
		}
		name := fmt.Sprintf("N=%d D=%g", c.dim, c.d)
		requireKS(t, b, distuv.Beta{Alpha: float64(c.dim) / 2, Beta: c.d / 2}.CDF, name+" radius")
		requireKS(t, first, distuv.StudentsT{Sigma: 1, Nu: c.d}.CDF, name+" projection")
	}
}

// TestKernelIsThePapersRecipe compares with R = r √(B/(1-B)) and a uniform direction,
// drawn as it stands.
func TestKernelIsThePapersRecipe(t *testing.T) {
	const n, dim = 20000, 5
	k := pfgm.Kernel{Sigma: 1, D: 8}
	x, y := draws(k, n, dim), make([]float64, n*dim)
	src := stream.New()
	for i := range n {
		rng := src.At(2, stream.Test, uint64(i), 0)
		b := distuv.Beta{Alpha: dim / 2., Beta: k.D / 2, Src: rng}.Rand()
		norm := 0.0
		for j := range dim {
			y[i*dim+j] = rng.NormFloat64()
			norm += y[i*dim+j] * y[i*dim+j]
		}
		for j := range dim {
			y[i*dim+j] *= k.Radius() * math.Sqrt(b/(1-b)/norm)
		}
	}
	for axis := range 2 {
		res, err := metric.KolmogorovSmirnov(column(x, dim, axis), column(y, dim, axis))
		require.NoError(t, err)
		assert.Greater(t, res.PValue, 1e-4)
	}
}

func column(x []float64, dim, j int) []float64 {
	var out []float64
	for i := j; i < len(x); i += dim {
		out = append(out, x[i])
	}
	return out
}

func TestPrior(t *testing.T) {
	assert.Equal(t, pfgm.Kernel{Sigma: 80, D: 4}, pfgm.Prior(interpolant.EDM{}, 0, 4))
	assert.Equal(t, 160.0, pfgm.Prior(interpolant.EDM{}, 0, 4).Radius())
}

func TestPerturb(t *testing.T) {
	const n, dim, d = 20000, 3, 4
	src, y := stream.New(), make([]float64, n*dim)
	src.Normals(y, 1, stream.Test, 0, 9)
	x, sigma, weight := make([]float64, n*dim), make([]float64, n), make([]float64, n)
	o := pfgm.Training{D: d}
	o.Perturb(x, sigma, weight, y, dim, 5, 0, 17)
	logs, noise := make([]float64, n), make([]float64, n)
	for i, s := range sigma {
		logs[i], noise[i] = math.Log(s), (x[i*dim]-y[i*dim])/s
		// λ σ² is 1 + (σ/½)²: the loss weight of EDM's table 1 times ours.
		assert.InEpsilon(t, 1+s*s/0.25, weight[i]*s*s, 1e-12)
	}
	requireKS(t, logs, distuv.Normal{Mu: -1.2, Sigma: 1.2}.CDF, "ln σ")
	requireKS(t, noise, distuv.StudentsT{Sigma: 1, Nu: d}.CDF, "noise")

	// The rows 100 … 199 by themselves are the same to the bit; another step is not.
	part, s1, w1 := make([]float64, 100*dim), make([]float64, 100), make([]float64, 100)
	o.Perturb(part, s1, w1, y[100*dim:200*dim], dim, 5, 100, 17)
	assert.Equal(t, x[100*dim:200*dim], part)
	assert.Equal(t, sigma[100:200], s1)
	assert.Equal(t, weight[100:200], w1)
	o.Perturb(part, s1, w1, y[100*dim:200*dim], dim, 5, 100, 18)
	assert.False(t, slices.Equal(sigma[100:200], s1))
}
