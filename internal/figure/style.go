package figure

import (
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The house colours. hues are the palette of Okabe and Ito without black and
// yellow, which is too faint on white.
var (
	ink   = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	gray  = color.NRGBA{0x70, 0x70, 0x70, 0xff}
	faint = color.NRGBA{0xd4, 0xd4, 0xd4, 0xff}
	hues  = []color.NRGBA{
		{0x00, 0x72, 0xb2, 0xff}, // blue
		{0xd5, 0x5e, 0x00, 0xff}, // vermilion
		{0x00, 0x9e, 0x73, 0xff}, // bluish green
		{0xcc, 0x79, 0xa7, 0xff}, // reddish purple
		{0xe6, 0x9f, 0x00, 0xff}, // orange
		{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	}
)

// withAlpha returns c with an opacity from 0 to 1.
func withAlpha(c color.NRGBA, a float64) color.NRGBA {
	c.A = uint8(math.Round(255 * a))
	return c
}

// A ramp holds the colours of a heat map from white to dark.
type ramp [256]color.RGBA

// The ramps: sea for data, with hues like those of seaborn's map mako, and mist for
// what stands behind other things.
var (
	sea = newRamp(
		color.RGBA{0x1a, 0x11, 0x25, 0xff}, color.RGBA{0x35, 0x28, 0x57, 0xff},
		color.RGBA{0x3b, 0x48, 0x8c, 0xff}, color.RGBA{0x35, 0x70, 0xa1, 0xff},
		color.RGBA{0x36, 0x98, 0xaa, 0xff}, color.RGBA{0x54, 0xc0, 0xad, 0xff},
		color.RGBA{0xa8, 0xe1, 0xbc, 0xff}, color.White)
	mist = newRamp(color.RGBA{0xb4, 0xb4, 0xb4, 0xff}, color.White)
	glow = newGlow()
)

// newGlow returns the ramp from black to white on which a density that is the grey of
// a photograph looks like it: squares undo the square root that heat maps take.
func newGlow() *ramp {
	r := new(ramp)
	for i := range r {
		g := uint8(math.Round(float64(i*i) / 255))
		r[i] = color.RGBA{g, g, g, 0xff}
	}
	return r
}

// newRamp interpolates between colours, given from dark to light, so that lightness
// changes evenly: equal steps look equal.
func newRamp(colours ...color.Color) *ramp {
	m, err := moreland.NewLuminance(colours)
	if err != nil {
		panic("figure: " + err.Error())
	}
	m.SetMax(1)
	lut := new(ramp)
	for i := range lut {
		c, err := m.At(1 - float64(i)/255)
		if err != nil {
			panic("figure: " + err.Error())
		}
		lut[i] = color.RGBAModel.Convert(c).(color.RGBA)
	}
	return lut
}

// The type sizes, in points.
const (
	sizeTitle = 11
	sizeLabel = 9
	sizeTick  = 8
)

// style returns a text style; bold makes a title of it. Text is placed by its left
// end and its baseline.
func style(size vg.Length, c color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
	if bold {
		f.Weight = 3 // WeightBold of golang.org/x/image/font
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler}
}

// newPlot returns an empty plot in the house style with linear axes over b.
func newPlot(b box) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = b.xmin, b.xmax, b.ymin, b.ymax
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.LineStyle.Width = 0 // the frame is drawn over the data
		a.Tick.LineStyle = draw.LineStyle{Color: gray, Width: vg.Points(0.5)}
		a.Tick.Length = vg.Points(3)
		a.Tick.Marker = linearTicks{}
		a.Label.Padding = vg.Points(3)
		keep := a.Tick.Label
		a.Tick.Label = style(sizeTick, gray, false)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = keep.XAlign, keep.YAlign
		keep = a.Label.TextStyle
		a.Label.TextStyle = style(sizeLabel, ink, false)
		a.Label.TextStyle.XAlign, a.Label.TextStyle.YAlign = keep.XAlign, keep.YAlign
	}
	return p
}

// bare takes the ticks off a plot.
func bare(p *plot.Plot) {
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.ConstantTicks(nil), plot.ConstantTicks(nil)
}

// A drawing is a function that draws into the data area of a plot.
type drawing func(c draw.Canvas, p *plot.Plot)

// Plot calls d.
func (d drawing) Plot(c draw.Canvas, p *plot.Plot) { d(c, p) }

// frame outlines the data area.
func frame(c draw.Canvas, _ *plot.Plot) {
	r := c.Rectangle
	c.StrokeLines(draw.LineStyle{Color: gray, Width: vg.Points(0.5)}, append(corners(r), r.Min))
}

// corners returns the four corners of a rectangle in turn.
func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}

// linearTicks marks multiples of 1, 2 or 5 times a power of ten, at most six.
type linearTicks struct{}

// Ticks implements plot.Ticker.
func (linearTicks) Ticks(lo, hi float64) []plot.Tick {
	step := math.Pow10(int(math.Floor(math.Log10((hi - lo) / 6))))
	for _, m := range []float64{2, 2.5, 2} { // 1, 2, 5, 10
		if math.Floor(hi/step)-math.Ceil(lo/step) < 6 {
			break
		}
		step *= m
	}
	var ticks []plot.Tick
	for k := math.Ceil(lo / step); k <= math.Floor(hi/step); k++ {
		ticks = append(ticks, plot.Tick{Value: k * step, Label: number(k * step)})
	}
	return ticks
}

// number writes a tick's value in few characters and with a true minus sign: the
// font has none that is raised, for 10⁻⁵, so that this is 1e−5.
func number(v float64) string {
	if v == 0 {
		return "0" // and not −0
	}
	return strings.NewReplacer("e-0", "e−", "e+0", "e", "e+", "e", "-", "−").Replace(strconv.FormatFloat(v, 'g', 8, 64))
}

// logTicks marks 1, 2 and 5 times the powers of ten. All have a label over less than
// two and a half decades, the powers otherwise, and of many powers every second or
// third. Over less than a decade the marks are those of a linear axis.
type logTicks struct{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi / lo)
	if decades < 1 {
		return linearTicks{}.Ticks(lo, hi)
	}
	every := int(math.Ceil(decades / 7))
	var ticks []plot.Tick
	for e := int(math.Floor(math.Log10(lo))); e <= int(math.Ceil(math.Log10(hi))); e++ {
		for _, m := range []int{1, 2, 5} {
			t := plot.Tick{Value: float64(m) * math.Pow10(e)}
			if t.Value < lo*(1-1e-9) || t.Value > hi*(1+1e-9) {
				continue
			}
			if decades < 2.5 || m == 1 && e%every == 0 {
				t.Label = number(t.Value)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}
