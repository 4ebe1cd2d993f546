package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
)

func testMaps() map[string]Map {
	a := NewMatrix(matrix(6, 5, 50))
	return map[string]Map{
		"linear": Linear(a), "clip": NewClip(5, 1.5, -1, 1), "transmission": NewTransmission(a, 100),
		"magnitude": NewMagnitude(a), "clip after": After(NewClip(6, 2, -3, 3), a),
	}
}

// Every Jacobian against central differences, and its two products against each other.
func TestMapDerivatives(t *testing.T) {
	for name, f := range testMaps() {
		rows, cols := f.Dims()
		x, v := gaussian(cols, 51), gaussian(cols, 52)
		const h = 1e-5
		plus, minus, want, got := make([]float64, rows), make([]float64, rows), make([]float64, rows), filled(rows)
		f.Apply(plus, floats.AddScaledTo(make([]float64, cols), x, h, v))
		f.Apply(minus, floats.AddScaledTo(make([]float64, cols), x, -h, v))
		floats.SubTo(want, plus, minus)
		floats.Scale(1/(2*h), want)
		f.JVP(got, x, v)
		// Third derivative times h², and rounding over h: both below 1e-8 of the values.
		assert.LessOrEqual(t, floats.Distance(got, want, 2), 1e-8*(1+floats.Norm(plus, 2)), name)

		j := Jacobian(f, x)
		assert.LessOrEqual(t, DotTest(j, 1), 1e-13, name)
		testLinear(t, j, 1e-13)
		testUse(t, j)
		out := make([]float64, rows)
		if !raceEnabled {
			assert.Zero(t, testing.AllocsPerRun(5, func() { f.Apply(out, x) }), name)
		}
		assert.Panics(t, func() { f.Apply(out, x[1:]) }, name)
		assert.Panics(t, func() { f.Apply(out[1:], x) }, name)
		assert.Panics(t, func() { f.JVP(out, x[1:], v) }, name)
		assert.Panics(t, func() { f.JVP(out, x, v[1:]) }, name)
		assert.Panics(t, func() { f.VJP(v, x, out[1:]) }, name)
		assert.Panics(t, func() { f.VJP(v[1:], x, out) }, name)
	}
}

func TestMapValues(t *testing.T) {
	y := make([]float64, 4)
	NewQuantiser(4, 0.5, false).Apply(y, []float64{0.1, 0.5, -0.1, 0.99})
	assert.Equal(t, []float64{0.25, 0.75, -0.25, 0.75}, y)
	one := []float64{1, 2, 3, 4}
	NewQuantiser(4, 0.5, false).JVP(y, one, one)
	assert.Equal(t, []float64{0, 0, 0, 0}, y)
	NewQuantiser(4, 0.5, true).VJP(y, one, one)
	assert.Equal(t, one, y)

	// Straight-through is the derivative of the mean under dither: (f(x+u) averaged over
	// u uniform in one step) is x exactly.
	const m = 1000
	q, mean := NewQuantiser(1, 0.5, true), 0.0
	for k := range m {
		q.Apply(y[:1], []float64{0.123 + 0.5*((float64(k)+0.5)/m-0.5)})
		mean += y[0] / m
	}
	assert.InDelta(t, 0.123, mean, 0.5/m) // the midpoint rule misses one jump by at most one cell

	c := NewClip(4, 2, 0, 1)
	c.Apply(y, []float64{-1, 0.25, 0.5, 3})
	assert.Equal(t, []float64{0, 0.5, 1, 1}, y)
	c.JVP(y, []float64{-1, 0.25, 0.5, 3}, one)
	assert.Equal(t, []float64{0, 4, 0, 0}, y)

	mag := NewMagnitude(NewIdentity(4))
	mag.Apply(y[:2], []float64{3, -4, 0, 0})
	assert.Equal(t, []float64{5, 0}, y[:2])
	mag.VJP(y, []float64{3, -4, 0, 0}, []float64{5, 1})
	assert.Equal(t, []float64{3, -4, 0, 0}, y, "0 where the modulus is 0")

	NewTransmission(NewIdentity(1), 50).Apply(y[:1], []float64{2})
	assert.InDelta(t, 50*math.Exp(-2), y[0], 1e-14)

	assert.Panics(t, func() { NewMagnitude(NewIdentity(3)) })
	assert.Panics(t, func() { NewQuantiser(3, 0, false) })
	assert.Panics(t, func() { NewClip(3, 1, 1, 1) })
	assert.Panics(t, func() { NewTransmission(NewIdentity(3), -1) })
	assert.Panics(t, func() { After(NewClip(3, 1, 0, 1), NewIdentity(4)) })
}
