package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A box is a range of the plane.
type box struct{ xmin, xmax, ymin, ymax float64 }

// contains tells whether a point is inside; NaN is not.
func (b box) contains(x, y float64) bool {
	return b.xmin <= x && x <= b.xmax && b.ymin <= y && y <= b.ymax
}

// size returns the size in points of a panel that shows b with equal scales: about
// side² in area.
func (b box) size(side float64) (w, h float64) {
	r := math.Sqrt((b.xmax - b.xmin) / (b.ymax - b.ymin))
	return side * r, side / r
}

// square widens the shorter side of b until the longer is at most 1.6 times it.
func (b box) square() box {
	const most = 1.6
	w, h := b.xmax-b.xmin, b.ymax-b.ymin
	if dx := (h/most - w) / 2; dx > 0 {
		b.xmin, b.xmax = b.xmin-dx, b.xmax+dx
	}
	if dy := (w/most - h) / 2; dy > 0 {
		b.ymin, b.ymax = b.ymin-dy, b.ymax+dy
	}
	return b
}

// limits returns a range for coordinate k of points of dimension d that shows the
// bulk and does not yield to outliers. It runs between the quantiles 0.001 and
// 0.999, at most 1.5 times as far from the median as the quantiles 0.01 and 0.99
// (for a Gaussian the latter never binds, for heavy tails it does), and is widened by
// 8 % on either side.
func limits(x []float64, d, k int) (lo, hi float64) {
	const enough = 50_000 // values that settle the quantiles
	n := len(x) / d
	stride := max(1, n/enough)
	v := make([]float64, 0, n/stride+1)
	for i := 0; i < n; i += stride {
		if c := x[i*d+k]; !math.IsNaN(c) && !math.IsInf(c, 0) {
			v = append(v, c)
		}
	}
	if len(v) == 0 {
		return -1, 1
	}
	slices.Sort(v)
	q := func(p float64) float64 { return v[int(math.Round(p*float64(len(v)-1)))] }
	mid := q(0.5)
	lo = max(q(0.001), mid-1.5*(mid-q(0.01)))
	hi = min(q(0.999), mid+1.5*(q(0.99)-mid))
	pad := 0.08 * (hi - lo)
	if pad == 0 { // all values equal
		pad = max(0.5, math.Abs(mid)/2)
	}
	return lo - pad, hi + pad
}

// planeLimits returns the range of the first two coordinates.
func planeLimits(x []float64, d int) (b box) {
	b.xmin, b.xmax = limits(x, d, 0)
	b.ymin, b.ymax = limits(x, d, 1)
	return b.square()
}

// outside says how many points of dimension d are not in b, or "" if none is.
func outside(x []float64, d int, b box) string {
	var out, bad int
	for i := 0; i < len(x); i += d {
		u, v := x[i], b.ymin
		if d > 1 {
			v = x[i+1]
		}
		switch {
		case math.IsNaN(u-u) || math.IsNaN(v-v): // NaN or infinite
			bad++
		case !b.contains(u, v):
			out++
		}
	}
	var s []string
	if out > 0 {
		s = append(s, fmt.Sprintf("%.3g%% outside", 100*float64(out)/float64(len(x)/d)))
	}
	if bad > 0 {
		s = append(s, fmt.Sprintf("%d not finite", bad))
	}
	return strings.Join(s, ", ")
}
