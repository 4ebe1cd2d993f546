package main

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// shardValues bounds the numbers that are held at a time: 8 MiB, of which a run needs a few.
const shardValues = 1 << 20

// measurePoints bounds the samples that are measured: the floors of the metrics at a million
// are far below what the eye or a paper's table tells apart.
const measurePoints = 1_000_000

// draw draws the plan's samples shard by shard, in order, and hands each to take, which may
// not keep it. A sample depends on its number only, so the shards do not show in the bits.
func (p *plan) draw(ctx context.Context, set *ode.Settings, take func(x []float64) error) (ode.Result, error) {
	n, size := p.settings.N, max(1, shardValues/p.target.Dim())
	if set.Trace != nil {
		size = max(size, set.Trace.Rows)
	}
	shard, sum := *set, ode.Result{}
	for first := 0; first < n; first += size {
		m := min(size, n-first)
		shard.First = first
		if progress := set.Progress; progress != nil {
			whole := float64(n) / float64(m)
			shard.Progress = func(done, total int64) {
				all := float64(total) * whole
				progress(int64(math.Round(float64(first)/float64(n)*all))+done, int64(all))
			}
		}
		x, res, err := p.route.draw(ctx, p.sampler, p.grid, m, p.settings.Seed, &shard)
		shard.Trace = nil // of the first shard
		sum.Points += res.Points
		sum.Evals += res.Evals
		sum.MaxNFE = max(sum.MaxNFE, res.MaxNFE)
		sum.Accepted += res.Accepted
		sum.Rejected += res.Rejected
		sum.Wall += res.Wall
		sum.Status = res.Status
		if err == nil {
			err = take(x)
		}
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
