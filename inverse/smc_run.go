package inverse

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"gonum.org/v1/gonum/floats"
)

// An smcRun is a run under way.
type smcRun struct {
	SMC
	s        *score.Sampler
	c        *Conditional
	set      *ode.Settings
	d        int
	at       []interpolant.Coeffs // of the grid
	legs     []smcLeg             // legs[k] leads to at[k]
	x        []float64
	mean     []float64
	aux      int // values a particle that the method keeps; d unless it says otherwise
	all      []particle
	newMover func() mover
	crew     []*smcWorker
	counts   []int // offspring of each particle of a population
	src      *stream.Source
	out      *Particles

	noEvidence bool // the weights are no ratio of densities of y
}

// An smcWorker is what one goroutine owns.
type smcWorker struct {
	mover
	src *stream.Source
	z   []float64
}

// smcRows is the number of particles that are denoised at once.
const smcRows = 16

// run carries all particles to the end, in time with each other.
func (r *smcRun) run(ctx context.Context) (ode.Result, error) {
	begin, n, last := time.Now(), len(r.all), len(r.s.Grid)-1
	m, _ := r.c.problem.Dims()
	r.crew = make([]*smcWorker, par.Workers(r.set.Workers))
	var res ode.Result
	fail := func(err error) (ode.Result, error) {
		res.Wall = time.Since(begin)
		if e, ok := err.(*ode.Error); ok {
			res.Status = e.Status
		}
		return res, err
	}
	for k := range r.s.Grid {
		lead := func(w *smcWorker, i int) {
			p := &r.all[i]
			w.src.Normals(w.z, r.s.Seed, stream.Step, uint64(r.set.First+i), uint64(k))
			if k == 0 {
				r.out.LogWeights[i] += w.start(p, w.z)
				return
			}
			r.out.LogWeights[i] += w.move(p, w.z, k) - p.twist
		}
		look := func(w *smcWorker, i int) {
			p := &r.all[i]
			w.look(p, k)
			r.out.LogWeights[i] += p.twist
		}
		if err := r.each(ctx, k, 2*r.d+m, lead, look); err != nil {
			return fail(err)
		}
		if err := r.weigh(k, k < last); err != nil {
			return fail(err)
		}
		res.MaxNFE++
		if r.set.Progress != nil && k > 0 {
			r.set.Progress(int64(k*n), int64(last*n))
		}
	}
	end := func(w *smcWorker, i int) {
		p := &r.all[i]
		w.src.Normals(w.z, r.s.Seed, stream.Step, uint64(r.set.First+i), uint64(last+1))
		r.out.LogWeights[i] += w.finish(p, w.z) - p.twist
	}
	if err := r.each(ctx, last, 2*r.d+m, end, nil); err != nil {
		return fail(err)
	}
	if err := r.weigh(last+1, false); err != nil {
		return fail(err)
	}
	r.close()
	res.MaxNFE-- // the sampler counts the last evaluation
	res.Points, res.Evals, res.Accepted = n, int64(n)*int64(res.MaxNFE), int64(n)*int64(last)
	res.Wall = time.Since(begin)
	return res, nil
}

// each applies f to all particles and, if g is not nil, denoises them at time k and
// applies g.
func (r *smcRun) each(ctx context.Context, k, noise int, f, g func(w *smcWorker, i int)) error {
	t := r.s.Grid[k]
	err := par.Rows(ctx, len(r.all), smcRows, r.set.Workers, func(worker, lo, hi int) error {
		if r.crew[worker] == nil {
			r.crew[worker] = &smcWorker{mover: r.newMover(), src: stream.New(), z: make([]float64, noise)}
		}
		w := r.crew[worker]
		for i := lo; i < hi; i++ {
			f(w, i)
		}
		x := r.x[lo*r.d : hi*r.d]
		if i := ode.FirstNonFinite(x); i >= 0 {
			return &ode.Error{Status: ode.NonFinite, Row: r.set.First + lo + i/r.d, Step: k, T: t}
		}
		if g != nil {
			r.c.prior.Denoise(r.mean[lo*r.d:hi*r.d], x, r.at[k].Alpha, r.at[k].Sigma)
			for i := lo; i < hi; i++ {
				g(w, i)
			}
		}
		for i, l := range r.out.LogWeights[lo:hi] {
			if math.IsNaN(l) || math.IsInf(l, 1) {
				return &ode.Error{Status: ode.NonFinite, Row: r.set.First + lo + i, Step: k, T: t}
			}
		}
		r.c.counts.add(&w.local().counts)
		return nil
	})
	if _, ok := err.(*ode.Error); err != nil && !ok {
		return &ode.Error{Status: ode.Cancelled, Row: r.set.First, Step: k, T: t, Err: err}
	}
	return err
}

// weigh normalises the weights of each population, whose sum before is the factor that its
// evidence gains, and resamples those that need it.
func (r *smcRun) weigh(k int, resample bool) error {
	n := r.Particles
	for pop := range r.out.LogEvidence {
		lw := r.out.LogWeights[pop*n : (pop+1)*n]
		sum := floats.LogSumExp(lw)
		if math.IsInf(sum, -1) {
			return fmt.Errorf("inverse: all particles of population %d have lost their weight at time %d of the grid; the noise is too small for the method", r.set.First/n+pop, k)
		}
		floats.AddConst(-sum, lw)
		r.out.LogEvidence[pop] += sum
		ess := effectiveSize(lw)
		r.out.ESS[pop*(len(r.s.Grid)+1)+k] = ess
		if resample && (r.Threshold >= 1 || ess < r.Threshold*float64(n)) {
			r.offspring(pop, k, lw)
			r.replace(pop)
			for i := range lw {
				lw[i] = -math.Log(float64(n))
			}
		}
	}
	return nil
}

// effectiveSize returns 1/Σw².
func effectiveSize(lw []float64) float64 {
	s := 0.0
	for _, l := range lw {
		s += math.Exp(2 * l)
	}
	return 1 / s
}

// close keeps the weighted points and leaves equally weighted draws in x.
func (r *smcRun) close() {
	r.out.X = append([]float64(nil), r.x...)
	n := r.Particles
	for pop := range r.out.LogEvidence {
		if r.noEvidence {
			r.out.LogEvidence[pop] = math.NaN()
		}
		lo := pop * n
		r.offspring(pop, len(r.s.Grid)+1, r.out.LogWeights[lo:lo+n])
		at := lo
		for i, c := range r.counts {
			for range c {
				copy(r.x[at*r.d:(at+1)*r.d], r.out.X[(lo+i)*r.d:(lo+i+1)*r.d])
				at++
			}
		}
	}
}
