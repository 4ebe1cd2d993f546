package main

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// summary is "mean ± 95 % (median)" over the problems, by Student's t.
func summary(v []float64) string {
	switch len(v) {
	case 0:
		return "failed"
	case 1:
		return number(v[0])
	}
	mean, half := interval(v)
	return fmt.Sprintf("%s ± %s (%s)", number(mean), number(half), number(median(v)))
}

// interval returns a mean and the half-width of its 95 % interval.
func interval(v []float64) (mean, half float64) {
	mean, sd := stat.MeanStdDev(v, nil)
	n := float64(len(v))
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975)
	return mean, t * sd / math.Sqrt(n)
}

func number(v float64) string {
	switch {
	case v >= 1000:
		return fmt.Sprintf("%.0e", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// A ratio compares two runs on the same problems by the mean of log(a/b).
type ratio struct {
	mean, lo, hi float64 // geometric mean and the ends of its 95 % interval
	n, wins      int     // problems, and those with a < b
}

func ratioOf(a, b []float64) ratio {
	r := ratio{n: len(a)}
	logs := make([]float64, len(a))
	for i := range a {
		logs[i] = math.Log(a[i] / b[i])
		if a[i] < b[i] {
			r.wins++
		}
	}
	if r.n < 2 {
		r.mean, r.lo, r.hi = math.NaN(), math.NaN(), math.NaN()
		return r
	}
	m, half := interval(logs)
	r.mean, r.lo, r.hi = math.Exp(m), math.Exp(m-half), math.Exp(m+half)
	return r
}

func (r ratio) String() string {
	if r.n < 2 {
		return ""
	}
	return fmt.Sprintf("%s (%s … %s)", number(r.mean), number(r.lo), number(r.hi))
}

// compare pairs a metric of method a at one budget with that of b at another over all
// problems for which keep holds and that both have.
func (s *settings) compare(a string, nfeA int, b string, nfeB int, metric func(c cell) float64, keep func(c cell) bool) ratio {
	var va, vb []float64
	for _, c := range s.sorted() {
		if c.Method != a || c.Budget != nfeA || c.Failed != "" || !keep(c) {
			continue
		}
		o := c
		o.Method, o.Budget = b, nfeB
		if other, ok := s.cells[o.key()]; ok && other.Failed == "" {
			va, vb = append(va, metric(c)), append(vb, metric(other))
		}
	}
	return ratioOf(va, vb)
}
