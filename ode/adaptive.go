package ode

import (
	"context"
	"math"
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
	res, err := run(ctx, x, f.Dim(), grid, s, func(rows int) groupRunner {
		g := newAdaptiveGroup(f, a, rows)
		return func(ctx context.Context, x []float64, first, row int, tick func(int), tr *Trace) (Stats, error) {
			return g.solve(ctx, x, first, row, grid, tick, tr)
		}
	})
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
