// Command act writes the activations of networks with their derivatives.
package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	for _, bits := range []int{32, 64} {
		for _, avx512 := range []bool{true, false} {
			g := newVec(bits, avx512)
			g.kernel("silu", "", g.silu)
			g.kernel("softplus", "k, inv, lim", g.softplus)
			g.kernel("tanh", "", g.tanh)
			if bits == 32 {
				g.kernel("sine", "", g.sine)
			}
		}
	}
	Generate()
}

// An activation returns, for a vector x, σ and then the derivatives one by one, each computed
// only where the one before was wanted.
type activation func(x reg.VecVirtual) []func() reg.VecVirtual

// kernel writes a loop over vectors. In AVX-512 the last one is masked; in AVX2 the caller
// sees to it that only whole ones come.
func (g *vec) kernel(name, params string, f activation) {
	if params != "" {
		params = fmt.Sprintf(", %s float%d", params, g.bits)
	}
	TEXT(fmt.Sprintf("%s%d%s", name, g.bits, map[bool]string{true: "AVX512", false: "AVX2"}[g.avx512]), attr.NOSPLIT,
		fmt.Sprintf("func(y, d1, d2, d3, x *float%d, n int%s)", g.bits, params))
	Pragma("noescape")
	restore := emit.Flush()
	g.params = map[string]reg.VecVirtual{}
	var out []reg.Register
	for _, p := range []string{"y", "d1", "d2", "d3"} {
		out = append(out, Load(Param(p), GP64()))
	}
	x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	if params != "" {
		for _, p := range []string{"k", "inv", "lim"} {
			b, err := Param(p).Resolve()
			if err != nil {
				panic(err)
			}
			g.params[p] = g.reg()
			g.broadcast(b.Addr, g.params[p])
		}
	}
	at := GP64()
	XORQ(at, at)
	if g.avx512 {
		ones := GP32()
		MOVL(operand.U32(0xffff), ones)
		KMOVW(ones, reg.K1)
	}
	Label("loop")
	if g.avx512 {
		CMPQ(n, operand.U8(g.lanes()))
		JGE(operand.LabelRef("whole"))
		m, c := GP64(), reg.RCX
		MOVQ(n, c)
		MOVQ(operand.U32(1), m)
		SHLQ(reg.CL, m)
		DECQ(m)
		KMOVW(m.As32(), reg.K1)
		Label("whole")
	}
	a := g.reg()
	from := operand.Mem{Base: x, Index: at, Scale: 1}
	if g.avx512 {
		g.movZ(from, reg.K1, a)
	} else {
		g.mov(from, a)
	}
	for i, step := range f(a) {
		if i > 0 {
			TESTQ(out[i], out[i])
			JZ(operand.LabelRef("next"))
		}
		to := operand.Mem{Base: out[i], Index: at, Scale: 1}
		if g.avx512 {
			g.mov(step(), reg.K1, to)
		} else {
			g.mov(step(), to)
		}
	}
	Label("next")
	ADDQ(operand.U8(g.lanes()*g.bits/8), at)
	SUBQ(operand.U8(g.lanes()), n)
	JG(operand.LabelRef("loop"))
	restore()
	VZEROUPPER()
	RET()
}

// A sigmoid is what the activations are made of, for z of modulus v ≥ 0 and the sign of x:
//
//	e = exp(-v)   m = 1-e   r = 1/(1+e)   s = 1/(1+exp(-z)) = r or er
type sigmoid struct{ sign, e, m, r, er reg.VecVirtual }

// sigmoid takes -v as z and, unless nil, a correction to it.
func (g *vec) sigmoid(x, z, low reg.VecVirtual) (s sigmoid) {
	s.sign = x
	s.e, s.m = g.exp(z, low)
	s.r = g.reciprocal(g.add(g.c(1), s.e))
	s.er = g.mulv(s.e, s.r)
	return s
}

func (g *vec) s(u *sigmoid) reg.VecVirtual { return g.blend(u.sign, u.er, u.r) }

// s1 is s' = s(1-s), s2 is s” = s'(1-2s), s3 is s”' = s'(1-6s').
func (g *vec) s1(u *sigmoid) reg.VecVirtual { return g.mulv(u.er, u.r) }

func (g *vec) s2(u *sigmoid, s1 reg.VecVirtual) reg.VecVirtual {
	t := g.mulv(u.m, u.r)
	flip := g.bin(g.and, g.signs(), u.sign)
	flip = g.bin(g.xor, g.signs(), flip)
	return g.mulv(s1, g.bin(g.xor, flip, t))
}

func (g *vec) s3(s1 reg.VecVirtual) reg.VecVirtual {
	t := g.copy(s1)
	g.fma213(g.c(1), g.load(g.c(-6)), t)
	return g.mulv(s1, t)
}

func (g *vec) silu(x reg.VecVirtual) []func() reg.VecVirtual {
	var u sigmoid
	var a, s, s1, s2 reg.VecVirtual
	return []func() reg.VecVirtual{
		func() reg.VecVirtual {
			up := g.bin(g.max, x, g.load(g.c(-g.limit()))) // keeps NaN
			a = g.bin(g.min, up, g.load(g.c(g.limit())))
			u = g.sigmoid(a, g.bin(g.or, g.signs(), a), nil)
			s = g.s(&u)
			return g.mulv(up, s)
		},
		func() reg.VecVirtual { // s + as'
			s1 = g.s1(&u)
			return g.fma(a, s1, s)
		},
		func() reg.VecVirtual { // 2s' + as”
			s2 = g.s2(&u, s1)
			return g.fma(a, s2, g.add(s1, s1))
		},
		func() reg.VecVirtual { // 3s” + as”'
			return g.fma(a, g.s3(s1), g.mulv(g.load(g.c(3)), s2))
		},
	}
}

// softplus has the parameters k = β, inv = 1/β and lim, the -v beyond which e^{-βv} is 0.
func (g *vec) softplus(x reg.VecVirtual) []func() reg.VecVirtual {
	var u sigmoid
	var ks1 reg.VecVirtual
	k := g.params["k"]
	return []func() reg.VecVirtual{
		func() reg.VecVirtual { // max(x, 0) + log(1+e)/k
			t := g.bin(g.max, g.bin(g.or, g.signs(), x), g.params["lim"])
			z := g.mulv(k, t)
			low := g.copy(t)
			g.fms213(z, k, low)
			u = g.sigmoid(x, z, low)
			return g.fma(g.log1p(u.e), g.params["inv"], g.bin(g.max, x, g.zero()))
		},
		func() reg.VecVirtual { return g.s(&u) },
		func() reg.VecVirtual {
			ks1 = g.mulv(k, g.s1(&u))
			return ks1
		},
		func() reg.VecVirtual { return g.mulv(k, g.s2(&u, ks1)) },
	}
}

// tanh x = 2s - 1 at z = 2x.
func (g *vec) tanh(x reg.VecVirtual) []func() reg.VecVirtual {
	var u sigmoid
	var s1 reg.VecVirtual
	return []func() reg.VecVirtual{
		func() reg.VecVirtual {
			t := g.bin(g.max, g.bin(g.or, g.signs(), x), g.load(g.c(-g.limit()/2)))
			u = g.sigmoid(x, g.add(t, t), nil)
			return g.bin(g.xor, g.bin(g.and, g.signs(), x), g.mulv(u.m, u.r))
		},
		func() reg.VecVirtual {
			s1 = g.s1(&u)
			return g.mulv(g.load(g.c(4)), s1)
		},
		func() reg.VecVirtual { return g.mulv(g.load(g.c(8)), g.s2(&u, s1)) },
		func() reg.VecVirtual { return g.mulv(g.load(g.c(16)), g.s3(s1)) },
	}
}

// sine takes x = nπ/2 + r with π/2 in three parts and the Taylor series of sin r and cos r. Up
// to |x| = 2²⁰ the rounding of 2x/π moves n from the nearest integer by 0.04 at most, so |r| is
// below 0.9 and the first terms left out are 8e-9 and 6e-10.
func (g *vec) sine(x reg.VecVirtual) []func() reg.VecVirtual {
	const half = math.Pi / 2
	p1 := float64(float32(half))
	p2 := float64(float32(half - p1))
	n := g.mulv(g.c(2/math.Pi), x)
	g.round(n)
	r := g.copy(x)
	for _, p := range []float64{p1, p2, half - p1 - p2} {
		g.fnma231(g.c(p), n, r)
	}
	// beyond, any number between -1 and 1; NaN stays
	r = g.bin(g.max, r, g.load(g.c(-0.9)))
	r = g.bin(g.min, r, g.load(g.c(0.9)))
	r2 := g.mulv(r, r)
	sin := g.fma(g.mulv(r, r2), g.horner(r2, -1./6, 1./120, -1./5040, 1./362880), r)
	cos := g.horner(r2, 1, -1./2, 1./24, -1./720, 1./40320, -1./3628800)
	q, odd := g.reg(), g.reg()
	VCVTPS2DQ(n, q)
	VPSLLD(operand.U8(31), q, odd)
	// turned is ±sin or, where n is odd, ±cos, and the other way round; the sign changes where
	// n + add has its second bit
	turned := func(even, other reg.VecVirtual, add int) reg.VecVirtual {
		sign := g.reg()
		VPADDD(g.word(uint32(add)), q, sign)
		VPSLLD(operand.U8(30), sign, sign)
		sign = g.bin(g.and, g.signs(), sign)
		return g.bin(g.xor, sign, g.blend(odd, other, even))
	}
	return []func() reg.VecVirtual{
		func() reg.VecVirtual { return turned(sin, cos, 0) },
		func() reg.VecVirtual { return turned(cos, sin, 1) },
		func() reg.VecVirtual { return turned(sin, cos, 2) },
		func() reg.VecVirtual { return turned(cos, sin, 3) },
	}
}
