package sde

import (
	"context"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// Adaptive solves with steps chosen for each point by itself, after Jolicoeur-Martineau
// et al. 2021 ("Gotta go fast", arXiv:2105.14080, algorithm 1): the Euler-Maruyama step x̂
// and the stochastic Heun step x' on the same Brownian path estimate the error,
//
//	e = √(1/d Σ ((x̂_i - x'_i) / max(ATol, RTol max(|x̂_i|, |x_i|)))²)
//
// where x is the point before the step. A step with e ≤ 1 is accepted and goes on from x';
// the next is min(0.9 e^{-0.9}, 10) times as long, and at least a fifth. A step that meets
// a value that is not finite is repeated with a fifth of its length.
//
// The paper draws new noise with each trial; here a rejected step and its repetition see
// the same path of a Brownian tree, so that the error control does not select among
// paths.
//
// The zero value is usable: zero fields stand for the defaults.
type Adaptive struct {
	RTol      float64 // 0.01 if zero, the paper's
	ATol      float64 // 0.0078 if zero, the paper's 2/256
	FirstStep float64 // a hundredth of the grid if zero
	MaxSteps  int     // accepted and rejected steps of a point, 100000 if zero
}

// SolveAdaptive advances x, in place, along the process over the grid, each of whose
// times ends a step. The tree must cover the grid; its zero value covers [0, 1], with seed
// 0. Two evaluations a step, rejected steps included.
//
// It panics if a has a negative field. Errors are an *ode.Error with StepTooSmall,
// TooManySteps or Cancelled.
func SolveAdaptive(ctx context.Context, p Process, x, grid []float64, a Adaptive, tree Tree, s *ode.Settings) (ode.Result, error) {
	for _, v := range []float64{a.RTol, a.ATol, a.FirstStep, float64(a.MaxSteps)} {
		if !(v >= 0) {
			panic("sde: a field of Adaptive is negative or not a number")
		}
	}
	if a.RTol == 0 {
		a.RTol = 0.01
	}
	if a.ATol == 0 {
		a.ATol = 2. / 256
	}
	if a.MaxSteps == 0 {
		a.MaxSteps = 100000
	}
	res, err := ode.MarchRows(ctx, x, p.Dim(), grid, func() ode.RowSolver {
		b := carve(5, p.Dim())
		return &adaptiveRow{p: p, opt: a, noise: tree.NewNoise(p.Dim(), 1), f0: b[0], f1: b[1], y: b[2], z: b[3], dw: b[4]}
	}, s)
	return res, ode.WithModelError(err, p)
}

type adaptiveRow struct {
	p      Process
	opt    Adaptive
	noise  Noise
	f0, f1 []float64
	y, z   []float64 // the Euler-Maruyama and the Heun step
	dw     []float64
}

// SolveRow implements ode.RowSolver.
func (r *adaptiveRow) SolveRow(ctx context.Context, x []float64, row int, grid []float64, record func(int, []float64)) (ode.Stats, error) {
	st := ode.Stats{Points: 1}
	t := grid[0]
	fail := func(s ode.Status, err error) (ode.Stats, error) {
		return ode.Stats{}, &ode.Error{Status: s, Row: row, Step: int(st.Accepted), T: t, Err: err}
	}
	r.noise.Begin(row, 1)
	h := r.opt.FirstStep
	if h == 0 {
		h = math.Abs(grid[len(grid)-1]-t) / 100
	}
	for k := 1; k < len(grid); k++ {
		for end := grid[k]; t != end; {
			if err := ctx.Err(); err != nil {
				return fail(ode.Cancelled, err)
			}
			if int(st.Accepted+st.Rejected) == r.opt.MaxSteps {
				return fail(ode.TooManySteps, nil)
			}
			left := math.Abs(end - t)
			t1, step := end, left
			if h < left/1.01 { // spares a last step of rounding size
				t1, step = t+math.Copysign(h, end-t), h
			}
			if t1 == t {
				return fail(ode.StepTooSmall, nil)
			}
			e := r.trial(x, t, t1)
			st.Evals += 2
			if !(e <= 1) { // NaN too
				st.Rejected++
				h = step / 5
				if e > 1 {
					h = step * max(0.2, 0.9*math.Pow(e, -0.9))
				}
				continue
			}
			st.Accepted++
			copy(x, r.z)
			t = t1
			next := step * min(10, max(0.2, 0.9*math.Pow(e, -0.9)))
			if step < h { // cut by the grid, which is no reason for a short step
				next = max(next, h)
			}
			h = next
		}
		if record != nil {
			record(k, x)
		}
	}
	st.MaxNFE = int(st.Evals)
	return st, nil
}

// trial computes both steps and returns the error measure, NaN if one is not finite.
func (r *adaptiveRow) trial(x []float64, t0, t1 float64) float64 {
	h := t1 - t0
	g0, g1 := r.p.Diffusion(t0), r.p.Diffusion(t1)
	r.noise.Increment(r.dw, t0, t1)
	r.p.Drift(r.f0, x, t0)
	for i, v := range x {
		r.y[i] = v + h*r.f0[i] + g0*r.dw[i]
	}
	r.p.Drift(r.f1, r.y, t1)
	sum := 0.0
	for i, v := range x {
		r.z[i] = v + h/2*(r.f0[i]+r.f1[i]) + (g0+g1)/2*r.dw[i]
		e := (r.y[i] - r.z[i]) / max(r.opt.ATol, r.opt.RTol*max(math.Abs(r.y[i]), math.Abs(v)))
		sum += e*e + r.z[i]*0
	}
	return math.Sqrt(sum / float64(len(x)))
}
