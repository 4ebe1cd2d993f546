package interpolant

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/interp"
)

// An angleClock is a rising function W of the angle θ in [0, π/2] with W(0) = 0, given by
// its slope q = dW/dθ > 0 at the knots v = log tan θ: log q is a natural cubic spline in v
// and constant beyond the knots, so that W has three continuous derivatives between them.
type angleClock struct {
	v           []float64
	logSlope    interp.NaturalCubic
	first, last float64   // q beyond the knots
	left, right []float64 // W from 0 to the knot, and from the knot to π/2
}

// Nodes of a panel between two knots: the integral is exact to rounding.
var panelNodes, panelWeights = func() ([]float64, []float64) {
	x, w := make([]float64, 8), make([]float64, 8)
	quad.Legendre{}.FixedLocations(x, w, 0, 1)
	return x, w
}()

func newAngleClock(v, logSlope []float64) (*angleClock, error) {
	c := &angleClock{v: v}
	if err := c.logSlope.Fit(v, logSlope); err != nil {
		return nil, err
	}
	n := len(v)
	c.first, c.last = math.Exp(logSlope[0]), math.Exp(logSlope[n-1])
	c.left, c.right = make([]float64, n), make([]float64, n)
	c.left[0] = c.first * math.Atan(math.Exp(v[0]))
	c.right[n-1] = c.last * math.Atan(math.Exp(-v[n-1]))
	for i := 1; i < n; i++ {
		c.left[i] = c.left[i-1] + c.panel(v[i-1], v[i])
	}
	for i := n - 2; i >= 0; i-- {
		c.right[i] = c.right[i+1] + c.panel(v[i], v[i+1])
	}
	return c, nil
}

// slope returns q at v.
func (c *angleClock) slope(v float64) float64 {
	switch {
	case v <= c.v[0]:
		return c.first
	case v >= c.v[len(c.v)-1]:
		return c.last
	}
	return math.Exp(c.logSlope.Predict(v))
}

// rate returns dW/dv = q dθ/dv.
func (c *angleClock) rate(v float64) float64 { return c.slope(v) / (2 * math.Cosh(v)) }

// panel returns the growth of W between two v within a panel.
func (c *angleClock) panel(a, b float64) float64 {
	var sum float64
	for i, x := range panelNodes {
		sum += panelWeights[i] * c.rate(a+x*(b-a))
	}
	return sum * (b - a)
}

// total returns W(π/2).
func (c *angleClock) total() float64 { return c.left[0] + c.right[0] }

// at returns W(v) and W(π/2) - W(v), both to a small relative error.
func (c *angleClock) at(v float64) (w, rest float64) {
	last := len(c.v) - 1
	switch {
	case v <= c.v[0]:
		w = c.first * math.Atan(math.Exp(v))
		return w, c.total() - w
	case v >= c.v[last]:
		rest = c.last * math.Atan(math.Exp(-v))
		return c.total() - rest, rest
	}
	i, _ := slices.BinarySearch(c.v, v)
	return c.left[i-1] + c.panel(c.v[i-1], v), c.right[i] + c.panel(v, c.v[i])
}

// invert returns the v at which W = w and W(π/2) - W = rest, of which the smaller counts.
func (c *angleClock) invert(w, rest float64) float64 {
	last := len(c.v) - 1
	switch {
	case w <= c.left[0]:
		return math.Log(math.Tan(w / c.first))
	case rest <= c.right[last]:
		return -math.Log(math.Tan(rest / c.last))
	case w <= rest:
		i := sort.Search(last, func(i int) bool { return c.left[i] >= w })
		return c.newton(i-1, func(v float64) float64 { return c.left[i-1] + c.panel(c.v[i-1], v) - w })
	default:
		i := max(1, sort.Search(last, func(i int) bool { return c.right[i] <= rest }))
		return c.newton(i-1, func(v float64) float64 { return rest - c.right[i] - c.panel(v, c.v[i]) })
	}
}

// newton finds the zero of a function that rises at the rate of the clock between the
// knots i and i+1. W is close to linear there, and a few steps reach rounding.
func (c *angleClock) newton(i int, residual func(v float64) float64) float64 {
	lo, hi := c.v[i], c.v[i+1]
	v := (lo + hi) / 2
	for range 20 {
		next := min(max(v-residual(v)/c.rate(v), lo), hi)
		done := math.Abs(next-v) <= 1e-15*max(1, math.Abs(v))
		if v = next; done {
			break
		}
	}
	return v
}
