package special

import "math"

// I_ν uses two forms. With y = x²/4 and s = √(ν² + x²):
//
// For s < seriesLimit the ascending series, whose terms are all positive
// (Abramowitz & Stegun 9.6.10; the one of ρ' follows from the series of products,
// 9.1.14):
//
//	Γ(ν+1) (2/x)^ν I_ν(x) = S_ν = Σ y^k / (k! (ν+1)_k)
//	ρ'(x) = T/S_ν²,   T = Σ t_k,   t_0 = 1/(2ν+2),
//	t_{k+1}/t_k = 2y (2ν+2k+1) / ((2ν+k+2) (ν+k+2) (k+1))
//
// Beyond it the uniform expansion (debye.go), of which, with Q = 1/2 + U_1/U_0,
//
//	ρ  = x/(ν+s) - (x/s²) Q
//	ρ' = ν/(s(ν+s)) - [(q - x²/s²) Q - (x²/s²) (U_2/U_0 - (U_1/U_0)²)]/s²

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

// LogI returns log I_ν(x), the logarithm of the modified Bessel function of the first
// kind, for real ν ≥ -1/2 and x ≥ 0. The error is below 5e-15 max(1, |log I_ν|) for ν up
// to 1e6 and x from 1e-300 to 1e300 (measured), also where the function is near 1.
func LogI(nu, x float64) float64 { return logI(nu, x, exponent, 0) }

// LogIScaled returns log(e^{-x} I_ν(x)), the logarithm of the exponentially scaled
// function; domain and error are those of LogI.
func LogIScaled(nu, x float64) float64 { return logI(nu, x, excess, x) }

// logI takes the exponent of the form asked for, and what to subtract from the series.
func logI(nu, x float64, exponent func(nu, x, s float64) float64, shift float64) float64 {
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
		return nu*(math.Log(x)-math.Ln2) - lg + math.Log1p(besselSeries(nu, x)) - shift
	}
	r := nu / s
	return exponent(nu, x, s) - 0.5*(math.Log(2*math.Pi)+math.Log(s)) + math.Log1p(debyeSum(r*r, s))
}

// DLogI returns d/dx log I_ν(x) = ν/x + I_{ν+1}/I_ν for ν ≥ 0 and x > 0, to a relative
// error of about 1e-15.
func DLogI(nu, x float64) float64 {
	rho, _ := RatioI(nu, x)
	return nu/x + rho
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
		return LogIScaled(nu, x) + lg - nu*math.Log(x/2)
	}
	// Γ(ν+1) by Stirling's formula, its large terms cancelled against those of I_ν. What
	// is left of the exponents is s - ν - x.
	q := nu / s
	u := debyeSum(q*q, s)
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
