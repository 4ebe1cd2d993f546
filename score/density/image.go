package density

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
)

// Image is the brightness of a grey image as a density on the plane, constant on each
// square pixel:
//
//	p₁ = Σ_ij w_ij · uniform(pixel ij).
//
// Under noise a pixel is a product of a factor f_j of its column and a factor g_i of
// its row (see Boxes), so that with the moments of a coordinate given its column or row
// in place of f and g
//
//	p(x) = Σ_ij w_ij f_j(x₁) g_i(x₂)
//
// and likewise for D and the second moments: a point costs one special function for
// each column and row, and a multiplication for each pixel, within a window of 8σ/α
// around x. When σ/α is many pixels, the image is replaced by fewer weighted points
// (level). The error is below 1e-10 of p, of the data's scale for D, and of the trace for
// the covariance, for σ/α from 1e-3 to 1e3 (measured against the sum over all pixels:
// below 1e-12). Where too little density is left near x to vouch for that, wider windows
// and in the end all pixels are summed.
type Image struct {
	rows, cols int        // of the part of the image that is not black
	side       float64    // of a pixel
	lo, hi     [2]float64 // corners of that part
	w, cum     []float64  // rows×cols from the bottom up, sum 1; running sums
	peak       float64    // largest weight
	levels     []level    // the cheapest first, the pixels last
	pool       sync.Pool  // of *imageWork
}

// NewImage returns the density of an image of rows×cols grey values, any numbers ≥ 0,
// row after row from the top. It is centred at the origin with y up, and its longer
// side runs from -4 to 4.
func NewImage(grey []float64, rows, cols int) (*Image, error) {
	if rows < 1 || cols < 1 || len(grey) != rows*cols {
		return nil, fmt.Errorf("density: %d grey values for an image of %d×%d pixels", len(grey), rows, cols)
	}
	im := new(Image)
	return im, im.init(grey, rows, cols, 8/float64(max(rows, cols)))
}

func (im *Image) init(grey []float64, rows, cols int, side float64) error {
	sum, peak := 0.0, 0.0
	top, bottom, left, right := rows, -1, cols, -1
	for k, g := range grey {
		if !(g >= 0) || math.IsInf(g, 1) {
			return fmt.Errorf("density: the grey value in row %d, column %d is %g, want a finite number ≥ 0", k/cols, k%cols, g)
		}
		if g > 0 {
			i, j := k/cols, k%cols
			top, bottom = min(top, i), max(bottom, i)
			left, right = min(left, j), max(right, j)
		}
		sum += g
		peak = max(peak, g)
	}
	if bottom < 0 || math.IsInf(sum, 1) {
		return fmt.Errorf("density: the grey values sum to %g, want a finite number > 0", sum)
	}
	*im = Image{rows: bottom - top + 1, cols: right - left + 1, side: side, peak: peak / sum}
	x0, y0 := -side*float64(cols)/2, side*float64(rows)/2
	im.lo = [2]float64{x0 + side*float64(left), y0 - side*float64(bottom+1)}
	im.hi = [2]float64{x0 + side*float64(right+1), y0 - side*float64(top)}
	acc := 0.0
	for i := bottom; i >= top; i-- {
		for _, g := range grey[i*cols+left : i*cols+right+1] {
			acc += g / sum
			im.w, im.cum = append(im.w, g/sum), append(im.cum, acc)
		}
	}
	im.levels = newLevels(im)
	n := 0
	for _, lv := range im.levels {
		n = max(n, len(lv.pos[0]), len(lv.pos[1]))
	}
	im.pool.New = func() any { return newImageWork(n) }
	return nil
}

// Dim returns 2.
func (im *Image) Dim() int { return 2 }

// Rand fills dst, one point, with an exact draw.
func (im *Image) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, 2)
	k := search(im.cum, rng.Float64())
	dst[0] = im.lo[0] + im.side*(float64(k%im.cols)+rng.Float64())
	dst[1] = im.lo[1] + im.side*(float64(k/im.cols)+rng.Float64())
}

// each calls f with the posterior of every point, for size values of dst each.
func (im *Image) each(size int, dst, x []float64, alpha, sigma float64, second bool, f func(i int, w *imageWork)) {
	checkBatch(2, size, dst, x)
	w := im.pool.Get().(*imageWork)
	for i := range len(x) / 2 {
		w.posterior(im, x[2*i:2*i+2], alpha, sigma, second)
		f(i, w)
	}
	im.pool.Put(w)
}

// Denoise writes E[x₁ | x].
func (im *Image) Denoise(dst, x []float64, alpha, sigma float64) {
	im.each(2, dst, x, alpha, sigma, false, func(i int, w *imageWork) {
		for a := range 2 {
			dst[2*i+a] = w.axis[a].ref + w.mean[a]
		}
	})
}

// Score writes ∇ log p(x).
func (im *Image) Score(dst, x []float64, alpha, sigma float64) {
	im.each(2, dst, x, alpha, sigma, false, func(i int, w *imageWork) {
		for a := range 2 {
			dst[2*i+a] = (w.axis[a].t0 + alpha/sigma*w.mean[a]) / sigma
		}
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (im *Image) LogProb(dst, x []float64, alpha, sigma float64) {
	norm := math.Log(2*math.Pi) + 2*math.Log(sigma)
	im.each(1, dst, x, alpha, sigma, false, func(i int, w *imageWork) { dst[i] = math.Log(w.z) + w.logScale - norm })
}

// JVP writes (∂D/∂x) v.
func (im *Image) JVP(dst, x, v []float64, alpha, sigma float64) {
	c := alpha / sigma / sigma
	checkBatch(2, 2, v, x)
	im.each(2, dst, x, alpha, sigma, true, func(i int, w *imageWork) {
		v0, v1 := c*v[2*i], c*v[2*i+1]
		dst[2*i] = w.cov[0]*v0 + w.cov[1]*v1
		dst[2*i+1] = w.cov[1]*v0 + w.cov[2]*v1
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (im *Image) Divergence(dst, x []float64, alpha, sigma float64) {
	c := alpha / sigma / sigma
	im.each(1, dst, x, alpha, sigma, true, func(i int, w *imageWork) { dst[i] = c * (w.cov[0] + w.cov[2]) })
}

// CleanLogProb writes log p₁(x), one value a point, -Inf on black and outside.
func (im *Image) CleanLogProb(dst, x []float64) {
	checkBatch(2, 1, dst, x)
	for k := range dst {
		u, v := (x[2*k]-im.lo[0])/im.side, (x[2*k+1]-im.lo[1])/im.side
		dst[k] = math.Inf(-1)
		if u >= 0 && v >= 0 && u < float64(im.cols) && v < float64(im.rows) {
			dst[k] = math.Log(im.w[int(v)*im.cols+int(u)]) - 2*math.Log(im.side)
		}
	}
}

// centre returns the centre of pixel k.
func (im *Image) centre(k int) (x, y float64) {
	return im.lo[0] + im.side*(float64(k%im.cols)+0.5), im.lo[1] + im.side*(float64(k/im.cols)+0.5)
}

// Mean fills mean, 2 values.
func (im *Image) Mean(mean []float64) {
	clear(mean)
	for k, w := range im.w {
		x, y := im.centre(k)
		mean[0] += w * x
		mean[1] += w * y
	}
}

// Cov fills cov, 2×2 values.
func (im *Image) Cov(cov []float64) {
	var m [2]float64
	im.Mean(m[:])
	own := im.side * im.side / 12 // variance of the uniform distribution over a pixel
	cov[0], cov[1], cov[3] = own, 0, own
	for k, w := range im.w {
		x, y := im.centre(k)
		cov[0] += w * (x - m[0]) * (x - m[0])
		cov[1] += w * (x - m[0]) * (y - m[1])
		cov[3] += w * (y - m[1]) * (y - m[1])
	}
	cov[2] = cov[1]
}

// Checkerboard is the uniform distribution over every other square of a board.
type Checkerboard struct{ Image }

// NewCheckerboard returns a centred board of n×n squares of the given side, of which
// the top left one and every second from there are filled. The usual one is
// NewCheckerboard(4, 2): 8 filled squares in [-4, 4]². It panics unless n ≥ 1 and
// side > 0.
func NewCheckerboard(n int, side float64) *Checkerboard {
	if n < 1 || !(side > 0) {
		panic("density: NewCheckerboard needs at least one square and a side above 0")
	}
	grey := make([]float64, n*n)
	for k := range grey {
		if (k/n+k%n)%2 == 0 {
			grey[k] = 1
		}
	}
	c := new(Checkerboard)
	if err := c.init(grey, n, n, side); err != nil {
		panic(err.Error())
	}
	return c
}

// Modes returns the filled squares: their weights and centres; the radius is half a
// diagonal, so that a square lies inside.
func (c *Checkerboard) Modes() (weights, centres []float64, radius float64) {
	for k, w := range c.w {
		if w > 0 {
			x, y := c.centre(k)
			weights, centres = append(weights, w), append(centres, x, y)
		}
	}
	return weights, centres, c.side / math.Sqrt2
}
