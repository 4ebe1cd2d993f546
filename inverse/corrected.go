package inverse

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"github.com/seed-dea4846a/sampler/tweedie"
	"gonum.org/v1/gonum/floats"
)

// Corrected is the covariance-corrected ancestral step. DDIM puts the mean of x₁ given x
// in the place of x₁, and so loses its spread: with few steps samples are too narrow,
// however good the denoiser. Corrected draws x₁ from the local Gaussian instead,
//
//	x₁ ~ N(D + C Aᵀ(A C Aᵀ + R)⁻¹(y - A D),  C - C Aᵀ(A C Aᵀ + R)⁻¹A C),
//
// and x' from the law of DDIM given x and x₁,
//
//	x' = α' x₁ + √(σ'² - v) (x - α x₁)/σ + √v z,   v = η²σ'²τ,  τ = 1 - (σ'α/(α'σ))².
//
// With C the exact covariance a Gaussian prior is sampled exactly by any number of steps
// and any η. The draw is by perturbing and solving (Papandreou and Yuille 2010; Orieux,
// Féron and Giovannelli 2012): e ~ N(0, C), n ~ N(0, R),
//
//	x₁ = D + e + C Aᵀ(A C Aᵀ + R)⁻¹(y - A(D + e) - n).
//
// A sampler of a *Conditional is drawn given its data, with its prior (the gain plays no
// part); one of any other model without data, x₁ = D + e. What it cannot mend is a local
// law that is no Gaussian: on a mixture of far modes the weights are as in DDIM.
type Corrected struct {
	Eta    float64    // between 0 and 1; 1 is the ancestral step
	Cov    Covariance // C; nil means Tweedie{}
	Krylov Krylov     // of the system
}

// Sampler returns s with the corrected steps as its solver and a last draw of x₁ in the
// place of the last denoising. It evaluates the denoiser len(s.Grid) times.
func (c Corrected) Sampler(s score.Sampler) *score.Sampler {
	inner := s // the sampler with the model as it is
	s.Model = drawn{s.Model}
	s.Solver = func(ctx context.Context, run *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		in := inner
		in.Path, in.Grid, in.Seed = run.Path, run.Grid, run.Seed
		last := in.Grid[len(in.Grid)-1]
		return c.solve(ctx, &in, append(append([]float64(nil), in.Grid...), last+2), x, set)
	}
	return &s
}

// drawn stands for a model whose sampler ends with a draw of x₁.
type drawn struct{ score.Denoiser }

// Denoise writes x.
func (drawn) Denoise(dst, x []float64, _, _ float64) { copy(dst, x) }

// Err returns the model's first error if it keeps one.
func (d drawn) Err() error {
	if e, ok := d.Denoiser.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// Solver returns the corrected steps as the solver of a sampler, which then ends by a
// denoising and leaves out the covariance given the end of the grid; Sampler keeps it.
func (c Corrected) Solver() score.Solver {
	return func(ctx context.Context, s *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return c.solve(ctx, s, s.Grid, x, set)
	}
}

func (c Corrected) solve(ctx context.Context, s *score.Sampler, grid, x []float64, set *ode.Settings) (ode.Result, error) {
	if s.Path.At(grid[0]).Alpha == 0 {
		return ode.Result{}, noSignal(grid[0])
	}
	if err := c.check(s.Model); err != nil {
		return ode.Result{}, err
	}
	return march(ctx, s, grid, x, c.NewStepper, set)
}

func (c Corrected) check(m score.Denoiser) error {
	if !(c.Eta >= 0 && c.Eta <= 1) {
		return fmt.Errorf("inverse: η = %g is not between 0 and 1", c.Eta)
	}
	if t, ok := c.Cov.(Tweedie); ok {
		if err := t.Lanczos.check(); err != nil {
			return err
		}
	}
	p := &Problem{a: nothing{m.Dim()}}
	if cond, ok := m.(*Conditional); ok {
		p = cond.problem
	}
	return Kalman{Cov: c.cov(), Krylov: c.Krylov}.check(p)
}

func (c Corrected) cov() Covariance {
	if c.Cov == nil {
		return jacobian
	}
	return c.Cov
}

// nothing is the operator of a problem without data.
type nothing struct{ d int }

func (n nothing) Dims() (rows, cols int) { return 0, n.d }
func (nothing) Apply(dst, _ []float64)   {}
func (nothing) Adjoint(dst, _ []float64) { clear(dst) }

// NewStepper makes the stepper of one goroutine; it is a score.Steps. A step to a time
// beyond 1 ends at x₁ itself. It panics where Solver returns an error.
func (c Corrected) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	if err := c.check(s.Model); err != nil {
		panic(err.Error())
	}
	st := &corrected{Corrected: c, prior: s.Model, counts: new(counters)}
	p := &Problem{a: nothing{s.Model.Dim()}}
	if cond, ok := s.Model.(*Conditional); ok {
		p, st.prior, st.counts = cond.problem, cond.prior, &cond.counts
	}
	st.Cov = c.cov()
	st.l = newLocal(p, tweedie.ModelOf(st.prior))
	m, d := p.Dims()
	st.renoiser = newRenoiser(s.Path, noise, 2*d+m, rows)
	st.mean = make([]float64, rows*d)
	st.x1 = make([]float64, d)
	return st
}

type corrected struct {
	Corrected
	renoiser
	prior  score.Denoiser
	l      *Local
	counts *counters
	mean   []float64
	x1     []float64
}

func (s *corrected) Step(x []float64, t0, t1 float64) {
	a := s.path.At(t0)
	b := interpolant.Coeffs{Alpha: 1}
	if t1 <= 1 {
		b = s.path.At(t1)
	}
	m, d := s.l.Dims()
	mean := s.mean[:len(x)]
	s.prior.Denoise(mean, x, a.Alpha, a.Sigma)
	if t1 <= 1 { // the sampler counts the last evaluation
		s.nfe++
	}
	z := s.draw(len(x)/d*(2*d+m), t0, t1)
	fresh := s.Eta * math.Sqrt(share(a, b))
	old := math.Sqrt((1 - fresh) * (1 + fresh))
	for lo := 0; lo < len(x); lo += d {
		row := x[lo : lo+d]
		s.l.at(row, mean[lo:lo+d], a.Alpha, a.Sigma)
		s.drawClean(z[d:2*d], z[2*d:2*d+m])
		for i, v := range row {
			row[i] = b.Alpha*s.x1[i] + b.Sigma*(old*(v-a.Alpha*s.x1[i])/a.Sigma+fresh*z[i])
		}
		z = z[2*d+m:]
	}
	s.counts.add(&s.l.counts)
}

// drawClean makes x1 a draw of the local Gaussian at l.
func (s *corrected) drawClean(z, n []float64) {
	l := s.l
	s.Cov.Root(s.x1, z, l)
	floats.Add(s.x1, l.Mean)
	if len(n) == 0 {
		return
	}
	l.Apply(l.Residual, s.x1)
	for i, y := range l.y {
		l.Residual[i] = y - l.Residual[i] - math.Sqrt(l.Variance(i))*n[i]
	}
	l.through(l.d1, s.Cov, l.Residual, s.Krylov)
	floats.Add(s.x1, l.d1)
}
