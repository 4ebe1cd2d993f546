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

const (
	// kernelRange bounds |log u| and |log v| between absorptions.
	kernelRange = 100
	// kernelCutoff is the logarithm below which an entry of the kernel is 0: with u and
	// v at the ends of their range it is still negligible.
	kernelCutoff = 2*negligible - 2*kernelRange
	// kernelBytes is the part of the kernel that is read twice while in cache.
	kernelBytes = 1 << 18
)

// A kernel is K_ij = exp((F_i + G_j - C_ij)/ε) with the scalings u = exp((f - F)/ε) and
// v = exp((g - G)/ε) that have arisen since. An iteration is two products with K, which
// are done in one pass: a block of rows gives u, which with the same block gives its
// part of Kᵀ(a∘u). The parts of fixed groups of rows are added in order.
type kernel struct {
	*dense
	k      []float64
	group  int         // rows of a group
	block  int         // rows of a block
	parts  [][]float64 // of each group
	failed []bool      // of each group: whether u leaves the range
	bv     []float64   // b∘v
	x      []float64   // K(b∘v)
	u, v   []float64
	nu, nv []float64 // the next u and v
	au     []float64 // a∘nu
	relax  relaxation
}

func newKernel(d *dense) *kernel {
	k := &kernel{dense: d, k: make([]float64, len(d.c)), group: max(32, (d.n+63)/64)}
	k.block = min(k.group, max(4, kernelBytes/(8*d.m)))
	groups := (d.n + k.group - 1) / k.group
	k.parts, k.failed = make([][]float64, groups), make([]bool, groups)
	for g := range k.parts {
		k.parts[g] = make([]float64, d.m)
	}
	for _, v := range []*[]float64{&k.x, &k.u, &k.nu, &k.au} {
		*v = make([]float64, d.n)
	}
	for _, v := range []*[]float64{&k.bv, &k.v, &k.nv} {
		*v = make([]float64, d.m)
	}
	return k
}

// build computes the kernel at the potentials of p. Points of weight 0 are left out:
// nothing bounds their entries.
func (k *kernel) build(ctx context.Context, p *entropic, eps float64) error {
	inv := 1 / eps
	for j := range k.bv {
		k.bv[j] = p.g[j] * inv
		if p.b[j] == 0 {
			k.bv[j] = math.Inf(-1)
		}
		k.v[j] = 1
	}
	for i := range k.u {
		k.u[i] = 1
	}
	return par.Rows(ctx, k.n, denseRows, k.workers, func(_, lo, hi int) error {
		for i := lo; i < hi; i++ {
			t := k.k[i*k.m : (i+1)*k.m]
			if p.a[i] == 0 {
				clear(t)
				continue
			}
			logits(t, k.bv, k.c[i*k.m:(i+1)*k.m], inv)
			simd.ExpSum(t, -p.f[i]*inv, kernelCutoff)
		}
		return nil
	})
}

// step computes x = K(b∘v) and the next scalings; ok is false if they leave the range.
func (k *kernel) step(ctx context.Context, p *entropic, eps float64) (ok bool, err error) {
	floats.MulTo(k.bv, p.b, k.v)
	err = par.Rows(ctx, k.n, k.group, k.workers, func(_, lo, hi int) error {
		g := lo / k.group
		part := blas64.Vector{N: k.m, Data: k.parts[g], Inc: 1}
		clear(part.Data)
		k.failed[g] = false
		for ; lo < hi; lo += k.block {
			to := min(lo+k.block, hi)
			rows := blas64.General{Rows: to - lo, Cols: k.m, Stride: k.m, Data: k.k[lo*k.m : to*k.m]}
			x := blas64.Vector{N: to - lo, Data: k.x[lo:to], Inc: 1}
			blas64.Gemv(blas.NoTrans, 1, rows, blas64.Vector{N: k.m, Data: k.bv, Inc: 1}, 0, x)
			if !p.scale(k.nu[lo:to], k.u[lo:to], k.x[lo:to], p.a[lo:to], p.f[lo:to], eps) {
				k.failed[g] = true
				return nil
			}
			au := blas64.Vector{N: to - lo, Data: k.au[lo:to], Inc: 1}
			floats.MulTo(au.Data, p.a[lo:to], k.nu[lo:to])
			blas64.Gemv(blas.Trans, 1, rows, au, 1, part)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	for g, bad := range k.failed {
		if bad {
			return false, nil
		}
		if g > 0 {
			floats.Add(k.parts[0], k.parts[g])
		}
	}
	return p.scale(k.nv, k.v, k.parts[0], p.b, p.g, eps), nil
}

// scale writes the scalings that follow from the sums x of the kernel: those with
//
//	F + ε log u = -λ ε (log x - F/ε),   u = x^-λ exp((λ - 1) F/ε),
//
// relaxed from the scalings old, and reports whether all are in range. v is the absorbed
// potential F.
func (p *entropic) scale(dst, old, x, w, v []float64, eps float64) bool {
	lo, hi := math.Exp(-kernelRange), math.Exp(kernelRange)
	lambda, over := p.damping(eps), p.kernel.relax.omega-1
	for i, s := range x {
		u := 1 / s
		switch {
		case w[i] == 0:
			u = 1
		case lambda < 1:
			u = math.Exp(-lambda*math.Log(s) + (lambda-1)*v[i]/eps)
		}
		if over > 0 {
			u *= math.Exp(over * math.Log(u/old[i]))
		}
		if !(u >= lo && u <= hi) {
			return false
		}
		dst[i] = u
	}
	return true
}

// iterateKernel iterates in kernel form until the run is done or the scalings leave
// their range, and absorbs them.
func (p *entropic) iterateKernel(ctx context.Context, eps, tol float64) (status SinkhornStatus, done bool) {
	k := p.kernel
	if k.build(ctx, p, eps) != nil {
		return SinkhornCancelled, true
	}
	k.relax.start()
	for plain := true; ; {
		ok, err := k.step(ctx, p, eps)
		if err != nil {
			status, done = SinkhornCancelled, true
			break
		}
		// If a scaling failed, x may be incomplete; the next update measures the error.
		if ok {
			if p.err = k.marginalError(p, eps); p.err <= tol && plain {
				status, done = SinkhornConverged, true
				break
			}
		}
		if ok && p.iter >= p.o.MaxIter {
			status, done = SinkhornIterationLimit, true
			break
		}
		if !ok {
			break
		}
		k.u, k.nu = k.nu, k.u
		k.v, k.nv = k.nv, k.v
		p.iter++
		plain = k.relax.omega == 1
		if p.o.Relax {
			k.relax.next(p.err)
			if p.err <= tol {
				// The second marginal is met after an iteration that is not relaxed.
				k.relax.omega, k.relax.count = 1, 0
			}
		}
	}
	absorb(p.f, k.u, eps)
	absorb(p.g, k.v, eps)
	if done {
		p.extend(ctx, eps)
	}
	return status, done
}

// absorb adds ε log u to the potential v.
func absorb(v, u []float64, eps float64) {
	for i := range v {
		v[i] += eps * math.Log(u[i])
	}
}

// marginalError is entropic.marginalError from the kernel's sums.
func (k *kernel) marginalError(p *entropic, eps float64) float64 {
	balanced := math.IsInf(p.o.Rho, 1)
	sum := 0.0
	for i, a := range p.a {
		want := 1.0
		if !balanced {
			want = math.Exp(-(p.f[i] + eps*math.Log(k.u[i])) / p.o.Rho)
		}
		if a > 0 {
			sum += a * math.Abs(k.u[i]*k.x[i]-want)
		}
	}
	return sum
}

// extend computes the potentials of the points of weight 0, which the kernel leaves.
func (p *entropic) extend(ctx context.Context, eps float64) {
	set := func(v, w []float64) {
		for i := range v {
			if w[i] == 0 {
				v[i] = -p.damping(eps) * eps * p.l[i]
			}
		}
	}
	if floats.Min(p.a) == 0 && p.rows(ctx, p.l[:len(p.f)], p.logits(p.lb, p.g, eps), eps, nil) == nil {
		set(p.f, p.a)
	}
	if floats.Min(p.b) == 0 && p.cols(ctx, p.l[:len(p.g)], p.logits(p.la, p.f, eps), eps) == nil {
		set(p.g, p.b)
	}
}
