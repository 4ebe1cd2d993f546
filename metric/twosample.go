package metric

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// A TestResult is a statistic, its standard error where one is known, and its p-value:
// the probability of a statistic as large or larger where the null hypothesis holds.
// A p-value found by B random permutations is (1 + those as large)/(B + 1), so that
// P(p ≤ α) ≤ α exactly (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).
type TestResult struct {
	Value
	PValue       float64
	Permutations int // 0 if PValue is not by permutation
}

// Further uses of stream.Metric, after those in wasserstein.go.
const (
	usePermutation = useBandwidth + 1 + iota // sample = permutation
	useWild                                  // sample = replicate of the wild bootstrap
)

const (
	// testCap is the default of Options.MaxPoints for tests by permutation.
	testCap = 1000
	// permutations is the number drawn. The standard error of a p-value near 0.05 is
	// 0.007.
	permutations = 999
)

// MMDTest tests whether x and y have one law, by the statistic of MMD and random
// permutations of the pooled points. The bandwidth is Options.Bandwidth or else the
// median distance of the pooled points, which permutations do not change (Gretton et
// al. 2012, JMLR 13, section 8), so its Value differs from MMD's. Options.MaxPoints is
// 1000 by default here, and the cost 4·10⁶·999 multiplications at that.
func MMDTest(x, y []float64, dim int, o Options) (TestResult, error) {
	if err := checkPair(x, y, dim, 2); err != nil {
		return TestResult{}, err
	}
	x, y = o.subsets(x, y, dim, testCap)
	if o.Bandwidth == 0 {
		o.Bandwidth = medianDistance(pool(x, y), dim, o.Seed)
	}
	v, err := MMD(x, y, dim, o.whole())
	if err != nil {
		return TestResult{}, err
	}
	scale := -1 / (2 * o.Bandwidth * o.Bandwidth)
	return permutationTest(v, x, y, dim, o, func(r2 []float64) {
		for j, r := range r2 {
			r2[j] = math.Exp(scale * r)
		}
	}), nil
}

// EnergyTest tests whether x and y have one law, by the energy distance and random
// permutations of the pooled points (Székely and Rizzo 2013, section 6). The points
// and the cost are those of MMDTest.
func EnergyTest(x, y []float64, dim int, o Options) (TestResult, error) {
	if err := checkPair(x, y, dim, 2); err != nil {
		return TestResult{}, err
	}
	x, y = o.subsets(x, y, dim, testCap)
	v, err := Energy(x, y, dim, o.whole())
	if err != nil {
		return TestResult{}, err
	}
	return permutationTest(v, x, y, dim, o, func(r2 []float64) {
		for j, r := range r2 {
			r2[j] = -math.Sqrt(r)
		}
	}), nil
}

// whole returns the options with no cap on the points.
func (o Options) whole() Options {
	o.MaxPoints = -1
	return o
}

func pool(x, y []float64) []float64 {
	return append(append(make([]float64, 0, len(x)+len(y)), x...), y...)
}

// permutationTest returns the p-value of the U-statistic of a kernel. With z the
// indicator of a random set of n of the pooled points, K the kernel matrix with zeros
// on its diagonal and r its row sums,
//
//	a = zᵀKz,   U = a/(n(n-1)) + (Σr - 2z·r + a)/(m(m-1)) - 2(z·r - a)/(nm).
func permutationTest(v Value, x, y []float64, dim int, o Options, kernel func(r2 []float64)) TestResult {
	z := pool(x, y)
	n, m := len(x)/dim, len(y)/dim
	labels := permutedLabels(n, n+m, o.Seed) // column 0 is the identity
	forms, rowSums := quadraticForms(labels, o.Workers, func(dst []float64, i int) {
		squaredDistances(dst, z[i*dim:(i+1)*dim], z)
		kernel(dst)
		dst[i] = 0
	})
	sums := make([]float64, len(forms))
	for i, r := range rowSums {
		floats.AddScaled(sums, r, labels.RawRowView(i))
	}
	t, fn, fm := floats.Sum(rowSums), float64(n), float64(m)
	u := func(c int) float64 {
		a, r := forms[c], sums[c]
		return a/(fn*(fn-1)) + (t-2*r+a)/(fm*(fm-1)) - 2*(r-a)/(fn*fm)
	}
	// Permutations that give the same sets may differ by rounding.
	slack := 1e-12 * (math.Abs(forms[0])/(fn*fn) + math.Abs(t)/(fm*fm))
	asLarge := 0
	for c := 1; c < len(forms); c++ {
		if u(c) >= u(0)-slack {
			asLarge++
		}
	}
	return TestResult{v, permutationP(asLarge), permutations}
}

// quadraticForms returns zᵀKz for each column z of labels, and the row sums of K, whose
// rows are computed in blocks: K is not held, and the work is a product of matrices.
func quadraticForms(labels *mat.Dense, workers int, row func(dst []float64, i int)) (forms, rowSums []float64) {
	const size = 64
	total, columns := labels.Dims()
	parts := make([][]float64, (total+size-1)/size)
	rowSums = make([]float64, total)
	mustRun(total, size, workers, func(_, lo, hi int) {
		k := mat.NewDense(hi-lo, total, nil)
		for i := lo; i < hi; i++ {
			r := k.RawRowView(i - lo)
			row(r, i)
			rowSums[i] = floats.Sum(r)
		}
		var kz mat.Dense
		kz.Mul(k, labels)
		kz.MulElem(&kz, labels.Slice(lo, hi, 0, columns))
		part := make([]float64, columns)
		for i := range hi - lo {
			floats.Add(part, kz.RawRowView(i))
		}
		parts[lo/size] = part
	})
	forms = make([]float64, columns)
	for _, p := range parts {
		floats.Add(forms, p)
	}
	return forms, rowSums
}

func permutationP(asLarge int) float64 { return float64(1+asLarge) / float64(1+permutations) }

// permutedLabels returns, a column a permutation, the indicators of n of total points:
// the first n in column 0 and random ones in the others.
func permutedLabels(n, total int, seed uint64) *mat.Dense {
	labels := mat.NewDense(total, permutations+1, nil)
	src, perm := stream.New(), make([]int, total)
	for c := range permutations + 1 {
		for i := range perm {
			perm[i] = i
		}
		if c > 0 {
			rng := src.At(seed, stream.Metric, uint64(c), usePermutation)
			for i := range n { // the first n of a Fisher-Yates shuffle
				j := i + rng.IntN(total-i)
				perm[i], perm[j] = perm[j], perm[i]
			}
		}
		for _, i := range perm[:n] {
			labels.Set(i, c, 1)
		}
	}
	return labels
}
