package inverse

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// FlowChef steers the flow towards the data by gradients that are not taken through the
// model (Patel et al. 2025, arXiv 2412.00100). On Cond-OT, with the velocity
// v of x frozen and x̂ = x + (1-t)v,
//
//	x ← x - s Aᵀ(A x̂ - y)/|A|²     so often as Inner says, x̂ moving with x
//	x' = x + (t'-t) v
//
// and at t' = 1, x' = x̂ is the sample. It serves every path: x/(α+σ) is the point of
// Cond-OT at t = α/(α+σ). For operators of norm 1 the authors' rate, of the gradient of
// |A x̂ - y|², is s/2. Deterministic but for its start, and no sampler of the posterior:
// with s = 1 and A Aᵀ = |A|² it ends at A x = y.
//
// The sampler's model must be a *Conditional, which holds the problem and the prior and
// counts the work; its gain plays no part and may be nil.
type FlowChef struct {
	Rate  float64             // s, below 2; zero means 1
	Inner func(t float64) int // gradients at a time of Cond-OT; nil means 1 at all times
}

// Sampler returns s with a step of FlowChef at each of its grid times, of which the last
// ends at t = 1.
func (m FlowChef) Sampler(s score.Sampler) *score.Sampler { return toClean(s, m.prepare) }

func (m FlowChef) check(s *score.Sampler) error {
	if _, err := posed(s, "FlowChef"); err != nil {
		return err
	}
	return checkRate("FlowChef", m.Rate)
}

func checkRate(method string, rate float64) error {
	if !(rate >= 0 && rate < 2) {
		return fmt.Errorf("inverse: the rate of %s is %g, want a number of at least 0 and below 2: beyond, gradient steps grow without limit", method, rate)
	}
	return nil
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. A step to a time
// beyond 1 ends at x₁ itself. It panics on what Sampler would refuse to run.
func (m FlowChef) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	return prepare(m.prepare).stepper(s, noise, rows)
}

// prepare finds |A|.
func (m FlowChef) prepare(s *score.Sampler) (score.Steps, error) {
	if err := m.check(s); err != nil {
		return nil, err
	}
	c := s.Model.(*Conditional)
	rate := orDefault(m.Rate, 1) / squaredNorm(c.problem.a)
	return func(s *score.Sampler, _ sde.NoiseSource, rows int) ode.Stepper {
		return &flowChef{
			FlowChef: m, path: s.Path, c: c, l: newLocal(c.problem, c.model),
			rate: rate, mean: make([]float64, rows*c.Dim()),
		}
	}, nil
}

// squaredNorm returns |A|², which Lanczos finds to about 1e-8 of it.
func squaredNorm(a linop.Operator) float64 {
	n, _ := linop.Norm(a, nil)
	return n * n
}

type flowChef struct {
	FlowChef
	path interpolant.Path
	c    *Conditional
	l    *Local
	rate float64
	mean []float64
	nfe  int
}

func (f *flowChef) Begin(_, _ int) { f.nfe = 0 }
func (f *flowChef) NFE() int       { return f.nfe }

func (f *flowChef) Step(x []float64, t0, t1 float64) {
	a, b := f.path.At(t0), coeffsAt(f.path, t1)
	from, to := a.Alpha+a.Sigma, b.Alpha+b.Sigma
	t, next := a.Alpha/from, b.Alpha/to
	mean, d := f.mean[:len(x)], f.c.Dim()
	f.c.prior.Denoise(mean, x, a.Alpha, a.Sigma)
	if t1 <= 1 { // the sampler counts the last evaluation
		f.nfe++
	}
	// x' = x + (t'-t)(x̂-x)/(1-t), and x - x̂ stays under the gradients.
	rest := (1 - next) / (1 - t)
	for i, v := range x {
		x[i] = v/from - mean[i]
	}
	inner := 1
	if f.Inner != nil {
		inner = f.Inner(t)
	}
	for lo := 0; lo < len(x); lo += d {
		row := mean[lo : lo+d]
		for range inner {
			misfit(f.l, f.l.d1, row)
			floats.AddScaled(row, f.rate, f.l.d1)
		}
	}
	for i, v := range mean {
		// The velocity is that of before the gradients: x̂ - x keeps its share.
		x[i] = to * (v + rest*x[i])
	}
	f.c.counts.add(&f.l.counts)
}

// PnPFlow is plug-and-play flow matching (Martin, Gagneux, Hagemann and Steidl 2025,
// arXiv 2410.02423): at each time of the grid, with t that of Cond-OT,
//
//	w = x - γ Aᵀ(A x - y),   γ = s (1-t)^Power/|A|²
//	x = mean over Draws of D(αw + σz)
//
// from x = Aᵀy/|A|². The result is a point estimate, and each sample has its own z. It
// serves every path: t = α/(α+σ), and αw + σz is the interpolation. The noise of y
// plays no part.
//
// The sampler's model must be a *Conditional, which holds the problem and the prior and
// counts the work; its gain plays no part and may be nil.
type PnPFlow struct {
	Rate  float64 // s, below 2; zero means 1, as the authors have for operators of norm 1
	Power float64 // the authors have 0.01 for deblurring, 0.3 to 0.5 for downsampling and boxes, 0.8 for denoising
	Draws int     // zero means 5
}

// Sampler returns s with an update at each of its grid times, and the last x as the
// sample. It evaluates the denoiser Draws·len(s.Grid) times.
func (m PnPFlow) Sampler(s score.Sampler) *score.Sampler { return toClean(s, m.prepare) }

func (m PnPFlow) check(s *score.Sampler) error {
	if _, err := posed(s, "PnPFlow"); err != nil {
		return err
	}
	if !(m.Power >= 0) || m.Draws < 0 {
		return fmt.Errorf("inverse: PnPFlow has the power %g and %d draws, want numbers of 0 or more", m.Power, m.Draws)
	}
	return checkRate("PnPFlow", m.Rate)
}

// NewStepper makes the stepper of one goroutine, for the estimates x and not for points of
// the path; it is a score.Steps. The first step starts from Aᵀy/|A|², whatever it is
// given. It panics on what Sampler would refuse to run and, as a step draws more than
// once, on a Brownian tree.
func (m PnPFlow) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	return prepare(m.prepare).stepper(s, noise, rows)
}

// prepare finds |A| and the start.
func (m PnPFlow) prepare(s *score.Sampler) (score.Steps, error) {
	if err := m.check(s); err != nil {
		return nil, err
	}
	if m.Draws == 0 {
		m.Draws = 5
	}
	c := s.Model.(*Conditional)
	norm := squaredNorm(c.problem.a)
	rate, start := orDefault(m.Rate, 1)/norm, backProjection(c.problem, norm)
	return func(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
		refuseTree("PnPFlow", noise)
		d := c.Dim()
		return &pnpFlow{
			PnPFlow: m, renoiser: newRenoiser(s.Path, noise, d, rows), c: c, l: newLocal(c.problem, c.model),
			rate: rate, start: start,
			noisy: make([]float64, rows*d), mean: make([]float64, rows*d), sum: make([]float64, rows*d),
		}
	}, nil
}

// backProjection returns Aᵀy/|A|².
func backProjection(p *Problem, squaredNorm float64) []float64 {
	_, d := p.Dims()
	x := make([]float64, d)
	p.a.Adjoint(x, p.y)
	floats.Scale(1/squaredNorm, x)
	return x
}

type pnpFlow struct {
	PnPFlow
	renoiser
	c                *Conditional
	l                *Local
	rate             float64
	start            []float64
	noisy, mean, sum []float64
	begun            bool
}

func (f *pnpFlow) Begin(first, rows int) {
	f.renoiser.Begin(first, rows)
	f.begun = false
}

func (f *pnpFlow) Step(x []float64, t0, t1 float64) {
	a, d := f.path.At(t0), len(f.start)
	rate := f.rate * math.Pow(a.Sigma/(a.Alpha+a.Sigma), f.Power)
	for lo := 0; lo < len(x); lo += d {
		row := x[lo : lo+d]
		if !f.begun {
			copy(row, f.start)
		}
		misfit(f.l, f.l.d1, row)
		floats.AddScaled(row, rate, f.l.d1)
	}
	f.begun = true
	f.c.counts.add(&f.l.counts)
	noisy, mean, sum := f.noisy[:len(x)], f.mean[:len(x)], f.sum[:len(x)]
	clear(sum)
	for range f.Draws {
		for i, z := range f.draw(len(x), t0, t1) {
			noisy[i] = a.Alpha*x[i] + a.Sigma*z
		}
		f.c.prior.Denoise(mean, noisy, a.Alpha, a.Sigma)
		floats.AddScaled(sum, 1/float64(f.Draws), mean)
	}
	copy(x, sum)
	f.nfe += f.Draws
	if t1 > 1 { // the sampler counts the last evaluation
		f.nfe--
	}
}

// OTODE returns the sampler of the training-free flow method of Pokle, Muckley, Chen and
// Karrer (2024, arXiv 2310.04432): Euler's method on Cond-OT with the gain PiGDM for data
// of unit variance, r² = (1-t)²/((1-t)² + t²), at the n-th parts of 1 from 0.2 on; n = 100
// evaluates the denoiser 80 times. It starts at t x + (1-t) z with x = Aᵀy/|A|² in the
// place of a sample. With another solver or grid it is OT-ODE by that solver.
func OTODE(p *Problem, prior score.Denoiser, n int) (*score.Sampler, error) {
	if n < 2 {
		return nil, fmt.Errorf("inverse: OT-ODE has %d steps from t = 0 to 1, want 2 or more", n)
	}
	c, err := NewConditional(p, prior, PiGDM(1))
	if err != nil {
		return nil, err
	}
	var grid []float64
	for k := (n + 4) / 5; k < n; k++ {
		grid = append(grid, float64(k)/float64(n))
	}
	t := grid[0]
	base := around{mean: backProjection(p, squaredNorm(p.a)), std: 1 - t}
	floats.Scale(t, base.mean)
	return &score.Sampler{Path: interpolant.CondOT{}, Model: c, Solver: score.ODE(ode.Euler), Grid: grid, Base: base}, nil
}

// around is the base N(mean, std² I).
type around struct {
	mean []float64
	std  float64
}

// Rand fills dst with a draw.
func (b around) Rand(dst []float64, rng *rand.Rand) {
	score.Normal{Std: b.std}.Rand(dst, rng)
	floats.Add(dst, b.mean)
}

// LogProb writes log N(x; mean, std² I).
func (b around) LogProb(dst, x []float64, dim int) {
	shifted := make([]float64, len(x))
	for lo := 0; lo < len(x); lo += dim {
		floats.SubTo(shifted[lo:lo+dim], x[lo:lo+dim], b.mean)
	}
	score.Normal{Std: b.std}.LogProb(dst, shifted, dim)
}
