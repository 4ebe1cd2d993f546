package nn

import (
	"context"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// shardCount is the number of parts of a batch that are summed apart. It does not depend on
// the number of workers, so neither does the order of any sum.
const shardCount = 8

// Shards add up a loss and its gradient over a batch on several goroutines, with the same
// bits for any number of them.
type Shards[T Float] struct {
	Grad []T // the sum of the last Run

	rows, workers int
	parts         [][]T
	loss          []float64
}

// NewShards returns a sum of gradients of the given length, the number of weights or a
// multiple of it. Run hands out at most rows rows at a time, to up to workers goroutines
// (GOMAXPROCS if workers < 1).
func NewShards[T Float](length, rows, workers int) *Shards[T] {
	if length < 1 || rows < 1 {
		panic("nn: shards need a length and rows")
	}
	s := &Shards[T]{Grad: make([]T, length), rows: rows, workers: par.Workers(workers), loss: make([]float64, shardCount)}
	for range shardCount {
		s.parts = append(s.parts, make([]T, length))
	}
	return s
}

// Workers returns the number of goroutines: Run's f needs as many tapes.
func (s *Shards[T]) Workers() int { return s.workers }

// Run cuts the rows 0 … n-1 into pieces, calls f for each and returns the sum of what it
// returns. f adds its gradient to g; no two calls with the same worker overlap. It returns
// the error of ctx or the first of f, by the order of the rows.
func (s *Shards[T]) Run(ctx context.Context, n int, f func(worker int, g []T, lo, hi int) (float64, error)) (float64, error) {
	each := (n + shardCount - 1) / shardCount
	err := par.Rows(ctx, shardCount, 1, s.workers, func(worker, shard, _ int) error {
		clear(s.parts[shard])
		s.loss[shard] = 0
		end := min(n, (shard+1)*each)
		for lo := shard * each; lo < end; lo += s.rows {
			l, err := f(worker, s.parts[shard], lo, min(lo+s.rows, end))
			if err != nil {
				return err
			}
			s.loss[shard] += l
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	loss := 0.0
	clear(s.Grad)
	for shard, part := range s.parts {
		loss += s.loss[shard]
		add(s.Grad, 1, part)
	}
	return loss, nil
}
