package linop

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A crew runs numbered tasks on GOMAXPROCS goroutines without allocating, which par.Rows
// does a little of. It belongs to one caller at a time.
type crew struct {
	task func(i int)
	loop func() // what each further goroutine runs, made once
	next atomic.Int64
	n    int64
	wg   sync.WaitGroup
}

func newCrew(task func(i int)) *crew {
	c := &crew{task: task}
	c.loop = func() {
		defer c.wg.Done()
		c.drain()
	}
	return c
}

func (c *crew) workers() int { return runtime.GOMAXPROCS(0) }

// run calls task(0), …, task(n−1), in any order, and returns when all are done.
func (c *crew) run(n int) {
	c.n = int64(n)
	c.next.Store(0)
	for range min(c.workers(), n) - 1 {
		c.wg.Add(1)
		go c.loop()
	}
	c.drain()
	c.wg.Wait()
}

// alone is run on the caller's goroutine only.
func (c *crew) alone(n int) {
	for i := range n {
		c.task(i)
	}
}

func (c *crew) drain() {
	for i := c.next.Add(1) - 1; i < c.n; i = c.next.Add(1) - 1 {
		c.task(int(i))
	}
}
