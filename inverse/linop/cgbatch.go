package linop

import "gonum.org/v1/gonum/floats"

// CGBatch solves S xₖ = bₖ for many right-hand sides that lie one after another in b,
// by CG with steps of its own for each: every solution is the same to the last bit as
// that of CG alone, provided that apply treats the columns alike. apply writes S x for
// all columns at once, as Batch does; those that are done have x = 0 there. x holds the
// starts and receives the solutions. The results are written to res, one a column.
//
// o.MaxIter counts iterations of each column, and its default is twice the size of one;
// o.Precond takes one column at a time, and o.Trace receives the largest relative
// residual. CGBatch panics if len(res) does not divide len(x).
func CGBatch(x []float64, apply func(dst, x []float64), b []float64, res []Result, o *KrylovOptions) {
	cols := len(res)
	mustPositive(cols)
	n := len(x) / cols
	mustLen("the start", len(x), n*cols)
	mustLen("the right-hand side", len(b), len(x))
	c := o.prepare(n, 4*len(x))
	c.Work.growColumns(cols)
	r, p, q := c.Work.take(len(x)), c.Work.take(len(x)), c.Work.take(len(x))
	z := r // without a preconditioner
	if c.Precond != nil {
		z = c.Work.take(len(x))
	}
	trace := c.Trace
	c.Trace, c.Step = nil, nil // the columns' own

	apply(q, x)
	floats.SubTo(r, b, q)
	state := c.Work.columns[:cols]
	for iter := 0; ; iter++ {
		busy, worst := false, 0.0
		for k := range state {
			s, lo, hi := &state[k], k*n, (k+1)*n
			switch {
			case iter == 0:
				*s = cgColumn{}
				s.start(&c, p[lo:hi], r[lo:hi], z[lo:hi], b[lo:hi])
			case s.Status == 0:
				s.step(&c, x[lo:hi], r[lo:hi], p[lo:hi], q[lo:hi], z[lo:hi])
			}
			if s.Status == 0 {
				busy = true
			} else {
				clear(p[lo:hi])
			}
			worst = max(worst, s.Residual)
			res[k] = s.Result
		}
		if trace != nil {
			trace(iter, worst)
		}
		if !busy {
			return
		}
		apply(q, p)
	}
}
