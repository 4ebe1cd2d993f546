package inverse

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// posed returns the *Conditional of a sampler.
func posed(s *score.Sampler, method string) (*Conditional, error) {
	c, ok := s.Model.(*Conditional)
	if !ok {
		return nil, fmt.Errorf("inverse: %s needs a sampler of a *Conditional, which holds the problem and the prior, got a %T", method, s.Model)
	}
	return c, nil
}

// A prepare checks a sampler, does what all its goroutines share, and returns its steps.
type prepare func(*score.Sampler) (score.Steps, error)

// stepper is NewStepper of the methods.
func (p prepare) stepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	steps, err := p(s)
	if err != nil {
		panic(err.Error())
	}
	return steps(s, noise, rows)
}

// toClean returns s with steps of which the last leads from the end of the grid to a time
// beyond 1, that is to x₁ itself, in the place of the last denoising.
func toClean(s score.Sampler, p prepare) *score.Sampler {
	inner := s // the sampler with the model as it is
	s.Model = drawn{s.Model}
	s.Solver = func(ctx context.Context, run *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		in := inner
		in.Path, in.Grid, in.Seed = run.Path, run.Grid, run.Seed
		steps, err := p(&in)
		if err != nil {
			return ode.Result{}, err
		}
		last := in.Grid[len(in.Grid)-1]
		return march(ctx, &in, append(slices.Clone(in.Grid), last+2), x, steps, set)
	}
	return &s
}

// orDefault returns v, or def if v is zero.
func orDefault(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}

// coeffsAt returns those of x₁ itself at times beyond 1.
func coeffsAt(p interpolant.Path, t float64) interpolant.Coeffs {
	if t > 1 {
		return interpolant.Coeffs{Alpha: 1}
	}
	return p.At(t)
}

// fill writes standard normals, as many for each point as dst has room for. A query has d
// numbers a point, so there may be several: the source must be independent noise.
func (r *renoiser) fill(dst []float64, rows, d int, t0, t1 float64) {
	per := len(dst) / rows
	for lo := 0; lo < per; lo += d {
		z := r.draw(rows*d, t0, t1)
		for i := range rows {
			copy(dst[i*per+lo:(i+1)*per], z[i*d:(i+1)*d])
		}
	}
}

// refuseTree panics on a noise that gives an interval the same numbers twice.
func refuseTree(method string, src sde.NoiseSource) {
	if _, ok := src.(sde.Tree); ok {
		panic("inverse: " + method + " draws on an interval more than once, which a Brownian tree cannot serve: use sde.Independent")
	}
}

// descend writes times from t0, where σ/α = from, to where σ/α = to, at which σ/α is
// even in its seventh root, and returns as many as rise.
func descend(times []float64, p interpolant.Path, t0, from, to float64) []float64 {
	times[0] = t0
	if to >= from {
		return times[:1]
	}
	a, b := math.Pow(from, 1./7), math.Pow(to, 1./7)
	for k := 1; k < len(times); k++ {
		u := float64(k) / float64(len(times)-1)
		times[k] = p.Time(-7 * math.Log(a+u*(b-a)))
		if !(times[k] > times[k-1]) { // the path goes no further
			return times[:k]
		}
	}
	return times
}

// A ball draws x₁ from exp(-|x₁ - c|²/2r²) p(y|x₁) for the points of a group.
type ball struct {
	gauss corrected
	e, n  []float64 // normals
}

func newBall(c *Conditional, p *Problem, k Krylov, rows int) ball {
	m, d := p.Dims()
	l := newLocal(p, c.model)
	// The covariance Proximal{} given α = 1 and σ = r is r² I.
	return ball{
		gauss: corrected{Corrected: Corrected{Cov: Proximal{}, Krylov: k}, l: l, x1: make([]float64, d)},
		e:     make([]float64, rows*d), n: make([]float64, rows*m),
	}
}

// draw replaces the centres c by draws.
func (b *ball) draw(c []float64, r float64, noise *renoiser, counts *counters, t0, t1 float64) {
	l := b.gauss.l
	m, d := l.Dims()
	rows := len(c) / d
	noise.fill(b.e[:rows*d], rows, d, t0, t1)
	noise.fill(b.n[:rows*m], rows, d, t0, t1)
	l.Alpha, l.Sigma = 1, r
	for i := range rows {
		row := c[i*d : (i+1)*d]
		copy(l.Mean, row)
		b.gauss.drawClean(b.e[i*d:(i+1)*d], b.n[i*m:(i+1)*m])
		copy(row, b.gauss.x1)
	}
	counts.add(&l.counts)
}
