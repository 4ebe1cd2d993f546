// Command gemm writes the tiles of matrix products and transposes.
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
		tile(bits, true)
		tile(bits, false)
		for _, avx512 := range []bool{true, false} {
			dots(bits, avx512)
			strip(bits, avx512)
		}
		transpose(bits)
	}
	Generate()
}

// A shape is that of the register tile of one type at one level.
type shape struct {
	bits   int
	avx512 bool
}

func (s shape) rows() int {
	if s.avx512 {
		return 14
	}
	return 6
}

func (s shape) size() int { return s.bits / 8 } // bytes of a number

func (s shape) lanes() int {
	if s.avx512 {
		return 512 / s.bits
	}
	return 256 / s.bits
}

func (s shape) bytes() int { return s.lanes() * s.size() }

func (s shape) vec(i int) reg.VecPhysical {
	if s.avx512 {
		return zmm[i]
	}
	return ymm[i]
}

// ins are the instructions for one type.
type ins struct {
	mov, broadcast, fma, fmaMem, mul func(...operand.Op)
	maskMov                          func(_, _, _ operand.Op)
}

func (s shape) ins() ins {
	if s.bits == 32 {
		return ins{VMOVUPS, VBROADCASTSS, VFMADD231PS, VFMADD231PS_BCST, VMULPS, VMASKMOVPS}
	}
	return ins{VMOVUPD, VBROADCASTSD, VFMADD231PD, VFMADD231PD_BCST, VMULPD, VMASKMOVPD}
}

// free returns register i from the end: those of B and of the broadcasts.
func (s shape) free(i int) reg.VecPhysical {
	if s.avx512 {
		return zmm[31-i]
	}
	return ymm[15-i]
}

// scale multiplies an index by the size of a number.
func (s shape) scale(r reg.Register) {
	if s.bits == 32 {
		SHLQ(operand.U8(2), r)
	} else {
		SHLQ(operand.U8(3), r)
	}
}

var (
	zmm = []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
	ymm = []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
)

// tile writes the kernel for one type and level: a switch over the number of rows and over one
// or two vectors a row, each a loop over k with all of C in registers.
func tile(bits int, avx512 bool) {
	s := shape{bits, avx512}
	level := "AVX2"
	if avx512 {
		level = "AVX512"
	}
	TEXT(fmt.Sprintf("gemm%d%s", bits, level), attr.NOSPLIT,
		fmt.Sprintf("func(c *float%[1]d, ldc int, a *float%[1]d, ars, acs int, b *float%[1]d, ldb, k, rows, cols int, alpha, beta float%[1]d)", bits))
	Pragma("noescape")
	restore := emit.Flush()
	a, rs, cs := Load(Param("a"), GP64()), Load(Param("ars"), GP64()), Load(Param("acs"), GP64())
	b, ldb, k := Load(Param("b"), GP64()), Load(Param("ldb"), GP64()), Load(Param("k"), GP64())
	rows, cols := Load(Param("rows"), GP64()), Load(Param("cols"), reg.RCX)
	s.scale(rs)
	s.scale(cs)
	s.scale(ldb)
	rs3, rs5 := GP64(), GP64()
	LEAQ(operand.Mem{Base: rs, Index: rs, Scale: 2}, rs3)
	LEAQ(operand.Mem{Base: rs, Index: rs, Scale: 4}, rs5)
	a7 := GP64()
	LEAQ(operand.Mem{Base: rs3, Index: rs, Scale: 4}, a7)
	ADDQ(a, a7)
	l := loop{s, s.ins(), restore, a, a7, rs, rs3, rs5, cs, b, ldb, k}
	CMPQ(cols, operand.U8(s.lanes()))
	JG(operand.LabelRef("two"))
	for _, vecs := range []int{1, 2} {
		if vecs == 2 {
			Label("two")
		}
		for r := 1; r < s.rows(); r++ {
			CMPQ(rows, operand.U8(r))
			JE(operand.LabelRef(fmt.Sprintf("r%dv%d", r, vecs)))
		}
		for r := s.rows(); r > 0; r-- {
			Label(fmt.Sprintf("r%dv%d", r, vecs))
			l.emit(r, vecs, cols)
		}
	}
}

type loop struct {
	shape
	ins
	restore                            func()
	a, a7, rs, rs3, rs5, cs, b, ldb, k reg.Register
}

// row returns the address of row i of A at the present k: a7 is 7 rows further than a.
func (l *loop) row(i int) operand.Mem {
	m := operand.Mem{Base: l.a}
	if i >= 7 {
		m.Base = l.a7
	}
	if j := i % 7; j > 0 {
		m.Index = []reg.Register{nil, l.rs, l.rs, l.rs3, l.rs, l.rs5, l.rs3}[j]
		m.Scale = []uint8{0, 1, 2, 1, 4, 1, 2}[j]
	}
	return m
}

func (l *loop) emit(rows, vecs int, cols reg.Register) {
	name := fmt.Sprintf("r%dv%d", rows, vecs)
	b := [2]reg.VecPhysical{l.free(3), l.free(2)}
	for i := range rows * vecs {
		if l.avx512 {
			VPXORD(l.vec(i), l.vec(i), l.vec(i))
		} else {
			VXORPS(l.vec(i), l.vec(i), l.vec(i))
		}
	}
	TESTQ(l.k, l.k)
	JZ(operand.LabelRef(name + "end"))
	Label(name + "loop")
	for v := range vecs {
		l.mov(operand.Mem{Base: l.b, Disp: v * l.bytes()}, b[v])
	}
	for r := range rows {
		if vecs == 1 && l.avx512 {
			l.fmaMem(l.row(r), b[0], l.vec(r))
			continue
		}
		x := l.free(r % 2)
		l.broadcast(l.row(r), x)
		for v := range vecs {
			l.fma(b[v], x, l.vec(r*vecs+v))
		}
	}
	ADDQ(l.cs, l.a)
	if rows > 7 {
		ADDQ(l.cs, l.a7)
	}
	ADDQ(l.ldb, l.b)
	DECQ(l.k)
	JNZ(operand.LabelRef(name + "loop"))
	Label(name + "end")

	// C = αX + βC, with a mask for the columns that there are
	beta := param("beta")
	l.broadcast(param("alpha"), l.free(0))
	l.broadcast(beta, l.free(1))
	for i := range rows * vecs {
		l.mul(l.free(0), l.vec(i), l.vec(i))
	}
	if l.avx512 {
		m := GP64()
		MOVQ(operand.U32(1), m)
		SHLQ(reg.CL, m)
		DECQ(m)
		KMOVW(m.As32(), reg.K1)
		SHRQ(operand.U8(l.lanes()), m)
		KMOVW(m.As32(), reg.K2)
	} else {
		CMPQ(cols, operand.U8(vecs*l.lanes()))
		JE(operand.LabelRef(name + "full"))
		p := GP64()
		LEAQ(ones(), p)
		l.scale(cols)
		SUBQ(cols, p)
		for v := range vecs {
			l.mov(operand.Mem{Base: p, Disp: 128 + v*l.bytes()}, l.free(3-v))
		}
	}
	l.write(name, rows, vecs, beta, true)
	if !l.avx512 {
		Label(name + "full")
		l.write(name+"full", rows, vecs, beta, false)
	}
}

// write stores αX + βC; with β = 0 of either sign C is not read. free(1) holds β, free(0) is
// scratch, and the masks are free(3) and free(2).
func (l *loop) write(name string, rows, vecs int, beta operand.Mem, masked bool) {
	c, ldc := Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	l.scale(ldc)
	if z := GP64(); l.bits == 32 {
		MOVL(beta, z.As32())
		ADDL(z.As32(), z.As32())
	} else {
		MOVQ(beta, z)
		ADDQ(z, z)
	}
	JZ(operand.LabelRef(name + "set"))
	for _, set := range []bool{false, true} {
		if set {
			Label(name + "set")
		}
		for i := range rows * vecs {
			v := i % vecs
			x, m, k := l.vec(i), operand.Mem{Base: c, Disp: v * l.bytes()}, []reg.Register{reg.K1, reg.K2}[v]
			if !set {
				switch {
				case l.avx512:
					l.fma(m, l.free(1), k, x)
				case masked:
					l.maskMov(m, l.free(3-v), l.free(0))
					l.fma(l.free(0), l.free(1), x)
				default:
					l.fma(m, l.free(1), x)
				}
			}
			switch {
			case l.avx512:
				l.mov(x, k, m)
			case masked:
				l.maskMov(x, l.free(3-v), m)
			default:
				l.mov(x, m)
			}
			if v == vecs-1 && i < rows*vecs-1 {
				ADDQ(ldc, c)
			}
		}
		l.restore()
		VZEROUPPER()
		RET()
	}
}

func param(name string) operand.Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

var table *operand.Mem

// ones is 128 bytes of ones, then as many of zeros.
func ones() operand.Mem {
	if table == nil {
		m := GLOBL("gemmMasks", attr.RODATA|attr.NOPTR)
		for i := range 32 {
			v := operand.U64(0)
			if i < 16 {
				v = ^v
			}
			DATA(8*i, v)
		}
		table = &m
	}
	return *table
}
