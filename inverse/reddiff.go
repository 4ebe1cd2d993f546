package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// REDDiff is the variational method RED-diff (Mardani, Song, Kautz and Vahdat 2024, arXiv
// 2305.04391, algorithm 1): one step of Adam on μ at each time of the grid, from μ = A†y,
// along the stochastic gradient of
//
//	½|y - Aμ|² + λ Σ_t w_t ⟨ε̂(x_t) - z, μ⟩,   x_t = αμ + σz,   ε̂ and z held fixed.
//
// With w_t = σ/α the gradient of the second is λ(μ - D(x_t)), regularisation by denoising.
// The result is a point estimate: one a sample, each with its own z, close to each other
// as the mean-field Gaussian of the method has next to no width. It serves every path.
//
// The noise of y plays no part but in what λ should be: with w_t = σ/α and the prior
// N(m, S I), μ goes to the posterior's mean under noise of the variance λSσ²/(α²S + σ²),
// which falls to zero with σ.
//
// The sampler's model must be a *Conditional, which holds the problem and the prior and
// counts the work; its gain plays no part and may be nil.
type REDDiff struct {
	Lambda       float64                      // λ; zero means 0.25
	Weight       func(logSNR float64) float64 // w_t; nil means σ/α
	Rate         float64                      // of Adam; zero means 0.1
	Beta1, Beta2 float64                      // of Adam; zero means 0.9 and 0.99
	// Ridge starts from the mean of x₁ under N(0, I/2) in place of the authors' A†y, which
	// for blurs is nothing but noise, divided by the least singular values.
	Ridge  bool
	Krylov Krylov // of the start, for operators that are not spectral
}

// adamEps keeps Adam from dividing by zero (Kingma and Ba 2015, algorithm 1).
const adamEps = 1e-8

// Sampler returns s with an update at each of its grid times, and μ as the sample.
func (m REDDiff) Sampler(s score.Sampler) *score.Sampler { return toClean(s, m.prepare) }

func (m REDDiff) check(s *score.Sampler) error {
	if _, err := posed(s, "REDDiff"); err != nil {
		return err
	}
	if !(m.Lambda >= 0 && m.Rate >= 0 && m.Beta1 >= 0 && m.Beta1 < 1 && m.Beta2 >= 0 && m.Beta2 < 1) {
		return fmt.Errorf("inverse: REDDiff has λ = %g, the rate %g and the factors %g and %g, want numbers of 0 or more and factors below 1", m.Lambda, m.Rate, m.Beta1, m.Beta2)
	}
	return m.Krylov.check()
}

// NewStepper makes the stepper of one goroutine, for the estimates μ and not for points of
// the path; it is a score.Steps. The first step starts from A†y, or as Ridge says, whatever it
// is given. It panics on what Sampler would refuse to run.
func (m REDDiff) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	return prepare(m.prepare).stepper(s, noise, rows)
}

// prepare solves for the start.
func (m REDDiff) prepare(s *score.Sampler) (score.Steps, error) {
	if err := m.check(s); err != nil {
		return nil, err
	}
	c := s.Model.(*Conditional)
	start := make([]float64, c.Dim())
	l := newLocal(c.problem, c.model)
	l.at(start, start, 1, 1) // x̂0 = 0
	if m.Ridge {
		Fixed(Isotropic{}, m.Krylov).Estimate(start, l)
	} else {
		DDNM{Krylov: m.Krylov}.Estimate(start, l)
	}
	c.counts.add(&l.counts)
	return func(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
		return m.newStepper(s, noise, rows, start)
	}, nil
}

func (m REDDiff) newStepper(s *score.Sampler, noise sde.NoiseSource, rows int, start []float64) ode.Stepper {
	c := s.Model.(*Conditional)
	d := c.Dim()
	m.Lambda, m.Rate = orDefault(m.Lambda, 0.25), orDefault(m.Rate, 0.1)
	m.Beta1, m.Beta2 = orDefault(m.Beta1, 0.9), orDefault(m.Beta2, 0.99)
	return &redDiff{
		REDDiff: m, c: c, l: newLocal(c.problem, c.model), renoiser: newRenoiser(s.Path, noise, d, rows),
		start: start, noisy: make([]float64, rows*d), mean: make([]float64, rows*d),
		first: make([]float64, rows*d), second: make([]float64, rows*d),
	}
}

type redDiff struct {
	REDDiff
	renoiser
	c             *Conditional
	l             *Local
	start         []float64 // A†y
	noisy, mean   []float64 // x_t and D
	first, second []float64 // Adam's moments
	updates       int
}

func (r *redDiff) Begin(first, rows int) {
	r.renoiser.Begin(first, rows)
	r.updates = 0
	clear(r.first)
	clear(r.second)
}

func (r *redDiff) Step(x []float64, t0, t1 float64) {
	d, a := len(r.start), r.path.At(t0)
	if r.updates == 0 {
		for lo := 0; lo < len(x); lo += d {
			copy(x[lo:lo+d], r.start)
		}
	}
	noisy, mean := r.noisy[:len(x)], r.mean[:len(x)]
	for i, z := range r.draw(len(x), t0, t1) {
		noisy[i] = a.Alpha*x[i] + a.Sigma*z
	}
	r.c.prior.Denoise(mean, noisy, a.Alpha, a.Sigma)
	if t1 <= 1 { // the sampler counts the last evaluation
		r.nfe++
	}
	// ε̂ - z = (α/σ)(μ - D).
	weight := r.Lambda
	if r.Weight != nil {
		weight *= r.Weight(a.LogSNR()) * a.Alpha / a.Sigma
	}
	r.updates++
	bias1 := 1 - math.Pow(r.Beta1, float64(r.updates))
	bias2 := 1 - math.Pow(r.Beta2, float64(r.updates))
	for lo := 0; lo < len(x); lo += d {
		misfit(r.l, r.l.d1, x[lo:lo+d])
		for i, g := range r.l.d1 {
			j := lo + i
			g = weight*(x[j]-mean[j]) - g
			r.first[j] = r.Beta1*r.first[j] + (1-r.Beta1)*g
			r.second[j] = r.Beta2*r.second[j] + (1-r.Beta2)*g*g
			x[j] -= r.Rate * r.first[j] / bias1 / (math.Sqrt(r.second[j]/bias2) + adamEps)
		}
	}
	r.c.counts.add(&r.l.counts)
}

// misfit writes Aᵀ(y - A x).
func misfit(l *Local, dst, x []float64) {
	l.Apply(l.m1, x)
	for i, y := range l.y {
		l.m1[i] = y - l.m1[i]
	}
	l.Adjoint(dst, l.m1)
}
