package metric

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// A SinkhornResult is the state that an entropic solver reached.
type SinkhornResult struct {
	// F and G are the dual potentials, in the units of the cost. The plan is
	//
	//	P_ij = a_i b_j exp((F_i + G_j - C_ij)/ε).
	F, G []float64
	// Cost is Σ P_ij C_ij, and RegCost the dual objective, equal at the solution to
	// Σ P_ij C_ij + ε KL(P | a⊗b) (and the penalties of the unbalanced problem) and
	// below it elsewhere. Both are NaN if the run was cancelled.
	Cost, RegCost float64
	// Iterations counts updates of both potentials, over all ε.
	Iterations int
	// MarginalError is the L1 distance of the plan's first marginal from a, or, if
	// unbalanced, from a exp(-F/ρ), which it equals at the solution; the second is met
	// after each iteration. It is NaN if it was never measured.
	MarginalError float64
	Status        SinkhornStatus

	p *entropic
}

// Sinkhorn solves the entropic transport problem of the n×m cost matrix c, row after
// row, between the weights a and b (nil means uniform, of sum 1),
//
//	min Σ P_ij C_ij + ε KL(P | a⊗b),   P1 = a, Pᵀ1 = b,   KL(P|Q) = Σ P log(P/Q) - P + Q,
//
// or with ρ KL(P1 | a) + ρ KL(Pᵀ1 | b) in place of the constraints (Chizat, Peyré,
// Schmitzer and Vialard 2018, Math. Comp. 87, 2563), by the iteration
//
//	f_i = -λ ε log Σ_j b_j exp((g_j - C_ij)/ε),   g_j = -λ ε log Σ_i a_i exp((f_i - C_ij)/ε),
//
// λ = ρ/(ρ + ε), in logarithms, so that no ε underflows; where the potentials have
// settled, in kernel form with absorption (Schmitzer 2019, SIAM J. Sci. Comput. 41,
// A1443). A point of weight 0 gets the potential that the formula extends to it.
//
// Balanced weights must sum to 1. Negative weights and values that are not finite give
// an error, as does an ε so far below the costs that float64 leaves no digit of the
// plan. That the iteration stopped early is no error: see Status.
func Sinkhorn(ctx context.Context, c []float64, n, m int, a, b []float64, o SinkhornOptions) (*SinkhornResult, error) {
	if n < 1 || m < 1 || len(c) != n*m {
		panic("metric: the cost must be a matrix of n×m values")
	}
	for k, v := range c {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("metric: cost (%d, %d) is %v", k/m, k%m, v)
		}
	}
	p, err := newEntropic(newDense(c, n, m, o.Workers), a, b, o)
	if err != nil {
		return nil, err
	}
	return p.solve(ctx), nil
}

// A geometry is a cost between n and m points, known by the sums that it takes part in.
type geometry interface {
	size() (n, m int)
	// spread returns the largest |C_ij|, or a bound of it.
	spread() float64
	// row writes C_ij for all j.
	row(dst []float64, i int)
	// rows writes L_i = log Σ_j exp(h_j - C_ij/ε) to dst and, if mean is not nil, means
	// under the weights exp(h_j - C_ij/ε - L_i); cols does the same with h_i and L_j,
	// without means. After an error, the end of ctx, dst holds anything.
	rows(ctx context.Context, dst, h []float64, eps float64, mean *means) error
	cols(ctx context.Context, dst, h []float64, eps float64) error
}

// means receive, for each i, the means of the cost and of the points y, unless nil.
type means struct {
	cost  []float64
	y     []float64 // m points of dimension dim
	dim   int
	point []float64
}

// An entropic is a transport problem, its potentials and the work space.
type entropic struct {
	geometry
	o      SinkhornOptions
	a, b   []float64
	la, lb []float64 // logarithms of a and b

	f, g   []float64
	h, l   []float64 // logits of one side and log-sums of the other
	kernel *kernel   // nil in the log domain
	iter   int
	err    float64
	from   float64 // the ε at which the descent begins; 0 for the largest cost
}

func newEntropic(geo geometry, a, b []float64, o SinkhornOptions) (*entropic, error) {
	if !(o.Epsilon > 0) || math.IsInf(o.Epsilon, 1) {
		panic("metric: Epsilon must be positive and finite")
	}
	if o.Rho == 0 {
		o.Rho = math.Inf(1)
	}
	if o.Tol == 0 {
		o.Tol = 1e-9
	}
	if o.MaxIter == 0 {
		o.MaxIter = 10_000
	}
	if !(o.Rho > 0) || !(o.Tol > 0) || o.MaxIter < 0 || !(o.Scaling >= 0 && o.Scaling <= 0.99) {
		panic("metric: Rho, Tol and MaxIter must be positive and Scaling in [0, 0.99]")
	}
	n, m := geo.size()
	p := &entropic{geometry: geo, o: o, err: math.NaN(), h: make([]float64, max(n, m)), l: make([]float64, max(n, m))}
	var err error
	if p.a, p.la, err = weights("a", a, n, o.Rho); err != nil {
		return nil, err
	}
	if p.b, p.lb, err = weights("b", b, m, o.Rho); err != nil {
		return nil, err
	}
	// The logarithm of the plan is a difference of terms as large as this.
	if r := geo.spread() / o.Epsilon; r*0x1p-53 > 0.01 {
		return nil, fmt.Errorf("metric: ε = %g is too small: costs are up to %.3g ε, of which float64 keeps no fraction", o.Epsilon, r)
	}
	p.f, p.g = start("F", o.F, n), start("G", o.G, m)
	if d, ok := geo.(*dense); ok && !o.LogDomain {
		p.kernel = newKernel(d)
	}
	return p, nil
}

func (p *entropic) solve(ctx context.Context) *SinkhornResult {
	status := SinkhornConverged
	for _, e := range p.ladder() {
		tol := p.o.Tol
		if e != p.o.Epsilon {
			tol = max(tol, 0.01)
		}
		if status = p.level(ctx, e, tol); status == SinkhornIterationLimit && e != p.o.Epsilon {
			// The state is reported at the ε that was asked for: one more iteration makes it
			// a plan there, whose error is then known.
			p.o.MaxIter = p.iter + 1
			status = p.level(ctx, p.o.Epsilon, p.o.Tol)
		}
		if status != SinkhornConverged {
			break
		}
	}
	return p.result(ctx, status)
}

// level iterates at one ε.
func (p *entropic) level(ctx context.Context, eps, tol float64) SinkhornStatus {
	for first := true; ; first = false {
		if p.rows(ctx, p.l[:len(p.f)], p.logits(p.lb, p.g, eps), eps, nil) != nil {
			return SinkhornCancelled
		}
		// The marginals of the state after an update of g; there is none at first.
		if !first {
			p.err = p.marginalError(p.l, eps)
			if p.err <= tol {
				return SinkhornConverged
			}
		}
		if p.iter >= p.o.MaxIter {
			return SinkhornIterationLimit
		}
		moved := p.update(p.f, eps)
		if p.cols(ctx, p.l[:len(p.g)], p.logits(p.la, p.f, eps), eps) != nil {
			return SinkhornCancelled
		}
		moved = max(moved, p.update(p.g, eps))
		p.iter++
		// A kernel pays if the potentials will not leave its range at once.
		if p.kernel != nil && moved < kernelRange/10 {
			if status, done := p.iterateKernel(ctx, eps, tol); done {
				return status
			}
		}
	}
}

// logits returns log w + v/ε, in the work space.
func (p *entropic) logits(logW, v []float64, eps float64) []float64 {
	h := p.h[:len(v)]
	for i := range h {
		h[i] = logW[i] + v[i]/eps
	}
	return h
}

// damping returns λ = ρ/(ρ + ε).
func (p *entropic) damping(eps float64) float64 { return 1 / (1 + eps/p.o.Rho) }

// update sets v = -λ ε L from the log-sums in the work space and returns the largest
// change in units of ε.
func (p *entropic) update(v []float64, eps float64) float64 {
	scale := -p.damping(eps) * eps
	moved := 0.0
	for i, l := range p.l[:len(v)] {
		u := scale * l
		moved = max(moved, math.Abs(u-v[i]))
		v[i] = u
	}
	return moved / eps
}

// marginalError returns Σ |(P1)_i - a_i exp(-f_i/ρ)| from the log-sums l of the rows.
func (p *entropic) marginalError(l []float64, eps float64) float64 {
	sum := 0.0
	for i, a := range p.a {
		if a > 0 {
			sum += a * math.Abs(math.Exp(p.f[i]/eps+l[i])-math.Exp(-p.f[i]/p.o.Rho))
		}
	}
	return sum
}

// result computes the costs of the state reached.
func (p *entropic) result(ctx context.Context, status SinkhornStatus) *SinkhornResult {
	r := &SinkhornResult{
		F: p.f, G: p.g, Iterations: p.iter, MarginalError: p.err, Status: status,
		Cost: math.NaN(), RegCost: math.NaN(), p: p,
	}
	if status == SinkhornCancelled {
		return r
	}
	n, eps := len(p.f), p.o.Epsilon
	mean := &means{cost: make([]float64, n)}
	if p.rows(ctx, p.l[:n], p.logits(p.lb, p.g, eps), eps, mean) != nil {
		r.Status = SinkhornCancelled
		return r
	}
	var cost, mass float64
	for i, a := range p.a {
		if a > 0 {
			q := a * math.Exp(p.f[i]/eps+p.l[i])
			mass += q
			cost += q * mean.cost[i]
		}
	}
	r.Cost, r.RegCost = cost, p.dual(p.f, p.g, mass)
	return r
}

// dual returns the dual objective of potentials whose plan has the given mass,
//
//	-ρ Σ a (exp(-f/ρ) - 1) - ρ Σ b (exp(-g/ρ) - 1) - ε (mass - Σ a Σ b),
//
// where the first terms are Σ a f and Σ b g in the balanced problem.
func (p *entropic) dual(f, g []float64, mass float64) float64 {
	return p.linear(p.a, f) + p.linear(p.b, g) - p.o.Epsilon*(mass-floats.Sum(p.a)*floats.Sum(p.b))
}

func (p *entropic) linear(w, v []float64) float64 {
	if math.IsInf(p.o.Rho, 1) {
		return floats.Dot(w, v)
	}
	sum := 0.0
	for i, u := range v {
		sum -= p.o.Rho * w[i] * math.Expm1(-u/p.o.Rho)
	}
	return sum
}
