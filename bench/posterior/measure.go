package main

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/metric"
)

// credible is the mass of the regions whose coverage is measured.
const credible = 0.9

// A cell is what one method made of one problem. Metrics are absent where it failed.
type cell struct {
	D, M, I  int
	Method   string
	Budget   int // evaluations of the denoiser that were allowed
	N        int
	Failed   string `json:",omitempty"`
	NFE      float64
	Seconds  float64 // of CPU, for 1000 draws
	SW1, SW2 float64
	Mean     float64 // |error of the mean| over the root of the trace of the covariance
	Cov      float64 // |error of the covariance| over its size, Frobenius norms
	TV       float64 // of the weights of the prior's components
	Interval float64 // posterior mass in the draws' central 90 % intervals, mean over coordinates
	Region   float64 // share of the draws in the posterior's 90 % region of highest density
	Misfit   float64 // median |y - Ax|²/(mσ²)

	// Of particle methods in the table of growing populations, means over the populations.
	Evidence  *float64  `json:",omitempty"` // error of the log evidence, nats
	Ancestors float64   `json:",omitempty"` // share of the particles of the start that have descendants
	ESS       []float64 `json:",omitempty"` // share of effective particles at the times of essShares
}

// measure fills in the metrics of the draws x.
func (c *cell) measure(q *problem, x []float64) error {
	n, d := len(x)/q.d, q.d
	o := metric.Options{Seed: seed, Projections: projections}
	v, err := metric.SlicedW1(x, q.truth, d, o)
	if err != nil {
		return err
	}
	c.SW1 = v.Value
	if v, err = metric.SlicedW2(x, q.truth, d, o); err != nil {
		return err
	}
	c.SW2 = v.Value

	rows := mat.NewDense(n, d, x)
	mean := make([]float64, d)
	for i := range n {
		floats.AddScaled(mean, 1/float64(n), rows.RawRowView(i))
	}
	c.Mean = floats.Distance(mean, q.mean, 2) / math.Sqrt(q.cov.Trace())
	var cov mat.SymDense
	stat.CovarianceMatrix(&cov, rows, nil)
	var diff mat.Dense
	diff.Sub(&cov, q.cov)
	c.Cov = mat.Norm(&diff, 2) / mat.Norm(q.cov, 2)

	modes, err := metric.CountModes(x, d, q.weights, q.centres, math.Inf(1), metric.Options{})
	if err != nil {
		return err
	}
	c.TV = modes.TV

	c.Interval = intervals(x, q.truth, d)
	logp := make([]float64, n)
	q.post.CleanLogProb(logp, x)
	for _, l := range logp {
		if l >= q.level {
			c.Region += 1 / float64(n)
		}
	}

	y := q.p.Y()
	misfit, ax := make([]float64, n), make([]float64, len(y))
	for i := range misfit {
		q.p.A().Apply(ax, rows.RawRowView(i))
		for j, v := range ax {
			misfit[i] += (y[j] - v) * (y[j] - v) / q.p.Variance(j) / float64(len(y))
		}
	}
	c.Misfit = median(misfit)
	return nil
}

// thin returns n of the points at random, or all if there are no more.
func thin(x []float64, d, n int) []float64 {
	if len(x) <= n*d {
		return x
	}
	var out []float64
	for _, i := range stream.New().At(seed, stream.Test, 0, useThin).Perm(len(x) / d)[:n] {
		out = append(out, x[i*d:(i+1)*d]...)
	}
	return out
}

// intervals returns the share of y, mean over the coordinates, that lies in the central
// 90 % intervals of x.
func intervals(x, y []float64, d int) float64 {
	n, m := len(x)/d, len(y)/d
	col, share := make([]float64, n), 0.0
	for j := range d {
		for i := range col {
			col[i] = x[i*d+j]
		}
		slices.Sort(col)
		lo := stat.Quantile((1-credible)/2, stat.Empirical, col, nil)
		hi := stat.Quantile((1+credible)/2, stat.Empirical, col, nil)
		for i := range m {
			if v := y[i*d+j]; v > lo && v <= hi {
				share += 1 / float64(m*d)
			}
		}
	}
	return share
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if k := len(s); k%2 == 0 {
		return (s[k/2-1] + s[k/2]) / 2
	}
	return s[len(s)/2]
}
