package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type instruction = func(...operand.Op)

// A vec is arithmetic on vectors of one type at one level; each result is a new register.
type vec struct {
	bits   int
	avx512 bool
	params map[string]reg.VecVirtual

	mov, broadcast, plus, minus, mul, max, min, and, or, xor instruction
	fma231, fma213, fnma231, fms213                          instruction
	movZ                                                     func(_, _, _ operand.Op)
}

func newVec(bits int, avx512 bool) *vec {
	g := &vec{bits: bits, avx512: avx512}
	if bits == 32 {
		g.mov, g.movZ, g.broadcast = VMOVUPS, VMOVUPS_Z, VBROADCASTSS
		g.plus, g.minus, g.mul, g.max, g.min = VADDPS, VSUBPS, VMULPS, VMAXPS, VMINPS
		g.and, g.or, g.xor = VANDPS, VORPS, VXORPS
		g.fma231, g.fma213, g.fnma231, g.fms213 = VFMADD231PS, VFMADD213PS, VFNMADD231PS, VFMSUB213PS
	} else {
		g.mov, g.movZ, g.broadcast = VMOVUPD, VMOVUPD_Z, VBROADCASTSD
		g.plus, g.minus, g.mul, g.max, g.min = VADDPD, VSUBPD, VMULPD, VMAXPD, VMINPD
		g.and, g.or, g.xor = VANDPD, VORPD, VXORPD
		g.fma231, g.fma213, g.fnma231, g.fms213 = VFMADD231PD, VFMADD213PD, VFNMADD231PD, VFMSUB213PD
	}
	return g
}

func (g *vec) lanes() int {
	if g.avx512 {
		return 512 / g.bits
	}
	return 256 / g.bits
}

// limit is where e^-v is 0.
func (g *vec) limit() float64 {
	if g.bits == 32 {
		return 104
	}
	return 746
}

func (g *vec) reg() reg.VecVirtual {
	if g.avx512 {
		return ZMM()
	}
	return YMM()
}

var consts = map[string]operand.Mem{}

// c returns the address of 64 bytes of copies of v.
func (g *vec) c(v float64) operand.Mem {
	w := operand.Constant(operand.U64(math.Float64bits(v)))
	n := 8
	if g.bits == 32 {
		w, n = operand.U32(math.Float32bits(float32(v))), 4
	}
	name := fmt.Sprintf("act%d_%x", g.bits, w)
	m, ok := consts[name]
	if !ok {
		m = GLOBL(name, attr.RODATA|attr.NOPTR)
		for i := 0; i < 64; i += n {
			DATA(i, w)
		}
		consts[name] = m
	}
	return m
}

// word is c of the float32 that has these bits.
func (g *vec) word(bits uint32) operand.Mem { return g.c(float64(math.Float32frombits(bits))) }

func (g *vec) signs() operand.Mem { return g.c(math.Copysign(0, -1)) }

func (g *vec) zero() reg.VecVirtual {
	x := g.reg()
	g.xor(x, x, x)
	return x
}

func (g *vec) load(m operand.Mem) reg.VecVirtual {
	x := g.reg()
	g.mov(m, x)
	return x
}

func (g *vec) copy(a reg.VecVirtual) reg.VecVirtual {
	x := g.reg()
	g.mov(a, x)
	return x
}

// bin is op(b, a); max and min return a where one is NaN.
func (g *vec) bin(op instruction, a operand.Op, b reg.VecVirtual) reg.VecVirtual {
	x := g.reg()
	op(a, b, x)
	return x
}

func (g *vec) add(a operand.Op, b reg.VecVirtual) reg.VecVirtual  { return g.bin(g.plus, a, b) }
func (g *vec) mulv(a operand.Op, b reg.VecVirtual) reg.VecVirtual { return g.bin(g.mul, a, b) }

// fma is ab + c.
func (g *vec) fma(a, b, c reg.VecVirtual) reg.VecVirtual {
	x := g.copy(c)
	g.fma231(a, b, x)
	return x
}

// horner is c[0] + c[1]x + …
func (g *vec) horner(x reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := g.load(g.c(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		g.fma213(g.c(c[i]), x, p)
	}
	return p
}

// blend is neg where x has its sign set, pos elsewhere.
func (g *vec) blend(x, neg, pos reg.VecVirtual) reg.VecVirtual {
	y := g.reg()
	switch {
	case g.avx512 && g.bits == 32:
		k := K()
		VPMOVD2M(x, k)
		VBLENDMPS(neg, pos, k, y)
	case g.avx512:
		k := K()
		VPMOVQ2M(x, k)
		VBLENDMPD(neg, pos, k, y)
	case g.bits == 32:
		VBLENDVPS(x, neg, pos, y)
	default:
		VBLENDVPD(x, neg, pos, y)
	}
	return y
}

// reciprocal is 1/d for 1 ≤ d ≤ 2, in AVX-512 to about one unit in the last place: 14 bits,
// doubled by each Newton step.
func (g *vec) reciprocal(d reg.VecVirtual) reg.VecVirtual {
	x := g.reg()
	steps := 2
	switch {
	case g.avx512 && g.bits == 32:
		VRCP14PS(d, x)
		steps = 1
	case g.avx512:
		VRCP14PD(d, x)
	case g.bits == 32:
		VDIVPS(d, g.load(g.c(1)), x)
		return x
	default:
		VDIVPD(d, g.load(g.c(1)), x)
		return x
	}
	for range steps {
		e := g.load(g.c(1))
		g.fnma231(d, x, e)
		x = g.fma(x, e, x)
	}
	return x
}

// exp returns e^z and 1 - e^z, both to about one unit in the last place, for z from -limit to 0;
// low, unless nil, is added to z. With z = n ln 2 + r, |r| ≤ ln 2/2, and p = e^r - 1 by its
// Taylor series, they are 2ⁿ + 2ⁿp and (1 - 2ⁿ) - 2ⁿp.
func (g *vec) exp(z, low reg.VecVirtual) (e, m reg.VecVirtual) {
	terms := 7 // the rest of eʳ, r⁸/8!, is 5e-9; in double r¹⁴/14!, 4e-18
	high := float64(float32(math.Ln2))
	rest := float64(float32(math.Ln2 - high))
	if g.bits == 64 {
		terms, high, rest = 13, math.Ln2, 2.3190468138462996e-17 // ln 2 - float64(ln 2)
	}
	n := g.mulv(g.c(math.Log2E), z)
	g.round(n)
	r := g.copy(z)
	g.fnma231(g.c(high), n, r)
	if low != nil {
		r = g.add(low, r)
	}
	g.fnma231(g.c(rest), n, r)
	var c []float64
	f := 1.0
	for i := 2; i <= terms; i++ {
		f *= float64(i)
		c = append(c, 1/f)
	}
	p := g.fma(g.mulv(r, r), g.horner(r, c...), r)
	s := g.power(n)
	m = g.bin(g.minus, s, g.load(g.c(1)))
	g.fnma231(s, p, m)
	return g.fma(s, p, s), m
}

func (g *vec) round(n reg.VecVirtual) {
	switch {
	case g.avx512 && g.bits == 32:
		VRNDSCALEPS(operand.U8(8), n, n)
	case g.avx512:
		VRNDSCALEPD(operand.U8(8), n, n)
	case g.bits == 32:
		VROUNDPS(operand.U8(8), n, n)
	default:
		VROUNDPD(operand.U8(8), n, n)
	}
}

// power is 2ⁿ, subnormal too: in AVX2 by way of two factors.
func (g *vec) power(n reg.VecVirtual) reg.VecVirtual {
	s := g.reg()
	switch {
	case g.avx512 && g.bits == 32:
		VSCALEFPS(n, g.load(g.c(1)), s)
	case g.avx512:
		VSCALEFPD(n, g.load(g.c(1)), s)
	case g.bits == 32:
		i, h := YMM(), YMM()
		VCVTPS2DQ(n, i)
		VPSRAD(operand.U8(1), i, h)
		VPSUBD(h, i, i)
		for _, x := range []reg.VecVirtual{i, h} {
			VPSLLD(operand.U8(23), x, x)
			VPADDD(g.c(1), x, x)
		}
		VMULPS(i, h, s)
	default:
		i, h := XMM(), XMM()
		VCVTPD2DQY(n, i)
		VPSRAD(operand.U8(1), i, h)
		VPSUBD(h, i, i)
		a, b := YMM(), YMM()
		VPMOVSXDQ(i, a)
		VPMOVSXDQ(h, b)
		for _, x := range []reg.VecVirtual{a, b} {
			VPSLLQ(operand.U8(52), x, x)
			VPADDQ(g.c(1), x, x)
		}
		VMULPD(a, b, s)
	}
	return s
}

// log1p is log(1+e) = 2 artanh w, w = e/(2+e) ≤ 1/3, for 0 ≤ e ≤ 1, by its series
// 2w(1 + w²/3 + w⁴/5 + …), here in 2w = e/(1+e/2).
func (g *vec) log1p(e reg.VecVirtual) reg.VecVirtual {
	terms := 6 // the rest is (1/9)^(terms+1)/(2·terms+3): 1e-8; in double 2e-18
	if g.bits == 64 {
		terms = 16
	}
	d := g.load(g.c(0.5))
	g.fma213(g.c(1), e, d)
	w := g.mulv(e, g.reciprocal(d))
	u := g.mulv(w, w)
	var c []float64
	for i := 1; i <= terms; i++ {
		c = append(c, math.Pow(0.25, float64(i))/float64(2*i+1))
	}
	return g.fma(g.mulv(w, u), g.horner(u, c...), w)
}
