package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
	"gonum.org/v1/gonum/floats"
)

// PSLD is posterior sampling with a latent diffusion model (Rout, Raoof, Daras, Caramanis,
// Dimakis and Shakkottai 2023, arXiv 2307.00619). With the encoder ℰ, the decoder 𝒟 and the
// latent point z,
//
//	z' = DDIM_η(z; ẑ0) - ∇_z [ ω ‖y - A𝒟(ẑ0)‖ + γ ‖ℰ(Aᵀy + (I - AᵀA)𝒟(ẑ0)) - ẑ0‖ ].
//
// The second term glues the decoded picture to the data and asks that encoding leave it
// as it is. For the linear autoencoder of a PCA, 𝒟(z) = μ + Bz and ℰ(x) = Bᵀ(x - μ), the
// encoder gives back what was decoded and the loss is one of the latent problem
// PCA.Problem, B̃ = AB and ỹ = y - Aμ,
//
//	ω ‖r‖ + γ ‖B̃ᵀr‖,   r = ỹ - B̃ẑ0,
//
// so the sampler's model is a *Guided (or a *Conditional) of the latent problem and a prior
// of z, and PCA.Decode leads from its samples to pictures. AᵀA is the projection that the
// paper means where AAᵀ = I; then, without reduction (B = I), PSLD is DPS with ζ = ω + γ.
type PSLD struct {
	Omega float64 // ω; the authors have 1
	Gamma float64 // γ; the authors have 0.1, and 0 is LDPS, DPS in latent space
	Eta   float64 // the authors have 0 and 1
}

// Solver returns the steps as the solver of a sampler.
func (m PSLD) Solver() score.Solver { return guideSolver(m) }

func (m PSLD) check(s *score.Sampler) (*Guided, error) {
	if !(m.Gamma >= 0) || math.IsInf(m.Gamma, 1) {
		return nil, fmt.Errorf("inverse: the weight γ of PSLD is %g, want a finite number of 0 or more", m.Gamma)
	}
	g, err := checkGuide(s, "PSLD", m.Omega, m.Eta, false)
	if err != nil {
		return nil, err
	}
	if _, ok := g.linear(); !ok {
		return nil, fmt.Errorf("inverse: PSLD glues by the adjoint of a linear problem; DPS serves a %T", g.data)
	}
	return g, nil
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics where
// Solver returns an error.
func (m PSLD) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	d := newDescent(s, noise, rows, mustCheck(m, s), m, m.Eta, false, 0)
	return &d
}

func (PSLD) normals(_, _ int) int { return 0 }

// slope writes -B̃ᵀ(ω r/‖r‖ + γ B̃q/‖q‖), q = B̃ᵀr.
func (m PSLD) slope(dst, mean, _ []float64, _ interpolant.Coeffs, w *slopes) {
	w.residual(mean)
	if m.Gamma > 0 {
		w.back(w.d1, mean, w.r)
		unit(w.d1)
		w.counts.Apply++
		w.f.JVP(w.m1, mean, w.d1)
	}
	unit(w.r)
	floats.Scale(-m.Omega, w.r)
	if m.Gamma > 0 {
		floats.AddScaled(w.r, -m.Gamma, w.m1)
	}
	w.back(dst, mean, w.r)
}

// unit makes v of length 1, unless it is 0, where the norm has the subgradient 0.
func unit(v []float64) {
	if n := floats.Norm(v, 2); n > 0 {
		floats.Scale(1/n, v)
	}
}
