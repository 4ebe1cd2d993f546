package metric

import "github.com/seed-dea4846a/sampler/internal/par"

// PRDC are the fidelity and diversity of a sample x against a reference y by balls
// around the points, each to its k-th nearest other point of its own sample. Their
// StdErr are over the points that are counted, given the balls.
type PRDC struct {
	Precision Value // share of x in a ball of y
	Recall    Value // share of y in a ball of x
	Density   Value // balls of y that a point of x is in, over k
	Coverage  Value // share of the balls of y with a point of x
}

// PrecisionRecall returns the precision and recall of Kynkäänniemi et al. 2019 (NeurIPS,
// arXiv:1904.06991) and the density and coverage of Naeem et al. 2020 (ICML,
// arXiv:2002.09797), for which k = 5 is usual. The balls are closed. For samples of n
// and m points of one law, whatever it is,
//
//	E Density = 1,   E Coverage = 1 - Π_{i=1..k} (m-i)/(m+n-i)
//
// (Naeem et al., section 3.3), while precision and recall depend on the law. Samples
// beyond Options.MaxPoints, 5000 by default, are cut to random subsets; each must have
// more than k points. The cost is 2nm + n² + m² distances.
func PrecisionRecall(x, y []float64, dim, k int, o Options) (PRDC, error) {
	if k < 1 {
		panic("metric: the number of neighbours must be positive")
	}
	if err := checkPair(x, y, dim, 1); err != nil {
		return PRDC{}, err
	}
	x, y = o.subsets(x, y, dim, defaultCap)
	n, m := len(x)/dim, len(y)/dim
	if min(n, m) <= k {
		return PRDC{}, tooFew(min(n, m), k)
	}
	rx, ry := radii(x, dim, k, o.Workers), radii(y, dim, k, o.Workers)
	precision, density := make([]float64, n), make([]float64, n)
	crossRows(x, y, dim, o.Workers, func(i int, r2 []float64) {
		var balls float64
		for j, r := range ry {
			if r2[j] <= r {
				balls++
			}
		}
		precision[i], density[i] = min(balls, 1), balls/float64(k)
	})
	recall, coverage := make([]float64, m), make([]float64, m)
	crossRows(y, x, dim, o.Workers, func(j int, r2 []float64) {
		for i, r := range rx {
			if r2[i] <= r {
				recall[j] = 1
			}
			if r2[i] <= ry[j] {
				coverage[j] = 1
			}
		}
	})
	value := func(v []float64) Value {
		mean, se := meanErr(v)
		return Value{Value: mean, StdErr: se, NX: n, NY: m}
	}
	return PRDC{value(precision), value(recall), value(density), value(coverage)}, nil
}

// radii returns the squared distance of each point to its k-th nearest other point.
func radii(z []float64, dim, k, workers int) []float64 {
	near := neighbours(z, dim, k, workers)
	out := make([]float64, len(z)/dim)
	for i := range out {
		out[i] = near[(i+1)*k-1].r2
	}
	return out
}

// crossRows calls f with the squared distances of each point of a to all points of b.
func crossRows(a, b []float64, dim, workers int, f func(i int, r2 []float64)) {
	n := len(a) / dim
	rows := make([][]float64, min(par.Workers(workers), n))
	mustRun(n, 1, workers, func(worker, i, _ int) {
		if rows[worker] == nil {
			rows[worker] = make([]float64, len(b)/dim)
		}
		squaredDistances(rows[worker], a[i*dim:(i+1)*dim], b)
		f(i, rows[worker])
	})
}
