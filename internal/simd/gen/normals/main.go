// Command normals writes the kernels of normals.go.
package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
	"github.com/seed-dea4846a/sampler/internal/simd/gen/lanes"
)

func main() {
	for _, l := range []lanes.Lanes{lanes.AVX2(1), lanes.AVX2(2), lanes.AVX512(1), lanes.AVX512(4)} {
		kernel(l, "normals", false)
		kernel(l, "normalRows", true)
	}
	Generate()
}

// The multipliers of SplitMix64.
const mul0, mul1 = 0xbf58476d1ce4e5b9, 0x94d049bb133111eb

// kernel writes n groups of pairs, one a lane, n > 0. A lane has its counter g = golden·2·pair
// and, in rows, the pair's number j within the sample and the sample as s = golden·sample. The
// words at b: the key; the steps of g, s and j from group to group; the pairs of a sample, and
// golden times twice that; golden; from 8 on g, from 40 on s, from 72 on j, which go on in place.
func kernel(l lanes.Lanes, name string, rows bool) {
	TEXT(fmt.Sprintf("%s%d%s", name, l.Unroll, l.Suffix()), attr.NOSPLIT, "func(dst *float64, n int, b *uint64)")
	Pragma("noescape")
	dst, n, b := Load(Param("dst"), GP64()), Load(Param("n"), GP64()), Load(Param("b"), GP64())
	at := func(word int) operand.Mem { return operand.Mem{Base: b, Disp: 8 * word} }
	Label("loop")
	w0, w1 := words(l, rows, at)
	x, y := pair(l, w0, w1)
	// The lanes' order makes what these interleave consecutive.
	t := l.Reg()
	l.Do(VUNPCKLPD, y, x, t)
	l.Do(VUNPCKHPD, y, x, y)
	for i := range t {
		VMOVUPD(t[i], operand.Mem{Base: dst, Disp: 16 * l.Width() * i})
		VMOVUPD(y[i], operand.Mem{Base: dst, Disp: 16*l.Width()*i + 8*l.Width()})
	}
	ADDQ(operand.U32(16*l.Width()*l.Unroll), dst)
	DECQ(n)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// words returns the two words of each pair and moves the state on.
func words(l lanes.Lanes, rows bool, at func(int) operand.Mem) (w0, w1 lanes.Vec) {
	g := l.Load(at(8))
	w0, w1 = l.Reg(), l.Reg()
	if !rows {
		l.AddQ(at(0), g, w0)
		l.AddQ(at(7), w0, w1)
		l.AddQ(at(2), g, g)
		l.Store(g, at(8))
		key := l.Broadcast(at(1))
		mix(l, w0, key)
		mix(l, w1, key)
		return w0, w1
	}
	s, key := l.Load(at(40)), l.Reg()
	l.AddQ(at(0), s, w0)
	l.XorShift(30, w0, nil, w0)
	l.MulQ(mul0, w0)
	l.XorShift(32, w0, nil, key)
	l.Xor(at(1), key, key)
	l.MulQ(mul0, key)
	l.XorShift(27, w0, nil, w0)
	l.MulQ(mul1, w0)
	l.AddQ(g, w0, w0)
	l.AddQ(at(7), w0, w1)

	j := l.Load(at(72))
	l.AddQ(at(2), g, g)
	l.AddQ(at(3), s, s)
	l.AddQ(at(4), j, j)
	next(l, at, g, s, j)
	l.Store(g, at(8))
	l.Store(s, at(40))
	l.Store(j, at(72))
	mix(l, w0, key)
	mix(l, w1, key)
	return w0, w1
}

// next goes on to the next sample in the lanes whose j is past the last pair.
func next(l lanes.Lanes, at func(int) operand.Mem, g, s, j lanes.Vec) {
	for i := range j {
		if l.Wide() {
			k := K()
			VPCMPUQ_BCST(operand.Imm(5), at(5), j[i], k)
			VPSUBQ_BCST(at(5), j[i], k, j[i])
			VPSUBQ_BCST(at(6), g[i], k, g[i])
			VPADDQ_BCST(at(7), s[i], k, s[i])
			continue
		}
		c, less := YMM(), YMM()
		VBROADCASTSD(at(5), c)
		VPCMPGTQ(j[i], c, less)
		VPANDN(c, less, c)
		VPSUBQ(c, j[i], j[i])
		VBROADCASTSD(at(6), c)
		VPANDN(c, less, c)
		VPSUBQ(c, g[i], g[i])
		VBROADCASTSD(at(7), c)
		VPANDN(c, less, c)
		VPADDQ(c, s[i], s[i])
	}
}

// mix is mix of normals.go.
func mix(l lanes.Lanes, z, key lanes.Vec) {
	l.XorShift(30, z, nil, z)
	l.MulQ(mul0, z)
	l.XorShift(27, z, key, z)
	l.MulQ(mul1, z)
	l.XorShift(31, z, nil, z)
}

// pair makes two normals of two words, as normalPair does.
func pair(l lanes.Lanes, w0, w1 lanes.Vec) (x, y lanes.Vec) {
	l.Or(emit.U64(1), w0, w0)
	r := l.Log(l.FromU64(w0), 64)
	l.Mul(emit.F64(-2), r, r)
	l.Do(VSQRTPD, r, r)
	angle := l.Reg()
	l.And(emit.U64(1<<63), w1, angle)
	l.Xor(angle, r, r)
	l.And(emit.U64(1<<52-1), w1, angle)
	l.Or(emit.F64(1), angle, angle)
	l.Sub(emit.F64(1.5), angle, angle)
	l.Mul(emit.F64(math.Pi/2), angle, angle)
	sin, cos := l.SinCos(angle)
	x, y = l.Swap(62, w1, cos, sin)
	l.Mul(r, x, x)
	l.Mul(r, y, y)
	return x, y
}
