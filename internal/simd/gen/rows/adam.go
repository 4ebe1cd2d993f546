package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// adam writes a step of Adam: the numbers of c are β₁, β₂, 1-β₁, 1-β₂, the rate over m's
// correction, one over v's, ε and the decay.
func (g *gen) adam() {
	TEXT(fmt.Sprintf("adam%d%s", g.bits, g.level()), attr.NOSPLIT,
		fmt.Sprintf("func(w, d, m, v, c *float%d, n int)", g.bits))
	Pragma("noescape")
	restore := emit.Flush()
	var ptr []reg.Register
	for _, p := range []string{"w", "d", "m", "v"} {
		ptr = append(ptr, Load(Param(p), GP64()))
	}
	from, n, at := Load(Param("c"), GP64()), Load(Param("n"), GP64()), GP64()
	var c [8]reg.VecVirtual
	for i := range c {
		c[i] = g.vec()
		g.pick(VBROADCASTSS, VBROADCASTSD)(operand.Mem{Base: from, Disp: i * g.bits / 8}, c[i])
	}
	XORQ(at, at)
	SUBQ(operand.U8(g.lanes()), n)
	JL(operand.LabelRef("tail"))
	Label("vector")
	g.adamStep(ptr, at, c, whole)
	ADDQ(operand.U8(g.lanes()*g.bits/8), at)
	SUBQ(operand.U8(g.lanes()), n)
	JGE(operand.LabelRef("vector"))
	Label("tail")
	ADDQ(operand.U8(g.lanes()), n)
	JZ(operand.LabelRef("end"))
	if g.avx512 {
		mask(n)
		g.adamStep(ptr, at, c, masked)
	} else {
		Label("one")
		g.adamStep(ptr, at, c, one)
		ADDQ(operand.U8(g.bits/8), at)
		DECQ(n)
		JNZ(operand.LabelRef("one"))
	}
	Label("end")
	restore()
	VZEROUPPER()
	RET()
}

func (g *gen) adamStep(ptr []reg.Register, at reg.Register, c [8]reg.VecVirtual, part int) {
	mul, add, sub := g.pick(VMULPS, VMULPD), g.pick(VADDPS, VADDPD), g.pick(VSUBPS, VSUBPD)
	fma, div, root := g.pick(VFMADD231PS, VFMADD231PD), g.pick(VDIVPS, VDIVPD), g.pick(VSQRTPS, VSQRTPD)
	// one number is computed beside zeros: 0/(√0 + ε)
	w, x, m, v := g.load(ptr[0], at, part), g.load(ptr[1], at, part), g.load(ptr[2], at, part), g.load(ptr[3], at, part)
	mul(c[0], m, m)
	fma(c[2], x, m)
	mul(c[1], v, v)
	mul(x, x, x)
	fma(c[3], x, v)
	g.store(m, ptr[2], at, part)
	g.store(v, ptr[3], at, part)
	mul(c[5], v, v)
	root(v, v)
	add(c[6], v, v)
	mul(c[4], m, m)
	div(v, m, m)
	fma(c[7], w, m)
	sub(m, w, w)
	g.store(w, ptr[0], at, part)
}

// load reads a vector, some of its lanes or one number, with zeros beside them.
func (g *gen) load(p, at reg.Register, part int) reg.VecVirtual {
	x, m := g.vec(), operand.Mem{Base: p, Index: at, Scale: 1}
	switch {
	case part == masked && g.bits == 32:
		VMOVUPS_Z(m, reg.K1, x)
	case part == masked:
		VMOVUPD_Z(m, reg.K1, x)
	case part == one:
		g.pick(VMOVSS, VMOVSD)(m, x.AsX())
	default:
		g.pick(VMOVUPS, VMOVUPD)(m, x)
	}
	return x
}

func (g *gen) store(x reg.VecVirtual, p, at reg.Register, part int) {
	m := operand.Mem{Base: p, Index: at, Scale: 1}
	switch part {
	case masked:
		g.pick(VMOVUPS, VMOVUPD)(x, reg.K1, m)
	case one:
		g.pick(VMOVSS, VMOVSD)(x.AsX(), m)
	default:
		g.pick(VMOVUPS, VMOVUPD)(x, m)
	}
}
