package metric

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// CostMatrix returns the n×m matrix of cost(x_i, y_j), row after row.
func CostMatrix(x, y []float64, dim int, cost func(x, y []float64) float64, workers int) ([]float64, error) {
	if err := checkPair(x, y, dim, 1); err != nil {
		return nil, err
	}
	n, m := len(x)/dim, len(y)/dim
	c := make([]float64, n*m)
	mustRun(n, 16, workers, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			for j := range m {
				c[i*m+j] = cost(x[i*dim:(i+1)*dim], y[j*dim:(j+1)*dim])
			}
		}
	})
	return c, nil
}

const (
	denseRows  = 16  // rows of a group
	denseStrip = 128 // columns of a group: their sums stay in the first-level cache
)

// dense is a cost given as a matrix.
type dense struct {
	c       []float64
	n, m    int
	workers int
	t       [][]float64 // of each worker: a row, or three strips
}

func newDense(c []float64, n, m, workers int) *dense {
	d := &dense{c: c, n: n, m: m, workers: par.Workers(workers)}
	d.t = make([][]float64, d.workers)
	for w := range d.t {
		d.t[w] = make([]float64, max(m, 3*denseStrip))
	}
	return d
}

func (d *dense) size() (n, m int) { return d.n, d.m }

func (d *dense) spread() float64 { return floats.Norm(d.c, math.Inf(1)) }

func (d *dense) row(dst []float64, i int) { copy(dst, d.c[i*d.m:(i+1)*d.m]) }

func (d *dense) rows(ctx context.Context, dst, h []float64, eps float64, mean *means) error {
	inv := 1 / eps
	return par.Rows(ctx, d.n, denseRows, d.workers, func(worker, lo, hi int) error {
		t := d.t[worker][:d.m]
		for i := lo; i < hi; i++ {
			c := d.c[i*d.m : (i+1)*d.m]
			top := logits(t, h, c, inv)
			sum := simd.ExpSum(t, top, negligible)
			dst[i] = top + math.Log(sum)
			if mean == nil {
				continue
			}
			mean.cost[i] = floats.Dot(t, c) / sum
			if mean.point != nil {
				p := mean.point[i*mean.dim : (i+1)*mean.dim]
				clear(p)
				for j, w := range t {
					floats.AddScaled(p, w/sum, mean.y[j*mean.dim:(j+1)*mean.dim])
				}
			}
		}
		return nil
	})
}

// cols walks down strips of columns, so that the matrix is read along its rows.
func (d *dense) cols(ctx context.Context, dst, h []float64, eps float64) error {
	inv := 1 / eps
	return par.Rows(ctx, d.m, denseStrip, d.workers, func(worker, lo, hi int) error {
		k := hi - lo
		t, top, sum := d.t[worker][:k], d.t[worker][denseStrip:][:k], d.t[worker][2*denseStrip:][:k]
		for j := range top {
			top[j] = math.Inf(-1)
		}
		clear(sum)
		for i, s := range h {
			for j, v := range d.c[i*d.m+lo:][:k] {
				if v = s - v*inv; v > top[j] {
					top[j] = v
				}
			}
		}
		for i, s := range h {
			for j, v := range d.c[i*d.m+lo:][:k] {
				t[j] = s - v*inv - top[j]
			}
			simd.ExpSum(t, 0, negligible)
			for j, e := range t {
				sum[j] += e
			}
		}
		for j := range sum {
			dst[lo+j] = top[j] + math.Log(sum[j])
		}
		return nil
	})
}
