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
					k.rows(false)
					if !varied {
						k.rows(true)
					}
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
}

// level loads the noise level that all points share.
func (k *kernel) level() {
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
