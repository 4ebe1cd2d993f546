package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes dst[l·ldd + i] = src[i·lds + l] for i < rows, l < cols, both positive
// multiples of the side of a square of 256-bit vectors.
func transpose(bits int) {
	s := shape{bits, false}
	TEXT(fmt.Sprintf("transpose%d", bits), attr.NOSPLIT, fmt.Sprintf("func(dst *float%[1]d, ldd int, src *float%[1]d, lds, rows, cols int)", bits))
	Pragma("noescape")
	dst, step := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64())
	src, ld := Load(Param("src"), GP64()), Load(Param("lds"), GP64())
	rows := Load(Param("rows"), GP64())
	s.scale(ld)
	s.scale(step)
	ld3, step3 := GP64(), GP64()
	LEAQ(operand.Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	LEAQ(operand.Mem{Base: step, Index: step, Scale: 2}, step3)
	Label("rows")
	p, q := GP64(), GP64()
	MOVQ(src, p)
	MOVQ(dst, q)
	n := Load(Param("cols"), GP64())
	Label("columns")
	if bits == 32 {
		square32(p, ld, ld3, q, step, step3)
	} else {
		square64(p, ld, ld3, q, step, step3)
	}
	ADDQ(operand.U8(32), p)
	LEAQ(operand.Mem{Base: q, Index: step, Scale: uint8(s.lanes())}, q)
	SUBQ(operand.U8(s.lanes()), n)
	JNZ(operand.LabelRef("columns"))
	LEAQ(operand.Mem{Base: src, Index: ld, Scale: uint8(s.lanes())}, src)
	ADDQ(operand.U8(32), dst)
	SUBQ(operand.U8(s.lanes()), rows)
	JNZ(operand.LabelRef("rows"))
	VZEROUPPER()
	RET()
}

func at(p, ld, ld3 reg.Register, i, disp int) operand.Mem {
	m := operand.Mem{Base: p, Disp: disp}
	switch i {
	case 1, 2:
		m.Index, m.Scale = ld, uint8(i)
	case 3:
		m.Index, m.Scale = ld3, 1
	}
	return m
}

// square64 transposes 4×4 numbers: halves of rows i and i+2 side by side, then interleaved.
func square64(p, ld, ld3, q, step, step3 reg.Register) {
	for h := range 2 { // columns 2h, 2h+1
		var x [2]reg.VecPhysical
		for i := range 2 {
			x[i] = ymm[4*h+i]
			VMOVUPD(at(p, ld, ld3, i, 16*h), xmm[4*h+i])
			VINSERTF128(operand.U8(1), at(p, ld, ld3, i+2, 16*h), x[i], x[i])
		}
		VUNPCKLPD(x[1], x[0], ymm[4*h+2])
		VUNPCKHPD(x[1], x[0], ymm[4*h+3])
		VMOVUPD(ymm[4*h+2], at(q, step, step3, 2*h, 0))
		VMOVUPD(ymm[4*h+3], at(q, step, step3, 2*h+1, 0))
	}
}

// square32 transposes 8×8 numbers, columns 4h … 4h+3 at a time: quarters of rows i and i+4
// side by side, interleaved by pairs of numbers and of pairs.
func square32(p, ld, ld3, q, step, step3 reg.Register) {
	p4, q4 := GP64(), GP64()
	LEAQ(operand.Mem{Base: p, Index: ld, Scale: 4}, p4)
	LEAQ(operand.Mem{Base: q, Index: step, Scale: 4}, q4)
	for h := range 2 {
		x := ymm[8*h:]
		for i := range 4 {
			VMOVUPS(at(p, ld, ld3, i, 16*h), xmm[8*h+i])
			VINSERTF128(operand.U8(1), at(p4, ld, ld3, i, 16*h), x[i], x[i])
		}
		VUNPCKLPS(x[1], x[0], x[4])
		VUNPCKHPS(x[1], x[0], x[5])
		VUNPCKLPS(x[3], x[2], x[6])
		VUNPCKHPS(x[3], x[2], x[7])
		VUNPCKLPD(x[6], x[4], x[0])
		VUNPCKHPD(x[6], x[4], x[1])
		VUNPCKLPD(x[7], x[5], x[2])
		VUNPCKHPD(x[7], x[5], x[3])
		to := []reg.Register{q, q4}[h]
		for i := range 4 {
			VMOVUPS(x[i], at(to, step, step3, i, 0))
		}
	}
}

var xmm = []reg.VecPhysical{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7, reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}
