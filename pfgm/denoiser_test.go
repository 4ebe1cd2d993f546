package pfgm_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"

	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score/density"
)

var everyD = []float64{1, 2, 8, 128, 2048, 1e6}

// moments sums density times kernel over the clean points: the brute force.
type moments struct {
	k      pfgm.Kernel
	target density.CleanLogProber
	x      []float64
	mass   float64
	first  []float64
	lp     []float64
	diff   []float64
}

func newMoments(target density.CleanLogProber, x []float64, k pfgm.Kernel) *moments {
	return &moments{k: k, target: target, x: x, first: make([]float64, len(x)), lp: []float64{0, 0}, diff: make([]float64, len(x))}
}

// add counts the clean point y with a weight.
func (m *moments) add(y []float64, weight float64) {
	m.target.CleanLogProb(m.lp[:1], y)
	floats.SubTo(m.diff, m.x, y)
	m.k.LogProb(m.lp[1:], m.diff, len(y))
	w := weight * math.Exp(m.lp[0]+m.lp[1])
	m.mass += w
	floats.AddScaled(m.first, w, y)
}

// require holds a model to the sums: to 1e-8 of the density, and 1e-8 of the data's size for
// D, as the brute force and the quadrature are both far better.
func (m *moments) require(t *testing.T, model pfgm.Model, scale float64, name string) {
	t.Helper()
	lp, d := []float64{0}, make([]float64, len(m.x))
	model.LogProb(lp, m.x, 1, m.k.Sigma)
	require.InDelta(t, math.Log(m.mass), lp[0], 1e-8, "log p, %s", name)
	model.Denoise(d, m.x, 1, m.k.Sigma)
	floats.Scale(1/m.mass, m.first)
	for j, want := range m.first {
		require.InDelta(t, want, d[j], 1e-8*max(math.Abs(want), scale), "D, %s", name)
	}
}

// TestDenoiserAgainstBruteForceOnTheLine integrates over y itself, with Gauss-Legendre
// panels graded towards x and the modes. It holds the tails too: at x = 30 the noise was
// improbably large or the clean point improbably far out, two peaks far apart in τ.
func TestDenoiserAgainstBruteForceOnTheLine(t *testing.T) {
	target, err := density.NewIsotropicMixture([]float64{0.3, 0.7}, []float64{-1, 2}, []float64{0.2, 1}, 1)
	require.NoError(t, err)
	for _, d := range append([]float64{0.5, 32}, everyD...) {
		model := pfgm.New(target, d, 0)
		for _, sigma := range []float64{0.01, 0.3, 2, 80} {
			for _, x := range []float64{-1.05, 0.5, 2, 12, 30, 2.5 * sigma} {
				m := newMoments(target, []float64{x}, pfgm.Kernel{Sigma: sigma, D: d})
				panels := []float64{-60, 60}
				for _, c := range []float64{x, -1, 2} {
					for s := -20; s <= 20; s++ {
						w := math.Copysign(1e-3*math.Pow(2, math.Abs(float64(s))), float64(s))
						if v := c + w; v > -60 && v < 60 {
							panels = append(panels, v)
						}
					}
				}
				for v := -10.0; v < 40; v += 0.1 { // the lighter mode of a far x
					panels = append(panels, v)
				}
				floats.Argsort(panels, make([]int, len(panels)))
				nodes, weights := make([]float64, 16), make([]float64, 16)
				for i := 1; i < len(panels); i++ {
					if panels[i] > panels[i-1] {
						quad.Legendre{}.FixedLocations(nodes, weights, panels[i-1], panels[i])
						for q, y := range nodes {
							m.add([]float64{y}, weights[q])
						}
					}
				}
				m.require(t, model, 1, fmt.Sprintf("D=%g σ=%g x=%g", d, sigma, x))
			}
		}
	}
}

// TestDenoiserAgainstBruteForceInThePlane sums over a square grid of clean points (for
// Gaussians of 0.3 and kernels with r ≥ 1 the error of a step of 0.15 is below e^{-40}), and
// where the kernel is narrower over polar coordinates about x, even in the angle and in the
// logarithm of the radius.
func TestDenoiserAgainstBruteForceInThePlane(t *testing.T) {
	target := density.Ring(8, 4, 0.3)
	for _, d := range everyD {
		model := pfgm.New(target, d, 0)
		for _, sigma := range []float64{1, 10, 80} {
			for _, x := range [][]float64{{0.5, 1}, {3 * sigma, -sigma}} {
				m := newMoments(target, x, pfgm.Kernel{Sigma: sigma, D: d})
				const h = 0.15
				for a := -8.0; a < 8; a += h {
					for b := -8.0; b < 8; b += h {
						m.add([]float64{a, b}, h*h)
					}
				}
				m.require(t, model, 4, fmt.Sprintf("D=%g σ=%g x=%v", d, sigma, x))
			}
		}
		const sigma, angles, h = 0.2, 360, 0.03
		for _, x := range [][]float64{{0.5, 1}, {4.1, 0.2}, {-2, 6}} {
			m := newMoments(target, x, pfgm.Kernel{Sigma: sigma, D: d})
			for v := -18.0; v < math.Log(14); v += h {
				for a := range angles {
					s, c := math.Sincos(2 * math.Pi * float64(a) / angles)
					r := math.Exp(v)
					m.add([]float64{x[0] + r*c, x[1] + r*s}, r*r*h*2*math.Pi/angles)
				}
			}
			m.require(t, model, 4, fmt.Sprintf("D=%g σ=%g x=%v", d, sigma, x))
		}
	}
}

// TestDenoiserAgainstBruteForceInHighDimension takes a Gaussian in R^64, where only the part of
// y along x and the length of the rest matter.
func TestDenoiserAgainstBruteForceInHighDimension(t *testing.T) {
	const n, s = 64, 0.5
	target := density.Normal(n, s)
	lg, _ := math.Lgamma((n - 1) / 2.)
	for _, d := range everyD {
		model := pfgm.New(target, d, 0)
		for _, sigma := range []float64{0.1, 1, 80} {
			k := pfgm.Kernel{Sigma: sigma, D: d}
			x, lp := make([]float64, n), []float64{0}
			k.LogProb(lp, x, n) // at 0: the constant of the kernel
			x[0] = 8 * math.Hypot(s, 1.2*sigma)
			r2, mass, first := k.Radius()*k.Radius(), 0.0, 0.0
			// v = log of the squared length of the rest. Both rules converge exponentially;
			// the kernel's width is r/√(N+D), 0.012 or more.
			const hv, hy = 0.03, 0.02 * s
			for v := -12.0; v < 8; v += hv {
				logShell := (n-1)/2.*(v-math.Log(2*s*s)) - lg - math.Exp(v)/(2*s*s)
				for y := -10 * s; y < 30*s; y += hy {
					w := math.Exp(lp[0] - (n+d)/2*math.Log1p(((x[0]-y)*(x[0]-y)+math.Exp(v))/r2) + logShell - y*y/(2*s*s))
					mass += w
					first += w * y
				}
			}
			mass *= hv * hy / (s * math.Sqrt(2*math.Pi))
			first *= hv * hy / (s * math.Sqrt(2*math.Pi))
			got := make([]float64, n)
			model.LogProb(lp, x, 1, sigma)
			require.InDelta(t, math.Log(mass), lp[0], 1e-8, "D=%g σ=%g", d, sigma)
			model.Denoise(got, x, 1, sigma)
			require.InEpsilon(t, first/mass, got[0], 1e-8, "D=%g σ=%g", d, sigma)
			require.InDelta(t, 0, got[1], 1e-15)
		}
	}
}

// TestDenoiserTendsToGaussian holds D = 1e6 to the Gaussian denoiser within 1e-5 of the data's
// scale, and the rate to 1/D.
func TestDenoiserTendsToGaussian(t *testing.T) {
	target := density.Ring(8, 4, 0.3)
	far, near := pfgm.New(target, 1e6, 0), pfgm.New(target, 1e5, 0)
	worst, tenth := 0.0, 0.0
	for _, sigma := range []float64{0.05, 0.3, 1, 5, 80} {
		for _, r := range []float64{0.5, 1.5, 3} {
			x := []float64{4*math.Cos(r) + r*sigma, 4*math.Sin(r) - sigma}
			a, b, g := make([]float64, 2), make([]float64, 2), make([]float64, 2)
			far.Denoise(a, x, 1, sigma)
			near.Denoise(b, x, 1, sigma)
			target.Denoise(g, x, 1, sigma)
			worst = max(worst, floats.Distance(a, g, 2)/4)
			tenth = max(tenth, floats.Distance(b, g, 2)/4)
		}
	}
	t.Logf("largest difference: %.2g at D = 1e6, %.2g at 1e5", worst, tenth)
	assert.Less(t, worst, 1e-5)
	assert.InEpsilon(t, 10, tenth/worst, 1e-3) // the next term of 1/D
}

// TestSearchFindsNarrowPeaksFarApart takes two points whose posteriors of τ are peaks of width
// 0.04 in v, log a apart with nothing between, and weights that make them equally probable.
func TestSearchFindsNarrowPeaksFarApart(t *testing.T) {
	const d, sigma, k = 1024, 0.25, 513 // r² = 64, N = 2
	for a := 1.5; a < 3.2; a += 0.1 {
		far := 8 * math.Sqrt(a-1) // |y|² + r² = a r²
		target, err := density.NewWeightedPoints([]float64{math.Pow(a, -k), 1}, []float64{0, 0, far, 0}, 2)
		require.NoError(t, err)
		got := make([]float64, 2)
		pfgm.New(target, d, 0).Denoise(got, []float64{0, 0}, 1, sigma)
		require.InEpsilon(t, far/2, got[0], 1e-9, "a = %g", a) // the tolerance, and the rounding of a^-k
	}
}
