package train

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// FokkerPlanck adds to a loss the mean square of the residual of the Fokker-Planck equation
// on collocation points,
//
//	E Base + Weight·E|R|²,
//
// which makes the flow and the process of a model agree (Deveney et al. 2023, arXiv
// 2311.15996). With f = α̇/α and h = g_nat²/2 = σ²α̇/α - σσ̇ the logarithm φ of the density of
// a path obeys R = 0 and its score R = 0 as well:
//
//	log-density   R = ∂_tφ + d f + f x·∇φ + h(Δφ + |∇φ|²)
//	score         R = ∂_t s + f(s + Jᵀx) + h(Δs + 2Jᵀs),   J = ∂s/∂x
//
// The second is the gradient of the first if s = ∇φ (Lai et al. 2023, arXiv 2210.04296); a
// LogDensity network, which needs Precond.Path = Path, is held to the first, all others to the
// second. R is per unit of t: on OU the paper's residual is -R/Horizon, its w_R
// Weight·Horizon².
type FokkerPlanck struct {
	Base    Objective // nil means none
	Precond nn.Precond
	Path    interpolant.Path
	Weight  float64
	// T0 and T1 bound the uniform times of the points; both zero mean the path's span, whose
	// start must then have α > 0.
	T0, T1 float64
	// Lo and Hi are corners of the box from which the points are drawn; if nil they follow
	// the law of x_t.
	Lo, Hi []float64
	// Every is how many rows of a batch share a point; zero means 1.
	Every int
}

// Check returns what keeps the objective from training a network.
func (o *FokkerPlanck) Check(in, out int) error {
	r := residual{o.Path, &o.Precond}
	if err := r.check(in, out); err != nil {
		return err
	}
	if t0, _ := o.span(); !(o.Path.At(t0).Alpha > 0) {
		return fmt.Errorf("train: the residual needs α > 0, which the path lacks at t = %g: set T0", t0)
	}
	if len(o.Lo) != len(o.Hi) || o.Lo != nil && len(o.Lo) != in {
		return fmt.Errorf("train: the box of collocation points is not of dimension %d", in)
	}
	if o.Base == nil {
		return nil
	}
	if _, ok := o.Base.(wholeLoss); ok {
		return fmt.Errorf("train: a map in one step has no Fokker-Planck residual")
	}
	return o.Base.Check(in, out)
}

func (o *FokkerPlanck) span() (t0, t1 float64) {
	if o.T0 == 0 && o.T1 == 0 {
		return o.Path.Span()
	}
	return o.T0, o.T1
}

// Jets are those of Add.
func (o *FokkerPlanck) Jets(dim int) []nn.Jet {
	jets := []nn.Jet{residualJet(dim, nn.Weights)}
	if o.Base != nil {
		jets = append(jets, o.Base.Jets(dim)...)
	}
	return jets
}

// Add returns the losses of rows of the batch.
func (o *FokkerPlanck) Add(w *Work, b *Batch, lo, hi int) (float64, error) {
	loss := 0.0
	if o.Base != nil {
		all := w.tapes
		w.tapes = all[1:]
		var err error
		loss, err = o.Base.Add(w, b, lo, hi)
		w.tapes = all
		if err != nil {
			return 0, err
		}
	}
	every := max(1, o.Every)
	first := (lo + every - 1) / every * every
	if o.Weight == 0 || first >= hi {
		return loss, nil
	}
	d, n := w.Dim, (hi-first+every-1)/every
	x, t := w.Floats(n*d), w.Floats(n)
	t0, t1 := o.span()
	for i := range n {
		row := first + i*every
		rng := w.At(^b.Seed, stream.Probe, uint64(row), b.Step) // not the numbers of Base
		t[i] = t0 + (t1-t0)*rng.Float64()
		c := o.Path.At(t[i])
		for j := range d {
			if o.Lo != nil {
				x[i*d+j] = o.Lo[j] + (o.Hi[j]-o.Lo[j])*rng.Float64()
			} else {
				x[i*d+j] = c.Alpha*b.X1[row*d+j] + c.Sigma*rng.NormFloat64()
			}
		}
	}
	r := residual{o.Path, &o.Precond}
	out := r.eval(w, x, t)
	points := (len(b.X1)/d + every - 1) / every
	scale := o.Weight * float64(len(b.X1)/d) / float64(points) // a mean over points, as a sum over rows
	for i, v := range out.r {
		loss += scale * v * v
		out.r[i] = 2 * scale * w.Scale * v
	}
	r.backward(w, &out)
	return loss, nil
}
