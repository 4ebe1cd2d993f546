package inverse

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// DMPS is the gain of a likelihood that is taken at the noisy point itself, as if the
// prior were flat (Meng and Kabashima 2022, arXiv 2211.12343): x/α is then x₁ with noise
// of the variance σ²/α², so that
//
//	p(y|x) ≈ N(y; A x/α, (σ²/α²) A Aᵀ + R)
//	D(x, y) = x̂0 + λ (σ²/α²) Aᵀ((σ²/α²) A Aᵀ + R)⁻¹(y - A x/α).
//
// It differs from DiffPIR's gain in the place of the residual: at x/α, not at x̂0. No
// derivative of the denoiser. The system is solved in closed form if the operator is
// spectral under white noise, otherwise by conjugate gradients.
type DMPS struct {
	Lambda float64 // λ, the guidance scale; zero means 1, the formula's own
	Krylov Krylov
}

func (g DMPS) check(*Problem) error {
	if !(g.Lambda >= 0) || math.IsInf(g.Lambda, 1) {
		return fmt.Errorf("inverse: the scale λ of DMPS is %g, want a finite number of 0 (for 1) or more", g.Lambda)
	}
	return g.Krylov.check()
}

// flatPrior is the covariance of x₁ given x under a flat prior, boxed once.
var flatPrior Covariance = Proximal{}

// Estimate writes D(x, y).
func (g DMPS) Estimate(dst []float64, l *Local) {
	l.Apply(l.m2, l.X)
	for i, y := range l.y {
		l.m2[i] = y - l.m2[i]/l.Alpha
	}
	l.through(dst, flatPrior, l.m2, g.Krylov)
	if g.Lambda > 0 {
		floats.Scale(g.Lambda, dst)
	}
	floats.Add(dst, l.Mean)
}
