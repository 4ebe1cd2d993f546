package metric

import (
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/combin"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// Modes says how a sample of n points spreads over the K modes of a mixture. Each
// point counts for the mode with the nearest centre (the lowest index at a tie); so
// where modes overlap, the shares of an exact sample are those of the centres'
// cells and not the weights.
type Modes struct {
	N       int
	Counts  []int
	Weights []float64 // Counts/N
	// StdErr[k] = √(w(1-w)/n) for the true weight w: (Weights[k] - w)/StdErr[k] has
	// mean 0 and standard deviation 1 for exact samples.
	StdErr []float64
	// TV = ½ Σ_k |Weights[k] - w_k| is the total variation distance to the true
	// weights, and ExactTV its mean for n exact samples, the floor below which TV
	// means nothing.
	TV, ExactTV float64
	// Covered is the fraction of the modes that are covered: a mode of weight w is
	// if it has at least max(1, nw - 5√(nw(1-w))) points. An exact sample leaves a
	// mode of nw ≫ 25 uncovered with probability 3e-7. ExactCovered is the mean of
	// Covered for n exact samples, below 1 where n is small.
	Covered, ExactCovered float64
	// Within is the fraction of the points no farther than the radius from their
	// centre, and WithinErr its standard error.
	Within, WithinErr float64
}

// CountModes assigns the points of x to the modes with these weights (positive, sum
// 1), centres (one a row, flat) and radius.
func CountModes(x []float64, dim int, weights, centres []float64, radius float64, o Options) (*Modes, error) {
	if err := check("x", x, dim); err != nil {
		return nil, err
	}
	modes := len(weights)
	if modes == 0 || len(centres) != modes*dim {
		panic("metric: a mode needs one weight and one centre")
	}
	// 1e-6 admits weights that were typed or divided with few digits.
	if floats.Min(weights) <= 0 || !(math.Abs(floats.Sum(weights)-1) < 1e-6) {
		panic("metric: mode weights must be positive and sum to 1")
	}
	n := len(x) / dim
	var within atomic.Int64
	type scratch struct {
		counts []int
		r2     []float64
	}
	work := make([]scratch, par.Workers(o.Workers))
	for w := range work {
		work[w] = scratch{make([]int, modes), make([]float64, modes)}
	}
	mustRun(n, 1024, o.Workers, func(worker, lo, hi int) {
		s, near := work[worker], 0
		for i := lo; i < hi; i++ {
			squaredDistances(s.r2, x[i*dim:(i+1)*dim], centres)
			k := floats.MinIdx(s.r2)
			s.counts[k]++
			if s.r2[k] <= radius*radius {
				near++
			}
		}
		within.Add(int64(near))
	})
	counts := work[0].counts
	for _, s := range work[1:] {
		for k, c := range s.counts {
			counts[k] += c
		}
	}
	return newModes(counts, int(within.Load()), n, weights), nil
}

func newModes(counts []int, within, n int, weights []float64) *Modes {
	m := &Modes{
		N:       n,
		Counts:  counts,
		Weights: make([]float64, len(counts)),
		StdErr:  make([]float64, len(counts)),
		Within:  float64(within) / float64(n),
	}
	m.WithinErr = math.Sqrt(m.Within * (1 - m.Within) / float64(n))
	share := 1 / float64(len(counts))
	for k, w := range weights {
		w = min(w, 1)
		m.Weights[k] = float64(counts[k]) / float64(n)
		m.StdErr[k] = math.Sqrt(w * (1 - w) / float64(n))
		m.TV += math.Abs(m.Weights[k]-w) / 2
		m.ExactTV += binomialMAD(n, w) / float64(n) / 2
		least := math.Max(1, math.Ceil(float64(n)*(w-5*m.StdErr[k])))
		if float64(counts[k]) >= least {
			m.Covered += share
		}
		m.ExactCovered += share * binomialTail(n, least, w)
	}
	return m
}

// binomialMAD returns E|N - nw| for N ~ Binomial(n, w), by De Moivre's closed form
// (Diaconis and Zabell 1991, Statistical Science 6, 284):
//
//	E|N - nw| = 2 ν (1-w) P(N = ν),   ν = ⌊nw⌋ + 1.
func binomialMAD(n int, w float64) float64 {
	nu := math.Floor(float64(n)*w) + 1
	if w == 1 || nu > float64(n) {
		return 0 // nu > n only for w = 1 but for rounding
	}
	logP := combin.LogGeneralizedBinomial(float64(n), nu) + nu*math.Log(w) + (float64(n)-nu)*math.Log1p(-w)
	return 2 * nu * (1 - w) * math.Exp(logP)
}

// binomialTail returns P(N ≥ least) for N ~ Binomial(n, w) and least ≥ 1, the
// regularised incomplete beta function I_w(least, n-least+1).
func binomialTail(n int, least, w float64) float64 {
	if least > float64(n) {
		return 0
	}
	return mathext.RegIncBeta(least, float64(n)-least+1, w)
}
