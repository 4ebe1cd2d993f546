//go:build ignore

// Gen_bessel writes testdata/bessel.txt, the reference of the Bessel functions: a row
// for each of 2,000 pairs, eight float64 as the hexadecimal of their bits,
//
//	ν  x  log I_ν  log(e^{-x} I_ν)  log K_ν  log(e^x K_ν)  I_{ν+1}/I_ν  K_{ν+1}/K_ν
//
// all computed with 256 bits (77 digits). With s = √(ν²+x²) and t₀ = asinh(ν/x), the
// saddle point of both integrals (Watson, A Treatise on the Theory of Bessel Functions,
// 6.22),
//
//	K_ν = e^{-s+νt₀}/2 ∫ exp(-s(cosh τ - 1) - ν(sinh τ - τ)) dτ           over the line
//	I_ν = e^{s-νt₀}/π ∫_0^π exp(-s(1 - cos θ)) cos(ν(θ - sin θ)) dθ  + O(e^{-2s})
//
// by the trapezoidal rule, whose error falls exponentially with 1/h. Below s = 100,
// where the last term of I_ν counts, the ratio ρ = I_{ν+1}/I_ν comes from the ascending
// series and I_ν from the Wronskian
//
//	x (I_ν K_{ν+1} + I_{ν+1} K_ν) = 1
//
// Above, the Wronskian is the check: it must hold to 60 digits, as must the recurrence
// K_{ν+2} = K_ν + 2(ν+1)/x K_{ν+1} on a row in ten, and the sum of K_ν with half the step.
package main

import (
	"bufio"
	"fmt"
	"log"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
)

const (
	prec   = 256
	digits = 60
	pairs  = 2000
	cutoff = -170 // exponent below which a term is left out: 1e-74
)

type num = *big.Float

func f(x float64) num     { return new(big.Float).SetPrec(prec).SetFloat64(x) }
func add(a, b num) num    { return f(0).Add(a, b) }
func sub(a, b num) num    { return f(0).Sub(a, b) }
func mul(a, b num) num    { return f(0).Mul(a, b) }
func quo(a, b num) num    { return f(0).Quo(a, b) }
func sqrt(a num) num      { return f(0).Sqrt(a) }
func float(a num) float64 { v, _ := a.Float64(); return v }

var ln2, pi = mul(f(2), atan(3, 1)), sub(mul(f(16), atan(5, -1)), mul(f(4), atan(239, -1)))

// atan returns Σ sign^k n^{-2k-1}/(2k+1): atanh(1/n), or atan(1/n) for sign -1.
func atan(n, sign float64) num {
	p, sum := quo(f(1), f(n)), f(0)
	for k := 1.0; p.MantExp(nil) > -prec-8; k += 2 {
		sum.Add(sum, quo(p, f(k)))
		p.Mul(p, f(sign)).Quo(p, f(n*n))
	}
	return sum
}

// taylor returns Σ_{k≥0} sign^k y^{2k+n}/(2k+n)! from the order n on.
func taylor(y num, n int, sign float64) num {
	t := f(1)
	for k := 1; k <= n; k++ {
		t.Mul(t, y).Quo(t, f(float64(k)))
	}
	sum, y2 := f(0).Set(t), mul(mul(y, y), f(sign))
	for k := float64(n); t.Sign() != 0 && t.MantExp(nil) > sum.MantExp(nil)-prec-8; k += 2 {
		t.Mul(t, y2).Quo(t, f((k+1)*(k+2)))
		sum.Add(sum, t)
	}
	return sum
}

func exp(y num) num {
	const halvings = 16
	k := math.Round(float(y) / math.Ln2)
	r := sub(y, mul(f(k), ln2))
	r.SetMantExp(r, -halvings)
	t, sum := f(1), f(1)
	for j := 1.0; t.Sign() != 0 && t.MantExp(nil) > -prec-8; j++ {
		t.Mul(t, r).Quo(t, f(j))
		sum.Add(sum, t)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetMantExp(sum, int(k))
}

// logarithm by Halley's iteration on the exponential, which triples the digits.
func logarithm(a num) num {
	m := f(0)
	e := a.MantExp(m)
	y := f(math.Log(float(m)))
	for range 2 {
		p := exp(y)
		y.Add(y, quo(mul(f(2), sub(m, p)), add(m, p)))
	}
	return y.Add(y, mul(f(float64(e)), ln2))
}

func cos(y num) num {
	turns := math.Round(float(quo(y, pi)) / 2)
	return taylor(sub(y, mul(f(2*turns), pi)), 0, -1)
}

// A saddle holds what depends on ν and x only.
type saddle struct {
	nu, x, s num
	grow     num // e^{t₀} = (ν+s)/x
	excess   num // s - x - νt₀, without the cancellation of s and x
	h        num // step
}

func newSaddle(nu64, x64 float64) saddle {
	nu, x := f(nu64), f(x64)
	s := sqrt(add(mul(nu, nu), mul(x, x)))
	grow := quo(add(nu, s), x)
	excess := sub(quo(mul(nu, nu), add(s, x)), mul(nu, logarithm(grow)))
	return saddle{nu, x, s, grow, excess, step(s)}
}

// step is the step of the trapezoidal rule: the integrands are Gaussian of width
// 1/√s for large s, and double exponential for small.
func step(s num) num { return f(min(1./24, 0.2/math.Sqrt(float(s)))) }

// k returns log K_ν + s - νt₀ and K_{ν+1}/K_ν, whose integrand has the factor e^{t₀+τ}.
func (p saddle) k(h num) (l, ratio num) {
	w := add(p.s, p.nu)
	small := quo(mul(p.x, p.x), w) // s - ν
	sum, next := f(1), f(1)
	for _, side := range []float64{1, -1} {
		hop := mul(h, f(side))
		grow, e := exp(hop), f(1)
		for j := 1.0; ; j++ {
			tau := mul(f(j), hop)
			e.Mul(e, grow)
			var q num
			if j*float(h) < 0.5 {
				q = add(mul(p.s, taylor(tau, 2, 1)), mul(p.nu, taylor(tau, 3, 1)))
			} else {
				q = mul(f(0.5), add(mul(w, e), quo(small, e)))
				q.Sub(q, p.s).Sub(q, mul(p.nu, tau))
			}
			// The ratio's integrand may be wider on the right.
			if float(q)-max(0, float(tau)) > -cutoff {
				break
			}
			v := exp(q.Neg(q))
			sum.Add(sum, v)
			next.Add(next, mul(v, e))
		}
	}
	return logarithm(mul(sum, mul(h, f(0.5)))), mul(p.grow, quo(next, sum))
}

// i returns log I_ν - s + νt₀ and I_{ν+1}/I_ν, for s ≥ 100.
func (p saddle) i() (l, ratio num) {
	sum, next := f(0.5), f(0.5)
	for j := 1.0; ; j++ {
		th := mul(f(j), p.h)
		q := mul(p.s, taylor(th, 2, -1))
		if float(q) > -cutoff {
			break
		}
		v := exp(q.Neg(q))
		phase := mul(p.nu, taylor(th, 3, -1))
		sum.Add(sum, mul(v, cos(phase)))
		next.Add(next, mul(v, cos(add(phase, th))))
	}
	return logarithm(quo(mul(sum, p.h), pi)), quo(quo(next, sum), p.grow)
}

// ratioSeries returns I_{ν+1}/I_ν.
func ratioSeries(nu, x num) num {
	y := mul(mul(x, x), f(0.25))
	series := func(a num) num {
		sum, t := f(1), f(1)
		for k := 1.0; t.MantExp(nil) > sum.MantExp(nil)-prec-8; k++ {
			t.Mul(t, y).Quo(t, mul(f(k), add(a, f(k))))
			sum.Add(sum, t)
			if t.Sign() == 0 {
				break
			}
		}
		return sum
	}
	one := add(nu, f(1))
	return quo(mul(x, series(one)), mul(mul(f(2), one), series(nu)))
}

// check stops unless a is b to 60 digits of max(1, |b|).
func check(what string, a, b num, nu, x float64) {
	if d := math.Abs(float(sub(a, b))); d > math.Pow(10, -digits)*max(1, math.Abs(float(b))) {
		log.Fatalf("ν=%g x=%g: %s: error %.2g", nu, x, what, d)
	}
}

func row(nu, x float64, recheck bool) []float64 {
	p := newSaddle(nu, x)
	one := add(p.nu, f(1))
	k, r := p.k(p.h)
	if recheck {
		l, q := p.k(mul(p.h, f(0.5)))
		check("K, step", k, l, nu, x)
		check("K ratio, step", quo(r, q), f(1), nu, x)
		if one64 := float(one); one.Cmp(f(one64)) == 0 {
			next := newSaddle(one64, x)
			_, r1 := next.k(next.h)
			check("K, recurrence", quo(r1, add(quo(f(1), r), quo(mul(f(2), one), p.x))), f(1), nu, x)
		}
	}
	var i, rho num
	if float(p.s) < 100 {
		rho = ratioSeries(p.nu, p.x)
		i = sub(f(0), add(add(logarithm(p.x), k), logarithm(add(r, rho))))
	} else {
		i, rho = p.i()
		check("Wronskian", mul(mul(p.x, exp(add(i, k))), add(r, rho)), f(1), nu, x)
		if float(p.s) < 1000 {
			check("series", quo(rho, ratioSeries(p.nu, p.x)), f(1), nu, x)
		}
	}
	scaledI, scaledK := add(i, p.excess), sub(k, p.excess)
	return []float64{nu, x, float(add(scaledI, p.x)), float(scaledI), float(sub(scaledK, p.x)), float(scaledK), float(rho), float(r)}
}

// grid returns the pairs: a product grid, the seams of package special's methods, pairs
// around the zeros of log I and log K for large ν, and random ones.
func grid() (out [][2]float64) {
	orders := []float64{0, 1e-8, 1e-3, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3.3, 5, 7.5, 10, 15.2, 20.5, 25, 29, 29.9, 31, 35.5, 50,
		64, 100, 163.7, 255, 511.5, 1000, 1023, 4999, 1e4, 31622.7, 1e5, 499999, 1e6}
	arguments := []float64{1e-300, 1e-200, 1e-100, 1e-50, 1e-20, 1e-10, 1e-7, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9, 1,
		1.1, 1.5, 2, 2.5, 3.3, 5, 7, 10, 14, 20, 25, 29, 31, 40, 60, 100, 300, 1e3, 3e3, 1e4, 1e5, 1e6, 1e7, 1e10, 1e20,
		1e100, 1e200, 1e300}
	for _, nu := range orders {
		for _, x := range arguments {
			out = append(out, [2]float64{nu, x})
		}
	}
	for k := range 16 {
		sin, cos := math.Sincos(math.Pi / 2 * (float64(k) + 0.5) / 16)
		for _, s := range []float64{29.99, 30.01} {
			out = append(out, [2]float64{s * sin, s * cos})
		}
	}
	for _, nu := range []float64{40, 300, 3e3, 3e4, 3e5, 1e6} {
		for _, e := range []float64{-1e-2, -1e-4, -1e-6, -1e-9, 1e-9, 1e-6, 1e-4, 1e-2} {
			out = append(out, [2]float64{nu, 0.66274341934918158 * nu * (1 + e)})
		}
	}
	rng := rand.New(rand.NewPCG(5, 11))
	for len(out) < pairs {
		out = append(out, [2]float64{math.Pow(10, -3+9*rng.Float64()), math.Pow(10, -6+14*rng.Float64())})
	}
	return out
}

func main() {
	file, err := os.Create("testdata/bessel.txt")
	if err != nil {
		log.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for k, p := range grid() {
		for j, v := range row(p[0], p[1], k%10 == 0) {
			if j > 0 {
				fmt.Fprint(w, " ")
			}
			fmt.Fprintf(w, "%016x", math.Float64bits(v))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
}
