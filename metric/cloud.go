package metric

import (
	"cmp"
	"math"
	"slices"
)

// cloudLeaf is the most points of a block: a compromise between blocks small enough to
// be told apart by their boxes and long enough for the loops over their points.
const cloudLeaf = 64

// A cloud is a set of points cut into blocks of neighbours, by halving at the median of
// the longest side of their box. Block b holds the points start[b] to start[b+1].
type cloud struct {
	dim    int
	x      []float64 // the points, block after block
	perm   []int     // their places in the original order
	start  []int
	lo, hi []float64 // the box of each block
}

func newCloud(x []float64, dim int) *cloud {
	n := len(x) / dim
	c := &cloud{dim: dim, x: make([]float64, 0, len(x)), perm: make([]int, n)}
	for i := range c.perm {
		c.perm[i] = i
	}
	lo, hi := make([]float64, dim), make([]float64, dim)
	var cut func(p []int, at int)
	cut = func(p []int, at int) {
		box(lo, hi, x, p)
		if len(p) <= cloudLeaf {
			c.start = append(c.start, at)
			c.lo, c.hi = append(c.lo, lo...), append(c.hi, hi...)
			return
		}
		axis := 0
		for k := range lo {
			if hi[k]-lo[k] > hi[axis]-lo[axis] {
				axis = k
			}
		}
		slices.SortFunc(p, func(i, j int) int {
			return cmp.Or(cmp.Compare(x[i*dim+axis], x[j*dim+axis]), i-j)
		})
		half := len(p) / 2
		cut(p[:half], at)
		cut(p[half:], at+half)
	}
	cut(c.perm, 0)
	c.start = append(c.start, n)
	for _, i := range c.perm {
		c.x = append(c.x, x[i*dim:(i+1)*dim]...)
	}
	return c
}

// box sets lo and hi to the bounds of the points p of x.
func box(lo, hi, x []float64, p []int) {
	dim := len(lo)
	for k := range lo {
		lo[k], hi[k] = math.Inf(1), math.Inf(-1)
	}
	for _, i := range p {
		for k, v := range x[i*dim : (i+1)*dim] {
			lo[k], hi[k] = min(lo[k], v), max(hi[k], v)
		}
	}
}

func (c *cloud) blocks() int { return len(c.start) - 1 }

// gap returns the squared distance between the boxes of block i of c and j of e: the
// least |x - y|² of their points, or a little less.
func (c *cloud) gap(i int, e *cloud, j int) float64 {
	d, sum := c.dim, 0.0
	for k := range d {
		u := max(0, c.lo[i*d+k]-e.hi[j*d+k], e.lo[j*d+k]-c.hi[i*d+k])
		sum += u * u
	}
	return sum
}

// reach returns a bound of |x - y|² over all the points of c and e.
func (c *cloud) reach(e *cloud) float64 {
	sum := 0.0
	for k := range c.dim {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, s := range []*cloud{c, e} {
			for b := range s.blocks() {
				lo, hi = min(lo, s.lo[b*s.dim+k]), max(hi, s.hi[b*s.dim+k])
			}
		}
		sum += (hi - lo) * (hi - lo)
	}
	return sum
}
