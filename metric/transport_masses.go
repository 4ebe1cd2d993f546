package metric

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// weightTolerance is how far the sums of two sides may be apart, relatively.
const weightTolerance = 1e-9

// massUnits turns the weights into integers of equal sums, unit being the weight of 1.
func massUnits(a, b []float64) (supply, demand []int64, unit float64, err error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, nil, 0, errors.New("metric: transport needs at least one source and one target")
	}
	for side, w := range [][]float64{a, b} {
		for i, v := range w {
			if !(v >= 0) || math.IsInf(v, 1) {
				return nil, nil, 0, fmt.Errorf("metric: the weight of %s %d is %v", [...]string{"source", "target"}[side], i, v)
			}
		}
	}
	sa, sb := floats.Sum(a), floats.Sum(b)
	if !(sa > 0) || math.IsInf(sa+sb, 1) || math.Abs(sa-sb) > weightTolerance*sa {
		return nil, nil, 0, fmt.Errorf("metric: the weights of the sources sum to %v and those of the targets to %v; the sums must be positive, finite and agree to %v", sa, sb, weightTolerance)
	}
	equal := func(w []float64) bool { return slices.Min(w) == slices.Max(w) }
	if equal(a) && equal(b) {
		n, m := int64(len(a)), int64(len(b))
		g := gcd(n, m)
		return repeated(m/g, len(a)), repeated(n/g, len(b)), sa / float64(n*(m/g)), nil
	}
	whole := func(v float64) bool { return v == math.Trunc(v) }
	if sa == sb && sa < 1<<53 && all(a, whole) && all(b, whole) {
		return rounded(a, 1), rounded(b, 1), 1, nil
	}
	const total = 1 << 60
	supply, demand = rounded(a, total/sa), rounded(b, total/sb)
	for _, s := range [][]int64{supply, demand} {
		// What rounding left over is lost in the largest weight.
		largest, left := 0, int64(total)
		for i, u := range s {
			left -= u
			if u > s[largest] {
				largest = i
			}
		}
		s[largest] += left
	}
	return supply, demand, sa / total, nil
}

func all(w []float64, f func(float64) bool) bool {
	return !slices.ContainsFunc(w, func(v float64) bool { return !f(v) })
}

// rounded returns the integers nearest to scale·w.
func rounded(w []float64, scale float64) []int64 {
	out := make([]int64, len(w))
	for i, v := range w {
		out[i] = int64(math.Round(v * scale))
	}
	return out
}

func repeated(v int64, n int) []int64 { return slices.Repeat([]int64{v}, n) }

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
