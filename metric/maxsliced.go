package metric

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

const (
	maxSlicedStarts = 4   // directions that are climbed from
	maxSlicedSteps  = 100 // most steps of a climb; some 20 are the rule
	// A climb ends when a step gains less than this share. The value is then within
	// about the same share of the local maximum.
	maxSlicedGain = 1e-7
)

// MaxSlicedW2 returns the max-sliced 2-Wasserstein distance, in the units of the
// samples:
//
//	max_θ W2(θ·x, θ·y),   |θ| = 1
//
// (Deshpande et al. 2019, CVPR, "Max-sliced Wasserstein distance and its use for
// GANs"). For a fixed pairing of the two samples, W2² is a quadratic form θᵀMθ, so an
// ascent step goes from θ to Mθ/|Mθ| under the best pairing at θ, halved while it does
// not gain. The climbs start from the best of Options.Projections random directions
// (0 means 128) and from the difference of the means; so the value may be a local
// maximum, a lower bound. StdErr is 0, as that of Wasserstein1D. In dimension 1 it is
// W2. A step costs O(nd + n log n).
func MaxSlicedW2(x, y []float64, dim int, o Options) (Value, error) {
	v, _, err := MaxSlicedDirection(x, y, dim, o)
	return v, err
}

// MaxSlicedDirection returns MaxSlicedW2 and the unit vector where it is reached, which
// points to where the samples differ most.
func MaxSlicedDirection(x, y []float64, dim int, o Options) (Value, []float64, error) {
	if err := checkPair(x, y, dim, 1); err != nil {
		return Value{}, nil, err
	}
	if o.Projections < 0 {
		panic("metric: the number of projections must not be negative")
	}
	if dim == 1 {
		v, err := Wasserstein1D(x, y, 2)
		return v, []float64{1}, err
	}
	n, m := len(x)/dim, len(y)/dim
	count := o.Projections
	if count == 0 {
		count = 128
	}
	starts := make([][]float64, count+1)
	w2 := make([]float64, count+1)
	mustRun(count+1, 1, o.Workers, func(_, i, _ int) {
		theta := make([]float64, dim)
		if i == count {
			for k, v := range x {
				theta[k%dim] += v / float64(n)
			}
			for k, v := range y {
				theta[k%dim] -= v / float64(m)
			}
		}
		if norm := floats.Norm(theta, 2); !(norm > 0) || math.IsInf(norm, 1) {
			stream.New().Normals(theta, o.Seed, stream.Metric, uint64(i), useDirection)
		}
		floats.Scale(1/floats.Norm(theta, 2), theta)
		starts[i] = theta
		w2[i] = transport1D(newSorter(n), newSorter(m), x, y, theta, 2)
	})
	order := make([]int, count+1)
	floats.ArgsortStable(slices.Clone(w2), order)
	order = order[max(0, len(order)-maxSlicedStarts):]
	mustRun(len(order), 1, o.Workers, func(_, r, _ int) {
		i := order[r]
		w2[i] = newClimber(x, y, dim).climb(starts[i])
	})
	best := order[0]
	for _, i := range order {
		if w2[i] > w2[best] {
			best = i
		}
	}
	v, err := finite(Value{Value: math.Sqrt(w2[best]), NX: n, NY: m})
	return v, starts[best], err
}

// A climber holds the work space of an ascent.
type climber struct {
	x, y        []float64
	dim         int
	px, py      []projected // in ascending order
	grad, trial []float64
}

func newClimber(x, y []float64, dim int) *climber {
	n, m := len(x)/dim, len(y)/dim
	return &climber{
		x: x, y: y, dim: dim, px: make([]projected, n), py: make([]projected, m),
		grad: make([]float64, dim), trial: make([]float64, dim),
	}
}

// climb moves theta to a local maximum of W2² and returns that.
func (c *climber) climb(theta []float64) float64 {
	at := c.pair(theta)
	for range maxSlicedSteps {
		norm := floats.Norm(c.grad, 2)
		if !(norm > 0) || math.IsInf(norm, 1) {
			break
		}
		goal := slices.Clone(c.grad)
		floats.Scale(1/norm, goal)
		var gain float64
		for step := 1.; step > 1e-3; step /= 2 {
			floats.ScaleTo(c.trial, 1-step, theta)
			floats.AddScaled(c.trial, step, goal)
			floats.Scale(1/floats.Norm(c.trial, 2), c.trial)
			if next := c.pair(c.trial); next > at {
				gain, at = next-at, next
				copy(theta, c.trial)
				break
			}
		}
		if gain <= maxSlicedGain*at {
			break
		}
	}
	return at
}

// pair projects the samples on theta, pairs them by rank and returns W2², with
// Mθ = Σ mass (θ·Δ) Δ, Δ = x - y over the pairs, in c.grad.
func (c *climber) pair(theta []float64) float64 {
	rank(c.px, c.x, theta)
	rank(c.py, c.y, theta)
	clear(c.grad)
	n, m := len(c.px), len(c.py)
	var sum float64
	for i, j, a, b := 0, 0, m, n; i < n; { // mass as in quantileCost
		w := min(a, b)
		p, q := c.px[i], c.py[j]
		delta := p.at - q.at
		mass := float64(w) / float64(n) / float64(m)
		sum += mass * delta * delta
		floats.AddScaled(c.grad, mass*delta, c.x[p.point*c.dim:(p.point+1)*c.dim])
		floats.AddScaled(c.grad, -mass*delta, c.y[q.point*c.dim:(q.point+1)*c.dim])
		if a -= w; a == 0 {
			i, a = i+1, m
		}
		if b -= w; b == 0 {
			j, b = j+1, n
		}
	}
	return sum
}

// A projected point.
type projected struct {
	at    float64
	point int
}

// rank writes the projections of the points on theta in ascending order.
func rank(p []projected, points, theta []float64) {
	d := len(theta)
	for i := range p {
		p[i] = projected{floats.Dot(theta, points[i*d:(i+1)*d]), i}
	}
	slices.SortFunc(p, func(a, b projected) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return a.point - b.point
	})
}
