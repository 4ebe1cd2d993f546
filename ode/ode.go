// Package ode integrates ordinary differential equations for many points at once.
//
//	dx/dt = f(t, x),   x ∈ R^d,   n points that share the time t
//
// Points are flat: x holds n points of dimension d one after another, so
// len(x) = n·d. Time may run in either direction; the rest of the module uses
// t = 0 for noise and t = 1 for data.
//
// # Parts
//
// A Field is the right-hand side. A Method (Runge-Kutta tableau, multistep
// formula) is immutable options; it makes one Stepper, which owns all work
// space, for each goroutine. A Stepper takes one step and knows nothing of
// loops; March owns the loop over the grid, the cutting of the points into row
// groups that stay in cache, the goroutines, cancellation, the search for
// non-finite values, and the recording of trajectories. Adaptive methods choose
// their steps for each point by itself, so the path of a point never depends on
// the points beside it: results are equal to the bit for any number of workers.
//
// The samplers of diffusion models (DDIM, DPM-Solver, UniPC, DEIS and others) integrate the
// linear part of a Semilinear field exactly. Records lists every fixed-step method with
// its claims.
//
// Misuse that the caller could have known of (lengths that disagree, a nil
// field) panics with a message that starts with "ode: ". What only running
// reveals (a non-finite state, a step that became too small, cancellation) is
// returned as an *Error.
package ode

import (
	"fmt"
	"math"
	"time"
)

// A Field is the right-hand side of dx/dt = f(t, x) for a batch of points that
// share the time t.
//
// Eval writes f(t, x) into dst; len(dst) = len(x) is a multiple of Dim. It must
// not change x, must not keep either slice, and must be safe for concurrent use.
// The value for one point must not depend on the other points of the batch. dst
// and x do not overlap. A model that can fail keeps its first error, offers it as
// Err() error, and writes NaN.
type Field interface {
	Dim() int
	Eval(dst, x []float64, t float64)
}

// A Diverger is a Field that knows its divergence tr ∂f/∂x exactly: dst receives
// one number for each point, len(dst) = len(x)/Dim.
type Diverger interface {
	Field
	Divergence(dst, x []float64, t float64)
}

// A JVPer is a Field that knows the product of its Jacobian with a vector for
// each point, dst = (∂f/∂x) v; len(dst) = len(v) = len(x).
type JVPer interface {
	Field
	JVP(dst, x, v []float64, t float64)
}

// A PerPoint field takes a time for each point: EvalEach writes what Eval would for each
// point alone, to the bit; len(t) = len(x)/Dim. Adaptive then evaluates the points of a row
// group together, although each has steps of its own.
type PerPoint interface {
	Field
	EvalEach(dst, x, t []float64)
}

// Func adapts an ordinary function to Field.
type Func struct {
	D int                               // dimension of a point
	F func(dst, x []float64, t float64) // must be safe for concurrent use
}

// Dim returns the dimension of a point.
func (f Func) Dim() int { return f.D }

// Eval calls F.
func (f Func) Eval(dst, x []float64, t float64) { f.F(dst, x, t) }

// A Stepper advances one group of rows. It belongs to one goroutine, owns its
// work space, and allocates nothing in Step.
type Stepper interface {
	// Begin starts a new group of rows points, the first of which has the index
	// first in the whole batch. History is dropped and noise addressed anew.
	Begin(first, rows int)
	// Step advances x in place from t0 to t1. Within a group, t0 is the t1 of
	// the step before.
	Step(x []float64, t0, t1 float64)
	// NFE returns the number of evaluations of the field for each point since
	// Begin.
	NFE() int
}

// A Method is a fixed-step integration scheme: immutable options that make
// steppers. The rows of NewStepper bound the rows of each later Begin.
type Method interface {
	Name() string
	Order() int // order of the global error
	NewStepper(f Field, rows int) Stepper
}

// Settings are what a run may choose beside the mathematics. Nil and the zero
// value mean the documented defaults. No setting changes a single bit of the
// result.
type Settings struct {
	Workers int // goroutines; GOMAXPROCS if not positive
	Rows    int // points in a row group; chosen to fit in cache if not positive
	First   int // index of the first point in the whole batch, for runs in shards

	// Progress, if not nil, is told how many of the total point steps are done.
	// It is called from several goroutines.
	Progress func(done, total int64)

	// Trace, if not nil, records trajectories.
	Trace *Trace
}

// A Trace records the trajectories of the first Rows points at every grid time.
type Trace struct {
	Rows int
	// X receives Rows × len(grid) × d values: trajectory after trajectory, each
	// with one point a grid time. It is made by the solver.
	X []float64
}

func (tr *Trace) start(x []float64, dim, times int) {
	tr.Rows = min(tr.Rows, len(x)/dim)
	tr.X = make([]float64, tr.Rows*times*dim)
}

// put stores the point x of a row at grid index k.
func (tr *Trace) put(row, k, times int, x []float64) {
	if tr != nil && row < tr.Rows {
		copy(tr.X[(row*times+k)*len(x):], x)
	}
}

// Stats counts the work of a run.
type Stats struct {
	Points   int           // points integrated to the end
	Evals    int64         // evaluations of the field, summed over the points
	MaxNFE   int           // most evaluations for a single point
	Accepted int64         // steps taken, summed over the points
	Rejected int64         // steps refused by the error control, summed over the points
	Wall     time.Duration // wall time
}

// NFE returns the number of evaluations for each point, as papers count them: the
// mean over the points, equal for all points unless the method is adaptive.
func (s Stats) NFE() float64 {
	if s.Points == 0 {
		return 0
	}
	return float64(s.Evals) / float64(s.Points)
}

func (s *Stats) add(o Stats) {
	s.Points += o.Points
	s.Evals += o.Evals
	s.MaxNFE = max(s.MaxNFE, o.MaxNFE)
	s.Accepted += o.Accepted
	s.Rejected += o.Rejected
}

// A Status says how a run ended.
type Status int

// The ways in which a run ends.
const (
	Done         Status = iota // reached the end of the grid
	Cancelled                  // the context ended
	NonFinite                  // a point became NaN or infinite
	StepTooSmall               // the error control asked for a step below MinStep
	TooManySteps               // MaxSteps steps did not reach the end
)

var statusText = [...]string{
	Done:         "done",
	Cancelled:    "cancelled",
	NonFinite:    "non-finite value",
	StepTooSmall: "step size too small",
	TooManySteps: "too many steps",
}

// String returns a short description.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusText) {
		return fmt.Sprintf("Status(%d)", int(s))
	}
	return statusText[s]
}

// A Result is the outcome of a run; on an error it tells what was done before.
type Result struct {
	Stats
	Status Status
}

// An Error is a run that did not reach its end.
type Error struct {
	Status Status
	Row    int     // index of the point in the whole batch; of several, which one may depend on the row groups
	Step   int     // index of the step, from 0
	T      float64 // time reached
	Err    error   // the model's or the context's own error, or nil
}

// Error describes where and why the run ended.
func (e *Error) Error() string {
	if e.Status == Cancelled {
		return "ode: cancelled: " + e.Err.Error()
	}
	s := fmt.Sprintf("ode: %s at point %d, step %d, t = %.6g", e.Status, e.Row, e.Step, e.T)
	switch e.Status {
	case NonFinite:
		s += " (does the grid touch a time where the field is singular, or is the step too long?)"
	case StepTooSmall:
		s += " (loosen the tolerances, or keep away from a singular time)"
	case TooManySteps:
		s += " (raise the limit or loosen the tolerances)"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the model's or the context's own error.
func (e *Error) Unwrap() error { return e.Err }

// CheckGrid returns an error unless the grid is finite and strictly monotone.
func CheckGrid(grid []float64) error {
	if len(grid) == 0 {
		return fmt.Errorf("ode: the time grid is empty")
	}
	for i, t := range grid {
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return fmt.Errorf("ode: the time grid has the value %v at index %d", t, i)
		}
		if i == 0 {
			continue
		}
		if t == grid[i-1] {
			return fmt.Errorf("ode: the time grid repeats the value %v at index %d", t, i)
		}
		if (t > grid[i-1]) != (grid[1] > grid[0]) {
			return fmt.Errorf("ode: the time grid is not monotone at index %d (%v after %v)", i, t, grid[i-1])
		}
	}
	return nil
}
