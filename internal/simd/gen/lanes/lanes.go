// Package lanes emits kernels that work on several vectors at a time.
package lanes

import (
	"iter"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// Lanes is a few vectors. Its methods emit an instruction of emit.Lanes for each of these, one
// after the other, so that the latency of one hides behind the rest. Operands are in avo's order,
// the destination last.
type Lanes struct {
	One    emit.Lanes
	Unroll int

	pause func() // after each of the methods' instructions
}

// AVX2 and AVX512 return the lanes of a level of package simd.
func AVX2(unroll int) Lanes   { return Lanes{One: emit.AVX2, Unroll: unroll} }
func AVX512(unroll int) Lanes { return Lanes{One: emit.AVX512, Unroll: unroll} }

// Width is the number of lanes of a vector.
func (l Lanes) Width() int { return int(l.One) }

// Wide tells whether the vectors are those of AVX-512.
func (l Lanes) Wide() bool { return l.One == emit.AVX512 }

// Suffix ends the names of a level's kernels.
func (l Lanes) Suffix() string { return l.One.Suffix() }

// A Vec is a register of each of the vectors at work.
type Vec []reg.VecVirtual

// Reg returns new registers.
func (l Lanes) Reg() Vec {
	v := make(Vec, l.Unroll)
	for i := range v {
		v[i] = l.One.Reg()
	}
	return v
}

// Broadcast returns registers with the word at m in each lane.
func (l Lanes) Broadcast(m operand.Mem) Vec {
	v := l.Reg()
	for _, r := range v {
		VBROADCASTSD(m, r)
	}
	return v
}

// Load returns the vectors that lie one after another at m.
func (l Lanes) Load(m operand.Mem) Vec {
	v := l.Reg()
	for _, r := range v {
		VMOVUPD(m, r)
		m.Disp += 8 * l.Width()
	}
	return v
}

// Store is the other direction.
func (l Lanes) Store(v Vec, m operand.Mem) {
	for _, r := range v {
		VMOVUPD(r, m)
		m.Disp += 8 * l.Width()
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
	if l.pause != nil {
		l.pause()
	}
}

// Interleave emits what the parts emit, an instruction of each in turn, so that the long latencies
// of one hide behind the others. A processor looks ahead some hundred instructions only.
func (l Lanes) Interleave(parts ...func(Lanes)) {
	var next []func() (struct{}, bool)
	for _, part := range parts {
		step, _ := iter.Pull(func(yield func(struct{}) bool) {
			l := l
			l.pause = func() { yield(struct{}{}) }
			part(l)
		})
		next = append(next, step)
	}
	for more := true; more; {
		more = false
		for _, step := range next {
			_, going := step()
			more = more || going
		}
	}
}

// each emits f for each vector. AVX2 has a constant a in a register of its own, once for all.
func (l Lanes) each(f func(a, b, dst operand.Op), a any, b, dst Vec) {
	if m, ok := a.(operand.Mem); ok && !l.Wide() {
		a = l.One.Broadcast(m)
	}
	l.Do(func(o ...operand.Op) { f(o[0], o[1], o[2]) }, a, b, dst)
}

// And writes b & a; a is a Vec or a constant, here and below.
func (l Lanes) And(a any, b, dst Vec) { l.each(l.One.And, a, b, dst) }

// Or writes b | a.
func (l Lanes) Or(a any, b, dst Vec) { l.each(l.One.Or, a, b, dst) }

// Xor writes b ^ a.
func (l Lanes) Xor(a any, b, dst Vec) { l.each(l.One.Xor, a, b, dst) }

// AddQ writes b + a, 64-bit integers.
func (l Lanes) AddQ(a any, b, dst Vec) { l.each(l.One.AddQ, a, b, dst) }

// Add writes b + a.
func (l Lanes) Add(a any, b, dst Vec) { l.each(l.One.Add, a, b, dst) }

// Sub writes b - a.
func (l Lanes) Sub(a any, b, dst Vec) { l.each(l.One.Sub, a, b, dst) }

// Mul writes b·a.
func (l Lanes) Mul(a any, b, dst Vec) { l.each(l.One.Mul, a, b, dst) }

// FMA213 writes dst = b·dst + a.
func (l Lanes) FMA213(a any, b, dst Vec) { l.each(l.One.FMA213, a, b, dst) }

// FMA231 writes dst = b·a + dst.
func (l Lanes) FMA231(a any, b, dst Vec) { l.each(l.One.FMA231, a, b, dst) }

// FNM231 writes dst = dst - b·a.
func (l Lanes) FNM231(a any, b, dst Vec) { l.each(l.One.FNM231, a, b, dst) }

// XorAnd writes dst ^ (b & a), a a constant.
func (l Lanes) XorAnd(a operand.Mem, b, dst Vec) {
	if l.Wide() {
		l.Do(VPTERNLOGQ_BCST, operand.Imm(0x78), a, b, dst)
		return
	}
	t := l.Reg()
	l.And(a, b, t)
	l.Xor(t, dst, dst)
}

// AndOr returns x & a | b, a and b constants.
func (l Lanes) AndOr(a, b operand.Mem, x Vec) Vec {
	if l.Wide() {
		t := l.Broadcast(a)
		l.Do(VPTERNLOGQ_BCST, operand.Imm(0xea), b, x, t)
		return t
	}
	t := l.Reg()
	l.And(a, x, t)
	l.Or(b, t, t)
	return t
}

// Swap returns b and a in the lanes where a bit of x is set, a and b elsewhere.
func (l Lanes) Swap(bit int, x, a, b Vec) (c, d Vec) {
	c, d = l.Reg(), l.Reg()
	for i := range l.Unroll {
		if l.Wide() {
			k := K()
			VPTESTMQ_BCST(emit.U64(1<<bit), x[i], k)
			// In avo's eyes a blend would read what its destination was.
			VMOVAPD(a[i], c[i])
			VMOVAPD(b[i], d[i])
			VMOVAPD(b[i], k, c[i])
			VMOVAPD(a[i], k, d[i])
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

// XorShift returns x ^ x>>s, and xors k into it too if it is not nil.
func (l Lanes) XorShift(s uint64, x, k Vec) Vec {
	t := l.Reg()
	l.Do(VPSRLQ, operand.Imm(s), x, t)
	switch {
	case k == nil:
		l.Xor(x, t, t)
	case l.Wide():
		l.Do(VPTERNLOGQ, operand.Imm(0x96), k, x, t)
	default:
		l.Xor(k, t, t)
		l.Xor(x, t, t)
	}
	return t
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
