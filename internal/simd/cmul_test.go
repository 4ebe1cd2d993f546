package simd

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/assert"
)

func complexNumbers(n int, seed uint64) []complex128 {
	v, z := fftNumbers(2*n, seed), make([]complex128, n)
	for i := range z {
		z[i] = complex(v[2*i], v[2*i+1])
	}
	return z
}

func TestComplexMul(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64} {
		for _, special := range []float64{0.5, math.Copysign(0, -1), 5e-324, math.Inf(1), math.Inf(-1), math.NaN(), 1e200} {
			s, x, y := complexNumbers(n, 21), complexNumbers(n, 22), complexNumbers(n, 23)
			for i := 0; i < n; i += 3 {
				x[i] = complex(special, 1)
			}
			for _, l := range Levels() {
				restore := Use(l)
				product, sum := make([]complex128, n), append([]complex128(nil), y...)
				ComplexMul(product, s, x)
				ComplexAddConjMul(sum, s, x)
				for i, v := range x {
					a, b, p, q := real(s[i]), imag(s[i]), real(v), imag(v)
					// three roundings of half a unit of numbers up to twice |s||x|, one more of the sum, and
					// a unit of subnormal numbers
					tol := 4 * 0x1p-53 * (2*cmplx.Abs(s[i])*cmplx.Abs(v) + cmplx.Abs(y[i]))
					close := func(want, got float64, what string) {
						if want-want != 0 {
							assert.Equal(t, fmt.Sprint(want), fmt.Sprint(got), "%v n=%d %s at %d", l, n, what, i)
						} else {
							assert.InDelta(t, want, got, tol+5e-324, "%v n=%d %s at %d", l, n, what, i)
						}
					}
					close(a*p-b*q, real(product[i]), "real")
					close(a*q+b*p, imag(product[i]), "imag")
					close(real(y[i])+(a*p+b*q), real(sum[i]), "conj real")
					close(imag(y[i])+(a*q-b*p), imag(sum[i]), "conj imag")
				}
				// A number does not depend on those beside it.
				for i := range n {
					one, more := []complex128{0}, []complex128{y[i]}
					ComplexMul(one, s[i:], x[i:])
					ComplexAddConjMul(more, s[i:], x[i:])
					assert.Equal(t, fmt.Sprint(product[i], sum[i]), fmt.Sprint(one[0], more[0]), "%v n=%d at %d", l, n, i)
				}
				restore()
			}
		}
	}
	assert.Panics(t, func() { ComplexMul(make([]complex128, 9), make([]complex128, 8), make([]complex128, 9)) })
	assert.Panics(t, func() { ComplexAddConjMul(make([]complex128, 9), make([]complex128, 9), make([]complex128, 8)) })
}

func BenchmarkComplexMul(b *testing.B) {
	const n = 1024
	d, s, x := complexNumbers(n, 1), complexNumbers(n, 2), complexNumbers(n, 3)
	for _, l := range Levels() {
		b.Run(fmt.Sprintf("set/%s", l), func(b *testing.B) {
			defer Use(l)()
			for b.Loop() {
				ComplexMul(d, s, x)
			}
		})
		b.Run(fmt.Sprintf("addConj/%s", l), func(b *testing.B) {
			defer Use(l)()
			for b.Loop() {
				ComplexAddConjMul(d, s, x)
			}
		})
	}
}
