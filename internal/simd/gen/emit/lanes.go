package emit

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Lanes is the number of 64-bit lanes of the vectors that a kernel is written in: 4 for AVX2
// and 8 for AVX-512. Its methods emit what the two spell differently; instructions that they
// share are used as they are. Operands are in avo's order, the destination last.
type Lanes int

// The levels of package simd.
const (
	AVX2   Lanes = 4
	AVX512 Lanes = 8
)

// Suffix ends the names of a level's kernels.
func (l Lanes) Suffix() string { return map[Lanes]string{AVX2: "AVX2", AVX512: "AVX512"}[l] }

// Reg returns a new register.
func (l Lanes) Reg() reg.VecVirtual {
	if l == AVX512 {
		return ZMM()
	}
	return YMM()
}

// Broadcast returns a register with the word at m in each lane.
func (l Lanes) Broadcast(m operand.Mem) reg.VecVirtual {
	r := l.Reg()
	VBROADCASTSD(m, r)
	return r
}

// ops are the forms of an instruction: on registers, and with a constant broadcast from memory.
type ops struct{ vex, evex, bcst func(...operand.Op) }

func three(f func(a, b, c operand.Op)) func(...operand.Op) {
	return func(o ...operand.Op) { f(o[0], o[1], o[2]) }
}

var (
	and    = ops{three(VPAND), VPANDQ, VPANDQ_BCST}
	or     = ops{three(VPOR), VPORQ, VPORQ_BCST}
	xor    = ops{three(VPXOR), VPXORQ, VPXORQ_BCST}
	addq   = ops{VPADDQ, VPADDQ, VPADDQ_BCST}
	add    = ops{VADDPD, VADDPD, VADDPD_BCST}
	sub    = ops{VSUBPD, VSUBPD, VSUBPD_BCST}
	mul    = ops{VMULPD, VMULPD, VMULPD_BCST}
	fma213 = ops{VFMADD213PD, VFMADD213PD, VFMADD213PD_BCST}
	fma231 = ops{VFMADD231PD, VFMADD231PD, VFMADD231PD_BCST}
	fnm231 = ops{VFNMADD231PD, VFNMADD231PD, VFNMADD231PD_BCST}
)

// emit takes the form that suits src, a register or the address of a constant.
func (l Lanes) emit(f ops, src operand.Op, rest ...operand.Op) {
	m, constant := src.(operand.Mem)
	switch {
	case constant && l == AVX512:
		f.bcst(append([]operand.Op{m}, rest...)...)
	case l == AVX512:
		f.evex(append([]operand.Op{src}, rest...)...)
	case constant:
		f.vex(append([]operand.Op{l.Broadcast(m)}, rest...)...)
	default:
		f.vex(append([]operand.Op{src}, rest...)...)
	}
}

// And writes b & a; a may be a constant, here and below.
func (l Lanes) And(a, b, dst operand.Op) { l.emit(and, a, b, dst) }

// Or writes b | a.
func (l Lanes) Or(a, b, dst operand.Op) { l.emit(or, a, b, dst) }

// Xor writes b ^ a.
func (l Lanes) Xor(a, b, dst operand.Op) { l.emit(xor, a, b, dst) }

// AddQ writes b + a, 64-bit integers.
func (l Lanes) AddQ(a, b, dst operand.Op) { l.emit(addq, a, b, dst) }

// Add writes b + a.
func (l Lanes) Add(a, b, dst operand.Op) { l.emit(add, a, b, dst) }

// Sub writes b - a.
func (l Lanes) Sub(a, b, dst operand.Op) { l.emit(sub, a, b, dst) }

// Mul writes b·a.
func (l Lanes) Mul(a, b, dst operand.Op) { l.emit(mul, a, b, dst) }

// FMA213 writes dst = b·dst + a.
func (l Lanes) FMA213(a, b, dst operand.Op) { l.emit(fma213, a, b, dst) }

// FMA231 writes dst = b·a + dst.
func (l Lanes) FMA231(a, b, dst operand.Op) { l.emit(fma231, a, b, dst) }

// FNM231 writes dst = dst - b·a.
func (l Lanes) FNM231(a, b, dst operand.Op) { l.emit(fnm231, a, b, dst) }
