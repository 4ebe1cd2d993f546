package metric

import "math"

// bandwidthPoints is the number of points whose pairs give the median distance:
// half a million pairs.
const bandwidthPoints = 1000

// MMD returns the squared maximum mean discrepancy of the Gaussian kernel, a pure
// number in [0, 2] but for chance:
//
//	MMD² = E k(X, X') + E k(Y, Y') - 2 E k(X, Y),   k(x, y) = exp(-|x - y|²/(2h²)),
//
// by its U-statistic, which is unbiased and may be negative where the laws agree
// (Gretton, Borgwardt, Rasch, Schölkopf and Smola 2012, JMLR 13, lemma 6). h is
// Options.Bandwidth or else MedianBandwidth of y. StdErr is the sampling standard
// error of the points used, at the h in use. The cost is quadratic, and samples
// beyond Options.MaxPoints are cut to a random subset of that size each; Value says
// how many were used. Each sample needs at least 2 points.
func MMD(x, y []float64, dim int, o Options) (Value, error) {
	if err := checkPair(x, y, dim, 2); err != nil {
		return Value{}, err
	}
	h := o.Bandwidth
	if h == 0 {
		h = medianDistance(y, dim, o.Seed)
	}
	if !(h > 0) || math.IsInf(h, 1) {
		panic("metric: the bandwidth must be positive and finite")
	}
	scale := -1 / (2 * h * h)
	return newGram(x, y, dim, o, func(r2 []float64) {
		for j, v := range r2 {
			r2[j] = math.Exp(scale * v)
		}
	}).value()
}

// MedianBandwidth returns the median of the distances |y_i - y_j|, i < j, that are
// not 0, over a random subset of 1,000 points at most; it is 1 if there are none.
// The subset is of the reference alone, where Gretton et al. pool both samples, so
// that all samples held against one reference meet the same kernel and their MMD
// can be compared. seed is Options.Seed.
func MedianBandwidth(y []float64, dim int, seed uint64) (float64, error) {
	if err := check("y", y, dim); err != nil {
		return 0, err
	}
	return medianDistance(y, dim, seed), nil
}

func medianDistance(y []float64, dim int, seed uint64) float64 {
	y = subset(y, dim, bandwidthPoints, seed, useBandwidth, 1)
	n := len(y) / dim
	r2 := make([]float64, n*(n-1)/2)
	at := 0
	for i := 1; i < n; i++ {
		squaredDistances(r2[at:at+i], y[i*dim:(i+1)*dim], y)
		at += i
	}
	r2 = sorted(r2)
	for len(r2) > 0 && r2[0] == 0 {
		r2 = r2[1:]
	}
	if len(r2) == 0 {
		return 1
	}
	k := len(r2)
	return (math.Sqrt(r2[(k-1)/2]) + math.Sqrt(r2[k/2])) / 2
}
