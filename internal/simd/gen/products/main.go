// Command products writes the kernels of rows times a matrix, and of squared distances.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// Offsets of the fields of simd.Products.
const (
	offA      = 0
	offC      = 32
	offB      = 64
	offStride = 72
	offM      = 80
	offN      = 88
	offAlpha  = 96
	offW      = 104
)

// A kind of products.
type kind int

const (
	plain    kind = iota
	squares       // of differences
	weighted      // squares
)

func (k kind) String() string { return [...]string{"products", "squares", "weighted"}[k] }

func main() {
	for _, l := range []emit.Lanes{emit.AVX2, emit.AVX512} {
		for _, k := range []kind{plain, squares, weighted} {
			// Vectors of a panel: what fills the registers.
			four := 2
			if l == emit.AVX512 {
				four = 4
			}
			products(l, k, 4, four)
			products(l, k, 1, 8)
		}
		for _, d := range []int{2, 3} {
			whitened(l, d)
		}
		logits(l)
		reach(l)
	}
	Generate()
}

// products: c_r[0:n] += Σ_k a_r[k] b_k[0:n], or += Σ_k (a_r[k] - αb_k[0:n])², or that with the
// weights w_k[0:n]. Each element is one chain of fused operations, whatever the panel it falls
// in.
func products(l emit.Lanes, form kind, rows, wide int) {
	TEXT(fmt.Sprintf("%s%d%s", form, rows, l.Suffix()), NOSPLIT, "func(p *byte)")
	Pragma("noescape")
	args := Load(Param("p"), GP64())
	field := func(off int) operand.Mem { return operand.Mem{Base: args, Disp: off} }
	word := func(off int) reg.GPVirtual {
		r := GP64()
		MOVQ(field(off), r)
		return r
	}
	a := make([]reg.Register, rows)
	for r := range a {
		a[r] = word(offA + 8*r)
	}
	stride := word(offStride)
	SHLQ(operand.Imm(3), stride)
	left := word(offN)
	off := GP64()
	XORQ(off, off)
	var alpha reg.VecVirtual
	if form != plain {
		alpha = l.Broadcast(field(offAlpha))
	}
	width := 8 * int(l)
	panel := func(vecs int, mask reg.Register) {
		tag := fmt.Sprintf("%d", vecs)
		if mask != nil {
			tag = "masked"
		}
		load := func(m operand.Mem, v reg.VecVirtual) {
			if mask == nil {
				VMOVUPD(m, v)
			} else {
				l.LoadMasked(m, mask, v)
			}
		}
		acc := make([][]reg.VecVirtual, rows)
		for r := range acc {
			c := word(offC + 8*r)
			for v := range vecs {
				acc[r] = append(acc[r], l.Reg())
				load(operand.Mem{Base: c, Index: off, Scale: 1, Disp: width * v}, acc[r][v])
			}
		}
		b, k := word(offB), GP64()
		ADDQ(off, b)
		var w reg.GPVirtual
		if form == weighted {
			w = word(offW)
			ADDQ(off, w)
		}
		XORQ(k, k)
		JMP(operand.LabelRef("test" + tag))
		Label("sum" + tag)
		// vectors of a row of b or w: in registers, or where they stand if read but once
		vectors := func(base reg.Register) []operand.Op {
			vs := make([]operand.Op, vecs)
			for v := range vs {
				at := operand.Mem{Base: base, Disp: width * v}
				vs[v] = at
				if rows > 1 || mask != nil {
					r := l.Reg()
					load(at, r)
					vs[v] = r
				}
			}
			return vs
		}
		bs := vectors(b)
		var ws []operand.Op
		if form == weighted {
			ws = vectors(w)
		}
		for r := range rows {
			x := l.Broadcast(operand.Mem{Base: a[r], Index: k, Scale: 8})
			for v := range vecs {
				if form == plain {
					VFMADD231PD(bs[v], x, acc[r][v])
					continue
				}
				u := l.Reg()
				VMOVAPD(x, u)
				VFNMADD231PD(bs[v], alpha, u)
				if form == squares {
					VFMADD231PD(u, u, acc[r][v])
					continue
				}
				VMULPD(u, u, u)
				VFMADD231PD(ws[v], u, acc[r][v])
			}
		}
		ADDQ(stride, b)
		if form == weighted {
			ADDQ(stride, w)
		}
		INCQ(k)
		Label("test" + tag)
		CMPQ(k, field(offM))
		JLT(operand.LabelRef("sum" + tag))
		for r := range acc {
			c := word(offC + 8*r)
			for v := range vecs {
				to := operand.Mem{Base: c, Index: off, Scale: 1, Disp: width * v}
				if mask == nil {
					VMOVUPD(acc[r][v], to)
				} else {
					l.StoreMasked(acc[r][v], mask, to)
				}
			}
		}
	}
	for _, vecs := range []int{wide, 1} {
		again, done := fmt.Sprintf("panel%d", vecs), fmt.Sprintf("done%d", vecs)
		Label(again)
		CMPQ(left, operand.U32(vecs*int(l)))
		JLT(operand.LabelRef(done))
		panel(vecs, nil)
		ADDQ(operand.U32(vecs*width), off)
		SUBQ(operand.U32(vecs*int(l)), left)
		JMP(operand.LabelRef(again))
		Label(done)
	}
	TESTQ(left, left)
	JZ(operand.LabelRef("end"))
	panel(1, l.Tail(left))
	Label("end")
	VZEROUPPER()
	RET()
}

// whitened: q_k = Σ_j w_jk (Σ_i b_jik (x_i - αm_ik))², with the rows m_i, b_ji of b and w_j of w.
func whitened(l emit.Lanes, d int) {
	TEXT(fmt.Sprintf("whitened%d%s", d, l.Suffix()), NOSPLIT, "func(q, x, b, w *float64, n int, alpha float64)")
	Pragma("noescape")
	q, x, b, w := Load(Param("q"), GP64()), Load(Param("x"), GP64()), Load(Param("b"), GP64()), Load(Param("w"), GP64())
	n := Load(Param("n"), GP64())
	alpha := l.Param("alpha")
	xs := make([]reg.VecVirtual, d)
	for i := range xs {
		xs[i] = l.Broadcast(operand.Mem{Base: x, Disp: 8 * i})
	}
	stride := GP64()
	MOVQ(n, stride)
	SHLQ(operand.Imm(3), stride)
	left := GP64()
	MOVQ(n, left)
	row, weight := GP64(), GP64()
	Label("loop")
	MOVQ(b, row)
	MOVQ(w, weight)
	us := make([]reg.VecVirtual, d)
	for i := range us {
		us[i] = l.Reg()
		VMOVAPD(xs[i], us[i])
		VFNMADD231PD(operand.Mem{Base: row}, alpha, us[i])
		ADDQ(stride, row)
	}
	sum := l.Reg()
	for j := range d {
		z := l.Reg()
		VMULPD(operand.Mem{Base: row}, us[0], z)
		ADDQ(stride, row)
		for _, u := range us[1:] {
			VFMADD231PD(operand.Mem{Base: row}, u, z)
			ADDQ(stride, row)
		}
		VMULPD(z, z, z)
		if j == 0 {
			VMULPD(operand.Mem{Base: weight}, z, sum)
		} else {
			VFMADD231PD(operand.Mem{Base: weight}, z, sum)
		}
		ADDQ(stride, weight)
	}
	VMOVUPD(sum, operand.Mem{Base: q})
	for _, p := range []reg.Register{q, b, w} {
		ADDQ(operand.Imm(uint64(8*int(l))), p)
	}
	SUBQ(operand.Imm(uint64(int(l))), left)
	JNZ(operand.LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// logits: q = c - p·max(0, s + tq + u·m), and the largest.
func logits(l emit.Lanes) {
	TEXT("gaussLogits"+l.Suffix(), NOSPLIT, "func(q, c, p, m *float64, n int, s, t, u float64) float64")
	Pragma("noescape")
	var ptr [4]reg.Register
	for i, name := range []string{"q", "c", "p", "m"} {
		ptr[i] = Load(Param(name), GP64())
	}
	n := Load(Param("n"), GP64())
	s, t, u := l.Param("s"), l.Param("t"), l.Param("u")
	zero, top := l.Reg(), l.Broadcast(emit.U64(0xfff0000000000000))
	VXORPD(zero, zero, zero)
	i := GP64()
	XORQ(i, i)
	Label("loop")
	at := func(k int) operand.Mem { return operand.Mem{Base: ptr[k], Index: i, Scale: 8} }
	q, c := l.Reg(), l.Reg()
	VMOVUPD(at(0), q)
	VFMADD213PD(s, t, q)
	VFMADD231PD(at(3), u, q)
	VMAXPD(q, zero, q) // this order lets NaN pass
	VMOVUPD(at(1), c)
	VFNMADD231PD(at(2), q, c)
	VMOVUPD(c, at(0))
	VMAXPD(c, top, top)
	ADDQ(operand.U32(int(l)), i)
	CMPQ(i, n)
	JLT(operand.LabelRef("loop"))
	Store(l.Max(top), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// reach: q = hi - near·max(0, √q - αr)², and the largest lo - far·(√q + αr)².
func reach(l emit.Lanes) {
	TEXT("ballReach"+l.Suffix(), NOSPLIT, "func(q, r, hi, near, lo, far *float64, n int, alpha float64) float64")
	Pragma("noescape")
	var ptr [6]reg.Register
	for i, name := range []string{"q", "r", "hi", "near", "lo", "far"} {
		ptr[i] = Load(Param(name), GP64())
	}
	n := Load(Param("n"), GP64())
	alpha, zero, floor := l.Param("alpha"), l.Reg(), l.Broadcast(emit.U64(0xfff0000000000000))
	VXORPD(zero, zero, zero)
	i := GP64()
	XORQ(i, i)
	Label("loop")
	at := func(k int) operand.Mem { return operand.Mem{Base: ptr[k], Index: i, Scale: 8} }
	load := func(k int) reg.VecVirtual {
		v := l.Reg()
		VMOVUPD(at(k), v)
		return v
	}
	d, r, near, far, hi, lo := load(0), load(1), l.Reg(), l.Reg(), load(2), load(4)
	VSQRTPD(d, d)
	VMULPD(alpha, r, r)
	VSUBPD(r, d, near)
	VMAXPD(near, zero, near) // this order lets NaN pass
	VADDPD(r, d, far)
	VMULPD(near, near, near)
	VMULPD(far, far, far)
	VFNMADD231PD(at(3), near, hi)
	VFNMADD231PD(at(5), far, lo)
	VMOVUPD(hi, at(0))
	VMAXPD(lo, floor, floor)
	ADDQ(operand.U32(int(l)), i)
	CMPQ(i, n)
	JLT(operand.LabelRef("loop"))
	Store(l.Max(floor), ReturnIndex(0))
	VZEROUPPER()
	RET()
}
