package ode

import (
	"context"
	"math"
)

// DPMAdaptive is DPM-Solver with steps in λ chosen for each point by itself (Lu et al. 2022,
// arXiv 2206.00927, appendix C: DPM-Solver-12 and -23). DPM-Solver of the given order
// advances the point; that of one order less, which shares its evaluations, gives the
// error e of the step from x to x', which is accepted if
//
//	err = √(1/d Σ (e_i / max(ATol, RTol max(|x_i|, |x'_i|)))²) ≤ 1.
//
// The next step follows from err as in Adaptive, with k the order.
//
// The zero value is usable: zero fields stand for the defaults.
type DPMAdaptive struct {
	Order     int     // 2 or 3; 3 if zero
	RTol      float64 // relative tolerance, 0.05 if zero
	ATol      float64 // absolute tolerance, 0.0078 (two levels of 256 in [-1, 1]) if zero
	FirstStep float64 // in λ; 0.05 if zero
	MaxSteps  int     // accepted and rejected steps of a point, 100000 if zero
}

// farLambda is where the first step ends that starts without signal: σ/α = 1000.
var farLambda = -math.Log(1000)

// nearLambda is where the last step begins that ends without noise: σ/α = 1e-4.
var nearLambda = math.Log(1e4)

// SolveDPMAdaptive advances x, in place, over the grid. Every time of the grid ends a step.
// A step that starts without signal (α = 0) is a DDIM step up to σ/α = 1000, without control.
//
// It panics if f is not Semilinear, for another order, or for a negative field. Errors
// are an *Error with StepTooSmall, TooManySteps, Cancelled, or NonFinite if the start or its
// slope is not finite.
func SolveDPMAdaptive(ctx context.Context, f Semilinear, x, grid []float64, a DPMAdaptive, s *Settings) (Result, error) {
	a = a.withDefaults()
	res, err := MarchRows(ctx, x, f.Dim(), grid, func() RowSolver { return newDPMRow(f, a) }, s)
	return res, WithModelError(err, f)
}

func (a DPMAdaptive) withDefaults() DPMAdaptive {
	for _, v := range []float64{a.RTol, a.ATol, a.FirstStep, float64(a.MaxSteps)} {
		if !(v >= 0) {
			panic("ode: a field of DPMAdaptive is negative or not a number")
		}
	}
	a.Order = orInt(a.Order, 3)
	checkOrder("dpm-adaptive", a.Order, 2, 3)
	a.RTol, a.ATol = orFloat(a.RTol, 0.05), orFloat(a.ATol, 0.0078)
	a.FirstStep = orFloat(a.FirstStep, 0.05)
	a.MaxSteps = orInt(a.MaxSteps, 100000)
	return a
}

// A dpmRow solves one point after another.
type dpmRow struct {
	*expRK
	opt       DPMAdaptive
	high, low []float64
	fresh     bool // k[0] is the slope at the start of the step
	step      float64
	before    float64 // measure of the last accepted step
	stats     Stats
}

func newDPMRow(f Semilinear, a DPMAdaptive) *dpmRow {
	return &dpmRow{
		expRK: newDPM(f, 1, noiseForm, "dpm-adaptive", a.Order, 0, 0),
		opt:   a,
		high:  make([]float64, f.Dim()),
		low:   make([]float64, f.Dim()),
	}
}

// SolveRow implements RowSolver.
func (r *dpmRow) SolveRow(ctx context.Context, x []float64, row int, grid []float64, record func(int, []float64)) (Stats, error) {
	r.stats = Stats{Points: 1}
	r.nfe, r.step, r.before = 0, r.opt.FirstStep, smallErr
	for k := 1; k < len(grid); k++ {
		status, t, err := r.interval(ctx, x, levelAt(r.f, grid[k-1]), levelAt(r.f, grid[k]))
		if status != Done {
			return Stats{}, &Error{Status: status, Row: row, Step: int(r.stats.Accepted), T: t, Err: err}
		}
		if record != nil {
			record(k, x)
		}
	}
	r.stats.Evals, r.stats.MaxNFE = int64(r.nfe), r.nfe
	return r.stats, nil
}

// interval advances x from one level to another and returns how it ended, the time
// reached, and the error of the context.
func (r *dpmRow) interval(ctx context.Context, x []float64, at, end level) (Status, float64, error) {
	if end.sigma == 0 {
		if near := levelAt(r.f, r.f.Time(nearLambda)); at.lambda < near.lambda {
			if status, t, err := r.interval(ctx, x, at, near); status != Done {
				return status, t, err
			}
			at = near
		}
		r.denoise(r.k[0], x, at)
		ddim(x, r.k[0], at, end)
		r.stats.Accepted++
		if FirstNonFinite(x) >= 0 {
			return NonFinite, end.t, nil
		}
		return Done, end.t, nil
	}
	if singular(at, end) {
		to := end
		if end.lambda > farLambda {
			to = levelAt(r.f, r.f.Time(farLambda))
		}
		r.denoise(r.k[0], x, at)
		ddim(x, r.k[0], at, to)
		r.stats.Accepted++
		at = to
	}
	if FirstNonFinite(x) >= 0 {
		return NonFinite, at.t, nil
	}
	dir := math.Copysign(1, end.lambda-at.lambda)
	r.fresh = false
	rejected := false
	for at.t != end.t {
		left := math.Abs(end.lambda - at.lambda)
		if err := ctx.Err(); err != nil {
			return Cancelled, at.t, err
		}
		if r.step < rounding(at.lambda, end.lambda) && r.step < left {
			return StepTooSmall, at.t, nil
		}
		if r.stats.Accepted+r.stats.Rejected >= int64(r.opt.MaxSteps) {
			return TooManySteps, at.t, nil
		}
		to, h := end, left
		if 1.01*r.step < left { // or else a last step of rounding size could remain
			h = r.step
			to = levelAt(r.f, r.f.Time(at.lambda+dir*h))
			if to.t == at.t {
				return StepTooSmall, at.t, nil
			}
		}
		if !r.fresh {
			r.denoise(r.k[0], x, at)
			r.form.slope(r.k[0], x, at)
			if FirstNonFinite(r.k[0]) >= 0 {
				return NonFinite, at.t, nil
			}
			r.fresh = true
		}
		err, order := r.trial(x, at, to), float64(r.opt.Order)
		if !(err <= 1) || FirstNonFinite(r.high) >= 0 {
			r.step = h * shrink(err, order)
			rejected = true
			r.stats.Rejected++
			continue
		}
		copy(x, r.high)
		at, r.fresh = to, false
		r.stats.Accepted++
		next := h * grow(err, r.before, order, rejected)
		if h < r.step { // cut short by the grid, which says nothing against the plan
			next = max(next, r.step)
		} else {
			r.before = max(err, smallErr)
		}
		r.step, rejected = next, false
	}
	return Done, at.t, nil
}

// trial computes the ends of both orders and returns the error measure.
func (r *dpmRow) trial(x []float64, from, to level) float64 {
	r.stages(x, from, to)
	n := len(r.nodes)
	r.advance(r.high, x, from, to, r.w.b[:n], r.k[:n])
	first := one(r.form.step(to.lambda - from.lambda))
	low := [2]float64{first, 0}
	if r.opt.Order == 3 { // dpm2Rule with the stage that is there
		low[1] = first / (2 * r.c[1])
		low[0] -= low[1]
	}
	r.advance(r.low, x, from, to, low[:], r.k[:2])
	sum := 0.0
	for i, v := range r.high {
		e := (v - r.low[i]) / max(r.opt.ATol, r.opt.RTol*max(math.Abs(x[i]), math.Abs(v)))
		sum += e * e
	}
	return math.Sqrt(sum / float64(len(x)))
}
