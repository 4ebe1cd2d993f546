package ode

import "math"

// Step size control of Adaptive.
const (
	safety  = 0.9
	minGrow = 0.2
	maxGrow = 10.0
	gainI   = 0.7
	gainP   = 0.4

	smallErr = 1e-4 // least measure that the controller remembers (dopri5.f)
)

// shrink returns the factor of the step after a rejection with error measure err, of
// order k in the step, or NaN.
func shrink(err, k float64) float64 {
	if !(err > 1) {
		return minGrow
	}
	return max(minGrow, safety*math.Pow(err, -1/k))
}

// grow returns the factor of the step after an acceptance with measure err, when the
// measure before was before.
func grow(err, before, k float64, rejected bool) float64 {
	limit := maxGrow
	if rejected {
		limit = 1
	}
	if err == 0 {
		return limit
	}
	return min(limit, max(minGrow, safety*math.Pow(err, -gainI/k)*math.Pow(before, gainP/k)))
}

// rounding returns the length of a step from t that is too close to the rounding of t
// to have accurate stages.
func rounding(t, end float64) float64 { return 10 * math.Abs(math.Nextafter(t, end)-t) }

// firstStep estimates a step from the slopes at the start and after a small Euler
// step (HNW II.4, "Starting step size").
func (r *adaptiveRow) firstStep(x []float64, t, end float64) float64 {
	span := math.Abs(end - t)
	k := r.w.k
	copy(r.x1, x) // of which scaled takes its tolerances
	d := float64(len(x))
	d0, d1 := math.Sqrt(r.scaled(x, x)/d), math.Sqrt(r.scaled(k[0], x)/d)
	h0 := 1e-6
	if d0 >= 1e-5 && d1 >= 1e-5 {
		h0 = 0.01 * d0 / d1
	}
	h0 = min(h0, span, r.opt.MaxStep)
	step := math.Copysign(h0, end-t)
	for i, v := range x {
		r.w.y[i] = v + step*k[0][i]
	}
	r.eval(k[1], r.w.y, t+step)
	for i, v := range k[0] {
		r.err[i] = (k[1][i] - v) / h0
	}
	d2 := math.Sqrt(r.scaled(r.err, x) / d)
	if math.IsNaN(d2) || math.IsInf(d2, 0) {
		return h0
	}
	h1 := max(1e-6, 1e-3*h0)
	if dm := max(d1, d2); dm > 1e-15 {
		h1 = math.Pow(0.01/dm, 1/r.order)
	}
	return min(100*h0, h1, span)
}
