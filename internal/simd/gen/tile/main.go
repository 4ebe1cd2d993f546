// Tile generates the kernels of simd.Tile.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	for _, v := range []int{1, 2, 3} {
		kernel(fmt.Sprintf("tile%dAVX512", 16*v), 8, v, 64)
	}
	kernel("tileAVX2", 4, 2, 32)
	Generate()
}

// kernel emits a tile of rows×vectors registers of so many bytes, which are all summed in
// registers: at a step of k the vectors of b are loaded, and each row's value of a is broadcast
// and multiplied into the row.
func kernel(name string, rows, vectors, bytes int) {
	TEXT(name, NOSPLIT, "func(c, a, b *float32, s *[9]int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is Tile for %d rows and %d columns.", name, rows, vectors*bytes/4))
	c, a, b, s := Load(Param("c"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("s"), GP64())
	field := func(i int) reg.Register {
		r := GP64()
		MOVQ(Mem{Base: s, Disp: 8 * i}, r)
		return r
	}
	vector := func() reg.VecVirtual {
		if bytes == 64 {
			return ZMM()
		}
		return YMM()
	}
	outer := field(1)
	cs, ai, ak, bk := field(2), field(3), field(4), field(6)
	for _, r := range []reg.Register{cs, ai, ak, bk} {
		SHLQ(U8(2), r)
	}
	ai3 := GP64()
	LEAQ(Mem{Base: ai, Index: ai, Scale: 2}, ai3)
	// The rows 0 to 3 from one base, 4 to 7 from another.
	row := func(base []reg.Register, stride, stride3 reg.Register, i int) Mem {
		m := Mem{Base: base[i/4]}
		switch i % 4 {
		case 1:
			m.Index, m.Scale = stride, 1
		case 2:
			m.Index, m.Scale = stride, 2
		case 3:
			m.Index, m.Scale = stride3, 1
		}
		return m
	}
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		for range vectors {
			r := vector()
			VXORPS(r, r, r)
			acc[i] = append(acc[i], r)
		}
	}
	zs := make([]reg.VecVirtual, vectors)
	for j := range zs {
		zs[j] = vector()
	}
	x := vector()

	Label("outer")
	at := []reg.Register{GP64(), GP64()}
	bt, k := GP64(), GP64()
	MOVQ(a, at[0])
	if rows > 4 {
		LEAQ(Mem{Base: a, Index: ai, Scale: 4}, at[1])
	}
	MOVQ(b, bt)
	MOVQ(Mem{Base: s}, k)
	Label("inner")
	for j, z := range zs {
		VMOVUPS(Mem{Base: bt, Disp: j * bytes}, z)
	}
	for i := range rows {
		VBROADCASTSS(row(at, ai, ai3, i), x)
		for j, z := range zs {
			VFMADD231PS(z, x, acc[i][j])
		}
	}
	ADDQ(ak, at[0])
	if rows > 4 {
		ADDQ(ak, at[1])
	}
	ADDQ(bk, bt)
	DECQ(k)
	JNZ(LabelRef("inner"))
	t := GP64()
	for i, p := range []reg.Register{a, b} {
		MOVQ(Mem{Base: s, Disp: 8 * (5 + 2*i)}, t)
		LEAQ(Mem{Base: p, Index: t, Scale: 4}, p)
	}
	DECQ(outer)
	JNZ(LabelRef("outer"))

	cs3, cb := GP64(), []reg.Register{c, GP64()}
	LEAQ(Mem{Base: cs, Index: cs, Scale: 2}, cs3)
	if rows > 4 {
		LEAQ(Mem{Base: c, Index: cs, Scale: 4}, cb[1])
	}
	each := func(f func(m Mem, r reg.VecVirtual)) {
		for i := range rows {
			for j, r := range acc[i] {
				m := row(cb, cs, cs3, i)
				m.Disp = j * bytes
				f(m, r)
			}
		}
	}
	CMPQ(Mem{Base: s, Disp: 8 * 8}, U8(0))
	JNE(LabelRef("store"))
	each(func(m Mem, r reg.VecVirtual) { VADDPS(m, r, r) })
	Label("store")
	each(func(m Mem, r reg.VecVirtual) { VMOVUPS(r, m) })
	VZEROUPPER()
	RET()
}
