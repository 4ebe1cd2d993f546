package density

import (
	"context"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

// Sample returns n exact draws. Draw i depends on seed, set and i only; two sets of one
// seed are independent.
func Sample(t Target, n int, seed, set uint64, workers int) []float64 {
	d := t.Dim()
	x := make([]float64, n*d)
	sources := make([]*stream.Source, par.Workers(workers))
	_ = par.Rows(context.Background(), n, 1024, workers, func(w, lo, hi int) error {
		if sources[w] == nil {
			sources[w] = stream.New()
		}
		for i := lo; i < hi; i++ {
			t.Rand(x[i*d:(i+1)*d], sources[w].At(seed, stream.Target, uint64(i), set))
		}
		return nil
	})
	return x
}
