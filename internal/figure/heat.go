package figure

import (
	"image"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
)

// A grid is a density on square cells over a box: v holds rows of cols values,
// from the top.
type grid struct {
	box
	cols, rows int
	v          []float64
}

// newGrid returns a grid with about the given number of cells along the longer side.
func newGrid(b box, cells int) *grid {
	w, h := b.xmax-b.xmin, b.ymax-b.ymin
	side := max(w, h) / float64(cells)
	g := &grid{box: b, cols: max(1, int(math.Round(w/side))), rows: max(1, int(math.Round(h/side)))}
	g.v = make([]float64, g.cols*g.rows)
	return g
}

// area is the area of a cell.
func (g *grid) area() float64 {
	return (g.xmax - g.xmin) / float64(g.cols) * (g.ymax - g.ymin) / float64(g.rows)
}

// cells is the number of cells along the longer side of a histogram of n points.
func cells(n int) int { return min(220, max(64, int(0.9*math.Sqrt(float64(n))))) }

// histogram counts points of dimension d ≥ 2 in cells and returns the density,
// smoothed by a Gaussian of one cell against the grain of the counts. All points
// count in the total, so that it compares with a true density.
func histogram(x []float64, d int, b box, cells int) *grid {
	g := newGrid(b, cells)
	sx, sy := float64(g.cols)/(b.xmax-b.xmin), float64(g.rows)/(b.ymax-b.ymin)
	unit := 1 / (float64(len(x)/d) * g.area())
	for i := 0; i < len(x); i += d {
		if !b.contains(x[i], x[i+1]) {
			continue
		}
		col := min(int((x[i]-b.xmin)*sx), g.cols-1)
		row := min(int((b.ymax-x[i+1])*sy), g.rows-1)
		g.v[row*g.cols+col] += unit
	}
	g.smooth(1)
	return g
}

// densityCells is the number of cells along the longer side of a true density.
const densityCells = 240

// density evaluates exp(logDensity) at the centres of the cells.
func density(logDensity func(dst, x []float64), b box) *grid {
	g := newGrid(b, densityCells)
	x := make([]float64, 0, 2*len(g.v))
	for r := range g.rows {
		for c := range g.cols {
			x = append(x,
				b.xmin+(float64(c)+0.5)/float64(g.cols)*(b.xmax-b.xmin),
				b.ymax-(float64(r)+0.5)/float64(g.rows)*(b.ymax-b.ymin))
		}
	}
	logDensity(g.v, x)
	for i, l := range g.v {
		g.v[i] = 0
		if p := math.Exp(l); !math.IsNaN(p) && !math.IsInf(p, 0) {
			g.v[i] = p
		}
	}
	return g
}

// smooth convolves the grid with a Gaussian of sigma cells, cut off at the edge.
func (g *grid) smooth(sigma float64) {
	k := make([]float64, 1+int(math.Ceil(3*sigma)))
	for i := range k {
		k[i] = math.Exp(-float64(i*i) / (2 * sigma * sigma))
	}
	line := make([]float64, max(g.cols, g.rows))
	pass := func(start, stride, n int) {
		for i := range n {
			var s, sum float64
			for j := max(0, i-len(k)+1); j < min(n, i+len(k)); j++ {
				w := k[max(i-j, j-i)]
				s += w * g.v[start+j*stride]
				sum += w
			}
			line[i] = s / sum
		}
		for i := range n {
			g.v[start+i*stride] = line[i]
		}
	}
	for r := range g.rows {
		pass(r*g.cols, 1, g.cols)
	}
	for c := range g.cols {
		pass(c, g.cols, g.rows)
	}
}

// level returns the top of the colour scale: 1.2 times the density that the densest
// 2 % of the mass in the grid exceed. A peak of a few cells does not dim the rest,
// and the noise of the counts on a flat density stays on the scale.
func (g *grid) level() float64 {
	v := slices.Clone(g.v)
	slices.Sort(v)
	var total, above float64
	for _, p := range v {
		total += p
	}
	for i := len(v) - 1; i >= 0; i-- {
		if above += v[i]; above >= 0.02*total {
			return 1.2 * v[i]
		}
	}
	return 0
}

// paint returns the heat map: colours stand for the square root of the density up to
// top, which shows tails that are a hundred times thinner than the peaks.
func (g *grid) paint(top float64, colours *ramp) *plotter.Image {
	img := image.NewRGBA(image.Rect(0, 0, g.cols, g.rows))
	for i, p := range g.v {
		t := 0.0
		if top > 0 {
			t = math.Sqrt(min(1, p/top))
		}
		img.SetRGBA(i%g.cols, i/g.cols, colours[int(math.Round(255*t))])
	}
	return plotter.NewImage(img, g.xmin, g.ymin, g.xmax, g.ymax)
}
