package figure

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Trajectories shows the paths of points from noise to data: over time for D = 1, in
// the plane of the first two coordinates for D ≥ 2, with an open dot at the start
// and a full one at the end.
//
// The limits are those of all the states given, found as for samples so that a few
// far states do not shrink the rest. Where the noise starts much wider than the
// data, pass the states scaled, x/√(α² + σ²).
type Trajectories struct {
	Title   string
	Caption string
	D       int
	T       []float64 // the times, strictly monotone
	// X holds path after path, each with a point for every time, as ode.Trace does.
	X []float64
	// Samples, if not nil, are drawn faintly behind the paths in the plane, and as a
	// histogram at the end of time for D = 1.
	Samples []float64
	XLabel  string // of the axis of time for D = 1; "t" by default
}

// Figure lays the figure out. It panics unless the lengths agree.
func (t Trajectories) Figure() *Figure {
	check(t.D, t.X, t.Samples)
	if len(t.T) < 2 || len(t.X)%(t.D*len(t.T)) != 0 {
		panic("figure: trajectories need two times and a state for each of them")
	}
	if t.D == 1 {
		return compose(t.Title, t.Caption, [][]panel{{t.overTime()}})
	}
	return compose(t.Title, t.Caption, [][]panel{{t.inPlane()}})
}

// paths is the number of paths.
func (t Trajectories) paths() int { return len(t.X) / (t.D * len(t.T)) }

// opacity makes lines fainter the more there are.
func (t Trajectories) opacity() float64 {
	return min(0.85, max(0.12, 5/math.Sqrt(float64(1+t.paths()))))
}

// few is the number of paths up to which each can be followed by eye.
const few = 40

// hue tells neighbouring paths apart while there are few of them.
func (t Trajectories) hue(i int) int {
	if t.paths() > few {
		return 0
	}
	return i % len(hues)
}

// inPlane is the panel for D ≥ 2.
func (t Trajectories) inPlane() panel {
	b := planeLimits(t.X, t.D)
	if len(t.Samples) > 0 { // the samples are always in the picture
		s := planeLimits(t.Samples, t.D)
		b = box{min(b.xmin, s.xmin), max(b.xmax, s.xmax), min(b.ymin, s.ymin), max(b.ymax, s.ymax)}.square()
	}
	p := newPlot(b)
	if n := len(t.Samples) / t.D; n > 0 {
		g := histogram(t.Samples, t.D, b, cells(n))
		p.Add(g.paint(g.level(), mist))
	}
	p.Add(drawing(func(c draw.Canvas, p *plot.Plot) {
		m := len(t.T)
		for i := range t.paths() {
			line := make([]vertex, m)
			for k := range line {
				at := (i*m + k) * t.D
				line[k] = vertex{t.X[at], t.X[at+1]}
			}
			t.path(c, p, i, line)
		}
		frame(c, p)
	}))
	w, h := b.size(330)
	return panel{plot: p, w: vg.Length(w), h: vg.Length(h)}
}

// overTime is the panel for D = 1.
func (t Trajectories) overTime() panel {
	b := box{xmin: slices.Min(t.T), xmax: slices.Max(t.T)}
	b.ymin, b.ymax = limits(t.X, 1, 0)
	if len(t.Samples) > 0 {
		lo, hi := limits(t.Samples, 1, 0)
		b.ymin, b.ymax = min(b.ymin, lo), max(b.ymax, hi)
	}
	p := newPlot(b)
	p.X.Label.Text, p.Y.Label.Text = "t", "x"
	if t.XLabel != "" {
		p.X.Label.Text = t.XLabel
	}
	pan := panel{plot: p, w: 380, h: 250}
	const side = 46 // width of the histogram
	if len(t.Samples) > 0 {
		pan.right = side + 2
	}
	p.Add(drawing(func(c draw.Canvas, p *plot.Plot) {
		m := len(t.T)
		for i := range t.paths() {
			line := make([]vertex, m)
			for k := range line {
				line[k] = vertex{t.T[k], t.X[i*m+k]}
			}
			t.path(c, p, i, line)
		}
		frame(c, p)
		if len(t.Samples) == 0 {
			return
		}
		line := steps(t.Samples, b.ymin, b.ymax)
		high := top(line)
		_, trY := p.Transforms(&c)
		pts := make([]vg.Point, 0, len(line)+2)
		edge := c.Max.X + 2
		pts = append(pts, vg.Point{X: edge, Y: c.Min.Y})
		for _, v := range line {
			pts = append(pts, vg.Point{X: edge + vg.Length(v.y/max(high, math.SmallestNonzeroFloat64))*side, Y: trY(v.x)})
		}
		pts = append(pts, vg.Point{X: edge, Y: c.Max.Y})
		c.FillPolygon(withAlpha(gray, 0.2), pts)
		c.StrokeLines(draw.LineStyle{Color: gray, Width: vg.Points(0.8)}, pts)
	}))
	return pan
}

// path draws path i with its ends; from a state that is not finite on it is left out.
func (t Trajectories) path(c draw.Canvas, p *plot.Plot, i int, line []vertex) {
	for k, v := range line {
		if s := v.x + v.y; math.IsNaN(s - s) {
			line = line[:k]
			break
		}
	}
	if len(line) == 0 {
		return
	}
	hue := hues[t.hue(i)]
	pts := place(c, p, line)
	stroke(c, draw.LineStyle{Color: withAlpha(hue, t.opacity()), Width: vg.Points(0.8)}, pts)
	if t.D == 1 && t.paths() > few { // they would hide one another on the frame
		return
	}
	dot := draw.GlyphStyle{Color: withAlpha(gray, 0.8), Radius: vg.Points(1.4), Shape: draw.RingGlyph{}}
	c.DrawGlyph(dot, pts[0])
	dot.Color, dot.Shape = withAlpha(hue, min(1, 2*t.opacity())), draw.CircleGlyph{}
	c.DrawGlyph(dot, pts[len(pts)-1])
}
