package train

import (
	"context"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/nn"
)

type bound[T nn.Float] struct {
	*nn.Tape[T]
	g []T
}

// Backward adds to the gradient.
func (b *bound[T]) Backward(dy ...[]float64) {
	if b.g != nil {
		b.Tape.Backward(b.g, dy...)
	}
}

// An Evaluator computes an objective and its derivatives in the weights of a network.
type Evaluator[T nn.Float] struct {
	net      *nn.Net[T]
	obj      Objective
	shards   *nn.Shards[T]
	tapes    [][]*bound[T]
	works    []*Work
	curves   []*nn.Curvature[T] // made by the first HVP
	double   *nn.Shards[T]
	rows     int
	tmp      []T
	out, dot []float64 // of a wholeLoss
}

// tapeRows is the number of rows that a tape takes at a time: enough for the matrix products,
// few enough for the caches, and for the memory where points are images.
func tapeRows(batch, dim int) int { return max(1, min(128, (batch+7)/8, 1<<13/dim)) }

// NewEvaluator returns an evaluator for batches of about the given number of rows, on up to
// workers goroutines (GOMAXPROCS if workers < 1). Its results do not depend on their number.
func NewEvaluator[T nn.Float](net *nn.Net[T], o Objective, batch, workers int) (*Evaluator[T], error) {
	if err := o.Check(net.In(), net.Out()); err != nil {
		return nil, err
	}
	rows := tapeRows(batch, net.In())
	e := &Evaluator[T]{net: net, obj: o, rows: rows, shards: nn.NewShards[T](len(net.W), rows, par.Workers(workers))}
	for range e.shards.Workers() {
		w, bs := newWork(net, rows, o.Jets(net.In()))
		e.tapes, e.works = append(e.tapes, bs), append(e.works, w)
	}
	return e, nil
}

func newWork[T nn.Float](net *nn.Net[T], rows int, jets []nn.Jet) (*Work, []*bound[T]) {
	w := &Work{Dim: net.In(), Out: net.Out(), src: stream.New()}
	var bs []*bound[T]
	channels := 0
	for _, j := range jets {
		b := &bound[T]{Tape: net.NewTape(rows, j)}
		bs = append(bs, b)
		w.tapes = append(w.tapes, b)
		channels = max(channels, j.Channels())
	}
	w.dy = make([][]float64, channels)
	return w, bs
}

// Loss returns the mean loss over a batch, and writes its gradient to grad unless that is nil.
func (e *Evaluator[T]) Loss(ctx context.Context, b *Batch, grad []T) (float64, error) {
	n := len(b.X1) / e.net.In()
	if n == 0 || len(b.X0) != len(b.X1) || n*e.net.In() != len(b.X1) {
		panic("train: a batch needs as many whole starts as clean points")
	}
	if whole, ok := e.obj.(wholeLoss); ok {
		return e.whole(ctx, whole, b, n, grad)
	}
	sum, err := e.run(ctx, n, grad, func(w *Work, lo, hi int) (float64, error) { return e.obj.Add(w, b, lo, hi) })
	return sum / float64(n), err
}

// run sums f over the rows.
func (e *Evaluator[T]) run(ctx context.Context, n int, grad []T, f func(w *Work, lo, hi int) (float64, error)) (float64, error) {
	sum, err := e.shards.Run(ctx, n, func(worker int, g []T, lo, hi int) (float64, error) {
		if grad == nil {
			g = nil
		}
		for _, b := range e.tapes[worker] {
			b.g = g
		}
		w := e.works[worker]
		w.Scale, w.free = 1/float64(n), w.block
		return f(w, lo, hi)
	})
	if err == nil && grad != nil {
		copy(grad, e.shards.Grad)
	}
	return sum, err
}

// A wholeLoss is a loss on the outputs of a whole batch at once; its Add has no use.
type wholeLoss interface {
	// loss returns the loss of the outputs y at the starts and writes its gradient dy.
	loss(dy, y []float64, b *Batch) (float64, error)
}

func (e *Evaluator[T]) whole(ctx context.Context, o wholeLoss, b *Batch, n int, grad []T) (float64, error) {
	d, k := e.net.In(), e.net.Out()
	if len(e.out) != n*k {
		e.out, e.dot = make([]float64, n*k), make([]float64, n*k)
	}
	forward := func(back bool) func(w *Work, lo, hi int) (float64, error) {
		return func(w *Work, lo, hi int) (float64, error) {
			t := w.Floats(hi - lo)
			clear(t)
			tp := w.Tape(0)
			tp.Forward(b.X0[lo*d:hi*d], t, nil, nil)
			if back {
				tp.Backward(e.dot[lo*k : hi*k])
			} else {
				tp.Out(e.out[lo*k:hi*k], 0)
			}
			return 0, nil
		}
	}
	if _, err := e.run(ctx, n, nil, forward(false)); err != nil {
		return 0, err
	}
	loss, err := o.loss(e.dot, e.out, b)
	if err == nil && grad != nil {
		_, err = e.run(ctx, n, grad, forward(true))
	}
	return loss, err
}

// HVP writes the gradient g of the mean loss and the product Hv of its Hessian with v: exactly
// for regressions on the network's values, else by a difference of gradients.
func (e *Evaluator[T]) HVP(ctx context.Context, b *Batch, g, hv, v []T) (float64, error) {
	r, ok := e.obj.(regression)
	if ok && !r.onGradient() {
		return e.curvature(ctx, r, b, g, hv, v)
	}
	loss, err := e.Loss(ctx, b, g)
	if err != nil {
		return 0, err
	}
	if e.tmp == nil {
		e.tmp = make([]T, 2*len(v))
	}
	nn.DifferenceHVP(hv, e.net.W, v, e.tmp, e.difference(v), func(g []T) {
		if err == nil {
			_, err = e.Loss(ctx, b, g)
		}
	})
	return loss, err
}

// difference is the ε of nn.DifferenceHVP: the third root of the rounding unit, relative to
// the weights.
func (e *Evaluator[T]) difference(v []T) float64 {
	unit := 6e-6
	if _, single := any(v).([]float32); single {
		unit = 5e-3
	}
	ww, vv := 0.0, 0.0
	for i, w := range e.net.W {
		ww += float64(w) * float64(w)
		vv += float64(v[i]) * float64(v[i])
	}
	return unit * sqrtRatio(ww, vv)
}

func (e *Evaluator[T]) curvature(ctx context.Context, r regression, b *Batch, g, hv, v []T) (float64, error) {
	size := len(e.net.W)
	if e.double == nil {
		e.double = nn.NewShards[T](2*size, e.rows, e.shards.Workers())
		for range e.double.Workers() {
			e.curves = append(e.curves, e.net.NewCurvature(e.rows))
		}
	}
	n := len(b.X1) / e.net.In()
	sum, err := e.double.Run(ctx, n, func(worker int, both []T, lo, hi int) (float64, error) {
		w := e.works[worker]
		w.free = w.block
		rows, err := r.terms(w, b, lo, hi)
		if err != nil {
			return 0, err
		}
		loss := 0.0
		rows.cut(w, e.rows, func(part terms) {
			e.curves[worker].Add(both[:size], both[size:], v, part.x, part.t, func(dy, ddy, y, dot []float64) {
				k := w.Out
				for i, wt := range part.weight {
					c := 2 * wt / float64(n)
					for j := i * k; j < (i+1)*k; j++ {
						miss := y[j] - part.target[j]
						dy[j], ddy[j] = c*miss, c*dot[j]
						loss += wt * part.value(miss, part.target[j])
					}
				}
			})
		})
		return loss, nil
	})
	if err != nil {
		return 0, err
	}
	copy(g, e.double.Grad[:size])
	copy(hv, e.double.Grad[size:])
	return sum / float64(n), nil
}
