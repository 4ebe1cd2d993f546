package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

// strip saves the truth and the answers of some methods side by side as restore-NAME.png, values
// from 0 to top from black to white.
func strip(name string, clean []float64, all []answer, rows, cols int, top float64, methods ...string) error {
	if *out == "" {
		return nil
	}
	const gap, label = 6, 18
	shown := []answer{{method: "truth", x: clean, psnr: math.Inf(1)}}
	for _, want := range methods {
		for _, a := range all {
			if a.method == want {
				shown = append(shown, a)
			}
		}
	}
	w, h := vg.Length(len(shown)*(cols+gap)-gap), vg.Length(rows+label)
	c := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(72), vgimg.UseBackgroundColor(color.White))
	canvas := draw.New(c)
	style := text.Style{Color: color.Black, Font: font.From(plot.DefaultFont, 11), Handler: plot.DefaultTextHandler, YAlign: text.YCenter}
	for k, a := range shown {
		title := a.method
		if !math.IsInf(a.psnr, 1) {
			title = fmt.Sprintf("%s, %.1f dB", a.method, a.psnr)
		}
		x := vg.Length(k * (cols + gap))
		canvas.FillText(style, vg.Point{X: x, Y: vg.Length(rows) + label/2}, title)
		canvas.DrawImage(vg.Rectangle{Min: vg.Point{X: x}, Max: vg.Point{X: x + vg.Length(cols), Y: vg.Length(rows)}}, grey(a.x, rows, cols, top))
	}
	return dataio.WriteFile(filepath.Join(*out, "restore-"+name+".png"), func(f io.Writer) error { return png.Encode(f, c.Image()) })
}

func grey(x []float64, rows, cols int, top float64) image.Image {
	im := image.NewGray(image.Rect(0, 0, cols, rows))
	for i, v := range x[:rows*cols] {
		im.Pix[i] = uint8(math.Round(255 * min(max(v/top, 0), 1)))
	}
	return im
}
