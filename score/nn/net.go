package nn

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// A Shape is that of one sample of a value: H×W pixels of C channels, 1×1 for vectors.
type Shape struct{ H, W, C int }

// Len returns the number of values a sample.
func (s Shape) Len() int { return s.H * s.W * s.C }

// A Param is a named array of weights, W[Offset:Offset+Len()] of its network. Fan is the
// number of inputs of a unit, or zero for an array that starts at Start. Matrices have a
// unit a row; convolutions have the shape (out, 3, 3, in).
type Param struct {
	Name   string
	Shape  []int
	Offset int
	Fan    int
	Start  float64
}

// Len returns the number of weights.
func (p *Param) Len() int {
	n := 1
	for _, s := range p.Shape {
		n *= s
	}
	return n
}

// A Value names what a layer computes.
type Value int

// A Net is a network: layers in the order of their evaluation, and weights. It is built by
// the methods that add a layer, each of which returns the new value, then Output and Init.
// These panic on shapes that do not fit.
type Net[T Float] struct {
	W      []T     // all weights, made by Init
	Params []Param // their parts

	layers []layer[T]
	shapes []Shape
	trains []bool // whether weights lie under the value
	size   int    // of W
	out    Value
}

// A layer computes one value of a network.
type layer[T Float] interface {
	forward(tp *Tape[T], id Value)  // writes all channels of value id
	backward(tp *Tape[T], id Value) // adds to the adjoints of its inputs and to the gradient
	aux(n *Net[T], j Jet) int       // values of scratch space a row
}

// NewNet returns a network with two values: the points x, of the given shape, and t, one
// number a point.
func NewNet[T Float](x Shape) *Net[T] {
	n := new(Net[T])
	n.add(input[T]{}, x, false)
	n.add(input[T]{}, Shape{1, 1, 1}, false)
	return n
}

// X returns the value of the points.
func (n *Net[T]) X() Value { return 0 }

// T returns the value of the number beside each point.
func (n *Net[T]) T() Value { return 1 }

// Shape returns the shape of a value.
func (n *Net[T]) Shape(v Value) Shape { return n.shapes[v] }

// Output makes a value that of the network.
func (n *Net[T]) Output(v Value) { n.out = v }

// In and Out return the numbers of values a point that go in and come out.
func (n *Net[T]) In() int { return n.shapes[0].Len() }

// Out returns the number of values of the output a point.
func (n *Net[T]) Out() int { return n.shapes[n.out].Len() }

// Init draws all weights, uniform on ±1/√fan as PyTorch's linear layers, those of
// param i at the address i of the seed.
func (n *Net[T]) Init(seed uint64) {
	if n.W == nil {
		n.W = make([]T, n.size)
	}
	src := stream.New()
	for i := range n.Params {
		p := &n.Params[i]
		w := n.W[p.Offset : p.Offset+p.Len()]
		r := src.At(seed, stream.Base, uint64(i), 0)
		for j := range w {
			w[j] = T(p.Start)
			if p.Fan > 0 {
				w[j] = T((2*r.Float64() - 1) / math.Sqrt(float64(p.Fan)))
			}
		}
	}
}

func (n *Net[T]) add(l layer[T], s Shape, own bool, in ...Value) Value {
	for _, v := range in {
		own = own || n.trains[v]
	}
	n.layers = append(n.layers, l)
	n.shapes = append(n.shapes, s)
	n.trains = append(n.trains, own)
	n.out = Value(len(n.layers) - 1)
	return n.out
}

// param adds an array of weights and returns its offset.
func (n *Net[T]) param(name string, fan int, start float64, shape ...int) int {
	p := Param{Name: name, Shape: shape, Offset: n.size, Fan: fan, Start: start}
	n.Params = append(n.Params, p)
	n.size += p.Len()
	return p.Offset
}

func (n *Net[T]) same(op string, a, b Value) {
	if n.shapes[a] != n.shapes[b] {
		panic(fmt.Sprintf("nn: %s of the shapes %v and %v", op, n.shapes[a], n.shapes[b]))
	}
}

// An input is written by Tape.Forward.
type input[T Float] struct{}

func (input[T]) forward(*Tape[T], Value)  {}
func (input[T]) backward(*Tape[T], Value) {}
func (input[T]) aux(*Net[T], Jet) int     { return 0 }
