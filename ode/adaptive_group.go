package ode

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// An adaptiveGroup solves the points of a row group side by side, each with its own steps:
// in every round each point that has not arrived tries one step. Points that have arrived
// give their place to the last, so that those on their way lie one after another.
type adaptiveGroup struct {
	f        Field
	each     PerPoint // f, if it takes a time for each point
	opt      Adaptive
	tab      *Tableau
	a        []sparse
	e, e2    sparse
	order    float64 // k: the error measure is O(h^k)
	d, rows  int     // points on their way
	points   []adaptivePoint
	t, t1, h []float64   // start, end and length with its sign of each trial step
	times    []float64   // of a stage
	measure  []float64   // error measure of each trial step
	factor   []float64   // of the step's length after it
	x, slope []float64   // at the starts of the steps
	x1, last []float64   // at the ends of the trial steps
	k        [][]float64 // slopes times h
	y        []float64   // state of a stage
	err      []float64   // error estimates
	err2     []float64
	zero     []float64
	arg      [][]float64
	coef     []float64
	out      []float64 // dense output of one point
}

// adaptivePoint is one point on its way.
type adaptivePoint struct {
	row      int     // its place in the group
	h        float64 // length of the step
	before   float64 // logarithm of the measure of the accepted step before
	next     int     // grid time that is to be recorded next
	accepted bool    // of the trial step
	rejected bool    // of the trial step before, then of this one
	stats    Stats
}

func newAdaptiveGroup(f Field, opt Adaptive, rows int) *adaptiveGroup {
	t, d := opt.Tableau.withEndSlope(), f.Dim()
	g := &adaptiveGroup{f: f, opt: opt, tab: t, e: newSparse(t.E), e2: newSparse(t.E2), d: d}
	g.each, _ = f.(PerPoint)
	// HNW (10.17) divides e₅² by e₃: the orders in h are those of the local errors.
	g.order = float64(t.OrderE + 1)
	if t.E2 != nil {
		g.order = float64(2*(t.OrderE+1) - (t.OrderE2 + 1))
	}
	for _, row := range t.A {
		g.a = append(g.a, newSparse(row))
	}
	g.points = make([]adaptivePoint, rows)
	size := padded(rows * d)
	s := len(t.A)
	g.k, g.arg, g.coef = make([][]float64, s), make([][]float64, s), make([]float64, s)
	buf := make([]float64, (s+8)*size)
	cut := func() []float64 { v := buf[:size:size]; buf = buf[size:]; return v }
	for i := range g.k {
		g.k[i] = cut()
	}
	for _, p := range []*[]float64{&g.x, &g.slope, &g.x1, &g.last, &g.y, &g.err, &g.err2, &g.zero} {
		*p = cut()
	}
	for _, p := range []*[]float64{&g.t, &g.t1, &g.h, &g.times, &g.measure, &g.factor} {
		*p = make([]float64, rows)
	}
	g.out = make([]float64, d)
	return g
}

// padded rounds a length up to whole blocks of simd.Combine. What stands behind the last
// point is never read as a point.
func padded(n int) int { return (n + 31) &^ 31 }

// combine sets dst = x + Σ r_j h k_j for all points on their way.
func (g *adaptiveGroup) combine(dst, x []float64, r sparse) {
	n := padded(g.rows * g.d)
	for m, j := range r.index {
		g.arg[m] = g.k[j]
	}
	simd.Combine(dst[:n], 1, x, r.coef, g.arg)
}

// evalEach writes the slopes at x and g.times, the points on their way.
func (g *adaptiveGroup) evalEach(dst, x []float64) {
	n, d := g.rows, g.d
	if g.each != nil && n > 1 {
		g.each.EvalEach(dst[:n*d], x[:n*d], g.times[:n])
		return
	}
	for r, t := range g.times[:n] {
		g.f.Eval(dst[r*d:(r+1)*d], x[r*d:(r+1)*d], t)
	}
}

// solve advances the points x, of which the first has index row in this run and first+row in
// the whole batch, over the grid.
func (g *adaptiveGroup) solve(ctx context.Context, x []float64, first, row int, grid []float64, tick func(int), tr *Trace) (Stats, error) {
	d, last := g.d, len(grid)-1
	g.rows = len(x) / d
	var sum Stats
	if last == 0 {
		return Stats{Points: g.rows}, nil
	}
	t, end := grid[0], grid[last]
	dir := math.Copysign(1, end-t)
	fail := func(r int, s Status, err error) (Stats, error) {
		p := &g.points[r]
		return sum, &Error{Status: s, Row: first + row + p.row, Step: int(p.stats.Accepted), T: g.t[r], Err: err}
	}
	if r, ok := g.begin(x, t, end); !ok {
		return fail(r, NonFinite, nil)
	}
	s := len(g.tab.B)
	for g.rows > 0 {
		if err := ctx.Err(); err != nil {
			return fail(0, Cancelled, err)
		}
		for r := range g.rows {
			p, t := &g.points[r], g.t[r]
			left := math.Abs(end - t)
			p.h = min(p.h, g.opt.MaxStep)
			if p.h < max(g.opt.MinStep, rounding(t, end)) && p.h < left {
				return fail(r, StepTooSmall, nil)
			}
			if p.stats.Accepted+p.stats.Rejected == int64(g.opt.MaxSteps) {
				return fail(r, TooManySteps, nil)
			}
			g.t1[r] = t + dir*p.h
			if 1.01*p.h >= left { // spares a last step of rounding size
				g.t1[r] = end
			}
		}
		g.trial()
		g.steer()
		for r := g.rows - 1; r >= 0; r-- {
			p, t1 := &g.points[r], g.t1[r]
			lo, hi := r*d, (r+1)*d
			p.h = math.Abs(t1-g.t[r]) * g.factor[r]
			if !p.accepted {
				p.stats.Rejected++
				continue
			}
			if tr != nil && row+p.row < tr.Rows {
				dense := s // stages that are there
				for ; p.next < last && (grid[p.next]-t1)*dir <= 0; p.next++ {
					dense = g.interpolate(r, grid[p.next], dense)
					if FirstNonFinite(g.out) >= 0 {
						return fail(r, NonFinite, nil)
					}
					tr.put(row+p.row, p.next, len(grid), g.out)
				}
			}
			p.stats.Accepted++
			if t1 == end {
				copy(x[p.row*d:(p.row+1)*d], g.x1[lo:hi])
				tr.put(row+p.row, last, len(grid), g.x1[lo:hi])
				p.stats.Points, p.stats.MaxNFE = 1, int(p.stats.Evals)
				sum.add(p.stats)
				tick(last)
				g.leave(r)
				continue
			}
			copy(g.x[lo:hi], g.x1[lo:hi])
			copy(g.slope[lo:hi], g.last[lo:hi])
			g.t[r] = t1
		}
	}
	return sum, nil
}

// begin starts the points x at t. It returns the first point whose state or slope is not
// finite, or true.
func (g *adaptiveGroup) begin(x []float64, t, end float64) (int, bool) {
	n := len(x)
	copy(g.x, x)
	g.f.Eval(g.slope[:n], x, t)
	for r := range g.rows {
		g.t[r] = t
		g.points[r] = adaptivePoint{row: r, h: g.opt.FirstStep, before: logSmallErr, next: 1, stats: Stats{Evals: 1}}
	}
	for _, v := range [][]float64{x, g.slope[:n]} {
		if i := FirstNonFinite(v); i >= 0 {
			return i / g.d, false
		}
	}
	if g.opt.FirstStep == 0 {
		g.firstSteps(t, end)
		for r := range g.rows {
			g.points[r].h = max(g.points[r].h, g.opt.MinStep, rounding(t, end))
		}
	}
	return 0, true
}

// leave takes a point off its way. The last takes its place.
func (g *adaptiveGroup) leave(r int) {
	d := g.d
	g.rows--
	l := g.rows
	g.points[r], g.t[r] = g.points[l], g.t[l]
	copy(g.x[r*d:(r+1)*d], g.x[l*d:(l+1)*d])
	copy(g.slope[r*d:(r+1)*d], g.slope[l*d:(l+1)*d])
}

// trial computes the stages and the ends x1 of the steps and their error measures.
func (g *adaptiveGroup) trial() {
	s := len(g.tab.B)
	n, size := g.rows, g.rows*g.d
	h := g.h[:n]
	for r := range h {
		h[r] = g.t1[r] - g.t[r]
	}
	simd.ScaleEach(g.k[0][:size], h, g.slope)
	for i := 1; i < s; i++ {
		y, k := g.y, g.k[i]
		if i == s-1 {
			y, k = g.x1, g.last
		}
		g.combine(y, g.x, g.a[i])
		c, t, t1, times := g.tab.C[i], g.t[:n], g.t1[:n], g.times[:n]
		for r := range times {
			times[r] = node(t[r], t1[r], c)
		}
		g.evalEach(k, y)
		simd.ScaleEach(g.k[i][:size], h, k)
	}
	g.combine(g.err, g.zero, g.e)
	if g.tab.E2 != nil {
		g.combine(g.err2, g.zero, g.e2)
	}
	d := float64(g.d)
	for r := range g.rows {
		s5 := g.scaled(g.err[r*g.d:(r+1)*g.d], r)
		g.points[r].stats.Evals += int64(s - 1)
		switch {
		case g.tab.E2 == nil:
			g.measure[r] = math.Sqrt(s5 / d)
		case s5 == 0:
			g.measure[r] = 0
		default:
			g.measure[r] = s5 / math.Sqrt(d*(s5+0.01*g.scaled(g.err2[r*g.d:(r+1)*g.d], r)))
		}
	}
}

// scaled returns the sum of squares of e in units of the tolerances of a point.
func (g *adaptiveGroup) scaled(e []float64, r int) float64 {
	x, x1 := g.x[r*len(e):][:len(e)], g.x1[r*len(e):][:len(e)]
	sum := 0.0
	for i, v := range e {
		size := math.Abs(x[i])
		if b := math.Abs(x1[i]); !(b <= size) { // NaN passes
			size = b
		}
		v /= g.opt.ATol + g.opt.RTol*size
		sum += v * v
	}
	return sum
}
