package nn

import (
	"github.com/seed-dea4846a/sampler/internal/gemm"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Dense adds y = W a + b on the channels of each pixel, W of shape out×in; on images it is
// the 1×1 convolution. Its weights are NAME.weight and, if bias is set, NAME.bias.
func (n *Net[T]) Dense(name string, in Value, out int, bias bool) Value {
	s := n.shapes[in]
	l := &dense[T]{in: in, nin: s.C, nout: out, b: -1}
	l.w = n.param(name+".weight", s.C, 0, out, s.C)
	if bias {
		l.b = n.param(name+".bias", s.C, 0, out)
	}
	return n.add(l, Shape{s.H, s.W, out}, true, in)
}

type dense[T Float] struct {
	in        Value
	nin, nout int
	w, b      int // offsets; b < 0 without bias
}

func (l *dense[T]) aux(*Net[T], Jet) int { return 0 }

func (l *dense[T]) forward(tp *Tape[T], id Value) {
	x, y := tp.allVal(l.in), tp.allVal(id)
	w := tp.weights(l.w, l.nin*l.nout)
	gemm.Mul(y, 1, x, false, w, true, 0, len(y)/l.nout, l.nout, l.nin, 1)
	if v := tp.tangent(l.w, len(w)); v != nil {
		y1 := tp.val(id, 1)
		gemm.Mul(y1, 1, tp.val(l.in, 0), false, v, true, 1, len(y1)/l.nout, l.nout, l.nin, 1)
	}
	if l.b >= 0 {
		tp.addBias(id, l.b, l.nout)
	}
}

func (l *dense[T]) backward(tp *Tape[T], id Value) {
	dy, w := tp.allAdj(id), tp.weights(l.w, l.nin*l.nout)
	m := len(dy) / l.nout
	if g := tp.grad(l.w, len(w)); g != nil {
		gemm.Mul(g, 1, dy, true, tp.allVal(l.in), false, 1, l.nout, l.nin, m, 1)
		if l.b >= 0 {
			tp.biasGrad(id, l.b, l.nout)
		}
	}
	if dx := tp.allAdj(l.in); dx != nil {
		gemm.Mul(dx, 1, dy, false, w, false, 1, m, l.nin, l.nout, 1)
		if v := tp.tangent(l.w, len(w)); v != nil {
			dy1 := tp.adj(id, 1)
			gemm.Mul(tp.adj(l.in, 0), 1, dy1, false, v, false, 1, len(dy1)/l.nout, l.nin, l.nout, 1)
		}
	}
}

// addBias adds the bias at an offset to every pixel of the value and its tangent to that
// of the first direction.
func (tp *Tape[T]) addBias(id Value, off, n int) {
	addRows(tp.val(id, 0), tp.weights(off, n))
	if v := tp.tangent(off, n); v != nil {
		addRows(tp.val(id, 1), v)
	}
}

func (tp *Tape[T]) biasGrad(id Value, off, n int) { sumRows(tp.grad(off, n), tp.adj(id, 0)) }

// addRows adds b to each row of y, sumRows the rows of y to b.
func addRows[T Float](y, b []T) {
	simd.AddProduct(rows(y, b), len(y)/len(b), len(b), 0, 1, simd.Row(b))
}

func sumRows[T Float](b, y []T) {
	simd.AddProduct(simd.Row(b), len(y)/len(b), len(b), 0, 1, rows(y, b))
}

// rows returns y as rows of the length of b.
func rows[T Float](y, b []T) simd.Rows[T] { return simd.Rows[T]{X: y, Stride: len(b)} }

// Scale adds y_c = w_c a_c + b_c for each channel c, from w = 1 and b = 0, without b unless
// bias is set.
func (n *Net[T]) Scale(name string, in Value, bias bool) Value {
	s := n.shapes[in]
	l := &scale[T]{in: in, c: s.C, b: -1}
	l.w = n.param(name+".weight", 0, 1, s.C)
	if bias {
		l.b = n.param(name+".bias", 0, 0, s.C)
	}
	return n.add(l, s, true, in)
}

type scale[T Float] struct {
	in      Value
	c, w, b int
}

func (l *scale[T]) aux(*Net[T], Jet) int { return 0 }

func (l *scale[T]) forward(tp *Tape[T], id Value) {
	y := tp.allVal(id)
	clear(y)
	addScaledRows(y, tp.allVal(l.in), tp.weights(l.w, l.c))
	if v := tp.tangent(l.w, l.c); v != nil {
		addScaledRows(tp.val(id, 1), tp.val(l.in, 0), v)
	}
	if l.b >= 0 {
		tp.addBias(id, l.b, l.c)
	}
}

func (l *scale[T]) backward(tp *Tape[T], id Value) {
	dy := tp.allAdj(id)
	if g := tp.grad(l.w, l.c); g != nil {
		simd.AddProduct(simd.Row(g), len(dy)/l.c, l.c, 0, 1, rows(tp.allVal(l.in), g), rows(dy, g))
		if l.b >= 0 {
			tp.biasGrad(id, l.b, l.c)
		}
	}
	if dx := tp.allAdj(l.in); dx != nil {
		addScaledRows(dx, dy, tp.weights(l.w, l.c))
		if v := tp.tangent(l.w, l.c); v != nil {
			addScaledRows(tp.adj(l.in, 0), tp.adj(id, 1), v)
		}
	}
}

// addScaledRows adds w times x, value by value, to each row of y.
func addScaledRows[T Float](y, x, w []T) {
	simd.AddProduct(rows(y, w), len(y)/len(w), len(w), 0, 1, simd.Row(w), rows(x, w))
}
