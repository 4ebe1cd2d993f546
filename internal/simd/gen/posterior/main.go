// Command posterior writes the kernels of mixtures of isotropic Gaussians in few dimensions.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// Offsets of the fields of simd.Posterior.
const (
	offK     = 0
	offAlpha = 8
	offPrec  = 16
	offA     = 24
	offB     = 32
)

// row is the distance of the rows of a block, in bytes: c, the coordinates of μ and, if
// varied, p, g and the coordinates of M, which otherwise is μ.
const row = 8 * maxComponents

// maxComponents is simd.PosteriorBlock.
const maxComponents = 64

// floor bounds the powers of 2 from below: far under the rounding of a sum that holds a 1,
// and far above what is subnormal in products with it.
const floor = -500

func main() {
	for _, l := range []emit.Lanes{emit.AVX2, emit.AVX512} {
		for _, varied := range []bool{false, true} {
			for d := 1; d <= 3; d++ {
				k := kernel{l: l, d: d, varied: varied}
				if d < 3 {
					k.rows()
				}
				k.row()
				k.block()
				k.second(false)
				k.second(true)
			}
		}
	}
	Generate()
}

type kernel struct {
	l      emit.Lanes
	d      int
	varied bool // precisions and gains of their own

	args, data  reg.Register
	n           reg.Register // the components, in bytes
	alpha, prec reg.VecVirtual
	e           emit.Exp
	labels      int
}

func (k *kernel) text(name, signature string) {
	kind := "Shared"
	if k.varied {
		kind = "Varied"
	}
	TEXT(fmt.Sprintf("%s%d%s%s", name, k.d, kind, k.l.Suffix()), NOSPLIT, "func(a *byte, block *float64, "+signature+")")
	Pragma("noescape")
	k.args = Load(Param("a"), GP64())
	k.data = Load(Param("block"), GP64())
	k.n = GP64()
	MOVQ(k.field(offK), k.n)
	SHLQ(operand.Imm(3), k.n)
	k.alpha = k.l.Broadcast(k.field(offAlpha))
	if !k.varied {
		k.prec = k.l.Broadcast(k.field(offPrec))
	}
}

func (k *kernel) field(off int) operand.Mem { return operand.Mem{Base: k.args, Disp: off} }

// The operands of component i, in bytes.
func (k *kernel) at(r int, i reg.Register) operand.Mem {
	return operand.Mem{Base: k.data, Index: i, Scale: 1, Disp: r * row}
}
func (k *kernel) c(i reg.Register) operand.Mem         { return k.at(0, i) }
func (k *kernel) mu(j int, i reg.Register) operand.Mem { return k.at(1+j, i) }
func (k *kernel) p(i reg.Register) operand.Mem         { return k.at(1+k.d, i) }
func (k *kernel) g(i reg.Register) operand.Mem         { return k.at(2+k.d, i) }
func (k *kernel) m(j int, i reg.Register) operand.Mem {
	if k.varied {
		return k.at(3+k.d+j, i)
	}
	return k.mu(j, i)
}

func coord(base reg.Register, j int) operand.Mem { return operand.Mem{Base: base, Disp: 8 * j} }

func (k *kernel) fresh() string { k.labels++; return fmt.Sprintf("l%d", k.labels) }

// zero returns n registers of 0.
func (k *kernel) zero(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = k.l.Reg()
		VXORPD(v[i], v[i], v[i])
	}
	return v
}

// loop emits body for i = from, from + step... < n.
func (k *kernel) loop(from, step int, n reg.Register, body func(i reg.Register)) {
	i, top, end := GP64(), k.fresh(), k.fresh()
	MOVQ(operand.U32(uint32(from)), i)
	CMPQ(i, n)
	JGE(operand.LabelRef(end))
	Label(top)
	body(i)
	ADDQ(operand.U32(step), i)
	CMPQ(i, n)
	JLT(operand.LabelRef(top))
	Label(end)
}

// A source gives operands of a component i: broadcast to all lanes if the lanes are points,
// as they lie if they are components.
type source struct {
	load func(m operand.Mem) reg.VecVirtual
	fma  func(m operand.Mem, b, dst reg.VecVirtual)
	fnma func(m operand.Mem, b, dst reg.VecVirtual)
}

func (k *kernel) points() source {
	return source{k.l.Broadcast,
		func(m operand.Mem, b, dst reg.VecVirtual) { k.l.FMA231(m, b, dst) },
		func(m operand.Mem, b, dst reg.VecVirtual) { k.l.FNM231(m, b, dst) }}
}

func (k *kernel) components() source {
	return source{func(m operand.Mem) reg.VecVirtual {
		r := k.l.Reg()
		VMOVUPD(m, r)
		return r
	}, func(m operand.Mem, b, dst reg.VecVirtual) { VFMADD231PD(m, b, dst) },
		func(m operand.Mem, b, dst reg.VecVirtual) { VFNMADD231PD(m, b, dst) }}
}

// logit returns c - p|x - αμ|²; x(j) returns a register with x_j that may be overwritten.
func (k *kernel) logit(s source, i reg.Register, x func(j int) reg.VecVirtual) reg.VecVirtual {
	q := k.l.Reg()
	for j := range k.d {
		u := x(j)
		s.fnma(k.mu(j, i), k.alpha, u)
		if j == 0 {
			VMULPD(u, u, q)
		} else {
			VFMADD231PD(u, u, q)
		}
	}
	t := s.load(k.c(i))
	if k.varied {
		s.fnma(k.p(i), q, t)
	} else {
		VFNMADD231PD(k.prec, q, t)
	}
	return t
}

// power returns 2^max(t - top, floor).
func (k *kernel) power(t, top reg.VecVirtual) reg.VecVirtual {
	VSUBPD(top, t, t)
	VMAXPD(t, k.l.Broadcast(emit.F64(floor)), t) // this order lets NaN pass
	return k.e.Power(t, emit.Two)
}

// add adds a component's share to the sums Σ e, Σ e M and, if varied, Σ e G.
func (k *kernel) add(s source, i reg.Register, e reg.VecVirtual, sums []reg.VecVirtual) {
	VADDPD(e, sums[0], sums[0])
	for j := range k.d {
		s.fma(k.m(j, i), e, sums[1+j])
	}
	if k.varied {
		s.fma(k.g(i), e, sums[1+k.d])
	}
}

func (k *kernel) sums() int {
	if k.varied {
		return 2 + k.d
	}
	return 1 + k.d
}

// rows: the lanes are points, the components are in the loop.
func (k *kernel) rows() {
	k.text("posteriorRows", "groups int, dst, x, top, z, scratch *float64")
	l := k.l
	scratch := Load(Param("scratch"), GP64())
	k.e = l.NewExp()
	width := 8 * int(l)
	done := GP64() // bytes of a value a point
	XORQ(done, done)
	again := k.fresh()
	Label(again)
	x := k.advanced("x", done, k.d)
	xs := k.split(x)
	top := l.Broadcast(emit.U64(0xfff0000000000000))
	to := GP64()
	MOVQ(scratch, to)
	s := k.points()
	k.loop(0, 8, k.n, func(i reg.Register) {
		t := k.logit(s, i, func(j int) reg.VecVirtual {
			u := l.Reg()
			VMOVAPD(xs[j], u)
			return u
		})
		VMAXPD(t, top, top)
		VMOVUPD(t, operand.Mem{Base: to})
		ADDQ(operand.U32(width), to)
	})
	sums := k.tree(s, scratch, top, 0, 1)
	// dst = a Σ eM/z + b x, b being Σ eG/z if varied.
	inv := l.Broadcast(emit.F64(1))
	VDIVPD(sums[0], inv, inv)
	var b reg.VecVirtual
	if k.varied {
		b = sums[1+k.d]
		VMULPD(inv, b, b)
	} else {
		b = l.Broadcast(k.field(offB))
	}
	l.Mul(k.field(offA), inv, inv)
	xs = k.split(k.advanced("x", done, k.d))
	for j := range k.d {
		m := sums[1+j]
		VMULPD(inv, m, m)
		VFMADD231PD(xs[j], b, m)
	}
	k.join(sums[1:1+k.d], k.advanced("dst", done, k.d))
	k.order(top)
	k.order(sums[0])
	VMOVUPD(top, operand.Mem{Base: k.advanced("top", done, 1)})
	VMOVUPD(sums[0], operand.Mem{Base: k.advanced("z", done, 1)})
	ADDQ(operand.U32(width), done)
	left := Load(Param("groups"), GP64())
	IMUL3Q(operand.U32(width), left, left)
	CMPQ(done, left)
	JLT(operand.LabelRef(again))
	VZEROUPPER()
	RET()
}

// advanced returns the address in a parameter, done·d bytes on.
func (k *kernel) advanced(name string, done reg.Register, d int) reg.Register {
	p := Load(Param(name), GP64())
	LEAQ(operand.Mem{Base: p, Index: done, Scale: uint8(d)}, p)
	return p
}

// tree returns the sums over the components from, from + step... in the order in which the
// lanes of row add up: components apart by the number of lanes in turn, then halves.
func (k *kernel) tree(s source, scratch reg.Register, top reg.VecVirtual, from, step int) []reg.VecVirtual {
	width := 8 * int(k.l)
	if step == int(k.l) {
		sums := k.zero(k.sums())
		next := GP64()
		LEAQ(operand.Mem{Base: scratch, Disp: from * width}, next)
		k.loop(8*from, 8*step, k.n, func(i reg.Register) {
			t := k.l.Reg()
			VMOVUPD(operand.Mem{Base: next}, t)
			ADDQ(operand.U32(width*step), next)
			k.add(s, i, k.power(t, top), sums)
		})
		return sums
	}
	// Of each depth, after the logits: the sums of the first half.
	depth := map[int]int{1: 0, 2: 1, 4: 2}[step]
	slot := func(i int) operand.Mem {
		return operand.Mem{Base: scratch, Disp: width * (maxComponents + depth*k.sums() + i)}
	}
	for i, v := range k.tree(s, scratch, top, from, 2*step) {
		VMOVUPD(v, slot(i))
	}
	sums := k.tree(s, scratch, top, from+step, 2*step)
	for i, v := range sums {
		VADDPD(slot(i), v, v)
	}
	return sums
}

// split returns the coordinates of the points at x, in the order of the lanes that join
// takes back.
func (k *kernel) split(x reg.Register) []reg.VecVirtual {
	v := make([]reg.VecVirtual, k.d)
	for j := range v {
		v[j] = k.l.Reg()
		VMOVUPD(operand.Mem{Base: x, Disp: 8 * int(k.l) * j}, v[j])
	}
	return k.unpack(v)
}

func (k *kernel) unpack(v []reg.VecVirtual) []reg.VecVirtual {
	if k.d == 1 {
		return v
	}
	lo, hi := k.l.Reg(), k.l.Reg()
	VUNPCKLPD(v[1], v[0], lo)
	VUNPCKHPD(v[1], v[0], hi)
	return []reg.VecVirtual{lo, hi}
}

func (k *kernel) join(v []reg.VecVirtual, dst reg.Register) {
	for j, u := range k.unpack(v) {
		VMOVUPD(u, operand.Mem{Base: dst, Disp: 8 * int(k.l) * j})
	}
}

// order puts the lanes of split in the order of the points.
func (k *kernel) order(v reg.VecVirtual) {
	switch {
	case k.d == 1:
	case k.l == emit.AVX2:
		VPERMPD(operand.Imm(0xd8), v, v)
	default:
		i := k.l.Reg()
		VMOVDQU64(order8(), i)
		VPERMPD(v, i, v)
	}
}

var lanes operand.Mem

func order8() operand.Mem {
	if lanes.Base == nil {
		lanes = GLOBL("lanes", 8|16)
		for i, v := range []int{0, 2, 4, 6, 1, 3, 5, 7} {
			DATA(8*i, operand.U64(v))
		}
	}
	return lanes
}

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
