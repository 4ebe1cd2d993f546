package metric

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Moments are the mean and covariance of a sample with their standard errors.
type Moments struct {
	N, Dim        int
	Mean, MeanErr []float64 // Dim values
	Cov, CovErr   []float64 // Dim×Dim values, row after row
}

// MomentsOf returns the moments of x, of 2 points at least:
//
//	Mean_a = m_a = 1/n Σ x_a,            MeanErr_a  = √(Cov_aa/n),
//	Cov_ab = 1/(n-1) Σ c_a c_b,          c = x - m,
//	CovErr_ab² = (1/n Σ c_a² c_b² - (1/n Σ c_a c_b)²)/(n-1),
//
// the last being the standard error of the mean of c_a c_b, right to the order 1/n
// for every law with fourth moments. Both passes are centred, so a mean far from 0
// costs no digits. The cost is O(n d²).
func MomentsOf(x []float64, dim int, o Options) (*Moments, error) {
	if err := checkPair(x, x, dim, 2); err != nil {
		return nil, err
	}
	n := float64(len(x) / dim)
	m := &Moments{
		N: len(x) / dim, Dim: dim,
		Mean: make([]float64, dim), MeanErr: make([]float64, dim),
		Cov: make([]float64, dim*dim), CovErr: make([]float64, dim*dim),
	}
	m.addMean(x)
	m.addMean(x) // the mean of what the first pass left takes away its rounding
	// A group of rows of the covariance goes through all points by itself, so nothing
	// is summed across goroutines. 8 rows share the reading of a point.
	mustRun(dim, 8, o.Workers, func(_, lo, hi int) { m.addRows(x, lo, hi) })
	for a := range dim {
		for b := a; b < dim; b++ {
			s, q := m.Cov[a*dim+b]/n, m.CovErr[a*dim+b]/n
			cov, se := s*n/(n-1), math.Sqrt(max(0, q-s*s)/(n-1))
			m.Cov[a*dim+b], m.CovErr[a*dim+b] = cov, se
			m.Cov[b*dim+a], m.CovErr[b*dim+a] = cov, se
		}
		m.MeanErr[a] = math.Sqrt(m.Cov[a*dim+a] / n)
	}
	return m, nil
}

// addMean adds to Mean the mean of x - Mean.
func (m *Moments) addMean(x []float64) {
	sum := make([]float64, m.Dim)
	for i := 0; i < len(x); i += m.Dim {
		for a, v := range m.Mean {
			sum[a] += x[i+a] - v
		}
	}
	for a, s := range sum {
		m.Mean[a] += s / float64(m.N)
	}
}

// addRows puts Σ c_a c_b into Cov and Σ (c_a c_b)² into CovErr for lo ≤ a < hi,
// b ≥ a.
func (m *Moments) addRows(x []float64, lo, hi int) {
	d := m.Dim
	c := make([]float64, d)
	for i := 0; i < len(x); i += d {
		for b := lo; b < d; b++ {
			c[b] = x[i+b] - m.Mean[b]
		}
		for a := lo; a < hi; a++ {
			s, q := m.Cov[a*d:(a+1)*d], m.CovErr[a*d:(a+1)*d]
			for b := a; b < d; b++ {
				p := c[a] * c[b]
				s[b] += p
				q[b] += p * p
			}
		}
	}
}

// MaxZ returns the largest |estimate - truth|/(standard error) over the means and
// over the covariances, given the true mean and covariance (row after row). For n
// exact points, n large, chance exceeds z with probability at most
//
//	d·erfc(z/√2) for the means,   d(d+1)/2·erfc(z/√2) for the covariances.
//
// A standard error of 0 gives 0 if estimate and truth are equal and +Inf if not.
func (m *Moments) MaxZ(mean, cov []float64) (zMean, zCov float64) {
	if len(mean) != m.Dim || len(cov) != m.Dim*m.Dim {
		panic("metric: the true moments have another dimension than the sample")
	}
	return maxZ(m.Mean, mean, m.MeanErr), maxZ(m.Cov, cov, m.CovErr)
}

func maxZ(estimate, truth, stdErr []float64) float64 {
	var z float64
	for i, e := range estimate {
		if d := math.Abs(e - truth[i]); d > 0 {
			z = max(z, math.Abs(stat.StdScore(e, truth[i], stdErr[i])))
		}
	}
	return z
}
