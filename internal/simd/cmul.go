package simd

import "math"

//go:generate go run -C gen ./cmul -out ../cmul_amd64.s -stubs ../cmul_amd64.go -pkg simd

// ComplexMul sets dst = s x, number by number; dst may be either. A part takes three roundings in
// Go and two at the other levels, an error of at most 2⁻⁵² |s||x| each.
func ComplexMul(dst, s, x []complex128) {
	s, x = s[:len(dst)], x[:len(dst)]
	done := 0
	if n := len(dst) / complexWidth(); n > 0 {
		done = n * complexWidth()
		if level == AVX512 {
			complexMulAVX512(&dst[0], &s[0], &x[0], n)
		} else {
			complexMulAVX2(&dst[0], &s[0], &x[0], n)
		}
	}
	for i := done; i < len(dst); i++ {
		dst[i] = complexTimes(real(s[i]), imag(s[i]), x[i])
	}
}

// ComplexAddConjMul adds conj(s) x to dst, number by number, the product as ComplexMul's.
func ComplexAddConjMul(dst, s, x []complex128) {
	s, x = s[:len(dst)], x[:len(dst)]
	done := 0
	if n := len(dst) / complexWidth(); n > 0 {
		done = n * complexWidth()
		if level == AVX512 {
			complexAddConjMulAVX512(&dst[0], &s[0], &x[0], n)
		} else {
			complexAddConjMulAVX2(&dst[0], &s[0], &x[0], n)
		}
	}
	for i := done; i < len(dst); i++ {
		dst[i] += complexTimes(real(s[i]), -imag(s[i]), x[i])
	}
}

// complexWidth is the number of complex numbers of a vector; so many that none has them at level
// Generic.
func complexWidth() int {
	if level == Generic {
		return math.MaxInt
	}
	return vectorWidth() / 2
}

// complexTimes returns (a + ib) x with the roundings of the level.
func complexTimes(a, b float64, x complex128) complex128 {
	p, q := real(x), imag(x)
	if level == Generic {
		return complex(float64(a*p)-float64(b*q), float64(a*q)+float64(b*p))
	}
	return complex(math.FMA(a, p, -float64(b*q)), math.FMA(a, q, b*p))
}
