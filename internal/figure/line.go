package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// line is the panel for D = 1: the histogram of the samples as steps over a faint
// fill, the true density, or else the histogram of exact draws, as a line.
func (s Samples) line() panel {
	ref := s.Exact
	if len(ref) == 0 {
		ref = s.X
	}
	b := box{ymin: 0}
	b.xmin, b.xmax = limits(ref, 1, 0)
	samples := steps(s.X, b.xmin, b.xmax)
	b.ymax = top(samples)
	var truth []vertex
	switch {
	case s.LogDensity != nil:
		truth = curve(s.LogDensity, b.xmin, b.xmax)
	case len(s.Exact) > 0:
		truth = steps(s.Exact, b.xmin, b.xmax)
	}
	// A pole of the density must not flatten the histogram.
	b.ymax = max(b.ymax, min(top(truth), 2*b.ymax))
	if b.ymax == 0 {
		b.ymax = 1
	}
	b.ymax *= 1.05

	p := newPlot(b)
	p.Y.Label.Text = "density"
	p.Add(drawing(func(c draw.Canvas, p *plot.Plot) {
		pts := place(c, p, samples)
		area := append([]vg.Point{{X: c.Min.X, Y: c.Min.Y}}, pts...)
		area = append(area, vg.Point{X: c.Max.X, Y: c.Min.Y})
		c.FillPolygon(withAlpha(hues[0], 0.16), c.ClipPolygonXY(area))
		stroke(c, draw.LineStyle{Color: hues[0], Width: vg.Points(1)}, pts)
		stroke(c, draw.LineStyle{Color: ink, Width: vg.Points(1.1)}, place(c, p, truth))
		frame(c, p)
		// The key stands in the line of the title, clear of the data.
		x, y := c.Min.X, c.Max.Y+0.45*sizeLabel
		x = key(c, x, y, "samples", hues[0])
		if truth != nil {
			key(c, x, y, "exact", ink)
		}
	}))
	return panel{plot: p, w: 400, h: 220, title: " ", note: outside(s.X, 1, b)}
}

// key draws an entry of a legend and returns where the next one starts.
func key(c draw.Canvas, x, y vg.Length, name string, clr color.Color) vg.Length {
	sty := style(sizeLabel, ink, false)
	mid := y + 0.35*sizeLabel
	c.StrokeLine2(draw.LineStyle{Color: clr, Width: vg.Points(1.4)}, x, mid, x+14, mid)
	c.FillText(sty, vg.Point{X: x + 18, Y: y}, name)
	return x + 18 + sty.Width(name) + 14
}

// A vertex is a corner of a line in data coordinates.
type vertex struct{ x, y float64 }

// place takes vertices to the canvas.
func place(c draw.Canvas, p *plot.Plot, line []vertex) []vg.Point {
	trX, trY := p.Transforms(&c)
	pts := make([]vg.Point, len(line))
	for i, v := range line {
		pts[i] = vg.Point{X: trX(v.x), Y: trY(v.y)}
	}
	return pts
}

// stroke draws a line as far as it is inside the canvas.
func stroke(c draw.Canvas, sty draw.LineStyle, pts []vg.Point) {
	c.StrokeLines(sty, c.ClipLinesXY(pts)...)
}

// top returns the largest y.
func top(line []vertex) (y float64) {
	for _, v := range line {
		y = max(y, v.y)
	}
	return y
}

// steps returns the outline of the histogram of x between lo and hi as a density,
// with about 2 n^⅓ bins (Rice's rule).
func steps(x []float64, lo, hi float64) []vertex {
	bins := min(160, max(12, int(2*math.Cbrt(float64(len(x))))))
	width := (hi - lo) / float64(bins)
	count := make([]float64, bins)
	for _, v := range x {
		if lo <= v && v <= hi {
			count[min(int((v-lo)/width), bins-1)] += 1 / (float64(len(x)) * width)
		}
	}
	line := make([]vertex, 0, 2*bins)
	for i, h := range count {
		l := lo + float64(i)*width
		line = append(line, vertex{l, h}, vertex{l + width, h})
	}
	return line
}

// curve returns the density between lo and hi; infinities are left out.
func curve(logDensity func(dst, x []float64), lo, hi float64) []vertex {
	const n = 600
	x, y := make([]float64, n+1), make([]float64, n+1)
	for i := range x {
		x[i] = lo + (hi-lo)*float64(i)/n
	}
	logDensity(y, x)
	line := make([]vertex, 0, len(x))
	for i, l := range y {
		if p := math.Exp(l); !math.IsNaN(p) && !math.IsInf(p, 0) {
			line = append(line, vertex{x[i], p})
		}
	}
	return line
}
