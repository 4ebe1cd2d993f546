package density

import (
	"math"
	"sort"

	"github.com/seed-dea4846a/sampler/internal/special"
)

// imageWork holds the posterior of one point of an Image, as moments about a reference
// point: near x/α for small σ and a corner of the image when x is outside, so that the
// mean and the covariance lose nothing to a distant origin.
type imageWork struct {
	axis     [2]axisWork // columns, then rows
	z        float64     // p(x) = z exp(logScale)/(2πσ²)
	logScale float64
	mean     [2]float64 // E[x₁ | x] - ref
	cov      [3]float64 // xx, xy, yy
}

// axisWork holds the factors of the columns or rows of a level, for the positions u
// in lo..hi-1: with t = (αu - x)/σ and s = u - ref
//
//	f = E exp((c²-t²)/2),   a = E s exp(..),   q = E s² exp(..)
//
// over the pixel. Or, for the sum over all pixels, log E exp(-t²/2) in f and the
// posterior's E s and E s² in a and q.
type axisWork struct {
	t, f, a, q []float64
	lo, hi     int
	c          float64 // distance in σ from x/α to the image
	ref, t0    float64 // reference point; (α·ref - x)/σ
}

func newImageWork(n int) *imageWork {
	w := new(imageWork)
	for i := range w.axis {
		w.axis[i] = axisWork{t: make([]float64, n), f: make([]float64, n), a: make([]float64, n), q: make([]float64, n)}
	}
	return w
}

const (
	reach    = 8     // half width of the window in σ
	vouch    = 1e-10 // relative error of the sums
	levelErr = 1e-13 // interpolation error of a level, relative to a full window
)

func (w *imageWork) posterior(im *Image, x []float64, alpha, sigma float64, second bool) {
	c2 := 0.0
	for i := range w.axis {
		a := &w.axis[i]
		a.t0 = 0
		a.ref = x[i] / alpha
		if !(a.ref >= im.lo[i] && a.ref <= im.hi[i]) { // also for α = 0
			a.ref = im.lo[i]
			if x[i] > alpha*im.lo[i] {
				a.ref = im.hi[i]
			}
			a.t0 = (alpha*a.ref - x[i]) / sigma
		}
		a.c = a.t0
		c2 += a.c * a.c
	}
	pixels := &im.levels[len(im.levels)-1]
	lv := pixels
	for i := range im.levels {
		if l := &im.levels[i]; l.serves(alpha/sigma, c2) {
			lv = l
			break
		}
	}
	// No window has more than this, by the brightest pixel's weight all over the plane.
	full := min(1, im.peak*2*math.Pi*math.Pow(sigma/alpha/im.side, 2))
	r2, far := float64(reach*reach), false
	for {
		w.sum(lv, x, alpha, sigma, c2, r2, second)
		left := math.Exp(-r2 / 2)
		if lv != pixels {
			left += levelErr
		}
		if w.z >= left/vouch*full {
			break
		}
		if lv != pixels {
			lv = pixels
			continue
		}
		if w.z < 1e-100*full {
			far = true
			w.sumAll(im, x, alpha, sigma, second)
			break
		}
		r2 = 2 * math.Log(10/vouch*full/w.z)
	}
	if !second {
		return
	}
	// A covariance that is small against the distance to the reference has lost digits:
	// take the mean as the reference.
	if w.cov[0] > 1e-3*w.mean[0]*w.mean[0] && w.cov[2] > 1e-3*w.mean[1]*w.mean[1] {
		return
	}
	for i := range w.axis {
		a := &w.axis[i]
		a.ref += w.mean[i]
		a.t0 += alpha / sigma * w.mean[i]
	}
	if far {
		w.sumAll(im, x, alpha, sigma, second)
	} else {
		w.sum(lv, x, alpha, sigma, c2, r2, second)
	}
}

// fill computes the factors of a level's columns (i = 0) or rows (1) for the
// positions that the window |t|² ≤ c² + r2 meets.
func (a *axisWork) fill(lv *level, i int, x, alpha, sigma, r2 float64) {
	pos, half := lv.pos[i], 0.0
	if lv.nodes == 0 {
		half = lv.half
	}
	h := alpha * half / sigma
	width := sigma*math.Sqrt(a.c*a.c+r2) + alpha*half
	a.lo = sort.Search(len(pos), func(k int) bool { return alpha*pos[k]-x >= -width })
	a.hi = a.lo + sort.Search(len(pos)-a.lo, func(k int) bool { return alpha*pos[a.lo+k]-x > width })
	for k := a.lo; k < a.hi; k++ {
		a.t[k] = (alpha*pos[k] - x) / sigma
	}
	f, m1, m2 := a.f[a.lo:a.hi], a.a[a.lo:a.hi], a.q[a.lo:a.hi]
	switch {
	case len(f) == 0:
	case lv.nodes > 0:
		for k, t := range a.t[a.lo:a.hi] {
			s := pos[a.lo+k] - a.ref
			f[k] = math.Exp((a.c*a.c - t*t) / 2)
			m1[k] = f[k] * s
			m2[k] = f[k] * s * s
		}
	case special.TruncGrid(f, m1, m2, a.t[a.lo], h, a.c*a.c):
		for k, v := range f {
			s := pos[a.lo+k] - a.ref
			first := half * m1[k]
			m1[k] = s*v + first
			m2[k] = s*(s*v+2*first) + half*half*m2[k]
		}
	default:
		for k, t := range a.t[a.lo:a.hi] {
			m := special.TruncNormal(t, h)
			// Peak² ≥ c² - 2.5² but for the rounding of large squares.
			f[k] = m.Avg * math.Exp(min((a.c*a.c-m.Peak*m.Peak)/2, 4))
			s := a.offset(m, pos[a.lo+k], half, h, sigma/alpha)
			m1[k] = f[k] * s
			m2[k] = f[k] * (s*s + half*half*m.Var)
		}
	}
}

// offset returns E[u] - ref for a pixel of centre u.
func (a *axisWork) offset(m special.Trunc, u, half, h, scale float64) float64 {
	if h < 1 {
		return u - a.ref + half*m.Off
	}
	return scale * (m.Mean - a.t0)
}

// sum adds up the pixels or nodes in the window |t|² ≤ c2 + r2 (t of both axes).
func (w *imageWork) sum(lv *level, x []float64, alpha, sigma, c2, r2 float64, second bool) {
	cols, rows := &w.axis[0], &w.axis[1]
	cols.fill(lv, 0, x[0], alpha, sigma, r2)
	rows.fill(lv, 1, x[1], alpha, sigma, r2)
	h, nx := 0.0, len(lv.pos[0])
	if lv.nodes == 0 {
		h = alpha * lv.half / sigma
	}
	var z, mx, my, xx, xy, yy float64
	lo, hi := cols.lo, cols.lo
	for i := rows.lo; i < rows.hi; i++ {
		// The columns of this row inside the circle, found from those of the last row.
		near := max(math.Abs(rows.t[i])-h, 0)
		width := math.Sqrt(max(c2+r2-near*near, 0)) + h
		for lo > cols.lo && cols.t[lo-1] >= -width {
			lo--
		}
		for lo < cols.hi && cols.t[lo] < -width {
			lo++
		}
		hi = max(hi, lo)
		for hi < cols.hi && cols.t[hi] <= width {
			hi++
		}
		for hi > lo && cols.t[hi-1] > width {
			hi--
		}
		row := lv.w[i*nx+lo : i*nx+hi]
		g, ga := rows.f[i], rows.a[i]
		s0, s1 := dot2(row, cols.f[lo:hi], cols.a[lo:hi])
		z += g * s0
		mx += g * s1
		my += ga * s0
		if second {
			s2 := 0.0
			for j, q := range cols.q[lo:hi] {
				s2 += row[j] * q
			}
			xx += g * s2
			xy += ga * s1
			yy += rows.q[i] * s0
		}
	}
	w.logScale = -c2 / 2
	w.finish(z, mx, my, xx, xy, yy)
}

// finish turns sums into moments.
func (w *imageWork) finish(z, mx, my, xx, xy, yy float64) {
	mx, my = mx/z, my/z
	w.z = z
	w.mean = [2]float64{mx, my}
	w.cov = [3]float64{xx/z - mx*mx, xy/z - mx*my, yy/z - my*my}
}

// dot2 returns w·f and w·a, in four partial sums each, which add in parallel.
func dot2(w, f, a []float64) (wf, wa float64) {
	f, a = f[:len(w)], a[:len(w)]
	var f0, f1, f2, f3, a0, a1, a2, a3 float64
	for len(w) >= 4 && len(f) >= 4 && len(a) >= 4 {
		f0 += w[0] * f[0]
		a0 += w[0] * a[0]
		f1 += w[1] * f[1]
		a1 += w[1] * a[1]
		f2 += w[2] * f[2]
		a2 += w[2] * a[2]
		f3 += w[3] * f[3]
		a3 += w[3] * a[3]
		w, f, a = w[4:], f[4:], a[4:]
	}
	for j, v := range w {
		f0 += v * f[j]
		a0 += v * a[j]
	}
	return f0 + f1 + (f2 + f3), a0 + a1 + (a2 + a3)
}

// sumAll adds up all pixels, with the exponents held in logarithms: for points with
// nothing within many σ.
func (w *imageWork) sumAll(im *Image, x []float64, alpha, sigma float64, second bool) {
	lv := &im.levels[len(im.levels)-1]
	h := alpha * lv.half / sigma
	for i := range w.axis {
		a := &w.axis[i]
		for k, u := range lv.pos[i] {
			m := special.TruncNormal((alpha*u-x[i])/sigma, h)
			s := a.offset(m, u, lv.half, h, sigma/alpha)
			a.f[k], a.a[k], a.q[k] = m.LogAvg(), s, s*s+lv.half*lv.half*m.Var
		}
	}
	cols, rows := &w.axis[0], &w.axis[1]
	top := math.Inf(-1)
	for k, v := range im.w {
		if v > 0 {
			top = max(top, cols.f[k%im.cols]+rows.f[k/im.cols])
		}
	}
	var z, mx, my, xx, xy, yy float64
	for k, v := range im.w {
		i, j := k/im.cols, k%im.cols
		l := cols.f[j] + rows.f[i] - top
		if v == 0 || l < -80 { // e⁻⁸⁰ times any ratio of grey values is nothing
			continue
		}
		v *= math.Exp(l)
		z += v
		mx += v * cols.a[j]
		my += v * rows.a[i]
		xx += v * cols.q[j]
		xy += v * cols.a[j] * rows.a[i]
		yy += v * rows.q[i]
	}
	w.logScale = top
	w.finish(z, mx, my, xx, xy, yy)
}
