package figure

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gauss returns n points of a Gaussian with mean mu in every coordinate.
func gauss(n, d int, mu, sigma float64, seed uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n*d)
	for i := range x {
		x[i] = mu + sigma*rng.NormFloat64()
	}
	return x
}

// gaussLog is the log-density of a standard Gaussian in dimension d.
func gaussLog(d int) func(dst, x []float64) {
	return func(dst, x []float64) {
		for i := range dst {
			s := float64(d) * math.Log(2*math.Pi)
			for _, v := range x[i*d : (i+1)*d] {
				s += v * v
			}
			dst[i] = -s / 2
		}
	}
}

// paths returns k straight paths over m times in dimension d.
func paths(k, m, d int) (t, x []float64) {
	a, b := gauss(k, d, 0, 1, 5), gauss(k, d, 3, 1, 6)
	for j := range m {
		t = append(t, float64(j)/float64(m-1))
	}
	for i := range k {
		for j := range m {
			for l := range d {
				x = append(x, (1-t[j])*a[i*d+l]+t[j]*b[i*d+l])
			}
		}
	}
	return t, x
}

// someFigures is one figure of each kind and form.
func someFigures() map[string]*Figure {
	few, many := gauss(100, 2, 0, 1, 1), gauss(4000, 2, 0, 1, 2)
	t1, x1 := paths(5, 7, 1)
	t2, x2 := paths(50, 7, 2)
	exact := Truth{Exact: gauss(4000, 2, 0, 1, 3)}
	return map[string]*Figure{
		"scatter":      Samples{Title: "title <&>", Caption: "caption", D: 2, X: few, Truth: Truth{Exact: few}}.Figure(),
		"heat":         Samples{D: 2, X: many, Truth: exact}.Figure(),
		"density":      Samples{D: 2, X: many, Truth: Truth{LogDensity: gaussLog(2)}}.Figure(),
		"alone":        Samples{D: 3, X: gauss(50, 3, 0, 1, 4)}.Figure(),
		"line":         Samples{D: 1, X: gauss(500, 1, 0, 1, 1), Truth: Truth{LogDensity: gaussLog(1)}}.Figure(),
		"line draws":   Samples{D: 1, X: gauss(500, 1, 0, 1, 1), Truth: Truth{Exact: gauss(500, 1, 0, 1, 2)}}.Figure(),
		"gallery":      Gallery{D: 2, Sheets: []Sheet{{"a", "1", many}, {"b", "2", few}, {Title: "c", X: many}}, Cols: 2, Truth: exact}.Figure(),
		"paths 1":      Trajectories{D: 1, T: t1, X: x1, Samples: gauss(500, 1, 3, 1, 1)}.Figure(),
		"paths 2":      Trajectories{D: 2, T: t2, X: x2, Samples: gauss(500, 2, 3, 1, 1)}.Figure(),
		"curves":       someCurves().Figure(),
		"empty curves": Curves{}.Figure(),
	}
}

func someCurves() Curves {
	x := []float64{50, 5, 10} // in any order
	return Curves{Floor: 0.01, FloorLo: 0.008, FloorHi: 0.012, Series: []Series{
		{Name: "heun", X: x, Y: []float64{0.02, 1, 0.4}, Lo: []float64{0.01, 0.9, 0.3}, Hi: []float64{0.03, 1.1, 0.5}},
		{Name: "em", X: x, Y: []float64{0.1, 2, 1}, Stochastic: true},
	}}
}

func TestDeterministic(t *testing.T) {
	again := someFigures()
	for name, f := range someFigures() {
		for _, format := range []string{"png", "svg"} {
			var a, b bytes.Buffer
			require.NoError(t, f.Encode(&a, format))
			require.NoError(t, again[name].Encode(&b, format))
			assert.True(t, bytes.Equal(a.Bytes(), b.Bytes()), "%s as %s", name, format)
		}
	}
}

func TestEncode(t *testing.T) {
	for name, f := range someFigures() {
		b, err := f.PNG()
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(b))
		require.NoError(t, err, name)
		w, h := f.Size()
		// A pixel is 72/192 points, rounded.
		assert.InDelta(t, w*dpi/72, img.Bounds().Dx(), 0.51, name)
		assert.InDelta(t, h*dpi/72, img.Bounds().Dy(), 0.51, name)
		assertWhiteBorder(t, name, img)

		s, err := f.SVG()
		require.NoError(t, err)
		for dec := xml.NewDecoder(strings.NewReader(s)); ; {
			if _, err := dec.Token(); err == io.EOF {
				break
			} else if !assert.NoError(t, err, name) {
				break
			}
		}
		assert.NotContains(t, s, "image/jpg")
		assert.NotContains(t, s, "NaN")
		if name == "scatter" {
			assert.Contains(t, s, "title &lt;&amp;&gt;</text>")
			assert.Contains(t, s, "font-family:'Liberation Sans',Arial")
		}
		if name == "density" {
			_, data, ok := strings.Cut(s, "data:image/png;base64,")
			require.True(t, ok)
			data, _, _ = strings.Cut(data, `"`)
			raw, err := base64.StdEncoding.DecodeString(data)
			require.NoError(t, err)
			_, err = png.Decode(bytes.NewReader(raw))
			require.NoError(t, err)
		}
	}
	uri, err := Curves{}.Figure().DataURI()
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(uri, "data:image/png;base64,iVBOR"))
}

// Nothing is cut off at the edge: the outermost 5 points of each figure are white.
func assertWhiteBorder(t *testing.T, name string, img image.Image) {
	const edge = 5 * dpi / 72
	b := img.Bounds()
	inner := b.Inset(edge)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if (image.Point{X: x, Y: y}).In(inner) {
				continue
			}
			if r, g, b, _ := img.At(x, y).RGBA(); r&g&b != 0xffff {
				t.Errorf("%s: ink at (%d, %d), in the margin", name, x, y)
				return
			}
		}
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := Curves{}.Figure()
	require.NoError(t, f.Save(filepath.Join(dir, "a.png")))
	require.NoError(t, f.Save(filepath.Join(dir, "a.SVG")))
	for _, name := range []string{"a.pdf", "a"} {
		assert.ErrorContains(t, f.Save(filepath.Join(dir, name)), "figures are written as png or svg, not")
	}
	assert.ErrorContains(t, f.Save(filepath.Join(dir, "no", "a.png")), "cannot write "+filepath.Join(dir, "no", "a.png"))
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, list, 2)
	assert.Error(t, f.Encode(io.Discard, "gif"))
}

// What is not finite, missing or degenerate gives a figure and no panic.
func TestOddData(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	odd := [][]float64{nil, {1, 2}, {nan, nan}, {inf, -inf, 1, 2}, {3, 3, 3, 3}, {1e300, -1e300, 0, 0}, {0, nan, inf, 1, -1, 2}}
	pole := func(dst, x []float64) {
		for i := range dst {
			dst[i] = []float64{nan, inf, -inf, 800}[i%4]
		}
	}
	var figures []*Figure
	for _, x := range odd {
		for _, d := range []int{1, 2} {
			for _, truth := range []Truth{{}, {Exact: x}, {LogDensity: pole}} {
				figures = append(figures, Samples{D: d, X: x, Truth: truth}.Figure())
			}
			figures = append(figures, Trajectories{D: d, T: []float64{0, 1}, X: x[:len(x)/(2*d)*2*d], Samples: x}.Figure())
		}
		figures = append(figures,
			Gallery{D: 2, Sheets: []Sheet{{X: x}}}.Figure(),
			Curves{Floor: nan, Series: []Series{{X: x, Y: x, Lo: x, Hi: x}, {Stochastic: true}}}.Figure())
	}
	for _, f := range figures {
		s, err := f.SVG()
		require.NoError(t, err)
		assert.NotContains(t, s, "NaN")
		assert.NotContains(t, s, "Inf")
	}

	assert.Panics(t, func() { Samples{D: 2, X: make([]float64, 3)}.Figure() })
	assert.Panics(t, func() { Samples{}.Figure() })
	assert.Panics(t, func() { Gallery{D: 1}.Figure() })
	assert.Panics(t, func() { Gallery{D: 2}.Figure() })
	assert.Panics(t, func() { Trajectories{D: 2, T: []float64{0, 1}, X: make([]float64, 6)}.Figure() })
	assert.Panics(t, func() { Curves{Series: []Series{{X: []float64{1}}}}.Figure() })
}

// A cloud in the upper right must be drawn there, as dots and as a heat map: no axis
// is flipped or swapped.
func TestOrientation(t *testing.T) {
	ref := gauss(1000, 2, 0, 2, 1)
	for _, n := range []int{300, 5000} {
		x := gauss(n, 2, 2, 0.3, 2)
		for i := 1; i < len(x); i += 2 {
			x[i]++ // further up than right
		}
		f := Samples{D: 2, X: x, Truth: Truth{Exact: ref}}.Figure()
		b, err := f.PNG()
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(b))
		require.NoError(t, err)
		// The centre of the ink that is coloured, in the left panel.
		var sx, sy, sum float64
		box := img.Bounds()
		for py := 0; py < box.Dy(); py++ {
			for px := 0; px < box.Dx()/2; px++ {
				r, g, b, _ := img.At(px, py).RGBA()
				if w := float64(max(r, g, b) - min(r, g, b)); w > 0x1000 {
					sx, sy, sum = sx+w*float64(px), sy+w*float64(py), sum+w
				}
			}
		}
		lim := planeLimits(ref, 2)
		p := panel{plot: newPlot(lim)}
		w, h := lim.size(250)
		p.w, p.h = pt(w), pt(h)
		left := margin - p.outer().Min.X.Points()
		top := margin + p.headroom().Points() + 1.5*sizeLabel
		// The panel starts at left, top; half a dot or half a cell of error, in points.
		x0, y0 := 0.0, 0.0
		for i := 0; i < len(x); i += 2 {
			x0, y0 = x0+x[i]/float64(n), y0+x[i+1]/float64(n)
		}
		wantX := left + w*(x0-lim.xmin)/(lim.xmax-lim.xmin)
		wantY := top + h*(lim.ymax-y0)/(lim.ymax-lim.ymin)
		assert.InDelta(t, wantX, sx/sum*72/dpi, 2, "%d points", n)
		assert.InDelta(t, wantY, sy/sum*72/dpi, 2, "%d points", n)
	}
}
