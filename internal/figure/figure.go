// Package figure draws the figures of the toolkit: samples beside the truth
// (Samples), many samplers side by side (Gallery), trajectories (Trajectories) and
// error against work (Curves). Each is a struct of plain data whose method Figure
// lays it out; a Figure is saved as .png or .svg. The same data give the same
// bytes.
//
// Points are flat: n points of dimension d, one after another, of which the first
// two coordinates are drawn. Points that are not finite, or outside the limits of
// the panel, are left out of the picture and counted beside it.
//
// The colours are those of Okabe and Ito (2008, Color Universal Design), which
// tell apart under the common kinds of colour blindness.
package figure

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

// dpi is the resolution of a .png: two pixels for one of an ordinary screen.
const dpi = 192

// A Figure is a drawing of fixed size. It may be drawn many times.
type Figure struct {
	w, h vg.Length
	draw func(c draw.Canvas) // on a white canvas of size w, h
}

// Size returns the width and height in points (1/72 inch).
func (f *Figure) Size() (w, h float64) { return f.w.Points(), f.h.Points() }

// Save writes the figure to a .png or .svg file.
func (f *Figure) Save(path string) error {
	format := strings.ToLower(strings.TrimPrefix(filepath.Ext(path), "."))
	if format != "png" && format != "svg" { // before a file is made
		return fmt.Errorf("%s: %w", path, formatError(format))
	}
	return dataio.WriteFile(path, func(w io.Writer) error { return f.Encode(w, format) })
}

// Encode writes the figure in the format "png" or "svg".
func (f *Figure) Encode(w io.Writer, format string) error {
	switch format {
	case "png":
		c := vgimg.NewWith(vgimg.UseWH(f.w, f.h), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))
		f.draw(draw.New(c))
		// The default level takes about ten times as long for files a quarter smaller.
		enc := png.Encoder{CompressionLevel: png.BestSpeed}
		return enc.Encode(w, c.Image())
	case "svg":
		c := vgsvg.New(f.w, f.h)
		d := draw.New(c)
		d.FillPolygon(color.White, corners(d.Rectangle))
		f.draw(d)
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return err
		}
		_, err := svgFixes.WriteString(w, b.String())
		return err
	}
	return formatError(format)
}

func formatError(format string) error {
	return fmt.Errorf("figures are written as png or svg, not %q", format)
}

// svgFixes mends what vgsvg writes: an embedded image is named a jpeg but is a png,
// and a reader's machine without the font should take another of the same widths.
var svgFixes = strings.NewReplacer(
	"data:image/jpg;base64,", "data:image/png;base64,",
	"font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;",
)

// PNG returns the figure as a .png.
func (f *Figure) PNG() ([]byte, error) {
	var b bytes.Buffer
	err := f.Encode(&b, "png")
	return b.Bytes(), err
}

// SVG returns the figure as an .svg document.
func (f *Figure) SVG() (string, error) {
	var b strings.Builder
	err := f.Encode(&b, "svg")
	return b.String(), err
}

// DataURI returns the figure as a base64 .png for the src of an HTML image.
func (f *Figure) DataURI() (string, error) {
	b, err := f.PNG()
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b), err
}
