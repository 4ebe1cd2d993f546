package linop

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func init() {
	for _, n := range [][2]int{{7, 12}, {12, 7}, {9, 9}, {1, 5}} {
		register(
			operatorRow{name: fmt.Sprint("matrix", n), make: func() Operator { return NewMatrix(matrix(n[0], n[1], 10)) }},
			operatorRow{name: fmt.Sprint("sparse", n), make: func() Operator { return randomSparse(n[0], n[1]) }},
		)
	}
	register(
		operatorRow{name: "diagonal", make: func() Operator { return NewDiagonal(gaussian(17, 11)) }},
		operatorRow{name: "diagonal with zero", norm: 3, make: func() Operator { return NewDiagonal([]float64{2, 0, -3}) }},
		operatorRow{name: "identity", norm: 1, make: func() Operator { return NewIdentity(5) }},
		operatorRow{name: "scale", norm: 1.5, make: func() Operator { return NewScale(4, -1.5) }},
		operatorRow{name: "mask", norm: 1, make: func() Operator { return must(NewRandomMask(37, 0.3, 1)) }},
		operatorRow{name: "full mask", norm: 1, make: func() Operator { return must(NewRandomMask(8, 1, 1)) }},
		operatorRow{name: "box mask", norm: 1, make: func() Operator { return must(NewBoxMask(7, 10, 2, 3, 4, 5)) }},
	)
}

// randomSparse has about a third of the entries, some twice.
func randomSparse(rows, cols int) *Sparse {
	v := gaussian(rows*cols, 12)
	var e []Entry
	for k, x := range v {
		if k%3 != 0 {
			continue
		}
		e = append(e, Entry{(7 * k) % rows, (k / 2) % cols, x})
	}
	return NewSparse(rows, cols, append(e, e[0]))
}

func TestMatrixAndSparseAgree(t *testing.T) {
	m := matrix(5, 8, 13)
	var e []Entry
	for i := range 5 {
		for j := range 8 {
			e = append(e, Entry{i, j, m.At(i, j) - 1}, Entry{i, j, 1})
		}
	}
	s := NewSparse(5, 8, e)
	assert.True(t, mat.EqualApprox(m, Dense(s), 1e-15), "duplicates add up") // one rounding of 1 + (a − 1)
	assert.True(t, mat.Equal(m, Dense(NewMatrix(m))))
	assert.PanicsWithValue(t, "linop: sparse entry (5, 0) is outside the matrix", func() { NewSparse(5, 8, []Entry{{5, 0, 1}}) })
}

func TestMask(t *testing.T) {
	m := must(NewMask([]bool{false, true, true, false}))
	y := make([]float64, 2)
	m.Apply(y, []float64{1, 2, 3, 4})
	assert.Equal(t, []float64{2, 3}, y)
	x := make([]float64, 4)
	m.Adjoint(x, y)
	assert.Equal(t, []float64{0, 2, 3, 0}, x)
	assert.Equal(t, []int{1, 2}, m.Kept())

	assert.Len(t, must(NewRandomMask(1000, 0.3, 5)).Kept(), 300, "the share is met exactly")
	assert.Len(t, must(NewRandomMask(10, 0.37, 5)).Kept(), 4, "rounded")
	assert.NotEqual(t, must(NewRandomMask(1000, 0.3, 5)).Kept(), must(NewRandomMask(1000, 0.3, 6)).Kept())
	assert.Len(t, must(NewBoxMask(7, 10, 2, 3, 4, 5)).Kept(), 50)
	assert.Len(t, must(NewBoxMask(7, 10, 5, 8, 4, 5)).Kept(), 66, "cut at the border")

	_, err := NewMask(make([]bool, 9))
	assert.EqualError(t, err, "linop: the mask keeps none of the 9 values; keep at least one")
	_, err = NewBoxMask(3, 3, 0, 0, 3, 3)
	assert.Error(t, err)
	for _, p := range []float64{0, -1, 1.1, math.NaN(), 0.01} {
		_, err = NewRandomMask(9, p, 1)
		assert.Error(t, err, "%g", p)
	}
}

// The pseudo-inverse satisfies the four conditions of Penrose, also without full rank.
func TestPseudoInverse(t *testing.T) {
	low := mat.NewDense(6, 9, nil)
	low.Mul(matrix(6, 2, 14), matrix(2, 9, 15))
	for name, op := range map[string]Spectral{
		"wide": NewMatrix(matrix(4, 7, 16)), "tall": NewMatrix(matrix(7, 4, 16)), "rank 2": NewMatrix(low),
		"diagonal": NewDiagonal([]float64{2, 0, -3}), "box": NewBox(5, 7, 2),
		"batch": Batch(NewMatrix(low), 2).(Spectral), "transpose": Transpose(NewBox(4, 5, 3)).(Spectral),
	} {
		rows, cols := op.Dims()
		p := mat.NewDense(cols, rows, nil)
		y, x := make([]float64, rows), make([]float64, cols)
		var w Work
		for j := range rows {
			y[j] = 1
			PseudoInverse(op, x, y, &w)
			y[j] = 0
			p.SetCol(j, x)
		}
		a := Dense(op)
		var ap, pa, apa, pap mat.Dense
		ap.Mul(a, p)
		pa.Mul(p, a)
		apa.Mul(&ap, a)
		pap.Mul(&pa, p)
		// Rounding times the condition number, at most about 100 here.
		const tol = 1e-12
		assert.True(t, mat.EqualApprox(&apa, a, tol), name)
		assert.True(t, mat.EqualApprox(&pap, p, tol), name)
		assert.True(t, mat.EqualApprox(ap.T(), &ap, tol), name)
		assert.True(t, mat.EqualApprox(pa.T(), &pa, tol), name)
		if !raceEnabled {
			assert.Zero(t, testing.AllocsPerRun(5, func() { PseudoInverse(op, x, y, &w) }), name)
		}
	}
}

func TestSolveNormal(t *testing.T) {
	for name, op := range map[string]Spectral{
		"wide": NewMatrix(matrix(4, 7, 16)), "tall": NewMatrix(matrix(7, 4, 16)), "box": NewBox(5, 7, 2),
		"mask": must(NewRandomMask(10, 0.5, 1)), "range": Transpose(NewMatrix(matrix(4, 7, 16))).(Spectral),
	} {
		rows, cols := op.Dims()
		x, ax, got := gaussian(cols, 17), make([]float64, rows), make([]float64, cols)
		SolveNormal(op, got, x, 2.5, 0.3, nil)
		back := make([]float64, cols)
		op.Apply(ax, got)
		op.Adjoint(back, ax)
		floats.Scale(2.5, back)
		floats.AddScaled(back, 0.3, got)
		// Rounding times the condition number of a few hundred.
		assert.LessOrEqual(t, floats.Distance(back, x, 2), 1e-12*floats.Norm(x, 2), name)

		// With b = 0 it inverts AᵀA on the range of Aᵀ.
		SolveNormal(op, got, back, 2.5, 0, nil)
		op.Apply(ax, got)
		op.Adjoint(got, ax)
		floats.Scale(2.5, got)
		want := make([]float64, cols)
		op.Apply(ax, back)
		PseudoInverse(op, want, ax, nil) // the projection
		assert.LessOrEqual(t, floats.Distance(got, want, 2), 1e-11*floats.Norm(back, 2), name)
	}
	op := NewIdentity(2)
	for _, ab := range [][2]float64{{0, 0}, {-1, 2}, {1, -1}, {math.NaN(), 1}} {
		assert.Panics(t, func() { SolveNormal(op, make([]float64, 2), make([]float64, 2), ab[0], ab[1], nil) })
	}
}

// Whitened noise has unit covariance: L⁻¹ R L⁻ᵀ = I, and the operator follows the data.
func TestWhiten(t *testing.T) {
	a := NewMatrix(matrix(5, 3, 18))
	root := matrix(5, 5, 19)
	var full mat.SymDense
	full.SymOuterK(1, root)
	x, y := gaussian(3, 20), make([]float64, 5)
	a.Apply(y, x)
	for name, cov := range map[string]mat.Symmetric{"full": &full, "diagonal": mat.NewDiagDense(5, []float64{1, 4, 9, 0.25, 2})} {
		op, z, err := Whiten(a, y, cov)
		require.NoError(t, err)
		wx := make([]float64, 5)
		op.Apply(wx, x)
		assert.True(t, floats.EqualApprox(z, wx, 1e-12), name) // rounding times the condition of L
		assert.LessOrEqual(t, DotTest(op, 1), 1e-13)

		w := op.(*compose).a
		l := Dense(w)
		var t1, t2 mat.Dense
		t1.Mul(l, cov)
		t2.Mul(&t1, l.T())
		// Rounding times the condition of R, about 10³.
		assert.True(t, mat.EqualApprox(&t2, Dense(NewIdentity(5)), 1e-12), name)
		if !raceEnabled {
			assert.Zero(t, testing.AllocsPerRun(5, func() { op.Apply(wx, x) }), name)
		}
	}
	_, _, err := Whiten(a, y, mat.NewDiagDense(5, []float64{1, 4, 0, 1, 1}))
	assert.EqualError(t, err, "linop: the noise variance of datum 2 is 0; give positive numbers")
	_, _, err = Whiten(a, y, mat.NewSymDense(5, nil))
	assert.Error(t, err)
	assert.Panics(t, func() { _, _, _ = Whiten(a, y[:4], &full) })
}
