package linop

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// A Status says how a Krylov solver ended.
type Status int

const (
	Converged      Status = iota + 1 // the tolerance was met, or the residual vanished
	IterationLimit                   // MaxIter iterations were done
	Breakdown                        // no progress is possible: the system is singular and inconsistent as far as rounding can tell
	Indefinite                       // the matrix or the preconditioner is not positive semidefinite
	NonFinite                        // a NaN or an infinity appeared; x is that of the iteration before, or the start
)

func (s Status) String() string {
	switch s {
	case Converged:
		return "converged"
	case IterationLimit:
		return "iteration limit"
	case Breakdown:
		return "breakdown"
	case Indefinite:
		return "indefinite"
	case NonFinite:
		return "not finite"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// Err returns nil if the solver converged or did all the iterations it was given, and
// otherwise an error that says what was found.
func (s Status) Err() error {
	switch s {
	case Converged, IterationLimit:
		return nil
	case Breakdown:
		return fmt.Errorf("linop: the system is singular and has no solution; use a least-squares solver or add a damping term")
	case Indefinite:
		return fmt.Errorf("linop: the matrix or the preconditioner is not positive semidefinite; check that the adjoint is exact, or use MINRES or GMRES")
	case NonFinite:
		return fmt.Errorf("linop: the operator or the right-hand side gave a NaN or an infinity")
	}
	return fmt.Errorf("linop: %v is no status of a solver", s)
}

// A Result tells how a solver ended. Residual is relative: to the norm of the
// right-hand side, or to that of the first residual if the right-hand side is zero. It
// is the residual of the recurrence, which rounding parts from the true one by about
// the unit roundoff times the condition number.
type Result struct {
	Iterations int
	Residual   float64
	Status     Status
}

// KrylovOptions steer the Krylov solvers. A solver stops as converged at the first
// iterate with
//
//	‖r‖ ≤ max(RTol ‖b‖, ATol)
//
// (‖b‖ is replaced by the first ‖r‖ if b = 0), and after exactly MaxIter iterations
// otherwise; with both tolerances 0 it stops early only if the residual is exactly
// zero or nothing can be gained. A nil *KrylovOptions stands for {RTol: 1e-10}.
type KrylovOptions struct {
	MaxIter    int     // 0: twice the number of unknowns
	RTol, ATol float64 // 0: not used

	// Precond writes M⁻¹ r, with M ≈ S symmetric positive definite; nil is the identity.
	// CG, CGBatch and GMRES use it, others panic if it is set.
	Precond func(dst, r []float64)

	Work  *Work                       // memory to reuse; nil allocates
	Trace func(iter int, res float64) // the start (iter 0) and every iterate, with its relative residual

	// Step is called by CG alone, with the α of each x ← x + α p and before S is applied
	// again: a caller whose S p goes through B p may keep B x = B x₀ + Σ α B p.
	Step func(alpha float64)
}

// Work is memory that a solver keeps from one call to the next; it grows to the largest
// call. It serves one goroutine, one solver at a time. The zero value is ready.
type Work struct {
	buf     []float64
	used    int
	columns []cgColumn // of CGBatch
	sweep   sweep      // of CG and CGBatch
}

// reset makes room for n numbers; earlier takes become invalid.
func (w *Work) reset(n int) {
	if len(w.buf) < n {
		w.buf = make([]float64, n)
	}
	w.used = 0
}

// take returns the next n numbers, whatever they hold.
func (w *Work) take(n int) []float64 {
	s := w.buf[w.used : w.used+n : w.used+n]
	w.used += n
	return s
}

// growColumns makes room for the states of n columns.
func (w *Work) growColumns(n int) {
	if len(w.columns) < n {
		w.columns = make([]cgColumn, n)
	}
}

// prepare returns the options to use for n unknowns, with room for size numbers.
func (o *KrylovOptions) prepare(n, size int) KrylovOptions {
	c := KrylovOptions{RTol: 1e-10}
	if o != nil {
		c = *o
	}
	if c.MaxIter < 0 || !(c.RTol >= 0) || !(c.ATol >= 0) {
		panic("linop: negative or NaN iteration limit or tolerance")
	}
	if c.MaxIter == 0 {
		c.MaxIter = 2 * n
	}
	if c.Work == nil {
		c.Work = new(Work)
	}
	c.Work.reset(size)
	return c
}

// noPrecond panics if a preconditioner is set.
func (o *KrylovOptions) noPrecond() {
	if o != nil && o.Precond != nil {
		panic("linop: this solver takes no preconditioner")
	}
}

func (o *KrylovOptions) trace(iter int, res float64) {
	if o.Trace != nil {
		o.Trace(iter, res)
	}
}

// A gauge turns residual norms into the relative ones of a Result and knows the
// tolerance.
type gauge struct{ unit, tol float64 }

// gauge returns the gauge for a right-hand side and a first residual of these norms.
func (o *KrylovOptions) gauge(bNorm, rNorm float64) gauge {
	g := gauge{unit: bNorm}
	if bNorm == 0 {
		g.unit = rNorm
	}
	g.tol = max(o.RTol*g.unit, o.ATol)
	return g
}

func (g gauge) relative(r float64) float64 {
	if r == 0 {
		return 0
	}
	return r / g.unit
}

// mustLen panics unless a vector has the length wanted of it.
func mustLen(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("linop: %s has length %d, want %d", what, got, want))
	}
}

const unitRoundoff = 0x1p-53

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// norm is the Euclidean norm.
func norm(x []float64) float64 { return rootOf(floats.Dot(x, x), x) }

// rootOf returns the norm of x, given its sum of squares. The scaled algorithm costs ten
// times that sum and is left to the vectors whose squares leave the range of float64.
func rootOf(squares float64, x []float64) float64 {
	if squares > 0x1p-900 && squares < math.Inf(1) {
		return math.Sqrt(squares)
	}
	return floats.Norm(x, 2)
}
