package metric

import "math"

// relaxation chooses the exponent ω of over-relaxed scalings,
//
//	u ← u (u*/u)^ω,   v ← v (v*/v)^ω,
//
// u* and v* being Sinkhorn's (Thibault, Chizat, Dossal and Papadakis 2021, Algorithms 14,
// 143). Near the solution Sinkhorn's error falls by a factor η an iteration, and the best ω
// is 2/(1 + √(1-η)), for which it falls by ω - 1. η is measured while ω = 1, and corrected by
// Young's relation (ρ + ω - 1)² = ρω²η from the rate ρ of later iterations (Hageman and Young
// 1981, Applied Iterative Methods, ch. 9). Fixed points are those of ω = 1; what does not
// converge returns to ω = 1.
type relaxation struct {
	omega float64
	count int     // iterations of the window
	from  float64 // the error at its beginning
	rate  float64 // of the window before, with ω = 1
	least float64 // the least error seen
}

// relaxWindow is the number of iterations over which a rate is measured.
const relaxWindow = 20

func (r *relaxation) start() { *r = relaxation{omega: 1, least: math.Inf(1)} }

// next takes the error of an iteration.
func (r *relaxation) next(err float64) {
	if err > 10*r.least && r.omega > 1 {
		// Over-relaxed errors oscillate, but less than this.
		r.start()
	}
	r.least = min(r.least, err)
	if r.count == 0 {
		r.from = err
	}
	if r.count++; r.count <= relaxWindow {
		return
	}
	rate := math.Pow(err/r.from, 1./relaxWindow)
	r.count = 0
	switch w := r.omega - 1; {
	case w == 0:
		// The rate must have settled, which it does from below.
		if rate < 1 && 1-rate > 0.7*(1-r.rate) && r.rate > 0 {
			r.omega = best(rate)
		}
		r.rate = rate
	case rate >= 1:
		r.omega = 1 + w/2
	default:
		if eta := (rate + w) * (rate + w) / (rate * r.omega * r.omega); rate > w && eta < 1 {
			r.omega = max(r.omega, best(eta))
		}
	}
}

func best(eta float64) float64 { return 2 / (1 + math.Sqrt(1-eta)) }
