package metric

import (
	"fmt"

	"gonum.org/v1/gonum/stat"
)

// A FloorValue is what chance alone makes of a metric: its mean and standard
// deviation between two independent exact samples.
type FloorValue struct {
	Name     string
	Mean, SD float64
}

// Z returns how many standard deviations v lies above the floor.
func (f FloorValue) Z(v float64) float64 { return stat.StdScore(v, f.Mean, f.SD) }

// Floor measures the Monte Carlo noise floor of the metrics: reps times, each is
// computed between two independent exact samples of n points. draw fills dst, n
// points, with exact draws of sample number i = 0 … 2·reps-1; samples of different
// numbers must be independent, and the same number must give the same points. The
// options, and so the directions and subsets, are those of the measurement whose
// floor this is. reps must be at least 2; Mean is then known to SD/√reps, and SD to
// some SD/√(2·reps).
func Floor(metrics []Metric, draw func(dst []float64, i uint64), n, dim, reps int, o Options) ([]FloorValue, error) {
	if n < 1 || dim < 1 || reps < 2 {
		panic("metric: a floor needs points, a dimension and at least 2 repetitions")
	}
	x, y := make([]float64, n*dim), make([]float64, n*dim)
	values := make([][]float64, len(metrics))
	for r := range uint64(reps) {
		draw(x, 2*r)
		draw(y, 2*r+1)
		for k, m := range metrics {
			v, err := m.Compute(x, y, dim, o)
			if err != nil {
				return nil, fmt.Errorf("floor of %s: %w", m.Name, err)
			}
			values[k] = append(values[k], v.Value)
		}
	}
	out := make([]FloorValue, len(metrics))
	for k, m := range metrics {
		mean, sd := stat.MeanStdDev(values[k], nil)
		out[k] = FloorValue{Name: m.Name, Mean: mean, SD: sd}
	}
	return out, nil
}
