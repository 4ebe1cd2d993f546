package inverse

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/tweedie"
)

// A Gain turns the denoised point x̂0 = D(x) of the prior into an estimate of E[x₁|x, y].
//
// Estimate writes it into dst for the one point that l describes. It must be safe for
// concurrent use, which it is if all that changes is in l, and allocate nothing.
type Gain interface {
	Estimate(dst []float64, l *Local)
}

// A Conditional is the y-aware denoiser
//
//	D(x, y) = x̂0 + G (y - A x̂0),   x̂0 = D(x) of the prior,
//
// with the gain G of a method, so that every solver of the module samples the
// posterior. It is safe for concurrent use. Each point is estimated by itself, with a
// Krylov iteration of its own. Gains of a covariance that divides by α (Tweedie and
// Proximal, so MMPS, PiGDM, TMPD, DiffPIR and DMPS) need α > 0, unlike a score.Denoiser:
// start the grid where there is some signal, as interpolant.LogSNRGrid does.
type Conditional struct {
	problem  *Problem
	prior    score.Denoiser
	model    tweedie.Model
	gain     Gain
	jacobian bool      // whether the gain uses the prior's
	pool     sync.Pool // *Local
	counts   counters
}

// NewConditional returns the y-aware denoiser of a problem, a prior and a gain. A gain
// that uses the Jacobian of a prior that is no score.JVPer takes tweedie.Differences of
// it. It returns an error if prior and operator differ in dimension or the gain cannot
// work with the problem.
func NewConditional(p *Problem, prior score.Denoiser, g Gain) (*Conditional, error) {
	if _, cols := p.Dims(); cols != prior.Dim() {
		return nil, fmt.Errorf("inverse: the operator acts on %d values, but the prior's points have %d", cols, prior.Dim())
	}
	if c, ok := g.(interface{ check(p *Problem) error }); ok {
		if err := c.check(p); err != nil {
			return nil, err
		}
	}
	c := &Conditional{problem: p, prior: prior, model: tweedie.ModelOf(prior), gain: g}
	if j, ok := g.(interface{ jacobian() bool }); ok {
		c.jacobian = j.jacobian()
	}
	c.pool.New = func() any { return newLocal(p, c.model) }
	return c, nil
}

// Dim returns the dimension of a point.
func (c *Conditional) Dim() int { return c.prior.Dim() }

// Denoise writes D(x, y).
func (c *Conditional) Denoise(dst, x []float64, alpha, sigma float64) {
	if !c.jacobian {
		c.prior.Denoise(dst, x, alpha, sigma)
		c.update(dst, x, dst, alpha, sigma)
		return
	}
	l := c.pool.Get().(*Local)
	d := c.Dim()
	for lo := 0; lo < len(x); lo += d {
		l.denoise(x[lo:lo+d], alpha, sigma)
		c.gain.Estimate(dst[lo:lo+d], l)
	}
	c.counts.add(&l.counts)
	c.pool.Put(l)
}

// update writes D(x, y), given D(x) of the prior, which may be in the same place.
func (c *Conditional) update(dst, x, mean []float64, alpha, sigma float64) {
	l := c.pool.Get().(*Local)
	d := c.Dim()
	for lo := 0; lo < len(x); lo += d {
		l.at(x[lo:lo+d], mean[lo:lo+d], alpha, sigma)
		c.gain.Estimate(dst[lo:lo+d], l)
	}
	c.counts.add(&l.counts)
	c.pool.Put(l)
}

// Err returns the prior's first error if it keeps one.
func (c *Conditional) Err() error {
	if e, ok := c.prior.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// Problem returns the problem.
func (c *Conditional) Problem() *Problem { return c.problem }

// Prior returns the denoiser of the prior.
func (c *Conditional) Prior() score.Denoiser { return c.prior }

// Counts is work done so far, beside the evaluations of the denoiser, which the solvers
// count as NFE. All are sums over the points.
type Counts struct {
	JVP            int64 // Jacobian-vector products of the prior
	Apply, Adjoint int64 // applications of A, V or U and of their transposes
	Solves         int64 // linear systems
	Unfinished     int64 // systems that the iteration limit ended, or a breakdown
}

// Counts returns the work done so far.
func (c *Conditional) Counts() Counts { return c.counts.load() }

type counters struct{ jvp, apply, adjoint, solves, unfinished atomic.Int64 }

// add moves the counts of one call over.
func (c *counters) add(n *Counts) {
	c.jvp.Add(n.JVP)
	c.apply.Add(n.Apply)
	c.adjoint.Add(n.Adjoint)
	c.solves.Add(n.Solves)
	c.unfinished.Add(n.Unfinished)
	*n = Counts{}
}

func (c *counters) load() Counts {
	return Counts{c.jvp.Load(), c.apply.Load(), c.adjoint.Load(), c.solves.Load(), c.unfinished.Load()}
}
