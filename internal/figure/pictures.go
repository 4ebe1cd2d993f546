package figure

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A Print is one panel of Pictures: one channel of Rows×Cols values, or three one after
// another, row after row from the top.
type Print struct {
	Title, Note          string
	Pix                  []float64
	Rows, Cols, Channels int
	// Lo and Hi are the values shown black and white; both 0 means 0 and 1. Mean over
	// the channels is shown in Heat's colours, Lo white and Hi dark.
	Lo, Hi float64
	Heat   bool
}

// Pictures shows pictures side by side, at the same height within a row: what was
// measured beside what was restored.
type Pictures struct {
	Title, Caption string
	Prints         []Print
	Cols           int // pictures in a row; 0 for all
}

// Figure lays the figure out. It panics unless there is a picture, each has one or three
// channels, and its length is that of its shape.
func (g Pictures) Figure() *Figure {
	if len(g.Prints) == 0 {
		panic("figure: no pictures")
	}
	cols := g.Cols
	if cols < 1 {
		cols = len(g.Prints)
	}
	const height, widest = 190, 260 // points
	var rows [][]panel
	for i, p := range g.Prints {
		w, h := float64(height)*float64(p.Cols)/float64(p.Rows), float64(height)
		if w > widest {
			w, h = widest, widest*float64(p.Rows)/float64(p.Cols)
		}
		b := box{0, float64(p.Cols), 0, float64(p.Rows)}
		pl := newPlot(b)
		pl.Add(plotter.NewImage(p.image(), b.xmin, b.ymin, b.xmax, b.ymax), drawing(frame))
		bare(pl)
		if i%cols == 0 {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], panel{plot: pl, w: vg.Length(w), h: vg.Length(h), title: p.Title, note: p.Note})
	}
	return compose(g.Title, g.Caption, rows)
}

// image renders the values.
func (p *Print) image() image.Image {
	n := p.Rows * p.Cols
	if p.Channels != 1 && p.Channels != 3 || p.Rows < 1 || p.Cols < 1 || len(p.Pix) != n*p.Channels {
		panic("figure: length of a picture is not rows times columns times one or three channels")
	}
	lo, hi := p.Lo, p.Hi
	if lo == 0 && hi == 0 {
		hi = 1
	}
	level := func(v float64) uint8 {
		if !(v > lo) { // NaN is black
			return 0
		}
		return uint8(math.Round(255 * min(1, (v-lo)/(hi-lo))))
	}
	img := image.NewNRGBA(image.Rect(0, 0, p.Cols, p.Rows))
	for i := range n {
		var c color.NRGBA
		switch last := p.Channels - 1; {
		case p.Heat:
			mean := 0.0
			for k := range p.Channels {
				mean += p.Pix[k*n+i] / float64(p.Channels)
			}
			s := sea[level(mean)]
			c = color.NRGBA{s.R, s.G, s.B, 0xff}
		default:
			c = color.NRGBA{level(p.Pix[i]), level(p.Pix[last/2*n+i]), level(p.Pix[last*n+i]), 0xff}
		}
		img.SetNRGBA(i%p.Cols, i/p.Cols, c)
	}
	return img
}
