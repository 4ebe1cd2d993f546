package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// turn writes FFTTurn and turnBack FFTTurnBack, for 1 ≤ k < n/2.
func (v vec) turn() {
	v.text("fftTurn", "z, back, c *float64, count int")
	v.turns(func(c [4]VecVirtual, a, b cx) (cx, cx) {
		x1 := cx{v.add(a.re, b.re), v.sub(a.im, b.im)}
		x2 := cx{v.add(a.im, b.im), v.sub(b.re, a.re)}
		combine := func(p, q VecVirtual, x cx) VecVirtual {
			r := v.mul(p, x.re)
			VFMADD231PD(q, x.im, r)
			return r
		}
		return cx{combine(c[0], c[1], x1), combine(c[0], c[1], x2)}, cx{combine(c[2], c[3], x1), combine(c[2], c[3], x2)}
	})
}

func (v vec) turnBack() {
	v.text("fftTurnBack", "z, back, c *float64, count int")
	v.turns(func(c [4]VecVirtual, a, b cx) (cx, cx) {
		combine := func(p, q, y, w VecVirtual) VecVirtual {
			r := v.mul(p, y)
			VFMADD231PD(q, w, r)
			return r
		}
		s1, t1 := combine(c[0], c[2], a.re, b.re), combine(c[1], c[3], a.re, b.re)
		s2, t2 := combine(c[0], c[2], a.im, b.im), combine(c[1], c[3], a.im, b.im)
		return cx{v.add(t1, s2), v.sub(s1, t2)}, cx{v.sub(s2, t1), v.add(s1, t2)}
	})
}

// turns replaces the blocks k and n-k by what f makes of them and the four coefficients of k.
func (v vec) turns(f func(c [4]VecVirtual, a, b cx) (cx, cx)) {
	z, back, coef, count := loadPointer("z"), loadPointer("back"), loadPointer("c"), loadInt("count", 0)
	Label("loop")
	v.parts(func(disp int) {
		var c [4]VecVirtual
		for i := range c {
			c[i] = v.broadcast(Mem{Base: coef, Disp: 8 * i})
		}
		at := func(base Register) cx {
			m := Mem{Base: base, Disp: disp}
			return cx{v.load(m), v.load(m.Offset(half))}
		}
		a, b := f(c, at(z), at(back))
		v.store(a, Mem{Base: z, Disp: disp})
		v.store(b, Mem{Base: back, Disp: disp})
	})
	ADDQ(Imm(block), z)
	SUBQ(Imm(block), back)
	ADDQ(Imm(32), coef)
	DECQ(count)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
