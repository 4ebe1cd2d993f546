package metric

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

// SlicedW1 returns the sliced 1-Wasserstein distance, in the units of the samples:
//
//	SW1 = E_θ W1(θ·x, θ·y),   θ uniform on the unit sphere,
//
// as the mean over Options.Projections independent directions, those of SlicedW2, so
// SW1 ≤ SW2 also of the estimates. Unlike SW2 it is not ruled by the few directions in
// which the samples differ most. StdErr is the standard error over the directions; it does
// not count the chance in the samples. In dimension 1 the value is W1 and StdErr 0.
func SlicedW1(x, y []float64, dim int, o Options) (Value, error) {
	if dim == 1 {
		return Wasserstein1D(x, y, 1)
	}
	if err := checkPair(x, y, dim, 1); err != nil {
		return Value{}, err
	}
	v := Value{NX: len(x) / dim, NY: len(y) / dim}
	v.Value, v.StdErr = meanErr(slices1D(x, y, dim, 1, o))
	return finite(v)
}

// slices1D returns W_p^p of the projections on each of the Options.Projections directions.
func slices1D(x, y []float64, dim int, p float64, o Options) []float64 {
	if o.Projections < 0 {
		panic("metric: the number of projections must not be negative")
	}
	dirs := o.Projections
	if dirs == 0 {
		dirs = 128
	}
	type scratch struct {
		sx, sy *sorter
		theta  []float64
		src    *stream.Source
	}
	work := make([]*scratch, min(par.Workers(o.Workers), dirs))
	w := make([]float64, dirs)
	mustRun(dirs, 1, o.Workers, func(worker, lo, _ int) {
		s := work[worker]
		if s == nil {
			s = &scratch{newSorter(len(x) / dim), newSorter(len(y) / dim), make([]float64, dim), stream.New()}
			work[worker] = s
		}
		s.src.Normals(s.theta, o.Seed, stream.Metric, uint64(lo), useDirection)
		floats.Scale(1/floats.Norm(s.theta, 2), s.theta)
		w[lo] = transport1D(s.sx, s.sy, x, y, s.theta, p)
	})
	return w
}
