package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/ode"
)

// shardValues bounds the numbers of a shard, 8 MiB; a worker needs a few times as many.
const shardValues = 1 << 20

// shardRows returns the samples of a shard: eight row groups of the solvers, which stay in a
// level-2 cache from the start to the file, or fewer where there would not be enough shards
// for the workers to end together.
func shardRows(n, dim, workers int) int {
	w := par.Workers(workers)
	group := max(16, min(1024, 8192/dim))
	size := min(8*group, max(group, n/(16*w)))
	return max(1, min(size, shardValues/dim, (n+w-1)/w))
}

// draw draws the plan's samples, each worker a shard at a time. prepare does with a shard
// what can be done beside other workers and returns the rest, which is called in the order of
// the shards; neither may keep x. A sample depends on its number only, so the shards do not
// show in the bits. No more than three shards a worker are held at a time.
func (p *plan) draw(ctx context.Context, set *ode.Settings, prepare func(x []float64) (put func() error)) (ode.Result, error) {
	begin, n := time.Now(), p.settings.N
	size := shardRows(n, p.target.Dim(), set.Workers)
	if set.Trace != nil {
		size = max(size, set.Trace.Rows) // they are of the first shard
	}
	var mu sync.Mutex
	var sum ode.Result
	var done atomic.Int64
	free := sync.Pool{New: func() any { x := make([]float64, size*p.target.Dim()); return &x }}
	order := par.NewOrder(2 * par.Workers(set.Workers))
	err := par.Rows(ctx, n, size, set.Workers, func(_, lo, hi int) error {
		shard := *set
		shard.Workers, shard.First = 1, lo
		if lo > 0 {
			shard.Trace = nil
		}
		if set.Progress != nil {
			before := int64(0)
			shard.Progress = func(now, total int64) {
				step := now - before
				before = now
				set.Progress(done.Add(step), total/int64(hi-lo)*int64(n))
			}
		}
		buf := free.Get().(*[]float64)
		x := (*buf)[:(hi-lo)*p.target.Dim()]
		res, err := p.route.draw(ctx, p.sampler, p.grid, x, p.settings.Seed, &shard)
		mu.Lock()
		sum.Points += res.Points
		sum.Evals += res.Evals
		sum.MaxNFE = max(sum.MaxNFE, res.MaxNFE)
		sum.Accepted += res.Accepted
		sum.Rejected += res.Rejected
		mu.Unlock()
		if err != nil {
			order.Stop()
			return err
		}
		put := prepare(x)
		return order.Do(lo/size, func() error {
			defer free.Put(buf)
			return put()
		})
	})
	sum.Wall = time.Since(begin)
	var stop *ode.Error
	if err != nil && err == ctx.Err() { // the context ended between two shards
		err = &ode.Error{Status: ode.Cancelled, Err: err}
	}
	if errors.As(err, &stop) {
		sum.Status = stop.Status
	}
	return sum, err
}
