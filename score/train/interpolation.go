package train

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// The fields of a two-sided interpolant, as Interpolation names them.
const (
	FieldB   = "b"   // E[İ + γ̇z | x]
	FieldV   = "v"   // E[İ | x]
	FieldS   = "s"   // ∇ log p = -E[z | x]/γ
	FieldEta = "eta" // E[z | x]
)

// Interpolation is the loss of one field of a stochastic interpolant (Albergo et al. 2023,
// arXiv 2303.08797, equations 2.13 to 2.19), learned by a Raw network that is told t:
//
//	E ½|f_θ(t, x_t)|² - f·f_θ(t, x_t),   t ~ U[T0, T1]
//
// with f = İ + γ̇z for b, İ for v, -z/γ for s and z for η. Its value is negative: at the
// minimum -½E|f_exact|². Each draw is used with z and with -z, which keeps the variance finite
// at the ends for b and s (appendix B.2), unless Single is set.
type Interpolation struct {
	Path   interpolant.TwoSided
	Field  string
	T0, T1 float64 // both zero mean 0 and 1, neither of which is drawn
	Single bool
}

// Check returns what keeps the objective from training a network.
func (o *Interpolation) Check(in, out int) error {
	switch o.Field {
	case FieldB, FieldV, FieldEta:
	case FieldS:
		if o.Path.At(0.5).Gamma == 0 {
			return fmt.Errorf("train: an interpolant without noise has no score to learn by -z/γ")
		}
	default:
		return fmt.Errorf("train: no field %q: there are b, v, s and eta", o.Field)
	}
	return checkShape(&nn.Precond{Kind: nn.Raw}, in, out)
}

// Jets are those of Add.
func (o *Interpolation) Jets(dim int) []nn.Jet { return jetOf(false, dim) }

// Add returns the losses of rows of the batch.
func (o *Interpolation) Add(w *Work, b *Batch, lo, hi int) (float64, error) {
	return regress(o, w, b, lo, hi)
}

func (o *Interpolation) onGradient() bool { return false }

func (o *Interpolation) terms(w *Work, b *Batch, lo, hi int) (terms, error) {
	copies := 2
	if o.Single {
		copies = 1
	}
	r, d := w.terms(copies*(hi-lo)), w.Dim
	r.drop = true
	z, rate := w.Floats(d), w.Floats(d)
	t0, t1 := o.T0, o.T1
	if t0 == 0 && t1 == 0 {
		t1 = 1
	}
	for i := range r.t {
		row := lo + i/copies
		rng := w.At(b.Seed, stream.Step, uint64(row), b.Step)
		u := rng.Float64()
		for u == 0 {
			u = rng.Float64()
		}
		t := t0 + (t1-t0)*u
		c := o.Path.At(t)
		sign := 1 - 2*float64(i%copies)
		for j := range z {
			z[j] = sign * rng.NormFloat64()
		}
		x0, x1 := b.X0[row*d:(row+1)*d], b.X1[row*d:(row+1)*d]
		interpolant.Interpolate(r.x[i*d:(i+1)*d], rate, x0, x1, z, c)
		r.t[i], r.weight[i] = t, 0.5/float64(copies)
		f := r.target[i*d : (i+1)*d]
		for j := range f {
			switch o.Field {
			case FieldB:
				f[j] = rate[j]
				if c.DGamma != 0 {
					f[j] += c.DGamma * z[j]
				}
			case FieldV:
				f[j] = rate[j]
			case FieldS:
				f[j] = -z[j] / c.Gamma
			case FieldEta:
				f[j] = z[j]
			}
			if math.IsInf(f[j], 0) || math.IsNaN(f[j]) {
				return r, fmt.Errorf("train: the interpolant's %s has no finite value at t = %g: set T0 and T1 inside the ends", o.Field, t)
			}
		}
	}
	return r, nil
}

// Map trains a map T from starts to clean points in one step, a Raw network at t = 0:
//
//	Fit(T(x₀), x₁) + Weight·Gap(x₀, T(x₀))
//
// Fit is a distance of samples, such as the Sinkhorn divergence of package metric, and Gap the
// Monge gap (Uscidda and Cuturi 2023, arXiv 2302.04953; metric.MongeGapOf), which is 0 for
// the maps of optimal transport. Both write their gradient in T(x₀) to dt. They see whole
// batches.
type Map struct {
	Fit    func(dt, t, x1 []float64) (float64, error)
	Gap    func(dt, x0, t []float64) (float64, error)
	Weight float64
}

// Check returns what keeps the objective from training a network.
func (o *Map) Check(in, out int) error {
	if o.Fit == nil || o.Gap == nil && o.Weight != 0 {
		return fmt.Errorf("train: a map needs a distance to fit and, unless its weight is zero, a Monge gap")
	}
	return checkShape(&nn.Precond{Kind: nn.Raw}, in, out)
}

// Jets are those of Add.
func (o *Map) Jets(dim int) []nn.Jet { return jetOf(false, dim) }

// Add panics: the loss is that of a whole batch, which an Evaluator computes.
func (o *Map) Add(*Work, *Batch, int, int) (float64, error) {
	panic("train: the loss of a map is that of a whole batch")
}

func (o *Map) loss(dy, y []float64, b *Batch) (float64, error) {
	loss, err := o.Fit(dy, y, b.X1)
	if err != nil || o.Weight == 0 {
		return loss, err
	}
	dg := make([]float64, len(dy))
	gap, err := o.Gap(dg, b.X0, y)
	for i, v := range dg {
		dy[i] += o.Weight * v
	}
	return loss + o.Weight*gap, err
}
