package inverse

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// DDRM is the restoration model of Kawar, Elad, Ermon and Song (2022, arXiv 2201.11793,
// equations 7 and 8), a recursion in the singular coordinates x̄ = Vᵀx/α, ȳ = S⁻¹Uᵀy. With
// x̂ = VᵀD(x), ε̂ = (x̄ - x̂)/σ̄ and σ̄' = σ'/α' of the step's end it draws
//
//	s = 0            x̂ + σ̄'(√(1-η²) ε̂ + η z)
//	s σ̄' < σ_y       x̂ + σ̄'(√(1-η²) (ȳ - x̂) s/σ_y + η z)
//	s σ̄' ≥ σ_y       (1-η_b) x̂ + η_b ȳ + √(σ̄'² - η_b² σ_y²/s²) z
//
// and starts the coordinates of the last kind at N(ȳ, σ̄² - σ_y²/s²). With η_b = 1 it is
// step by step DDNM+ as published (Wang et al. 2022, algorithm 3 without time travel).
//
// The sampler's model is the prior's denoiser itself, which is also the last step. DDRM
// needs a linop.Spectral operator and white noise. It does not converge to the posterior
// with the number of steps: in the second line the data take the place of the noise.
type DDRM struct {
	Problem *Problem
	Eta     float64 // η; the authors have 0.85
	EtaB    float64 // η_b; the authors have 1
}

// Solver returns the recursion as the solver of a sampler.
func (m DDRM) Solver() score.Solver {
	return func(ctx context.Context, s *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		if err := m.check(s); err != nil {
			return ode.Result{}, err
		}
		if s.Path.At(s.Grid[0]).Alpha == 0 {
			return ode.Result{}, noSignal(s.Grid[0])
		}
		return march(ctx, s, s.Grid, x, m.NewStepper, set)
	}
}

func (m DDRM) check(s *score.Sampler) error {
	if _, cols := m.Problem.Dims(); cols != s.Model.Dim() {
		return fmt.Errorf("inverse: the operator acts on %d values, but the prior's points have %d", cols, s.Model.Dim())
	}
	if !(m.Eta >= 0 && m.Eta <= 1 && m.EtaB >= 0 && m.EtaB <= 1) {
		return fmt.Errorf("inverse: DDRM has η = %g and η_b = %g, want numbers between 0 and 1", m.Eta, m.EtaB)
	}
	return needSpectral(m.Problem, "DDRM")
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics where
// Solver returns an error.
func (m DDRM) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	if err := m.check(s); err != nil {
		panic(err.Error())
	}
	a, _ := m.Problem.spectral()
	measured, d := m.Problem.Dims()
	st := &ddrm{
		DDRM: m, model: s.Model, a: a, renoiser: newRenoiser(s.Path, noise, d, rows),
		s: make([]float64, d), y: make([]float64, d),
		mean: make([]float64, rows*d), hat: make([]float64, d), bar: make([]float64, d),
	}
	u := make([]float64, measured)
	a.UT(u, m.Problem.y)
	sv := a.Singular()
	floor := rankTol * floats.Max(sv)
	for i, v := range sv {
		if v > floor {
			st.s[i], st.y[i] = v, u[i]/v
		}
	}
	return st
}

type ddrm struct {
	DDRM
	renoiser
	model     score.Denoiser
	a         linop.Spectral
	s, y      []float64 // s and ȳ of the d coordinates
	mean      []float64
	hat, bar  []float64 // x̂ and x̄ of one point
	beginning bool
}

func (r *ddrm) Begin(first, rows int) {
	r.renoiser.Begin(first, rows)
	r.beginning = true
}

func (r *ddrm) Step(x []float64, t0, t1 float64) {
	a, b := r.path.At(t0), r.path.At(t1)
	if r.beginning {
		r.start(x, a.Alpha, a.Sigma)
	}
	r.beginning = false
	mean, d := r.mean[:len(x)], r.model.Dim()
	r.model.Denoise(mean, x, a.Alpha, a.Sigma)
	r.nfe++
	z := r.draw(len(x), t0, t1)
	from, to, noise := a.Sigma/a.Alpha, b.Sigma/b.Alpha, r.Problem.std
	old := math.Sqrt((1 - r.Eta) * (1 + r.Eta))
	for lo := 0; lo < len(x); lo += d {
		row, zr := x[lo:lo+d], z[lo:lo+d]
		r.a.VT(r.hat, mean[lo:lo+d])
		r.a.VT(r.bar, row)
		for i, h := range r.hat {
			switch s := r.s[i]; {
			case s == 0:
				r.bar[i] = h + to*(old*(r.bar[i]/a.Alpha-h)/from+r.Eta*zr[i])
			case s*to < noise:
				r.bar[i] = h + to*(old*(r.y[i]-h)*s/noise+r.Eta*zr[i])
			default:
				e := r.EtaB * noise / s
				r.bar[i] = h + r.EtaB*(r.y[i]-h) + math.Sqrt((to-e)*(to+e))*zr[i]
			}
		}
		floats.Scale(b.Alpha, r.bar)
		r.a.V(row, r.bar)
	}
}

// start moves the base's draw N(0, σ²), coordinate by coordinate, to DDRM's own.
func (r *ddrm) start(x []float64, alpha, sigma float64) {
	d := len(r.s)
	for lo := 0; lo < len(x); lo += d {
		r.a.VT(r.bar, x[lo:lo+d])
		for i, s := range r.s {
			if e := r.Problem.std / s; e < sigma/alpha {
				r.bar[i] = alpha*r.y[i] + r.bar[i]*math.Sqrt((1-e*alpha/sigma)*(1+e*alpha/sigma))
			}
		}
		r.a.V(x[lo:lo+d], r.bar)
	}
}

func noSignal(t float64) error {
	return fmt.Errorf("inverse: the path has no signal (α = 0) at t = %g, where the method divides by it; start the grid later, as interpolant.LogSNRGrid does", t)
}
