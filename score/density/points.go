package density

import (
	"cmp"
	"math"
	"slices"
)

// Points is the empirical density of m points y_i: mass w_i at each, a mixture of
// Gaussians of width zero. Under noise,
//
//	D(x)    = Σ r_i y_i,   r_i ∝ w_i exp(-|x - αy_i|²/(2σ²))
//	∇ log p = Σ r_i (αy_i - x)/σ²
//
// A point costs O(m·d) at large noise and less at small, where the y_i far from x are
// passed over; no array of points times rows is ever held.
type Points struct{ *gaussians }

// NewPoints returns the empirical density of the points in x, flat, of dimension dim,
// all of equal weight. x is copied.
func NewPoints(x []float64, dim int) (*Points, error) {
	return NewWeightedPoints(nil, x, dim)
}

// NewWeightedPoints is NewPoints with weights of any sum > 0, one a point; nil stands
// for equal weights. Points of weight zero are dropped.
func NewWeightedPoints(weights, x []float64, dim int) (*Points, error) {
	keep, logW, err := components(weights, x, dim)
	if err != nil {
		return nil, err
	}
	// The kernel passes over blocks of points that are too far away to count.
	order := compact(x, keep, dim)
	sorted := make([]float64, len(keep))
	for i, k := range order {
		sorted[i] = logW[k]
		order[i] = keep[k]
	}
	return &Points{newIsotropic(dim, sorted, pick(x, order, dim), []float64{0})}, nil
}

// compact returns an order of the points keep of x that makes each block of the kernel
// compact: halves of whole blocks, cut across the widest coordinate, over and over (a
// k-d tree).
func compact(x []float64, keep []int, dim int) []int {
	order := make([]int, len(keep))
	for i := range order {
		order[i] = i
	}
	at := func(i, j int) float64 { return x[keep[i]*dim+j] }
	block := blockSize(dim)
	var split func(part []int)
	split = func(part []int) {
		if len(part) <= block {
			return
		}
		axis, widest := 0, -1.0
		for j := range dim {
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, i := range part {
				lo, hi = min(lo, at(i, j)), max(hi, at(i, j))
			}
			if hi-lo > widest {
				axis, widest = j, hi-lo
			}
		}
		slices.SortFunc(part, func(a, b int) int {
			return cmp.Or(cmp.Compare(at(a, axis), at(b, axis)), cmp.Compare(a, b))
		})
		mid := (len(part)/block + 1) / 2 * block
		split(part[:mid])
		split(part[mid:])
	}
	split(order)
	return order
}
