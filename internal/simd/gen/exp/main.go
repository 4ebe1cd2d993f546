// Command exp writes the kernels of exponentials.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	for _, l := range []emit.Lanes{emit.AVX2, emit.AVX512} {
		exp(l)
		expSum(l)
	}
	Generate()
}

// loop emits body for whole vectors and, masked, for the rest: body gets the address and a
// mask, nil for all lanes.
func loop(l emit.Lanes, n reg.Register, body func(at operand.Mem, mask reg.Register)) {
	i := GP64()
	XORQ(i, i)
	end, rest := GP64(), GP64()
	MOVQ(n, end)
	ANDQ(operand.I32(-int(l)), end)
	MOVQ(n, rest)
	SUBQ(end, rest)
	name := l.Suffix()
	JMP(operand.LabelRef("test" + name))
	Label("body" + name)
	body(operand.Mem{Index: i, Scale: 8}, nil)
	ADDQ(operand.Imm(uint64(l)), i)
	Label("test" + name)
	CMPQ(i, end)
	JLT(operand.LabelRef("body" + name))
	TESTQ(rest, rest)
	JZ(operand.LabelRef("done" + name))
	body(operand.Mem{Index: i, Scale: 8}, l.Tail(rest))
	Label("done" + name)
}

func load(l emit.Lanes, m operand.Mem, mask reg.Register) reg.VecVirtual {
	x := l.Reg()
	if mask == nil {
		VMOVUPD(m, x)
	} else {
		l.LoadMasked(m, mask, x)
	}
	return x
}

func store(l emit.Lanes, x reg.VecVirtual, m operand.Mem, mask reg.Register) {
	if mask == nil {
		VMOVUPD(x, m)
	} else {
		l.StoreMasked(x, mask, m)
	}
}

func exp(l emit.Lanes) {
	TEXT("exp"+l.Suffix(), NOSPLIT, "func(dst, x *float64, n int)")
	Pragma("noescape")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	e := l.NewExp()
	loop(l, n, func(at operand.Mem, mask reg.Register) {
		from, to := at, at
		from.Base, to.Base = x, dst
		store(l, e.Full(load(l, from, mask)), to, mask)
	})
	VZEROUPPER()
	RET()
}

func expSum(l emit.Lanes) {
	TEXT("expSum"+l.Suffix(), NOSPLIT, "func(t *float64, n int, top, cutoff float64) float64")
	Pragma("noescape")
	t, n := Load(Param("t"), GP64()), Load(Param("n"), GP64())
	e := l.NewExp()
	top, cutoff, sum := l.Param("top"), l.Param("cutoff"), l.Reg()
	VXORPD(sum, sum, sum)
	loop(l, n, func(at operand.Mem, mask reg.Register) {
		at.Base = t
		x := load(l, at, mask)
		VSUBPD(top, x, x)
		p := e.Power(x, emit.E)
		l.CutBelow(cutoff, x, p)
		store(l, p, at, mask)
		switch {
		case mask == nil:
			VADDPD(p, sum, sum)
		case l == emit.AVX512:
			VADDPD(p, sum, mask, sum)
		default:
			VANDPD(mask, p, p)
			VADDPD(p, sum, sum)
		}
	})
	Store(l.Sum(sum), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
