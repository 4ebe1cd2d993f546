package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// A Batch is what a loss is computed on: pairs of points, n·d values each, and the address
// of further random numbers.
type Batch struct {
	X0, X1     []float64
	Seed, Step uint64
}

// An Objective is a loss on a batch, the mean of what Add returns over its rows.
type Objective interface {
	// Check returns what keeps the objective from training a network from in to out values.
	Check(in, out int) error
	// Jets are those of the tapes that Add needs, for points of a dimension.
	Jets(dim int) []nn.Jet
	// Add returns the sum of the losses of the rows lo ≤ i < hi and has the tapes add
	// Work.Scale times its gradient.
	Add(w *Work, b *Batch, lo, hi int) (float64, error)
}

// A Tape is a nn.Tape of either precision whose Backward adds to the gradient of a batch, or
// does nothing where none is wanted.
type Tape interface {
	Rows() int
	Forward(x, t, dx, dt []float64)
	Out(dst []float64, channel int)
	Backward(dy ...[]float64)
}

// Work is what one goroutine has for an objective.
type Work struct {
	Dim, Out int     // values a point that go into the network and come out
	Scale    float64 // of the gradient

	tapes       []Tape
	block, free []float64
	src         *stream.Source
	dy          [][]float64
	coeffs      []affine
}

// At returns the generator of an address, which stays valid until the next call.
func (w *Work) At(seed uint64, d stream.Domain, sample, index uint64) *rand.Rand {
	return w.src.At(seed, d, sample, index)
}

// Tape returns the tape of the objective's jet i.
func (w *Work) Tape(i int) Tape { return w.tapes[i] }

// Floats returns n values of scratch space that hold until Add returns; they are not cleared.
func (w *Work) Floats(n int) []float64 {
	if len(w.free) < n {
		w.block = make([]float64, 2*len(w.block)+n)
		w.free = w.block
	}
	s := w.free[:n:n]
	w.free = w.free[n:]
	return s
}

// checkShape returns an error unless the network fits the prediction.
func checkShape(p *nn.Precond, in, out int) error {
	if err := p.Check(); err != nil {
		return err
	}
	want := in
	if p.Kind == nn.LogDensity {
		want = 1
	}
	if out != want {
		return fmt.Errorf("train: the prediction %q of points of dimension %d needs %d outputs, the network has %d", p.Kind, in, want, out)
	}
	return nil
}
