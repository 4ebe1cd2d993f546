package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// first emits the first loop with components as lanes: it writes the logits to scratch and
// returns their largest in all lanes, at least that of the register top.
func (k *kernel) first(x, scratch reg.Register, top reg.VecVirtual) {
	l, s := k.l, k.components()
	k.loop(0, 8*int(l), k.n, func(i reg.Register) {
		t := k.logit(s, i, func(j int) reg.VecVirtual { return l.Broadcast(coord(x, j)) })
		VMAXPD(t, top, top)
		VMOVUPD(t, operand.Mem{Base: scratch, Index: i, Scale: 1})
	})
	t := l.Reg()
	if l == emit.AVX512 {
		VSHUFF64X2(operand.Imm(0x4e), top, top, t)
		VMAXPD(t, top, top)
		VPERMPD(operand.Imm(0x4e), top, t)
	} else {
		VPERM2F128(operand.Imm(1), top, top, t)
	}
	VMAXPD(t, top, top)
	if l == emit.AVX512 {
		VPERMILPD(operand.Imm(0x55), top, t)
	} else {
		VPERMILPD(operand.Imm(5), top, t)
	}
	VMAXPD(t, top, top)
}

// again emits the loop over the exponentials.
func (k *kernel) again(scratch reg.Register, top reg.VecVirtual, sums []reg.VecVirtual) {
	s := k.components()
	k.loop(0, 8*int(k.l), k.n, func(i reg.Register) {
		t := k.l.Reg()
		VMOVUPD(operand.Mem{Base: scratch, Index: i, Scale: 1}, t)
		k.add(s, i, k.power(t, top), sums)
	})
}

// row: the lanes are components, of one point and all at once.
func (k *kernel) row() {
	k.text("posteriorRow", "dst, x, top, z, scratch *float64")
	k.level()
	x, scratch := Load(Param("x"), GP64()), Load(Param("scratch"), GP64())
	k.e = k.l.NewExp()
	top := k.l.Broadcast(emit.U64(0xfff0000000000000))
	k.first(x, scratch, top)
	sums := k.zero(k.sums())
	k.again(scratch, top, sums)
	tops, zs, dst := Load(Param("top"), GP64()), Load(Param("z"), GP64()), Load(Param("dst"), GP64())
	VMOVSD(top.AsX(), operand.Mem{Base: tops})
	var t []reg.VecVirtual
	for _, v := range sums {
		t = append(t, k.l.Sum(v))
	}
	VMOVSD(t[0], operand.Mem{Base: zs})
	inv, b := XMM(), XMM()
	VMOVSD(emit.F64(1), inv)
	VDIVSD(t[0], inv, inv)
	if k.varied {
		b = t[1+k.d]
		VMULSD(inv, b, b)
	} else {
		VMOVSD(k.field(offB), b)
	}
	VMULSD(k.field(offA), inv, inv)
	for j := range k.d {
		m := t[1+j]
		VMULSD(inv, m, m)
		VFMADD231SD(coord(x, j), b, m)
		VMOVSD(m, coord(dst, j))
	}
	VZEROUPPER()
	RET()
}

// block: the lanes are components, of one point, and its sums go on.
func (k *kernel) block() {
	k.text("posteriorBlock", "x, top, sums, scratch *float64")
	k.level()
	x, tops := Load(Param("x"), GP64()), Load(Param("top"), GP64())
	scratch := Load(Param("scratch"), GP64())
	k.e = k.l.NewExp()
	top, old := k.l.Broadcast(operand.Mem{Base: tops}), k.l.Reg()
	k.first(x, scratch, top)
	VBROADCASTSD(operand.Mem{Base: tops}, old)
	VMOVSD(top.AsX(), operand.Mem{Base: tops})
	f := k.power(old, top)
	slot := k.slots()
	sums := make([]reg.VecVirtual, k.sums())
	for i := range sums {
		sums[i] = k.l.Reg()
		VMULPD(slot(i), f, sums[i])
	}
	k.again(scratch, top, sums)
	slot = k.slots()
	for i, v := range sums {
		VMOVUPD(v, slot(i))
	}
	VZEROUPPER()
	RET()
}

// slots returns the addresses of the sums, eight lanes each.
func (k *kernel) slots() func(i int) operand.Mem {
	p := Load(Param("sums"), GP64())
	return func(i int) operand.Mem { return operand.Mem{Base: p, Disp: 64 * i} }
}

// second: with u = M + Gx - mean, the sums Σ e |u|² or Σ e (u·v) u, and Σ e G, of one point
// over a block, the lanes being components. The point is x, the mean and v.
func (k *kernel) second(product bool) {
	name := "posteriorSpread"
	if product {
		name = "posteriorProduct"
	}
	k.text(name, "point *float64, top float64, sums *float64")
	k.level()
	l, s := k.l, k.components()
	point := Load(Param("point"), GP64())
	x, mean, v := 0, k.d, 2*k.d
	n := 1
	if product {
		n = k.d
	}
	if k.varied {
		n++
	}
	slot := k.slots()
	sums := make([]reg.VecVirtual, n)
	for i := range sums {
		sums[i] = l.Reg()
		VMOVUPD(slot(i), sums[i])
	}
	k.e = l.NewExp()
	top := l.Param("top")
	k.loop(0, 8*int(l), k.n, func(i reg.Register) {
		t := k.logit(s, i, func(j int) reg.VecVirtual { return l.Broadcast(coord(point, x+j)) })
		e := k.power(t, top)
		if k.varied {
			s.fma(k.g(i), e, sums[n-1])
		}
		u := make([]reg.VecVirtual, k.d)
		dot := l.Reg()
		for j := range u {
			u[j] = s.load(k.m(j, i))
			if k.varied {
				s.fma(k.g(i), l.Broadcast(coord(point, x+j)), u[j])
			}
			l.Sub(coord(point, mean+j), u[j], u[j])
			w := u[j]
			if product {
				w = l.Broadcast(coord(point, v+j))
			}
			if j == 0 {
				VMULPD(w, u[j], dot)
			} else {
				VFMADD231PD(w, u[j], dot)
			}
		}
		if !product {
			VFMADD231PD(e, dot, sums[0])
			return
		}
		VMULPD(e, dot, dot)
		for j := range u {
			VFMADD231PD(u[j], dot, sums[j])
		}
	})
	slot = k.slots()
	for i, v := range sums {
		VMOVUPD(v, slot(i))
	}
	VZEROUPPER()
	RET()
}
