package train

import (
	"github.com/seed-dea4846a/sampler/score/nn"
)

// A regression is an objective that is a sum of weighted squares, Σ w|F - F*|².
type regression interface {
	Objective
	terms(w *Work, b *Batch, lo, hi int) (terms, error)
	onGradient() bool
}

// terms are rows of a regression: inputs and numbers of the network, F* and w.
type terms struct {
	x, t, target, weight []float64
	gradient             bool // F is the gradient of the network's one output
	drop                 bool // leave the constant |F*|² out of the loss
}

func (w *Work) terms(rows int) terms {
	return terms{x: w.Floats(rows * w.Dim), t: w.Floats(rows), target: w.Floats(rows * w.Dim), weight: w.Floats(rows)}
}

// value returns one coordinate's |F - F*|², less |F*|² if that is dropped.
func (r *terms) value(miss, target float64) float64 {
	if r.drop {
		return miss*miss - target*target
	}
	return miss * miss
}

// cut calls f for parts of at most the given number of rows.
func (r *terms) cut(w *Work, rows int, f func(terms)) {
	d, n := w.Dim, len(r.t)
	for lo := 0; lo < n; lo += rows {
		hi := min(lo+rows, n)
		f(terms{r.x[lo*d : hi*d], r.t[lo:hi], r.target[lo*d : hi*d], r.weight[lo:hi], r.gradient, r.drop})
	}
}

// regress is Add of a regression.
func regress(o regression, w *Work, b *Batch, lo, hi int) (float64, error) {
	rows, err := o.terms(w, b, lo, hi)
	if err != nil {
		return 0, err
	}
	loss, tp, d := 0.0, w.Tape(0), w.Dim
	rows.cut(w, tp.Rows(), func(p terms) {
		n := len(p.t)
		tp.Forward(p.x, p.t, nil, nil)
		y := w.Floats(n * d)
		row, col := d, 1 // strides: in channel 0, or one channel a coordinate
		if p.gradient {
			row, col = 1, n
			for j := range d {
				tp.Out(y[j*n:(j+1)*n], j+1)
			}
		} else {
			tp.Out(y, 0)
		}
		for i, wt := range p.weight {
			for j := range d {
				k := i*row + j*col
				miss := y[k] - p.target[i*d+j]
				loss += wt * p.value(miss, p.target[i*d+j])
				y[k] = 2 * wt * w.Scale * miss
			}
		}
		if !p.gradient {
			tp.Backward(y)
			return
		}
		w.dy[0] = nil
		for j := range d {
			w.dy[j+1] = y[j*n : (j+1)*n]
		}
		tp.Backward(w.dy[:d+1]...)
	})
	return loss, nil
}

// jetOf is that of a regression.
func jetOf(gradient bool, dim int) []nn.Jet {
	if gradient {
		return []nn.Jet{{Dirs: dim, Back: nn.Weights}}
	}
	return []nn.Jet{{Back: nn.Weights}}
}
