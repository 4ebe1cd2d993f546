package special

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bits of the reference: all of its series have positive terms, so nothing cancels
// but for the slope, which loses at most (ν+x)² of 2^320.
const bits = 320

func num(x float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(x) }

// series sums Σ t_k, t_0 = 1, t_k = t_{k-1} y/(k (a+k)).
func series(y *big.Float, a float64) *big.Float {
	sum, t := num(1), num(1)
	for k := 1.0; ; k++ {
		t.Mul(t, y)
		t.Quo(t, new(big.Float).Mul(num(k), num(a).Add(num(a), num(k))))
		sum.Add(sum, t)
		if t.MantExp(nil) < sum.MantExp(nil)-bits && k > 1 {
			return sum
		}
	}
}

// exp returns e^x.
func exp(x float64) *big.Float {
	sum, t := num(1), num(1)
	for k := 1.0; t.Sign() > 0 && t.MantExp(nil) >= sum.MantExp(nil)-bits; k++ {
		t.Mul(t, num(x)).Quo(t, num(k))
		sum.Add(sum, t)
	}
	return sum
}

func logBig(x *big.Float) float64 {
	mant := new(big.Float)
	e := x.MantExp(mant)
	m, _ := mant.Float64()
	if e == 0 || e == 1 {
		// Near 1 the two logarithms below would cancel.
		f, _ := new(big.Float).Sub(x, num(1)).Float64()
		return math.Log1p(f)
	}
	return math.Log(m) + float64(e)*math.Ln2
}

// reference returns log(Γ(ν+1)(2/x)^ν e^{-x}I_ν), ρ and ρ'.
func reference(nu, x float64) (logSphere, rho, slope float64) {
	y := num(x)
	y.Mul(y, num(x)).Quo(y, num(4))
	s0, s1 := series(y, nu), series(y, nu+1)
	logSphere = logBig(new(big.Float).Quo(s0, exp(x)))
	r := new(big.Float).Quo(s1, s0)
	r.Mul(r, num(x)).Quo(r, new(big.Float).Mul(num(2), num(nu).Add(num(nu), num(1))))
	rho, _ = r.Float64()
	d := num(1)
	d.Sub(d, new(big.Float).Mul(r, r))
	c := num(2)
	c.Mul(c, num(nu)).Add(c, num(1)).Quo(c, num(x))
	d.Sub(d, c.Mul(c, r))
	slope, _ = d.Float64()
	return logSphere, rho, slope
}

// logLeading returns log(x^n/(2^n n!)) from a product in high precision.
func logLeading(n int, x float64) float64 {
	p := num(1)
	for k := 1; k <= n; k++ {
		p.Mul(p, num(x)).Quo(p, num(2*float64(k)))
	}
	return logBig(p)
}

var (
	orders    = []float64{-0.5, -0.375, 0, 0.25, 0.5, 1, 1.5, 4.125, 9.75, 11, 25.5, 29.9375, 31, 60, 163.5, 499, 1000, 4999.5}
	arguments = []float64{1e-300, 1e-8, 1e-3, 0.125, 1, 3, 8, 14, 20, 26, 29.75, 30.25, 33, 45, 90, 300, 1000, 4000}
)

// TestBessel: the tolerances are a few roundings; the worst errors seen are logged.
func TestBessel(t *testing.T) {
	var worst [3]float64
	var where [3]string
	see := func(i int, got, want, unit float64, at string) {
		if e := math.Abs(got-want) / unit; !(e <= worst[i]) {
			worst[i], where[i] = e, at
		}
	}
	for _, nu := range orders {
		for _, x := range arguments {
			at := fmt.Sprintf("ν=%g x=%g", nu, x)
			wantLog, wantRho, wantSlope := reference(nu, x)
			rho, slope := RatioI(nu, x)
			see(0, LogSphere(nu, x), wantLog, max(1, math.Abs(wantLog)), at)
			see(1, rho, wantRho, wantRho, at)
			see(2, slope, wantSlope, wantSlope, at)
			if nu == math.Trunc(nu) && nu < 300 {
				want := wantLog + logLeading(int(nu), x)
				require.InEpsilon(t, 1+math.Abs(want), 1+math.Abs(LogIScaled(nu, x)), 5e-15, at)
			}
		}
	}
	for i, name := range []string{"LogSphere", "ratio", "slope"} {
		t.Logf("%s: worst error %.2g at %s", name, worst[i], where[i])
	}
	assert.Less(t, worst[0], 1e-14) // ν log x against log Γ at ν = 11, x = 4000: 70 ulp of 1
	assert.Less(t, worst[1], 2e-15)
	// (2ν+1)/2x² is what is left of terms of order 1/x² in the slope at ν = -3/8: 8 ulp.
	assert.Less(t, worst[2], 1e-14)
}

func TestBesselHalfInteger(t *testing.T) {
	for _, x := range []float64{1e-6, 0.3, 2, 17, 29, 31, 200, 1e4, 1e10, 1e100, 1e300} {
		// I_{-1/2}, I_{1/2}: √(2/πx) cosh x and sinh x; I_{3/2}: cosh x - sinh x / x.
		root := 0.5 * math.Log(2/(math.Pi*x))
		e := -math.Expm1(-2 * x) // 1 - e^{-2x}
		tests := map[float64]float64{-0.5: root + math.Log(1-e/2), 0.5: root + math.Log(e/2)}
		if x > 1 {
			tests[1.5] = root + math.Log(1-e/2-e/2/x)
		}
		for nu, want := range tests {
			// Rounding of the reference's two logarithms.
			assert.InDelta(t, want, LogIScaled(nu, x), 1e-15*(4+math.Abs(want)), "ν=%g x=%g", nu, x)
		}
		rho, slope := RatioI(-0.5, x)
		assert.InEpsilon(t, math.Tanh(x), rho, 1e-15)
		if x < 300 {
			assert.InEpsilon(t, math.Pow(math.Cosh(x), -2), slope, 1e-13) // x·eps in cosh
		}
	}
}

// LogSphere far beyond the reference, by its definition: log Γ and ν log(x/2) of some
// 1e4 leave 1e-16 of that.
func TestLogSphereFar(t *testing.T) {
	for _, nu := range []float64{0, 3, 9.5, 11, 31, 400} {
		for _, x := range []float64{500, 1e7, 1e12, 1e100} {
			lg, _ := math.Lgamma(nu + 1)
			want := LogIScaled(nu, x) + lg - nu*math.Log(x/2)
			assert.InEpsilon(t, want, LogSphere(nu, x), 1e-14, "ν=%g x=%g", nu, x)
		}
	}
}

// The recurrence I_{ν-1} - I_{ν+1} = (2ν/x) I_ν ties three orders, and the argument
// 1e300 to order 1e6, far beyond the reference above.
func TestBesselRecurrence(t *testing.T) {
	for _, nu := range []float64{0.5, 0.75, 3, 20, 29.5, 31, 700, 5e3, 1e6} {
		for _, x := range []float64{1e-3, 5, 29, 31, 1e3, 1e4, 1e7, 1e300} {
			low, _ := RatioI(nu-1+1e-300, x)
			high, _ := RatioI(nu, x)
			// I_{ν-1}/I_ν - I_{ν+1}/I_ν = 1/ρ_{ν-1} - ρ_ν
			if nu >= 0.5 {
				assert.InEpsilon(t, 1+2*nu/x, 1+1/low-high, 1e-14, "ν=%g x=%g", nu, x)
			}
			// log I_{ν+1} - log I_ν = log ρ: each log carries an ulp of its size.
			a, b := LogIScaled(nu+1, x), LogIScaled(nu, x)
			assert.InDelta(t, math.Log(high), a-b, 4e-16*(4+math.Abs(a)+math.Abs(b)), "ν=%g x=%g", nu, x)
		}
	}
}

func TestBesselEnds(t *testing.T) {
	assert.Equal(t, math.Inf(1), LogIScaled(-0.25, 0))
	assert.Equal(t, 0.0, LogIScaled(0, 0))
	assert.Equal(t, math.Inf(-1), LogIScaled(2, 0))
	for _, nu := range []float64{-0.5, 0, 3, 31, 5000} {
		assert.InDelta(t, 0, LogSphere(nu, 0), 1e-17) // rounding of Stirling's correction
		rho, slope := RatioI(nu, 0)
		assert.Equal(t, 0.0, rho)
		assert.InEpsilon(t, 1/(2*nu+2), slope, 1e-14) // rounding
		for _, x := range []float64{5e-324, 1e-306, 1e300, math.MaxFloat64 / 4} {
			rho, slope := RatioI(nu, x)
			for _, v := range []float64{LogIScaled(nu, x), LogSphere(nu, x), rho, slope} {
				assert.False(t, math.IsNaN(v) || math.IsInf(v, 0), "ν=%g x=%g", nu, x)
			}
		}
	}
	assert.PanicsWithValue(t, "special: the Bessel functions need an order of at least -1/2 and an argument of at least 0",
		func() { LogIScaled(-1, 1) })
}
