// Package par runs independent work on groups of rows in parallel, with results
// and errors that do not depend on the number of workers.
package par

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Workers returns w if it is positive and runtime.GOMAXPROCS otherwise.
func Workers(w int) int {
	if w > 0 {
		return w
	}
	return runtime.GOMAXPROCS(0)
}

// Rows cuts the rows 0..n-1 into groups of size rows (the last may be shorter)
// and calls f(worker, lo, hi) once for each group lo <= row < hi. Groups run on
// up to workers goroutines (GOMAXPROCS if workers < 1); worker is in
// 0..workers-1 and no two calls with the same worker overlap, so f may keep
// scratch space per worker.
//
// Groups are handed out in order. After an error or the end of ctx no further
// group starts. Rows returns the error of the lowest failing group, which does
// not depend on timing as long as f's errors do not, or else ctx.Err().
func Rows(ctx context.Context, n, size, workers int, f func(worker, lo, hi int) error) error {
	if size < 1 {
		panic("par: group size must be positive")
	}
	groups := (n + size - 1) / size
	workers = min(Workers(workers), groups)
	var (
		next atomic.Int64
		stop atomic.Bool
		wg   sync.WaitGroup
		mu   sync.Mutex
		low  = groups
		err  error
	)
	work := func(worker int) {
		for !stop.Load() && ctx.Err() == nil {
			g := int(next.Add(1)) - 1
			if g >= groups {
				return
			}
			if e := f(worker, g*size, min(n, (g+1)*size)); e != nil {
				stop.Store(true)
				mu.Lock()
				if g < low {
					low, err = g, e
				}
				mu.Unlock()
			}
		}
	}
	for w := 1; w < workers; w++ {
		wg.Go(func() { work(w) })
	}
	work(0)
	wg.Wait()
	if err != nil {
		return err
	}
	return ctx.Err()
}
