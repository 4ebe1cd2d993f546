// Package special holds the special functions that the exact densities need and
// that neither package math nor gonum has: modified Bessel functions of real order
// without overflow, and moments of the truncated normal distribution without
// cancellation.
package special

import "math"

// The Bessel functions use two forms. With y = x²/4 and s = √(ν² + x²):
//
// For s < seriesLimit the ascending series, whose terms are all positive
// (Abramowitz & Stegun 9.6.10; the one of ρ' follows from the series of products,
// 9.1.14):
//
//	Γ(ν+1) (2/x)^ν I_ν(x) = S_ν = Σ y^k / (k! (ν+1)_k)
//	ρ'(x) = T/S_ν²,   T = Σ t_k,   t_0 = 1/(2ν+2),
//	t_{k+1}/t_k = 2y (2ν+2k+1) / ((2ν+k+2) (ν+k+2) (k+1))
//
// Beyond it the uniform expansion for large order (A&S 9.7.7). Written in s and
// q = (ν/s)², rather than in x/ν and 1/ν, it has no singularity at ν = 0, where it
// becomes Hankel's expansion for large argument, so that it serves small orders too:
//
//	I_ν(x) = exp(s) (x/(ν+s))^ν (2πs)^(-1/2) U,   U = Σ_k s^{-k} Σ_j c_{kj} q^j
//
// where u_k(p) = Σ_j c_{kj} p^{k+2j} are Debye's polynomials. With the weighted sums
// U_m = Σ c_{kj} (k+2j)^m q^j s^{-k} and Q = 1/2 + U_1/U_0,
//
//	ρ  = x/(ν+s) - (x/s²) Q
//	ρ' = ν/(s(ν+s)) - [(q - x²/s²) Q - (x²/s²) (U_2/U_0 - (U_1/U_0)²)]/s²
//
// The expansion is even in ν and I_{-ν} - I_ν is e^{-2x} of I_ν, below the rounding.
const (
	seriesLimit = 30
	debyeOrder  = 19 // at s = 30 the first term left out is 1e-17
)

// debye holds c_{kj}, from the recurrence A&S 9.3.10; both of its terms have the
// sign (-1)^j, so nothing cancels.
var debye = func() (c [debyeOrder][]float64) {
	c[0] = []float64{1}
	for k := range debyeOrder - 1 {
		next := make([]float64, k+2)
		for j, v := range c[k] {
			m := float64(k + 2*j) // power of p in u_k
			next[j] += v * (m/2 + 1/(8*(m+1)))
			next[j+1] -= v * (m/2 + 5/(8*(m+3)))
		}
		c[k+1] = next
	}
	return c
}()

// debyeSums returns U_0 - 1, U_1 and U_2.
func debyeSums(q, s float64) (u0, u1, u2 float64) {
	power := 1.0
	for k := 1; k < debyeOrder; k++ {
		power /= s
		var h0, h1, h2 float64
		for j := k; j >= 0; j-- {
			c, m := debye[k][j], float64(k+2*j)
			h0 = h0*q + c
			h1 = h1*q + c*m
			h2 = h2*q + c*m*m
		}
		u0 += power * h0
		u1 += power * h1
		u2 += power * h2
		// |h2| bounds the others and the terms fall until far below the rounding.
		if power*math.Abs(h2) < 1e-18 {
			break
		}
	}
	return u0, u1, u2
}

// besselSeries returns S_ν - 1.
func besselSeries(nu, x float64) float64 {
	y, t, s := x*x/4, 1.0, 0.0
	for k := 1.0; ; k++ {
		t *= y / (k * (nu + k))
		s += t
		if t <= 1e-17*(1+s) {
			return s
		}
	}
}

func checkOrder(nu, x float64) {
	if !(nu >= -0.5) || !(x >= 0) {
		panic("special: the Bessel functions need an order of at least -1/2 and an argument of at least 0")
	}
}

// LogI returns log(e^{-x} I_ν(x)), the logarithm of the exponentially scaled modified
// Bessel function of the first kind, for real ν ≥ -1/2 and x ≥ 0. The error is about
// 1e-15 max(1, |log I_ν|), for ν up to 1e6 at least and any x.
func LogI(nu, x float64) float64 {
	checkOrder(nu, x)
	if x == 0 {
		switch {
		case nu == 0:
			return 0
		case nu > 0:
			return math.Inf(-1)
		}
		return math.Inf(1)
	}
	s := math.Hypot(nu, x)
	if s < seriesLimit {
		lg, _ := math.Lgamma(nu + 1)
		return nu*(math.Log(x)-math.Ln2) - lg + math.Log1p(besselSeries(nu, x)) - x
	}
	r := nu / s
	u, _, _ := debyeSums(r*r, s)
	// (x/(ν+s))^ν = exp(-ν asinh(ν/x)), accurate for ν ≪ x; s - x = ν²/(s+x).
	asinh := math.Asinh(nu / x)
	if math.IsInf(asinh, 1) {
		asinh = math.Log(2*nu) - math.Log(x)
	}
	return r*nu/(1+x/s) - nu*asinh - 0.5*(math.Log(2*math.Pi)+math.Log(s)) + math.Log1p(u)
}

// LogSphere returns log(Γ(ν+1) (2/x)^ν e^{-x} I_ν(x)) for ν ≥ -1/2 and x ≥ 0. With
// ν = d/2 - 1 this is the logarithm of the mean of exp(x cos θ - x) over the unit
// sphere of R^d, θ the angle to a fixed axis. It is 0 at x = 0 and, unlike the sum of
// its parts, has no cancellation for large ν.
func LogSphere(nu, x float64) float64 {
	checkOrder(nu, x)
	s := math.Hypot(nu, x)
	if s < seriesLimit {
		return math.Log1p(besselSeries(nu, x)) - x
	}
	if nu < stirlingLimit {
		lg, _ := math.Lgamma(nu + 1)
		return LogI(nu, x) + lg - nu*math.Log(x/2)
	}
	// Γ(ν+1) by Stirling's formula, its large terms cancelled against those of I_ν. What
	// is left of the exponents is s - ν - x.
	q := nu / s
	u, _, _ := debyeSums(q*q, s)
	w := x / (s + nu) * x // s - ν
	e := w - x
	if x > nu {
		e = q*nu/(1+x/s) - nu
	}
	return e - nu*math.Log1p(w/(2*nu)) - 0.5*math.Log(s/nu) + math.Log1p(u) + stirling(nu)
}

// stirlingLimit is the smallest argument of stirling.
const stirlingLimit = 10

// stirling returns log Γ(x+1) - (x log x - x + log(2πx)/2) for x ≥ stirlingLimit
// (A&S 6.1.41); the first term left out is 1e-17 there.
func stirling(x float64) float64 {
	y := 1 / (x * x)
	return (1./12 - y*(1./360-y*(1./1260-y*(1./1680-y*(1./1188-y*(691./360360-y/156)))))) / x
}

// RatioI returns the ratio and its derivative
//
//	ρ = I_{ν+1}(x)/I_ν(x),   ρ' = 1 - ρ² - (2ν+1)ρ/x
//
// for real ν ≥ -1/2 and x ≥ 0, both to a relative error of about 1e-14: the derivative
// is not computed from the formula above, which cancels.
func RatioI(nu, x float64) (rho, slope float64) {
	checkOrder(nu, x)
	if nu == -0.5 {
		// I_{1/2}/I_{-1/2} = tanh; the expansion leaves its e^{-2x} out, which is all
		// there is in the derivative.
		e := math.Exp(-2 * x)
		c := 2 / (1 + e)
		return math.Tanh(x), e * c * c
	}
	s := math.Hypot(nu, x)
	if s < seriesLimit {
		y := x * x / 4
		s0 := 1 + besselSeries(nu, x)
		t := 1 / (2*nu + 2)
		sum := t
		for k := 0.0; t > 1e-17*sum; k++ {
			t *= 2 * y * (2*nu + 2*k + 1) / ((2*nu + k + 2) * (nu + k + 2) * (k + 1))
			sum += t
		}
		return x / (2*nu + 2) * (1 + besselSeries(nu+1, x)) / s0, sum / s0 / s0
	}
	r, c := nu/s, x/s
	u0, u1, u2 := debyeSums(r*r, s)
	u1, u2 = u1/(1+u0), u2/(1+u0)
	q := 0.5 + u1
	rho = x/(nu+s) - c/s*q
	slope = (r/(1+r) - ((r*r-c*c)*q-c*c*(u2-u1*u1))/s) / s
	return rho, slope
}
