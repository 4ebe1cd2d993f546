package main

import (
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
)

var _ interpolant.Path = ou{}

// ou is the paper's process dX = -X dτ + dW on its own clock, t = -τ: the network is told what
// the paper's is told, up to its sign, and residuals are in the paper's units.
//
//	α = e^t,   σ² = (1 - e^{2t})/2,   f = 1,   h = 1/2
type ou struct{}

// The paper's times τ: the start of sampling, and the least of training.
const (
	horizon = 10
	least   = 1e-5
)

// At returns α, σ and their time derivatives.
func (ou) At(t float64) interpolant.Coeffs {
	a, s := math.Exp(t), math.Sqrt(-math.Expm1(2*t)/2)
	return interpolant.Coeffs{Alpha: a, Sigma: s, DAlpha: a, DSigma: -a * a / (2 * s)}
}

// Time returns the t at which log(α/σ) = logSNR.
func (ou) Time(logSNR float64) float64 { return -math.Log1p(2*math.Exp(-2*logSNR)) / 2 }

// Span returns the times of training.
func (ou) Span() (t0, t1 float64) { return -horizon - least, -least }

// A problem is a target of the paper with its figures.
type problem struct {
	name, text string
	target     density.Target
	paper      [4][3]float64 // W₂² of flow and process, flow and truth, process and truth for each weight
}

var weights = [4]float64{0, 0.1, 1, 10}

// problems returns the paper's three targets and the W₂² that MATH.md, section 4, computes from
// the authors' histograms.
func problems() ([]problem, error) {
	const a = 0.65
	var means, covs, w []float64
	for _, at := range [][2]float64{{2, 2}, {2, -2}, {-2, 2}, {-2, -2}, {0, 0}, {4, 0}, {-4, 0}, {0, 4}, {0, -4}} {
		means, covs, w = append(means, a*at[0], a*at[1]), append(covs, a*a*0.2, 0, 0, a*a*0.2), append(w, 1)
	}
	blob, err := density.NewMixture(w, means, covs, 2)
	if err != nil {
		return nil, err
	}
	rings, err := density.NewSpheres(nil, []float64{1.3, 2.8}, 2)
	if err != nil {
		return nil, err
	}
	return []problem{
		{"blob", "9 Gaussians of standard deviation 0.29", blob, [4][3]float64{
			{.01160, .01097, .00218}, {.00311, .00604, .00294}, {.00290, .00528, .00427}, {.00221, .01722, .01599}}},
		{"circles2", "two circles, radii 1.3 and 2.8, blurred by 0.2", density.Smooth(rings, 0.2), [4][3]float64{
			{.01340, .01435, .00227}, {.00528, .00737, .00332}, {.00309, .00828, .00454}, {.00170, .00938, .00910}}},
		{"checker", "8 squares of side 1.5", density.NewCheckerboard(4, 1.5), [4][3]float64{
			{.02720, .02442, .00368}, {.00716, .01139, .00539}, {.00353, .01143, .01155}, {.00210, .03305, .03216}}},
	}, nil
}
