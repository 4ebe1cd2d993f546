package metric

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// A gram holds what a two-sample U-statistic needs of the matrix of a symmetric
// kernel k over the points of x and y.
type gram struct {
	xx, xy []float64 // for each point of x: Σ_{j≠i} k(x_i, x_j) and Σ_j k(x_i, y_j)
	yy, yx []float64 // the same for each point of y
	// Sums of k² over ordered pairs i ≠ j within a sample, and over all pairs
	// across the two.
	sqXX, sqYY, sqXY float64
}

// value returns the U-statistic
//
//	U = mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) - 2 mean_{i,j} k(x_i, y_j)
//
// and its standard error, valid both where the laws differ and where they agree and
// U is degenerate. With u_i the mean of k(x_i, ·) over the rest of x less that over
// y, v_j its counterpart, and g² the variances of the kernel after the removal of
// its projections (Hoeffding 1948),
//
//	Var U = max(0, 4 s²_u/n + 4 s²_v/m - 2R) + R,
//	R     = 2 g²_xx/(n(n-1)) + 2 g²_yy/(m(m-1)) + 4 g²_xy/(nm):
//
// R is the variance that remains when the laws agree, and its root is NullErr; the
// sample variances s² of u and v hold R's noise twice over, which -2R takes away.
// (Sutherland and Deka 2019, arXiv:1906.02104, give an unbiased estimator for n = m.)
// Because of the max, StdErr is too large where the laws agree, by half at the worst
// measured. The row sums of g are destroyed.
func (g *gram) value() (Value, error) {
	n, m := float64(len(g.xx)), float64(len(g.yy))
	floats.Scale(1/(n-1), g.xx)
	floats.Scale(1/(m-1), g.yy)
	floats.Scale(1/m, g.xy)
	floats.Scale(1/n, g.yx)

	mxx, vxx := stat.MeanVariance(g.xx, nil)
	myy, vyy := stat.MeanVariance(g.yy, nil)
	mxy, vxy := stat.MeanVariance(g.xy, nil)
	_, vyx := stat.MeanVariance(g.yx, nil)

	// Var k = twice the variance of the projection + g² within a sample, and the sum
	// of both projections' variances + g² across.
	gxx := max(0, g.sqXX/(n*(n-1))-mxx*mxx-2*vxx)
	gyy := max(0, g.sqYY/(m*(m-1))-myy*myy-2*vyy)
	gxy := max(0, g.sqXY/(n*m)-mxy*mxy-vxy-vyx)
	r := 2*gxx/(n*(n-1)) + 2*gyy/(m*(m-1)) + 4*gxy/(n*m)

	floats.Sub(g.xx, g.xy)
	floats.Sub(g.yy, g.yx)
	first := 4*stat.Variance(g.xx, nil)/n + 4*stat.Variance(g.yy, nil)/m - 2*r
	return finite(Value{
		Value:   mxx + myy - 2*mxy,
		StdErr:  math.Sqrt(max(0, first) + r),
		NullErr: math.Sqrt(r),
		NX:      len(g.xx),
		NY:      len(g.yy),
	})
}
