package simd

import "math"

//go:generate go run -C gen ./sincos -out ../sincos_amd64.s -stubs ../sincos_amd64.go -pkg simd

// SinCos writes the sines and cosines of x, with the special cases of math.Sincos, to 2 ulp
// for |x| ≤ 2³⁰ and like math.Sincos beyond. sin or cos may be x.
func SinCos(sin, cos, x []float64) {
	if len(sin) != len(x) || len(cos) != len(x) {
		panic("simd: lengths differ")
	}
	width := vectorWidth()
	if width == 0 {
		for i, v := range x {
			sin[i], cos[i] = sinCos(v)
		}
		return
	}
	for len(x) > 0 {
		if n := len(x) / width; n > 0 {
			left := sinCosVectors(&sin[0], &cos[0], &x[0], n)
			done := (n - left) * width
			sin, cos, x = sin[done:], cos[done:], x[done:]
			if left == 0 {
				continue
			}
		}
		// A vector with numbers that the kernel leaves to math.Sincos, or the last few.
		var s, c [8]float64
		m := min(width, len(x))
		for i, v := range x[:m] {
			if math.Abs(v) <= sinCosLimit {
				c[i] = v
			}
		}
		sinCosVectors(&s[0], &c[0], &c[0], 1)
		for i, v := range x[:m] {
			if math.Abs(v) <= sinCosLimit {
				sin[i], cos[i] = s[i], c[i]
			} else {
				sin[i], cos[i] = math.Sincos(v)
			}
		}
		sin, cos, x = sin[m:], cos[m:], x[m:]
	}
}

const sinCosLimit = 1 << 30

// π/2 = half0 + half1 + half2 to 160 bits; none is negative, so that -0 stays -0.
const (
	half0 = math.Pi / 2
	half1 = 6.123233995736765e-17
	half2 = 1.082856673921914e-32
)

// sinCos reduces x by a multiple of π/2, without rounding but at the end.
func sinCos(x float64) (sin, cos float64) {
	if !(math.Abs(x) <= sinCosLimit) {
		return math.Sincos(x)
	}
	q := math.RoundToEven(x*(2/math.Pi)) + 0 // no -0 here
	r := math.FMA(-q, half0, x)
	r = math.FMA(-q, half1, r)
	r = math.FMA(-q, half2, r)
	sin, cos = octant(r)
	sin = math.Copysign(sin, r) // that of -0
	switch int64(q) & 3 {
	case 1:
		sin, cos = cos, -sin
	case 2:
		sin, cos = -sin, -cos
	case 3:
		sin, cos = -cos, sin
	}
	return sin, cos
}

// octant returns sin x and cos x for |x| ≤ π/4, and a little beyond, by the polynomials of Cephes
// that math.Sincos has too: it spends most of its time before them.
func octant(x float64) (sin, cos float64) {
	z := x * x
	sin = x + x*z*(((((1.58962301576546568060e-10*z-2.50507477628578072866e-8)*z+2.75573136213857245213e-6)*z-
		1.98412698295895385996e-4)*z+8.33333333332211858878e-3)*z-1.66666666666666307295e-1)
	cos = 1 - 0.5*z + z*z*((((((-1.13585365213876817300e-11*z+2.08757008419747316778e-9)*z-2.75573141792967388112e-7)*z+
		2.48015872888517045348e-5)*z-1.38888888888730564116e-3)*z)+4.16666666666665929218e-2)
	return sin, cos
}

func sinCosVectors(sin, cos, x *float64, n int) (left int) {
	if level == AVX512 {
		return sinCosAVX512(sin, cos, x, n)
	}
	return sinCosAVX2(sin, cos, x, n)
}
