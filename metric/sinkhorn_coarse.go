package metric

import (
	"context"

	"gonum.org/v1/gonum/floats"
)

// coarseRatio is ε over the mean squared radius of the blocks, at which the coarse
// problem hands over to the points themselves: there exp(-|x-y|²/ε) varies little within
// a block, and below it most pairs of blocks are too far apart to count.
const coarseRatio = 8

// coarsen returns the blocks of a cloud as points, the means under the weights w, with
// the sums of these, and the mean squared distance of the points from their block's.
func (c *cloud) coarsen(w []float64) (x, mass []float64, spread float64) {
	d := c.dim
	x, mass = make([]float64, c.blocks()*d), make([]float64, c.blocks())
	for b := range mass {
		mean := x[b*d : (b+1)*d]
		for k := c.start[b]; k < c.start[b+1]; k++ {
			mass[b] += w[c.perm[k]]
			floats.AddScaled(mean, w[c.perm[k]], c.x[k*d:(k+1)*d])
		}
		if mass[b] == 0 {
			copy(mean, c.x[c.start[b]*d:])
			continue
		}
		floats.Scale(1/mass[b], mean)
		for k := c.start[b]; k < c.start[b+1]; k++ {
			r := floats.Distance(mean, c.x[k*d:(k+1)*d], 2)
			spread += w[c.perm[k]] * r * r
		}
	}
	return x, mass, spread / floats.Sum(w)
}

// startCoarse gives a problem between two clouds the potential g of the problem between
// their blocks, from which the descent of ε then goes on: the greater part of it is done
// at a cost of 1/cloudLeaf² an iteration. (Multiscale Sinkhorn: Schmitzer 2019, section
// 3.5; Feydy 2020, thesis, section 3.3.) Problems that are small, without a descent, or
// with potentials to start from, are left as they are.
func (p *entropic) startCoarse(ctx context.Context) {
	geo, ok := p.geometry.(*points)
	if !ok || p.o.Scaling == 0 || p.o.G != nil || len(p.f)*len(p.g) <= denseLimit {
		return
	}
	xs, a, rx := geo.x.coarsen(p.a)
	ys, b, ry := geo.y.coarsen(p.b)
	o := p.o
	o.F, o.G = nil, nil
	o.Epsilon = max(o.Epsilon, coarseRatio*max(rx, ry))
	if o.Epsilon >= p.spread() {
		return
	}
	o.Tol = max(o.Tol, 1e-4) // the blocks themselves err by more
	cx, cy := newCloud(xs, geo.x.dim), newCloud(ys, geo.y.dim)
	q, err := newSquared(cx, cy, xs, ys, a, b, o)
	if err != nil {
		return // sums of weights that rounding took off 1, say: the descent does without
	}
	q.startCoarse(ctx)
	q.solve(ctx)
	// The potential of the points is that of one more update from the blocks of x.
	l := make([]float64, len(p.g))
	if newPoints(cx, geo.y, o.Workers).cols(ctx, l, q.logits(q.la, q.f, o.Epsilon), o.Epsilon) != nil {
		return
	}
	scale := -p.damping(o.Epsilon) * o.Epsilon
	for j, v := range l {
		p.g[j] = scale * v
	}
	if geo.x == geo.y {
		copy(p.f, p.g)
	}
	p.from = o.Epsilon
}

// ladder returns the ε to be solved for, in order.
func (p *entropic) ladder() []float64 {
	var out []float64
	if p.o.Scaling > 0 {
		e := p.from
		if e == 0 {
			e = p.spread()
		}
		for ; e > p.o.Epsilon; e *= p.o.Scaling {
			out = append(out, e)
		}
	}
	return append(out, p.o.Epsilon)
}
