package special

import "math"

// K_ν uses three forms. With s = √(ν² + x²):
//
// For s ≥ seriesLimit the uniform expansion (debye.go), of which
//
//	K_{ν+1}/K_ν = (ν+s)/x + (x/s²) (1/2 + V_1/V_0)
//
// Below it, for x > temmeLimit the integral (Abramowitz & Stegun 9.6.24)
//
//	K_ν(x) = ∫_0^∞ exp(-x cosh t) cosh νt dt
//
// by the trapezoidal rule, whose terms are positive and whose error falls exponentially
// with the step; for smaller x Temme's series (1975, Journal of Computational Physics
// 19, 324-337) at μ = ν - n, |μ| ≤ 1/2, and the recurrence upwards from there, which is
// stable, for ρ_μ = x K_{μ+1}/K_μ, which does not overflow:
//
//	ρ_{μ+1} = x²/ρ_μ + 2(μ+1),   K_{μ+n} = K_μ x^{-n} Π_{k<n} ρ_{μ+k}
const (
	temmeLimit = 1
	// At ν = 31 and x = 1 the rule's error is 1e-19 of the integral.
	trapStep = 0.1
)

// trap holds cosh t - 1 and e^t at the nodes t = trapStep·j. The last is t = 5.7; the
// integrand for ν = 31, x = 1 has fallen to 1e-17 of its sum at 5.5.
var trap = func() (c [58]struct{ cosh, exp float64 }) {
	for j := range c {
		t := trapStep * float64(j)
		h := math.Sinh(t / 2)
		c[j].cosh, c[j].exp = 2*h*h, math.Exp(t)
	}
	return c
}()

func checkK(nu, x float64) {
	if !(nu >= 0) || !(x >= 0) {
		panic("special: the Bessel function K needs an order and an argument of at least 0")
	}
}

// LogK returns log K_ν(x), the logarithm of the modified Bessel function of the second
// kind, for real ν ≥ 0 and x ≥ 0. The error is below 5e-15 max(1, |log K_ν|) for ν up to
// 1e6 and x from 1e-300 to 1e300 (measured), also where the function is near 1.
func LogK(nu, x float64) float64 { return logK(nu, x, exponent, x) }

// LogKScaled returns log(e^x K_ν(x)), the logarithm of the exponentially scaled
// function; domain and error are those of LogK.
func LogKScaled(nu, x float64) float64 { return logK(nu, x, excess, 0) }

func logK(nu, x float64, exponent func(nu, x, s float64) float64, shift float64) float64 {
	checkK(nu, x)
	if x == 0 {
		return math.Inf(1)
	}
	s := math.Hypot(nu, x)
	if s < seriesLimit {
		l, _ := smallK(nu, x)
		return l - shift
	}
	r := nu / s
	return 0.5*(math.Log(math.Pi/2)-math.Log(s)) - exponent(nu, x, s) + math.Log1p(debyeSum(r*r, -s))
}

// RatioK returns K_{ν+1}(x)/K_ν(x) for real ν ≥ 0 and x ≥ 0, to a relative error of about
// 2e-15. It is about 2ν/x for small x, which exceeds float64 for x < 1e-308 ν only.
func RatioK(nu, x float64) float64 {
	checkK(nu, x)
	if x == 0 {
		return math.Inf(1)
	}
	s := math.Hypot(nu, x)
	if s < seriesLimit {
		_, r := smallK(nu, x)
		return r
	}
	r := nu / s
	v0, v1, _ := debyeSums(r*r, -s)
	return (s+nu)/x + x/s/s*(0.5+v1/(1+v0))
}

// DLogK returns d/dx log K_ν(x) = ν/x - K_{ν+1}/K_ν for ν ≥ 0 and x > 0, to a relative
// error of about 3e-15: the ratio is at least twice the first term.
func DLogK(nu, x float64) float64 { return nu/x - RatioK(nu, x) }

// smallK returns log(e^x K_ν) and K_{ν+1}/K_ν for s < seriesLimit.
func smallK(nu, x float64) (l, ratio float64) {
	if x > temmeLimit {
		return trapezoidK(nu, x)
	}
	n := math.Floor(nu + 0.5)
	mu := nu - n
	k, rho := temmeK(mu, x)
	product := 1.0 // below 62^30
	for j := range int(n) {
		product *= rho
		rho = x*(x/rho) + 2*(mu+float64(j+1))
	}
	return math.Log(k) + math.Log(product) - n*math.Log(x) + x, rho / x
}

func trapezoidK(nu, x float64) (l, ratio float64) {
	// cosh νt = e^{νt} (1 + e^{-2νt})/2, the last a geometric sequence.
	sum, next, small, fall := 0.5, 0.5, 1.0, math.Exp(-2*nu*trapStep)
	for j, c := range trap[1:] {
		small *= fall
		e := 0.5 * math.Exp(nu*trapStep*float64(j+1)-x*c.cosh)
		sum += e * (1 + small)
		next += e * (c.exp + small/c.exp)
		if e*c.exp < 1e-17*next {
			break
		}
	}
	return math.Log(trapStep * sum), next / sum
}

// reciprocalGamma holds the coefficients of 1/Γ(1+μ) in powers of μ (A&S 6.1.34),
// computed with 40 digits; the first left out is 1e-19 at μ = 1/2.
var reciprocalGamma = [...]float64{
	1, 0.5772156649015328606065, -0.655878071520253881077, -0.042002635034095235529, 0.1665386113822914895017,
	-0.04219773455554433674821, -0.009621971527876973562115, 0.007218943246663099542395, -0.001165167591859065112114,
	-0.0002152416741149509728157, 0.0001280502823881161861532, -0.00002013485478078823865569, -0.000001250493482142670657345,
	0.000001133027231981695882374, -2.05633841697760710345e-7, 6.116095104481415817862e-9, 5.002007644469222930056e-9,
	-1.181274570487020144588e-9, 1.043426711691100510492e-10, 7.78226343990507125405e-12, -3.696805618642205708188e-12,
}

// temmeK returns K_μ(x) and x K_{μ+1}/K_μ for |μ| ≤ 1/2 and x ≤ temmeLimit:
//
//	K_μ = Σ c_k f_k,   x K_{μ+1}/2 = Σ c_k (p_k - k f_k),   c_k = (x²/4)^k/k!
//	f_k = (k f_{k-1} + p_{k-1} + q_{k-1})/(k² - μ²),   p_k = p_{k-1}/(k-μ),   q_k = q_{k-1}/(k+μ)
//	p_0 = e^σ Γ(1+μ)/2,   q_0 = e^{-σ} Γ(1-μ)/2,   σ = μ log(2/x)
//	f_0 = πμ/sin πμ (Γ₁ cosh σ + Γ₂ log(2/x) sinh(σ)/σ)
//
// where 1/Γ(1±μ) = Γ₂ ∓ μΓ₁.
func temmeK(mu, x float64) (k, rho float64) {
	var g1, g2 float64
	for j := len(reciprocalGamma) - 1; j > 0; j -= 2 {
		g2 = (g2 + reciprocalGamma[j]) * mu * mu
		g1 = g1*mu*mu - reciprocalGamma[j-1]
	}
	g2++
	l := math.Ln2 - math.Log(x)
	sigma := mu * l
	e := math.Exp(sigma)
	sinhc, reflect := 1.0, 1.0
	if sigma != 0 {
		sinhc = math.Sinh(sigma) / sigma
		reflect = math.Pi * mu / math.Sin(math.Pi*mu)
	}
	f := reflect * (g1*math.Cosh(sigma) + g2*l*sinhc)
	p, q := e/(2*(g2-mu*g1)), 1/(2*e*(g2+mu*g1))
	k, k1, c := f, p, 1.0
	for j := 1.0; c > 1e-18; j++ {
		c *= x * x / (4 * j)
		f = (j*f + p + q) / (j*j - mu*mu)
		p /= j - mu
		q /= j + mu
		k += c * f
		k1 += c * (p - j*f)
	}
	return k, 2 * k1 / k
}
