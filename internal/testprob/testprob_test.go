package testprob

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/mathext"
)

// The closed forms solve their equations and start at X0; the invariants are constant.
func TestProblems(t *testing.T) {
	for _, p := range []Problem{Rotation(1.3), Logistic(0.1), Pendulum(2.5), Arenstorf()} {
		d := p.Dim
		f, x, g := make([]float64, d), make([]float64, d), make([]float64, d)
		if p.Exact != nil {
			p.Exact(x, p.T0)
			assert.InDeltaSlice(t, p.X0, x, 1e-15, p.Name)
			for i := range 20 {
				at := p.T0 + (p.T1-p.T0)*float64(i)/19
				// Central difference of order 4: error h⁴|x⁗|·/30 ≈ 1e-12·, rounding 1e-16/h.
				const h = 1e-3
				for j, w := range []float64{1. / 12, -2. / 3, 2. / 3, -1. / 12} {
					p.Exact(f, at+h*[]float64{-2, -1, 1, 2}[j])
					for c := range g {
						g[c] += w * f[c] / h
					}
				}
				p.Exact(x, at)
				p.F(f, x, at)
				assert.InDeltaSlice(t, f, g, 1e-11, "%s at %v", p.Name, at)
				clear(g)
				if p.Invariant != nil {
					assert.InDelta(t, p.Invariant(p.X0), p.Invariant(x), 1e-14, p.Name) // rounding
				}
			}
		}
		if p.Invariant != nil { // dI/dt = ∇I·f = 0
			const h = 1e-5
			copy(x, p.X0)
			for c := range x { // an ordinary point
				x[c] += 0.1 * float64(c-3)
			}
			p.F(f, x, 0)
			rate, size := 0.0, 0.0
			for c := range x {
				v := x[c]
				x[c] = v + h
				up := p.Invariant(x)
				x[c] = v - h
				slope := (up - p.Invariant(x)) / (2 * h)
				x[c] = v
				rate += slope * f[c]
				size += math.Abs(slope * f[c])
			}
			assert.InDelta(t, 0, rate/size, 1e-8, p.Name) // h² of the difference
		}
		// A batch of two is the two points.
		two := append(append([]float64{}, p.X0...), x...)
		both := make([]float64, 2*d)
		p.F(both, two, 0)
		p.F(f, x, 0)
		assert.Equal(t, f, both[d:], p.Name)
	}
}

// A quarter of the pendulum's period is K(k).
func TestPendulumPeriod(t *testing.T) {
	p := Pendulum(2)
	x := make([]float64, 2)
	p.Exact(x, mathext.CompleteK(math.Pow(math.Sin(1), 2)))
	assert.InDelta(t, 0, x[0], 1e-15) // rounding
}

// An exact power law has its slope; points outside floor and ceiling do not spoil it.
func TestOrder(t *testing.T) {
	h := []float64{1, 0.5, 0.25, 0.125, 0.0625, 0.01}
	err := make([]float64, len(h))
	for i, v := range h {
		err[i] = 3 * v * v * v
	}
	err[5] = 1e-4 // saturated
	slope, n := Order(h, err, 2e-4, 1)
	assert.InDelta(t, 3, slope, 1e-12) // rounding
	assert.Equal(t, 4, n)
}
