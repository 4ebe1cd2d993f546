package nn

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/gemm"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Add adds a + b, of the same shape: the residual connection.
func (n *Net[T]) Add(a, b Value) Value {
	n.same("sum", a, b)
	return n.add(&sum[T]{a, b}, n.shapes[a], false, a, b)
}

type sum[T Float] struct{ a, b Value }

func (l *sum[T]) aux(*Net[T], Jet) int { return 0 }

func (l *sum[T]) forward(tp *Tape[T], id Value) {
	a, b := tp.allVal(l.a), tp.allVal(l.b)
	y := tp.allVal(id)
	copy(y, a)
	add(y, 1, b)
}

func (l *sum[T]) backward(tp *Tape[T], id Value) {
	dy := tp.allAdj(id)
	for _, in := range [2]Value{l.a, l.b} {
		if dx := tp.allAdj(in); dx != nil {
			add(dx, 1, dy)
		}
	}
}

// Concat adds the channels of a followed by those of b, of the same height and width.
func (n *Net[T]) Concat(a, b Value) Value {
	sa, sb := n.shapes[a], n.shapes[b]
	sb.C = sa.C
	if sa != sb {
		n.same("concatenation", a, b)
	}
	sa.C += n.shapes[b].C
	return n.add(&concat[T]{a, b}, sa, false, a, b)
}

type concat[T Float] struct{ a, b Value }

func (l *concat[T]) aux(*Net[T], Jet) int { return 0 }

func (l *concat[T]) forward(tp *Tape[T], id Value) {
	ca, cb := tp.net.shapes[l.a].C, tp.net.shapes[l.b].C
	a, b := tp.allVal(l.a), tp.allVal(l.b)
	for y := tp.allVal(id); len(y) > 0; y = y[ca+cb:] {
		copy(y[:ca], a)
		copy(y[ca:ca+cb], b)
		a, b = a[ca:], b[cb:]
	}
}

func (l *concat[T]) backward(tp *Tape[T], id Value) {
	c, off := tp.net.shapes[id].C, 0
	for _, in := range [2]Value{l.a, l.b} {
		w := tp.net.shapes[in].C
		dx, dy := tp.allAdj(in), tp.allAdj(id)[off:]
		simd.AddProduct(simd.Rows[T]{X: dx, Stride: w}, len(dx)/w, w, 0, 1, simd.Rows[T]{X: dy, Stride: c})
		off += w
	}
}

// Spread adds to every pixel of an image a vector of as many channels.
func (n *Net[T]) Spread(image, vec Value) Value {
	s := n.shapes[image]
	if n.shapes[vec] != (Shape{1, 1, s.C}) {
		n.same("spread", image, vec)
	}
	return n.add(&spread[T]{image, vec}, s, false, image, vec)
}

type spread[T Float] struct{ image, vec Value }

func (l *spread[T]) aux(*Net[T], Jet) int { return 0 }

func (l *spread[T]) forward(tp *Tape[T], id Value) {
	y, v := tp.allVal(id), tp.allVal(l.vec)
	copy(y, tp.allVal(l.image))
	s := tp.net.shapes[id]
	for ; len(v) > 0; y, v = y[s.Len():], v[s.C:] {
		addRows(y[:s.Len()], v[:s.C])
	}
}

func (l *spread[T]) backward(tp *Tape[T], id Value) {
	dy := tp.allAdj(id)
	if dx := tp.allAdj(l.image); dx != nil {
		add(dx, 1, dy)
	}
	s := tp.net.shapes[id]
	for dv := tp.allAdj(l.vec); len(dv) > 0; dy, dv = dy[s.Len():], dv[s.C:] {
		sumRows(dv[:s.C], dy[:s.Len()])
	}
}

// Fourier adds the sinusoidal features of t,
//
//	sin(f₁t), …, sin(f_k t), cos(f₁t), …, cos(f_k t),   f in radians,
//
// the sines of a fixed affine map.
func (n *Net[T]) Fourier(t Value, freqs []float64) Value {
	k := len(freqs)
	l := &affine[T]{in: t, f: make([]T, 2*k), phase: make([]T, 2*k)}
	for i, f := range freqs {
		l.f[i], l.f[k+i] = T(f), T(f)
		l.phase[k+i] = math.Pi / 2
	}
	return n.Act(sine, n.add(l, Shape{1, 1, 2 * k}, false, t), 0)
}

// Frequencies returns k frequencies from 1 to top in geometric progression.
func Frequencies(k int, top float64) []float64 {
	f := make([]float64, k)
	for i := range f {
		f[i] = math.Pow(top, float64(i)/float64(max(k-1, 1)))
	}
	return f
}

type affine[T Float] struct {
	in       Value
	f, phase []T
}

func (l *affine[T]) aux(*Net[T], Jet) int { return 0 }

func (l *affine[T]) forward(tp *Tape[T], id Value) {
	x, y, k := tp.allVal(l.in), tp.allVal(id), len(l.f)
	for i, v := range x {
		for j, f := range l.f {
			y[i*k+j] = f * v
		}
	}
	addRows(tp.val(id, 0), l.phase)
}

func (l *affine[T]) backward(tp *Tape[T], id Value) {
	if dx := tp.allAdj(l.in); dx != nil {
		gemm.Mul(dx, 1, tp.allAdj(id), false, l.f, true, 1, len(dx), 1, len(l.f), 1)
	}
}
