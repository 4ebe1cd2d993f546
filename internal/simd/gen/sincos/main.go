// Command sincos writes the kernels of sincos.go.
package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
	"github.com/seed-dea4846a/sampler/internal/simd/gen/lanes"
)

// The parts of π/2 in sincos.go.
const (
	half0 = math.Pi / 2
	half1 = 6.123233995736765e-17
	half2 = 1.082856673921914e-32
)

func main() {
	for _, l := range []lanes.Lanes{lanes.AVX2(1), lanes.AVX512(1)} {
		TEXT("sinCos"+l.Suffix(), attr.NOSPLIT, "func(sin, cos, x *float64, n int) (left int)")
		Pragma("noescape")
		Doc("sinCos" + l.Suffix() + " stops before a vector that is not all within ±2³⁰, with left to do.")
		sinTo, cosTo, src, n := Load(Param("sin"), GP64()), Load(Param("cos"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
		Label("loop")
		x := l.Load(operand.Mem{Base: src})
		l.Outside(x, -1<<30, 1<<30, "done")
		// x = q π/2 + r: adding 1.5·2⁵² rounds q to an integer, in the low bits of the sum.
		sum, q := l.Reg(), l.Reg()
		l.Mul(emit.F64(2/math.Pi), x, sum)
		l.Add(emit.F64(0x1.8p52), sum, sum)
		l.Sub(emit.F64(0x1.8p52), sum, q)
		for _, part := range []float64{half0, half1, half2} {
			l.FNM231(emit.F64(part), q, x)
		}
		sin, cos := l.SinCos(x)
		sign := l.Reg()
		l.And(emit.U64(1<<63), x, sign)
		l.Or(sign, sin, sin) // sin -0 = -0
		// Odd q swap the two; q = 2 and 3 mod 4 turn sin's sign, q = 1 and 2 that of cos.
		sin, cos = l.Swap(0, sum, sin, cos)
		turn := l.Reg()
		l.Do(VPSLLQ, operand.Imm(62), sum, turn)
		l.And(emit.U64(1<<63), turn, turn)
		l.Xor(turn, sin, sin)
		l.AddQ(emit.U64(1), sum, sum)
		l.Do(VPSLLQ, operand.Imm(62), sum, turn)
		l.And(emit.U64(1<<63), turn, turn)
		l.Xor(turn, cos, cos)
		l.Store(sin, operand.Mem{Base: sinTo})
		l.Store(cos, operand.Mem{Base: cosTo})
		for _, p := range []operand.Op{src, sinTo, cosTo} {
			ADDQ(operand.U8(8*l.Width()), p)
		}
		DECQ(n)
		JNZ(operand.LabelRef("loop"))
		Label("done")
		Store(n, ReturnIndex(0))
		VZEROUPPER()
		RET()
	}
	Generate()
}
