package nn

import "github.com/seed-dea4846a/sampler/internal/stream"

// Signs fills z with independent ±1 from the address (seed, step): the probe of a Hutchinson
// estimate, E zzᵀ = I.
func Signs[T Float](z []T, seed, step uint64) {
	r := stream.New().At(seed, stream.Probe, step, 0)
	var bits uint64
	for i := range z {
		if i%64 == 0 {
			bits = r.Uint64()
		}
		z[i] = T(1 - 2*int(bits&1))
		bits >>= 1
	}
}

// A Curve is a loss on the outputs y of a batch, as far as its Hessian needs it: it writes the
// gradient dy of the loss at y and its derivative ddy along v, both n·Out() values. For
// half a square w|y - y*|²/2 they are w(y - y*) and wv.
type Curve func(dy, ddy, y, v []float64)

// A Curvature computes Hessian-vector products in the weights, exactly: with a direction v in
// weight space the network's tangent is ẏ = (∂y/∂w)v, and Hv is the gradient of ∇L·ẏ.
type Curvature[T Float] struct {
	tp            *Tape[T]
	y, v, dy, ddy []float64
}

// NewCurvature returns a workspace for batches of at most the given number of rows.
func (n *Net[T]) NewCurvature(rows int) *Curvature[T] {
	size := rows * n.Out()
	buf := make([]float64, 4*size)
	return &Curvature[T]{
		tp: n.NewTape(rows, Jet{Dirs: 1, Back: Weights}),
		y:  buf[:size], v: buf[size : 2*size], dy: buf[2*size : 3*size], ddy: buf[3*size:],
	}
}

// Add adds the gradient of the loss at a batch to g and Hv to hv.
func (c *Curvature[T]) Add(g, hv, v []T, x, t []float64, loss Curve) {
	c.tp.Tangent = v
	c.tp.Forward(x, t, nil, nil)
	size := len(t) * c.tp.net.Out()
	y, dot, dy, ddy := c.y[:size], c.v[:size], c.dy[:size], c.ddy[:size]
	c.tp.Out(y, 0)
	c.tp.Out(dot, 1)
	loss(dy, ddy, y, dot)
	c.tp.Backward(g, dy)
	c.tp.Backward(hv, ddy, dy)
}

// DifferenceHVP writes Hv as (∇L(w + εv) - ∇L(w - εv))/2ε, for losses on derivatives of the
// network, which Curvature does not cover. grad writes the gradient at the present weights
// w, which are given back unchanged; tmp is scratch space of twice their length. The error is
// O(ε²) and rounding over ε: ε about 1e-5 in float64 and 1e-2 |w|/|v| in float32 suit.
func DifferenceHVP[T Float](hv, w, v, tmp []T, eps float64, grad func(g []T)) {
	if len(tmp) != 2*len(w) {
		panic("nn: scratch space of twice the weights' length is needed")
	}
	tmp, keep := tmp[:len(w)], tmp[len(w):]
	copy(keep, w)
	move := func(f T) {
		for i := range w {
			w[i] = keep[i] + f*v[i]
		}
	}
	move(T(eps))
	grad(hv)
	move(-T(eps))
	grad(tmp)
	copy(w, keep)
	for i := range hv {
		hv[i] = (hv[i] - tmp[i]) / T(2*eps)
	}
}
