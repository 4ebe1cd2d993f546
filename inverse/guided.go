package inverse

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"github.com/seed-dea4846a/sampler/tweedie"
	"gonum.org/v1/gonum/floats"
)

// A Guided is a prior with data beside it, the model of the samplers that descend a loss
// of x̂0 = D(x): DPS, LGD, STSL and PSLD. Its denoiser is the prior's own; their solvers
// add what they know of the data to each step. It is safe for concurrent use.
//
// These solvers also take a *Conditional. The only difference is the last denoising of
// score.Sampler, which is then that of its gain.
//
// The gradient of a loss goes through D by its transposed Jacobian: by score.VJPer if the
// prior is one, and otherwise by the Jacobian, as it is symmetric for a posterior mean (by
// tweedie.Differences if the prior knows none).
type Guided struct {
	data   Data
	prior  score.Denoiser
	model  tweedie.Model
	counts *counters
}

// NewGuided joins data and prior. It returns an error if they differ in dimension.
func NewGuided(data Data, prior score.Denoiser) (*Guided, error) {
	if _, cols := data.Dims(); cols != prior.Dim() {
		return nil, fmt.Errorf("inverse: the operator acts on %d values, but the prior's points have %d", cols, prior.Dim())
	}
	return &Guided{data: data, prior: prior, model: tweedie.ModelOf(prior), counts: new(counters)}, nil
}

// Dim returns the dimension of a point.
func (g *Guided) Dim() int { return g.prior.Dim() }

// Denoise writes D(x) of the prior.
func (g *Guided) Denoise(dst, x []float64, alpha, sigma float64) {
	g.prior.Denoise(dst, x, alpha, sigma)
}

// Err returns the prior's first error if it keeps one.
func (g *Guided) Err() error {
	if e, ok := g.prior.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// Data returns the data.
func (g *Guided) Data() Data { return g.data }

// Prior returns the denoiser of the prior.
func (g *Guided) Prior() score.Denoiser { return g.prior }

// Counts returns the work done so far. JVP counts products of the Jacobian of D and of
// its transpose; Apply and Adjoint those of the measurement map and of its transposed
// derivative.
func (g *Guided) Counts() Counts { return g.counts.load() }

// linear returns the problem if the measurement is linear.
func (g *Guided) linear() (*Problem, bool) {
	p, ok := g.data.(*Problem)
	return p, ok
}

// guidedOf sees a sampler's model as one.
func guidedOf(m score.Denoiser, method string) (*Guided, error) {
	switch m := m.(type) {
	case *Guided:
		return m, nil
	case *Conditional:
		return &Guided{data: m.problem, prior: m.prior, model: m.model, counts: &m.counts}, nil
	}
	return nil, fmt.Errorf("inverse: %s needs a sampler of a *Guided or a *Conditional, got a %T", method, m)
}

// A loss is a function L of x̂0 that a method descends, and of random numbers.
type loss interface {
	// normals is how many of them a point uses in a step.
	normals(measurements, d int) int
	// slope writes ∂L/∂x̂0 at one point. z are its normals.
	slope(dst, mean, z []float64, c interpolant.Coeffs, w *slopes)
}

// slopes is the work space of losses, for one goroutine.
type slopes struct {
	data   Data
	f      linop.Map
	y      []float64
	r, m1  []float64 // a measurement each
	d1, d2 []float64 // a point each
	counts Counts
}

func newSlopes(data Data) *slopes {
	m, d := data.Dims()
	return &slopes{
		data: data, f: data.forward(), y: data.Y(),
		r: make([]float64, m), m1: make([]float64, m), d1: make([]float64, d), d2: make([]float64, d),
	}
}

// residual makes r = y - f(x).
func (w *slopes) residual(x []float64) {
	w.counts.Apply++
	w.f.Apply(w.r, x)
	floats.SubTo(w.r, w.y, w.r)
}

// back writes f'(x)ᵀu.
func (w *slopes) back(dst, x, u []float64) {
	w.counts.Adjoint++
	w.f.VJP(dst, x, u)
}

// A descent is the step that all methods of this kind share,
//
//	x' = DDIM_η(x; x̂0) - κ ∇_x L(x̂0),
//
// with one Jacobian product a point. κ is 1, or for a matched method what makes -L the log
// of p(y|x): the step of DDIM is linear in x̂0 with the coefficient c, and the mean of
// x₁ given x and y is x̂0 + (σ²/α)∇ log p(y|x), so
//
//	κ = c σ²/α,   c = α' - σ'√(1-η²τ) α/σ.
type descent struct {
	renoiser
	g       *Guided
	loss    loss
	w       *slopes
	linear  score.Linear // of the prior, at the points of the last descend
	eta     float64
	matched bool
	size    int // normals a point
	mean    []float64
	cot     []float64 // ∂L/∂x̂0
	grad    []float64 // ∇_x L
}

// newDescent leaves extra normals of each point, behind those of the loss, to the method.
func newDescent(s *score.Sampler, noise sde.NoiseSource, rows int, g *Guided, l loss, eta float64, matched bool, extra int) descent {
	m, d := g.data.Dims()
	size := d + l.normals(m, d) + extra
	return descent{
		renoiser: newRenoiser(s.Path, noise, size, rows), g: g, loss: l, w: newSlopes(g.data), linear: score.LinearOf(g.model),
		eta: eta, matched: matched, size: size,
		mean: make([]float64, rows*d), cot: make([]float64, rows*d), grad: make([]float64, rows*d),
	}
}

func (s *descent) Step(x []float64, t0, t1 float64) {
	a, b := s.path.At(t0), s.path.At(t1)
	z := s.draw(len(x)/s.g.Dim()*s.size, t0, t1)
	s.descend(x, z, a)
	s.pull(x)
	s.move(x, z, a, b)
	s.flush()
}

// descend makes x̂0 and ∂L/∂x̂0.
func (s *descent) descend(x, z []float64, a interpolant.Coeffs) {
	d, mean := s.g.Dim(), s.mean[:len(x)]
	s.linear.At(mean, x, a.Alpha, a.Sigma)
	s.nfe++
	for lo := 0; lo < len(x); lo += d {
		s.loss.slope(s.cot[lo:lo+d], mean[lo:lo+d], z[d:s.size], a, s.w)
		z = z[s.size:]
	}
}

// pull makes ∇_x L.
func (s *descent) pull(x []float64) {
	s.linear.VJP(s.grad[:len(x)], s.cot[:len(x)])
	s.w.counts.JVP += int64(len(x) / s.g.Dim())
}

// move takes the step.
func (s *descent) move(x, z []float64, a, b interpolant.Coeffs) {
	d := s.g.Dim()
	fresh := s.eta * math.Sqrt(share(a, b))
	old := math.Sqrt((1 - fresh) * (1 + fresh))
	kappa := 1.0
	if s.matched {
		kappa = (b.Alpha - b.Sigma*old*a.Alpha/a.Sigma) * a.Sigma * a.Sigma / a.Alpha
	}
	for lo := 0; lo < len(x); lo += d {
		row, mean, grad := x[lo:lo+d], s.mean[lo:lo+d], s.grad[lo:lo+d]
		for i, v := range row {
			row[i] = b.Alpha*mean[i] + b.Sigma*(old*(v-a.Alpha*mean[i])/a.Sigma+fresh*z[i]) - kappa*grad[i]
		}
		z = z[s.size:]
	}
}

func (s *descent) flush() { s.g.counts.add(&s.w.counts) }

// A guide is a method of this kind.
type guide interface {
	// check returns the model as the method sees it, or why it cannot run.
	check(s *score.Sampler) (*Guided, error)
	NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper
}

// guideSolver checks before it runs.
func guideSolver(m guide) score.Solver {
	return func(ctx context.Context, s *score.Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		if _, err := m.check(s); err != nil {
			return ode.Result{}, err
		}
		return march(ctx, s, s.Grid, x, m.NewStepper, set)
	}
}

// mustCheck is check for a NewStepper.
func mustCheck(m guide, s *score.Sampler) *Guided {
	g, err := m.check(s)
	if err != nil {
		panic(err.Error())
	}
	return g
}

// checkGuide judges what all methods have.
func checkGuide(s *score.Sampler, method string, zeta, eta float64, matched bool) (*Guided, error) {
	g, err := guidedOf(s.Model, method)
	if err != nil {
		return nil, err
	}
	if !(eta >= 0 && eta <= 1) {
		return nil, fmt.Errorf("inverse: η = %g is not between 0 and 1", eta)
	}
	if !(zeta >= 0) || math.IsInf(zeta, 1) {
		return nil, fmt.Errorf("inverse: the step size of %s is %g, want a finite number of 0 or more", method, zeta)
	}
	if t := s.Grid[0]; matched && s.Path.At(t).Alpha == 0 {
		return nil, noSignal(t)
	}
	return g, nil
}

// checkNoisy refuses measurements without noise to methods that divide by it.
func checkNoisy(data Data, method string) error {
	for i := range data.Y() {
		if !(data.Variance(i) > 0) {
			return fmt.Errorf("inverse: measurement %d has no noise, by which %s divides; use the norm of DPS instead", i, method)
		}
	}
	return nil
}
