package figure

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Series is one curve of Curves. Points that are not positive and finite in X and
// Y are left out.
type Series struct {
	Name       string
	X, Y       []float64
	Lo, Hi     []float64 // ends of error bars; nil for none
	Stochastic bool      // an SDE sampler: dashed, with open markers
}

// Curves shows error against work, both on logarithmic axes. Curves of ODE samplers
// are solid with full markers, those of SDE samplers dashed with open markers, and
// each is named at its right end, so that colour is never needed to tell them apart.
type Curves struct {
	Title   string
	Caption string
	XLabel  string // "NFE" by default
	YLabel  string // "error" by default
	Series  []Series
	// Floor, if positive, is the error of exact draws, below which a difference means
	// nothing. FloorLo and FloorHi, if positive, are the ends of its band.
	Floor, FloorLo, FloorHi float64
}

// Figure lays the figure out. It panics if the lengths of a series disagree.
func (cv Curves) Figure() *Figure {
	series := make([]line, len(cv.Series))
	var solid, dashed bool
	for i, s := range cv.Series {
		series[i] = newLine(s, i)
		solid, dashed = solid || !s.Stochastic, dashed || s.Stochastic
	}
	b := cv.limits(series)
	p := newPlot(b)
	p.X.Label.Text, p.Y.Label.Text = cmp.Or(cv.XLabel, "NFE"), cmp.Or(cv.YLabel, "error")
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = logTicks{}, logTicks{}

	pan := panel{plot: p, w: 360, h: max(240, vg.Length(len(series))*1.3*sizeTick), right: labelWidth(series)}
	if solid && dashed {
		pan.title = " " // room for the key
	}
	p.Add(drawing(func(c draw.Canvas, p *plot.Plot) {
		cv.drawFloor(c, p)
		for _, s := range series {
			s.draw(c, p)
		}
		frame(c, p)
		labels(c, p, series, true)
		if solid && dashed {
			name := style(sizeTick, ink, false)
			x, y := c.Min.X, c.Max.Y+0.45*sizeLabel
			for _, k := range []line{{Series: Series{Name: "ODE"}}, {Series: Series{Name: "SDE", Stochastic: true}}} {
				k.hue = gray
				c.StrokeLine2(k.stroke(), x, y+0.35*sizeTick, x+sample, y+0.35*sizeTick)
				k.mark(c, vg.Point{X: x + sample/2, Y: y + 0.35*sizeTick})
				c.FillText(name, vg.Point{X: x + sample + room, Y: y}, k.Name)
				x += sample + room + name.Width(k.Name) + lead
			}
		}
	}))
	return compose(cv.Title, cv.Caption, [][]panel{{pan}})
}

// A line is a Series with its points in order and its looks.
type line struct {
	Series
	hue   color.NRGBA
	shape int
}

// newLine drops what a logarithmic axis cannot show.
func newLine(s Series, i int) line {
	if len(s.Y) != len(s.X) || s.Lo != nil && len(s.Lo) != len(s.X) || s.Hi != nil && len(s.Hi) != len(s.X) {
		panic("figure: a series has lengths that disagree")
	}
	l := line{Series: Series{Name: s.Name, Stochastic: s.Stochastic}, hue: hues[i%len(hues)], shape: (i + i/len(hues)) % len(hues)}
	order := make([]int, 0, len(s.X))
	for k := range s.X {
		if positive(s.X[k]) && positive(s.Y[k]) {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.X[a], s.X[b]) })
	at := func(v []float64, k int, or float64) float64 {
		if v == nil || !positive(v[k]) {
			return or
		}
		return v[k]
	}
	for _, k := range order {
		l.X, l.Y = append(l.X, s.X[k]), append(l.Y, s.Y[k])
		l.Lo, l.Hi = append(l.Lo, at(s.Lo, k, s.Y[k])), append(l.Hi, at(s.Hi, k, s.Y[k]))
	}
	return l
}

// positive tells whether a logarithmic axis can show v.
func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

// limits returns the range of all curves. A curve that runs off, beyond a thousand
// times the median error, is cut.
func (cv Curves) limits(series []line) box {
	var x, y []float64
	for _, s := range series {
		x, y = append(x, s.X...), append(y, s.Y...)
	}
	if len(x) == 0 {
		return box{1, 10, 1, 10}
	}
	slices.Sort(y)
	b := box{slices.Min(x), slices.Max(x), y[0], min(y[len(y)-1], 1000*y[len(y)/2])}
	for _, f := range []float64{cv.Floor, cv.FloorLo} {
		if positive(f) {
			b.ymin, b.ymax = min(b.ymin, f), max(b.ymax, f)
		}
	}
	b.xmin, b.xmax = widen(b.xmin, b.xmax)
	b.ymin, b.ymax = widen(b.ymin, b.ymax)
	return b
}

// widen adds 5 % on either side of a logarithmic axis.
func widen(lo, hi float64) (float64, float64) {
	f := math.Pow(hi/lo, 0.05)
	if f < 1.05 {
		f = 1.3
	}
	return lo / f, hi * f
}

// drawFloor draws the noise floor and its band.
func (cv Curves) drawFloor(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	x0, x1 := trX(p.X.Min), trX(p.X.Max)
	if positive(cv.FloorLo) && positive(cv.FloorHi) {
		band := []vg.Point{{X: x0, Y: trY(cv.FloorLo)}, {X: x1, Y: trY(cv.FloorLo)}, {X: x1, Y: trY(cv.FloorHi)}, {X: x0, Y: trY(cv.FloorHi)}}
		c.FillPolygon(withAlpha(gray, 0.14), c.ClipPolygonXY(band))
	}
	if positive(cv.Floor) {
		y := trY(cv.Floor)
		dash := []vg.Length{vg.Points(1.5), vg.Points(2)}
		c.StrokeLine2(draw.LineStyle{Color: gray, Width: vg.Points(0.9), Dashes: dash}, x0, y, x1, y)
		c.FillText(style(sizeTick, gray, false), vg.Point{X: x0 + 4, Y: y + 3}, "exact draws")
	}
}

// stroke is the style of the curve.
func (l line) stroke() draw.LineStyle {
	s := draw.LineStyle{Color: l.hue, Width: vg.Points(1.2)}
	if l.Stochastic {
		s.Dashes = []vg.Length{vg.Points(4), vg.Points(2)}
	}
	return s
}

// mark draws a marker: full, or open with a white inside.
func (l line) mark(c draw.Canvas, at vg.Point) {
	pts := marker(l.shape, at, 2.6)
	fill := color.Color(l.hue)
	if l.Stochastic {
		fill = color.White
	}
	c.FillPolygon(fill, pts)
	c.StrokeLines(draw.LineStyle{Color: l.hue, Width: vg.Points(1)}, append(pts, pts[0], pts[1]))
}

// marker returns the outline of one of six shapes about a point: disc, square,
// diamond, triangles up and down, and hexagon.
func marker(shape int, at vg.Point, r float64) []vg.Point {
	sides := []int{24, 4, 4, 3, 3, 6}[shape]
	turn := []float64{0, 0.125, 0, 0.25, 0.75, 0}[shape] // of the first corner, in full turns
	grow := []float64{1, 1.2, 1.3, 1.35, 1.35, 1.15}[shape]
	pts := make([]vg.Point, sides)
	for i := range pts {
		phase := 2 * math.Pi * (turn + float64(i)/float64(sides))
		pts[i] = at.Add(vg.Point{X: vg.Length(grow * r * math.Cos(phase)), Y: vg.Length(grow * r * math.Sin(phase))})
	}
	return pts
}

// draw draws the curve, its error bars and its markers.
func (l line) draw(c draw.Canvas, p *plot.Plot) {
	pts := place(c, p, vertices(l.X, l.Y))
	lo, hi := place(c, p, vertices(l.X, l.Lo)), place(c, p, vertices(l.X, l.Hi))
	bar := draw.LineStyle{Color: withAlpha(l.hue, 0.7), Width: vg.Points(0.8)}
	for i := range pts {
		if lo[i].Y != hi[i].Y {
			stroke(c, bar, []vg.Point{lo[i], hi[i]})
		}
	}
	stroke(c, l.stroke(), pts)
	for _, pt := range pts {
		if c.Contains(pt) {
			l.mark(c, pt)
		}
	}
}

// vertices pairs coordinates.
func vertices(x, y []float64) []vertex {
	v := make([]vertex, len(x))
	for i := range v {
		v[i] = vertex{x[i], y[i]}
	}
	return v
}

// Distances of the labels: from the frame to the sample of a line, its length, and the
// room after it.
const lead, sample, room = 12, 20, 5

// labelWidth returns the room that labels take at the right of the frame.
func labelWidth(series []line) (w vg.Length) {
	name := style(sizeTick, ink, false)
	for _, s := range series {
		w = max(w, lead+sample+room+name.Width(s.Name))
	}
	return w
}

// labels names each curve at the right of the frame, beside the height at which it ends.
func labels(c draw.Canvas, p *plot.Plot, series []line, marks bool) {
	name := style(sizeTick, ink, false)
	_, trY := p.Transforms(&c)
	ends := make([]vg.Length, len(series))
	for i, s := range series {
		ends[i] = c.Min.Y
		if n := len(s.Y); n > 0 {
			ends[i] = min(c.Max.Y, max(c.Min.Y, trY(s.Y[n-1])))
		}
	}
	for i, y := range spread(ends, 1.25*sizeTick, c.Min.Y, c.Max.Y) {
		s := series[i]
		x := c.Max.X + lead
		c.StrokeLines(draw.LineStyle{Color: faint, Width: vg.Points(0.6)},
			[]vg.Point{{X: c.Max.X + 1, Y: ends[i]}, {X: x - 1, Y: y}})
		c.StrokeLine2(s.stroke(), x, y, x+sample, y)
		if marks {
			s.mark(c, vg.Point{X: x + sample/2, Y: y})
		}
		c.FillText(name, vg.Point{X: x + sample + room, Y: y - 0.35*sizeTick}, s.Name)
	}
}

// spread moves heights as little as it takes, in the sense of least squares, to be
// step apart in the same order, and keeps them between lo and hi if there is room.
//
// With zᵢ = yᵢ - i·step for the i-th lowest this is isotonic regression, solved by
// pooling adjacent violators.
func spread(y []vg.Length, step, lo, hi vg.Length) []vg.Length {
	order := make([]int, len(y))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(y[a], y[b]) })
	type pool struct {
		sum vg.Length
		n   int
	}
	mean := func(p pool) vg.Length { return p.sum / vg.Length(p.n) }
	var pools []pool
	for i, k := range order {
		pools = append(pools, pool{y[k] - vg.Length(i)*step, 1})
		for n := len(pools); n > 1 && mean(pools[n-2]) > mean(pools[n-1]); n-- {
			pools[n-2].sum += pools[n-1].sum
			pools[n-2].n += pools[n-1].n
			pools = pools[:n-1]
		}
	}
	out := make([]vg.Length, len(y))
	last := hi - vg.Length(len(y)-1)*step // the most that z may be
	i := 0
	for _, p := range pools {
		z := max(lo, min(last, mean(p)))
		for range p.n {
			out[order[i]] = z + vg.Length(i)*step
			i++
		}
	}
	return out
}
