package nn

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// An Activation is a function σ of one number.
type Activation string

const (
	SiLU     Activation = "silu"     // a/(1+e^-a)
	Softplus Activation = "softplus" // log(1+e^{βa})/β
	Tanh     Activation = "tanh"
	ReLU     Activation = "relu" // max(a, 0), with the derivative 0 at 0 and no second one
	sine     Activation = "sine"
)

// Act adds σ of every value. beta is the sharpness of Softplus; zero means 1.
func (n *Net[T]) Act(kind Activation, in Value, beta float64) Value {
	switch kind {
	case SiLU, Softplus, Tanh, ReLU, sine:
	default:
		panic(fmt.Sprintf("nn: no activation %q: there are silu, softplus, tanh and relu", kind))
	}
	if beta == 0 {
		beta = 1
	}
	return n.add(&act[T]{in, kind, beta}, n.shapes[in], false, in)
}

type act[T Float] struct {
	in   Value
	kind Activation
	beta float64
}

// aux keeps the derivatives of σ.
func (l *act[T]) aux(n *Net[T], j Jet) int { return j.order() * n.shapes[l.in].Len() }

func (l *act[T]) derivs(tp *Tape[T], id Value) (d [3][]T) {
	n := tp.rows * tp.net.shapes[id].Len()
	for k := range tp.jet.order() {
		d[k] = tp.aux[id][k*n : (k+1)*n]
	}
	return d
}

func (l *act[T]) forward(tp *Tape[T], id Value) {
	x, y, d := tp.val(l.in, 0), tp.val(id, 0), l.derivs(tp, id)
	l.eval(y, d, x)
	for i := range tp.jet.Dirs {
		y, x := tp.val(id, i+1), tp.val(l.in, i+1)
		for j, s := range d[0] {
			y[j] = s * x[j]
		}
	}
	if tp.jet.Lap == 0 {
		return
	}
	y, x = tp.val(id, tp.ch-1), tp.val(l.in, tp.ch-1)
	for j, s := range d[0] {
		y[j] = s * x[j]
	}
	for i := range tp.jet.Lap {
		x := tp.val(l.in, i+1)
		for j, s := range d[1] {
			y[j] += s * x[j] * x[j]
		}
	}
}

func (l *act[T]) backward(tp *Tape[T], id Value) {
	if tp.dy[l.in] == nil {
		return
	}
	d := l.derivs(tp, id)
	dx, dy := tp.adj(l.in, 0), tp.adj(id, 0)
	for j, s := range d[0] {
		dx[j] += s * dy[j]
	}
	for i := range tp.jet.Dirs {
		x, dxi, dyi := tp.val(l.in, i+1), tp.adj(l.in, i+1), tp.adj(id, i+1)
		for j, s := range d[0] {
			dxi[j] += s * dyi[j]
			dx[j] += d[1][j] * x[j] * dyi[j]
		}
	}
	if tp.jet.Lap == 0 {
		return
	}
	x, dxl, dyl := tp.val(l.in, tp.ch-1), tp.adj(l.in, tp.ch-1), tp.adj(id, tp.ch-1)
	for j, s := range d[0] {
		dxl[j] += s * dyl[j]
		dx[j] += d[1][j] * x[j] * dyl[j]
	}
	for i := range tp.jet.Lap {
		x, dxi := tp.val(l.in, i+1), tp.adj(l.in, i+1)
		for j, a := range dyl {
			dxi[j] += 2 * d[1][j] * x[j] * a
			dx[j] += d[2][j] * x[j] * x[j] * a
		}
	}
}

// eval writes σ and those of its derivatives that are not nil.
func (l *act[T]) eval(y []T, d [3][]T, x []T) {
	switch l.kind {
	case SiLU:
		simd.SiLU(y, d, x)
	case Softplus:
		simd.Softplus(y, d, x, l.beta)
	case Tanh:
		simd.Tanh(y, d, x)
	case ReLU:
		relu(y, d, x)
	case sine:
		sines(y, d, x)
	}
}

func relu[T Float](y []T, d [3][]T, x []T) {
	for j, v := range x {
		y[j] = max(v, 0)
	}
	if d[0] != nil {
		for j, v := range x {
			d[0][j] = 0
			if v > 0 {
				d[0][j] = 1
			}
		}
	}
	clear(d[1])
	clear(d[2])
}

func sines[T Float](y []T, d [3][]T, x []T) {
	for j, v := range x {
		s, c := math.Sincos(float64(v))
		y[j] = T(s)
		if d[0] != nil {
			d[0][j] = T(c)
		}
		if d[1] != nil {
			d[1][j] = T(-s)
		}
		if d[2] != nil {
			d[2][j] = T(-c)
		}
	}
}
