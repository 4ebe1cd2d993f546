package figure

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSteps(t *testing.T) {
	x := append(gauss(3000, 1, 0, 1, 1), 50, math.NaN(), math.Inf(1))
	line := steps(x, -8, 8)
	var area float64
	for i := 0; i < len(line); i += 2 {
		area += line[i].y * (line[i+1].x - line[i].x)
		assert.Equal(t, line[i].y, line[i+1].y)
	}
	assert.InDelta(t, 3000./3003, area, 1e-9) // those outside count in the total; rounding
	assert.Equal(t, -8., line[0].x)
	assert.InDelta(t, 8, line[len(line)-1].x, 1e-12)
	assert.Equal(t, 2*28, len(line)) // 2·3003^⅓ = 28.9 bins
}

func TestCurve(t *testing.T) {
	for _, v := range curve(gaussLog(1), -3, 3) {
		assert.InDelta(t, math.Exp(-v.x*v.x/2)/math.Sqrt(2*math.Pi), v.y, 1e-15) // rounding
	}
	line := curve(func(dst, x []float64) { // 1/|x|, infinite at 0
		for i, v := range x {
			dst[i] = -math.Log(math.Abs(v))
		}
	}, -1, 1)
	assert.Len(t, line, 600)
}

func TestCurvesLimits(t *testing.T) {
	c := someCurves()
	lines := []line{newLine(c.Series[0], 0), newLine(c.Series[1], 1)}
	assert.Equal(t, []float64{5, 10, 50}, lines[0].X) // in order
	assert.Equal(t, []float64{1, 0.4, 0.02}, lines[0].Y)
	assert.Equal(t, []float64{0.9, 0.3, 0.01}, lines[0].Lo)
	assert.Equal(t, lines[1].Y, lines[1].Hi) // no error bars
	b := c.limits(lines)
	assert.Less(t, b.xmin, 5.)
	assert.Greater(t, b.xmax, 50.)
	assert.Less(t, b.ymin, 0.008) // the band is shown
	assert.Greater(t, b.ymax, 2.)

	// A sampler that blows up is cut and does not flatten the others.
	l := newLine(Series{X: []float64{1, 2, 3, 4}, Y: []float64{1e30, math.Inf(1), math.NaN(), 0}}, 2)
	assert.Equal(t, []float64{1e30}, l.Y)
	assert.Less(t, c.limits(append(lines, l)).ymax, 1e4)

	// Twelve curves look different from one another, not only by colour.
	looks := map[[2]any]bool{}
	for i := range 12 {
		l := newLine(Series{}, i)
		looks[[2]any{l.hue, l.shape}] = true
	}
	assert.Len(t, looks, 12)
}
