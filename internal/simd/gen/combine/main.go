// Command combine writes the kernels of combine.go.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/lanes"
)

func main() {
	for _, l := range []lanes.Lanes{lanes.AVX2(4), lanes.AVX512(4)} {
		kernel(l)
	}
	Generate()
}

// kernel writes n > 0 blocks of four vectors: over the terms, then x. k has m slice headers.
func kernel(l lanes.Lanes) {
	TEXT("combine"+l.Suffix(), attr.NOSPLIT, "func(dst, x *float64, a float64, c *float64, k *[]float64, m, n int)")
	Pragma("noescape")
	dst, x, c, k := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("c"), GP64()), Load(Param("k"), GP64())
	m, n := Load(Param("m"), GP64()), Load(Param("n"), GP64())
	a := l.Broadcast(operand.NewParamAddr("a", 16))
	at, j, header, p := GP64(), GP64(), GP64(), GP64()
	XORQ(at, at)
	Label("block")
	acc := l.Reg()
	l.Do(VXORPD, acc, acc, acc)
	XORQ(j, j)
	MOVQ(k, header)
	JMP(operand.LabelRef("more"))
	Label("term")
	MOVQ(operand.Mem{Base: header}, p)
	w := l.Broadcast(operand.Mem{Base: c, Index: j, Scale: 8})
	for i, r := range acc {
		VFMADD231PD(operand.Mem{Base: p, Index: at, Scale: 1, Disp: 8 * l.Width() * i}, w[i], r)
	}
	ADDQ(operand.Imm(24), header)
	INCQ(j)
	Label("more")
	CMPQ(j, m)
	JLT(operand.LabelRef("term"))
	for i, r := range acc {
		off := 8 * l.Width() * i
		VFMADD231PD(operand.Mem{Base: x, Index: at, Scale: 1, Disp: off}, a[i], r)
		VMOVUPD(r, operand.Mem{Base: dst, Index: at, Scale: 1, Disp: off})
	}
	ADDQ(operand.U32(32*l.Width()), at)
	DECQ(n)
	JNZ(operand.LabelRef("block"))
	VZEROUPPER()
	RET()
}
