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

// LGD is loss-guided diffusion by Monte Carlo, LGD-MC (Song, Zhang, Yin, Mardani, Liu,
// Kautz, Chen and Vahdat 2023, ICML): the likelihood is averaged over draws
// around x̂0,
//
//	p(y|x) ≈ (1/m) Σ_j N(y; f(x̂0 + r ξ_j), R),   ξ_j ~ N(0, I),   r² = σ²S/(σ² + α²S),
//
// and its gradient through x̂0 enters the step as the likelihood's does in DPS with the
// form Likelihood,
//
//	x' = DDIM_η(x; x̂0) + ζκ ∇_x log p(y|x),
//
// so that ζ = 1 is Bayes' rule at every number of steps. With ever more draws it is on a
// linear problem PiGDM. The draws that count become few where r²‖A‖² is far above R: the
// largest weight then decides. One product of the Jacobian and m of f and of f'ᵀ a step.
//
// The sampler's model is a *Guided or a *Conditional with noise in all measurements.
type LGD struct {
	Draws int     // m; zero means 10
	Zeta  float64 // ζ
	Data  float64 // S, the variance of the data; zero means 1
	Eta   float64
}

// Solver returns the steps as the solver of a sampler.
func (m LGD) Solver() score.Solver { return guideSolver(m) }

func (m LGD) check(s *score.Sampler) (*Guided, error) {
	if m.Draws < 0 || !(m.Data >= 0) || math.IsInf(m.Data, 1) {
		return nil, fmt.Errorf("inverse: LGD has %d draws and data of the variance %g, want finite numbers of 0 (for the default) or more", m.Draws, m.Data)
	}
	g, err := checkGuide(s, "LGD", m.Zeta, m.Eta, true)
	if err == nil {
		err = checkNoisy(g.data, "LGD")
	}
	return g, err
}

func (m LGD) draws() int {
	if m.Draws == 0 {
		return 10
	}
	return m.Draws
}

// NewStepper makes the stepper of one goroutine; it is a score.Steps. It panics where
// Solver returns an error.
func (m LGD) NewStepper(s *score.Sampler, noise sde.NoiseSource, rows int) ode.Stepper {
	d := newDescent(s, noise, rows, mustCheck(m, s), m, m.Eta, true, 0)
	return &d
}

func (m LGD) normals(_, d int) int { return m.draws() * d }

// slope writes -ζ Σ_j w_j f'(x_j)ᵀR⁻¹(y - f(x_j)), w_j the share of draw j in p(y|x).
func (m LGD) slope(dst, mean, z []float64, c interpolant.Coeffs, w *slopes) {
	data := m.Data
	if data == 0 {
		data = 1
	}
	v, a := c.Sigma*c.Sigma, c.Alpha*c.Alpha
	radius := math.Sqrt(v * data / (v + a*data))
	clear(dst)
	top, sum := math.Inf(-1), 0.0
	for j := range m.draws() {
		floats.AddScaledTo(w.d1, mean, radius, z[j*len(mean):(j+1)*len(mean)])
		w.residual(w.d1)
		logp := 0.0
		for i, r := range w.r {
			w.r[i] /= w.data.Variance(i)
			logp -= r * w.r[i] / 2
		}
		w.back(w.d2, w.d1, w.r)
		if logp > top { // sum and dst are relative to the best so far
			shrink := math.Exp(top - logp)
			sum *= shrink
			floats.Scale(shrink, dst)
			top = logp
		}
		weight := math.Exp(logp - top)
		sum += weight
		floats.AddScaled(dst, weight, w.d2)
	}
	floats.Scale(-m.Zeta/sum, dst)
}
