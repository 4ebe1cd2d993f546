package figure

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// A Sheet is one panel of a Gallery.
type Sheet struct {
	Title string    // the sampler
	Note  string    // a figure or two, such as "W2 0.012"
	X     []float64 // its samples
}

// Gallery shows the samples of many samplers as small panels with the same limits,
// scales and colours, the truth first. D ≥ 2.
type Gallery struct {
	Title   string
	Caption string
	D       int
	Sheets  []Sheet
	Cols    int // panels in a row; 0 chooses
	Truth
}

// Figure lays the figure out. It panics unless D ≥ 2 divides the lengths, and if
// there is nothing to show.
func (g Gallery) Figure() *Figure {
	if g.D < 2 {
		panic("figure: a gallery needs points of dimension 2 or more")
	}
	check(g.D, g.Exact)
	var all []float64
	var n int
	for _, s := range g.Sheets {
		check(g.D, s.X)
		n = max(n, len(s.X)/g.D)
		all = append(all, s.X...)
	}
	ref := g.Exact
	if len(ref) == 0 {
		ref = all
	}
	v := newView(g.D, planeLimits(ref, g.D), g.Truth, all, n)
	w, h := v.size(118)
	const scale = 0.6 // of the dots
	var panels []panel
	if v.truth != nil || len(g.Exact) > 0 {
		panels = append(panels, panel{plot: v.exact(scale), title: "exact"})
	}
	for _, s := range g.Sheets {
		panels = append(panels, panel{plot: v.plot(s.X, hues[0], scale), title: s.Title, note: s.Note})
	}
	if len(panels) == 0 {
		panic("figure: an empty gallery")
	}
	cols := g.Cols
	if cols < 1 {
		cols = min(6, int(math.Ceil(math.Sqrt(1.4*float64(len(panels))))))
	}
	var rows [][]panel
	for i := range panels {
		p := &panels[i]
		p.w, p.h = vg.Length(w), vg.Length(h)
		bare(p.plot)
		if i%cols == 0 {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], *p)
	}
	return compose(g.Title, g.Caption, rows)
}
