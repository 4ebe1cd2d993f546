package metric

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// denseLimit is the most pairs for which a squared Euclidean cost is held as a matrix,
// with its kernel: 64 MiB in all.
const denseLimit = 1 << 22

// A DivergenceResult is the state that Divergence reached.
type DivergenceResult struct {
	// Value is S_ε, in the units of the cost.
	Value float64
	// F = f_ab - f_aa and G = g_ab - g_bb are its first variations in a and b.
	F, G []float64
	// Iterations counts those of all three problems; MarginalError is the largest of
	// theirs, and Status the first that is not SinkhornConverged.
	Iterations    int
	MarginalError float64
	Status        SinkhornStatus

	ab, aa, bb *entropic
}

// Divergence returns the Sinkhorn divergence for the cost |x - y|²,
//
//	S_ε(a, b) = OT_ε(a, b) - ½ OT_ε(a, a) - ½ OT_ε(b, b)  (+ ε/2 (Σa - Σb)², unbalanced),
//
// which is 0 only for equal laws, is convex in each, and goes to W2² as ε → 0 and to a
// maximum mean discrepancy as ε → ∞ (Feydy, Séjourné, Vialard, Amari, Trouvé and Peyré
// 2019; unbalanced: Séjourné, Feydy, Vialard, Trouvé and Peyré 2019). Each OT_ε is the
// dual objective, whose error is of second order in the marginal error. Memory is
// O((n + m) d), and 64 MiB more at most. The terms of a law with itself have one
// potential, found by f ← ½(f + T f), T being Sinkhorn's update, which converges fast
// (Feydy et al., section 3). F and G of the options start the term of x and y only.
func Divergence(ctx context.Context, x, y []float64, dim int, a, b []float64, o SinkhornOptions) (*DivergenceResult, error) {
	if err := checkPair(x, y, dim, 1); err != nil {
		return nil, err
	}
	cx, cy := newCloud(x, dim), newCloud(y, dim)
	ab, err := newSquared(cx, cy, x, y, a, b, o)
	if err != nil {
		return nil, err
	}
	r := &DivergenceResult{ab: ab}
	ab.startCoarse(ctx)
	cross := ab.solve(ctx)
	r.Value, r.Status, r.MarginalError, r.Iterations = cross.RegCost, cross.Status, cross.MarginalError, cross.Iterations
	r.F, r.G = append(r.F, ab.f...), append(r.G, ab.g...)

	o.F, o.G = nil, nil
	self := func(c *cloud, w, first []float64) (*entropic, error) {
		p, err := newEntropic(newPoints(c, c, o.Workers), w, w, o)
		if err != nil {
			return nil, err
		}
		p.startCoarse(ctx)
		value, status := p.solveSymmetric(ctx)
		r.Value -= value / 2
		r.Iterations += p.iter
		r.MarginalError = max(r.MarginalError, p.err)
		if r.Status == SinkhornConverged {
			r.Status = status
		}
		floats.Sub(first, p.f)
		return p, nil
	}
	if r.aa, err = self(cx, a, r.F); err != nil {
		return nil, err
	}
	if r.bb, err = self(cy, b, r.G); err != nil {
		return nil, err
	}
	if !math.IsInf(ab.o.Rho, 1) {
		d := floats.Sum(ab.a) - floats.Sum(ab.b)
		r.Value += o.Epsilon / 2 * d * d
	}
	return r, nil
}

// newSquared returns the problem between the points of two clouds, with the cost as a
// matrix if it is small.
func newSquared(cx, cy *cloud, x, y, a, b []float64, o SinkhornOptions) (*entropic, error) {
	n, m := len(cx.perm), len(cy.perm)
	if n*m > denseLimit {
		return newEntropic(newPoints(cx, cy, o.Workers), a, b, o)
	}
	c := make([]float64, n*m)
	for i := range n {
		squaredDistances(c[i*m:(i+1)*m], x[i*cx.dim:(i+1)*cx.dim], y)
	}
	return newEntropic(newDense(c, n, m, o.Workers), a, b, o)
}

// solveSymmetric solves the problem of a law with itself, f = g, and returns its dual
// objective.
func (p *entropic) solveSymmetric(ctx context.Context) (float64, SinkhornStatus) {
	n := len(p.f)
	for _, eps := range p.ladder() {
		tol := p.o.Tol
		if eps != p.o.Epsilon {
			tol = max(tol, 0.01)
		}
		half := -p.damping(eps) * eps / 2
		for {
			if p.rows(ctx, p.l[:n], p.logits(p.lb, p.f, eps), eps, nil) != nil {
				return math.NaN(), SinkhornCancelled
			}
			if p.err = p.marginalError(p.l, eps); p.err <= tol {
				break
			}
			if p.iter >= p.o.MaxIter {
				return p.symmetricDual(eps), SinkhornIterationLimit
			}
			for i, l := range p.l[:n] {
				p.f[i] = p.f[i]/2 + half*l
			}
			p.iter++
		}
	}
	return p.symmetricDual(p.o.Epsilon), SinkhornConverged
}

// symmetricDual returns the dual objective from the log-sums in the work space.
func (p *entropic) symmetricDual(eps float64) float64 {
	if eps != p.o.Epsilon {
		return math.NaN() // stopped before the ε that was asked for
	}
	copy(p.g, p.f)
	mass := 0.0
	for i, a := range p.a {
		if a > 0 {
			mass += a * math.Exp(p.f[i]/eps+p.l[i])
		}
	}
	return p.dual(p.f, p.f, mass)
}

// Gradients writes the gradients of S_ε with respect to the points to dx and dy, each
// of the length of its points or nil. By the envelope theorem the potentials count as
// fixed:
//
//	∂S/∂x_i = 2 Σ_j P^ab_ij (x_i - y_j) - 2 Σ_j P^aa_ij (x_i - x_j),
//
// whose error is that of the marginals, of first order.
func (r *DivergenceResult) Gradients(ctx context.Context, dx, dy []float64) error {
	clouds := [2]*cloud{r.aa.geometry.(*points).x, r.bb.geometry.(*points).x}
	cross := newPoints(clouds[0], clouds[1], r.ab.o.Workers)
	eps := r.ab.o.Epsilon
	side := func(dst []float64, ab *points, self, other *entropic, f, g, lb []float64) error {
		if dst == nil {
			return nil
		}
		if len(dst) != len(ab.x.x) {
			panic("metric: the gradient's length is not that of the points")
		}
		clear(dst)
		if err := addPull(ctx, dst, ab, self.a, f, r.ab.logits(lb, g, eps), eps, 1); err != nil {
			return err
		}
		return addPull(ctx, dst, self.geometry.(*points), self.a, self.f, self.logits(self.la, self.f, eps), eps, -1)
	}
	err := errors.Join(
		side(dx, cross, r.aa, r.bb, r.ab.f, r.ab.g, r.ab.lb),
		side(dy, cross.swapped(), r.bb, r.aa, r.ab.g, r.ab.f, r.ab.la))
	if err != nil {
		return fmt.Errorf("metric: gradients: %w", err)
	}
	return nil
}

// addPull adds 2 sign Σ_j P_ij (x_i - y_j) to dst, P being the plan of the potential f
// and the logits h of the other side.
func addPull(ctx context.Context, dst []float64, g *points, a, f, h []float64, eps, sign float64) error {
	n, d := len(f), g.x.dim
	l := make([]float64, n)
	mean := &means{cost: make([]float64, n), point: make([]float64, n*d)}
	if err := g.rows(ctx, l, h, eps, mean); err != nil {
		return err
	}
	for k, i := range g.x.perm {
		if a[i] == 0 {
			continue
		}
		q := 2 * sign * a[i] * math.Exp(f[i]/eps+l[i])
		for j := range d {
			dst[i*d+j] += q * (g.x.x[k*d+j] - mean.point[i*d+j])
		}
	}
	return nil
}

// divergenceScale is ε over the squared median distance within the reference.
const divergenceScale = 0.05

// SinkhornDivergence returns the Sinkhorn divergence S_ε of the samples for the cost
// |x - y|², in the squared units of the samples: near W2² but for the smoothing, and
// without its slow convergence in n (Genevay et al. 2019). ε is h²/20, h being the
// MedianBandwidth of y, so that all samples held against one reference meet the same
// ε. StdErr is the sampling error by the first variations F and G,
//
//	StdErr² = Var F(X)/n + Var G(Y)/m,
//
// and goes to 0 where the laws agree: there the value, which is never negative, has a
// positive mean, and Floor says what it is. Samples beyond Options.MaxPoints are cut
// to random subsets.
func SinkhornDivergence(x, y []float64, dim int, o Options) (Value, error) {
	if err := checkPair(x, y, dim, 2); err != nil {
		return Value{}, err
	}
	h := medianDistance(y, dim, o.Seed)
	limit := o.MaxPoints
	if limit == 0 {
		limit = defaultCap
	}
	x = subset(x, dim, limit, o.Seed, useSubset, 0)
	y = subset(y, dim, limit, o.Seed, useSubset, 1)
	// The value is off by the square of the marginal error.
	r, err := Divergence(context.Background(), x, y, dim, nil, nil, SinkhornOptions{
		Epsilon: divergenceScale * h * h, Scaling: 0.5, Tol: 1e-5, Workers: o.Workers,
	})
	if err != nil {
		return Value{}, err
	}
	if r.Status != SinkhornConverged {
		return Value{}, fmt.Errorf("metric: Sinkhorn divergence: %v at marginal error %.3g", r.Status, r.MarginalError)
	}
	n, m := len(r.F), len(r.G)
	return Value{
		Value:  r.Value,
		StdErr: math.Sqrt(stat.Variance(r.F, nil)/float64(n) + stat.Variance(r.G, nil)/float64(m)),
		NX:     n, NY: m,
	}, nil
}
