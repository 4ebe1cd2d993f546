// Command cmul writes products of complex vectors of pairs (re, im).
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	for _, l := range []emit.Lanes{emit.AVX2, emit.AVX512} {
		kernel(l, "complexMul", false)
		kernel(l, "complexAddConjMul", true)
	}
	Generate()
}

// kernel loops over vectors of s and x. The products with Im s are rounded, and added to those
// with Re s in one rounding: the real parts of one sign, the imaginary ones of the other.
func kernel(l emit.Lanes, name string, conj bool) {
	TEXT(name+l.Suffix(), NOSPLIT, "func(dst, s, x *complex128, vectors int)")
	Pragma("noescape")
	dst, s, x := Load(Param("dst"), GP64()), Load(Param("s"), GP64()), Load(Param("x"), GP64())
	n := Load(Param("vectors"), GP64())
	swap := U8(0x55)
	Label("loop")
	w, re, im, v, t := l.Reg(), l.Reg(), l.Reg(), l.Reg(), l.Reg()
	VMOVUPD(Mem{Base: s}, w)
	VMOVUPD(Mem{Base: x}, v)
	VMOVDDUP(w, re)
	VPERMILPD(U8(0xff), w, im)
	VPERMILPD(swap, v, t)
	VMULPD(im, t, t)
	if conj {
		VFMSUBADD213PD(t, v, re) // re ← re v ± t
		VADDPD(Mem{Base: dst}, re, re)
	} else {
		VFMADDSUB213PD(t, v, re) // re ← re v ∓ t
	}
	VMOVUPD(re, Mem{Base: dst})
	for _, p := range []Register{dst, s, x} {
		ADDQ(U8(8*l), p)
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
