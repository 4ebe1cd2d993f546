// Package weak computes the law of a numerical solution exactly, without Monte Carlo:
// where the drift is affine in the state and the noise does not depend on it, every
// step of every scheme is affine in the state and in the increments of the noise, so
// the mean and the variance of the solution are sums of squares that one batch of
// probes reveals. Weak errors are then known to rounding and their slopes are
// noise-free.
//
// Beware: where the state's mean stays put, as for the variance-exploding path and for
// data-form updates at η = 1, the mean is exact for wrong schemes too. Look at the
// variance, and at η between 0 and 1.
package weak

import (
	"math"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// Moments returns the mean and the variance, at the end of the grid, of the numerical
// solution of a scalar affine process with additive noise that starts from the given
// mean and variance. newStepper makes the scheme's stepper for that process with the
// given noise; multistep schemes and several queries of disjoint intervals in a step
// are welcome.
//
//	x_N = c + a x₀ + Σ_k (b_k ΔW_k + e_k I₁₀,k)
//	Var = a² Var x₀ + Σ_k (b_k² |h| + b_k e_k h|h| + e_k² |h|³/3),   h = h_k
//
// It panics if the solution is not affine.
func Moments(newStepper func(noise sde.NoiseSource, rows int) ode.Stepper, grid []float64, mean, variance float64) (m, v float64) {
	// One run without noise counts the queries and learns their intervals.
	first := &probe{}
	run(newStepper, first, []float64{0}, grid)
	steps := first.steps

	// Rows: nothing; x₀ = 1; for each query ΔW = 1 and I₁₀ = 1; last, all ones.
	x := make([]float64, 3+2*len(steps))
	x[1], x[len(x)-1] = 1, 1
	run(newStepper, &probe{}, x, grid)

	c, a := x[0], x[1]-x[0]
	m, v = c+a*mean, a*a*variance
	all, scale := c+a, math.Abs(c)+math.Abs(a)
	for k, h := range steps {
		b, e := x[2+2*k]-c, x[3+2*k]-c
		size := math.Abs(h)
		v += size * (b*b + b*e*h + e*e*h*h/3)
		all += b + e
		scale += math.Abs(b) + math.Abs(e)
	}
	// A sum of 2N terms, each a difference of numbers that N steps have rounded.
	if got := x[len(x)-1]; !(math.Abs(got-all) <= 1e-9*scale) {
		panic("weak: the solution is not affine in the state and the noise")
	}
	return m, v
}

func run(newStepper func(noise sde.NoiseSource, rows int) ode.Stepper, p *probe, x, grid []float64) {
	s := newStepper(p, len(x))
	s.Begin(0, len(x))
	for k := 1; k < len(grid); k++ {
		s.Step(x, grid[k-1], grid[k])
	}
}

// probe is a noise that is 1 in one place for each row, see Moments, and records the
// lengths of the queries.
type probe struct {
	steps []float64
}

func (p *probe) NewNoise(dim, rows int) sde.Noise { return p }

func (p *probe) Begin(first, rows int) {}

func (p *probe) Increment(dw []float64, t0, t1 float64) {
	p.fill(dw, 2+2*len(p.steps))
	p.steps = append(p.steps, t1-t0)
}

func (p *probe) IncrementArea(dw, dz []float64, t0, t1 float64) {
	p.fill(dz, 3+2*len(p.steps))
	p.Increment(dw, t0, t1)
}

// fill sets the given row and the last to 1.
func (p *probe) fill(dst []float64, row int) {
	clear(dst)
	if row < len(dst) {
		dst[row] = 1
		dst[len(dst)-1] = 1
	}
}
