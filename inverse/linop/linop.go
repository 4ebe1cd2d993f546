// Package linop holds linear operators A with exact adjoints, and the Krylov solvers
// that need nothing else of them.
//
// Vectors are flat. An image is stored row by row; a stack slice by slice; a complex
// number as the pair (re, im), so that the inner product of flat slices is the real
// part of the Hermitian one and the adjoint of a complex operator is its conjugate
// transpose.
package linop

// An Operator is a linear map A from R^cols to R^rows.
//
// Apply writes A x and Adjoint writes Aᵀ y. Both overwrite dst, which does not overlap
// the input, never change or keep the input, are safe for concurrent use, allocate
// nothing once warm, and give the same bits for any number of workers. They panic if a
// length is wrong.
type Operator interface {
	Dims() (rows, cols int)
	Apply(dst, x []float64)
	Adjoint(dst, y []float64)
}

// A Shaper says how its flat vectors are laid out, slowest index first: {rows, cols} of
// an image, {slices, rows, cols} of a stack, {rows, cols, 2} of a complex image.
type Shaper interface {
	DomainShape() []int // of x
	RangeShape() []int  // of A x
}

// A Spectral operator knows its singular value decomposition A = U diag(s) Vᵀ, with
// orthogonal U (rows by rows) and V (cols by cols) that are applied and never formed.
// Singular returns the min(rows, cols) values s ≥ 0 in the operator's own order; the
// i-th belongs to the i-th coordinate of Vᵀx and of Uᵀy, and coordinates beyond them
// span the null spaces. The caller must not change the slice.
type Spectral interface {
	Operator
	Singular() []float64
	V(dst, v []float64)  // V v
	VT(dst, x []float64) // Vᵀ x
	U(dst, u []float64)  // U u
	UT(dst, y []float64) // Uᵀ y
}

// A Map is a differentiable map f from R^cols to R^rows under the rules of Operator.
// JVP writes f'(x) v and VJP writes f'(x)ᵀ u.
type Map interface {
	Dims() (rows, cols int)
	Apply(dst, x []float64)
	JVP(dst, x, v []float64)
	VJP(dst, x, u []float64)
}
