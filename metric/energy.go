package metric

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Energy returns the energy distance, in the units of the samples:
//
//	E = 2 E|X - Y| - E|X - X'| - E|Y - Y'|,
//
// which is 0 only for equal laws (Székely and Rizzo 2013, J. Stat. Plan. Inference
// 143, 1249). The estimator is the U-statistic: the means within a sample leave out
// the pairs of a point with itself, so it is unbiased, and may be negative where the
// laws agree. (The V-statistic, which keeps those pairs, is larger by
// E|X-X'|/n + E|Y-Y'|/m on average and never negative.) StdErr is the sampling
// standard error of the points used.
//
// In dimension 1 all points are used, at the cost of two sorts. In other dimensions
// the cost is quadratic, and samples beyond Options.MaxPoints are cut to a random
// subset of that size each; Value says how many were used. Each sample needs at
// least 2 points.
func Energy(x, y []float64, dim int, o Options) (Value, error) {
	if err := checkPair(x, y, dim, 2); err != nil {
		return Value{}, err
	}
	if dim == 1 {
		return lineGram(x, y).value()
	}
	return newGram(x, y, dim, o, func(r2 []float64) {
		for j, v := range r2 {
			r2[j] = -math.Sqrt(v)
		}
	}).value()
}

// lineGram returns the gram of k(x, y) = -|x - y| on the line in O(n log n): the sum
// of distances from a point to a sorted sample needs the sample's partial sums only.
func lineGram(x, y []float64) *gram {
	x, y = sorted(x), sorted(y)
	n, m := float64(len(x)), float64(len(y))
	// Distances do not see the origin; near the middle, sums and squares keep their
	// digits.
	shift := stat.Mean(x, nil)
	shift += (stat.Mean(y, nil) - shift) * m / (n + m)
	for i := range x {
		x[i] -= shift
	}
	for j := range y {
		y[j] -= shift
	}
	g := &gram{
		xx: distanceSums(x, x), xy: distanceSums(x, y),
		yy: distanceSums(y, y), yx: distanceSums(y, x),
	}
	sx, qx := sums(x)
	sy, qy := sums(y)
	g.sqXX = 2*n*qx - 2*sx*sx
	g.sqYY = 2*m*qy - 2*sy*sy
	g.sqXY = m*qx + n*qy - 2*sx*sy
	return g
}

// distanceSums returns -Σ_j |a_i - b_j| for each point of a; a and b ascend.
func distanceSums(a, b []float64) []float64 {
	total, _ := sums(b)
	out := make([]float64, len(a))
	var below float64 // the sum of the first j points of b
	j := 0
	for i, v := range a {
		for j < len(b) && b[j] <= v {
			below += b[j]
			j++
		}
		out[i] = 2*below - total + v*float64(len(b)-2*j)
	}
	return out
}

// sums returns Σ v and Σ v².
func sums(v []float64) (sum, squares float64) {
	for _, u := range v {
		sum += u
		squares += u * u
	}
	return sum, squares
}
