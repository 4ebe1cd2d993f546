package ode

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-dea4846a/sampler/internal/par"
)

// Solve advances x, in place, from grid[0] to the last time of the grid with one
// step of the method for each interval.
func Solve(ctx context.Context, f Field, x, grid []float64, m Method, s *Settings) (Result, error) {
	m.NewStepper(f, 1) // a misfit panics here rather than on another goroutine
	res, err := March(ctx, x, f.Dim(), grid, func(rows int) Stepper { return m.NewStepper(f, rows) }, s)
	return res, WithModelError(err, f)
}

// March drives steppers over a grid: it is the loop behind every fixed-step
// solver of the module, deterministic or stochastic. x holds points of dimension
// dim and is advanced in place; newStepper is called once for each goroutine with
// the largest number of rows that its Begin will see.
//
// On an error x holds no meaningful values, except that points of groups which
// had ended are at the end of the grid.
func March(ctx context.Context, x []float64, dim int, grid []float64, newStepper func(rows int) Stepper, s *Settings) (Result, error) {
	return run(ctx, x, dim, grid, s, func(rows int) groupRunner {
		st := newStepper(rows)
		return func(ctx context.Context, x []float64, first, row int, tick func(int), tr *Trace) (Stats, error) {
			return marchGroup(ctx, st, x, dim, first, row, grid, tick, tr)
		}
	})
}

func marchGroup(ctx context.Context, st Stepper, x []float64, dim, first, row int, grid []float64, tick func(int), tr *Trace) (Stats, error) {
	rows := len(x) / dim
	st.Begin(first+row, rows)
	for k := 1; k < len(grid); k++ {
		if err := ctx.Err(); err != nil {
			return Stats{}, &Error{Status: Cancelled, Row: first + row, Step: k - 1, T: grid[k-1], Err: err}
		}
		st.Step(x, grid[k-1], grid[k])
		if i := FirstNonFinite(x); i >= 0 {
			return Stats{}, &Error{Status: NonFinite, Row: first + row + i/dim, Step: k - 1, T: grid[k]}
		}
		if tr != nil {
			for r := 0; r < rows && row+r < tr.Rows; r++ {
				tr.put(row+r, k, len(grid), x[r*dim:(r+1)*dim])
			}
		}
		tick(rows)
	}
	return Stats{
		Points:   rows,
		Evals:    int64(st.NFE()) * int64(rows),
		MaxNFE:   st.NFE(),
		Accepted: int64(len(grid)-1) * int64(rows),
	}, nil
}

// A RowSolver integrates one point by itself over a whole grid. It belongs to one
// goroutine and owns its work space.
type RowSolver interface {
	// SolveRow advances the point x in place from grid[0] to the end of the grid.
	// row is the index of the point in the whole batch. record must be called
	// with the state at every grid time after the first if it is not nil.
	SolveRow(ctx context.Context, x []float64, row int, grid []float64, record func(k int, x []float64)) (Stats, error)
}

// MarchRows drives solvers that take one point after another, each with steps of its own.
// SolveAdaptive takes those of a row group side by side instead.
func MarchRows(ctx context.Context, x []float64, dim int, grid []float64, newSolver func() RowSolver, s *Settings) (Result, error) {
	return run(ctx, x, dim, grid, s, func(int) groupRunner {
		rs := newSolver()
		return func(ctx context.Context, x []float64, first, row int, tick func(int), tr *Trace) (Stats, error) {
			var sum Stats
			for i := 0; i < len(x)/dim; i++ {
				xi := x[i*dim : (i+1)*dim]
				var record func(int, []float64)
				if tr != nil && row+i < tr.Rows {
					record = func(k int, x []float64) { tr.put(row+i, k, len(grid), x) }
				}
				st, err := rs.SolveRow(ctx, xi, first+row+i, grid, record)
				if err != nil {
					return sum, err
				}
				sum.add(st)
				tick(len(grid) - 1)
			}
			return sum, nil
		}
	})
}

// A groupRunner integrates the rows of x, of which the first has index row in this
// run and first+row in the whole batch, and reports each finished step to tick.
type groupRunner func(ctx context.Context, x []float64, first, row int, tick func(int), tr *Trace) (Stats, error)

func run(ctx context.Context, x []float64, dim int, grid []float64, s *Settings, newRunner func(rows int) groupRunner) (Result, error) {
	if dim < 1 || len(x)%dim != 0 {
		panic("ode: length of x is not a multiple of the dimension")
	}
	if err := CheckGrid(grid); err != nil {
		return Result{}, err
	}
	if s == nil {
		s = &Settings{}
	}
	begin := time.Now()
	n := len(x) / dim
	rows := groupRows(n, dim, s)
	runners := make([]groupRunner, min(par.Workers(s.Workers), n))
	if s.Trace != nil {
		s.Trace.start(x, dim, len(grid))
		for r := range s.Trace.Rows {
			s.Trace.put(r, 0, len(grid), x[r*dim:(r+1)*dim])
		}
	}
	var done atomic.Int64
	total := int64(n) * int64(len(grid)-1)
	tick := func(k int) {
		if s.Progress != nil {
			s.Progress(done.Add(int64(k)), total)
		}
	}
	var mu sync.Mutex
	var res Result
	err := par.Rows(ctx, n, rows, s.Workers, func(w, lo, hi int) error {
		if runners[w] == nil {
			runners[w] = newRunner(rows)
		}
		st, err := runners[w](ctx, x[lo*dim:hi*dim], s.First, lo, tick, s.Trace)
		mu.Lock()
		res.add(st)
		mu.Unlock()
		return err
	})
	res.Wall = time.Since(begin)
	switch e := err.(type) {
	case nil:
	case *Error:
		res.Status = e.Status
	default: // the context ended between two groups
		res.Status = Cancelled
		err = &Error{Status: Cancelled, Row: s.First, T: grid[0], Err: err}
	}
	return res, err
}

// groupRows returns the number of points in a row group: about 64 KiB of state,
// so that the state, a few stages and the model's scratch space stay in a level-2
// cache, at least 16 to spread the cost of a call, and no more than gives every
// worker a share.
func groupRows(n, dim int, s *Settings) int {
	if s.Rows > 0 {
		return s.Rows
	}
	w := par.Workers(s.Workers)
	return max(1, min(max(16, min(1024, 8192/dim)), (n+w-1)/w))
}

// FirstNonFinite returns the index of the first value of x that is NaN or infinite, or -1.
// A finite value times zero is zero, so running sums settle the usual case: four of them,
// that one need not wait for another.
func FirstNonFinite(x []float64) int {
	var a, b, c, d float64
	y := x
	for ; len(y) >= 4; y = y[4:] {
		a += y[0] * 0
		b += y[1] * 0
		c += y[2] * 0
		d += y[3] * 0
	}
	for _, v := range y {
		a += v * 0
	}
	if a+b+c+d == 0 {
		return -1
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return i
		}
	}
	return -1
}

// WithModelError completes an *Error with the error that the model has kept, if it
// offers Err() error; any other err is returned as it is.
func WithModelError(err error, model any) error {
	e, ok := err.(*Error)
	if !ok || e.Err != nil {
		return err
	}
	if m, ok := model.(interface{ Err() error }); ok {
		e.Err = m.Err()
	}
	return err
}
