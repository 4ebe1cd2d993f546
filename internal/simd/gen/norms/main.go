// Command norms writes the kernels of norms.go.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	for _, l := range []emit.Lanes{emit.AVX2, emit.AVX512} {
		weightedNorms(l)
		scaleRows(l)
	}
	Generate()
}

// rows emits a loop over rows of d numbers, a vector at a time, the last one masked: before and
// after a row, and on the vector at an offset in bytes, mask nil if it is whole.
func rows(l emit.Lanes, before func(), vector func(off reg.Register, mask reg.Register), after func()) {
	count, d := Load(Param("rows"), GP64()), Load(Param("d"), GP64())
	whole, rest := GP64(), GP64()
	MOVQ(d, whole)
	ANDQ(operand.I8(-int8(l)), whole)
	SHLQ(operand.Imm(3), whole)
	MOVQ(d, rest)
	ANDQ(operand.Imm(uint64(l)-1), rest)
	mask := l.Tail(rest)
	off := GP64()
	Label("row")
	before()
	XORQ(off, off)
	JMP(operand.LabelRef("test"))
	Label("vector")
	vector(off, nil)
	ADDQ(operand.Imm(uint64(8*l)), off)
	Label("test")
	CMPQ(off, whole)
	JLT(operand.LabelRef("vector"))
	TESTQ(rest, rest)
	JZ(operand.LabelRef("done"))
	vector(off, mask)
	Label("done")
	after()
	DECQ(count)
	JNZ(operand.LabelRef("row"))
	VZEROUPPER()
	RET()
}

func load(l emit.Lanes, base, off, mask reg.Register) reg.VecVirtual {
	v, at := l.Reg(), operand.Mem{Base: base, Index: off, Scale: 1}
	if mask == nil {
		VMOVUPD(at, v)
	} else {
		l.LoadMasked(at, mask, v)
	}
	return v
}

// next moves a pointer to the next row.
func next(p reg.Register) {
	d := Load(Param("d"), GP64())
	LEAQ(operand.Mem{Base: p, Index: d, Scale: 8}, p)
}

// weightedNorms: q_r = Σ_j p_j z_rj².
func weightedNorms(l emit.Lanes) {
	TEXT("weightedNorms"+l.Suffix(), NOSPLIT, "func(q, z, p *float64, rows, d int)")
	Pragma("noescape")
	q, z, p := Load(Param("q"), GP64()), Load(Param("z"), GP64()), Load(Param("p"), GP64())
	sum := l.Reg()
	rows(l, func() { VXORPD(sum, sum, sum) },
		func(off, mask reg.Register) {
			v, w := load(l, z, off, mask), load(l, p, off, mask)
			VMULPD(v, w, w)
			VFMADD231PD(v, w, sum)
		},
		func() {
			VMOVSD(l.Sum(sum).AsX(), operand.Mem{Base: q})
			ADDQ(operand.Imm(8), q)
			next(z)
		})
}

// scaleRows: y_rj = f_r (p_j z_rj).
func scaleRows(l emit.Lanes) {
	TEXT("scaleRows"+l.Suffix(), NOSPLIT, "func(y, f, z, p *float64, rows, d int)")
	Pragma("noescape")
	y, f := Load(Param("y"), GP64()), Load(Param("f"), GP64())
	z, p := Load(Param("z"), GP64()), Load(Param("p"), GP64())
	factor := l.Reg()
	rows(l, func() { VBROADCASTSD(operand.Mem{Base: f}, factor) },
		func(off, mask reg.Register) {
			v, w := load(l, z, off, mask), load(l, p, off, mask)
			VMULPD(v, w, w)
			VMULPD(factor, w, w)
			at := operand.Mem{Base: y, Index: off, Scale: 1}
			if mask == nil {
				VMOVUPD(w, at)
			} else {
				l.StoreMasked(w, mask, at)
			}
		},
		func() {
			ADDQ(operand.Imm(8), f)
			next(y)
			next(z)
		})
}
