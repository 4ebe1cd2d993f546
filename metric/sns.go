package metric

import (
	"context"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// NewtonOptions are the settings of SinkhornNewton. Of SinkhornOptions, MaxIter bounds
// the Newton steps, 0 meaning 200; Rho must be 0.
type NewtonOptions struct {
	SinkhornOptions
	// Sweeps is the number of Sinkhorn iterations before the first Newton step; 0 means
	// 20.
	Sweeps int
	// Density is the share of the plan's entries that the Hessian keeps; 0 means 15/n,
	// n being the larger side. It is doubled where steps gain less than a factor of ten and
	// are no step of the whole Hessian to a tenth.
	Density float64
}

// A NewtonResult is the state that SinkhornNewton reached. Iterations counts the
// Sinkhorn sweeps and MarginalError is the L1 error of both marginals together.
type NewtonResult struct {
	SinkhornResult
	Newton int // Newton steps
	CG     int // iterations of conjugate gradients, in all of them
}

// SinkhornNewton solves the balanced problem of Sinkhorn by Sinkhorn-Newton-Sparse
// (Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao and Ying, ICLR 2024):
// after a few Sinkhorn sweeps, Newton's method on the concave dual objective
//
//	D(f, g) = a·f + b·g - ε (Σ P_ij - 1),   ∇D = (a - P1, b - Pᵀ1),
//	-∇²D = 1/ε [diag(P1)  P; Pᵀ  diag(Pᵀ1)],
//
// where the Hessian keeps its diagonal and only the largest entries of P. It stays
// diagonally dominant, hence semidefinite, and (1, -1), along which D is constant, stays
// orthogonal to ∇D. Steps come from conjugate gradients with the diagonal as
// preconditioner and are halved until they improve the state, with damping (Levenberg,
// Marquardt) where that takes long. Unlike the paper, each
// state has the f that is best for its g, Sinkhorn's, at no more cost: these are Newton
// steps for max_f D, whose log-sum-exp in place of exponentials lets no long step
// overflow and whose Hessian, with f eliminated,
//
//	1/ε [diag(Pᵀ1) - Pᵀ diag(P1)⁻¹ P],
//
// takes half the iterations. For ε small against the
// costs, where the plan is nearly sparse, some ten steps reach rounding error, where
// Sinkhorn takes thousands of iterations. Status is SinkhornStalled if no step improves
// the state before Tol is met.
func SinkhornNewton(ctx context.Context, c []float64, n, m int, a, b []float64, o NewtonOptions) (*NewtonResult, error) {
	if o.Rho != 0 {
		panic("metric: SinkhornNewton solves the balanced problem only")
	}
	if !(o.Density >= 0 && o.Density <= 1) || o.Sweeps < 0 {
		panic("metric: Density must be in [0, 1] and Sweeps not negative")
	}
	first := o.SinkhornOptions
	if first.MaxIter = o.Sweeps; o.Sweeps == 0 {
		first.MaxIter = 20
	}
	warm, err := Sinkhorn(ctx, c, n, m, a, b, first)
	if err != nil {
		return nil, err
	}
	r := &NewtonResult{SinkhornResult: *warm}
	if warm.Status != SinkhornIterationLimit {
		return r, nil
	}
	if o.MaxIter == 0 {
		o.MaxIter = 200
	}
	s := newNewton(warm.p, o)
	r.Status = s.run(ctx, o.MaxIter)
	r.Newton, r.CG, r.MarginalError = s.steps, s.cg, s.err
	final := warm.p.result(ctx, r.Status)
	r.F, r.G, r.Cost, r.RegCost, r.Status = final.F, final.G, final.Cost, final.RegCost, final.Status
	return r, nil
}

// newton is the second stage.
type newton struct {
	*entropic
	*dense
	keep  int
	steps int
	cg    int
	damp  float64 // of the Hessian's diagonal
	err   float64 // L1 norm of the gradient

	state, trial newtonState
	hessian      sparsePlan
	dg           []float64
	diag         []float64    // of the Hessian's first part
	rows         []float64    // P1, damped
	work         [4][]float64 // of conjugate gradients
	parts        [][]float64  // column sums of each group of rows
}

// A newtonState is a point of the dual with what is computed there.
type newtonState struct {
	f, g []float64
	plan []float64 // n×m
	cols []float64 // Pᵀ1; P1 is a
	grad []float64 // in g; that in f is 0
	dual float64
	err  float64 // |grad|₁
}

func newNewton(p *entropic, o NewtonOptions) *newton {
	d := p.geometry.(*dense)
	if o.Density == 0 {
		o.Density = 15 / float64(max(d.n, d.m))
	}
	s := &newton{entropic: p, dense: d, dg: make([]float64, d.m), diag: make([]float64, d.m), rows: make([]float64, d.n)}
	s.keep = min(d.n*d.m, int(math.Ceil(o.Density*float64(d.n)*float64(d.m))))
	for _, st := range []*newtonState{&s.state, &s.trial} {
		*st = newtonState{f: make([]float64, d.n), g: make([]float64, d.m), plan: make([]float64, d.n*d.m), cols: make([]float64, d.m), grad: make([]float64, d.m)}
	}
	for k := range s.work {
		s.work[k] = make([]float64, d.m)
	}
	s.parts = make([][]float64, (d.n+s.group()-1)/s.group())
	for g := range s.parts {
		s.parts[g] = make([]float64, d.m)
	}
	copy(s.state.f, p.f)
	copy(s.state.g, p.g)
	return s
}

// group is the number of rows whose column sums are taken together.
func (s *newton) group() int { return max(denseRows, (s.n+63)/64) }

// eval sets f to the best for g, computes the plan and all that follows from it.
func (s *newton) eval(ctx context.Context, st *newtonState) error {
	n, m, inv := s.n, s.m, 1/s.o.Epsilon
	f, g := st.f, st.g
	h := s.logits(s.lb, g, s.o.Epsilon)
	err := par.Rows(ctx, n, s.group(), s.workers, func(_, lo, hi int) error {
		part := s.parts[lo/s.group()]
		clear(part)
		for i := lo; i < hi; i++ {
			t := st.plan[i*m : (i+1)*m]
			top := logits(t, h, s.c[i*m:(i+1)*m], inv)
			// Below e⁻³⁵⁰ an entry has no share in a Hessian or a sum.
			sum := simd.ExpSum(t, top, -350)
			f[i] = -s.o.Epsilon * (top + math.Log(sum))
			floats.Scale(s.a[i]/sum, t)
			floats.Add(part, t)
		}
		return nil
	})
	if err != nil {
		return err
	}
	clear(st.cols)
	for _, p := range s.parts {
		floats.Add(st.cols, p)
	}
	floats.SubTo(st.grad, s.b, st.cols)
	st.err = floats.Norm(st.grad, 1)
	st.dual = s.entropic.dual(f, g, floats.Sum(s.a))
	return nil
}

func (s *newton) run(ctx context.Context, limit int) SinkhornStatus {
	status := SinkhornConverged
	if s.eval(ctx, &s.state) != nil {
		s.err = math.NaN()
		return SinkhornCancelled
	}
	for s.state.err > s.o.Tol {
		if s.steps >= limit {
			status = SinkhornIterationLimit
			break
		}
		s.hessian.build(s.state.plan, s.n, s.m, s.keep)
		step, err := s.advance(ctx)
		if err != nil {
			status = SinkhornCancelled
			break
		}
		if step == 0 {
			status = SinkhornStalled
			break
		}
		// A step that gains little and is none of the whole Hessian feels the entries left out.
		if step == 1 && s.trial.err > 0.1*s.state.err && s.defect() > 0.1*s.state.err {
			s.keep = min(2*s.keep, s.n*s.m)
		}
		s.state, s.trial = s.trial, s.state
		s.steps++
	}
	s.err = s.state.err
	copy(s.f, s.state.f)
	copy(s.g, s.state.g)
	return status
}

// defect returns the L1 norm of ∇D - M dg/ε with the whole plan in M.
func (s *newton) defect() float64 {
	t, q := s.rows, s.work[3]
	plan := blas64.General{Rows: s.n, Cols: s.m, Stride: s.m, Data: s.state.plan}
	vector := func(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Data: v, Inc: 1} }
	blas64.Gemv(blas.NoTrans, 1, plan, vector(s.dg), 0, vector(t))
	for i, d := range s.a {
		if d > 0 {
			t[i] /= d
		}
	}
	blas64.Gemv(blas.Trans, 1, plan, vector(t), 0, vector(q))
	sum := 0.0
	for j, v := range q {
		sum += math.Abs(s.state.grad[j] - (s.state.cols[j]*s.dg[j]-v)/s.o.Epsilon)
	}
	return sum
}

// advance tries Newton steps with more and more damping until one improves the state,
// and returns its length or 0. Where the plan is nearly a permutation, or the cost has
// many ties, the Hessian is nearly singular and the undamped step is far too long to
// be mended by shortening it (Levenberg and Marquardt).
func (s *newton) advance(ctx context.Context) (step float64, err error) {
	for range 6 {
		s.solve()
		if step, err = s.search(ctx); err != nil {
			return 0, err
		}
		switch {
		case step == 1:
			if s.damp /= 8; s.damp < 1e-6 {
				s.damp = 0
			}
			return step, nil
		case step < 0.25:
			s.damp = max(8*s.damp, 1e-3)
		}
		if step > 0 {
			return step, nil
		}
	}
	return 0, nil
}

// search halves the step until the dual rises by at least a fifth of what the slope
// promises (a good Newton step gives half), or, where rounding hides the rise, the
// gradient shrinks. It returns the step, or 0 if it became too short.
func (s *newton) search(ctx context.Context) (float64, error) {
	slope := floats.Dot(s.state.grad, s.dg)
	if !(slope > 0) {
		return 0, nil
	}
	// The dual is a sum of terms of the size of the potentials, rounded.
	noise := 1e-13 * (math.Abs(s.state.dual) + s.o.Epsilon)
	for step := 1.0; step > 0.01; step /= 2 {
		floats.AddScaledTo(s.trial.g, s.state.g, step, s.dg)
		if err := s.eval(ctx, &s.trial); err != nil {
			return 0, err
		}
		rise := s.trial.dual - s.state.dual
		if rise >= 0.2*step*slope && rise > noise || math.Abs(rise) <= noise && s.trial.err < 0.9*s.state.err {
			return step, nil
		}
	}
	return 0, nil
}

// solve sets dg to ε times the solution of M dg = ∇D by conjugate gradients, M being the
// sparse ε(-∇²), with its first part as preconditioner.
func (s *newton) solve() {
	x := s.dg
	r, z, p, q := s.work[0], s.work[1], s.work[2], s.work[3]
	for j, d := range s.state.cols {
		s.diag[j] = d + s.damp*max(d, s.b[j])
	}
	for i, d := range s.a {
		s.rows[i] = d + s.damp*d
	}
	precondition := func() float64 {
		for i, d := range s.diag {
			if z[i] = r[i]; d > 0 { // a point of weight 0 has no residual
				z[i] /= d
			}
		}
		return floats.Dot(r, z)
	}
	clear(x)
	copy(r, s.state.grad)
	rz := precondition()
	copy(p, z)
	// Ever more exact solutions make the convergence faster than linear, but none need be
	// more exact than what is asked for.
	target := rz * math.Pow(min(1e-3, max(s.state.err, 0.1*s.o.Tol/s.state.err)), 2)
	for k := 0; k < max(1000, 2*len(x)) && rz > target; k++ {
		s.hessian.mul(q, p, s.rows, s.diag)
		pq := floats.Dot(p, q)
		if !(pq > 0) {
			break // a null direction
		}
		alpha := rz / pq
		floats.AddScaled(x, alpha, p)
		floats.AddScaled(r, -alpha, q)
		next := precondition()
		floats.AddScaledTo(p, z, next/rz, p)
		rz = next
		s.cg++
	}
	// D is constant along g + constant.
	floats.AddConst(-floats.Sum(x)/float64(s.m), x)
	floats.Scale(s.o.Epsilon, x)
}
