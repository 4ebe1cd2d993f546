package linop

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func init() {
	a := func() *Matrix { return NewMatrix(matrix(6, 9, 30)) }
	register(
		operatorRow{name: "transpose", make: func() Operator { return Transpose(a()) }},
		operatorRow{name: "transpose of sparse", make: func() Operator { return Transpose(randomSparse(5, 8)) }},
		operatorRow{name: "scaled", make: func() Operator { return Scaled(-2, a()) }},
		operatorRow{name: "scaled gradient", make: func() Operator { return Scaled(0.5, NewGradient(5, 4)) }},
		operatorRow{name: "compose", make: func() Operator { return Compose(NewMatrix(matrix(4, 6, 31)), a(), randomSparse(9, 5)) }},
		operatorRow{name: "A Q", make: func() Operator { return Compose(NewMatrix(matrix(6, 20, 32)), NewWavelet(5, 4, 4, 2)) }},
		operatorRow{name: "Q A Q", make: func() Operator {
			return Compose(NewWavelet(3, 5, 2, 1), NewMatrix(matrix(15, 20, 32)), NewWavelet(5, 4, 4, 2))
		}},
		operatorRow{name: "sum", make: func() Operator { return Sum(a(), randomSparse(6, 9), a()) }},
		operatorRow{name: "stack", make: func() Operator { return Stack(a(), NewIdentity(9), randomSparse(3, 9)) }},
		operatorRow{name: "block diagonal", make: func() Operator { return BlockDiagonal(a(), NewGradient(3, 2)) }},
		operatorRow{name: "batch of gradients", make: func() Operator { return Batch(NewGradient(4, 5), 3) }},
		operatorRow{name: "batch of wide matrices", make: func() Operator { return Batch(a(), 3) }},
		operatorRow{name: "batch of tall matrices", make: func() Operator { return Batch(NewMatrix(matrix(9, 4, 30)), 2) }},
	)
}

func TestCombinationsAreTheirMatrices(t *testing.T) {
	a, b := matrix(4, 6, 33), matrix(6, 5, 34)
	A, B := NewMatrix(a), NewMatrix(b)
	equal := func(want mat.Matrix, op Operator) {
		t.Helper()
		assert.True(t, mat.EqualApprox(want, Dense(op), 1e-13)) // sums of at most 6 products
	}
	var m mat.Dense
	m.Mul(a, b)
	equal(&m, Compose(A, B))
	equal(a.T(), Transpose(A))
	m.Reset()
	m.Scale(-3, b)
	equal(&m, Scaled(-3, B))
	m.Reset()
	m.Add(a, a)
	equal(&m, Sum(A, A))
	var s mat.Dense
	s.Stack(a, a)
	equal(&s, Stack(A, A))
	block := mat.NewDense(10, 11, nil)
	block.Slice(0, 4, 0, 6).(*mat.Dense).Copy(a)
	block.Slice(4, 10, 6, 11).(*mat.Dense).Copy(b)
	equal(block, BlockDiagonal(A, B))
	equal(Dense(BlockDiagonal(A, A, A)), Batch(A, 3))

	assert.Same(t, A, Transpose(Transpose(A)))
	g := NewGradient(3, 4)
	assert.Same(t, g, Transpose(Transpose(g)))
	assert.Equal(t, []int{2, 3, 4}, DomainShape(Transpose(g)))
	assert.Equal(t, []int{5, 2, 3, 4}, RangeShape(Batch(g, 5)))
	_, ok := Compose(A, B).(Spectral)
	assert.False(t, ok, "no decomposition of a general product is known")

	assert.PanicsWithValue(t, "linop: the product of a 4×6 and a 4×6 operator", func() { Compose(A, A) })
	assert.PanicsWithValue(t, "linop: Sum of a 4×6 and a 6×5 operator", func() { Sum(A, B) })
	assert.Panics(t, func() { Stack(A, B) })
	assert.Panics(t, func() { Stack() })
	assert.Panics(t, func() { Compose() })
	assert.Panics(t, func() { BlockDiagonal() })
}

// A batch beyond serialWork runs on all cores, and gives the bits of slice by slice.
func TestLargeBatch(t *testing.T) {
	g := NewGradient(64, 64)
	b := Batch(g, 40)
	rows, cols := b.Dims()
	x, got := gaussian(cols, 35), make([]float64, rows)
	b.Apply(got, x)
	back := make([]float64, cols)
	b.Adjoint(back, got)
	if !raceEnabled {
		assert.Zero(t, testing.AllocsPerRun(3, func() { b.Apply(got, x) }))
	}
	want, wantBack := make([]float64, 2*64*64), make([]float64, 64*64)
	for k := range 40 {
		g.Apply(want, x[k*64*64:(k+1)*64*64])
		g.Adjoint(wantBack, want)
		assert.True(t, floats.Equal(want, got[k*len(want):(k+1)*len(want)]))
		assert.True(t, floats.Equal(wantBack, back[k*64*64:(k+1)*64*64]))
	}
}
