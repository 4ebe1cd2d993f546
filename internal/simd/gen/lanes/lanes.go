// Package lanes emits kernels on several vectors at a time.
package lanes

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// Lanes is what a kernel is written for: vectors of 4 64-bit lanes (AVX2) or 8 (AVX-512), of
// which it works on a few at once. Its methods emit an instruction for each of these, one after
// the other, so that the latency of one hides behind the rest, and spell what differs between
// the two sets. Operands are in avo's order, the destination last.
type Lanes struct{ Width, Unroll int }

// AVX2 and AVX512 return the lanes of a level of package simd.
func AVX2(unroll int) Lanes   { return Lanes{4, unroll} }
func AVX512(unroll int) Lanes { return Lanes{8, unroll} }

// Wide tells whether the vectors are those of AVX-512.
func (l Lanes) Wide() bool { return l.Width == 8 }

// Suffix ends the names of a level's kernels.
func (l Lanes) Suffix() string {
	if l.Wide() {
		return "AVX512"
	}
	return "AVX2"
}

// A Vec is a register of each of the vectors at work.
type Vec []reg.VecVirtual

// Reg returns new registers.
func (l Lanes) Reg() Vec {
	v := make(Vec, l.Unroll)
	for i := range v {
		v[i] = l.one()
	}
	return v
}

func (l Lanes) one() reg.VecVirtual {
	if l.Wide() {
		return ZMM()
	}
	return YMM()
}

// Broadcast returns registers with the word at m in each lane.
func (l Lanes) Broadcast(m operand.Mem) Vec {
	v := l.Reg()
	l.Do(broadcast, m, v)
	return v
}

func broadcast(o ...operand.Op) { VBROADCASTSD(o[0], o[1]) }

// Load returns the vectors that lie one after another at m.
func (l Lanes) Load(m operand.Mem) Vec {
	v := l.Reg()
	for _, r := range v {
		VMOVUPD(m, r)
		m.Disp += 8 * l.Width
	}
	return v
}

// Store is the other direction.
func (l Lanes) Store(v Vec, m operand.Mem) {
	for _, r := range v {
		VMOVUPD(r, m)
		m.Disp += 8 * l.Width
	}
}

// Do emits f for each vector; other operands than a Vec are the same for all.
func (l Lanes) Do(f func(...operand.Op), ops ...any) {
	for i := range l.Unroll {
		o := make([]operand.Op, len(ops))
		for k, op := range ops {
			if v, ok := op.(Vec); ok {
				o[k] = v[i]
			} else {
				o[k] = op.(operand.Op)
			}
		}
		f(o...)
	}
}

// forms are those of an instruction: on registers, and with a constant broadcast from memory.
type forms struct{ vex, evex, bcst func(...operand.Op) }

func three(f func(a, b, c operand.Op)) func(...operand.Op) {
	return func(o ...operand.Op) { f(o[0], o[1], o[2]) }
}

var (
	and    = forms{three(VPAND), VPANDQ, VPANDQ_BCST}
	or     = forms{three(VPOR), VPORQ, VPORQ_BCST}
	xor    = forms{three(VPXOR), VPXORQ, VPXORQ_BCST}
	addq   = forms{VPADDQ, VPADDQ, VPADDQ_BCST}
	add    = forms{VADDPD, VADDPD, VADDPD_BCST}
	sub    = forms{VSUBPD, VSUBPD, VSUBPD_BCST}
	mul    = forms{VMULPD, VMULPD, VMULPD_BCST}
	fma213 = forms{VFMADD213PD, VFMADD213PD, VFMADD213PD_BCST}
	fma231 = forms{VFMADD231PD, VFMADD231PD, VFMADD231PD_BCST}
	fnm231 = forms{VFNMADD231PD, VFNMADD231PD, VFNMADD231PD_BCST}
)

// do takes the form that suits src, registers or the address of a constant.
func (l Lanes) do(f forms, src any, rest ...any) {
	m, constant := src.(operand.Mem)
	switch {
	case constant && l.Wide():
		l.Do(f.bcst, append([]any{m}, rest...)...)
	case l.Wide():
		l.Do(f.evex, append([]any{src}, rest...)...)
	case constant:
		c := l.one()
		VBROADCASTSD(m, c)
		l.Do(f.vex, append([]any{c}, rest...)...)
	default:
		l.Do(f.vex, append([]any{src}, rest...)...)
	}
}

// And writes b & a; a is a Vec or a constant, here and below.
func (l Lanes) And(a any, b, dst Vec) { l.do(and, a, b, dst) }

// Or writes b | a.
func (l Lanes) Or(a any, b, dst Vec) { l.do(or, a, b, dst) }

// Xor writes b ^ a.
func (l Lanes) Xor(a any, b, dst Vec) { l.do(xor, a, b, dst) }

// AddQ writes b + a, 64-bit integers.
func (l Lanes) AddQ(a any, b, dst Vec) { l.do(addq, a, b, dst) }

// Add writes b + a.
func (l Lanes) Add(a any, b, dst Vec) { l.do(add, a, b, dst) }

// Sub writes b - a.
func (l Lanes) Sub(a any, b, dst Vec) { l.do(sub, a, b, dst) }

// Mul writes b·a.
func (l Lanes) Mul(a any, b, dst Vec) { l.do(mul, a, b, dst) }

// FMA213 writes dst = b·dst + a.
func (l Lanes) FMA213(a any, b, dst Vec) { l.do(fma213, a, b, dst) }

// FMA231 writes dst = b·a + dst.
func (l Lanes) FMA231(a any, b, dst Vec) { l.do(fma231, a, b, dst) }

// FNM231 writes dst = dst - b·a.
func (l Lanes) FNM231(a any, b, dst Vec) { l.do(fnm231, a, b, dst) }

// Swap returns b and a in the lanes where a bit of x is set, a and b elsewhere.
func (l Lanes) Swap(bit int, x, a, b Vec) (c, d Vec) {
	c, d = l.Reg(), l.Reg()
	for i := range l.Unroll {
		if l.Wide() {
			k := K()
			VPTESTMQ_BCST(emit.U64(1<<bit), x[i], k)
			VBLENDMPD(b[i], a[i], k, c[i])
			VBLENDMPD(a[i], b[i], k, d[i])
			continue
		}
		top := YMM()
		VPSLLQ(operand.Imm(63-uint64(bit)), x[i], top)
		VBLENDVPD(top, b[i], a[i], c[i])
		VBLENDVPD(top, a[i], b[i], d[i])
	}
	return c, d
}

// MulQ writes x·c mod 2⁶⁴ in place.
func (l Lanes) MulQ(c uint64, x Vec) {
	if l.Wide() {
		l.Do(VPMULLQ_BCST, emit.U64(c), x, x)
		return
	}
	// (xl + 2³² xh)(cl + 2³² ch) without the part above 2⁶⁴.
	lo, hi := YMM(), YMM()
	VBROADCASTSD(emit.U64(c), lo)
	VBROADCASTSD(emit.U64(c>>32), hi)
	for _, x := range x {
		cross, high := YMM(), YMM()
		VPMULUDQ(hi, x, cross)
		VPSRLQ(operand.Imm(32), x, high)
		VPMULUDQ(lo, high, high)
		VPADDQ(high, cross, cross)
		VPSLLQ(operand.Imm(32), cross, cross)
		VPMULUDQ(lo, x, x)
		VPADDQ(cross, x, x)
	}
}

// XorShift writes x ^ x>>s, and xors k into it too if it is not nil.
func (l Lanes) XorShift(s uint64, x, k, dst Vec) {
	t := l.Reg()
	l.Do(VPSRLQ, operand.Imm(s), x, t)
	switch {
	case k == nil:
		l.Xor(t, x, dst)
	case l.Wide():
		l.Do(VPTERNLOGQ, operand.Imm(0x96), k, x, t)
		l.Do(VMOVDQA64, t, dst)
	default:
		l.Xor(k, t, t)
		l.Xor(t, x, dst)
	}
}

// FromU64 converts unsigned 64-bit integers to the nearest float64.
func (l Lanes) FromU64(x Vec) Vec {
	r := l.Reg()
	if l.Wide() {
		l.Do(VCVTUQQ2PD, x, r)
		return r
	}
	// High and low halves as the mantissas of 2⁸⁴ and 2⁵²; only the last sum rounds.
	low := l.Reg()
	l.Do(VPSRLQ, operand.Imm(32), x, r)
	l.Or(emit.F64(0x1p84), r, r)
	l.Do(func(o ...operand.Op) { VPBLENDD(o[0], o[1], o[2], o[3]) }, operand.Imm(0xaa), l.Broadcast(emit.F64(0x1p52)), x, low)
	l.Sub(emit.F64(0x1p84+0x1p52), r, r)
	l.Add(low, r, r)
	return r
}

// Outside jumps to a label unless lo ≤ x ≤ hi in every lane; NaN is outside.
// (0x1d and 0x12 are ≥ and ≤ that are false for NaN and raise nothing.)
func (l Lanes) Outside(x Vec, lo, hi float64, label string) {
	for _, x := range x {
		mask := GP32()
		if l.Wide() {
			within := K()
			VCMPPD_BCST(operand.Imm(0x1d), emit.F64(lo), x, within)
			VCMPPD_BCST(operand.Imm(0x12), emit.F64(hi), x, within, within)
			KMOVB(within, mask)
			CMPB(mask.As8(), operand.Imm(0xff))
		} else {
			bound, above, below := YMM(), YMM(), YMM()
			VBROADCASTSD(emit.F64(lo), bound)
			VCMPPD(operand.Imm(0x1d), bound, x, above)
			VBROADCASTSD(emit.F64(hi), bound)
			VCMPPD(operand.Imm(0x12), bound, x, below)
			VANDPD(above, below, below)
			VMOVMSKPD(below, mask)
			CMPL(mask, operand.Imm(0xf))
		}
		JNE(operand.LabelRef(label))
	}
}
