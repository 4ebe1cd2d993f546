package nn

import "math"

// float16 is IEEE 754's: sign, 5 bits of exponent, 10 of fraction.

// toHalf rounds to the nearest float16, ties to even; what is too large becomes infinite.
func toHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	a := math.Abs(float64(v))
	switch {
	case v != v:
		return sign | 0x7e00
	case a >= 65520:
		return sign | 0x7c00
	case a < 0x1p-14: // subnormal: multiples of 2^-24
		return sign | uint16(math.RoundToEven(a*0x1p24))
	}
	// the fraction's rounding carries into the exponent
	b := bits & 0x7fffffff
	b += 0xfff + b>>13&1
	return sign | uint16((b-(127-15)<<23)>>13)
}

func fromHalf(h uint16) float32 {
	sign, e, f := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&0x3ff)
	switch e {
	case 0:
		v := float32(f) * 0x1p-24
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | f<<13)
	}
	return math.Float32frombits(sign | (e+127-15)<<23 | f<<13)
}
