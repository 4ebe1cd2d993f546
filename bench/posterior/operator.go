package main

import (
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// A reflected matrix A = U diag(s) Vᵀ, m×d with m ≤ d, has U and V as products of m
// Householder reflections, so that the d×d matrix V applies in O(md) and is not formed.
type reflected struct {
	*linop.Matrix
	s    []float64
	u, v [][]float64 // unit vectors; the j-th reflects the coordinates from j on
}

var _ linop.Spectral = (*reflected)(nil)

// newReflected draws U and V as the singular vectors of a Gaussian matrix are distributed,
// independent and uniform: the j-th reflection takes its first axis to a uniform direction
// (Stewart 1980, SIAM J. Numer. Anal. 17, 403).
func newReflected(s []float64, d int, rng *rand.Rand) *reflected {
	draw := func(n int) (h [][]float64) {
		for j := range s {
			v := make([]float64, n-j)
			for i := range v {
				v[i] = rng.NormFloat64()
			}
			h = append(h, reflection(v))
		}
		return h
	}
	return form(s, d, draw(len(s)), draw(d))
}

// newRow is the operator of one measurement, the inner product with row.
func newRow(row ...float64) *reflected {
	return form([]float64{floats.Norm(row, 2)}, len(row), [][]float64{{0}}, [][]float64{reflection(row)})
}

// reflection returns the unit v for which I - 2vvᵀ takes the first axis to a direction.
func reflection(direction []float64) []float64 {
	v := append([]float64(nil), direction...)
	floats.Scale(1/floats.Norm(v, 2), v)
	v[0]--
	if size := floats.Norm(v, 2); size > 0 {
		floats.Scale(1/size, v)
	}
	return v
}

func form(s []float64, d int, u, v [][]float64) *reflected {
	a, unit := mat.NewDense(len(s), d, nil), make([]float64, len(s))
	op := &reflected{s: s, u: u, v: v}
	for i := range s { // row i of A is V diag(s) Uᵀ e_i
		clear(unit)
		unit[i] = 1
		row := a.RawRowView(i)
		op.UT(row[:len(s)], unit)
		floats.Mul(row[:len(s)], s)
		reflectDown(row, v)
	}
	op.Matrix = linop.NewMatrix(a)
	return op
}

// reflectDown writes H_1 H_2 … H_m x over x, and reflectUp the transpose.
func reflectDown(x []float64, h [][]float64) {
	for j := len(h) - 1; j >= 0; j-- {
		floats.AddScaled(x[j:], -2*floats.Dot(h[j], x[j:]), h[j])
	}
}

func reflectUp(x []float64, h [][]float64) {
	for j, v := range h {
		floats.AddScaled(x[j:], -2*floats.Dot(v, x[j:]), v)
	}
}

func (a *reflected) Singular() []float64 { return a.s }
func (a *reflected) U(dst, u []float64)  { copy(dst, u); reflectDown(dst, a.u) }
func (a *reflected) UT(dst, y []float64) { copy(dst, y); reflectUp(dst, a.u) }
func (a *reflected) V(dst, v []float64)  { copy(dst, v); reflectDown(dst, a.v) }
func (a *reflected) VT(dst, x []float64) { copy(dst, x); reflectUp(dst, a.v) }
