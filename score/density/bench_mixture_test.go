package density

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// bench measures f on a batch of 1024 noised points and reports ns a point.
func bench(b *testing.B, tg Target, alpha, sigma float64, f func(dst, x []float64)) {
	const n = 1024
	rng := rand.New(rand.NewPCG(1, 1))
	x := noised(tg, n, alpha, sigma, rng)
	dst := make([]float64, len(x))
	b.ReportAllocs()
	for b.Loop() {
		f(dst, x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/point")
}

// cloud is a mixture of k components so close together that all count everywhere.
func cloud(d, k int, std float64) *Mixture {
	rng := rand.New(rand.NewPCG(3, 3))
	means := make([]float64, k*d)
	for i := range means {
		means[i] = 0.3 * rng.NormFloat64()
	}
	return must(NewIsotropicMixture(nil, means, []float64{std}, d))
}

// fullCloud is cloud with full covariances.
func fullCloud(d, k int) *Mixture {
	rng := rand.New(rand.NewPCG(4, 4))
	means, covs := make([]float64, k*d), make([]float64, k*d*d)
	for i := range means {
		means[i] = 0.3 * rng.NormFloat64()
	}
	for c := range k {
		for i := range d {
			for j := range d {
				covs[(c*d+i)*d+j] = 0.5 / float64(d)
			}
			covs[(c*d+i)*d+i] += 1
		}
	}
	return must(NewMixture(nil, means, covs, d))
}

// diagonalCloud is cloud with diagonal covariances.
func diagonalCloud(d, k int) *Mixture {
	rng := rand.New(rand.NewPCG(5, 5))
	means, stds := make([]float64, k*d), make([]float64, k*d)
	for i := range means {
		means[i], stds[i] = 0.3*rng.NormFloat64(), 0.8+0.4*rng.Float64()
	}
	return must(NewDiagonalMixture(nil, means, stds, d))
}

// BenchmarkJacobian: products with the Jacobian of the denoiser, and its trace.
func BenchmarkJacobian(b *testing.B) {
	for _, c := range []struct {
		name string
		t    *Mixture
	}{
		{"iso,d=64,K=64", cloud(64, 64, 1)},
		{"diagonal,d=64,K=8", diagonalCloud(64, 8)},
		{"full,d=64,K=8", fullCloud(64, 8)},
		{"full,d=2,K=8", fullCloud(2, 8)},
	} {
		b.Run("JVP,"+c.name, func(b *testing.B) {
			bench(b, c.t, 1, 1, func(dst, x []float64) { c.t.JVP(dst, x, x, 1, 1) })
		})
		b.Run("Divergence,"+c.name, func(b *testing.B) {
			bench(b, c.t, 1, 1, func(dst, x []float64) { c.t.Divergence(dst[:len(x)/c.t.d], x, 1, 1) })
		})
	}
}

func BenchmarkDenoise(b *testing.B) {
	many, err := NewPoints(cloud(2, 50_000, 1).mu, 2)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		t     Target
		sigma float64
	}{
		{"ring8", Ring(8, 4, 0.3), 1},
		{"grid25", Grid(5, 2, 0.1), 1},
		{"iso,d=64,K=64", cloud(64, 64, 1), 1},
		{"iso,d=64,K=10000", cloud(64, 10_000, 1), 1},
		{"diagonal,d=64,K=8", diagonalCloud(64, 8), 1},
		{"full,d=2,K=8", fullCloud(2, 8), 1},
		{"full,d=2,K=64", fullCloud(2, 64), 1},
		{"full,d=8,K=8", fullCloud(8, 8), 1},
		{"full,d=64,K=8", fullCloud(64, 8), 1},
		{"moons,σ=1", Moons(0.1), 1},
		{"moons,σ=0.01", Moons(0.1), 0.01},
		{"pinwheel,σ=1", Pinwheel(5, Blade{}, 0.1), 1},
		{"pinwheel,σ=0.01", Pinwheel(5, Blade{}, 0.1), 0.01},
		{"points,d=2,m=50000,σ=1", many, 1},
		{"points,d=2,m=50000,σ=0.01", many, 0.01},
	} {
		b.Run(c.name, func(b *testing.B) {
			bench(b, c.t, 1, c.sigma, func(dst, x []float64) { c.t.Denoise(dst, x, 1, c.sigma) })
		})
	}
}

func BenchmarkRing8(b *testing.B) {
	t := Ring(8, 4, 0.3)
	for _, sigma := range []float64{0.01, 0.3, 1, 10} {
		b.Run(fmt.Sprintf("Denoise,σ=%g", sigma), func(b *testing.B) {
			bench(b, t, 1, sigma, func(dst, x []float64) { t.Denoise(dst, x, 1, sigma) })
		})
	}
	b.Run("Score", func(b *testing.B) {
		bench(b, t, 1, 1, func(dst, x []float64) { t.Score(dst, x, 1, 1) })
	})
	b.Run("LogProb", func(b *testing.B) {
		bench(b, t, 1, 1, func(dst, x []float64) { t.LogProb(dst[:len(x)/2], x, 1, 1) })
	})
	b.Run("Divergence", func(b *testing.B) {
		bench(b, t, 1, 1, func(dst, x []float64) { t.Divergence(dst[:len(x)/2], x, 1, 1) })
	})
	b.Run("JVP", func(b *testing.B) {
		bench(b, t, 1, 1, func(dst, x []float64) { t.JVP(dst, x, x, 1, 1) })
	})
	b.Run("one point", func(b *testing.B) {
		x, dst := []float64{1, 2}, make([]float64, 2)
		b.ReportAllocs()
		for b.Loop() {
			t.Denoise(dst, x, 1, 1)
		}
	})
}
