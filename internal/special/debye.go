package special

import "math"

// The uniform expansions for large order (Abramowitz & Stegun 9.7.7, 9.7.8), used for
// s = √(ν² + x²) ≥ seriesLimit. Written in s and q = (ν/s)², rather than in x/ν and
// 1/ν, they have no singularity at ν = 0, where they become Hankel's expansions for
// large argument, so that they serve small orders too:
//
//	I_ν(x) = (2πs)^(-1/2) exp(E) U,    U = Σ_k s^{-k} Σ_j c_{kj} q^j
//	K_ν(x) = (π/2s)^(1/2) exp(-E) V,   V = Σ_k (-s)^{-k} Σ_j c_{kj} q^j
//	E = s - ν asinh(ν/x)
//
// where u_k(p) = Σ_j c_{kj} p^{k+2j} are Debye's polynomials. The expansion of I_ν is
// even in ν, and I_{-ν} - I_ν is e^{-2x} of I_ν, below the rounding. For the weighted
// sums U_m = Σ c_{kj} (k+2j)^m q^j s^{-k}
//
//	dU_m/dx = -(x/s²) U_{m+1}
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

// debyeSum returns U - 1, or V - 1 for s < 0.
func debyeSum(q, s float64) float64 {
	sum, power := 0.0, 1.0
	for k := 1; k < debyeOrder; k++ {
		power /= s
		c := debye[k]
		h := c[k]
		for j := k - 1; j >= 0; j-- {
			h = h*q + c[j]
		}
		sum += power * h
		// The polynomial has zeros: the bound is on the whole row.
		if math.Abs(power)*debyeBound[k] < 1e-18 {
			break
		}
	}
	return sum
}

// debyeBound holds the largest |Σ_j c_{kj} q^j| over 0 ≤ q ≤ 1, on a grid.
var debyeBound = func() (b [debyeOrder]float64) {
	for k, c := range debye {
		for q := 0.0; q <= 1; q += 1. / 64 {
			h := 0.0
			for j := k; j >= 0; j-- {
				h = h*q + c[j]
			}
			b[k] = max(b[k], math.Abs(h))
		}
	}
	return b
}()

// debyeSums returns U_0 - 1, U_1 and U_2, or the V of K_ν for s < 0.
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
		if math.Abs(power*h2) < 1e-18 {
			break
		}
	}
	return u0, u1, u2
}

// The exponent E changes sign at x₀ = zero·ν, where s and ν asinh(ν/x) cancel. It is
// taken from there, both of its parts then having the sign of δ = x - x₀: with
// s₀ = root·ν, asinh a - asinh b = asinh((a² - b²)/(a√(1+b²) + b√(1+a²))) gives
//
//	E = δ (x+x₀)/(s+s₀) + ν asinh(δ/x · (ν + x/zero)/(s+s₀))
const (
	zero    = 0.662743419349181580974742097109 // root of √(1+z²) = asinh(1/z)
	zeroLow = zero - 0x1.53531aff7ce6dp-1      // what float64 leaves out
	root    = 1.199678640257733833916369848642 // √(1+zero²)
)

// exponent returns E, with a relative error of a few roundings at any x and ν.
func exponent(nu, x, s float64) float64 {
	delta := math.FMA(-zero, nu, x) - zeroLow*nu
	t := s + root*nu
	return delta*((x+zero*nu)/t) + nu*asinhQuo(delta*((nu+x/zero)/t), x)
}

// excess returns E - x ≤ 0, whose parts lose half of the first: s - x = ν²/(s+x).
func excess(nu, x, s float64) float64 {
	return nu/s*nu/(1+x/s) - nu*asinhQuo(nu, x)
}

// asinhQuo returns asinh(a/b) for b > 0, where the quotient may overflow.
func asinhQuo(a, b float64) float64 {
	if q := a / b; !math.IsInf(q, 0) {
		return math.Asinh(q)
	}
	return math.Copysign(math.Log(2*math.Abs(a))-math.Log(b), a)
}
