package train

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// Levels are the law of the noise in training.
type Levels interface {
	Draw(r *rand.Rand) interpolant.Coeffs
}

// LogNormal noise has α = 1 and ln σ ~ N(Mean, Std²); with both zero, -1.2 and 1.2 (Karras et
// al. 2022, arXiv 2206.00364, table 1). These suit data of standard deviation 0.5.
type LogNormal struct{ Mean, Std float64 }

// Draw returns the coefficients of a draw.
func (l LogNormal) Draw(r *rand.Rand) interpolant.Coeffs {
	if l.Std == 0 {
		if l.Std = 1.2; l.Mean == 0 {
			l.Mean = -1.2
		}
	}
	return interpolant.Coeffs{Alpha: 1, Sigma: math.Exp(l.Mean + l.Std*r.NormFloat64())}
}

// LogUniform noise has α = 1 and ln σ uniform between those of Min and Max.
type LogUniform struct{ Min, Max float64 }

// Draw returns the coefficients of a draw.
func (l LogUniform) Draw(r *rand.Rand) interpolant.Coeffs {
	lo, hi := math.Log(l.Min), math.Log(l.Max)
	return interpolant.Coeffs{Alpha: 1, Sigma: math.Exp(lo + (hi-lo)*r.Float64())}
}

// Times of a path are T0 + (T1 - T0)u with u ~ Beta(A, B), uniform if both are zero. T0 and T1
// both zero mean the path's span.
type Times struct {
	Path   interpolant.Path
	T0, T1 float64
	A, B   float64
}

// Draw returns the coefficients of a draw.
func (l Times) Draw(r *rand.Rand) interpolant.Coeffs { return l.Path.At(l.time(r)) }

// spanned returns the times with T0 and T1 filled in, which costs an allocation.
func (l Times) spanned() Times {
	if l.T0 == 0 && l.T1 == 0 {
		l.T0, l.T1 = l.Path.Span()
	}
	return l
}

func (l Times) time(r *rand.Rand) float64 {
	l = l.spanned()
	u := 0.0
	if l.A == 0 && l.B == 0 {
		u = r.Float64()
	} else {
		u = distuv.Beta{Alpha: l.A, Beta: l.B, Src: r}.Rand()
	}
	return l.T0 + (l.T1-l.T0)*u
}

// A Weighting is the weight w of |D_θ - x₁|². With s = σ/α it makes the loss
type Weighting string

// The weightings; each is the mean square of the error of one prediction.
const (
	WeightEDM      Weighting = "edm"      // (s² + σ_d²)/(sσ_d)²: that of EDM's F, table 1 there
	WeightNoise    Weighting = "noise"    // 1/s²: |ε_θ - x₀|², VP's
	WeightX0       Weighting = "x0"       // 1
	WeightScore    Weighting = "score"    // (α/σ²)²: |s_θ - ∇ log p(x|x₁)|², unweighted score matching
	WeightVelocity Weighting = "velocity" // (α̇ - ασ̇/σ)²: |u_θ - (α̇x₁ + σ̇x₀)|², flow matching
)

func (k Weighting) of(c interpolant.Coeffs, sd float64) float64 {
	s := c.Sigma / c.Alpha
	switch k {
	case WeightEDM:
		return 1/(sd*sd) + 1/(s*s)
	case WeightNoise:
		return 1 / (s * s)
	case WeightScore:
		a := c.Alpha / (c.Sigma * c.Sigma)
		return a * a
	case WeightVelocity:
		b := c.DAlpha - c.Alpha*c.DSigma/c.Sigma
		return b * b
	}
	return 1
}

// Denoising is denoising score matching (Vincent 2011, Neural Comput. 23, 1661), in whatever
// prediction the network makes:
//
//	E w |D_θ(x; α, σ) - x₁|²,   x = αx₁ + σx₀
//
// If x₀ is not independent of x₁, the minimiser is E[x₁|x] all the same, and its flow still
// carries the law of x₀ to that of x₁.
type Denoising struct {
	Precond nn.Precond
	Levels  Levels    // nil means LogNormal{}
	Weight  Weighting // "" means WeightEDM
	// Teacher, if not nil, gives the target of the regression, its D(x; α, σ) in place of x₁.
	// If that is the exact denoiser of the data, x₁'s mean given x, so is the gradient's mean the
	// same and its noise less: as if each x came with all the x₁ that lead to it.
	Teacher score.Denoiser
}

// FlowMatching returns flow matching on a path (Lipman et al. 2023, arXiv 2210.02747): the
// regression of a velocity network on α̇x₁ + σ̇x₀ at uniform times. std is that of the data.
func FlowMatching(p interpolant.Path, std float64) *Denoising {
	return &Denoising{Precond: nn.Precond{Kind: nn.Velocity, DataStd: std, Path: p}, Levels: Times{Path: p}, Weight: WeightVelocity}
}

// Check returns what keeps the objective from training a network.
func (o *Denoising) Check(in, out int) error {
	switch o.Weight {
	case "", WeightEDM, WeightNoise, WeightX0, WeightScore:
	case WeightVelocity:
		if _, ok := o.Levels.(Times); !ok {
			return fmt.Errorf("train: the velocity's weight needs the times of a path")
		}
	default:
		return fmt.Errorf("train: no weight %q: there are edm, noise, x0, score and velocity", o.Weight)
	}
	if o.Precond.Kind == nn.Raw {
		return fmt.Errorf("train: a raw network is no denoiser; use Interpolation")
	}
	if o.Teacher != nil && o.Teacher.Dim() != in {
		return fmt.Errorf("train: a teacher of points of dimension %d for a network of dimension %d", o.Teacher.Dim(), in)
	}
	return checkShape(&o.Precond, in, out)
}

// Jets are those of Add.
func (o *Denoising) Jets(dim int) []nn.Jet { return jetOf(o.onGradient(), dim) }

// Add returns the losses of rows of the batch.
func (o *Denoising) Add(w *Work, b *Batch, lo, hi int) (float64, error) {
	return regress(o, w, b, lo, hi)
}

func (o *Denoising) onGradient() bool { return o.Precond.Kind == nn.LogDensity }

func (o *Denoising) terms(w *Work, b *Batch, lo, hi int) (terms, error) {
	r, d := w.terms(hi-lo), w.Dim
	r.gradient = o.onGradient()
	levels, kind := o.Levels, o.Weight
	if levels == nil {
		levels = LogNormal{}
	}
	if t, ok := levels.(Times); ok {
		levels = t.spanned()
	}
	if kind == "" {
		kind = WeightEDM
	}
	taught := w.Floats(d)
	for i := range r.t {
		row := lo + i
		c := levels.Draw(w.At(b.Seed, stream.Step, uint64(row), b.Step))
		x, x1 := r.x[i*d:(i+1)*d], b.X1[row*d:(row+1)*d]
		for j := range x {
			x[j] = c.Alpha*x1[j] + c.Sigma*b.X0[row*d+j]
		}
		if o.Teacher != nil {
			o.Teacher.Denoise(taught, x, c.Alpha, c.Sigma)
			x1 = taught
		}
		r.set(i, x1, &o.Precond, c.Alpha, c.Sigma, kind.of(c, or(o.Precond.DataStd, 0.5)))
	}
	return r, nil
}

// set makes row i, whose x is the noisy point, the regression of D on x₁ with the weight.
func (r *terms) set(i int, x1 []float64, p *nn.Precond, alpha, sigma, weight float64) {
	d := len(x1)
	c := p.At(alpha, sigma)
	if p.Kind == nn.LogDensity { // D = (x + σ²In∇φ)/α
		c.Skip, c.Out = 1/alpha, sigma*sigma*c.In/alpha
	}
	r.t[i], r.weight[i] = c.Noise, weight*c.Out*c.Out
	x, target := r.x[i*d:(i+1)*d], r.target[i*d:(i+1)*d]
	for j, v := range x {
		target[j] = (x1[j] - c.Skip*v) / c.Out
		x[j] = c.In * v
	}
}

// Poisson is denoising with the noise of PFGM++ (package pfgm), whose draws replace x₀.
type Poisson struct {
	Precond  nn.Precond
	Training pfgm.Training
}

// Check returns what keeps the objective from training a network.
func (o *Poisson) Check(in, out int) error {
	if k := o.Precond.Kind; k == nn.Raw || k == nn.LogDensity {
		return fmt.Errorf("train: PFGM++ needs a denoiser, not the prediction %q", k)
	}
	if !(o.Training.D > 0) || math.IsInf(o.Training.D, 1) {
		return fmt.Errorf("train: PFGM++ needs a finite D > 0; D = ∞ is Denoising")
	}
	return checkShape(&o.Precond, in, out)
}

// Jets are those of Add.
func (o *Poisson) Jets(dim int) []nn.Jet { return jetOf(false, dim) }

// Add returns the losses of rows of the batch.
func (o *Poisson) Add(w *Work, b *Batch, lo, hi int) (float64, error) {
	return regress(o, w, b, lo, hi)
}

func (o *Poisson) onGradient() bool { return false }

func (o *Poisson) terms(w *Work, b *Batch, lo, hi int) (terms, error) {
	r, d := w.terms(hi-lo), w.Dim
	sigma, y := w.Floats(hi-lo), b.X1[lo*d:hi*d]
	o.Training.Perturb(r.x, sigma, r.weight, y, d, b.Seed, lo, b.Step)
	for i := range r.t {
		r.set(i, y[i*d:(i+1)*d], &o.Precond, 1, sigma[i], r.weight[i])
	}
	return r, nil
}

func or(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}

// sqrtRatio returns √(a/b), or 1 if that is no scale.
func sqrtRatio(a, b float64) float64 {
	if r := math.Sqrt(a / b); r > 0 && !math.IsInf(r, 1) {
		return r
	}
	return 1
}
