package inverse

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// TestScalarTable runs the methods on the prior N(0, S) and y = x + σ_y n and holds the
// exact law of their outputs, divided by the posterior's gain and variance, to figures
// that an independent program found by the recursion of the mean and the variance.
func TestScalarTable(t *testing.T) {
	problems := []struct {
		data, noise float64
		n           int
	}{{.25, .1, 20}, {.25, .1, 100}, {.25, .1, 1000}, {.25, .5, 100}, {.25, .5, 1000}, {1, .5, 1000}}
	type pair [2]float64
	rows := []struct {
		name  string
		gain  Gain // nil: DDRM
		steps score.Steps
		want  [6]pair
	}{
		{"exact mean, DDIM 1", MMPS(0), score.SDESteps(sde.DDIM, 1),
			[6]pair{{1, .203}, {1, .625}, {1, .926}, {1, .841}, {1, .979}, {1, .983}}},
		{"exact mean, DDIM 0", MMPS(1), score.SDESteps(sde.DDIM, 0),
			[6]pair{{1, .286}, {.999, .776}, {.999, .966}, {.998, .926}, {.998, .992}, {.997, .993}}},
		{"fixed covariance, DDIM 1", Fixed(nil, Krylov{}), score.SDESteps(sde.DDIM, 1), // Isotropic{S}: exact here
			[6]pair{{1, .203}, {1, .625}, {1, .926}, {1, .841}, {1, .979}, {1, .983}}},
		{"TMPD, DDIM 1", TMPD{}, score.SDESteps(sde.DDIM, 1), // one measurement: exact
			[6]pair{{1, .203}, {1, .625}, {1, .926}, {1, .841}, {1, .979}, {1, .983}}},
		{"PiGDM", PiGDM(0), score.SDESteps(sde.DDIM, 1),
			[6]pair{{.930, .432}, {.963, .730}, {.967, 1.018}, {.863, .890}, {.869, 1.027}, {1, .983}}},
		{"DDS γ=1", DDS{Gamma: 1, Krylov: Krylov{Iterations: 5}}, Recursion{Eta: .85}.NewStepper,
			[6]pair{{.978, .264}, {1.035, .025}, {1.040, .004}, {1.991, .002}, {1.999, .000}, {1.250, .000}}},
		{"DDS γ=∞", DDS{Krylov: Krylov{Iterations: 5}}, Recursion{Eta: .85}.NewStepper,
			[6]pair{{1.040, 0}, {1.040, 0}, {1.040, 0}, {2, 0}, {2, 0}, {1.250, 0}}},
		{"DDNM", DDNM{}, Recursion{Eta: .85}.NewStepper, // A = 1: the same
			[6]pair{{1.040, 0}, {1.040, 0}, {1.040, 0}, {2, 0}, {2, 0}, {1.250, 0}}},
		{"DiffPIR λ=1 ζ=1", DiffPIR(1), Recursion{Eta: 1, Posterior: true}.NewStepper,
			[6]pair{{1.006, .148}, {1.002, .373}, {1, .466}, {1.090, .418}, {1.020, .481}, {1.003, .486}}},
		{"DiffPIR λ=7 ζ=.1", DiffPIR(7), Recursion{Eta: math.Sqrt(.1), Posterior: true}.NewStepper,
			[6]pair{{.895, 2.22}, {.882, 4.06}, {.839, 5.08}, {.627, 1.43}, {.346, 1.64}, {.517, 2.94}}},
		{"DiffPIR λ=8 ζ=1", DiffPIR(8), Recursion{Eta: 1, Posterior: true}.NewStepper,
			[6]pair{{.849, 1.69}, {.810, 2.56}, {.793, 3.01}, {.280, .789}, {.234, .866}, {.425, 1.63}}},
		{"DDRM η=.85", nil, nil,
			[6]pair{{.920, 1.77}, {.993, .415}, {1.015, .189}, {1.238, .235}, {1.617, .111}, {1.174, .084}}},
	}
	for _, r := range rows {
		for i, q := range problems {
			name := fmt.Sprintf("%s: S = %g, σ = %g, N = %d", r.name, q.data, q.noise, q.n)
			prior := density.Normal(1, math.Sqrt(q.data))
			for _, a := range []interface {
				Dims() (int, int)
				Apply(dst, x []float64)
				Adjoint(dst, y []float64)
			}{newSpectrum(mat.NewDense(1, 1, []float64{1})), dense{mat.NewDense(1, 1, []float64{1})}} {
				p, err := New(a, []float64{1}, q.noise)
				require.NoError(t, err)
				s := sampler(t, prior, q.n)
				steps := r.steps
				switch g := r.gain.(type) {
				case nil:
					if _, ok := p.spectral(); !ok {
						continue
					}
					steps = DDRM{p, .85, 1}.NewStepper
				case Kalman:
					if g.Cov == nil {
						g.Cov = Isotropic{Data: q.data}
					}
					s.Model = conditional(t, p, prior, g)
				default:
					s.Model = conditional(t, p, prior, g)
				}
				gain, spread := ratios(propagate(t, s, steps, s.Grid, baseLaw(s)).denoised(t, s), q.data, q.noise)
				assert.InDelta(t, r.want[i][0], gain, printed(r.want[i][0]), "%s: gain", name)
				assert.InDelta(t, r.want[i][1], spread, printed(r.want[i][1]), "%s: variance", name)
			}
		}
	}
}

// printed is half a unit of the last digit in the table, and a little for its rounding:
// three decimals below 1.1, and for variances above three significant digits.
func printed(v float64) float64 {
	if v >= 1.1 && math.Abs(v*100-math.Round(v*100)) < 1e-9 {
		return 0.00501
	}
	return 0.000501
}

// TestCorrectedStepIsExactForAnyNumberOfSteps is the row of the corrected step, 1.000 and
// 1.000. What is left is the base, which lacks the signal of ᾱ = 4e-5 in x: a part of
// √ᾱ or less in the mean and of ᾱ in the variance, both damped by the first step.
func TestCorrectedStepIsExactForAnyNumberOfSteps(t *testing.T) {
	for _, q := range [][2]float64{{.25, .1}, {.25, .5}, {1, .5}} {
		prior := density.Normal(1, math.Sqrt(q[0]))
		p, err := New(dense{mat.NewDense(1, 1, []float64{1})}, []float64{1}, q[1])
		require.NoError(t, err)
		for _, n := range []int{1, 20, 100} {
			s := sampler(t, conditional(t, p, prior, MMPS(0)), n)
			for _, c := range []Covariance{nil, Isotropic{Data: q[0]}} {
				l := propagate(t, s, Corrected{Eta: 1, Cov: c}.NewStepper, append(s.Grid, 2), baseLaw(s))
				gain, spread := ratios(l, q[0], q[1])
				assert.InDelta(t, 1, gain, 1e-4, "S = %g, σ = %g, N = %d", q[0], q[1], n)
				assert.InDelta(t, 1, spread, 1e-4, "S = %g, σ = %g, N = %d", q[0], q[1], n)
			}

			// Without data; the plain step keeps 60 % at N = 20.
			s.Model = prior
			l := propagate(t, s, Corrected{Eta: 1}.NewStepper, append(s.Grid, 2), baseLaw(s))
			assert.InDelta(t, q[0], l.cov.At(0, 0), 1e-4)
			if q[0] == .25 && n > 1 {
				plain := propagate(t, s, score.SDESteps(sde.DDIM, 1), s.Grid, baseLaw(s)).denoised(t, s)
				assert.InDelta(t, map[int]float64{20: .60, 100: .88}[n], plain.cov.At(0, 0)/.25, 0.005)
			}
		}
	}
}

// sampler has DDPM's schedule, n evenly spaced steps of which are used.
func sampler(t testing.TB, m score.Denoiser, n int) *score.Sampler {
	path, grid := linearBetas(t, n)
	return &score.Sampler{Path: path, Grid: grid, Model: m}
}

func conditional(t testing.TB, p *Problem, prior score.Denoiser, g Gain) *Conditional {
	c, err := NewConditional(p, prior, g)
	require.NoError(t, err)
	return c
}

// baseLaw is that of score.BaseOf.
func baseLaw(s *score.Sampler) law {
	sigma := s.Path.At(s.Grid[0]).Sigma
	return isotropicLaw(s.Model.Dim(), sigma*sigma)
}

// ratios divides the gain on y = 1 and the variance by the posterior's.
func ratios(l law, data, noise float64) (gain, variance float64) {
	k := data / (data + noise*noise)
	return l.mean.AtVec(0) / k, l.cov.At(0, 0) / (k * noise * noise)
}
