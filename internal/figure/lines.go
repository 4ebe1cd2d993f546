package figure

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// Lines shows functions on linear axes, without markers, each named at its right end. A
// Series that is Stochastic is dashed; one without a name has the colour of the one before.
type Lines struct {
	Title          string
	Caption        string
	XLabel, YLabel string
	Series         []Series
}

// Figure lays the figure out. It panics if the lengths of a series disagree.
func (ln Lines) Figure() *Figure {
	series := make([]line, len(ln.Series))
	var x, y []float64
	var named []int
	for i, s := range ln.Series {
		if len(s.X) != len(s.Y) {
			panic("figure: a series has lengths that disagree")
		}
		if s.Name != "" {
			named = append(named, i)
		}
		series[i] = line{Series: s, hue: hues[max(0, len(named)-1)%len(hues)]}
		x, y = append(x, s.X...), append(y, s.Y...)
	}
	b := box{0, 1, 0, 1}
	if len(x) > 0 {
		b = box{slices.Min(x), slices.Max(x), slices.Min(y), slices.Max(y)}
	}
	margin := 0.04 * (b.ymax - b.ymin)
	b.ymin, b.ymax = b.ymin-margin, b.ymax+margin
	titled := make([]line, len(named))
	for i, k := range named {
		titled[i] = series[k]
	}
	p := newPlot(b)
	p.X.Label.Text, p.Y.Label.Text = ln.XLabel, ln.YLabel
	pan := panel{plot: p, w: 330, h: 260, right: labelWidth(titled)}
	p.Add(drawing(func(c draw.Canvas, p *plot.Plot) {
		for _, s := range series {
			stroke(c, s.stroke(), place(c, p, vertices(s.X, s.Y)))
		}
		frame(c, p)
		labels(c, p, titled, false)
	}))
	return compose(ln.Title, ln.Caption, [][]panel{{pan}})
}
