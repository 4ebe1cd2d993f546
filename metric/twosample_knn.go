package metric

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// ClassifierTest tests whether x and y have one law by the accuracy with which a point's
// k nearest neighbours among the pooled others tell by majority which sample it is of
// (the classifier two-sample test of Lopez-Paz and Oquab 2017, ICLR, arXiv:1610.06545,
// with the k-NN classifier left-one-out; the graph test of Schilling 1986, J. Am. Stat.
// Assoc. 81, 799). The p-value is by random permutations of the labels, for which the
// neighbours stay. k must be odd. With samples of one size and law the accuracy is a
// little below ½, for a point is missing from its own sample.
//
// StdErr is √(a(1-a)/N), as if the N answers were independent. Samples beyond
// Options.MaxPoints, 5000 by default, are cut to random subsets, and N = n + m must
// exceed k. The cost is N² distances.
func ClassifierTest(x, y []float64, dim, k int, o Options) (TestResult, error) {
	if k < 1 || k%2 == 0 {
		panic("metric: the number of neighbours must be odd and positive")
	}
	if err := checkPair(x, y, dim, 1); err != nil {
		return TestResult{}, err
	}
	x, y = o.subsets(x, y, dim, defaultCap)
	n, m := len(x)/dim, len(y)/dim
	total := n + m
	if total <= k {
		return TestResult{}, tooFew(total, k)
	}
	near := neighbours(pool(x, y), dim, k, o.Workers)
	labels := permutedLabels(n, total, o.Seed).RawMatrix()
	correct := make([]int, permutations+1)
	for i := range total {
		votes := make([]float64, permutations+1)
		for _, e := range near[i*k : (i+1)*k] {
			for c := range votes {
				votes[c] += labels.Data[int(e.at)*labels.Stride+c]
			}
		}
		for c, v := range votes {
			if (2*v > float64(k)) == (labels.Data[i*labels.Stride+c] == 1) {
				correct[c]++
			}
		}
	}
	asLarge := 0
	for _, c := range correct[1:] {
		if c >= correct[0] {
			asLarge++
		}
	}
	a := float64(correct[0]) / float64(total)
	v := Value{Value: a, StdErr: math.Sqrt(a * (1 - a) / float64(total)), NX: n, NY: m}
	return TestResult{v, permutationP(asLarge), permutations}, nil
}

func tooFew(n, k int) error {
	return fmt.Errorf("metric: %d points are too few for %d neighbours", n, k)
}

// A neighbour is a point and its squared distance.
type neighbour struct {
	at int32
	r2 float64
}

// neighbours returns the k nearest other points of each of the points z, nearest first;
// of points at one distance the earlier is the nearer. All distances are computed.
func neighbours(z []float64, dim, k, workers int) []neighbour {
	n := len(z) / dim
	out := make([]neighbour, n*k)
	rows := make([][]float64, min(par.Workers(workers), n))
	mustRun(n, 1, workers, func(worker, i, _ int) {
		if rows[worker] == nil {
			rows[worker] = make([]float64, n)
		}
		row, best := rows[worker], out[i*k:(i+1)*k]
		squaredDistances(row, z[i*dim:(i+1)*dim], z)
		for h := range best {
			best[h].r2 = math.Inf(1)
		}
		for j, r2 := range row {
			if j == i || r2 >= best[k-1].r2 {
				continue
			}
			h := k - 1
			for ; h > 0 && best[h-1].r2 > r2; h-- {
				best[h] = best[h-1]
			}
			best[h] = neighbour{int32(j), r2}
		}
	})
	return out
}
