package weak_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/weak"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// A scheme whose solution is known: x' = 2x + 3 + 5 ΔW + 7 I₁₀/h.
type known struct {
	noise sde.Noise
	power float64
}

func (s *known) Begin(first, rows int) { s.noise.Begin(first, rows) }
func (s *known) NFE() int              { return 0 }
func (s *known) Step(x []float64, t0, t1 float64) {
	dw, dz := make([]float64, len(x)), make([]float64, len(x))
	s.noise.IncrementArea(dw, dz, t0, t1)
	for i := range x {
		x[i] = 2*math.Pow(x[i], s.power) + 3 + 5*dw[i] + 7*dz[i]/(t1-t0)
	}
}

func TestMoments(t *testing.T) {
	grid := []float64{1, 0.5, 0.25} // |h| = ½, ¼
	power := 1.0
	scheme := func(noise sde.NoiseSource, rows int) ode.Stepper {
		return &known{noise.NewNoise(1, rows), power}
	}
	m, v := weak.Moments(scheme, grid, 10, 0.1)
	// Each step adds the variance (25 + 35 + 49/3)|h| and doubles what was there.
	step := 25 + 35 + 49./3
	assert.Equal(t, 2*(2*10+3)+3., m)
	assert.InDelta(t, 4*(4*0.1+step/2)+step/4, v, 1e-12) // rounding

	power = 2
	assert.Panics(t, func() { weak.Moments(scheme, grid, 10, 0.1) })
}

// Euler-Maruyama on dX = -X dt + dW: x' = (1-h)x + ΔW.
func TestEulerMaruyama(t *testing.T) {
	p := sde.Func{
		D: 1,
		F: func(dst, x []float64, t float64) { floats.ScaleTo(dst, -1, x) },
		G: func(float64) float64 { return 1 },
	}
	m, v := weak.Moments(func(noise sde.NoiseSource, rows int) ode.Stepper {
		return sde.EulerMaruyama{}.NewStepper(p, noise, rows)
	}, []float64{0, 0.5, 1}, 1, 1)
	assert.InDelta(t, 0.25, m, 1e-15)
	assert.InDelta(t, 0.25*(0.25*1+0.5)+0.5, v, 1e-15)
}
