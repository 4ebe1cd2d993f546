// Command combine writes the kernels of combine.go.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
	"github.com/seed-dea4846a/sampler/internal/simd/gen/lanes"
)

func main() {
	for _, l := range []lanes.Lanes{lanes.AVX2(4), lanes.AVX512(4)} {
		kernel(l)
	}
	for _, l := range []emit.Lanes{emit.AVX2, emit.AVX512} {
		for d := 1; d <= 2; d++ {
			each(l, d, false)
			each(l, d, true)
		}
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

// each writes n > 0 vectors of points of dimension d, of which a and b have a value each: a x,
// or with sum a x + b y.
func each(l emit.Lanes, d int, sum bool) {
	name, signature := "scaleEach", "dst, a, x *float64, n int"
	if sum {
		name, signature = "combineEach", "dst, a, x, b, y *float64, n int"
	}
	TEXT(fmt.Sprintf("%s%d%s", name, d, l.Suffix()), attr.NOSPLIT, "func("+signature+")")
	Pragma("noescape")
	width := 8 * int(l)
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	a, x := Load(Param("a"), GP64()), Load(Param("x"), GP64())
	var b, y reg.Register
	if sum {
		b, y = Load(Param("b"), GP64()), Load(Param("y"), GP64())
	}
	spread := spreader(l, d)
	zero := l.Reg() // where a sum starts, which makes a product -0 to 0
	VXORPD(zero, zero, zero)
	Label("more")
	va := spread(a)
	vb := va
	if sum {
		vb = spread(b)
	}
	for i := range d {
		at := func(p reg.Register) operand.Mem { return operand.Mem{Base: p, Disp: width * i} }
		t := vb[i]
		if sum {
			VFMADD132PD(at(y), zero, t)
			VFMADD231PD(at(x), va[i], t)
		} else {
			VMULPD(at(x), t, t)
		}
		VMOVUPD(t, at(dst))
	}
	for _, p := range []reg.Register{a, b} {
		if p != nil {
			ADDQ(operand.U32(width), p)
		}
	}
	for _, p := range []reg.Register{dst, x, y} {
		if p != nil {
			ADDQ(operand.U32(width*d), p)
		}
	}
	DECQ(n)
	JNZ(operand.LabelRef("more"))
	VZEROUPPER()
	RET()
}

// pairs are the values of a vector that two coordinates of eight points take.
var pairs operand.Mem

// spreader returns a function that loads the values of a vector of points, d times each.
func spreader(l emit.Lanes, d int) func(p reg.Register) []reg.VecVirtual {
	var order []reg.VecVirtual
	if l == emit.AVX512 && d == 2 {
		if pairs.Base == nil {
			pairs = GLOBL("pairs", attr.RODATA|attr.NOPTR)
			for i := range 16 {
				DATA(8*i, operand.U64(i/2))
			}
		}
		for i := range d {
			r := l.Reg()
			VMOVDQU64(pairs.Offset(64*i), r)
			order = append(order, r)
		}
	}
	return func(p reg.Register) []reg.VecVirtual {
		v := l.Reg()
		VMOVUPD(operand.Mem{Base: p}, v)
		if d == 1 {
			return []reg.VecVirtual{v}
		}
		lo, hi := l.Reg(), l.Reg()
		if order != nil {
			VPERMPD(v, order[0], lo)
			VPERMPD(v, order[1], hi)
		} else {
			VPERMPD(operand.Imm(0x50), v, lo)
			VPERMPD(operand.Imm(0xfa), v, hi)
		}
		return []reg.VecVirtual{lo, hi}
	}
}
