// Command normals writes the kernels of normals.go.
package main

import (
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
	"github.com/seed-dea4846a/sampler/internal/simd/gen/lanes"
)

func main() {
	for _, l := range []lanes.Lanes{lanes.AVX2(1), lanes.AVX512(1)} {
		for kind, name := range []string{"normals", "normalRows", "normalRowsInStep"} {
			long(l, name+"Long", kind)
			if kind != rowsInStep {
				short(l, name+"Short", kind)
			}
		}
	}
	Generate()
}

// What a kernel makes: a stream, rows, or rows whose samples fill vectors of their own.
const (
	stream = iota
	rows
	rowsInStep
)

// The multipliers of SplitMix64.
const mul0, mul1 = 0xbf58476d1ce4e5b9, 0x94d049bb133111eb

// A kernel writes n vectors of pairs, one a lane, n > 0. A lane has its counter g = golden·2·pair
// and, in rows, the pair's number j within the sample and the sample as s = golden·sample. The
// words at b: the key; the steps of g, s and j from vector to vector; the pairs of a sample, and
// golden times twice that; golden; from 8 on g, from 16 on s, from 24 on j, which go on in place;
// from 32 on scratch.
type kernel struct {
	lanes.Lanes
	kind      int
	dst, n, b reg.Register
}

func begin(l lanes.Lanes, name string, kind int) kernel {
	TEXT(name+l.Suffix(), attr.NOSPLIT, "func(dst *float64, n int, b *uint64)")
	Pragma("noescape")
	return kernel{l, kind, Load(Param("dst"), GP64()), Load(Param("n"), GP64()), Load(Param("b"), GP64())}
}

func end() {
	VZEROUPPER()
	RET()
}

// at is the address of a word at b.
func (k kernel) at(word int) operand.Mem { return operand.Mem{Base: k.b, Disp: 8 * word} }

// short writes the kernel for a few vectors, one after the other.
func short(l lanes.Lanes, name string, kind int) {
	k := begin(l, name, kind)
	Label("loop")
	w0, w1, key := k.words()
	e, f, s := k.logStart(k.mix(w0, key))
	w1 = k.mix(w1, key)
	x, y := k.direction(w1)
	k.finish(x, y, k.radius(e, f, s, w1))
	ADDQ(operand.U32(16*l.Width()), k.dst)
	DECQ(k.n)
	JNZ(operand.LabelRef("loop"))
	end()
}

// long writes the kernel that has five vectors at work, each a stage further than the next, with
// the stages' instructions in turn: the two mixes have to wait for multiplications, the logarithm
// for a division, the product for a root. A vector goes from stage to stage by way of scratch
// memory, where a stage reads what it needs before another writes it. What the last stage makes of
// the scratch before the first vector arrives, the first vector overwrites.
//
// In AVX2 the registers are enough for three stages at a time.
func long(l lanes.Lanes, name string, kind int) {
	k := begin(l, name, kind)
	scratch, left, step := GP64(), GP64(), GP64()
	LEAQ(k.at(32+7), scratch)
	ANDQ(operand.I32(-64), scratch)
	slots := 0
	slot := func() operand.Mem {
		slots++
		return operand.Mem{Base: scratch, Disp: 8 * l.Width() * (slots - 1)}
	}
	w0, w1, key := slot(), slot(), slot()
	mixed0, mixed1, late1 := slot(), slot(), slot()
	e, f, s := slot(), slot(), slot()
	x, y, r := slot(), slot(), slot()

	atOnce := 7
	if !l.Wide() {
		atOnce = 3
	}
	XORQ(step, step)
	MOVQ(operand.U32(4), left)
	Label("loop")
	for part := range slices.Chunk([]func(kernel){
		func(k kernel) { k.finish(k.Load(x), k.Load(y), k.Load(r)) },
		func(k kernel) { k.Store(k.radius(k.Load(e), k.Load(f), k.Load(s), k.Load(late1)), r) },
		func(k kernel) {
			a, b, c := k.logStart(k.Load(mixed0))
			k.Store(a, e)
			k.Store(b, f)
			k.Store(c, s)
		},
		func(k kernel) {
			next := k.Load(mixed1)
			a, b := k.direction(k.Load(late1))
			k.Store(next, late1)
			k.Store(a, x)
			k.Store(b, y)
		},
		func(k kernel) { k.Store(k.mix(k.Load(w1), k.key(key)), mixed1) },
		func(k kernel) { k.Store(k.mix(k.Load(w0), k.key(key)), mixed0) },
		func(k kernel) {
			a, b, c := k.words()
			k.Store(a, w0)
			k.Store(b, w1)
			if k.kind != stream {
				k.Store(c, key)
			}
		},
	}, atOnce) {
		k.Interleave(part...)
	}
	ADDQ(step, k.dst)
	DECQ(left)
	JNZ(operand.LabelRef("loop"))
	// The same for the n vectors, with dst moving.
	MOVQ(operand.U32(16*l.Width()), step)
	MOVQ(k.n, left)
	XORQ(k.n, k.n)
	TESTQ(left, left)
	JNZ(operand.LabelRef("loop"))
	end()
}

// Interleave is that of lanes.
func (k kernel) Interleave(parts ...func(kernel)) {
	var steps []func(lanes.Lanes)
	for _, part := range parts {
		steps = append(steps, func(l lanes.Lanes) {
			k := k
			k.Lanes = l
			part(k)
		})
	}
	k.Lanes.Interleave(steps...)
}

// key returns the second key of each lane's stream.
func (k kernel) key(slot operand.Mem) lanes.Vec {
	if k.kind == stream {
		return k.Broadcast(k.at(1))
	}
	return k.Load(slot)
}

// words returns the two counters of each pair and the second key, and moves the state on.
func (k kernel) words() (w0, w1, key lanes.Vec) {
	g := k.Load(k.at(8))
	w0, w1 = k.Reg(), k.Reg()
	if k.kind == stream {
		k.AddQ(k.at(0), g, w0)
		k.AddQ(k.at(7), w0, w1)
		k.AddQ(k.at(2), g, g)
		k.Store(g, k.at(8))
		return w0, w1, k.Broadcast(k.at(1))
	}
	s := k.Load(k.at(16))
	k.AddQ(k.at(0), s, w0)
	w0 = k.XorShift(30, w0, nil)
	k.MulQ(mul0, w0)
	key = k.XorShift(32, w0, k.Broadcast(k.at(1)))
	k.MulQ(mul0, key)
	w0 = k.XorShift(27, w0, nil)
	k.MulQ(mul1, w0)
	k.AddQ(g, w0, w0)
	k.AddQ(k.at(7), w0, w1)

	k.AddQ(k.at(3), s, s)
	if k.kind == rows {
		j := k.Load(k.at(24))
		k.AddQ(k.at(2), g, g)
		k.AddQ(k.at(4), j, j)
		k.next(g, s, j)
		k.Store(g, k.at(8))
		k.Store(j, k.at(24))
	}
	k.Store(s, k.at(16))
	return w0, w1, key
}

// next goes on to the next sample in the lanes whose j is past the last pair.
func (k kernel) next(g, s, j lanes.Vec) {
	for i := range j {
		if k.Wide() {
			past := K()
			VPCMPUQ_BCST(operand.Imm(5), k.at(5), j[i], past)
			VPSUBQ_BCST(k.at(5), j[i], past, j[i])
			VPSUBQ_BCST(k.at(6), g[i], past, g[i])
			VPADDQ_BCST(k.at(7), s[i], past, s[i])
			continue
		}
		c, less := YMM(), YMM()
		VBROADCASTSD(k.at(5), c)
		VPCMPGTQ(j[i], c, less)
		VPANDN(c, less, c)
		VPSUBQ(c, j[i], j[i])
		VBROADCASTSD(k.at(6), c)
		VPANDN(c, less, c)
		VPSUBQ(c, g[i], g[i])
		VBROADCASTSD(k.at(7), c)
		VPANDN(c, less, c)
		VPADDQ(c, s[i], s[i])
	}
}

// mix is mix of normals.go; it destroys z.
func (k kernel) mix(z, key lanes.Vec) lanes.Vec {
	z = k.XorShift(30, z, nil)
	k.MulQ(mul0, z)
	z = k.XorShift(27, z, key)
	k.MulQ(mul1, z)
	return k.XorShift(31, z, nil)
}

// The next four are normalPair.

// logStart begins the logarithm of w0/2⁶⁴.
func (k kernel) logStart(w0 lanes.Vec) (e, f, s lanes.Vec) {
	k.Or(emit.U64(1), w0, w0)
	return k.LogStart(k.FromU64(w0), 64)
}

// radius ends it and returns √(-2 log u) with the sign that w1 has.
func (k kernel) radius(e, f, s, w1 lanes.Vec) lanes.Vec {
	r := k.LogEnd(e, f, s)
	k.Mul(emit.F64(-2), r, r)
	k.Do(VSQRTPD, r, r)
	k.XorAnd(emit.U64(1<<63), w1, r)
	return r
}

// direction returns a point of the circle, but for the sign.
func (k kernel) direction(w1 lanes.Vec) (x, y lanes.Vec) {
	angle := k.AndOr(emit.U64(1<<52-1), emit.F64(1), w1)
	k.Sub(emit.F64(1.5), angle, angle)
	k.Mul(emit.F64(math.Pi/2), angle, angle)
	sin, cos := k.SinCos(angle)
	return k.Swap(62, w1, cos, sin)
}

// finish writes the pairs. The lanes' order makes what these interleave consecutive.
func (k kernel) finish(x, y, r lanes.Vec) {
	k.Mul(r, x, x)
	k.Mul(r, y, y)
	t := k.Reg()
	k.Do(VUNPCKLPD, y, x, t)
	k.Do(VUNPCKHPD, y, x, y)
	k.Store(t, operand.Mem{Base: k.dst})
	k.Store(y, operand.Mem{Base: k.dst, Disp: 8 * k.Width()})
}
