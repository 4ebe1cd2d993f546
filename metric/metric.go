// Package metric measures how far samples are from truth: distances between two
// samples (sliced Wasserstein, energy distance, maximum mean discrepancy), and the
// weights, moments and likelihoods of one sample against a known density.
//
// Samples are flat: x holds n points of dimension dim, one after another. x is the
// sample on trial and y the reference; they may differ in size. Inputs are never
// changed. Every random choice (directions, subsamples) is addressed by
// Options.Seed, and sums are taken in a fixed order, so a result does not depend on
// the number of workers, to the bit on one architecture and build.
//
// A value is a finite-sample estimate. Its standard error says how far chance moved
// it, its Floor what it is when both samples are exact; a sampler is wrong only when
// the value stands out of both.
//
// Data that cannot be measured (no points, a length that is not a whole number of
// points, a value that is not finite) give an error which names the sample and the
// place, counted from 0. Arguments that do not come from data (a dimension below 1,
// weights that do not fit the centres) panic.
package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Options are the settings of the two-sample metrics. The zero value means the
// documented defaults.
type Options struct {
	// Seed addresses the random directions and subsamples.
	Seed uint64
	// Workers bounds the goroutines; below 1 it is GOMAXPROCS.
	Workers int
	// Projections is the number of directions of the sliced distance; 0 means 128.
	Projections int
	// MaxPoints caps the points of each sample that the metrics of quadratic cost
	// use, a random subset without replacement; 0 means 5000, negative means all.
	MaxPoints int
	// Bandwidth is the h of the Gaussian kernel; 0 means MedianBandwidth.
	Bandwidth float64
}

// A Value is an estimate and its standard error. What the standard error covers is
// said by each metric; it is +Inf where a single draw leaves it unknown.
type Value struct {
	Value, StdErr float64
	// NullErr is the standard error that the estimate has where the two laws agree,
	// for the metrics that are unbiased and so have mean 0 there (energy, mmd); it is
	// 0 for the others. Value/NullErr then has standard deviation 1 and the upper
	// tail of a weighted sum of χ² variables, whose heaviest form is
	//
	//	P(Value/NullErr > z) = P(χ²₁ > 1 + √2 z):   2.2% at 3, 0.45% at 5, 0.05% at 8.
	NullErr float64
	// NX and NY are the points of each sample that were used.
	NX, NY int
}

// A Metric is a two-sample metric under the name that commands give it.
type Metric struct {
	Name, Doc string
	// Compute compares the sample x with the reference y.
	Compute func(x, y []float64, dim int, o Options) (Value, error)
}

// All returns the two-sample metrics, in the order in which reports list them.
func All() []Metric {
	return []Metric{
		{"sliced_w2", "sliced 2-Wasserstein distance over random directions; error over directions", SlicedW2},
		{"w2", "exact 2-Wasserstein distance, dimension 1 only", W2},
		{"w2_exact", "exact 2-Wasserstein distance in any dimension, of 2,000 points at most", W2Exact},
		{"max_sliced_w2", "largest 2-Wasserstein distance over the directions", MaxSlicedW2},
		{"frechet", "Fréchet distance, the W2 of Gaussians with the samples' moments", Frechet},
		{"energy", "energy distance 2E|X-Y| - E|X-X'| - E|Y-Y'|, unbiased", Energy},
		{"mmd", "squared maximum mean discrepancy, Gaussian kernel, unbiased", MMD},
	}
}

// check returns an error if sample, called name, cannot be measured in dimension dim.
func check(name string, sample []float64, dim int) error {
	if dim < 1 {
		panic("metric: dimension must be positive")
	}
	if len(sample) == 0 {
		return fmt.Errorf("metric: sample %s is empty", name)
	}
	if len(sample)%dim != 0 {
		return fmt.Errorf("metric: sample %s has %d values, which is not a whole number of points of dimension %d", name, len(sample), dim)
	}
	for i, v := range sample {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("metric: sample %s, point %d, coordinate %d is %v", name, i/dim, i%dim, v)
		}
	}
	return nil
}

// checkPair checks both samples and that each has at least least points.
func checkPair(x, y []float64, dim, least int) error {
	if err := check("x", x, dim); err != nil {
		return err
	}
	if err := check("y", y, dim); err != nil {
		return err
	}
	if n := min(len(x), len(y)) / dim; n < least {
		return fmt.Errorf("metric: %d points are too few: each sample needs at least %d", n, least)
	}
	return nil
}

// meanErr returns the mean of independent draws and its standard error s/√n.
func meanErr(v []float64) (mean, stdErr float64) {
	if len(v) == 1 {
		return v[0], math.Inf(1)
	}
	mean, sd := stat.MeanStdDev(v, nil)
	return mean, stat.StdErr(sd, float64(len(v)))
}
