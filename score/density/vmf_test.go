package density

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/special"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// newTestVMF returns components of weights 1, 2, ... in random directions.
func newTestVMF(seed uint64, dim int, kappas ...float64) *VMF {
	rng := source(seed)
	weights, mus := make([]float64, len(kappas)), make([]float64, len(kappas)*dim)
	for k := range kappas {
		weights[k] = float64(k + 1)
		unit(mus[k*dim:(k+1)*dim], rng)
	}
	t, err := NewVMF(weights, mus, kappas, dim)
	if err != nil {
		panic(err)
	}
	return t
}

func init() {
	register(
		row{name: "vmf1", target: newTestVMF(60, 1, 0.4, 2), scale: 1},
		row{name: "vmf2", target: newTestVMF(61, 2, 0, 5, 200).WithRadius(2), scale: 2},
		row{name: "vmf3", target: newTestVMF(62, 3, 4, 1e4), scale: 1},
		row{name: "vmf5 one", target: newTestVMF(63, 5, 7), scale: 1},
		row{name: "vmf64", target: newTestVMF(64, 64, 300, 0, 40).WithRadius(8), scale: 8},
		row{name: "smooth vmf", target: Smooth(newTestVMF(62, 3, 4, 50), 0.1), scale: 1},
	)
}

// TestVMFLaw holds log p and D against the two points of d = 1, the sum over a circle
// in d = 2, and in d = 3 the integral over the polar angle about θ, by sums that use no
// Bessel function.
func TestVMFLaw(t *testing.T) {
	const alpha, R = 0.8, 1.5
	for d, n := range map[int]int{1: 2, 2: 20_000, 3: 0} {
		f := newTestVMF(65, d, 3, 0.5, 40).WithRadius(R)
		weights, mus, kappas := f.Components()
		rng := source(66)
		for _, sigma := range []float64{0.1, 0.5, 2, 30} {
			x := noised(f, 1, alpha, sigma, rng)
			logs, dens := []float64{}, [][]float64{}
			for k, w := range weights {
				mu, kappa := mus[k*d:(k+1)*d], kappas[k]
				if d == 3 {
					// ∫ exp(θ·u) over the sphere is 4π sinh(n)/n, its gradient the mean.
					theta := make([]float64, 3)
					floats.AddScaledTo(theta, theta, kappa, mu)
					floats.AddScaled(theta, alpha*R/sigma/sigma, x)
					m := norm(theta)
					logs = append(logs, math.Log(w)-(floats.Dot(x, x)+alpha*alpha*R*R)/2/sigma/sigma+
						m+math.Log(-math.Expm1(-2*m)/m)-kappa-math.Log(-math.Expm1(-2*kappa)/kappa))
					mean := make([]float64, 3)
					floats.AddScaledTo(mean, mean, R*(1/math.Tanh(m)-1/m)/m, theta)
					dens = append(dens, mean)
					continue
				}
				// The sum over n points of the sphere; the rule is exact to rounding for n ≫ |θ|.
				var prior, post []float64
				var at [][]float64
				for i := range n {
					u := []float64{math.Cos(2 * math.Pi * float64(i) / float64(n)), math.Sin(2 * math.Pi * float64(i) / float64(n))}[:d]
					dist := 0.0
					for j := range u {
						e := (x[j] - alpha*R*u[j]) / sigma
						dist += e * e
					}
					prior = append(prior, kappa*floats.Dot(mu, u))
					post = append(post, prior[i]-dist/2)
					at = append(at, u)
				}
				l := floats.LogSumExp(post)
				logs = append(logs, math.Log(w)+l-floats.LogSumExp(prior))
				mean := make([]float64, d)
				for i, u := range at {
					floats.AddScaled(mean, R*math.Exp(post[i]-l), u)
				}
				dens = append(dens, mean)
			}
			want := floats.LogSumExp(logs)
			D := make([]float64, d)
			for k, l := range logs {
				floats.AddScaled(D, math.Exp(l-want), dens[k])
			}
			want -= float64(d) * (math.Log(2*math.Pi)/2 + math.Log(sigma))
			got, gotD := make([]float64, 1), make([]float64, d)
			f.LogProb(got, x, alpha, sigma)
			f.Denoise(gotD, x, alpha, sigma)
			// Exponents of up to 300 carry 1e-14 each into the reference.
			assert.InDelta(t, want, got[0], 1e-12*(1+math.Abs(want)), "d=%d σ=%g", d, sigma)
			for j := range D {
				assert.InDelta(t, D[j], gotD[j], 1e-12*R, "d=%d σ=%g", d, sigma)
			}
		}
	}
}

// TestVMFUniform: κ = 0 is the sphere, to the rounding of log p ≈ 1e3 at d = 300 and
// small σ.
func TestVMFUniform(t *testing.T) {
	const R, n = 2.5, 20
	for _, d := range []int{1, 2, 3, 300} {
		f := newTestVMF(67, d, 0, 0).WithRadius(R)
		s := newTestSpheres(d, R)
		for _, sigma := range []float64{1e-3, 0.1, 1, 100} {
			rng := source(68)
			x, v := noised(s, n, 0.7, sigma, rng), noised(s, n, 0, 1, rng)
			got, want := methods(f, x, v, 0.7, sigma), methods(s, x, v, 0.7, sigma)
			for k := range want {
				size := 1.0
				for _, w := range want[k] {
					size = max(size, math.Abs(w))
				}
				for i := range want[k] {
					// Relative to the largest value; the score's αD - x cancels by R/σ.
					require.InDelta(t, want[k][i], got[k][i], 1e-13*(1+R/sigma)*size, "method %d, d=%d σ=%g", k, d, sigma)
				}
			}
		}
		cov, sphere := make([]float64, d*d), make([]float64, d*d)
		f.Cov(cov)
		s.Cov(sphere)
		assert.InDeltaSlice(t, sphere, cov, 1e-14)
	}
}

// TestVMFWide: derivatives in ten thousand dimensions, relative 1e-6 (order 4 of the
// central difference).
func TestVMFWide(t *testing.T) {
	const d, R = 10_000, 100
	f := newTestVMF(69, d, 3e4, 2e3).WithRadius(R)
	rng := source(70)
	buf := func() []float64 { return make([]float64, d) }
	D, s, J, g, u, lp := buf(), buf(), buf(), buf(), buf(), make([]float64, 1)
	for _, sigma := range []float64{1e-2, 1, 30, 1e3} {
		x := noised(f, 1, 1, sigma, rng)
		unit(u, rng)
		floats.AddScaled(u, 1/norm(x), x) // along and across
		f.Denoise(D, x, 1, sigma)
		f.Score(s, x, 1, sigma)
		f.JVP(J, x, u, 1, sigma)
		central(lp, x, u, 1e-2*sigma, func(dst, x []float64) { f.LogProb(dst, x, 1, sigma) })
		// log p of up to 1e5 leaves 1e-11/(1e-2σ) of rounding.
		assert.InDelta(t, floats.Dot(s, u), lp[0], 1e-6*(math.Abs(lp[0])+1/sigma), "σ=%g", sigma)
		central(g, x, u, 1e-2*sigma, func(dst, x []float64) { f.Denoise(dst, x, 1, sigma) })
		assert.Less(t, floats.Distance(g, J, 2), 1e-6*norm(J), "σ=%g", sigma)
	}
}

// TestVMFOpposite: a point opposite to μ, where the natural parameter cancels: at
// αRx/σ² = -κμ the posterior is uniform, D = 0 and Cov = R²/d.
func TestVMFOpposite(t *testing.T) {
	const d, kappa, sigma = 4, 1e6, 1e-2
	f, err := NewVMF(nil, []float64{0, 0, 1, 0}, []float64{kappa}, d)
	require.NoError(t, err)
	x := []float64{0, 0, -kappa * sigma * sigma, 0}
	got := methods(f, x, []float64{0, 1, 0, 0}, 1, sigma)
	for _, v := range got[0] {
		assert.InDelta(t, 0, v, 1e-9) // 1e-16 of κ is left of θ
	}
	assert.InEpsilon(t, 1/(sigma*sigma), got[4][0], 1e-12)
	assert.InEpsilon(t, 1/(sigma*sigma)/d, got[2][1], 1e-12)
	r := kappa * sigma * sigma
	want := -(r*r+1)/2/(sigma*sigma) - kappa - special.LogSphere(d/2-1, kappa) - d*math.Log(math.Sqrt(2*math.Pi)*sigma)
	assert.InEpsilon(t, want, got[3][0], 1e-12)
}

// TestWood measures the law of w = μ·u against its density by Kolmogorov-Smirnov (2.2/√n
// has a false-alarm rate of 1e-4) and the share of accepted proposals.
func TestWood(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 4_000
	}
	rng := source(71)
	least := 1.0
	for _, d := range []int{2, 3, 4, 10, 100, 2048, 10_000, 1_000_000} {
		for _, c := range []float64{0, 1e-3, 0.1, 0.5, 1, 3, 10, 100, 1e6} {
			kappa := c * float64(d-1)
			at := fmt.Sprintf("d=%d κ=%g", d, kappa)
			// The draws as 1 - w, which keeps its digits for large κ.
			draws := make([]float64, 0, n)
			trials := 0
			for len(draws) < n {
				trials++
				if w, side, ok := woodTrial(d, kappa, rng); ok {
					gap := 1 - w
					if w > 0 {
						gap = side * side / (1 + w)
					}
					draws = append(draws, gap)
					require.InDelta(t, 1, w*w+side*side, 1e-14, at)
				}
			}
			slices.Sort(draws)
			least = min(least, float64(n)/float64(trials))
			// The distribution of the angle, w = cos φ, of density e^{κ(cos φ - 1)} sin^{d-2} φ, by the
			// trapezoidal rule over the angles drawn and a margin.
			lo, hi := 2*math.Asin(math.Sqrt(draws[0]/2)), 2*math.Asin(math.Sqrt(min(1, draws[n-1]/2)))
			width := hi - lo
			lo, hi = max(0, lo-width), min(math.Pi, hi+width)
			const m = 20_000
			cdf := make([]float64, m+1)
			top := math.Inf(-1)
			for i := range cdf {
				phi := lo + (hi-lo)*float64(i)/m
				s := math.Sin(phi / 2)
				cdf[i] = -2 * kappa * s * s
				if d > 2 {
					cdf[i] += float64(d-2) * math.Log(math.Sin(phi))
				}
				top = max(top, cdf[i])
			}
			sum, last := 0.0, math.Exp(cdf[0]-top)
			cdf[0] = 0
			for i := 1; i <= m; i++ {
				v := math.Exp(cdf[i] - top)
				sum += (last + v) / 2
				cdf[i], last = sum, v
			}
			worst := 0.0
			for i, g := range draws {
				phi := 2 * math.Asin(math.Sqrt(min(1, g/2)))
				cell := (phi - lo) / (hi - lo) * m
				j := min(int(cell), m-1)
				p := (cdf[j] + (cell-float64(j))*(cdf[j+1]-cdf[j])) / sum
				worst = max(worst, math.Abs(p-float64(i)/float64(n)), math.Abs(p-float64(i+1)/float64(n)))
			}
			assert.Less(t, worst, 2.2/math.Sqrt(float64(n)), at)
		}
	}
	t.Logf("least acceptance %.3f", least)
	assert.Greater(t, least, 0.64) // 0.66 in the limit of large κ in two dimensions
}

// TestVMFRand: draws lie on the sphere, and Modes' radius holds all but a hundredth.
func TestVMFRand(t *testing.T) {
	const n, R = 4000, 3
	for _, d := range []int{1, 2, 3, 30, 1000} {
		for _, kappa := range []float64{0, 5, 100, 1e5} {
			f := newTestVMF(72, d, kappa).WithRadius(R)
			_, c, radius := f.Modes()
			outside := 0
			x := noised(f, n/min(d, 10), 1, 0, source(73))
			for i := range len(x) / d {
				p := x[i*d : (i+1)*d]
				require.InEpsilon(t, R, norm(p), 1e-14)
				if floats.Distance(p, c, 2) > radius*(1+1e-12) {
					outside++
				}
			}
			// 1% and 4 standard deviations of a binomial count of some tens.
			assert.LessOrEqual(t, float64(outside), 0.011*float64(len(x)/d)+4*math.Sqrt(0.011*float64(len(x)/d)), "d=%d κ=%g", d, kappa)
		}
	}
}

func TestVMFErrors(t *testing.T) {
	for want, f := range map[string]func() (*VMF, error){
		"density: 1 concentrations for 2 mean directions":                      func() (*VMF, error) { return NewVMF(nil, []float64{1, 0, 0, 1}, []float64{1}, 2) },
		"density: mean direction 1 has length 2, want 1":                       func() (*VMF, error) { return NewVMF(nil, []float64{1, 0, 0, 2}, []float64{1, 1}, 2) },
		"density: concentration 0 is -1, want a finite number ≥ 0":             func() (*VMF, error) { return NewVMF(nil, []float64{1, 0}, []float64{-1}, 2) },
		"density: 3 values are not a positive number of points of dimension 2": func() (*VMF, error) { return NewVMF(nil, []float64{1, 0, 0}, []float64{1}, 2) },
		"density: the weights sum to 0, want a finite number > 0":              func() (*VMF, error) { return NewVMF([]float64{0}, []float64{1, 0}, []float64{1}, 2) },
	} {
		_, err := f()
		assert.EqualError(t, err, want)
	}
	assert.PanicsWithValue(t, "density: WithRadius needs a finite radius above 0", func() { newTestVMF(1, 2, 1).WithRadius(0) })
	assert.Panics(t, func() { newTestVMF(1, 2, 1).Cov(make([]float64, 3)) })
	assert.Panics(t, func() { newTestVMF(1, 2, 1).Mean(make([]float64, 3)) })
}
