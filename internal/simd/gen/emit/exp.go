package emit

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Exp emits exponentials. With x = (sn + j)·λ/s + r, |r| ≤ λ/2s, and λ the logarithm of 2 to
// the base b,
//
//	bˣ = 2ⁿ·2^(j/s)·(1 + r·P(r)).
//
// With AVX-512 s is 16 and 2^(j/s) comes from a table in two registers (Tang, ACM TOMS 15,
// 1989); with AVX2, which has no such look-up, s is 1. P interpolates (bʳ - 1)/r at Chebyshev
// nodes, to 2e-17 of the power.
type Exp struct {
	Lanes
	table [2]reg.VecVirtual // bits of 2^(j/16), less j<<48
}

// A Base is the base of the powers.
type Base int

// The bases.
const (
	Two Base = iota
	E
)

// NewExp loads the table.
func (l Lanes) NewExp() Exp {
	e := Exp{Lanes: l}
	if l == AVX512 {
		for i := range e.table {
			e.table[i] = l.Reg()
			VMOVUPD(expTable().Offset(64*i), e.table[i])
		}
	}
	return e
}

var table operand.Mem

func expTable() operand.Mem {
	if table.Base == nil {
		table = GLOBL("exp2_16", attr.RODATA|attr.NOPTR)
		for j := range 16 {
			DATA(8*j, operand.U64(math.Float64bits(math.Exp2(float64(j)/16))-uint64(j)<<48))
		}
	}
	return table
}

// log2Steps is log₂ s.
func (e Exp) log2Steps() uint64 {
	if e.Lanes == AVX512 {
		return 4
	}
	return 0
}

// poly returns P, the constant first.
func (e Exp) poly(b Base) []float64 {
	switch {
	case e.Lanes == AVX512 && b == E:
		return []float64{1.0000000000000007, 0.5000000000000001, 0.16666666664209706, 0.041666666663595475, 0.008333472974951229, 0.0013889063440655327}
	case e.Lanes == AVX512:
		return []float64{0.6931471805599457, 0.24022650695910075, 0.0555041086566393, 0.009618129106919537, 0.0013333781576784268, 0.00015403723980749256}
	case b == E:
		return []float64{1, 0.5000000000000006, 0.1666666666666667, 0.04166666666657314, 0.008333333333326141, 0.0013888888932488599, 0.00019841269874800493, 2.4801504346997686e-05, 2.7557255425746435e-06, 2.7626357241447223e-07, 2.510520637395701e-08}
	}
	return []float64{0.6931471805599453, 0.24022650695910097, 0.0555041086648216, 0.009618129107606888, 0.0013333558146416936, 0.0001540353044173605, 1.525273382983612e-05, 1.321544258792169e-06, 1.0178062445845774e-07, 7.072585949269223e-09, 4.4549605981865186e-10}
}

// reduce returns sn + j, as the low bits of t and as the float u = t - shift (times λ/s in
// base 2), and q = r·P(r).
func (e Exp) reduce(x reg.VecVirtual, b Base) (t, u, q reg.VecVirtual) {
	t, u, q = e.Reg(), e.Reg(), e.Reg()
	r := e.Reg()
	steps := float64(uint64(1) << e.log2Steps())
	if b == Two {
		shift := F64(0x1.8p52 / steps)
		e.Add(shift, x, t)
		e.Sub(shift, t, u)
		VSUBPD(u, x, r)
	} else {
		// The first product is exact in the fused operation, and so is its difference.
		high := math.Ln2 / steps
		const low = 0x1.abc9e3b39803fp-56 // ln 2 less its float64
		t = e.Broadcast(F64(0x1.8p52))
		e.FMA231(F64(steps/math.Ln2), x, t)
		e.Sub(F64(0x1.8p52), t, u)
		VMOVAPD(x, r)
		e.FNM231(F64(high), u, r)
		e.FNM231(F64(low/steps), u, r)
	}
	p := e.poly(b)
	VBROADCASTSD(F64(p[len(p)-1]), q)
	for i := len(p) - 2; i >= 0; i-- {
		e.FMA213(F64(p[i]), r, q)
	}
	VMULPD(r, q, q)
	return t, u, q
}

// Power returns bˣ for |x log₂ b| ≤ 1021, and garbage or NaN elsewhere; NaN gives NaN.
func (e Exp) Power(x reg.VecVirtual, b Base) reg.VecVirtual {
	t, _, q := e.reduce(x, b)
	s := e.Reg()
	if e.Lanes == AVX512 {
		VMOVAPD(t, s)
		VPERMI2PD(e.table[1], e.table[0], s)
		VPSLLQ(operand.Imm(48), t, t)
		VPADDQ(t, s, s)
	} else {
		VPSLLQ(operand.Imm(52), t, t)
		e.AddQ(F64(1), t, s)
	}
	VFMADD213PD(s, s, q)
	return q
}

// Full returns eˣ for every x, ±Inf, NaN and results that are subnormal among them. It
// changes x.
func (e Exp) Full(x reg.VecVirtual) reg.VecVirtual {
	// The order makes NaN pass.
	VMINPD(x, e.Broadcast(F64(710)), x)
	VMAXPD(x, e.Broadcast(F64(-750)), x)
	t, u, q := e.reduce(x, E)
	s := e.Reg()
	if e.Lanes == AVX512 {
		VMOVAPD(t, s)
		VPERMI2PD(e.table[1], e.table[0], s)
		e.And(U64(15), t, t)
		VPSLLQ(operand.Imm(48), t, t)
		VPADDQ(t, s, s)
		VFMADD213PD(s, s, q)
		e.Mul(F64(1./16), u, u)
		VSCALEFPD(u, q, q)
		return q
	}
	// 2ⁿ in two factors, so that only the last product rounds.
	half := e.Reg()
	e.Mul(F64(0.5), u, half)
	e.Add(F64(0x1.8p52), half, half)
	VMOVAPD(half, s)
	e.Sub(F64(0x1.8p52), half, half)
	VSUBPD(half, u, u)
	e.Add(F64(0x1.8p52), u, u)
	for _, v := range []reg.VecVirtual{s, u} {
		VPSLLQ(operand.Imm(52), v, v)
		e.AddQ(F64(1), v, v)
	}
	VFMADD213PD(s, s, q)
	VMULPD(u, q, q)
	return q
}

// Param returns a register with the float64 parameter in each lane.
func (l Lanes) Param(name string) reg.VecVirtual {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return l.Broadcast(p.Addr)
}

// Tail returns the mask of the first n < lanes lanes: an opmask, or a vector with AVX2.
func (l Lanes) Tail(n reg.GPVirtual) reg.Register {
	if l == AVX512 {
		m := GP64()
		k := K()
		MOVQ(operand.U32(1), m)
		SHLXQ(n, m, m)
		DECQ(m)
		KMOVW(m.As32(), k)
		return k
	}
	p, off, m := GP64(), GP64(), l.Reg()
	LEAQ(tailTable().Offset(32), p)
	MOVQ(n, off)
	NEGQ(off)
	VMOVUPD(operand.Mem{Base: p, Index: off, Scale: 8}, m)
	return m
}

var tails operand.Mem

// tailTable holds four words of ones and four of zeros: n words before the zeros are a mask.
func tailTable() operand.Mem {
	if tails.Base == nil {
		tails = GLOBL("tails", attr.RODATA|attr.NOPTR)
		for i := range 8 {
			DATA(8*i, operand.U64(-uint64(1-i/4)))
		}
	}
	return tails
}

// LoadMasked loads the lanes of the mask and 0 elsewhere.
func (l Lanes) LoadMasked(m operand.Mem, mask reg.Register, dst reg.VecVirtual) {
	if l == AVX512 {
		VMOVUPD_Z(m, mask, dst)
		return
	}
	VMASKMOVPD(m, mask, dst)
}

// StoreMasked stores the lanes of the mask.
func (l Lanes) StoreMasked(src reg.VecVirtual, mask reg.Register, m operand.Mem) {
	if l == AVX512 {
		VMOVUPD(src, mask, m)
		return
	}
	VMASKMOVPD(src, mask, m)
}

// CutBelow sets e to 0 where x < c.
func (l Lanes) CutBelow(c, x, e reg.VecVirtual) {
	const notLess = 0x15 // true for NaN
	if l == AVX512 {
		k := K()
		VCMPPD(operand.Imm(notLess), c, x, k)
		VMOVAPD_Z(e, k, e)
		return
	}
	m := l.Reg()
	VCMPPD(operand.Imm(notLess), c, x, m)
	VANDPD(m, e, e)
}

// Sum adds up the lanes of v, which it changes, in pairs: halves, quarters, neighbours.
func (l Lanes) Sum(v reg.VecVirtual) reg.VecVirtual { return l.fold(v, VADDPD) }

// Max returns the largest lane of v, which it changes.
func (l Lanes) Max(v reg.VecVirtual) reg.VecVirtual { return l.fold(v, VMAXPD) }

func (l Lanes) fold(v reg.VecVirtual, f func(...operand.Op)) reg.VecVirtual {
	if l == AVX512 {
		h := YMM()
		VEXTRACTF64X4(operand.Imm(1), v, h)
		f(h, v.AsY(), h)
		v = h
	}
	x, y := XMM(), XMM()
	VEXTRACTF128(operand.Imm(1), v.AsY(), x)
	f(x, v.AsX(), x)
	VUNPCKHPD(x, x, y)
	f(y, x, x)
	return x
}
