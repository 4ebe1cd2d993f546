package linop

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
)

// DomainShape returns the layout of the vectors x of op: its own if it is a Shaper and
// {cols} otherwise.
func DomainShape(op Operator) []int {
	if s, ok := op.(Shaper); ok {
		return s.DomainShape()
	}
	_, cols := op.Dims()
	return []int{cols}
}

// RangeShape returns the layout of the vectors A x of op: its own if it is a Shaper and
// {rows} otherwise.
func RangeShape(op Operator) []int {
	if s, ok := op.(Shaper); ok {
		return s.RangeShape()
	}
	rows, _ := op.Dims()
	return []int{rows}
}

// Transpose returns Aᵀ. The transpose of a transpose is the first operator itself. It
// is Spectral if op is.
func Transpose(op Operator) Operator {
	switch o := op.(type) {
	case *transpose:
		return o.op
	case *spectralTranspose:
		return o.op
	case Spectral:
		return &spectralTranspose{transpose{op}, o}
	}
	return &transpose{op}
}

type transpose struct{ op Operator }

func (t *transpose) Dims() (rows, cols int) {
	cols, rows = t.op.Dims()
	return rows, cols
}
func (t *transpose) Apply(dst, x []float64)   { t.op.Adjoint(dst, x) }
func (t *transpose) Adjoint(dst, y []float64) { t.op.Apply(dst, y) }
func (t *transpose) DomainShape() []int       { return RangeShape(t.op) }
func (t *transpose) RangeShape() []int        { return DomainShape(t.op) }

type spectralTranspose struct {
	transpose
	s Spectral
}

func (t *spectralTranspose) Singular() []float64 { return t.s.Singular() }
func (t *spectralTranspose) V(dst, v []float64)  { t.s.U(dst, v) }
func (t *spectralTranspose) VT(dst, x []float64) { t.s.UT(dst, x) }
func (t *spectralTranspose) U(dst, u []float64)  { t.s.V(dst, u) }
func (t *spectralTranspose) UT(dst, y []float64) { t.s.VT(dst, y) }

// Scaled returns c A. It is Spectral if op is.
func Scaled(c float64, op Operator) Operator {
	if s, ok := op.(Spectral); ok {
		return &spectralScaled{scaled{c, op}, s, sync.OnceValue(func() []float64 {
			v := append([]float64(nil), s.Singular()...)
			floats.Scale(math.Abs(c), v)
			return v
		})}
	}
	return &scaled{c, op}
}

type scaled struct {
	c  float64
	op Operator
}

func (a *scaled) Dims() (rows, cols int)   { return a.op.Dims() }
func (a *scaled) Apply(dst, x []float64)   { a.op.Apply(dst, x); floats.Scale(a.c, dst) }
func (a *scaled) Adjoint(dst, y []float64) { a.op.Adjoint(dst, y); floats.Scale(a.c, dst) }
func (a *scaled) DomainShape() []int       { return DomainShape(a.op) }
func (a *scaled) RangeShape() []int        { return RangeShape(a.op) }

// spectralScaled folds the sign of c into U.
type spectralScaled struct {
	scaled
	s        Spectral
	singular func() []float64
}

func (a *spectralScaled) Singular() []float64 { return a.singular() }
func (a *spectralScaled) V(dst, v []float64)  { a.s.V(dst, v) }
func (a *spectralScaled) VT(dst, x []float64) { a.s.VT(dst, x) }
func (a *spectralScaled) U(dst, u []float64)  { a.s.U(dst, u); a.sign(dst) }
func (a *spectralScaled) UT(dst, y []float64) { a.s.UT(dst, y); a.sign(dst) }
func (a *spectralScaled) sign(v []float64) {
	if a.c < 0 {
		floats.Scale(-1, v)
	}
}

// An Orthogonal operator is square with AᵀA = A Aᵀ = I.
type Orthogonal interface {
	Operator
	Orthogonal()
}

// Compose returns the product ops[0] ops[1] … : the last is applied first. The product
// of a Spectral operator and Orthogonal ones on either side is Spectral. It panics if
// the sizes of neighbours disagree.
func Compose(ops ...Operator) Operator {
	if len(ops) == 0 {
		panic("linop: Compose of no operators")
	}
	// From the right, so that Q₁ (A Q₂) is seen as Spectral.
	a := ops[len(ops)-1]
	for k := len(ops) - 2; k >= 0; k-- {
		a = product(ops[k], a)
	}
	return a
}

func product(a, b Operator) Operator {
	ar, inner := a.Dims()
	br, bc := b.Dims()
	if inner != br {
		panic(fmt.Sprintf("linop: the product of a %d×%d and a %d×%d operator", ar, inner, br, bc))
	}
	c := compose{a, b, newBuffers(inner)}
	sa, aok := a.(Spectral)
	sb, bok := b.(Spectral)
	if q, ok := b.(Orthogonal); ok && aok {
		return &rightRotated{c, sa, q, newBuffers(bc)}
	}
	if q, ok := a.(Orthogonal); ok && bok {
		return &leftRotated{c, q, sb, newBuffers(ar)}
	}
	return &c
}

type compose struct {
	a, b    Operator
	buffers *sync.Pool
}

func (c *compose) Dims() (rows, cols int) {
	rows, _ = c.a.Dims()
	_, cols = c.b.Dims()
	return rows, cols
}
func (c *compose) DomainShape() []int       { return DomainShape(c.b) }
func (c *compose) RangeShape() []int        { return RangeShape(c.a) }
func (c *compose) Apply(dst, x []float64)   { through(dst, c.a.Apply, c.b.Apply, x, c.buffers) }
func (c *compose) Adjoint(dst, y []float64) { through(dst, c.b.Adjoint, c.a.Adjoint, y, c.buffers) }

// through writes second(first(x)).
func through(dst []float64, second, first func(dst, x []float64), x []float64, p *sync.Pool) {
	b := p.Get().(*buffer)
	first(b.v, x)
	second(dst, b.v)
	p.Put(b)
}

// rightRotated is A Q = U S (Qᵀ V)ᵀ.
type rightRotated struct {
	compose
	s       Spectral
	q       Orthogonal
	buffers *sync.Pool
}

func (c *rightRotated) Singular() []float64 { return c.s.Singular() }
func (c *rightRotated) V(dst, v []float64)  { through(dst, c.q.Adjoint, c.s.V, v, c.buffers) }
func (c *rightRotated) VT(dst, x []float64) { through(dst, c.s.VT, c.q.Apply, x, c.buffers) }
func (c *rightRotated) U(dst, u []float64)  { c.s.U(dst, u) }
func (c *rightRotated) UT(dst, y []float64) { c.s.UT(dst, y) }

// leftRotated is Q A = (Q U) S Vᵀ.
type leftRotated struct {
	compose
	q       Orthogonal
	s       Spectral
	buffers *sync.Pool
}

func (c *leftRotated) Singular() []float64 { return c.s.Singular() }
func (c *leftRotated) V(dst, v []float64)  { c.s.V(dst, v) }
func (c *leftRotated) VT(dst, x []float64) { c.s.VT(dst, x) }
func (c *leftRotated) U(dst, u []float64)  { through(dst, c.q.Apply, c.s.U, u, c.buffers) }
func (c *leftRotated) UT(dst, y []float64) { through(dst, c.s.UT, c.q.Adjoint, y, c.buffers) }

// Sum returns ops[0] + ops[1] + …, added in this order. It panics if the sizes differ.
func Sum(ops ...Operator) Operator {
	rows, cols := sameDims("Sum", ops)
	return &sum{ops, newBuffers(rows), newBuffers(cols)}
}

type sum struct {
	ops        []Operator
	rows, cols *sync.Pool
}

func (a *sum) Dims() (rows, cols int) { return a.ops[0].Dims() }
func (a *sum) DomainShape() []int     { return DomainShape(a.ops[0]) }
func (a *sum) RangeShape() []int      { return RangeShape(a.ops[0]) }

func (a *sum) Apply(dst, x []float64) {
	b := a.rows.Get().(*buffer)
	a.ops[0].Apply(dst, x)
	for _, op := range a.ops[1:] {
		op.Apply(b.v, x)
		floats.Add(dst, b.v)
	}
	a.rows.Put(b)
}

func (a *sum) Adjoint(dst, y []float64) {
	b := a.cols.Get().(*buffer)
	a.ops[0].Adjoint(dst, y)
	for _, op := range a.ops[1:] {
		op.Adjoint(b.v, y)
		floats.Add(dst, b.v)
	}
	a.cols.Put(b)
}

// sameDims returns the common size of the operators.
func sameDims(what string, ops []Operator) (rows, cols int) {
	if len(ops) == 0 {
		panic("linop: " + what + " of no operators")
	}
	rows, cols = ops[0].Dims()
	for _, op := range ops {
		if r, c := op.Dims(); r != rows || c != cols {
			panic(fmt.Sprintf("linop: %s of a %d×%d and a %d×%d operator", what, rows, cols, r, c))
		}
	}
	return rows, cols
}
