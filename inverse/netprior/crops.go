package netprior

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
)

// Crops is the train.Source of Side×Side pictures, less Centre:
//
//   - crops of the photographs at five scales, turned and mirrored, at other contrasts;
//   - dead leaves (Lee, Mumford and Huang 2001, Int. J. Comput. Vis. 41, 35), ellipses and
//     rectangles of radii r^-3 that hide each other, grey or cut out of such crops: the edges at
//     all angles, lengths and contrasts that few photographs lack;
//   - crops of ellipse phantoms (linop.RandomEllipses).
//
// The shares of the last two are Leaves and Phantoms.
type Crops struct {
	Side             int
	Centre           float64
	Leaves, Phantoms float64

	pyramid []prior.Image
}

// scales are those of the photographs.
var scales = []float64{1, 0.85, 0.7, 0.6, 0.5}

// NewCrops returns the source of photographs, of which those that a side exceeds are used at
// fewer scales, or not at all.
func NewCrops(images []prior.Image, side int) (*Crops, error) {
	if side < 1 {
		return nil, fmt.Errorf("netprior: crops need a side, got %d", side)
	}
	c := &Crops{Side: side, Leaves: 0.25, Phantoms: 0.25}
	for _, im := range images {
		for _, f := range scales {
			if s := resize(im, f); min(s.Rows, s.Cols) >= side {
				c.pyramid = append(c.pyramid, s)
			}
		}
	}
	if len(c.pyramid) == 0 {
		return nil, errors.New("netprior: no picture has the size of a crop")
	}
	return c, nil
}

// Dim returns the number of pixels.
func (c *Crops) Dim() int { return c.Side * c.Side }

// Draw fills a batch: noise x0 and pictures x1.
func (c *Crops) Draw(x0, x1 []float64, seed, step uint64) error {
	d := c.Dim()
	src := stream.New()
	scratch := make([]float64, d)
	for i := range len(x1) / d {
		x, r := x1[i*d:(i+1)*d], src.At(seed, stream.Target, uint64(i), step)
		switch u := r.Float64(); {
		case u < c.Phantoms:
			if err := c.phantom(x, r); err != nil {
				return err
			}
		case u < c.Phantoms+c.Leaves:
			c.leaves(x, scratch, r)
		default:
			c.photo(x, r)
		}
		for j := range x {
			x[j] -= c.Centre
		}
		src.Normals(x0[i*d:(i+1)*d], seed, stream.Base, uint64(i), step)
	}
	return nil
}

// photo writes a crop.
func (c *Crops) photo(x []float64, r *rand.Rand) {
	im := &c.pyramid[r.IntN(len(c.pyramid))]
	top, left := r.IntN(im.Rows-c.Side+1), r.IntN(im.Cols-c.Side+1)
	turn := r.IntN(8)
	// towards the middle of the range, or a little beyond it
	gain := 0.7 + 0.4*r.Float64()
	for i := range c.Side {
		for j := range c.Side {
			p, q := i, j
			if turn&1 != 0 {
				p = c.Side - 1 - p
			}
			if turn&2 != 0 {
				q = c.Side - 1 - q
			}
			if turn&4 != 0 {
				p, q = q, p
			}
			x[i*c.Side+j] = 0.5 + gain*(im.Pix[(top+p)*im.Cols+left+q]-0.5)
		}
	}
}

// phantom writes a crop of a phantom whose whole picture has 96 to 320 pixels a side.
func (c *Crops) phantom(x []float64, r *rand.Rand) error {
	ph := linop.RandomEllipses(r.Uint64(), 0, 4+r.IntN(16), 0.9)
	h := 2 / (96 * math.Pow(320.0/96, r.Float64()))
	room := max(0, 1-h*float64(c.Side)/2)
	dx, dy := room*(2*r.Float64()-1), room*(2*r.Float64()-1)
	for i := range ph.Ellipses {
		ph.Ellipses[i].X -= dx
		ph.Ellipses[i].Y -= dy
	}
	return ph.Image(x, linop.Scan{Rows: c.Side, Cols: c.Side, PixelSize: h, Angles: []float64{0}, Detectors: 1}, 4)
}

// leaves writes a picture of leaves, from the farthest to the nearest, upon a crop.
func (c *Crops) leaves(x, tmp []float64, r *rand.Rand) {
	c.photo(x, r)
	side := float64(c.Side)
	soft := 0.5 + r.Float64() // half the width of an edge
	for range 6 + r.IntN(30) {
		// r^-3 between least and most
		const least, most = 2.5, 50
		u := r.Float64()
		a := 1 / math.Sqrt((1-u)/(least*least)+u/(most*most))
		b := a * (0.3 + 0.7*r.Float64())
		sin, cos := math.Sincos(2 * math.Pi * r.Float64())
		cx, cy := side*(1.4*r.Float64()-0.2), side*(1.4*r.Float64()-0.2)
		box := r.IntN(2) == 0
		grey, gx, gy := r.Float64(), 0.0, 0.0
		texture := r.IntN(2) == 0
		if texture {
			c.photo(tmp, r)
		} else if r.IntN(2) == 0 { // shading
			gx, gy = 0.01*r.NormFloat64(), 0.01*r.NormFloat64()
		}
		for i := range c.Side {
			for j := range c.Side {
				p, q := float64(j)-cx, float64(i)-cy
				u, v := p*cos+q*sin, q*cos-p*sin
				var depth float64 // about that below the leaf's edge
				if box {
					depth = min(a-math.Abs(u), b-math.Abs(v))
				} else {
					n := math.Hypot(u/a, v/b)
					depth = (1 - n) * n / max(math.Hypot(u/(a*a), v/(b*b)), 1e-9)
				}
				w := min(max(0.5+depth/(2*soft), 0), 1)
				if w == 0 {
					continue
				}
				value := grey + gx*p + gy*q
				if texture {
					value = tmp[i*c.Side+j]
				}
				at := &x[i*c.Side+j]
				*at += w * (value - *at)
			}
		}
	}
}

// resize returns the picture at a scale of at most 1: pixels are the means of the squares that
// they cover.
func resize(im prior.Image, f float64) prior.Image {
	if f == 1 {
		return im
	}
	rows, cols := int(f*float64(im.Rows)), int(f*float64(im.Cols))
	out := prior.Image{Name: im.Name, Rows: rows, Cols: cols, Pix: make([]float64, rows*cols)}
	tmp := make([]float64, im.Rows*cols)
	for r := range im.Rows {
		shrink(tmp[r*cols:], im.Pix[r*im.Cols:], cols, im.Cols, 1)
	}
	for c := range cols {
		shrink(out.Pix[c:], tmp[c:], rows, im.Rows, cols)
	}
	return out
}

// shrink writes the means of n equal parts of m values; both have the stride.
func shrink(dst, x []float64, n, m, stride int) {
	size := float64(m) / float64(n)
	for i := range n {
		lo, hi := float64(i)*size, min(float64(i+1)*size, float64(m))
		sum := 0.0
		for j := int(lo); float64(j) < hi; j++ {
			sum += x[j*stride] * (min(hi, float64(j+1)) - max(lo, float64(j)))
		}
		dst[i*stride] = sum / (hi - lo)
	}
}
