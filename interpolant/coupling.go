package interpolant

import (
	"fmt"
)

// A coupling of two samples of n points is given by rows: pairs[i] is the row of x₁ that
// goes with row i of x₀. Independent draws are coupled independently as they stand, by
// nil; paired data too, by their own pairing. What b becomes is exact in NewRowBridge.
// Any coupling keeps the laws at the ends; one with a smaller E|x₁ - x₀|² has less to
// move, and its flow is straighter.

// Couple returns a minibatch coupling (Tong et al. 2024, arXiv 2302.00482, section 3.2;
// Pooladian et al. 2023, arXiv 2304.14772): assign is called on consecutive batches of
// both samples, flat, and returns a permutation of the rows of its batch, the least costly
// one for minibatch optimal transport. The last batch may be smaller. The batch is all of
// the sample if not positive.
func Couple(x0, x1 []float64, dim, batch int, assign func(x0, x1 []float64) ([]int, error)) ([]int, error) {
	if dim < 1 || len(x0) != len(x1) || len(x0)%dim != 0 {
		return nil, fmt.Errorf("interpolant: %d and %d values are not two samples of as many points of dimension %d", len(x0), len(x1), dim)
	}
	n := len(x0) / dim
	if batch < 1 {
		batch = n
	}
	pairs := make([]int, 0, n)
	seen := make([]bool, n)
	for lo := 0; lo < n; lo += batch {
		hi := min(lo+batch, n)
		part, err := assign(x0[lo*dim:hi*dim], x1[lo*dim:hi*dim])
		if err != nil {
			return nil, fmt.Errorf("interpolant: the batch of rows %d to %d: %w", lo, hi-1, err)
		}
		if len(part) != hi-lo {
			return nil, fmt.Errorf("interpolant: the assignment of rows %d to %d has %d entries", lo, hi-1, len(part))
		}
		for _, j := range part {
			if j < 0 || j >= hi-lo || seen[lo+j] {
				return nil, fmt.Errorf("interpolant: the assignment of rows %d to %d is no permutation", lo, hi-1)
			}
			seen[lo+j] = true
			pairs = append(pairs, lo+j)
		}
	}
	return pairs, nil
}

// PairCost returns the mean of |x₁ - x₀|² over the pairs, or over equal rows for nil.
func PairCost(x0, x1 []float64, dim int, pairs []int) float64 {
	n, sum := len(x0)/dim, 0.0
	for i := range n {
		j := i
		if pairs != nil {
			j = pairs[i]
		}
		for k := range dim {
			u := x1[j*dim+k] - x0[i*dim+k]
			sum += u * u
		}
	}
	return sum / float64(n)
}
