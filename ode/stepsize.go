package ode

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Step size control of Adaptive.
const (
	safety  = 0.9
	minGrow = 0.2
	maxGrow = 10.0
	gainI   = 0.7
	gainP   = 0.4

	smallErr = 1e-4 // least measure that the controller remembers (dopri5.f)
)

var logSmallErr = math.Log(smallErr)

// shrink returns the factor of the step after a rejection with error measure err, of
// order k in the step, or NaN.
func shrink(err, k float64) float64 { return shrinkBy(err, math.Exp(shrinkLog(math.Log(err), k))) }

// grow returns the factor of the step after an acceptance with measure err, when the
// measure before was before.
func grow(err, before, k float64, rejected bool) float64 {
	return growBy(math.Exp(growLog(math.Log(err), math.Log(before), k)), rejected)
}

// The controller on logarithms of the measures, and the bounds of its factors.

func shrinkLog(err, k float64) float64 { return -err / k }

func growLog(err, before, k float64) float64 { return (gainP*before - gainI*err) / k }

func shrinkBy(err, f float64) float64 {
	if !(err > 1) {
		return minGrow
	}
	return max(minGrow, safety*f)
}

func growBy(f float64, rejected bool) float64 {
	limit := maxGrow
	if rejected {
		limit = 1
	}
	return min(limit, max(minGrow, safety*f))
}

// steer decides on the trial steps and writes the factors that give the next.
func (g *adaptiveGroup) steer() {
	n, d := g.rows, g.d
	logs, f := g.times[:n], g.factor[:n] // the times of the stages have served
	simd.Log(logs, g.measure[:n])
	for r, l := range logs {
		p := &g.points[r]
		p.accepted = g.measure[r] <= 1 && FirstNonFinite(g.x1[r*d:(r+1)*d]) < 0 && FirstNonFinite(g.last[r*d:(r+1)*d]) < 0
		if !p.accepted {
			f[r] = shrinkLog(l, g.order)
			continue
		}
		f[r] = growLog(l, p.before, g.order)
		p.before = max(l, logSmallErr)
	}
	simd.Exp(f, f)
	for r, v := range f {
		p := &g.points[r]
		if p.accepted {
			f[r] = growBy(v, p.rejected)
		} else {
			f[r] = shrinkBy(g.measure[r], v)
		}
		p.rejected = !p.accepted
	}
}

// rounding returns the length of a step from t that is too close to the rounding of t
// to have accurate stages.
func rounding(t, end float64) float64 { return 10 * math.Abs(math.Nextafter(t, end)-t) }

// firstSteps estimates the first step of each point from the slopes at the start and after
// a small Euler step (HNW II.4, "Starting step size").
func (g *adaptiveGroup) firstSteps(t, end float64) {
	span, d := math.Abs(end-t), g.d
	copy(g.x1, g.x) // of which scaled takes its tolerances
	dim := float64(d)
	for r := range g.rows {
		p := &g.points[r]
		x, slope := g.x[r*d:(r+1)*d], g.slope[r*d:(r+1)*d]
		d0, d1 := math.Sqrt(g.scaled(x, r)/dim), math.Sqrt(g.scaled(slope, r)/dim)
		h0 := 1e-6
		if d0 >= 1e-5 && d1 >= 1e-5 {
			h0 = 0.01 * d0 / d1
		}
		p.h, g.measure[r] = min(h0, span, g.opt.MaxStep), d1
		step := math.Copysign(p.h, end-t)
		g.times[r] = t + step
		for i, v := range x {
			g.y[r*d+i] = v + step*slope[i]
		}
	}
	g.evalEach(g.last, g.y)
	for r := range g.rows {
		p := &g.points[r]
		p.stats.Evals++
		h0, d1, e := p.h, g.measure[r], g.err[r*d:(r+1)*d]
		for i := range e {
			e[i] = (g.last[r*d+i] - g.slope[r*d+i]) / h0
		}
		d2 := math.Sqrt(g.scaled(e, r) / dim)
		if math.IsNaN(d2) || math.IsInf(d2, 0) {
			continue
		}
		h1 := max(1e-6, 1e-3*h0)
		if dm := max(d1, d2); dm > 1e-15 {
			h1 = math.Pow(0.01/dm, 1/g.order)
		}
		p.h = min(100*h0, h1, span)
	}
}
