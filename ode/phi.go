package ode

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// phi returns the function of exponential integrators (Hochbruck and Ostermann 2010,
// Exponential integrators, Acta Numerica 19, equation 2.10)
//
//	φ_k(z) = ∫ e^{(1-θ)z} θ^{k-1}/(k-1)! dθ over θ from 0 to 1,   k ≥ 1
//
// to a few units of rounding. Both series have positive terms only, so nothing cancels.
func phi(k int, z float64) float64 {
	if z == 0 {
		return 1 / factorial[k]
	}
	p := math.Expm1(z) / z
	if k == 1 {
		return p
	}
	const far = 12 // beyond it φ_{j+1} = (φ_j - 1/j!)/z loses less than a digit
	if math.Abs(z) > far {
		for j := 1; j < k; j++ {
			p = (p - 1/factorial[j]) / z
		}
		return p
	}
	if math.IsNaN(z) || math.IsInf(z, 0) {
		return math.NaN() // and not a series without end
	}
	sum := 0.0
	if z > 0 { // Σ zⁿ/(n+k)!
		term := 1 / factorial[k]
		for n := k + 1; term > 1e-17*sum; n++ {
			sum += term
			term *= z / float64(n)
		}
		return sum
	}
	// Kummer's transformation: e^z/(k-1)! Σ (-z)ⁿ/(n! (n+k))
	term := 1.0
	for n := 1; ; n++ {
		add := term / float64(n-1+k)
		if add <= 1e-17*sum {
			return math.Exp(z) / factorial[k-1] * sum
		}
		sum += add
		term *= -z / float64(n)
	}
}

var factorial = [...]float64{1, 1, 2, 6, 24, 120}

// expMoments sets m_j = ∫ e^{-(k-s)} (s/k)^j ds over s from 0 to k, which is k j! φ_{j+1}(-k):
// the weight of the data form for k = h, and for k = -h minus that of the noise form,
//
//	α'∫ e^{-(λ'-u)} θ^j du = α' m_j(h),   -α'∫ e^{-u} θ^j du = σ' m_j(-h),   θ = (u-λ)/h.
func expMoments(m []float64, k float64) {
	for j := range m {
		m[j] = k * factorial[j] * phi(j+1, -k)
	}
}

// lagrangeWeights sets w_j = Σ_i ℓ_ji m_i, where Σ_i ℓ_ji θ^i is the Lagrange polynomial of
// the j-th of at most four nodes: the integral of it, if m_i is the integral of θ^i.
func lagrangeWeights(w, nodes, m []float64) {
	for j := range w {
		var c [4]float64 // coefficients of Π (θ - θ_i)/(θ_j - θ_i)
		c[0] = 1
		for i, θ := range nodes {
			if i == j {
				continue
			}
			scale := 1 / (nodes[j] - θ)
			for e := len(c) - 1; e > 0; e-- {
				c[e] = (c[e-1] - θ*c[e]) * scale
			}
			c[0] *= -θ * scale
		}
		w[j] = 0
		for i, v := range m {
			w[j] += c[i] * v
		}
	}
}

// gaussPoints is the number of nodes of a panel of timeMoments: for the paths in use,
// whose Time is analytic within π of the real axis, the error of a panel of length 1 is
// far below rounding.
const gaussPoints = 16

// legendre holds the rule of Gauss and Legendre on [0, 1].
var legendre = func() (g struct{ x, w [gaussPoints]float64 }) {
	quad.Legendre{}.FixedLocations(g.x[:], g.w[:], 0, 1)
	return g
}()

// timeMoments sets m_j = ∫ ((t(ρ)-t)/(t'-t))^j dρ over ρ = σ/α from one level to another.
func timeMoments(m []float64, f Semilinear, from, to level) {
	h := to.lambda - from.lambda
	clear(m)
	panels := math.Ceil(math.Abs(h))
	if !(panels < 1e6) { // a step without finite length: no rule serves it
		for j := range m {
			m[j] = math.NaN()
		}
		return
	}
	for p := 0.0; p < panels; p++ {
		for i, x := range legendre.x {
			λ := from.lambda + h*(p+x)/panels
			v := -math.Exp(-λ) * legendre.w[i] * h / panels // dρ = -ρ dλ
			θ := (f.Time(λ) - from.t) / (to.t - from.t)
			for j := range m {
				m[j] += v
				v *= θ
			}
		}
	}
	m[0] = to.rho() - from.rho()
}
