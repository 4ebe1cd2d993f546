package linop

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Whiten turns y = A x + n with n ~ N(0, R) into the equivalent problem with noise of
// unit covariance: with R = L Lᵀ it returns the operator L⁻¹ A and the data L⁻¹ y. A
// *mat.DiagDense is used as the diagonal it is. It is an error if cov is not positive
// definite, and panics if its size is not that of y.
func Whiten(op Operator, y []float64, cov mat.Symmetric) (Operator, []float64, error) {
	rows, _ := op.Dims()
	mustLen("the data", len(y), rows)
	mustLen("the noise covariance", cov.SymmetricDim(), rows)
	var w Operator
	if d, ok := cov.(*mat.DiagDense); ok {
		inv := make([]float64, rows)
		for i := range inv {
			v := d.At(i, i)
			if !(v > 0) || math.IsInf(v, 0) {
				return nil, nil, fmt.Errorf("linop: the noise variance of datum %d is %g; give positive numbers", i, v)
			}
			inv[i] = 1 / math.Sqrt(v)
		}
		w = NewDiagonal(inv)
	} else {
		var c mat.Cholesky
		if !c.Factorize(cov) {
			return nil, nil, errors.New("linop: the noise covariance is not positive definite")
		}
		var u mat.TriDense
		c.UTo(&u)
		w = &inverseCholesky{u.RawTriangular()}
	}
	z := make([]float64, rows)
	w.Apply(z, y)
	return Compose(w, op), z, nil
}

// inverseCholesky is L⁻¹, from the factor U = Lᵀ.
type inverseCholesky struct{ u blas64.Triangular }

func (c *inverseCholesky) Dims() (rows, cols int)   { return c.u.N, c.u.N }
func (c *inverseCholesky) Apply(dst, x []float64)   { c.solve(blas.Trans, dst, x) }
func (c *inverseCholesky) Adjoint(dst, y []float64) { c.solve(blas.NoTrans, dst, y) }

func (c *inverseCholesky) solve(t blas.Transpose, dst, x []float64) {
	mustVectors(dst, c.u.N, x, c.u.N)
	copy(dst, x)
	blas64.Trsv(t, c.u, blas64.Vector{N: c.u.N, Data: dst, Inc: 1})
}
