package linop

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPhantomLines integrates the phantoms' values along lines.
func TestPhantomLines(t *testing.T) {
	ellipse := &Phantom{Ellipses: []Ellipse{{X: 0.2, Y: -0.3, A: 0.5, B: 0.25, Angle: 0.8, Value: 1.5}}}
	blob := &Phantom{Blobs: []Blob{{X: 0.2, Y: -0.3, A: 0.1, B: 0.05, Angle: 0.8, Value: 1.5}}}
	const n, h = 8000, 2.0 / 8000
	for _, ray := range [][2]float64{{0, 0.1}, {0.5, 0.2}, {1.2, -0.3}, {2.5, -0.4}, {4, 0.05}, {0.3, 0.7}} {
		sin, cos := math.Sincos(ray[0])
		line := func(p *Phantom) float64 {
			sum := 0.0
			for i := range n {
				l := (float64(i)+0.5)*h - 1
				sum += p.At(ray[1]*cos-l*sin, ray[1]*sin+l*cos) * h
			}
			return sum
		}
		// Either end of a chord is found to half a step.
		assert.InDelta(t, line(ellipse), ellipse.Line(ray[0], ray[1]), 1.5*h)
		// The midpoint sum of a Gaussian many steps wide is exact to rounding, and its
		// tails beyond the range are below exp(−(0.5/0.1)²/2)·0.1.
		assert.InDelta(t, line(blob), blob.Line(ray[0], ray[1]), 1e-6)
	}
}

func TestPhantomImageCoversAreas(t *testing.T) {
	e := Ellipse{X: 1.3, Y: -0.6, A: 7.1, B: 3.2, Angle: 0.6, Value: 2}
	s := Scan{Rows: 20, Cols: 31, Detectors: 1, Angles: []float64{0}, CentreX: 0.4, CentreY: 0.3}
	p := &Phantom{Ellipses: []Ellipse{e}, Blobs: []Blob{{Value: 1, A: 2, B: 2}}}
	image, points := make([]float64, 20*31), make([]float64, 20*31)
	require.NoError(t, p.Image(image, s, 64))
	require.NoError(t, p.Image(points, s, 0))
	var mass, mx, my, mxy float64
	for i := range s.Rows {
		for j := range s.Cols {
			x, y := s.Position(i, j)
			v := image[i*s.Cols+j] - p.Blobs[0].At(x, y)
			mass, mx, my, mxy = mass+v, mx+v*x, my+v*y, mxy+v*(x-e.X)*(y-e.Y)
			// A pixel well inside or well outside is its centre's value.
			if r := math.Hypot(x-e.X, y-e.Y); r < e.B-1 || r > e.A+1 {
				assert.InDelta(t, points[i*s.Cols+j], image[i*s.Cols+j], 1e-14)
			}
		}
	}
	// 64 midpoint lines a pixel across 8 pixels: (1/512)^1.5 of the mass at the round ends.
	assert.InEpsilon(t, 2*math.Pi*e.A*e.B, mass, 1e-4)
	// Pixels of the edge count at their centres instead of their covered parts': a tenth of
	// a pixel for 60 of 140 pixels, with signs that cancel.
	assert.InDelta(t, e.X, mx/mass, 5e-3)
	assert.InDelta(t, e.Y, my/mass, 5e-3)
	assert.InEpsilon(t, (e.A*e.A-e.B*e.B)/8*math.Sin(2*e.Angle), mxy/mass, 5e-3)
	// A part of the ellipse outside the image is left out, and one wholly outside too.
	s.CentreX = 100
	require.NoError(t, p.Image(image, s, 8))
	assert.Zero(t, slices.Max(image))
}

func TestSheppLogan(t *testing.T) {
	p, q := SheppLogan(1, false), SheppLogan(10, true)
	// Skull, brain, ventricle, upper detail; outside.
	for _, c := range []struct{ x, y, modified, original float64 }{
		{0, 0.9, 1, 2}, {0, -0.8, 0.2, 1.02}, {0.22, 0, 0, 1}, {0, 0.35, 0.3, 1.03}, {0.9, 0, 0, 0},
	} {
		assert.InDelta(t, c.modified, p.At(c.x, c.y), 1e-14)
		assert.InDelta(t, c.original, q.At(10*c.x, 10*c.y), 1e-14)
	}
}

func TestEllipsoidStack(t *testing.T) {
	p := SheppLogan3D(8, false)
	s := Scan{Rows: 16, Cols: 16, Slices: 5, Detectors: 20, Angles: ViewAngles(6, 0, math.Pi)}
	image, sino := make([]float64, 5*256), make([]float64, 5*120)
	require.NoError(t, p.Stack(image, sino, s, 2, 4))
	one, line := make([]float64, 256), make([]float64, 120)
	for i, z := range []float64{-4, -2, 0, 2, 4} {
		require.NoError(t, p.Slice(z).Image(one, s, 4))
		require.NoError(t, p.Slice(z).Sinogram(line, s))
		assert.Equal(t, one, image[i*256:(i+1)*256])
		assert.Equal(t, line, sino[i*120:(i+1)*120])
	}
	// A ball cut at height z is a disc of radius √(r² − z²).
	ball := Ellipsoids{{Ellipse: Ellipse{A: 5, B: 5, Value: 1}, Z: 1, C: 5}}
	assert.InDelta(t, 4, ball.Slice(4).Ellipses[0].A, 1e-14)
	assert.Empty(t, ball.Slice(6).Ellipses)
}

func TestRandomEllipses(t *testing.T) {
	assert.Equal(t, RandomEllipses(1, 5, 12, 20), RandomEllipses(1, 5, 12, 20))
	assert.NotEqual(t, RandomEllipses(1, 5, 12, 20), RandomEllipses(1, 6, 12, 20))
	s := Scan{Rows: 64, Cols: 64, Detectors: 1, Angles: []float64{0}}
	image := make([]float64, 64*64)
	spread := 0.0
	for sample := range uint64(50) {
		p := RandomEllipses(1, sample, 12, 30)
		require.NoError(t, p.Image(image, s, 4))
		assert.GreaterOrEqual(t, slices.Min(image), -1e-14)
		assert.LessOrEqual(t, slices.Max(image), 1.5)
		for i := range 64 {
			for j := range 64 {
				// Half a diagonal of slack for pixels on the edge.
				if x, y := s.Position(i, j); math.Hypot(x, y) > 31 {
					assert.Zero(t, image[i*64+j])
				}
			}
		}
		body := p.Ellipses[0].Value
		for _, v := range image {
			if v != 0 {
				spread = max(spread, math.Abs(v-body))
			}
		}
	}
	assert.Greater(t, spread, 0.3, "the parts have contrast")
}
