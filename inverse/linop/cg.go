package linop

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// CG solves S x = b for a symmetric positive semidefinite S by the conjugate gradients
// of Hestenes and Stiefel (1952), preconditioned if o.Precond is set. x holds the start
// and receives the solution; apply writes S x. From the start x₀ the k-th iterate
// minimises the energy norm of the error over x₀ + span{r₀, S r₀, …, Sᵏ⁻¹ r₀}; a
// component of x₀ in the null space of S stays as it is.
//
// One iteration costs one application of S, and there is one more for the start. If S
// is Hermitian and the vectors hold complex numbers as pairs (re, im), this is the
// complex algorithm: the inner products it needs are real.
//
// Whatever the Status, x is the last good iterate. A direction p with
// pᵀSp < 0 ends it as Indefinite; one that S maps to zero as far as rounding can tell,
// as Breakdown. CG panics if the lengths of x and b differ. It allocates nothing once
// o.Work has grown.
func CG(x []float64, apply func(dst, x []float64), b []float64, o *KrylovOptions) Result {
	n := len(x)
	mustLen("the right-hand side", len(b), n)
	c := o.prepare(n, 4*n)
	r, p, q := c.Work.take(n), c.Work.take(n), c.Work.take(n)
	z := r // without a preconditioner
	if c.Precond != nil {
		z = c.Work.take(n)
	}

	apply(q, x)
	floats.SubTo(r, b, q)
	var s cgColumn
	if s.start(&c, p, r, z, b); s.Status != 0 {
		return s.Result
	}
	for s.Status == 0 {
		apply(q, p)
		s.step(&c, x, r, p, q, z)
	}
	return s.Result
}

// A cgColumn is the state of the conjugate gradients for one right-hand side; Status 0
// means that it goes on. The vectors are the caller's, so that CG and CGBatch share
// each operation and its rounding.
type cgColumn struct {
	Result
	gauge
	rz   float64 // rᵀ M⁻¹ r
	size float64 // largest ‖S p‖/‖p‖ met, a lower bound on ‖S‖
}

// start sets the first direction from the first residual r.
func (s *cgColumn) start(o *KrylovOptions, p, r, z, b []float64) {
	rNorm := norm(r)
	s.gauge = o.gauge(norm(b), rNorm)
	s.judge(o, rNorm)
	if s.Status == 0 {
		s.precondition(o, r, z, rNorm)
		copy(p, z)
	}
}

// judge records the residual of the iterate and ends the iteration if it is time.
func (s *cgColumn) judge(o *KrylovOptions, rNorm float64) {
	s.Residual = s.relative(rNorm)
	switch {
	case !finite(rNorm):
		s.Status = NonFinite
		return
	case rNorm <= s.tol:
		s.Status = Converged
	case s.Iterations == o.MaxIter:
		s.Status = IterationLimit
	}
	o.trace(s.Iterations, s.Residual)
}

// precondition sets z = M⁻¹ r and rᵀz.
func (s *cgColumn) precondition(o *KrylovOptions, r, z []float64, rNorm float64) {
	if o.Precond == nil {
		s.rz = rNorm * rNorm
		return
	}
	o.Precond(z, r)
	s.rz = floats.Dot(r, z)
	switch {
	case !finite(s.rz):
		s.Status = NonFinite
	case s.rz <= 0: // r is not zero here
		s.Status = Indefinite
	}
}

// step takes one iteration, with q = S p. x moves along with the next direction, in one pass,
// unless it is the last iterate or Trace may look at it.
func (s *cgColumn) step(o *KrylovOptions, x, r, p, q, z []float64) {
	v := &o.Work.sweep
	pq, pp, qq := v.dots(p, q)
	pNorm, qNorm := math.Sqrt(pp), math.Sqrt(qq)
	switch {
	case !finite(pq) || !finite(qq) || !finite(pp):
		s.Status = NonFinite
	// Below this S p is rounding, whatever its sign.
	case qNorm <= unitRoundoff*s.size*pNorm || math.Abs(pq) <= unitRoundoff*pNorm*qNorm:
		s.Status = Breakdown
	case pq < 0:
		s.Status = Indefinite
	}
	if s.Status != 0 {
		return
	}
	s.size = max(s.size, qNorm/pNorm)

	alpha := s.rz / pq
	rNorm, old := v.subtract(r, alpha, q), s.rz
	if !finite(rNorm) || !finite(alpha) {
		s.Status = NonFinite
		return
	}
	if o.Step != nil {
		o.Step(alpha)
	}
	s.Iterations++
	if o.Trace != nil {
		v.add(x, alpha, p)
		alpha = 0 // done
	}
	if s.judge(o, rNorm); s.Status == 0 {
		s.precondition(o, r, z, rNorm)
	}
	if s.Status != 0 {
		v.add(x, alpha, p)
		return
	}
	v.advance(x, alpha, p, s.rz/old, z)
}
