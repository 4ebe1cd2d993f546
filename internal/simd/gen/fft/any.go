package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// anyPass writes the pass of any radix, by the sum itself.
func (v vec) anyPass() {
	v.text("fftPassAny", "y, x, tw, w *float64, r, m, s int")
	Doc("fftPassAny" + v.name + " is FFTPass for any r.")
	y, x, tw, w := GP64(), GP64(), GP64(), GP64()
	Load(Param("y"), y)
	Load(Param("x"), x)
	Load(Param("tw"), tw)
	Load(Param("w"), w)
	r, m, out, in := GP64(), GP64(), GP64(), GP64()
	Load(Param("r"), r)
	SHLQ(Imm(4), r) // like k and at, in bytes of a table of complex numbers
	Load(Param("m"), m)
	Load(Param("s"), out)
	SHLQ(Imm(7), out)
	MOVQ(m, in)
	IMULQ(out, in)
	k, q := GP64(), GP64()
	Label("p")
	XORQ(k, k)
	Label("k")
	XORQ(q, q)
	Label("q")
	v.parts(func(disp int) {
		from, at := GP64(), GP64()
		LEAQ(Mem{Base: x, Index: q, Scale: 1, Disp: disp}, from)
		sum := cx{v.load(Mem{Base: from}), v.load(Mem{Base: from, Disp: half})}
		MOVQ(k, at) // 16 jk mod r, for j = 1 on
		left := GP64()
		Load(Param("r"), left)
		DECQ(left)
		label := fmt.Sprintf("j%d", disp)
		Label(label)
		ADDQ(in, from)
		f := Mem{Base: w, Index: at, Scale: 1}
		re, im := v.broadcast(f), v.broadcast(f.Offset(8))
		a := cx{v.load(Mem{Base: from}), v.load(Mem{Base: from, Disp: half})}
		VFMADD231PD(a.re, re, sum.re)
		VFNMADD231PD(a.im, im, sum.re)
		VFMADD231PD(a.re, im, sum.im)
		VFMADD231PD(a.im, re, sum.im)
		ADDQ(k, at)
		less := GP64()
		MOVQ(at, less)
		SUBQ(r, less)
		CMOVQGE(less, at)
		DECQ(left)
		JNZ(LabelRef(label))
		f = Mem{Base: tw, Index: k, Scale: 1}
		sum = v.times(sum, cx{v.broadcast(f), v.broadcast(f.Offset(8))})
		v.store(sum, Mem{Base: y, Index: q, Scale: 1, Disp: disp})
	})
	ADDQ(Imm(block), q)
	CMPQ(q, out)
	JLT(LabelRef("q"))
	ADDQ(out, y)
	ADDQ(Imm(16), k)
	CMPQ(k, r)
	JLT(LabelRef("k"))
	ADDQ(r, tw)
	ADDQ(out, x)
	DECQ(m)
	JNZ(LabelRef("p"))
	VZEROUPPER()
	RET()
}
