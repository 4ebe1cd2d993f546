package sde

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// table checks a Runge-Kutta table and keeps the first error.
type table struct {
	label string
	err   error
}

func (t *table) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("table "+t.label+": "+format, args...)
	}
}

// shape asks for s stages: vectors of s entries and matrices of s rows, strictly
// lower triangular.
func (t *table) shape(s int, matrices [][][]float64, vectors ...[]float64) {
	if s == 0 {
		t.fail("no stages")
	}
	for _, v := range vectors {
		if len(v) != s {
			t.fail("%d entries for %d stages", len(v), s)
		}
	}
	for _, m := range matrices {
		if len(m) != s {
			t.fail("%d rows for %d stages", len(m), s)
		}
		for i, row := range m {
			if len(row) != i {
				t.fail("row %d has %d entries, an explicit method has %d", i, len(row), i)
			}
		}
	}
}

// Coefficients are sums of a few fractions of size 10 or less: their rounding stays
// far below this.
const tableTol = 1e-12

// dot asks that the sum of the products of the vectors' entries be want.
func (t *table) dot(name string, want float64, vs ...[]float64) {
	sum := 0.0
	for i := range vs[0] {
		p := 1.0
		for _, v := range vs {
			p *= v[i]
		}
		sum += p
	}
	if !(math.Abs(sum-want) <= tableTol) {
		t.fail("%s = %v, must be %v", name, sum, want)
	}
}

// equal asks that two vectors agree.
func (t *table) equal(name string, got, want []float64) {
	if !floats.EqualApprox(got, want, tableTol) {
		t.fail("%s = %v, must be %v", name, got, want)
	}
}

// rowSums returns m𝟏.
func rowSums(m [][]float64) []float64 {
	v := make([]float64, len(m))
	for i, row := range m {
		v[i] = floats.Sum(row)
	}
	return v
}

// apply returns m v for a strictly lower triangular matrix.
func apply(m [][]float64, v []float64) []float64 {
	w := make([]float64, len(m))
	for i, row := range m {
		w[i] = floats.Dot(row, v[:i])
	}
	return w
}
