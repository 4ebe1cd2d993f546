package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// KSD tests a sample against a law p that is known by its score s = ∇ log p alone, by
// the squared kernelised Stein discrepancy
//
//	KSD² = E u(X, X'),   X, X' independent,
//	u(x, y) = s(x)·s(y) k + s(x)·∇_y k + s(y)·∇_x k + tr ∇_x ∇_y k
//
// of the inverse multiquadric k = (c² + |x - y|²)^(-½), which is 0 only if the sample
// is from p (Liu, Lee and Jordan 2016; Chwialkowski, Strathmann and Gretton 2016, both
// ICML; the kernel by Gorham and Mackey 2017, ICML, section 3). It cannot see the
// weights of modes far apart.
//
// score writes s at each point of x to dst, as a density's Score does at α = 1, σ = 0.
// c is Options.Bandwidth or else the median distance of the sample. The Value is the
// U-statistic, unbiased, of mean 0 under the null, with the StdErr and NullErr of
// Hoeffding's decomposition; the p-value is by the wild bootstrap,
//
//	1/(n(n-1)) Σ_{i≠j} ε_i ε_j u(x_i, x_j),   ε_i = ±1 at random,
//
// right for large n and independent points. Samples of more than Options.MaxPoints
// points, 1000 by default here, are cut to a random subset; at least 2 are needed.
func KSD(x []float64, dim int, score func(dst, x []float64), o Options) (TestResult, error) {
	if err := checkPair(x, x, dim, 2); err != nil {
		return TestResult{}, err
	}
	x, _ = o.subsets(x, nil, dim, testCap)
	s := make([]float64, len(x))
	score(s, x)
	for i, v := range s {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return TestResult{}, fmt.Errorf("metric: the score at point %d, coordinate %d is %v", i/dim, i%dim, v)
		}
	}
	c := o.Bandwidth
	if c == 0 {
		c = medianDistance(x, dim, o.Seed)
	}
	if !(c > 0) || math.IsInf(c, 1) {
		panic("metric: the bandwidth must be positive and finite")
	}
	n := len(x) / dim
	squares := make([]float64, n)
	forms, rowSums := quadraticForms(wildSigns(n, o.Seed), o.Workers, func(dst []float64, i int) {
		steinRow(dst, x, s, dim, i, c)
		dst[i] = 0
		squares[i] = floats.Dot(dst, dst)
	})
	fn := float64(n)
	pairs := fn * (fn - 1)
	u := forms[0] / pairs // column 0 is of ones
	asLarge := 0
	for _, f := range forms[1:] {
		if f/pairs >= u {
			asLarge++
		}
	}
	// As in gram.value: the variance of the row means holds the noise r twice over.
	floats.Scale(1/(fn-1), rowSums)
	h := stat.Variance(rowSums, nil)
	g := max(0, floats.Sum(squares)/pairs-u*u-2*h)
	r := 2 * g / pairs
	v, err := finite(Value{Value: u, StdErr: math.Sqrt(max(0, 4*h/fn-2*r) + r), NullErr: math.Sqrt(r), NX: n})
	return TestResult{v, permutationP(asLarge), permutations}, err
}

// steinRow writes u(x_i, x_j) for all j. With q = c² + r², r = |x_i - x_j|,
//
//	u = s_i·s_j q^(-½) + ((s_i - s_j)·(x_i - x_j) + d) q^(-3/2) - 3r² q^(-5/2).
func steinRow(dst, x, s []float64, dim, i int, c float64) {
	xi, si := x[i*dim:(i+1)*dim], s[i*dim:(i+1)*dim]
	for j := range dst {
		xj, sj := x[j*dim:(j+1)*dim], s[j*dim:(j+1)*dim]
		var ss, sd, r2 float64
		for k, v := range xi {
			d := v - xj[k]
			ss += si[k] * sj[k]
			sd += (si[k] - sj[k]) * d
			r2 += d * d
		}
		q := 1 / (c*c + r2)
		dst[j] = math.Sqrt(q) * (ss + q*(sd+float64(dim)-3*r2*q))
	}
}

// wildSigns returns ones in column 0 and random signs in the others.
func wildSigns(n int, seed uint64) *mat.Dense {
	signs := mat.NewDense(n, permutations+1, nil)
	src := stream.New()
	for c := range permutations + 1 {
		rng := src.At(seed, stream.Metric, uint64(c), useWild)
		for i := range n {
			sign := 1.
			if c > 0 && rng.Uint64()>>63 == 1 {
				sign = -1
			}
			signs.Set(i, c, sign)
		}
	}
	return signs
}
