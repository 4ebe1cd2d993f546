package density

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestSpheres(dim int, radii ...float64) *Spheres {
	w := []float64{1, 2, 0.5}
	s, err := NewSpheres(w[:len(radii)], radii, dim)
	if err != nil {
		panic(err)
	}
	return s
}

func init() {
	register(
		row{name: "spheres1", target: newTestSpheres(1, 1, 3), scale: 3},
		row{name: "rings", target: newTestSpheres(2, 1, 3, 0), scale: 3},
		row{name: "spheres3", target: newTestSpheres(3, 2), scale: 2},
		row{name: "spheres64", target: newTestSpheres(64, 4, 4.5, 2), scale: 4},
		row{name: "smooth rings", target: Smooth(newTestSpheres(2, 1, 3), 0.1), scale: 3},
	)
}

// TestSphereLogProb against the two points of d = 1, the integral over the angle in
// d = 2, and the closed form of d = 3.
func TestSphereLogProb(t *testing.T) {
	const alpha = 0.8
	got := make([]float64, 1)
	for _, sigma := range []float64{0.05, 0.3, 1, 10, 1e3} {
		for _, r := range []float64{0, 1e-7, 0.3, 1.1, 2.4, 2.6, 7} {
			logs := map[int]float64{}
			for d := 1; d <= 3; d++ {
				top := math.Inf(-1)
				sum := 0.0
				norm := -float64(d) * (math.Log(2*math.Pi)/2 + math.Log(sigma))
				for j, R := range []float64{1, 3} {
					a := alpha * R
					w := []float64{1. / 3, 2. / 3}[j]
					l := math.Log(w) - (r-a)*(r-a)/2/sigma/sigma
					z := a * r / sigma / sigma
					switch d { // times the mean of exp(z(cos θ - 1))
					case 1:
						l += math.Log((1 + math.Exp(-2*z)) / 2)
					case 2:
						const n = 4000 // periodic and analytic: exact to rounding for z ≪ n
						m := 0.0
						for k := range n {
							m += math.Exp(z * (math.Cos(2*math.Pi*float64(k)/n) - 1))
						}
						l += math.Log(m / n)
					case 3:
						if z > 0 {
							l += math.Log(-math.Expm1(-2*z) / (2 * z))
						}
					}
					if l > top {
						sum, top = sum*math.Exp(top-l), l
					}
					sum += math.Exp(l - top)
				}
				logs[d] = norm + top + math.Log(sum)
				x := make([]float64, d)
				x[d-1] = -r
				s, err := NewSpheres([]float64{1, 2}, []float64{1, 3}, d)
				require.NoError(t, err)
				s.LogProb(got, x, alpha, sigma)
				// Rounding of (r-αR)²/2σ², up to 6000 here.
				assert.InDelta(t, logs[d], got[0], 1e-13*(1+math.Abs(logs[d])), "d=%d σ=%g r=%g", d, sigma, r)
			}
		}
	}
}

// TestSphereWide: derivatives in a thousand dimensions, relative 1e-6 (order 4 of the
// central difference; log p ≈ 1e3 carries 1e-13 of rounding).
func TestSphereWide(t *testing.T) {
	const d = 1000
	s := newTestSpheres(d, 30, 33)
	rng := source(50)
	D, sc, J, g, lp := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, 1)
	v := noised(Normal(d, 1), 1, 1/math.Sqrt(d), 0, rng)
	for _, sigma := range []float64{1e-2, 0.3, 1, 10, 1e3} {
		x := noised(s, 1, 1, sigma, rng)
		// Along x the radial parts count, along v the tangential.
		u := append([]float64(nil), v...)
		for j := range u {
			u[j] = v[j] + x[j]/norm(x)
		}
		s.Denoise(D, x, 1, sigma)
		s.Score(sc, x, 1, sigma)
		s.JVP(J, x, u, 1, sigma)
		dot := 0.0
		for j := range u {
			dot += sc[j] * u[j]
		}
		central(lp, x, u, 1e-2*sigma, func(dst, x []float64) { s.LogProb(dst, x, 1, sigma) })
		assert.InDelta(t, dot, lp[0], 1e-6*(math.Abs(dot)+1/sigma), "σ=%g", sigma)
		central(g, x, u, 1e-2*sigma, func(dst, x []float64) { s.Denoise(dst, x, 1, sigma) })
		for j := range g {
			require.InDelta(t, g[j], J[j], 1e-6*norm(J), "σ=%g", sigma)
		}
	}
}

// Beyond z = 1e8 the textbook radial variance 1 - ρ² - (d-1)ρ/z has lost all digits;
// ours is R²(d-1)/(2z²) there.
func TestSphereRadialVariance(t *testing.T) {
	const R, sigma = 2, 1e-4
	s := newTestSpheres(3, R)
	x, e, J := []float64{0, 2, 0}, []float64{0, 1, 0}, make([]float64, 3)
	s.JVP(J, x, e, 1, sigma)
	z := R * 2 / (sigma * sigma)
	// d = 3: ρ = coth z - 1/z, ρ' = 1/z² to all digits. The radial part is gain + outer r²,
	// a difference of 1 and 1, hence the absolute rounding.
	assert.InDelta(t, R*R/(z*z)/(sigma*sigma), J[1], 1e-15)
}

func TestSphereErrors(t *testing.T) {
	_, err := NewSpheres(nil, []float64{-1}, 2)
	assert.EqualError(t, err, "density: radius 0 is -1, want a number ≥ 0")
	_, err = NewSpheres(nil, []float64{1}, 0)
	assert.EqualError(t, err, "density: spheres in dimension 0, want at least 1")
	_, err = NewSpheres([]float64{0}, []float64{1}, 2)
	assert.Error(t, err)
}
