package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// manyPoints is where a scatter plot turns into a heat map.
const manyPoints = 3000

// A Truth is what samples are held against; either field may be nil.
type Truth struct {
	// Exact holds exact draws. They set the limits of the panels.
	Exact []float64
	// LogDensity writes the logarithm of the density, in nats, of each point of x, or
	// of its first two coordinates: x has dimension min(D, 2).
	LogDensity func(dst, x []float64)
}

// Samples shows samples beside the truth: two panels with the same limits, scales
// and colours for D ≥ 2, a histogram with the true density for D = 1.
//
// Up to 3000 points are shown one by one and more as a heat map, whose colours stand
// for the square root of the density and are the same in both panels.
type Samples struct {
	Title   string
	Caption string // a line in small print, such as "heun, 40 steps (79 NFE), sliced W2 0.012"
	D       int
	X       []float64 // the samples
	Truth
	// Bright shows the density as brightness, from black to white, for samples of a
	// photograph.
	Bright bool
}

// Figure lays the figure out. It panics unless D > 0 divides the lengths.
func (s Samples) Figure() *Figure {
	check(s.D, s.X, s.Exact)
	if s.D == 1 {
		return compose(s.Title, s.Caption, [][]panel{{s.line()}})
	}
	ref := s.Exact
	if len(ref) == 0 {
		ref = s.X
	}
	v := newView(s.D, planeLimits(ref, s.D), s.Truth, s.X, len(s.X)/s.D)
	if s.Bright {
		v.colours = glow
	}
	w, h := v.size(250)
	row := []panel{{plot: v.plot(s.X, hues[0], 1), title: "samples", note: outside(s.X, s.D, v.box)}}
	if v.truth != nil || len(s.Exact) > 0 {
		row = append(row, panel{plot: v.exact(1), title: "exact", note: outside(s.Exact, s.D, v.box)})
	}
	for i := range row {
		row[i].w, row[i].h = vg.Length(w), vg.Length(h)
	}
	return compose(s.Title, s.Caption, [][]panel{row})
}

// check panics unless d > 0 divides the length of each x.
func check(d int, xs ...[]float64) {
	for _, x := range xs {
		if d < 1 || len(x)%d != 0 {
			panic("figure: length of the points is not a multiple of the dimension")
		}
	}
}

// A view draws sets of points and their truth on the same scales.
type view struct {
	box
	d       int
	cells   int       // of the histograms
	draws   []float64 // exact draws
	truth   *grid     // exact density, or the histogram of many exact draws, or nil
	top     float64   // the density at the end of the colour scale
	colours *ramp
}

// newView fixes the scales for sets of about n points by the truth, or else by the
// points x. Where points are shown as a smoothed histogram, the true density is
// smoothed as much, for a fair comparison.
func newView(d int, b box, t Truth, x []float64, n int) *view {
	v := &view{box: b, d: d, cells: cells(n), draws: t.Exact, colours: sea}
	switch {
	case t.LogDensity != nil:
		v.truth = density(t.LogDensity, b)
		if n > manyPoints {
			v.truth.smooth(densityCells / float64(v.cells))
		}
	case len(t.Exact)/d > manyPoints:
		v.truth = histogram(t.Exact, d, b, v.cells)
	}
	switch {
	case v.truth != nil:
		v.top = v.truth.level()
	case len(t.Exact) > 0:
		v.top = histogram(t.Exact, d, b, v.cells).level()
	default:
		v.top = histogram(x, d, b, v.cells).level()
	}
	return v
}

// plot shows points; scale is the size of a dot.
func (v *view) plot(x []float64, c color.NRGBA, scale float64) *plot.Plot {
	p := newPlot(v.box)
	if len(x)/v.d > manyPoints {
		p.Add(histogram(x, v.d, v.box, v.cells).paint(v.top, v.colours))
	} else {
		p.Add(dots(x, v.d, c, scale))
	}
	p.Add(drawing(frame))
	return p
}

// exact shows the truth.
func (v *view) exact(scale float64) *plot.Plot {
	if v.truth == nil {
		return v.plot(v.draws, gray, scale)
	}
	p := newPlot(v.box)
	p.Add(v.truth.paint(v.top, v.colours), drawing(frame))
	return p
}

// dots draws a dot for each point, smaller and fainter the more there are.
func dots(x []float64, d int, c color.NRGBA, scale float64) drawing {
	n := float64(max(1, len(x)/d))
	r := scale * min(2, max(0.75, 28/math.Sqrt(n)))
	sty := draw.GlyphStyle{
		Color:  withAlpha(c, min(0.85, max(0.35, 16/math.Sqrt(n)))),
		Radius: vg.Points(r),
		Shape:  draw.CircleGlyph{},
	}
	return func(c draw.Canvas, p *plot.Plot) {
		trX, trY := p.Transforms(&c)
		b := box{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max}
		for i := 0; i < len(x); i += d {
			if b.contains(x[i], x[i+1]) {
				c.DrawGlyph(sty, vg.Point{X: trX(x[i]), Y: trY(x[i+1])})
			}
		}
	}
}
