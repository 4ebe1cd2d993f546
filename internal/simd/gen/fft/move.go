package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// load64 reads the named integer argument, in units of 2ˢ bytes.
func loadInt(name string, s uint64) Register {
	r := GP64()
	Load(Param(name), r)
	if s > 0 {
		SHLQ(Imm(s), r)
	}
	return r
}

func loadPointer(name string) Register {
	r := GP64()
	Load(Param(name), r)
	return r
}

// rows addresses the rows of tiles: even ones in one lattice, odd ones in another.
func rows(base, odd, pair string) func(r int) Mem {
	even := loadPointer(base)
	o := loadInt(odd, 3)
	ADDQ(even, o)
	l := newLattice(even, loadInt(pair, 3), 4)
	return func(r int) Mem {
		m := l.at(r / 2)
		if r%2 == 1 {
			m.Base = o
		}
		return m
	}
}

// advance moves rows to the next tile.
func advance(at func(r int) Mem, step Op) {
	ADDQ(step, at(0).Base)
	ADDQ(step, at(1).Base)
}

// transpose writes Transpose8.
func (v vec) transpose() {
	v.text("transpose8", "dst *float64, dOdd, dPair, dStep int, src *float64, sOdd, sPair, sStep int, tiles int")
	dst, src := rows("dst", "dOdd", "dPair"), rows("src", "sOdd", "sPair")
	dStep, sStep, tiles := loadInt("dStep", 3), loadInt("sStep", 3), loadInt("tiles", 0)
	Label("tile")
	if v.lanes == 8 {
		var t, o [8]VecVirtual
		for i := 0; i < 8; i += 2 {
			a, b := v.load(src(i)), v.load(src(i+1))
			t[i], t[i+1] = v.reg(), v.reg()
			VUNPCKLPD(b, a, t[i])
			VUNPCKHPD(b, a, t[i+1])
		}
		shuffle := func(imm uint8, a, b VecVirtual) VecVirtual {
			r := v.reg()
			VSHUFF64X2(Imm(uint64(imm)), b, a, r)
			return r
		}
		const even, odd = 0x88, 0xdd // 128-bit lanes 0, 2 or 1, 3 of both
		for c := range 2 {
			u0, u1 := shuffle(even, t[c], t[2+c]), shuffle(odd, t[c], t[2+c])
			v0, v1 := shuffle(even, t[4+c], t[6+c]), shuffle(odd, t[4+c], t[6+c])
			o[c], o[4+c] = shuffle(even, u0, v0), shuffle(odd, u0, v0)
			o[2+c], o[6+c] = shuffle(even, u1, v1), shuffle(odd, u1, v1)
		}
		for i, r := range o {
			VMOVUPD(r, dst(i))
		}
	} else {
		for i := 0; i < 8; i += 4 {
			for j := 0; j < 8; j += 4 {
				var a, t [4]VecVirtual
				for k := range a {
					a[k] = v.load(src(i + k).Offset(8 * j))
				}
				for k := 0; k < 4; k += 2 {
					t[k], t[k+1] = v.reg(), v.reg()
					VUNPCKLPD(a[k+1], a[k], t[k])
					VUNPCKHPD(a[k+1], a[k], t[k+1])
				}
				for k := range 2 {
					lo, hi := v.reg(), v.reg()
					VPERM2F128(Imm(0x20), t[2+k], t[k], lo)
					VPERM2F128(Imm(0x31), t[2+k], t[k], hi)
					VMOVUPD(lo, dst(j+k).Offset(8*i))
					VMOVUPD(hi, dst(j+2+k).Offset(8*i))
				}
			}
		}
	}
	advance(dst, dStep)
	advance(src, sStep)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// untangle writes FFTUntangle for k ≥ 1.
func (v vec) untangle() {
	v.text("fftUntangle", "u1, u2, z, back *float64, count int")
	u1, u2, z, back := loadPointer("u1"), loadPointer("u2"), loadPointer("z"), loadPointer("back")
	count := loadInt("count", 0)
	h := v.broadcast(emit.F64(0.5))
	Label("loop")
	v.parts(func(disp int) {
		at := func(base Register) cx {
			a := cx{v.load(Mem{Base: base, Disp: disp}), v.load(Mem{Base: base, Disp: disp + half})}
			return cx{v.mul(a.re, h), v.mul(a.im, h)}
		}
		a, b := at(z), at(back)
		v.store(cx{v.add(a.re, b.re), v.sub(a.im, b.im)}, Mem{Base: u1, Disp: disp})
		v.store(cx{v.add(a.im, b.im), v.sub(b.re, a.re)}, Mem{Base: u2, Disp: disp})
	})
	for _, p := range []Register{u1, u2, z} {
		ADDQ(Imm(block), p)
	}
	SUBQ(Imm(block), back)
	DECQ(count)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// entangle writes FFTEntangle for 1 ≤ k < n/2.
func (v vec) entangle() {
	v.text("fftEntangle", "z, back, u1, u2 *float64, c float64, count int")
	z, back, u1, u2 := loadPointer("z"), loadPointer("back"), loadPointer("u1"), loadPointer("u2")
	count := loadInt("count", 0)
	arg, err := Param("c").Resolve()
	if err != nil {
		panic(err)
	}
	c := v.broadcast(arg.Addr)
	Label("loop")
	v.parts(func(disp int) {
		at := func(base Register) cx {
			a := cx{v.load(Mem{Base: base, Disp: disp}), v.load(Mem{Base: base, Disp: disp + half})}
			return cx{v.mul(a.re, c), v.mul(a.im, c)}
		}
		a, b := at(u1), at(u2)
		v.store(cx{v.add(a.im, b.re), v.sub(a.re, b.im)}, Mem{Base: z, Disp: disp})
		v.store(cx{v.sub(b.re, a.im), v.add(a.re, b.im)}, Mem{Base: back, Disp: disp})
	})
	for _, p := range []Register{u1, u2, z} {
		ADDQ(Imm(block), p)
	}
	SUBQ(Imm(block), back)
	DECQ(count)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// A shuffler takes complex numbers apart and puts them together.
type shuffler struct {
	v    vec
	a, b VecVirtual // AVX-512: the order of the places
}

var tables = map[string]Mem{}

func words(name string, x ...uint64) Mem {
	m, ok := tables[name]
	if !ok {
		m = GLOBL(name, attr.RODATA|attr.NOPTR)
		for i, w := range x {
			DATA(8*i, U64(w))
		}
		tables[name] = m
	}
	return m
}

func (v vec) splitter() shuffler {
	s := shuffler{v: v}
	if v.lanes == 8 {
		s.a = v.load(words("fft_even", 0, 2, 4, 6, 8, 10, 12, 14))
		s.b = v.load(words("fft_odd", 1, 3, 5, 7, 9, 11, 13, 15))
	}
	return s
}

// split reads complex numbers, in AVX2 the four of the half at disp, as real and imaginary
// parts.
func (s shuffler) split(m Mem, disp int) cx {
	v := s.v
	if v.lanes == 8 {
		a, hi := cx{v.load(m), v.load(m)}, v.load(m.Offset(64))
		VPERMT2PD(hi, s.a, a.re)
		VPERMT2PD(hi, s.b, a.im)
		return a
	}
	a, lo, hi := cx{v.reg(), v.reg()}, v.load(m.Offset(2*disp)), v.load(m.Offset(2*disp+32))
	VUNPCKLPD(hi, lo, a.re)
	VUNPCKHPD(hi, lo, a.im)
	VPERMPD(Imm(0xd8), a.re, a.re)
	VPERMPD(Imm(0xd8), a.im, a.im)
	return a
}

func (v vec) joiner() shuffler {
	s := shuffler{v: v}
	if v.lanes == 8 {
		s.a = v.load(words("fft_low", 0, 8, 1, 9, 2, 10, 3, 11))
		s.b = v.load(words("fft_high", 4, 12, 5, 13, 6, 14, 7, 15))
	}
	return s
}

// join is the inverse of split.
func (s shuffler) join(a cx, m Mem, disp int) {
	v := s.v
	lo, hi := v.reg(), v.reg()
	if v.lanes == 8 {
		VMOVAPD(a.re, lo)
		VMOVAPD(a.re, hi)
		VPERMT2PD(a.im, s.a, lo)
		VPERMT2PD(a.im, s.b, hi)
		VMOVUPD(lo, m)
		VMOVUPD(hi, m.Offset(64))
		return
	}
	VPERMPD(Imm(0xd8), a.re, a.re)
	VPERMPD(Imm(0xd8), a.im, a.im)
	VUNPCKLPD(a.im, a.re, lo)
	VUNPCKHPD(a.im, a.re, hi)
	VMOVUPD(lo, m.Offset(2*disp))
	VMOVUPD(hi, m.Offset(2*disp+32))
}

// gather writes FFTGather and scatter FFTScatter; re and im are where the parts lie in a
// block.
func (v vec) gather() {
	v.text("fftGather", "dst, src *float64, n, stride, re, im int")
	s := v.splitter()
	v.between("dst", "src", func(blocks, line, re, im Register) {
		v.parts(func(disp int) {
			a := s.split(Mem{Base: line}, disp)
			VMOVUPD(a.re, Mem{Base: blocks, Index: re, Scale: 8, Disp: disp})
			VMOVUPD(a.im, Mem{Base: blocks, Index: im, Scale: 8, Disp: disp})
		})
	})
}

func (v vec) scatter() {
	v.text("fftScatter", "dst, src *float64, n, stride, re, im int")
	s := v.joiner()
	v.between("src", "dst", func(blocks, line, re, im Register) {
		v.parts(func(disp int) {
			a := cx{v.load(Mem{Base: blocks, Index: re, Scale: 8, Disp: disp}),
				v.load(Mem{Base: blocks, Index: im, Scale: 8, Disp: disp})}
			s.join(a, Mem{Base: line}, disp)
		})
	})
}

// between loops over blocks and lines.
func (v vec) between(blocks, line string, body func(blocks, line, re, im Register)) {
	b, l := loadPointer(blocks), loadPointer(line)
	n, stride, re, im := loadInt("n", 0), loadInt("stride", 3), loadInt("re", 0), loadInt("im", 0)
	Label("loop")
	body(b, l, re, im)
	ADDQ(Imm(block), b)
	ADDQ(stride, l)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// multiply writes FFTMultiply.
func (v vec) multiply() {
	v.text("fftMultiply", "a, h *float64, n, stride int, sign float64")
	s := v.splitter()
	a, h, n, stride := loadPointer("a"), loadPointer("h"), loadInt("n", 0), loadInt("stride", 3)
	arg, err := Param("sign").Resolve()
	if err != nil {
		panic(err)
	}
	sign := v.broadcast(arg.Addr)
	Label("loop")
	v.parts(func(disp int) {
		w := s.split(Mem{Base: h}, disp)
		w.im = v.mul(w.im, sign)
		at := Mem{Base: a, Disp: disp}
		x := v.times(cx{v.load(at), v.load(at.Offset(half))}, w)
		v.store(cx{x.im, x.re}, at)
	})
	ADDQ(Imm(block), a)
	ADDQ(stride, h)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
