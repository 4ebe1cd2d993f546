package main

import (
	"fmt"
	"io"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// A scalar problem is the prior N(0, prior) and y = x + noise·n, with n steps on the
// schedule of DDPM.
type scalar struct {
	prior, noise float64
	n            int
}

var scalars = []scalar{{.25, .1, 1}, {.25, .1, 20}, {.25, .1, 100}, {.25, .1, 1000}, {.25, .5, 100}, {.25, .5, 1000}, {1, .5, 1000}}

// affine are the methods whose steps on a Gaussian are affine.
var affine = []struct {
	name  string
	gain  func(c scalar) inverse.Gain // nil: the prior itself
	steps func(p *inverse.Problem) score.Steps
	last  bool // the steps end at x₁ itself
}{
	{"exact mean, DDIM η = 1", exactGain, ddim(1), false},
	{"exact mean, DDIM η = 0", exactGain, ddim(0), false},
	{"PiGDM, DDIM η = 1", func(scalar) inverse.Gain { return inverse.PiGDM(0) }, ddim(1), false},
	{"DDS γ = 1, η = 0.85", func(scalar) inverse.Gain { return inverse.DDS{Gamma: 1} }, published1(inverse.Recursion{Eta: .85}), false},
	{"DDS γ = ∞, DDNM, η = 0.85", func(scalar) inverse.Gain { return inverse.DDNM{} }, published1(inverse.Recursion{Eta: .85}), false},
	{"DiffPIR λ = 1, ζ = 1", func(scalar) inverse.Gain { return inverse.DiffPIR(1) }, published1(inverse.Recursion{Eta: 1, Posterior: true}), false},
	{"DiffPIR λ = 7, ζ = 0.1", func(scalar) inverse.Gain { return inverse.DiffPIR(7) }, published1(inverse.Recursion{Eta: math.Sqrt(.1), Posterior: true}), false},
	{"DiffPIR λ = 8, ζ = 1", func(scalar) inverse.Gain { return inverse.DiffPIR(8) }, published1(inverse.Recursion{Eta: 1, Posterior: true}), false},
	{"DDRM = DDNM+, η = 0.85", nil, func(p *inverse.Problem) score.Steps { return inverse.DDRM{Problem: p, Eta: .85, EtaB: 1}.NewStepper }, false},
	{"corrected step, η = 1", exactGain, func(*inverse.Problem) score.Steps { return inverse.Corrected{Eta: 1}.NewStepper }, true},
	{"corrected step, η = 0", exactGain, func(*inverse.Problem) score.Steps { return inverse.Corrected{}.NewStepper }, true},
}

func exactGain(scalar) inverse.Gain { return inverse.MMPS(0) }

func ddim(eta float64) func(*inverse.Problem) score.Steps {
	return func(*inverse.Problem) score.Steps { return score.SDESteps(sde.DDIM, eta) }
}

func published1(r inverse.Recursion) func(*inverse.Problem) score.Steps {
	return func(*inverse.Problem) score.Steps { return r.NewStepper }
}

// gaussianTable writes the law of each method's output, divided by the posterior's gain on y
// and variance. Nothing in it is sampled.
func gaussianTable(w io.Writer) error {
	fmt.Fprint(w, "| method |")
	for _, c := range scalars {
		fmt.Fprintf(w, " S=%g, σ=%g, N=%d |", c.prior, c.noise, c.n)
	}
	fmt.Fprint(w, "\n|---|")
	for range scalars {
		fmt.Fprint(w, "---|")
	}
	fmt.Fprintln(w)
	path, err := interpolant.FromBetas(interpolant.LinearBetas(1000, 1e-4, 0.02))
	if err != nil {
		return err
	}
	for _, me := range affine {
		fmt.Fprintf(w, "| %s |", me.name)
		for _, c := range scalars {
			p, err := inverse.New(newRow(1), []float64{1}, c.noise)
			if err != nil {
				return err
			}
			g := density.Normal(1, math.Sqrt(c.prior))
			s := &score.Sampler{Path: path, Model: g}
			if me.gain != nil {
				if s.Model, err = inverse.NewConditional(p, g, me.gain(c)); err != nil {
					return err
				}
			}
			for i := range c.n {
				k := math.Round(999 * float64(c.n-1-i) / float64(max(1, c.n-1)))
				if c.n == 1 {
					k = 999
				}
				s.Grid = append(s.Grid, path.Index(k))
			}
			mean, variance := outputLaw(me.steps(p), s, me.last)
			fmt.Fprint(w, c.over(mean, variance))
		}
		fmt.Fprintln(w)
	}
	return nil
}

func digits(v float64) string {
	if v >= 1.1 {
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// annealedTable does so for DAPS, whose own grid of 200 levels falls from σ/α = 100 to 0.1,
// and for the law to which the sweeps of split Gibbs go, p(x) N(y; x, σ² + ρ²).
func annealedTable(w io.Writer) error {
	problems := []scalar{{.25, .1, 0}, {.25, .5, 0}, {1, .5, 0}}
	fmt.Fprint(w, "| method |")
	for _, c := range problems {
		fmt.Fprintf(w, " S=%g, σ=%g |", c.prior, c.noise)
	}
	fmt.Fprint(w, "\n|---|---|---|---|\n")
	path := interpolant.EDM{SigmaMax: 100}
	grid := interpolant.KarrasGrid(path, 7, path.Time(-math.Log(100)), path.Time(-math.Log(0.1)), 200)
	for _, tau := range []float64{0, 0.01} {
		name := "DAPS, τ = σ"
		if tau > 0 {
			name = fmt.Sprintf("DAPS, τ = %g as shipped", tau)
		}
		fmt.Fprintf(w, "| %s |", name)
		for _, c := range problems {
			p, err := inverse.New(newRow(1), []float64{1}, c.noise)
			if err != nil {
				return err
			}
			model, err := inverse.NewConditional(p, density.Normal(1, math.Sqrt(c.prior)), nil)
			if err != nil {
				return err
			}
			mean, variance := outputLaw(inverse.DAPS{Noise: tau}.NewStepper, &score.Sampler{Path: path, Grid: grid, Model: model}, true)
			fmt.Fprint(w, c.over(mean, variance))
		}
		fmt.Fprintln(w)
	}
	for _, rho := range []float64{0.3, 0.1} {
		fmt.Fprintf(w, "| PnP-DM, ρ = %g, after many sweeps |", rho)
		for _, c := range problems {
			noise := c.noise*c.noise + rho*rho
			fmt.Fprint(w, c.over(c.prior/(c.prior+noise), c.prior*noise/(c.prior+noise)))
		}
		fmt.Fprintln(w)
	}
	return nil
}

// over divides a mean for y = 1 and a variance by the posterior's.
func (c scalar) over(mean, variance float64) string {
	gain := c.prior / (c.prior + c.noise*c.noise)
	return fmt.Sprintf(" %.3f / %s |", mean/gain, digits(variance/(gain*c.noise*c.noise)))
}

// outputLaw returns the mean and the variance of a sampler's output for y = 1, found by
// running its affine steps on unit probes: of the start, and of each normal of a step.
func outputLaw(steps score.Steps, s *score.Sampler, last bool) (mean, variance float64) {
	grid := s.Grid
	if last {
		grid = append(grid[:len(grid):len(grid)], grid[len(grid)-1]+2)
	}
	start := s.Path.At(grid[0]).Sigma
	variance = start * start
	p := new(unit)
	most, st := 0, steps(s, p, 1) // a first run says how many normals a step takes
	st.Begin(0, 1)
	for k := 1; k < len(grid); k++ {
		p.at = 0
		st.Step([]float64{0}, grid[k-1], grid[k])
		most = max(most, p.at)
	}
	x := make([]float64, 2+most)
	st = steps(s, p, len(x))
	st.Begin(0, len(x))
	move := func(f func()) {
		clear(x)
		x[1] = 1
		f()
		a := x[1] - x[0]
		mean, variance = x[0]+a*mean, a*a*variance
	}
	for k := 1; k < len(grid); k++ {
		p.at = 0
		move(func() { st.Step(x, grid[k-1], grid[k]) })
		for _, v := range x[2:] {
			variance += (v - x[0]) * (v - x[0])
		}
	}
	if !last {
		c := s.Path.At(grid[len(grid)-1])
		move(func() { s.Model.Denoise(x, append([]float64(nil), x...), c.Alpha, c.Sigma) })
	}
	return mean, variance
}

// unit is a noise whose normals, query by query within a step, are 1 in a row of their own,
// from the third on.
type unit struct{ dim, at int }

func (u *unit) NewNoise(dim, _ int) sde.Noise { u.dim = dim; return u }
func (*unit) Begin(_, _ int)                  {}
func (u *unit) Increment(dw []float64, t0, t1 float64) {
	clear(dw)
	for j := range u.dim {
		if i := (2+u.at+j)*u.dim + j; i < len(dw) {
			dw[i] = math.Sqrt(math.Abs(t1 - t0))
		}
	}
	u.at += u.dim
}
func (*unit) IncrementArea(_, _ []float64, _, _ float64) { panic("posterior: no step here uses areas") }
