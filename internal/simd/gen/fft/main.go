// Command fft writes the kernels of the discrete Fourier transform.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

func main() {
	for _, v := range []vec{{"AVX2", 4}, {"AVX512", 8}} {
		for _, r := range []int{2, 3, 4, 5, 8} {
			v.pass(r)
		}
		v.anyPass()
		v.transpose()
		v.untangle()
		v.entangle()
		v.gather()
		v.scatter()
		v.multiply()
		v.turn()
		v.turnBack()
	}
	Generate()
}

// A vec is an instruction set and its number of float64 lanes.
type vec struct {
	name  string
	lanes int
}

const (
	block = 128 // bytes of a block of 8 complex numbers: 8 real parts, then 8 imaginary ones
	half  = 64
)

func (v vec) reg() VecVirtual {
	if v.lanes == 8 {
		return ZMM()
	}
	return YMM()
}

// parts calls body for each piece of a half block that one register holds.
func (v vec) parts(body func(disp int)) {
	for d := 0; d < half; d += 8 * v.lanes {
		body(d)
	}
}

func (v vec) text(name, args string) {
	TEXT(name+v.name, NOSPLIT, "func("+args+")")
	Pragma("noescape")
}

func (v vec) load(m Mem) VecVirtual {
	r := v.reg()
	VMOVUPD(m, r)
	return r
}

func (v vec) broadcast(m Mem) VecVirtual {
	r := v.reg()
	VBROADCASTSD(m, r)
	return r
}

func (v vec) add(a, b Op) VecVirtual { r := v.reg(); VADDPD(b, a, r); return r }
func (v vec) sub(a, b Op) VecVirtual { r := v.reg(); VSUBPD(b, a, r); return r }
func (v vec) mul(a, b Op) VecVirtual { r := v.reg(); VMULPD(b, a, r); return r }

// A cx is a vector of complex numbers.
type cx struct{ re, im VecVirtual }

func (v vec) cadd(a, b cx) cx { return cx{v.add(a.re, b.re), v.add(a.im, b.im)} }
func (v vec) csub(a, b cx) cx { return cx{v.sub(a.re, b.re), v.sub(a.im, b.im)} }

// addMinusI returns a - i b, subMinusI a + i b.
func (v vec) addMinusI(a, b cx) cx { return cx{v.add(a.re, b.im), v.sub(a.im, b.re)} }
func (v vec) subMinusI(a, b cx) cx { return cx{v.sub(a.re, b.im), v.add(a.im, b.re)} }

// times returns a w.
func (v vec) times(a, w cx) cx {
	re, im := v.mul(a.im, w.im), v.mul(a.im, w.re)
	VFMSUB231PD(a.re, w.re, re)
	VFMADD231PD(a.re, w.im, im)
	return cx{re, im}
}

func (v vec) store(a cx, m Mem) {
	VMOVUPD(a.re, m)
	VMOVUPD(a.im, m.Offset(half))
}

// A lattice has the addresses base + k·stride, k < n.
type lattice struct {
	base   Register
	stride map[int]Register // odd multiples
}

func newLattice(base, stride Register, n int) lattice {
	l := lattice{base, map[int]Register{1: stride}}
	for k := 3; k < n; k += 2 {
		r := GP64()
		LEAQ(Mem{Base: l.stride[k-2], Index: stride, Scale: 2}, r)
		l.stride[k] = r
	}
	return l
}

func (l lattice) at(k int) Mem {
	if k == 0 {
		return Mem{Base: l.base}
	}
	scale := 1
	for k%2 == 0 {
		k, scale = k/2, scale*2
	}
	return Mem{Base: l.base, Index: l.stride[k], Scale: uint8(scale)}
}

// pass writes the pass of radix r; see FFTPass.
func (v vec) pass(r int) {
	v.text(fmt.Sprintf("fftPass%d", r), "y, x, tw *float64, m, s int")
	Doc(fmt.Sprintf("fftPass%d%s is FFTPass for r = %d.", r, v.name, r))
	y, x, tw := GP64(), GP64(), GP64()
	Load(Param("y"), y)
	Load(Param("x"), x)
	Load(Param("tw"), tw)
	m, s := GP64(), GP64()
	Load(Param("m"), m)
	Load(Param("s"), s)
	out := GP64()
	MOVQ(s, out)
	SHLQ(Imm(7), out)
	in := GP64()
	MOVQ(out, in)
	IMULQ(m, in)
	xs, ys := newLattice(x, in, r), newLattice(y, out, r)
	q := GP64()

	loop := func(label string, twiddle func(k int) *cx) {
		MOVQ(s, q)
		Label(label)
		v.parts(func(disp int) {
			load := func(j int) cx {
				a := xs.at(j).Offset(disp)
				return cx{v.load(a), v.load(a.Offset(half))}
			}
			store := func(k int, a cx) {
				if w := twiddle(k); w != nil && k > 0 {
					a = v.times(a, *w)
				}
				v.store(a, ys.at(k).Offset(disp))
			}
			v.butterfly(r, load, store)
		})
		ADDQ(Imm(block), x)
		ADDQ(Imm(block), y)
		DECQ(q)
		JNZ(LabelRef(label))
		for k := 1; k < r; k++ {
			ADDQ(out, y)
		}
	}
	loop("first", func(int) *cx { return nil }) // p = 0 has no twiddle factors
	DECQ(m)
	JZ(LabelRef("done"))
	Label("next")
	loop("inner", func(k int) *cx {
		if k == 0 {
			return nil
		}
		w := Mem{Base: tw, Disp: 16 * (k - 1)}
		return &cx{v.broadcast(w), v.broadcast(w.Offset(8))}
	})
	ADDQ(Imm(uint64(16*(r-1))), tw)
	DECQ(m)
	JNZ(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}

// butterfly transforms r numbers. Those of radices 5 and 8 are loaded twice where registers
// are few.
func (v vec) butterfly(r int, load func(j int) cx, store func(k int, a cx)) {
	switch r {
	case 2:
		a, b := load(0), load(1)
		store(0, v.cadd(a, b))
		store(1, v.csub(a, b))
	case 3:
		a, b, c := load(0), load(1), load(2)
		p, e := v.cadd(b, c), v.csub(b, c)
		store(0, v.cadd(a, p))
		f := v.broadcast(emit.F64(-0.5))
		VFMADD231PD(f, p.re, a.re)
		VFMADD231PD(f, p.im, a.im)
		h := v.broadcast(emit.F64(0.866025403784438646763723170752936183)) // sin 2π/3
		e = cx{v.mul(e.re, h), v.mul(e.im, h)}
		store(1, v.addMinusI(a, e))
		store(2, v.subMinusI(a, e))
	case 4:
		v.four([4]cx{load(0), load(1), load(2), load(3)}, [4]int{0, 1, 2, 3}, store)
	case 5:
		v.five(load, store)
	case 8:
		v.eight(load, store)
	}
}

// four stores the transform of a at the places k.
func (v vec) four(a [4]cx, k [4]int, store func(k int, a cx)) {
	t0, t1 := v.cadd(a[0], a[2]), v.csub(a[0], a[2])
	t2, t3 := v.cadd(a[1], a[3]), v.csub(a[1], a[3])
	store(k[0], v.cadd(t0, t2))
	store(k[2], v.csub(t0, t2))
	store(k[1], v.addMinusI(t1, t3))
	store(k[3], v.subMinusI(t1, t3))
}

func (v vec) five(load func(j int) cx, store func(k int, a cx)) {
	const (
		c1 = 0.309016994374947424102293417182819059  // cos 2π/5
		c2 = -0.809016994374947424102293417182819059 // cos 4π/5
		s1 = 0.951056516295153572116439333379382143  // sin 2π/5
		s2 = 0.587785252292473129168705954639072769  // sin 4π/5
	)
	for i, f := range [2][4]float64{{c1, c2, s1, s2}, {c2, c1, s2, -s1}} {
		u, a, b := load(0), load(1), load(4)
		p1, e1 := v.cadd(a, b), v.csub(a, b)
		a, b = load(2), load(3)
		p2, e2 := v.cadd(a, b), v.csub(a, b)
		if i == 0 {
			store(0, v.cadd(v.cadd(u, p1), p2))
		}
		g, h := v.broadcast(emit.F64(f[0])), v.broadcast(emit.F64(f[1]))
		VFMADD231PD(g, p1.re, u.re)
		VFMADD231PD(g, p1.im, u.im)
		VFMADD231PD(h, p2.re, u.re)
		VFMADD231PD(h, p2.im, u.im)
		g, h = v.broadcast(emit.F64(f[2])), v.broadcast(emit.F64(f[3]))
		w := cx{v.mul(g, e1.re), v.mul(g, e1.im)}
		VFMADD231PD(h, e2.re, w.re)
		VFMADD231PD(h, e2.im, w.im)
		store(1+i, v.addMinusI(u, w))
		store(4-i, v.subMinusI(u, w))
	}
}

func (v vec) eight(load func(j int) cx, store func(k int, a cx)) {
	var a [8]cx
	get := func() {
		for j := range a {
			a[j] = load(j)
		}
	}
	half := func(f func(a, b cx) cx) (h [4]cx) {
		for j := range h {
			if v.lanes == 4 {
				a[j], a[j+4] = load(j), load(j+4)
			}
			h[j] = f(a[j], a[j+4])
		}
		return h
	}
	if v.lanes == 8 {
		get()
	}
	e := half(v.csub)
	if v.lanes == 8 { // the sums now, while the numbers are there
		v.four(half(v.cadd), [4]int{0, 2, 4, 6}, store)
	}
	// ω₈ e1 and ω₈³ e3 with ω₈ = (1-i)√½; ω₈² e2 = -i e2 is in the sums below.
	h := v.broadcast(emit.F64(0.707106781186547524400844362104849039))
	f1 := cx{v.add(e[1].re, e[1].im), v.sub(e[1].im, e[1].re)}
	f3 := cx{v.sub(e[3].im, e[3].re), v.add(e[3].re, e[3].im)} // of opposite imaginary part
	g := cx{v.add(f1.re, f3.re), v.sub(f1.im, f3.im)}
	d := cx{v.sub(f1.re, f3.re), v.add(f1.im, f3.im)}
	g, d = cx{v.mul(g.re, h), v.mul(g.im, h)}, cx{v.mul(d.re, h), v.mul(d.im, h)}
	t := v.addMinusI(e[0], e[2])
	store(1, v.cadd(t, g))
	store(5, v.csub(t, g))
	t = v.subMinusI(e[0], e[2])
	store(3, v.addMinusI(t, d))
	store(7, v.subMinusI(t, d))
	if v.lanes == 4 {
		v.four(half(v.cadd), [4]int{0, 2, 4, 6}, store)
	}
}
