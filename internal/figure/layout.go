package figure

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A panel is a plot whose data area has the size w, h, with a title above it on
// the left and a note on the right.
type panel struct {
	plot        *plot.Plot
	w, h        vg.Length
	title, note string
	right       vg.Length // room kept to the right of the data area
}

// outer returns the room a panel takes, with the lower left corner of its data
// area at the origin.
func (p *panel) outer() vg.Rectangle {
	r := vg.Rectangle{Max: vg.Point{X: p.w, Y: p.h}}
	// The axes' room hardly depends on the size, so this settles at once.
	for range 3 {
		data := p.plot.DataCanvas(draw.Canvas{Rectangle: r})
		r.Min = r.Min.Sub(data.Min)
		r.Max = r.Max.Add(vg.Point{X: p.w, Y: p.h}).Sub(data.Max)
	}
	return r
}

// headroom is the height of the line of title and note.
func (p *panel) headroom() vg.Length {
	if p.title == "" && p.note == "" {
		return 0
	}
	return 1.5 * sizeLabel
}

// draw puts the lower left corner of the data area at at.
func (p *panel) draw(c draw.Canvas, at vg.Point) {
	r := p.outer()
	p.plot.Draw(draw.Canvas{Canvas: c, Rectangle: vg.Rectangle{Min: r.Min.Add(at), Max: r.Max.Add(at)}})
	data := draw.Canvas{Canvas: c, Rectangle: vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: p.w, Y: p.h})}}
	y := data.Max.Y + 0.45*sizeLabel
	c.FillText(style(sizeLabel, ink, true), vg.Point{X: at.X, Y: y}, p.title)
	note := style(sizeTick, gray, false)
	note.XAlign = draw.XRight
	c.FillText(note, vg.Point{X: data.Max.X, Y: y}, p.note)
}

// margin is the white border of a figure, gap what separates panels.
const (
	margin = 10
	gap    = 14
)

// compose lays out panels in rows under a title and above a caption.
func compose(title, caption string, rows [][]panel) *Figure {
	var cols int
	for _, row := range rows {
		cols = max(cols, len(row))
	}
	left, right := make([]vg.Length, cols), make([]vg.Length, cols) // of the data's left edge
	below, above := make([]vg.Length, len(rows)), make([]vg.Length, len(rows))
	for i, row := range rows {
		for j := range row {
			p := &row[j]
			r := p.outer()
			left[j], right[j] = max(left[j], -r.Min.X), max(right[j], r.Max.X, p.w+p.right)
			below[i], above[i] = max(below[i], -r.Min.Y), max(above[i], r.Max.Y, p.h+p.headroom())
		}
	}
	titleStyle, captionStyle := style(sizeTitle, ink, true), style(sizeTick, gray, false)
	var head, foot, w, h vg.Length
	if title != "" {
		head = 1.7 * sizeTitle
	}
	if caption != "" {
		foot = 1.9 * sizeTick
	}
	for j := range cols {
		w += left[j] + right[j] + gap
	}
	for i := range rows {
		h += below[i] + above[i] + gap
	}
	w += 2*margin - gap
	w = max(w, 2*margin+titleStyle.Width(title), 2*margin+captionStyle.Width(caption))
	h += head + foot + 2*margin - gap

	return &Figure{w: w, h: h, draw: func(c draw.Canvas) {
		x0 := margin + left[0]
		c.FillText(titleStyle, vg.Point{X: min(x0, w-margin-titleStyle.Width(title)), Y: h - margin - sizeTitle}, title)
		c.FillText(captionStyle, vg.Point{X: min(x0, w-margin-captionStyle.Width(caption)), Y: margin + 0.2*sizeTick}, caption)
		y := h - margin - head
		for i, row := range rows {
			y -= above[i]
			x := vg.Length(margin)
			for j := range row {
				row[j].draw(c, vg.Point{X: x + left[j], Y: y})
				x += left[j] + right[j] + gap
			}
			y -= below[i] + gap
		}
	}}
}
