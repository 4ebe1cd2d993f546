// Command radon writes the kernels that read a line of numbers at fixed-point positions.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	row()
	sums()
	Generate()
}

const bits = 40

func load(name string) Register {
	r := GP64()
	Load(Param(name), r)
	return r
}

func broadcast(m Mem) VecVirtual {
	r := ZMM()
	VPBROADCASTQ(m, r)
	return r
}

// A reader interpolates at 8 positions that lie within 14 places of each other.
type reader struct{ mask, unit VecVirtual }

func newReader() reader {
	r := reader{broadcast(emit.U64(1<<bits - 1)), ZMM()}
	VBROADCASTSD(emit.F64(1.0/(1<<bits)), r.unit)
	return r
}

// at returns the values before the positions, the steps to the next, and the fractions in
// units of 2^-bits. base holds the first place, times 8.
func (r reader) at(x, base Register, pos VecVirtual) (v, step, frac VecVirtual) {
	first := GP64()
	MOVQ(base, first)
	index, b := ZMM(), ZMM()
	VPSRLQ(Imm(bits), pos, index)
	VPBROADCASTQ(first, b)
	VPSUBQ(b, index, index)
	v, step, frac = ZMM(), ZMM(), ZMM()
	from := Mem{Base: x, Index: base, Scale: 8}
	VMOVUPD(from, v)
	VPERMT2PD(from.Offset(64), index, v)
	VMOVUPD(from.Offset(8), step)
	VPERMT2PD(from.Offset(72), index, step)
	VSUBPD(v, step, step)
	VPANDQ(r.mask, pos, frac)
	VCVTQQ2PD(frac, frac)
	return v, step, frac
}

// tail makes the mask of min(n, 8) lanes.
func tail(n Register) Register {
	k, m, few := K(), GP64(), GP64()
	MOVQ(U32(8), few)
	CMPQ(n, few)
	CMOVQLT(n, few)
	MOVQ(I32(-1), m)
	BZHIQ(few, m, m)
	KMOVB(m.As32(), k)
	return k
}

func row() {
	TEXT("fixedRowAVX512", NOSPLIT, "func(dst, x *float64, pos, next int64, n int)")
	Pragma("noescape")
	dst, x, pos, next, n := load("dst"), load("x"), load("pos"), load("next"), load("n")
	r := newReader()
	lanes := GLOBL("fixed_lanes", attr.RODATA|attr.NOPTR)
	for i := range 8 {
		DATA(8*i, U64(i))
	}
	at, step := ZMM(), ZMM()
	VPBROADCASTQ(next, step)
	VPMULLQ(lanes, step, at)
	base := ZMM()
	VPBROADCASTQ(pos, base)
	VPADDQ(base, at, at)
	VPSLLQ(Imm(3), step, step)
	// The least position of 8 is 7 next below the first if that is negative.
	least, t := GP64(), GP64()
	MOVQ(next, least)
	XORQ(t, t)
	IMUL3Q(Imm(7), least, least)
	CMPQ(least, Imm(0))
	CMOVQGT(t, least)
	ADDQ(pos, least)
	SHLQ(Imm(3), next)
	Label("loop")
	k := tail(n)
	first := GP64()
	MOVQ(least, first)
	SHRQ(Imm(bits), first)
	v, d, f := r.at(x, first, at)
	VMULPD(r.unit, f, f)
	VFMADD231PD(d, f, v)
	sum := ZMM()
	VMOVUPD_Z(Mem{Base: dst}, k, sum)
	VADDPD(sum, v, v)
	VMOVUPD(v, k, Mem{Base: dst})
	VPADDQ(step, at, at)
	ADDQ(next, least)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(8), n)
	JG(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func sums() {
	TEXT("fixedSumsAVX512", NOSPLIT, "func(dst, x *float64, centre, half *int64, d, stride int64, lines, n int)")
	Pragma("noescape")
	dst, x, centre, half, d := load("dst"), load("x"), load("centre"), load("half"), load("d")
	stride, lines, n := load("stride"), load("lines"), load("n")
	r := newReader()
	dv, sv := ZMM(), ZMM()
	VPBROADCASTQ(d, dv)
	SHLQ(Imm(bits), stride)
	VPBROADCASTQ(stride, sv)
	Label("rays")
	k := tail(n)
	at, next := ZMM(), ZMM()
	VMOVDQU64_Z(Mem{Base: half}, k, next)
	VMOVDQU64_Z(Mem{Base: centre}, k, at)
	move := ZMM()
	VPMULLQ(dv, next, move)
	VPADDQ(move, at, at)
	VPADDQ(next, next, next)
	VPADDQ(sv, next, next)
	// The first ray has the least position.
	pos, by := GP64(), GP64()
	MOVQ(Mem{Base: half}, by)
	MOVQ(by, pos)
	IMULQ(d, pos)
	ADDQ(Mem{Base: centre}, pos)
	SHLQ(Imm(1), by)
	ADDQ(stride, by)
	s0, s1 := ZMM(), ZMM()
	VPXORQ(s0, s0, s0)
	VPXORQ(s1, s1, s1)
	left := GP64()
	MOVQ(lines, left)
	Label("lines")
	first := GP64()
	MOVQ(pos, first)
	SHRQ(Imm(bits), first)
	v, step, f := r.at(x, first, at)
	VADDPD(v, s0, s0)
	VFMADD231PD(step, f, s1)
	VPADDQ(next, at, at)
	ADDQ(by, pos)
	DECQ(left)
	JNZ(LabelRef("lines"))
	VFMADD231PD(r.unit, s1, s0)
	VMOVUPD(s0, k, Mem{Base: dst})
	for _, p := range []Register{dst, centre, half} {
		ADDQ(Imm(64), p)
	}
	SUBQ(Imm(8), n)
	JG(LabelRef("rays"))
	VZEROUPPER()
	RET()
}
