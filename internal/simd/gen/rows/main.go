// Command rows writes sums of products over rows, and the steps of Adam.
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	for _, bits := range []int{32, 64} {
		for _, avx512 := range []bool{true, false} {
			g := &gen{bits: bits, avx512: avx512}
			g.product()
			g.dot()
			g.adam()
		}
	}
	Generate()
}

type instruction = func(...operand.Op)

type gen struct {
	bits   int
	avx512 bool
}

func (g *gen) level() string { return map[bool]string{true: "AVX512", false: "AVX2"}[g.avx512] }

func (g *gen) lanes() int {
	if g.avx512 {
		return 512 / g.bits
	}
	return 256 / g.bits
}

func (g *gen) vec() reg.VecVirtual {
	if g.avx512 {
		return ZMM()
	}
	return YMM()
}

func (g *gen) pick(single, double instruction) instruction {
	if g.bits == 32 {
		return single
	}
	return double
}

// mask makes K1 that of the first n lanes.
func mask(n reg.Register) {
	m := GP64()
	MOVQ(n, reg.RCX)
	MOVQ(operand.U32(1), m)
	SHLQ(reg.CL, m)
	DECQ(m)
	KMOVW(m.As32(), reg.K1)
}

func param(name string) operand.Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// product writes y = shift + fabcd or adds that to y, a loop for each number of factors. The
// steps from row to row are in bytes.
func (g *gen) product() {
	TEXT(fmt.Sprintf("product%d%s", g.bits, g.level()), attr.NOSPLIT,
		fmt.Sprintf("func(y, a, b, c, d *float%[1]d, sy, sa, sb, sc, sd, rows, n, factors int, set bool, shift, f float%[1]d)", g.bits))
	Pragma("noescape")
	restore := emit.Flush()
	shift, f := g.vec(), g.vec()
	g.pick(VBROADCASTSS, VBROADCASTSD)(param("shift"), shift)
	g.pick(VBROADCASTSS, VBROADCASTSD)(param("f"), f)
	factors, set := Load(Param("factors"), GP64()), Load(Param("set"), GP8())
	names := []string{"y", "a", "b", "c", "d"}
	ptr := make([]reg.Register, len(names))
	for i, p := range names {
		ptr[i] = Load(Param(p), GP64())
	}
	rows := Load(Param("rows"), GP64())
	TESTB(set, set)
	JNZ(operand.LabelRef("set"))
	for _, set := range []string{"add", "set"} {
		Label(set)
		for k := range 4 {
			CMPQ(factors, operand.U8(k))
			JE(operand.LabelRef(fmt.Sprintf("%s%d", set, k)))
		}
		for k := 4; k >= 0; k-- {
			name := fmt.Sprintf("%s%d", set, k)
			Label(name)
			n, at := Load(Param("n"), GP64()), GP64()
			XORQ(at, at)
			SUBQ(operand.U8(g.lanes()), n)
			JL(operand.LabelRef(name + "tail"))
			Label(name + "vector")
			g.step(ptr, at, k, set == "set", shift, f, whole)
			ADDQ(operand.U8(g.lanes()*g.bits/8), at)
			SUBQ(operand.U8(g.lanes()), n)
			JGE(operand.LabelRef(name + "vector"))
			Label(name + "tail")
			ADDQ(operand.U8(g.lanes()), n)
			JZ(operand.LabelRef(name + "next"))
			if g.avx512 {
				mask(n)
				g.step(ptr, at, k, set == "set", shift, f, masked)
			} else {
				Label(name + "one")
				g.step(ptr, at, k, set == "set", shift, f, one)
				ADDQ(operand.U8(g.bits/8), at)
				DECQ(n)
				JNZ(operand.LabelRef(name + "one"))
			}
			Label(name + "next")
			for i := range k + 1 {
				ADDQ(param("s"+names[i]), ptr[i])
			}
			DECQ(rows)
			JNZ(operand.LabelRef(name))
			restore()
			VZEROUPPER()
			RET()
		}
	}
}

const (
	whole = iota
	masked
	one
)

// step computes one vector, some of its lanes or one number of a row.
func (g *gen) step(ptr []reg.Register, at reg.Register, factors int, set bool, shift, f reg.VecVirtual, part int) {
	add, mul, fma := g.pick(VADDPS, VADDPD), g.pick(VMULPS, VMULPD), g.pick(VFMADD231PS, VFMADD231PD)
	reg0 := func(v reg.VecVirtual) reg.Register { return v }
	if part == one {
		add, mul, fma = g.pick(VADDSS, VADDSD), g.pick(VMULSS, VMULSD), g.pick(VFMADD231SS, VFMADD231SD)
		reg0 = func(v reg.VecVirtual) reg.Register { return v.AsX() }
	}
	y := g.vec()
	if set {
		g.pick(VMOVAPS, VMOVAPD)(shift, y)
	} else {
		add(reg0(g.load(ptr[0], at, part)), reg0(shift), reg0(y))
	}
	t := f
	for i := 1; i <= factors; i++ {
		x := g.load(ptr[i], at, part)
		if i == factors {
			fma(reg0(x), reg0(t), reg0(y))
			break
		}
		next := g.vec()
		mul(reg0(x), reg0(t), reg0(next))
		t = next
	}
	if factors == 0 {
		add(reg0(f), reg0(y), reg0(y))
	}
	g.store(y, ptr[0], at, part)
}

// dot writes the sum of products ab in double precision: lane l of two vectors of sums has the
// columns j ≡ l of all rows.
func (g *gen) dot() {
	TEXT(fmt.Sprintf("dot%d%s", g.bits, g.level()), attr.NOSPLIT,
		fmt.Sprintf("func(a, b *float%d, sa, sb, rows, n int) float64", g.bits))
	Pragma("noescape")
	restore := emit.Flush()
	lanes, size := 4, g.bits/8
	if g.avx512 {
		lanes = 8
	}
	a, b := Load(Param("a"), GP64()), Load(Param("b"), GP64())
	rows := Load(Param("rows"), GP64())
	sum := g.vec()
	VXORPD(sum, sum, sum)
	Label("row")
	n, at := Load(Param("n"), GP64()), GP64()
	XORQ(at, at)
	SUBQ(operand.U8(lanes), n)
	JL(operand.LabelRef("tail"))
	Label("vector")
	from := func(p reg.Register) operand.Mem { return operand.Mem{Base: p, Index: at, Scale: 1} }
	x, y := g.vec(), g.vec()
	if g.bits == 32 {
		VCVTPS2PD(from(a), x)
		VCVTPS2PD(from(b), y)
		VFMADD231PD(x, y, sum)
	} else {
		VMOVUPD(from(a), x)
		VFMADD231PD(from(b), x, sum)
	}
	ADDQ(operand.U8(lanes*size), at)
	SUBQ(operand.U8(lanes), n)
	JGE(operand.LabelRef("vector"))
	Label("tail")
	ADDQ(operand.U8(lanes), n)
	JZ(operand.LabelRef("next"))
	if g.avx512 {
		mask(n)
		if g.bits == 32 {
			VCVTPS2PD_Z(from(a), reg.K1, x)
			VCVTPS2PD_Z(from(b), reg.K1, y)
		} else {
			VMOVUPD_Z(from(a), reg.K1, x)
			VMOVUPD_Z(from(b), reg.K1, y)
		}
		VFMADD231PD(x, y, sum)
	} else {
		// one number beside zeros, so that the other lanes stay
		Label("one")
		if g.bits == 32 {
			VMOVSS(from(a), x.AsX())
			VMOVSS(from(b), y.AsX())
			VCVTPS2PD(x.AsX(), x)
			VCVTPS2PD(y.AsX(), y)
		} else {
			VMOVSD(from(a), x.AsX())
			VMOVSD(from(b), y.AsX())
		}
		VFMADD231PD(x, y, sum)
		ADDQ(operand.U8(size), at)
		DECQ(n)
		JNZ(operand.LabelRef("one"))
	}
	Label("next")
	ADDQ(param("sa"), a)
	ADDQ(param("sb"), b)
	DECQ(rows)
	JNZ(operand.LabelRef("row"))
	half := YMM()
	if g.avx512 {
		VEXTRACTF64X4(operand.U8(1), sum, half)
		VADDPD(half, sum.AsY(), half)
	} else {
		VMOVAPD(sum, half)
	}
	low := XMM()
	VEXTRACTF128(operand.U8(1), half, low)
	VADDPD(half.AsX(), low, low)
	VHADDPD(low, low, low)
	restore()
	Store(low, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
