// Command krylov writes the vector updates of conjugate gradients.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	for _, v := range []vec{{"AVX2", 4}, {"AVX512", 8}} {
		v.kernel("krylovDots", "sums, p, q *float64, n int", []string{"p", "q"}, nil, 3, func(m []Mem, _, sums []VecVirtual, n int) {
			p, q := v.load(m[0], n), v.load(m[1], n)
			v.fma(p, q, sums[0], n)
			v.fma(p, p, sums[1], n)
			v.fma(q, q, sums[2], n)
		})
		v.kernel("krylovStep", "sums, r, q *float64, alpha float64, n int", []string{"r", "q"}, []string{"alpha"}, 1, func(m []Mem, c, sums []VecVirtual, n int) {
			r, q := v.load(m[0], n), v.load(m[1], n)
			if n == 1 {
				VFNMADD231SD(c[0].AsX(), q.AsX(), r.AsX())
			} else {
				VFNMADD231PD(c[0], q, r)
			}
			v.store(r, m[0], n)
			v.fma(r, r, sums[0], n)
		})
		v.kernel("addScaled", "x, p *float64, alpha float64, n int", []string{"x", "p"}, []string{"alpha"}, 0, func(m []Mem, c, _ []VecVirtual, n int) {
			x, p := v.load(m[0], n), v.load(m[1], n)
			v.fma(c[0], p, x, n)
			v.store(x, m[0], n)
		})
		v.kernel("krylovAdvance", "x, p, z *float64, alpha, beta float64, n int", []string{"x", "p", "z"}, []string{"alpha", "beta"}, 0, func(m []Mem, c, _ []VecVirtual, n int) {
			x, p, z := v.load(m[0], n), v.load(m[1], n), v.load(m[2], n)
			v.fma(c[0], p, x, n)
			v.fma(c[1], p, z, n)
			v.store(x, m[0], n)
			v.store(z, m[1], n)
		})
	}
	Generate()
}

type vec struct {
	name  string
	lanes int
}

func (v vec) reg() VecVirtual {
	if v.lanes == 8 {
		return ZMM()
	}
	return YMM()
}

func (v vec) load(m Mem, n int) VecVirtual {
	r := v.reg()
	if n == 1 {
		VMOVSD(m, r.AsX())
	} else {
		VMOVUPD(m, r)
	}
	return r
}

func (v vec) store(r VecVirtual, m Mem, n int) {
	if n == 1 {
		VMOVSD(r.AsX(), m)
	} else {
		VMOVUPD(r, m)
	}
}

func (v vec) fma(a, b, sum VecVirtual, n int) {
	if n == 1 {
		VFMADD231SD(a.AsX(), b.AsX(), sum.AsX())
	} else {
		VFMADD231PD(a, b, sum)
	}
}

// kernel writes a loop over vectors of n numbers, two registers a turn with sums of their
// own, and one number a turn at the end, with a third set of sums. It adds up the sums of a
// kind in that order, lanes in halves.
func (v vec) kernel(name, args string, vectors, factors []string, kinds int, body func(m []Mem, c, sums []VecVirtual, n int)) {
	TEXT(name+v.name, NOSPLIT, "func("+args+")")
	Pragma("noescape")
	var base []Register
	for _, s := range vectors {
		r := GP64()
		Load(Param(s), r)
		base = append(base, r)
	}
	n := GP64()
	Load(Param("n"), n)
	var c []VecVirtual
	for _, s := range factors {
		r := v.reg()
		arg, err := Param(s).Resolve()
		if err != nil {
			panic(err)
		}
		VBROADCASTSD(arg.Addr, r)
		c = append(c, r)
	}
	var sums [3][]VecVirtual
	for set := range sums {
		for range kinds {
			r := v.reg()
			VXORPD(r.AsY(), r.AsY(), r.AsY())
			sums[set] = append(sums[set], r)
		}
	}
	at := func(disp int) (m []Mem) {
		for _, b := range base {
			m = append(m, Mem{Base: b, Disp: disp})
		}
		return m
	}
	advance := func(by int) {
		for _, b := range base {
			ADDQ(I32(int32(8*by)), b)
		}
	}
	Label("loop")
	SUBQ(I32(int32(2*v.lanes)), n)
	JL(LabelRef("rest"))
	body(at(0), c, sums[0], v.lanes)
	body(at(8*v.lanes), c, sums[1], v.lanes)
	advance(2 * v.lanes)
	JMP(LabelRef("loop"))
	Label("rest")
	ADDQ(I32(int32(2*v.lanes)), n)
	Label("one")
	DECQ(n)
	JL(LabelRef("end"))
	body(at(0), c, sums[2], 1)
	advance(1)
	JMP(LabelRef("one"))
	Label("end")
	if kinds > 0 {
		dst := GP64()
		Load(Param("sums"), dst)
		for k := range kinds {
			s := sums[0][k]
			VADDPD(sums[1][k], s, s)
			y := s.AsY()
			if v.lanes == 8 {
				t := YMM()
				VEXTRACTF64X4(Imm(1), s, t)
				VADDPD(t, y, y)
			}
			t := XMM()
			VEXTRACTF128(Imm(1), y, t)
			VADDPD(t, s.AsX(), s.AsX())
			VPERMILPD(Imm(1), s.AsX(), t)
			VADDSD(t, s.AsX(), s.AsX())
			VADDSD(sums[2][k].AsX(), s.AsX(), s.AsX())
			VMOVSD(s.AsX(), Mem{Base: dst, Disp: 8 * k})
		}
	}
	VZEROUPPER()
	RET()
}
