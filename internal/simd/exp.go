package simd

import "math"

//go:generate go run -C gen ./exp -out ../exp_amd64.s -stubs ../exp_amd64.go -pkg simd

// Exp writes exp(x_i), to 2 ulp; dst may be x.
func Exp(dst, x []float64) {
	if len(dst) != len(x) {
		panic("simd: Exp of slices of different lengths")
	}
	if len(x) == 0 {
		return
	}
	switch level {
	case AVX512:
		expAVX512(&dst[0], &x[0], len(x))
	case AVX2:
		expAVX2(&dst[0], &x[0], len(x))
	default:
		for i, v := range x {
			if v > 709 {
				// math.Exp on amd64 (Go 1.26) is +Inf from 709.5 on.
				dst[i] = math.Exp(v-1) * math.E
			} else {
				dst[i] = math.Exp(v)
			}
		}
	}
}

// ExpSum replaces each t_j by exp(t_j - top), to 2 ulp of that of the rounded difference, or
// by 0 where the difference is below the cutoff, and returns the sum. The difference must
// not exceed 700, and the cutoff be -700 or more.
func ExpSum(t []float64, top, cutoff float64) float64 {
	if len(t) == 0 {
		return 0
	}
	switch level {
	case AVX512:
		return expSumAVX512(&t[0], len(t), top, cutoff)
	case AVX2:
		return expSumAVX2(&t[0], len(t), top, cutoff)
	}
	return expSum(t, top, cutoff)
}

// expSum is ExpSum in Go.
//
// With x = (64n + j)·(ln 2/64) + r, |r| ≤ ln 2/128, exp(x) = 2ⁿ·2^(j/64)·eʳ (Tang, ACM
// TOMS 15, 1989): a table and a polynomial of degree 5, whose remainder r⁶/720 is 3e-17.
// It is written out because a call of math.Exp costs more than all the rest.
func expSum(t []float64, top, cutoff float64) float64 {
	const (
		perLog2 = 64 / math.Ln2
		shift   = 0x1.8p52 // adding it rounds to an integer, left in the low bits
		high    = 0x1.62e42fefap-7
		low     = math.Ln2/64 - high
	)
	sum := 0.0
	for j, x := range t {
		x -= top
		if x < cutoff {
			t[j] = 0
			continue
		}
		n := x*perLog2 + shift
		bits := math.Float64bits(n)
		n -= shift
		r := (x - n*high) - n*low
		r2 := r * r
		p := r + r2*((1./2+r*(1./6))+r2*(1./24+r*(1./120)))
		s := math.Float64frombits(roots[bits%64] + bits<<46)
		e := s + s*p
		t[j] = e
		sum += e
	}
	return sum
}

// roots holds 2^(j/64) as bits, less j<<46, so that adding (64n + j)<<46 gives the
// bits of 2ⁿ·2^(j/64).
var roots = func() (t [64]uint64) {
	for j := range t {
		t[j] = math.Float64bits(math.Exp2(float64(j)/64)) - uint64(j)<<46
	}
	return t
}()
