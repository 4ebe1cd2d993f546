package linop

// Gradient takes forward differences of an image of rows by cols,
//
//	(A x)₁[r,c] = x[r+1,c] − x[r,c],   (A x)₂[r,c] = x[r,c+1] − x[r,c],
//
// as two images, one after the other. At the last row and column the next pixel is the
// first one if it is periodic; else the difference is 0 (Neumann). Its norm is at most
// √8.
type Gradient struct {
	rows, cols int
	periodic   bool
}

// NewGradient returns the gradient with Neumann borders.
func NewGradient(rows, cols int) *Gradient {
	mustPositive(rows, cols)
	return &Gradient{rows, cols, false}
}

// NewPeriodicGradient returns the gradient with periodic borders.
func NewPeriodicGradient(rows, cols int) *Gradient {
	mustPositive(rows, cols)
	return &Gradient{rows, cols, true}
}

func (g *Gradient) Dims() (rows, cols int) { return 2 * g.rows * g.cols, g.rows * g.cols }
func (g *Gradient) DomainShape() []int     { return []int{g.rows, g.cols} }
func (g *Gradient) RangeShape() []int      { return []int{2, g.rows, g.cols} }

func (g *Gradient) Apply(dst, x []float64) {
	n := g.rows * g.cols
	mustVectors(dst, 2*n, x, n)
	difference(dst[:n], x, g.rows, g.cols, g.periodic)
	for r := 0; r < n; r += g.cols {
		difference(dst[n+r:n+r+g.cols], x[r:r+g.cols], g.cols, 1, g.periodic)
	}
}

func (g *Gradient) Adjoint(dst, y []float64) {
	n := g.rows * g.cols
	mustVectors(dst, n, y, 2*n)
	clear(dst)
	addDifferenceAdjoint(dst, y[:n], g.rows, g.cols, g.periodic)
	for r := 0; r < n; r += g.cols {
		addDifferenceAdjoint(dst[r:r+g.cols], y[n+r:n+r+g.cols], g.cols, 1, g.periodic)
	}
}

// SliceDifference takes periodic forward differences between the slices of a stack,
// (D x)_k = x_{k+1} − x_k with x_n = x_0. Its norm is at most 2.
type SliceDifference struct{ n, size int }

// NewSliceDifference returns the differences of n slices of size numbers each.
func NewSliceDifference(n, size int) *SliceDifference {
	mustPositive(n, size)
	return &SliceDifference{n, size}
}

func (d *SliceDifference) Dims() (rows, cols int) { return d.n * d.size, d.n * d.size }
func (d *SliceDifference) DomainShape() []int     { return []int{d.n, d.size} }
func (d *SliceDifference) RangeShape() []int      { return []int{d.n, d.size} }

func (d *SliceDifference) Apply(dst, x []float64) {
	mustVectors(dst, d.n*d.size, x, d.n*d.size)
	difference(dst, x, d.n, d.size, true)
}

func (d *SliceDifference) Adjoint(dst, y []float64) {
	mustVectors(dst, d.n*d.size, y, d.n*d.size)
	clear(dst)
	addDifferenceAdjoint(dst, y, d.n, d.size, true)
}

// difference takes forward differences of n slices.
func difference(dst, x []float64, n, size int, periodic bool) {
	next := x[size:]
	for i, v := range next {
		dst[i] = v - x[i]
	}
	last := (n - 1) * size
	if !periodic {
		clear(dst[last:])
		return
	}
	for i, v := range x[last:] {
		dst[last+i] = x[i] - v
	}
}

// addDifferenceAdjoint adds the transpose of difference to dst.
func addDifferenceAdjoint(dst, y []float64, n, size int, periodic bool) {
	last := (n - 1) * size
	for i, v := range y[:last] {
		dst[i] -= v
	}
	for i, v := range y[:last] {
		dst[size+i] += v
	}
	if periodic {
		for i, v := range y[last:] {
			dst[last+i] -= v
			dst[i] += v
		}
	}
}
