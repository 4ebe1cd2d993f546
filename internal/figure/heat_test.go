package figure

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/plot/vg"
)

func pt(v float64) vg.Length { return vg.Length(v) }

// mass integrates a grid.
func mass(g *grid) (m float64) {
	for _, v := range g.v {
		m += v * g.area()
	}
	return m
}

func TestHistogram(t *testing.T) {
	b := box{-6, 6, -4, 4}
	x := gauss(20000, 2, 0, 1, 1)
	g := histogram(x, 2, b, 90)
	assert.Equal(t, [2]int{90, 60}, [2]int{g.cols, g.rows})
	assert.InDelta(t, 1, mass(g), 1e-4) // a few of the points are beyond 4 σ in y

	// A third of the points outside count in the total.
	y := append(append([]float64(nil), x...), make([]float64, 20000)...)
	for i := 40000; i < len(y); i++ {
		y[i] = 100
	}
	assert.InDelta(t, 2./3, mass(histogram(y, 2, b, 90)), 1e-4)

	// A point lands in its cell: the first row is the top. Smoothing spreads it evenly.
	one := histogram([]float64{3.05, 2.05, 9}, 3, b, 120)
	best := floats.MaxIdx(one.v)
	assert.Equal(t, [2]int{90, 19}, [2]int{best % one.cols, best / one.cols})
	// And so does the peak of a density, whose cells are half as wide.
	peak := density(func(dst, x []float64) {
		for i := range dst {
			dst[i] = -math.Hypot(x[2*i]-3.02, x[2*i+1]-2.02)
		}
	}, b)
	best = floats.MaxIdx(peak.v)
	assert.Equal(t, [2]int{180, 39}, [2]int{best % peak.cols, best / peak.cols})

	// The histogram of many draws is the density, smoothed by the same Gaussian.
	// A cell of the smoothed counts averages over 4π cells, so that its relative error
	// is 1/√(4π n p A); where n p A = 10 that is 9 %, and 4 of these bound all cells.
	n := 200_000
	g = histogram(gauss(n, 2, 0, 1, 2), 2, b, 120)
	d := density(gaussLog(2), b)
	d.smooth(densityCells / 120.)
	assert.InDelta(t, 1, mass(d), 1e-3) // 6·10⁻⁵ is outside, and the edge sends some back
	for row := range g.rows {
		for col := range g.cols {
			truth := (d.v[2*row*d.cols+2*col] + d.v[(2*row+1)*d.cols+2*col+1]) / 2
			if expect := float64(n) * truth * g.area(); expect > 10 {
				assert.InEpsilon(t, truth, g.v[row*g.cols+col], 4/math.Sqrt(4*math.Pi*expect)+0.01, "cell %d, %d", row, col)
			}
		}
	}
}

func TestSmooth(t *testing.T) {
	g := newGrid(box{0, 2, 0, 1}, 40)
	for i := range g.v {
		g.v[i] = 3
	}
	g.smooth(1.5)
	for _, v := range g.v {
		assert.InDelta(t, 3, v, 1e-14) // a constant stays, also at the edge; rounding
	}
	// The variance of a smoothed spike is σ² in each direction, but for what the
	// cut at 3σ takes off (3 %).
	g = newGrid(box{0, 41, 0, 41}, 41)
	g.v[20*41+20] = 1
	g.smooth(2)
	var vx, vy float64
	for i, v := range g.v {
		dx, dy := float64(i%41-20), float64(i/41-20)
		vx, vy = vx+dx*dx*v, vy+dy*dy*v
	}
	assert.InEpsilon(t, 4, vx, 0.05)
	assert.InEpsilon(t, 4, vy, 0.05)
}

func TestLevel(t *testing.T) {
	g := newGrid(box{0, 10, 0, 10}, 10)
	for i := range g.v {
		g.v[i] = 2
	}
	assert.Equal(t, 1.2*2, g.level())
	g.v[7] = 3 // 1.5 % of the mass: the peak does not set the scale
	assert.Equal(t, 1.2*2, g.level())
	g.v[7] = 30 // 13 %: it does
	assert.Equal(t, 1.2*30, g.level())
	assert.Zero(t, newGrid(box{0, 1, 0, 1}, 5).level())
}

// Lightness falls along a ramp, so that a figure printed in gray says the same.
func TestRamps(t *testing.T) {
	for _, r := range []*ramp{sea, mist} {
		last := math.Inf(1)
		for i := 0; i < 256; i += 5 {
			c := r[i]
			// Rec. ITU-R BT.709 on linear light.
			lin := func(v uint8) float64 { return math.Pow(float64(v)/255, 2.2) }
			y := 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
			assert.Less(t, y, last, "colour %d", i)
			last = y
		}
		assert.Equal(t, [3]uint8{255, 255, 255}, [3]uint8{r[0].R, r[0].G, r[0].B})
	}
}

func TestPaint(t *testing.T) {
	g := newGrid(box{0, 3, 0, 1}, 3)
	copy(g.v, []float64{0, 1, 9})
	img := g.paint(4, sea)
	xmin, xmax, ymin, ymax := img.DataRange()
	assert.Equal(t, [4]float64{0, 3, 0, 1}, [4]float64{xmin, xmax, ymin, ymax})
}

// A true density is smoothed like the histogram it stands beside, and only then: the
// smoothing by one cell, here 1, adds to the variance of the Gaussian, also 1.
func TestViewSmoothing(t *testing.T) {
	b := box{-32, 32, -32, 32}
	truth := Truth{LogDensity: gaussLog(2)}
	// The cells of the density, 0.27 wide, miss the peak by e^(-0.13²), 2 %; the cut of
	// the smoothing at 3σ adds 2 %.
	v := newView(2, b, truth, nil, manyPoints+1)
	assert.Equal(t, 64, v.cells)
	assert.InEpsilon(t, 1/(2*math.Pi*2), floats.Max(v.truth.v), 0.04)
	v = newView(2, b, truth, nil, manyPoints)
	assert.InEpsilon(t, 1/(2*math.Pi), floats.Max(v.truth.v), 0.04)
}
