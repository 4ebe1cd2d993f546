// Command log writes the kernels of log.go.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/lanes"
)

func main() {
	for _, l := range []lanes.Lanes{lanes.AVX2(1), lanes.AVX512(1)} {
		TEXT("log"+l.Suffix(), attr.NOSPLIT, "func(dst, x *float64, n int) (left int)")
		Pragma("noescape")
		Doc("log" + l.Suffix() + " stops before a vector that is not all within 2^-1022 and 2^1023, with left to do.")
		dst, src, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
		Label("loop")
		x := l.Load(operand.Mem{Base: src})
		l.Outside(x, 0x1p-1022, 0x1p1023, "done")
		l.Store(l.Log(x, 0), operand.Mem{Base: dst})
		ADDQ(operand.U8(8*l.Width()), src)
		ADDQ(operand.U8(8*l.Width()), dst)
		DECQ(n)
		JNZ(operand.LabelRef("loop"))
		Label("done")
		Store(n, ReturnIndex(0))
		VZEROUPPER()
		RET()
	}
	Generate()
}
