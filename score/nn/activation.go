package nn

import (
	"fmt"

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
	for c := 1; c < tp.ch; c++ {
		set(tp.val(id, c), 1, d[0], tp.val(l.in, c))
	}
	for i := range tp.jet.Lap {
		x := tp.val(l.in, i+1)
		add(tp.val(id, tp.ch-1), 1, d[1], x, x)
	}
}

func (l *act[T]) backward(tp *Tape[T], id Value) {
	if tp.dy[l.in] == nil {
		return
	}
	d, dx := l.derivs(tp, id), tp.adj(l.in, 0)
	for c := range tp.ch {
		dy := tp.adj(id, c)
		add(tp.adj(l.in, c), 1, d[0], dy)
		if c > 0 {
			add(dx, 1, d[1], tp.val(l.in, c), dy)
		}
	}
	for i := range tp.jet.Lap {
		x, dyl := tp.val(l.in, i+1), tp.adj(id, tp.ch-1)
		add(tp.adj(l.in, i+1), 2, d[1], x, dyl)
		add(dx, 1, d[2], x, x, dyl)
	}
}

// add adds f times the product of the factors, value by value, to y; set writes it.
func add[T Float](y []T, f T, factors ...[]T) {
	var rows [4]simd.Rows[T]
	for i, x := range factors {
		rows[i].X = x
	}
	simd.AddProduct(simd.Row(y), 1, len(y), 0, f, rows[:len(factors)]...)
}

func set[T Float](y []T, f T, a, b []T) {
	simd.SetProduct(simd.Row(y), 1, len(y), 0, f, simd.Row(a), simd.Row(b))
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
		simd.Sine(y, d, x)
	}
}

func relu[T Float](y []T, d [3][]T, x []T) {
	for j, v := range x {
		y[j] = max(v, 0)
	}
	if d[0] != nil {
		for j, v := range x {
			var one int32 // an integer is moved on a condition, without a jump to guess
			if v > 0 {
				one = 1
			}
			d[0][j] = T(one)
		}
	}
	clear(d[1])
	clear(d[2])
}
