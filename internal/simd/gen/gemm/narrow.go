package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// The narrow products have up to four columns: all at once with AVX-512, dots in pairs with AVX2,
// which lacks the registers.
func (s shape) dotCols() int {
	if s.avx512 {
		return 4
	}
	return 2
}

// vectors is the number of a strip's vectors of rows.
func (s shape) vectors() int { return s.dotCols() }

func (s shape) level() string {
	if s.avx512 {
		return "AVX512"
	}
	return "AVX2"
}

func (s shape) zero(r reg.VecPhysical) {
	if s.avx512 {
		VPXORD(r, r, r)
	} else {
		VXORPS(r, r, r)
	}
}

// dots writes the sums of groups of four rows of A, contiguous, with up to dotCols columns of B,
// contiguous too: four sums of a column, then those of the next. A sum has a chain a lane.
func dots(bits int, avx512 bool) {
	s := shape{bits, avx512}
	in := s.ins()
	TEXT(fmt.Sprintf("dots%d%s", bits, s.level()), attr.NOSPLIT,
		fmt.Sprintf("func(sums, a *float%[1]d, ars int, b *float%[1]d, ldb, k, groups, cols int)", bits))
	Pragma("noescape")
	restore := emit.Flush()
	sums, a, rs := Load(Param("sums"), GP64()), Load(Param("a"), GP64()), Load(Param("ars"), GP64())
	b, ldb, k := Load(Param("b"), GP64()), Load(Param("ldb"), GP64()), Load(Param("k"), GP64())
	groups, cols := Load(Param("groups"), GP64()), Load(Param("cols"), GP64())
	s.scale(rs)
	s.scale(ldb)
	rs3, ldb3 := GP64(), GP64()
	LEAQ(operand.Mem{Base: rs, Index: rs, Scale: 2}, rs3)
	LEAQ(operand.Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	MOVQ(k, reg.RCX)
	ANDQ(operand.U8(s.lanes()-1), reg.RCX)
	mask := s.free(0)
	if m := GP64(); avx512 {
		MOVQ(operand.U32(1), m)
		SHLQ(reg.CL, m)
		DECQ(m)
		KMOVW(m.As32(), reg.K1)
	} else {
		LEAQ(ones(), m)
		s.scale(reg.RCX)
		SUBQ(reg.RCX, m)
		in.mov(operand.Mem{Base: m, Disp: 128}, mask)
	}
	for n := 1; n < s.dotCols(); n++ {
		CMPQ(cols, operand.U8(n))
		JE(operand.LabelRef(fmt.Sprintf("n%d", n)))
	}
	for n := s.dotCols(); n > 0; n-- {
		name := fmt.Sprintf("n%d", n)
		step := func(pa, pb reg.Register, masked bool) {
			load := func(m operand.Mem, r reg.VecPhysical) {
				switch {
				case masked && avx512:
					s.zeroing(m, reg.K1, r)
				case masked:
					in.maskMov(m, mask, r)
				default:
					in.mov(m, r)
				}
			}
			x, y := s.free(1), func(j int) reg.VecPhysical { return s.free(2 + j) }
			for j := range n {
				load(at(pb, ldb, ldb3, j, 0), y(j))
			}
			for r := range 4 {
				load(at(pa, rs, rs3, r, 0), x)
				for j := range n {
					in.fma(y(j), x, s.vec(4*j+r))
				}
			}
		}
		Label(name)
		for i := range 4 * n {
			s.zero(s.vec(i))
		}
		pa, pb, left := GP64(), GP64(), GP64()
		MOVQ(a, pa)
		MOVQ(b, pb)
		MOVQ(k, left)
		SUBQ(operand.U8(s.lanes()), left)
		JL(operand.LabelRef(name + "tail"))
		Label(name + "loop")
		step(pa, pb, false)
		ADDQ(operand.U8(s.bytes()), pa)
		ADDQ(operand.U8(s.bytes()), pb)
		SUBQ(operand.U8(s.lanes()), left)
		JGE(operand.LabelRef(name + "loop"))
		Label(name + "tail")
		CMPQ(left, operand.I8(-s.lanes()))
		JE(operand.LabelRef(name + "sum"))
		step(pa, pb, true)
		Label(name + "sum")
		for j := range n {
			s.sum4(4*j, operand.Mem{Base: sums, Disp: 4 * s.size() * j})
		}
		ADDQ(operand.U8(4*s.size()*n), sums)
		LEAQ(operand.Mem{Base: a, Index: rs, Scale: 4}, a)
		DECQ(groups)
		JNZ(operand.LabelRef(name))
		restore()
		VZEROUPPER()
		RET()
	}
}

// sum4 writes the sums of the lanes of four registers from i, each in the same order.
func (s shape) sum4(i int, to operand.Mem) {
	y := ymm[i : i+4]
	if s.avx512 {
		t := reg.Y31
		for r := range y {
			VEXTRACTF64X4(operand.U8(1), zmm[i+r], t)
			if s.bits == 32 {
				VADDPS(t, y[r], y[r])
			} else {
				VADDPD(t, y[r], y[r])
			}
		}
	}
	if s.bits == 32 {
		VHADDPS(y[1], y[0], y[0])
		VHADDPS(y[3], y[2], y[2])
		VHADDPS(y[2], y[0], y[0])
		VEXTRACTF128(operand.U8(1), y[0], xmm[i+1])
		VADDPS(xmm[i+1], xmm[i], xmm[i])
		VMOVUPS(xmm[i], to)
		return
	}
	VHADDPD(y[1], y[0], y[0])
	VHADDPD(y[3], y[2], y[2])
	VPERM2F128(operand.U8(0x20), y[2], y[0], y[1])
	VPERM2F128(operand.U8(0x31), y[2], y[0], y[3])
	VADDPD(y[3], y[1], y[1])
	VMOVUPD(y[1], to)
}

// strip writes the sums of up to vectors registers of rows of a transposed A with up to four
// columns of B of any strides: those of a column, as many as the registers hold, then the next.
// A sum is one chain.
func strip(bits int, avx512 bool) {
	s := shape{bits, avx512}
	in, vecs := s.ins(), s.vectors()
	TEXT(fmt.Sprintf("strip%d%s", bits, s.level()), attr.NOSPLIT,
		fmt.Sprintf("func(sums, a *float%[1]d, acs int, b *float%[1]d, brs, bcs, k, rows, cols int)", bits))
	Pragma("noescape")
	restore := emit.Flush()
	sums, a, cs := Load(Param("sums"), GP64()), Load(Param("a"), GP64()), Load(Param("acs"), GP64())
	b, brs, bcs := Load(Param("b"), GP64()), Load(Param("brs"), GP64()), Load(Param("bcs"), GP64())
	k, rows, cols := Load(Param("k"), GP64()), Load(Param("rows"), GP64()), Load(Param("cols"), GP64())
	s.scale(cs)
	s.scale(brs)
	s.scale(bcs)
	bcs3 := GP64()
	LEAQ(operand.Mem{Base: bcs, Index: bcs, Scale: 2}, bcs3)
	masks := []reg.Register{reg.K1, reg.K2, reg.K3, reg.K4}
	if m := GP64(); avx512 {
		MOVQ(operand.U32(64), reg.RCX)
		SUBQ(rows, reg.RCX)
		XORQ(m, m)
		DECQ(m)
		SHRQ(reg.CL, m)
		for v := range vecs {
			KMOVW(m.As32(), masks[v])
			SHRQ(operand.U8(s.lanes()), m)
		}
	} else {
		LEAQ(ones(), m)
		s.scale(rows)
		SUBQ(rows, m)
		for v := range vecs {
			masks[v] = s.free(4 + v)
			in.mov(operand.Mem{Base: m, Disp: 128 + v*s.bytes()}, s.free(4+v))
		}
	}
	for n := 1; n < 4; n++ {
		CMPQ(cols, operand.U8(n))
		JE(operand.LabelRef(fmt.Sprintf("n%d", n)))
	}
	for n := 4; n > 0; n-- {
		name := fmt.Sprintf("n%d", n)
		Label(name)
		for i := range n * vecs {
			s.zero(s.vec(i))
		}
		Label(name + "loop")
		x := func(v int) reg.VecPhysical { return s.free(8 + v) }
		if !avx512 {
			x = func(v int) reg.VecPhysical { return s.free(2 + v) }
		}
		for v := range vecs {
			m := operand.Mem{Base: a, Disp: v * s.bytes()}
			if avx512 {
				s.zeroing(m, masks[v], x(v))
			} else {
				in.maskMov(m, masks[v], x(v))
			}
		}
		for j := range n {
			y := s.free(j % 2)
			in.broadcast(at(b, bcs, bcs3, j, 0), y)
			for v := range vecs {
				in.fma(y, x(v), s.vec(j*vecs+v))
			}
		}
		ADDQ(cs, a)
		ADDQ(brs, b)
		DECQ(k)
		JNZ(operand.LabelRef(name + "loop"))
		for i := range n * vecs {
			in.mov(s.vec(i), operand.Mem{Base: sums, Disp: i * s.bytes()})
		}
		restore()
		VZEROUPPER()
		RET()
	}
}

// zeroing loads the lanes of a mask, and zeros beside them.
func (s shape) zeroing(m operand.Mem, k reg.Register, r reg.VecPhysical) {
	if s.bits == 32 {
		VMOVUPS_Z(m, k, r)
	} else {
		VMOVUPD_Z(m, k, r)
	}
}
