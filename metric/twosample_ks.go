package metric

import (
	"fmt"
	"math"
)

// ksExact is the largest product of sample sizes whose p-value is counted exactly.
const ksExact = 4_000_000

// KolmogorovSmirnov tests whether two samples on the line have one law, by the largest
// distance of their empirical distribution functions,
//
//	D = sup_t |F_n(t) - G_m(t)|.
//
// For n·m up to 4·10⁶ the p-value is exact for continuous laws, by the share of lattice
// paths from (0, 0) to (n, m) that come as far from the diagonal (Hodges 1958, Ark.
// Mat. 3, 469); beyond, it is Kolmogorov's limit law at (√e + 0.12 + 0.11/√e) D,
// e = nm/(n+m) (Stephens 1970, J. R. Stat. Soc. B 32, 115). With ties it is
// conservative.
func KolmogorovSmirnov(x, y []float64) (TestResult, error) {
	if err := checkPair(x, y, 1, 1); err != nil {
		return TestResult{}, err
	}
	x, y = sorted(x), sorted(y)
	n, m := len(x), len(y)
	var far int // nm·D
	for i, j := 0, 0; i < n && j < m; {
		t := min(x[i], y[j])
		for i < n && x[i] == t {
			i++
		}
		for j < m && y[j] == t {
			j++
		}
		far = max(far, i*m-j*n, j*n-i*m)
	}
	d := float64(far) / float64(n) / float64(m)
	r := TestResult{Value: Value{Value: d, NX: n, NY: m}}
	if n <= ksExact/m {
		r.PValue = latticeTail(n, m, far)
	} else {
		r.PValue = kolmogorovTail(d, float64(n)/float64(n+m)*float64(m))
	}
	return r, nil
}

// KolmogorovSmirnovCDF tests whether a sample on the line has the continuous
// distribution function cdf, by D = sup_t |F_n(t) - cdf(t)|. The p-value is Kolmogorov's
// limit law with the correction of KolmogorovSmirnov at e = n, right to 0.01 from n = 6
// on and better in the tail.
func KolmogorovSmirnovCDF(x []float64, cdf func(float64) float64) (TestResult, error) {
	if err := check("x", x, 1); err != nil {
		return TestResult{}, err
	}
	n := float64(len(x))
	var d float64
	for i, v := range sorted(x) {
		p := cdf(v)
		if !(p >= 0 && p <= 1) {
			return TestResult{}, fmt.Errorf("metric: the distribution function at %v is %v", v, p)
		}
		d = max(d, float64(i+1)/n-p, p-float64(i)/n)
	}
	return TestResult{Value: Value{Value: d, NX: len(x)}, PValue: kolmogorovTail(d, n)}, nil
}

// latticeTail returns the share of the paths whose greatest |i·m - j·n| is at least far.
// After i steps to the right and j up, the paths that stayed nearer than far are counted
// as a share of all paths to (i, j), so that nothing overflows: a path comes to (i, j)
// from the left with probability i/(i+j).
func latticeTail(n, m, far int) float64 {
	if far == 0 {
		return 1
	}
	gone := make([]float64, m+1) // the share that went far, to keep digits in the tail
	for i := range n + 1 {
		for j := range m + 1 {
			switch {
			case i*m-j*n >= far || j*n-i*m >= far:
				gone[j] = 1
			case i == 0 && j == 0:
				gone[j] = 0
			case i == 0:
				gone[j] = gone[j-1]
			case j == 0: // gone[j] is that of (i-1, 0)
			default:
				gone[j] = (float64(i)*gone[j] + float64(j)*gone[j-1]) / float64(i+j)
			}
		}
	}
	return gone[m]
}

// kolmogorovTail returns 1 - K((√e + 0.12 + 0.11/√e) d) of Kolmogorov's distribution
// function K, by the series that converges faster.
func kolmogorovTail(d, e float64) float64 {
	s := math.Sqrt(e)
	l := (s + 0.12 + 0.11/s) * d
	if l < 0.2 {
		return 1 // to 1e-12
	}
	if l < 1.1 {
		var sum float64
		for k := 1.; k < 8; k += 2 { // the terms left out are below 1e-20
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * l * l))
		}
		return 1 - math.Sqrt(2*math.Pi)/l*sum
	}
	var sum float64
	for k := 1.; k < 6; k++ {
		sign := 1 - 2*math.Mod(k+1, 2)
		sum += sign * math.Exp(-2*k*k*l*l)
	}
	return min(1, 2*sum)
}
