package linop

import (
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"
)

// Stack puts operators of one domain on top of each other: A x = (A₁ x, A₂ x, …) and
// Aᵀ y = Σ Aₖᵀ yₖ, added in this order. It panics if the domains differ.
func Stack(ops ...Operator) Operator {
	if len(ops) == 0 {
		panic("linop: Stack of no operators")
	}
	s := &stack{ops: ops}
	_, s.cols = ops[0].Dims()
	for _, op := range ops {
		rows, cols := op.Dims()
		if cols != s.cols {
			panic(fmt.Sprintf("linop: Stack of operators on R^%d and on R^%d", s.cols, cols))
		}
		s.rows += rows
	}
	s.buffers = newBuffers(s.cols)
	return s
}

type stack struct {
	ops        []Operator
	rows, cols int
	buffers    *sync.Pool
}

func (s *stack) Dims() (rows, cols int) { return s.rows, s.cols }
func (s *stack) DomainShape() []int     { return DomainShape(s.ops[0]) }
func (s *stack) RangeShape() []int      { return []int{s.rows} }

func (s *stack) Apply(dst, x []float64) {
	mustVectors(dst, s.rows, x, s.cols)
	for _, op := range s.ops {
		rows, _ := op.Dims()
		op.Apply(dst[:rows], x)
		dst = dst[rows:]
	}
}

func (s *stack) Adjoint(dst, y []float64) {
	mustVectors(dst, s.cols, y, s.rows)
	b := s.buffers.Get().(*buffer)
	for k, op := range s.ops {
		rows, _ := op.Dims()
		if k == 0 {
			op.Adjoint(dst, y[:rows])
		} else {
			op.Adjoint(b.v, y[:rows])
			floats.Add(dst, b.v)
		}
		y = y[rows:]
	}
	s.buffers.Put(b)
}

// BlockDiagonal applies each operator to its own part: A (x₁, x₂, …) = (A₁ x₁, A₂ x₂, …).
// It panics if there are none.
func BlockDiagonal(ops ...Operator) Operator {
	if len(ops) == 0 {
		panic("linop: BlockDiagonal of no operators")
	}
	b := &blocks{ops: ops}
	for _, op := range ops {
		rows, cols := op.Dims()
		b.rows += rows
		b.cols += cols
	}
	return b
}

type blocks struct {
	ops        []Operator
	rows, cols int
}

func (b *blocks) Dims() (rows, cols int) { return b.rows, b.cols }

func (b *blocks) Apply(dst, x []float64) {
	mustVectors(dst, b.rows, x, b.cols)
	for _, op := range b.ops {
		rows, cols := op.Dims()
		op.Apply(dst[:rows], x[:cols])
		dst, x = dst[rows:], x[cols:]
	}
}

func (b *blocks) Adjoint(dst, y []float64) {
	mustVectors(dst, b.cols, y, b.rows)
	for _, op := range b.ops {
		rows, cols := op.Dims()
		op.Adjoint(dst[:cols], y[:rows])
		dst, y = dst[cols:], y[rows:]
	}
}

// Batch applies one operator to each of n slices that lie one after another: the
// channels of a picture, the slices of a volume. Slices run in parallel if there is
// enough to do. It is Spectral if op is.
func Batch(op Operator, n int) Operator {
	mustPositive(n)
	rows, cols := op.Dims()
	b := batch{op, n, rows, cols, &sync.Pool{}}
	b.runs.New = func() any {
		r := new(batchRun)
		r.crew = newCrew(r.slice)
		return r
	}
	s, ok := op.(Spectral)
	if !ok {
		return &b
	}
	return &spectralBatch{b, s, newBuffers(rows), newBuffers(cols), sync.OnceValue(func() []float64 {
		return slices.Repeat(s.Singular(), n)
	})}
}

type batch struct {
	op            Operator
	n, rows, cols int
	runs          *sync.Pool // of *batchRun
}

func (b *batch) Dims() (rows, cols int) { return b.n * b.rows, b.n * b.cols }
func (b *batch) DomainShape() []int     { return append([]int{b.n}, DomainShape(b.op)...) }
func (b *batch) RangeShape() []int      { return append([]int{b.n}, RangeShape(b.op)...) }
func (b *batch) Apply(dst, x []float64) {
	b.run(batchRun{op: b.op, dst: dst, x: x, rows: b.rows, cols: b.cols})
}
func (b *batch) Adjoint(dst, y []float64) {
	b.run(batchRun{op: b.op, dst: dst, x: y, rows: b.cols, cols: b.rows, adjoint: true})
}

func (b *batch) run(job batchRun) {
	mustVectors(job.dst, b.n*job.rows, job.x, b.n*job.cols)
	r := b.runs.Get().(*batchRun)
	job.crew = r.crew
	*r = job
	if len(job.dst)+len(job.x) <= serialWork {
		r.crew.alone(b.n)
	} else {
		r.crew.run(b.n)
	}
	*r = batchRun{crew: r.crew} // keep nothing of the caller's
	b.runs.Put(r)
}

// A batchRun is one product: slices of x of length cols give slices of dst of length rows.
type batchRun struct {
	crew       *crew
	op         Operator
	dst, x     []float64
	rows, cols int
	adjoint    bool
}

func (r *batchRun) slice(k int) {
	dst, x := r.dst[k*r.rows:(k+1)*r.rows], r.x[k*r.cols:(k+1)*r.cols]
	if r.adjoint {
		r.op.Adjoint(dst, x)
	} else {
		r.op.Apply(dst, x)
	}
}

// spectralBatch orders its coordinates as Spectral asks: those with a singular value of
// all slices come first, then what is left of all slices.
type spectralBatch struct {
	batch
	s              Spectral
	rowBuf, colBuf *sync.Pool
	singular       func() []float64
}

func (b *spectralBatch) Singular() []float64 { return b.singular() }
func (b *spectralBatch) V(dst, v []float64)  { b.fromSpectral(dst, v, b.cols, b.s.V, b.colBuf) }
func (b *spectralBatch) VT(dst, x []float64) { b.toSpectral(dst, x, b.cols, b.s.VT, b.colBuf) }
func (b *spectralBatch) U(dst, u []float64)  { b.fromSpectral(dst, u, b.rows, b.s.U, b.rowBuf) }
func (b *spectralBatch) UT(dst, y []float64) { b.toSpectral(dst, y, b.rows, b.s.UT, b.rowBuf) }

func (b *spectralBatch) fromSpectral(dst, v []float64, size int, f func(dst, x []float64), p *sync.Pool) {
	mustVectors(dst, b.n*size, v, b.n*size)
	t := p.Get().(*buffer)
	for k := range b.n {
		head, tail := b.parts(v, k, size)
		copy(t.v, head)
		copy(t.v[len(head):], tail)
		f(dst[k*size:(k+1)*size], t.v)
	}
	p.Put(t)
}

func (b *spectralBatch) toSpectral(dst, x []float64, size int, f func(dst, x []float64), p *sync.Pool) {
	mustVectors(dst, b.n*size, x, b.n*size)
	t := p.Get().(*buffer)
	for k := range b.n {
		f(t.v, x[k*size:(k+1)*size])
		head, tail := b.parts(dst, k, size)
		copy(head, t.v)
		copy(tail, t.v[len(head):])
	}
	p.Put(t)
}

// parts returns the coordinates of slice k within v, slices being size long.
func (b *spectralBatch) parts(v []float64, k, size int) (head, tail []float64) {
	r := min(b.rows, b.cols)
	rest := v[b.n*r:]
	return v[k*r : (k+1)*r], rest[k*(size-r) : (k+1)*(size-r)]
}
