package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// rows: the lanes are points, the components are in the loop. With each, every point has its
// own noise level, and only the means are written.
func (k *kernel) rows(each bool) {
	l := k.l
	if each {
		k.text("posteriorEach", "groups int, dst, x, alpha, sigma *float64, v float64, scratch *float64")
	} else {
		k.text("posteriorRows", "groups int, dst, x, top, z, scratch *float64")
		k.level()
	}
	scratch := Load(Param("scratch"), GP64())
	k.e = l.NewExp()
	width := 8 * int(l)
	done := GP64() // bytes of a value a point
	XORQ(done, done)
	again := k.fresh()
	Label(again)
	x := k.advanced("x", done, k.d)
	xs := k.split(x)
	var a, b reg.VecVirtual
	if each {
		a, b = k.noise(done)
	}
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
	switch {
	case each:
		VMULPD(a, inv, inv)
	case k.varied:
		b = sums[1+k.d]
		VMULPD(inv, b, b)
		l.Mul(k.field(offA), inv, inv)
	default:
		b = l.Broadcast(k.field(offB))
		l.Mul(k.field(offA), inv, inv)
	}
	xs = k.split(k.advanced("x", done, k.d))
	for j := range k.d {
		m := sums[1+j]
		VMULPD(inv, m, m)
		VFMADD231PD(xs[j], b, m)
	}
	k.join(sums[1:1+k.d], k.advanced("dst", done, k.d))
	if !each {
		k.order(top)
		k.order(sums[0])
		VMOVUPD(top, operand.Mem{Base: k.advanced("top", done, 1)})
		VMOVUPD(sums[0], operand.Mem{Base: k.advanced("z", done, 1)})
	}
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

// noise sets α and the precision of each point and returns its a and b, by the operations of
// simd.Posterior.SetNoise.
func (k *kernel) noise(done reg.Register) (a, b reg.VecVirtual) {
	l := k.l
	k.alpha, a, b, k.prec = k.own("alpha", done), k.own("sigma", done), l.Param("v"), l.Reg()
	p, s := l.Broadcast(emit.F64(1)), l.Reg()
	VMULPD(k.alpha, k.alpha, s)
	VMULPD(b, s, s)
	VMULPD(a, a, a)
	VADDPD(a, s, s)
	VDIVPD(s, p, p)
	l.Mul(emit.F64(0.5), p, k.prec)
	l.Mul(emit.F64(math.Log2E), k.prec, k.prec)
	VMULPD(p, a, a)
	VMULPD(k.alpha, b, b)
	VMULPD(p, b, b)
	return a, b
}

// own returns a value of each point, in the order of the lanes that split makes.
func (k *kernel) own(name string, done reg.Register) reg.VecVirtual {
	v, at := k.l.Reg(), operand.Mem{Base: k.advanced(name, done, 1)}
	switch {
	case k.d == 1:
		VMOVUPD(at, v)
	case k.l == emit.AVX2:
		VPERMPD(operand.Imm(0xd8), at, v)
	default:
		VMOVDQU64(permutation("split", 0, 4, 1, 5, 2, 6, 3, 7), v)
		VPERMPD(at, v, v)
	}
	return v
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
		VMOVDQU64(permutation("points", 0, 2, 4, 6, 1, 3, 5, 7), i)
		VPERMPD(v, i, v)
	}
}

var permutations = map[string]operand.Mem{}

func permutation(name string, of ...uint64) operand.Mem {
	m, ok := permutations[name]
	if !ok {
		m = GLOBL(name, attr.RODATA|attr.NOPTR)
		for i, v := range of {
			DATA(8*i, operand.U64(v))
		}
		permutations[name] = m
	}
	return m
}
