package inverse

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// A Split shares the noise level σ' of a step's end between old noise and new,
//
//	a² + b² = 1   in   x' = α' x̂0' + σ'(a ε̂ + b z),   τ = 1 - (σ'α/(α'σ))².
type Split int

// The splits in use.
const (
	Mixed    Split = iota // b = η: DDNM, DDS, DiffPIR
	Song                  // b = η√τ: DDIM (Song, Meng and Ermon 2021, eq. 16)
	MixedVE               // b = ητ: DDS on variance-exploding paths
	splitEnd              // the number of splits
)

// A Recursion is the step by which a method was published, for samplers whose model is a
// *Conditional with the method's gain,
//
//	x' = α' x̂0' + σ'(a ε̂ + b z),   ε̂ = (x - α x̂)/σ,
//
// where x̂ is x̂0 of the prior, unless Posterior is set, x̂0' of the data. Because the
// noise of the prior goes with the mean of the posterior, the law for many steps is no
// posterior: on a Gaussian DDS and DDNM end up reproducing the data. What is consistent is
// the Conditional under sde.DDIM, which is Song with Posterior; so PiGDM, MMPS and TMPD
// were published.
//
//	DDNM        Recursion{Eta: 0.85}
//	DDS         Recursion{Eta: 0.15, 0.5, 0.8 at 19, 49, 99 steps}, VE: Split: MixedVE
//	DiffPIR     Recursion{Eta: √ζ, Posterior: true}
//
// The last step, to no noise, is x̂0' in all: the last denoising of score.Sampler.
type Recursion struct {
	Eta       float64                      // between 0, no new noise, and 1
	EtaOf     func(logSNR float64) float64 // if not nil, η at the step's start in place of Eta
	Split     Split
	Posterior bool
}

// Solver returns the recursion as the solver of a sampler; its model must be a
// *Conditional.
func (r Recursion) Solver() score.Solver {
	return func(ctx context.Context, s *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		if _, ok := s.Model.(*Conditional); !ok {
			return ode.Result{}, fmt.Errorf("inverse: a Recursion needs a sampler of a *Conditional, got a %T", s.Model)
		}
		if s.Path.At(s.Grid[0]).Alpha == 0 && needsSignal(s.Model.(*Conditional).gain) {
			return ode.Result{}, noSignal(s.Grid[0])
		}
		if !(r.Eta >= 0 && r.Eta <= 1) {
			return ode.Result{}, fmt.Errorf("inverse: η = %g is not between 0 and 1", r.Eta)
		}
		return march(ctx, s, s.Grid, x, r.NewStepper, set)
	}
}

// needsSignal says whether a gain divides by α.
func needsSignal(g Gain) bool {
	switch g := g.(type) {
	case TMPD, DMPS:
		return true
	case Kalman:
		for _, c := range []Covariance{g.Cov, g.Inner} {
			switch c.(type) {
			case Tweedie, Proximal:
				return true
			}
		}
	}
	return false
}

// march runs the steps over a grid with the sampler's independent noise.
func march(ctx context.Context, s *score.Sampler, grid, x []float64, steps score.Steps, set *ode.Settings) (ode.Result, error) {
	res, err := ode.March(ctx, x, s.Model.Dim(), grid, func(rows int) ode.Stepper {
		return steps(s, sde.Independent{Seed: s.Seed}, rows)
	}, set)
	return res, ode.WithModelError(err, s.Model)
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics unless
// the sampler's model is a *Conditional.
func (r Recursion) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	c, ok := s.Model.(*Conditional)
	if !ok || r.Split < 0 || r.Split >= splitEnd {
		panic(fmt.Sprintf("inverse: a Recursion needs a *Conditional and a known split, got a %T and %d", s.Model, r.Split))
	}
	d := c.Dim()
	return &recursion{
		Recursion: r, c: c, renoiser: newRenoiser(s.Path, noise, d, rows),
		mean: make([]float64, rows*d), post: make([]float64, rows*d),
	}
}

// A renoiser is what the steppers of this package share.
type renoiser struct {
	path  interpolant.Path
	noise sde.Noise
	z     []float64
	nfe   int
}

// newRenoiser takes size normals a point and step from the source.
func newRenoiser(p interpolant.Path, src sde.NoiseSource, size, rows int) renoiser {
	return renoiser{path: p, noise: src.NewNoise(size, rows), z: make([]float64, rows*size)}
}

// Begin starts a new group of rows.
func (r *renoiser) Begin(first, rows int) {
	r.noise.Begin(first, rows)
	r.nfe = 0
}

// NFE returns the evaluations of the prior's denoiser for each point.
func (r *renoiser) NFE() int { return r.nfe }

// draw returns n standard normals that belong to the interval.
func (r *renoiser) draw(n int, t0, t1 float64) []float64 {
	z := r.z[:n]
	r.noise.Increment(z, t0, t1)
	floats.Scale(1/math.Sqrt(math.Abs(t1-t0)), z)
	return z
}

// share returns τ of a step, which also holds where α = 0.
func share(a, b interpolant.Coeffs) float64 {
	r := b.Sigma * a.Alpha / (b.Alpha * a.Sigma)
	return max(0, (1-r)*(1+r))
}

type recursion struct {
	Recursion
	renoiser
	c          *Conditional
	mean, post []float64
}

func (r *recursion) Step(x []float64, t0, t1 float64) {
	a, b := r.path.At(t0), r.path.At(t1)
	mean, post := r.mean[:len(x)], r.post[:len(x)]
	r.c.prior.Denoise(mean, x, a.Alpha, a.Sigma)
	r.nfe++
	r.c.update(post, x, mean, a.Alpha, a.Sigma)
	if r.Posterior {
		mean = post
	}
	fresh := r.Eta
	if r.EtaOf != nil {
		fresh = r.EtaOf(a.LogSNR())
	}
	switch r.Split {
	case Song:
		fresh *= math.Sqrt(share(a, b))
	case MixedVE:
		fresh *= share(a, b)
	}
	old := math.Sqrt(max(0, (1-fresh)*(1+fresh)))
	z := r.draw(len(x), t0, t1)
	for i, v := range x {
		x[i] = b.Alpha*post[i] + b.Sigma*(old*(v-a.Alpha*mean[i])/a.Sigma+fresh*z[i])
	}
}
