package ode

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Adaptive solves with steps chosen for each point by itself from an embedded error
// estimate. A step from x to x' with estimate e is accepted if
//
//	err = √(1/d Σ (e_i / (ATol + RTol max(|x_i|, |x'_i|)))²) ≤ 1
//
// and for Dormand and Prince's 8(5,3) method, with estimates e₅ and e₃ so scaled,
// if err = ‖e₅‖² / √(d (‖e₅‖² + 0.01 ‖e₃‖²)) ≤ 1 (HNW (4.11) and (10.17)). The next
// step is 0.9 err_n^(-0.7/k) err_{n-1}^(0.4/k) times the last, k the order of err in
// the step: the PI controller of Gustafsson (1991; HNW II, IV.2). The factor is kept
// within 0.2 and 10 and does not exceed 1 after a rejection. A trial step that meets
// a value that is not finite is repeated with a fifth of its length.
//
// The zero value is usable: zero fields stand for the defaults.
type Adaptive struct {
	Tableau *Tableau // must have error weights; DormandPrince54 if nil

	RTol float64 // relative tolerance, 1e-6 if zero
	ATol float64 // absolute tolerance, RTol/1000 if zero

	MinStep   float64 // a shorter step is an error; rounding of the time alone if zero
	MaxStep   float64 // no bound if zero
	FirstStep float64 // estimated with one more evaluation if zero (HNW II.4)
	MaxSteps  int     // accepted and rejected steps of a point, 100000 if zero
}

// SolveAdaptive advances x, in place, from grid[0] to the last time of the grid,
// which the last step meets exactly. The steps do not depend on the times between:
// at these Settings.Trace receives dense output.
//
// It panics if a has a negative field or a tableau without error weights. Errors are
// an *Error with StepTooSmall, TooManySteps, Cancelled, or NonFinite if the start,
// its slope or dense output is not finite.
func SolveAdaptive(ctx context.Context, f Field, x, grid []float64, a Adaptive, s *Settings) (Result, error) {
	a = a.withDefaults()
	res, err := MarchRows(ctx, x, f.Dim(), grid, func() RowSolver { return newAdaptiveRow(f, a) }, s)
	return res, WithModelError(err, f)
}

func (a Adaptive) withDefaults() Adaptive {
	for _, v := range []float64{a.RTol, a.ATol, a.MinStep, a.MaxStep, a.FirstStep, float64(a.MaxSteps)} {
		if !(v >= 0) {
			panic("ode: a field of Adaptive is negative or not a number")
		}
	}
	if a.Tableau == nil {
		a.Tableau = DormandPrince54
	}
	if a.Tableau.E == nil {
		panic("ode: the tableau " + a.Tableau.Label + " has no error estimate")
	}
	if a.RTol == 0 {
		a.RTol = 1e-6
	}
	if a.ATol == 0 {
		a.ATol = a.RTol / 1000
	}
	if a.MaxStep == 0 {
		a.MaxStep = math.Inf(1)
	}
	if a.MaxSteps == 0 {
		a.MaxSteps = 100000
	}
	return a
}

// withEndSlope returns the tableau itself if its last stage is the slope at the end
// of the step, or else the tableau with such a stage of weight zero.
func (t *Tableau) withEndSlope() *Tableau {
	if t.FSAL() {
		return t
	}
	if len(t.A) > len(t.B) {
		panic("ode: the tableau " + t.Label + " has stages for dense output but is not first same as last")
	}
	u := *t
	u.A = append(t.A[:len(t.A):len(t.A)], t.B)
	u.C = append(t.C[:len(t.C):len(t.C)], 1)
	u.B = append(t.B[:len(t.B):len(t.B)], 0)
	u.E = append(t.E[:len(t.E):len(t.E)], 0)
	if t.E2 != nil {
		u.E2 = append(t.E2[:len(t.E2):len(t.E2)], 0)
	}
	if t.P != nil {
		u.P = append(t.P[:len(t.P):len(t.P)], make([]float64, len(t.P[0])))
	}
	return &u
}

// An adaptiveRow solves one point after another.
type adaptiveRow struct {
	f     Field
	opt   Adaptive
	tab   *Tableau
	a     []sparse
	e, e2 sparse
	order float64 // k: the error measure is O(h^k)
	stats Stats

	w             stages
	x1, err, err2 []float64 // end of the trial step, its error estimates
	out, zero     []float64
	dense         bool // the stages of dense output are ready for this step
}

func newAdaptiveRow(f Field, opt Adaptive) *adaptiveRow {
	t, d := opt.Tableau.withEndSlope(), f.Dim()
	r := &adaptiveRow{f: f, opt: opt, tab: t, e: newSparse(t.E), e2: newSparse(t.E2)}
	// HNW (10.17) divides e₅² by e₃: the orders in h are those of the local errors.
	r.order = float64(t.OrderE + 1)
	if t.E2 != nil {
		r.order = float64(2*(t.OrderE+1) - (t.OrderE2 + 1))
	}
	for _, row := range t.A {
		r.a = append(r.a, newSparse(row))
	}
	r.w = newStages(len(t.A), d)
	buf := make([]float64, 5*d)
	for i, p := range []*[]float64{&r.x1, &r.err, &r.err2, &r.out, &r.zero} {
		*p = buf[i*d : (i+1)*d]
	}
	return r
}

func (r *adaptiveRow) eval(dst, x []float64, t float64) {
	r.f.Eval(dst, x, t)
	r.stats.Evals++
}

// SolveRow implements RowSolver.
func (r *adaptiveRow) SolveRow(ctx context.Context, x []float64, row int, grid []float64, record func(int, []float64)) (Stats, error) {
	r.stats = Stats{Points: 1}
	t, end, last := grid[0], grid[len(grid)-1], len(grid)-1
	fail := func(s Status, err error) (Stats, error) {
		return Stats{}, &Error{Status: s, Row: row, Step: int(r.stats.Accepted), T: t, Err: err}
	}
	if last == 0 {
		return r.stats, nil
	}
	dir := math.Copysign(1, end-t)
	s := len(r.tab.B)
	r.eval(r.w.k[0], x, t)
	if FirstNonFinite(x) >= 0 || FirstNonFinite(r.w.k[0]) >= 0 {
		return fail(NonFinite, nil)
	}
	h := r.opt.FirstStep // steps are lengths, dir gives their sign
	if h == 0 {
		h = max(r.firstStep(x, t, end), r.opt.MinStep, rounding(t, end))
	}
	before, next, rejected := smallErr, 1, false
	for n := 0; ; n++ {
		h = min(h, r.opt.MaxStep)
		if err := ctx.Err(); err != nil {
			return fail(Cancelled, err)
		}
		if h < max(r.opt.MinStep, rounding(t, end)) && h < math.Abs(end-t) {
			return fail(StepTooSmall, nil)
		}
		if n == r.opt.MaxSteps {
			return fail(TooManySteps, nil)
		}
		t1 := t + dir*h
		if 1.01*h >= math.Abs(end-t) { // spares a last step of rounding size
			t1 = end
		}
		err := r.trial(x, t, t1)
		h = math.Abs(t1 - t)
		if !(err <= 1) || FirstNonFinite(r.x1) >= 0 || FirstNonFinite(r.w.k[s-1]) >= 0 {
			h *= shrink(err, r.order)
			rejected = true
			r.stats.Rejected++
			continue
		}
		if record != nil {
			r.dense = false
			for ; next < last && (grid[next]-t1)*dir <= 0; next++ {
				r.interpolate(x, t, t1, grid[next])
				if FirstNonFinite(r.out) >= 0 {
					return fail(NonFinite, nil)
				}
				record(next, r.out)
			}
		}
		copy(x, r.x1)
		r.w.k[0], r.w.k[s-1] = r.w.k[s-1], r.w.k[0]
		t = t1
		r.stats.Accepted++
		if t == end {
			if record != nil {
				record(last, x)
			}
			r.stats.MaxNFE = int(r.stats.Evals)
			return r.stats, nil
		}
		h *= grow(err, before, r.order, rejected)
		before, rejected = max(err, smallErr), false
	}
}

// trial computes the stages and the end x1 of the step and returns its error measure.
func (r *adaptiveRow) trial(x []float64, t0, t1 float64) float64 {
	h := t1 - t0
	s := len(r.tab.B)
	for i := 1; i < s; i++ {
		y := r.w.y
		if i == s-1 {
			y = r.x1
		}
		r.w.sum(y, x, h, r.a[i])
		r.eval(r.w.k[i], y, node(t0, t1, r.tab.C[i]))
	}
	r.w.sum(r.err, r.zero, h, r.e)
	if r.tab.E2 == nil {
		return math.Sqrt(r.scaled(r.err, x) / float64(len(x)))
	}
	r.w.sum(r.err2, r.zero, h, r.e2)
	s5, s3 := r.scaled(r.err, x), r.scaled(r.err2, x)
	if s5 == 0 {
		return 0
	}
	return s5 / math.Sqrt(float64(len(x))*(s5+0.01*s3))
}

// scaled returns the sum of squares of e in units of the tolerances.
func (r *adaptiveRow) scaled(e, x []float64) float64 {
	sum := 0.0
	for i, v := range e {
		v /= r.opt.ATol + r.opt.RTol*max(math.Abs(x[i]), math.Abs(r.x1[i]))
		sum += v * v
	}
	return sum
}

// interpolate writes the state at time t of the step just accepted to out.
func (r *adaptiveRow) interpolate(x []float64, t0, t1, t float64) {
	h, θ := t1-t0, (t-t0)/(t1-t0)
	s, k := len(r.tab.B), r.w.k
	if t == t1 {
		copy(r.out, r.x1)
		return
	}
	if r.tab.P == nil { // HNW (6.7)
		for i, a := range x {
			b := r.x1[i]
			r.out[i] = (1-θ)*a + θ*b + θ*(θ-1)*((1-2*θ)*(b-a)+(θ-1)*h*k[0][i]+θ*h*k[s-1][i])
		}
		return
	}
	for i := s; i < len(r.a) && !r.dense; i++ {
		r.w.sum(r.w.y, x, h, r.a[i])
		r.eval(k[i], r.w.y, node(t0, t1, r.tab.C[i]))
	}
	r.dense = true
	for i, p := range r.tab.P {
		b := 0.0
		for j := len(p) - 1; j >= 0; j-- {
			b = θ * (b + p[j])
		}
		r.w.coef[i], r.w.arg[i] = h*b, k[i]
	}
	simd.Combine(r.out, 1, x, r.w.coef, r.w.arg)
}
