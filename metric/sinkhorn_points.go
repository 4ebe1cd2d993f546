package metric

import (
	"context"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// SinkhornPoints solves the same problem as Sinkhorn for points x and y with the cost
// C_ij = |x_i - y_j|², in memory O((n + m) d): the costs are computed anew in each
// iteration, block by block, and the logarithms of sums run along (Feydy, Glaunès,
// Charlier and Bronstein 2020). A block that cannot change a sum by rounding, as the
// distance of its box shows, is left out: small ε and Scaling make most of them so.
func SinkhornPoints(ctx context.Context, x, y []float64, dim int, a, b []float64, o SinkhornOptions) (*SinkhornResult, error) {
	if err := checkPair(x, y, dim, 1); err != nil {
		return nil, err
	}
	p, err := newEntropic(newPoints(newCloud(x, dim), newCloud(y, dim), o.Workers), a, b, o)
	if err != nil {
		return nil, err
	}
	p.startCoarse(ctx)
	return p.solve(ctx), nil
}

// points is the squared Euclidean cost between two clouds.
type points struct {
	x, y    *cloud
	workers int
	pool    *sync.Pool // of *pass
}

func newPoints(x, y *cloud, workers int) *points {
	return &points{x: x, y: y, workers: workers, pool: &sync.Pool{New: func() any { return new(pass) }}}
}

func (g *points) size() (n, m int) { return len(g.x.perm), len(g.y.perm) }

func (g *points) spread() float64 { return g.x.reach(g.y) }

func (g *points) row(dst []float64, i int) {
	d := g.x.dim
	k := slices.Index(g.x.perm, i) // a row is asked for seldom
	for j, q := range g.y.perm {
		squaredDistances(dst[q:q+1], g.x.x[k*d:(k+1)*d], g.y.x[j*d:])
	}
}

func (g *points) rows(ctx context.Context, dst, h []float64, eps float64, mean *means) error {
	return g.sums(ctx, g.x, g.y, dst, h, eps, mean)
}

func (g *points) cols(ctx context.Context, dst, h []float64, eps float64) error {
	return g.sums(ctx, g.y, g.x, dst, h, eps, nil)
}

// swapped returns the cost from y to x.
func (g *points) swapped() *points { return &points{x: g.y, y: g.x, workers: g.workers, pool: g.pool} }

// A pass is the scratch of a worker: running sums of the points of a block, relative to
// the largest term so far.
type pass struct {
	bound          []float64 // of each block of y, the most that a logit can be
	top, sum, cost [cloudLeaf]float64
	t, r2          [cloudLeaf]float64
	point          []float64
}

// sums is rows from the cloud x to y. The logits h come, and the results go, in the
// points' original order. The points y that are averaged are the cloud's own.
func (g *points) sums(ctx context.Context, x, y *cloud, dst, h []float64, eps float64, mean *means) error {
	hy := make([]float64, len(y.perm))
	for k, j := range y.perm {
		hy[k] = h[j]
	}
	most := make([]float64, y.blocks()) // the largest logit of each block
	for b := range most {
		most[b] = floats.Max(hy[y.start[b]:y.start[b+1]])
	}
	inv := 1 / eps
	return par.Rows(ctx, x.blocks(), 1, g.workers, func(_, b, _ int) error {
		w := g.pool.Get().(*pass)
		defer g.pool.Put(w)
		w.run(x, b, y, hy, most, inv, mean)
		for k, i := range x.perm[x.start[b]:x.start[b+1]] {
			dst[i] = w.top[k] + math.Log(w.sum[k])
			if mean == nil {
				continue
			}
			mean.cost[i] = w.cost[k] / w.sum[k]
			if mean.point != nil {
				floats.ScaleTo(mean.point[i*x.dim:(i+1)*x.dim], 1/w.sum[k], w.point[k*x.dim:(k+1)*x.dim])
			}
		}
		return nil
	})
}

// run sums over the blocks of y for the points of block b of x.
func (w *pass) run(x *cloud, b int, y *cloud, h, most []float64, inv float64, mean *means) {
	n := x.start[b+1] - x.start[b]
	for k := range n {
		w.top[k], w.sum[k], w.cost[k] = math.Inf(-1), 0, 0
	}
	w.point = append(w.point[:0], make([]float64, n*x.dim)...)
	w.bound = w.bound[:0]
	best := 0
	for j, v := range most {
		w.bound = append(w.bound, v-x.gap(b, y, j)*inv)
		if w.bound[j] > w.bound[best] {
			best = j
		}
	}
	// The block of the largest bound first: most of the others then fall away. What
	// they would add to a sum that has a term of 1 is m exp(negligible) at most.
	w.add(x, b, y, best, h, inv, mean)
	least := floats.Min(w.top[:n])
	for j, v := range w.bound {
		if j != best && v >= least+negligible {
			w.add(x, b, y, j, h, inv, mean)
			least = floats.Min(w.top[:n])
		}
	}
}

// add adds the terms of block j of y to the sums of block b of x.
func (w *pass) add(x *cloud, b int, y *cloud, j int, h []float64, inv float64, mean *means) {
	d := x.dim
	lo, hi := y.start[j], y.start[j+1]
	r2, t := w.r2[:hi-lo], w.t[:hi-lo]
	for k, i := 0, x.start[b]; i < x.start[b+1]; k, i = k+1, i+1 {
		squaredDistances(r2, x.x[i*d:(i+1)*d], y.x[lo*d:])
		top := logits(t, h[lo:hi], r2, inv)
		if top < w.top[k]+negligible {
			continue
		}
		if top > w.top[k] {
			shrink := math.Exp(w.top[k] - top)
			w.top[k] = top
			w.sum[k] *= shrink
			w.cost[k] *= shrink
			floats.Scale(shrink, w.point[k*d:(k+1)*d])
		}
		w.sum[k] += simd.ExpSum(t, w.top[k], negligible)
		if mean == nil {
			continue
		}
		w.cost[k] += floats.Dot(t, r2)
		if mean.point != nil {
			acc := w.point[k*d : (k+1)*d]
			for l, e := range t {
				if e != 0 {
					floats.AddScaled(acc, e, y.x[(lo+l)*d:(lo+l+1)*d])
				}
			}
		}
	}
}
