package simd

import "math"

//go:generate go run -C gen ./act -out ../act_amd64.s -stubs ../act_amd64.go -pkg simd

// SiLU writes y = x/(1+e^-x) and those of its first three derivatives d that are not nil; those
// after a nil are not written. Each value errs by at most 8 units in the last place of the sum
// of the moduli of its terms,
//
//	xs   s + xs'   2s' + xs”   3s” + xs' - 6xs'²,   s = 1/(1+e^-x),
//
// where subnormal numbers, e^-|x| among them, may count as zero: in assembly they do.
func SiLU[T Float](y []T, d [3][]T, x []T) { activate(silu, y, d, x, 0) }

// Softplus does so for y = log(1+e^{βx})/β = max(x, 0) + log(1+e^{-β|x|})/β, whose derivatives
// are s, βs' and β²s” at βx. β > 0 is rounded to a T.
func Softplus[T Float](y []T, d [3][]T, x []T, beta float64) { activate(softplus, y, d, x, beta) }

// Tanh does so for y = tanh x = 2s - 1, whose derivatives are 4s', 8s” and 16s”' at 2x.
func Tanh[T Float](y []T, d [3][]T, x []T) { activate(tanh, y, d, x, 0) }

// Sine does so for y = sin x where |x| ≤ 2²⁰; beyond, a float32 only has |y| ≤ 1, in assembly.
// The errors of float32 are below 2⁻²³.
func Sine[T Float](y []T, d [3][]T, x []T) { activate(sine, y, d, x, 0) }

type activation int

const (
	silu activation = iota
	softplus
	tanh
	sine
)

func activate[T Float](f activation, y []T, d [3][]T, x []T, beta float64) {
	n := len(x)
	orders := 0
	for orders < 3 && d[orders] != nil {
		d[orders] = d[orders][:n]
		orders++
	}
	y = y[:n]
	lanes := 8
	if _, ok := any(T(0)).(float64); ok {
		lanes = 4
	}
	switch {
	case n == 0:
	case level == Generic || f == sine && lanes == 4:
		activateTwin(f, y, orders, d, x, beta)
	case level == AVX2 && n%lanes != 0: // whole vectors, then one from a copy
		if whole := n - n%lanes; whole > 0 {
			head := d
			for i := range orders {
				head[i] = d[i][:whole]
			}
			activateVectors(f, y[:whole], orders, head, x[:whole], beta)
		}
		var in, out [8]T
		var to [3][8]T
		var tail [3][]T
		rest := n % lanes
		copy(in[:], x[n-rest:])
		for i := range orders {
			tail[i] = to[i][:lanes]
		}
		activateVectors(f, out[:lanes], orders, tail, in[:lanes], beta)
		copy(y[n-rest:], out[:rest])
		for i := range orders {
			copy(d[i][n-rest:], to[i][:rest])
		}
	default:
		activateVectors(f, y, orders, d, x, beta)
	}
}

func activateVectors[T Float](f activation, y []T, orders int, d [3][]T, x []T, beta float64) {
	var p [3]*T
	for i := range orders {
		p[i] = &d[i][0]
	}
	n := len(x)
	switch x := any(x).(type) {
	case []float32:
		y, d, k := &any(y).([]float32)[0], any(p).([3]*float32), float32(beta)
		inv, lim := 1/k, -104/k // e^-104 is 0
		switch {
		case f == silu && level == AVX512:
			silu32AVX512(y, d[0], d[1], d[2], &x[0], n)
		case f == silu:
			silu32AVX2(y, d[0], d[1], d[2], &x[0], n)
		case f == softplus && level == AVX512:
			softplus32AVX512(y, d[0], d[1], d[2], &x[0], n, k, inv, lim)
		case f == softplus:
			softplus32AVX2(y, d[0], d[1], d[2], &x[0], n, k, inv, lim)
		case f == tanh && level == AVX512:
			tanh32AVX512(y, d[0], d[1], d[2], &x[0], n)
		case f == tanh:
			tanh32AVX2(y, d[0], d[1], d[2], &x[0], n)
		case level == AVX512:
			sine32AVX512(y, d[0], d[1], d[2], &x[0], n)
		default:
			sine32AVX2(y, d[0], d[1], d[2], &x[0], n)
		}
	case []float64:
		y, d := &any(y).([]float64)[0], any(p).([3]*float64)
		inv, lim := 1/beta, -746/beta // e^-746 is 0
		switch {
		case f == silu && level == AVX512:
			silu64AVX512(y, d[0], d[1], d[2], &x[0], n)
		case f == silu:
			silu64AVX2(y, d[0], d[1], d[2], &x[0], n)
		case f == softplus && level == AVX512:
			softplus64AVX512(y, d[0], d[1], d[2], &x[0], n, beta, inv, lim)
		case f == softplus:
			softplus64AVX2(y, d[0], d[1], d[2], &x[0], n, beta, inv, lim)
		case level == AVX512:
			tanh64AVX512(y, d[0], d[1], d[2], &x[0], n)
		default:
			tanh64AVX2(y, d[0], d[1], d[2], &x[0], n)
		}
	}
}

// activateTwin computes in double precision. The derivatives of s are
//
//	s' = s(1-s)   s” = s'(1-2s)   s”' = s'(1-6s')
//
// and cancel less in e = e^-|z| than in s.
func activateTwin[T Float](f activation, y []T, orders int, d [3][]T, x []T, beta float64) {
	if f == sine {
		sineTwin(y, orders, d, x)
		return
	}
	k := [...]float64{silu: 1, softplus: float64(T(beta)), tanh: 2}[f]
	for j, v := range x {
		a := float64(v)
		b := min(math.Abs(a), 746/k) // e^-746 is 0
		z := k * b
		low := math.FMA(k, b, -z)
		var e, m float64 // e^-kb and 1 - e^-kb, one from the other where that loses nothing
		if z > math.Ln2 {
			e = math.Exp(-z) * (1 - low)
			m = 1 - e
		} else {
			m = -math.Expm1(-z)
			m += (1 - m) * low
			e = 1 - m
		}
		r := 1 / (1 + e)
		s := r
		if a < 0 {
			s = e * r
		}
		s1 := e * r * r
		s2 := -math.Copysign(s1*m*r, a)
		s3 := s1 * (1 - 6*s1)
		var t [4]float64
		switch f {
		case silu:
			t[0] = max(a, -746) * s // 0·∞ is 0 here
			b = math.Copysign(b, a)
			t[1], t[2], t[3] = s+b*s1, 2*s1+b*s2, 3*s2+b*s3
		case softplus:
			t = [4]float64{max(a, 0) + math.Log1p(e)/k, s, k * s1, k * k * s2}
		case tanh:
			t = [4]float64{math.Copysign(m*r, a), 4 * s1, 8 * s2, 16 * s3}
		}
		y[j] = T(t[0])
		for i := range orders {
			d[i][j] = T(t[i+1])
		}
	}
}

func sineTwin[T Float](y []T, orders int, d [3][]T, x []T) {
	for j, v := range x {
		s, c := math.Sincos(float64(v))
		y[j] = T(s)
		t := [3]float64{c, -s, -c}
		for i := range orders {
			d[i][j] = T(t[i])
		}
	}
}
