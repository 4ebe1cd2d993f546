package linop

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/par"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Matrix is an operator given by its matrix. It is Spectral: the first use of the
// decomposition computes a full SVD, of order rows² + cols² numbers of memory.
type Matrix struct {
	a   blas64.General
	svd func() *matrixSVD
}

type matrixSVD struct {
	s    []float64
	u, v mat.Dense
}

// NewMatrix returns the operator of m, which it keeps and which must not change.
func NewMatrix(m *mat.Dense) *Matrix {
	return &Matrix{a: m.RawMatrix(), svd: sync.OnceValue(func() *matrixSVD {
		var f mat.SVD
		if !f.Factorize(m, mat.SVDFull) {
			panic("linop: the singular value decomposition did not converge; look for NaN in the matrix")
		}
		d := &matrixSVD{s: f.Values(nil)}
		f.UTo(&d.u)
		f.VTo(&d.v)
		return d
	})}
}

func (m *Matrix) Dims() (rows, cols int)   { return m.a.Rows, m.a.Cols }
func (m *Matrix) Apply(dst, x []float64)   { gemv(blas.NoTrans, dst, m.a, x) }
func (m *Matrix) Adjoint(dst, y []float64) { gemv(blas.Trans, dst, m.a, y) }
func (m *Matrix) Singular() []float64      { return m.svd().s }
func (m *Matrix) V(dst, v []float64)       { gemv(blas.NoTrans, dst, m.svd().v.RawMatrix(), v) }
func (m *Matrix) VT(dst, x []float64)      { gemv(blas.Trans, dst, m.svd().v.RawMatrix(), x) }
func (m *Matrix) U(dst, u []float64)       { gemv(blas.NoTrans, dst, m.svd().u.RawMatrix(), u) }
func (m *Matrix) UT(dst, y []float64)      { gemv(blas.Trans, dst, m.svd().u.RawMatrix(), y) }

func gemv(t blas.Transpose, dst []float64, a blas64.General, x []float64) {
	rows, cols := a.Rows, a.Cols
	if t == blas.Trans {
		rows, cols = cols, rows
	}
	mustVectors(dst, rows, x, cols)
	blas64.Gemv(t, 1, a, blas64.Vector{N: cols, Data: x, Inc: 1}, 0, blas64.Vector{N: rows, Data: dst, Inc: 1})
}

// Sparse is an operator given by its nonzero entries, kept by rows and by columns so
// that both products gather.
type Sparse struct{ byRow, byCol compressed }

// An Entry is one number of a sparse matrix.
type Entry struct {
	Row, Col int
	Value    float64
}

// NewSparse returns the rows by cols operator of the entries, which may come in any
// order; entries of one place add up. It panics if a place is outside.
func NewSparse(rows, cols int, entries []Entry) *Sparse {
	mustPositive(rows, cols)
	s := &Sparse{}
	s.byRow = compress(rows, cols, entries, func(e Entry) (int, int) { return e.Row, e.Col })
	s.byCol = compress(cols, rows, entries, func(e Entry) (int, int) { return e.Col, e.Row })
	return s
}

func (s *Sparse) Dims() (rows, cols int)   { return len(s.byRow.start) - 1, len(s.byCol.start) - 1 }
func (s *Sparse) Apply(dst, x []float64)   { s.byRow.apply(dst, x, len(s.byCol.start)-1) }
func (s *Sparse) Adjoint(dst, y []float64) { s.byCol.apply(dst, y, len(s.byRow.start)-1) }

// compressed is a compressed sparse row matrix: row i has the entries start[i] to
// start[i+1].
type compressed struct {
	start, index []int
	value        []float64
}

// compress sorts entries by the first number of place, keeping their order within.
func compress(rows, cols int, entries []Entry, place func(Entry) (int, int)) compressed {
	c := compressed{make([]int, rows+1), make([]int, len(entries)), make([]float64, len(entries))}
	for _, e := range entries {
		i, j := place(e)
		if i < 0 || i >= rows || j < 0 || j >= cols {
			panic(fmt.Sprintf("linop: sparse entry (%d, %d) is outside the matrix", e.Row, e.Col))
		}
		c.start[i+1]++
	}
	for i := range rows {
		c.start[i+1] += c.start[i]
	}
	next := append([]int(nil), c.start[:rows]...)
	for _, e := range entries {
		i, j := place(e)
		c.index[next[i]], c.value[next[i]] = j, e.Value
		next[i]++
	}
	return c
}

func (c *compressed) apply(dst, x []float64, cols int) {
	mustVectors(dst, len(c.start)-1, x, cols)
	for i := range dst {
		sum := 0.0
		lo, hi := c.start[i], c.start[i+1]
		value := c.value[lo:hi]
		for k, j := range c.index[lo:hi] {
			sum += value[k] * x[j]
		}
		dst[i] = sum
	}
}

// Diagonal multiplies the i-th number by the i-th of its own. It is Spectral.
type Diagonal struct{ d, abs []float64 }

// NewDiagonal returns the operator diag(d); it keeps d, which must not change.
func NewDiagonal(d []float64) *Diagonal {
	mustPositive(len(d))
	abs := make([]float64, len(d))
	for i, v := range d {
		abs[i] = math.Abs(v)
	}
	return &Diagonal{d, abs}
}

func (a *Diagonal) Dims() (rows, cols int)   { return len(a.d), len(a.d) }
func (a *Diagonal) Adjoint(dst, y []float64) { a.Apply(dst, y) }
func (a *Diagonal) Singular() []float64      { return a.abs }
func (a *Diagonal) V(dst, v []float64)       { a.copy(dst, v) }
func (a *Diagonal) VT(dst, x []float64)      { a.copy(dst, x) }
func (a *Diagonal) UT(dst, y []float64)      { a.U(dst, y) }

func (a *Diagonal) Apply(dst, x []float64) {
	mustVectors(dst, len(a.d), x, len(a.d))
	for i, d := range a.d {
		dst[i] = d * x[i]
	}
}

// U multiplies by the signs of the diagonal.
func (a *Diagonal) U(dst, u []float64) {
	mustVectors(dst, len(a.d), u, len(a.d))
	for i, d := range a.d {
		dst[i] = math.Copysign(1, d) * u[i]
	}
}

func (a *Diagonal) copy(dst, x []float64) {
	mustVectors(dst, len(a.d), x, len(a.d))
	copy(dst, x)
}

// NewIdentity returns the identity on R^n.
func NewIdentity(n int) *Diagonal { return NewScale(n, 1) }

// NewScale returns c times the identity on R^n.
func NewScale(n int, c float64) *Diagonal {
	mustPositive(n)
	d := make([]float64, n)
	for i := range d {
		d[i] = c
	}
	return NewDiagonal(d)
}

// mustVectors panics unless the output and the input of an operator have these lengths.
func mustVectors(dst []float64, rows int, x []float64, cols int) {
	if len(dst) != rows {
		mustLen("the output", len(dst), rows)
	}
	if len(x) != cols {
		mustLen("the input", len(x), cols)
	}
}

// mustPositive panics unless all sizes are positive.
func mustPositive(sizes ...int) {
	for _, n := range sizes {
		if n < 1 {
			panic(fmt.Sprintf("linop: a size of %d, want at least 1", n))
		}
	}
}

// A buffer is scratch space of an operator, of one fixed length.
type buffer struct{ v []float64 }

func newBuffers(n int) *sync.Pool {
	return &sync.Pool{New: func() any { return &buffer{make([]float64, n)} }}
}

// Operators work on the calling goroutine up to serialWork numbers: below, starting
// goroutines costs more than it gains.
const serialWork = 1 << 16

// spread calls f on disjoint ranges that cover 0..n-1, on all cores.
func spread(n int, f func(lo, hi int)) {
	err := par.Rows(context.Background(), n, (n+31)/32, 0, func(_, lo, hi int) error {
		f(lo, hi)
		return nil
	})
	if err != nil {
		panic("linop: " + err.Error()) // neither f nor the context can fail
	}
}
