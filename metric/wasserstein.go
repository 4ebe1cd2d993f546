package metric

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// The uses of stream.Metric within the package, as stream indices. Append, never
// renumber.
const (
	useDirection = iota // sample = direction
	useSubset           // sample = 0 for x, 1 for y
	useBandwidth        // sample = 1 for y
)

// Wasserstein1D returns the p-Wasserstein distance, p ≥ 1, of two samples on the
// line, in the units of the samples:
//
//	W_p = (∫₀¹ |F⁻¹(u) - G⁻¹(u)|^p du)^(1/p),
//
// F⁻¹ and G⁻¹ being the empirical quantile functions. It is exact for samples of
// equal and of unequal sizes, at the cost of two sorts (Villani 2003, Topics in
// Optimal Transportation, theorem 2.18). StdErr is 0: the distance of the two
// empirical laws has no error, and its distance from that of the laws behind them is
// a matter for Floor.
func Wasserstein1D(x, y []float64, p float64) (Value, error) {
	if !(p >= 1) || math.IsInf(p, 1) {
		panic("metric: the order of a Wasserstein distance must be finite and at least 1")
	}
	if err := checkPair(x, y, 1, 1); err != nil {
		return Value{}, err
	}
	sx, sy := newSorter(len(x)), newSorter(len(y))
	w := transport1D(sx, sy, x, y, []float64{1}, p)
	return finite(Value{Value: math.Pow(w, 1/p), NX: len(x), NY: len(y)})
}

// W2 is Wasserstein1D with p = 2. It returns an error if dim is not 1, where
// SlicedW2 serves.
func W2(x, y []float64, dim int, _ Options) (Value, error) {
	if dim != 1 {
		return Value{}, errors.New("metric: w2 is for dimension 1 only; use sliced_w2")
	}
	return Wasserstein1D(x, y, 2)
}

// SlicedW2 returns the sliced 2-Wasserstein distance, in the units of the samples:
//
//	SW2² = E_θ W2²(θ·x, θ·y),   θ uniform on the unit sphere,
//
// as the mean over Options.Projections independent directions (Rabin, Peyré, Delon
// and Bernot 2011; Bonneel, Rabin, Peyré and Pfister 2015). StdErr is the standard
// error over the directions, carried from SW2² to SW2 by dSW2 = dSW2²/(2 SW2); it
// does not count the chance in the samples. In dimension 1 the value is W2 and
// StdErr 0. The work space is 32 bytes a point and worker.
func SlicedW2(x, y []float64, dim int, o Options) (Value, error) {
	if dim == 1 {
		return W2(x, y, dim, o)
	}
	if err := checkPair(x, y, dim, 1); err != nil {
		return Value{}, err
	}
	mean, se := meanErr(slices1D(x, y, dim, 2, o))
	v := Value{Value: math.Sqrt(mean), NX: len(x) / dim, NY: len(y) / dim}
	if mean > 0 {
		v.StdErr = se / (2 * v.Value)
	}
	return finite(v)
}

// transport1D returns W_p^p of the projections of x and y on theta.
func transport1D(sx, sy *sorter, x, y, theta []float64, p float64) float64 {
	project(sx.keys, x, theta)
	project(sy.keys, y, theta)
	sx.sort()
	sy.sort()
	return quantileCost(sx.keys, sy.keys, p)
}

// project writes the keys of θ·x, a point each.
func project(keys []uint64, x, theta []float64) {
	switch d := len(theta); d {
	case 1:
		for i := range keys {
			keys[i] = key(theta[0] * x[i])
		}
	case 2:
		for i := range keys {
			keys[i] = key(theta[0]*x[2*i] + theta[1]*x[2*i+1])
		}
	default:
		for i := range keys {
			keys[i] = key(floats.Dot(theta, x[i*d:(i+1)*d]))
		}
	}
}

// quantileCost returns ∫|F⁻¹ - G⁻¹|^p du for sorted keys. Mass is counted in units
// of 1/(nm): a point of x weighs m of them and a point of y n, so that the two
// partitions of [0, 1] are merged in exact integers.
func quantileCost(x, y []uint64, p float64) float64 {
	var sum float64
	n, m := len(x), len(y)
	if n == m {
		for i, k := range x {
			sum += power(value(k)-value(y[i]), p)
		}
		return sum / float64(n)
	}
	for i, j, a, b := 0, 0, m, n; i < n; {
		w := min(a, b)
		sum += float64(w) * power(value(x[i])-value(y[j]), p)
		if a -= w; a == 0 {
			i, a = i+1, m
		}
		if b -= w; b == 0 {
			j, b = j+1, n
		}
	}
	return sum / float64(n) / float64(m)
}

// power returns |v|^p.
func power(v, p float64) float64 {
	switch p {
	case 1:
		return math.Abs(v)
	case 2:
		return v * v
	}
	return math.Pow(math.Abs(v), p)
}

// finite returns an error if the value overflowed, which points beyond 1e150 can
// bring about.
func finite(v Value) (Value, error) {
	if math.IsNaN(v.Value) || math.IsInf(v.Value, 0) || math.IsNaN(v.StdErr) {
		return Value{}, errors.New("metric: the points are so far apart that their squared distances overflow")
	}
	return v, nil
}

// mustRun is par.Rows for work that cannot fail.
func mustRun(n, size, workers int, f func(worker, lo, hi int)) {
	err := par.Rows(context.Background(), n, size, workers, func(worker, lo, hi int) error {
		f(worker, lo, hi)
		return nil
	})
	if err != nil {
		panic(err)
	}
}
