package ode

import (
	"context"
	"math"
)

// A Solver is what LogDensity integrates with: an Adaptive, or a fixed-step method
// wrapped by Fixed.
type Solver interface {
	solveFlow(ctx context.Context, x []float64, dim int, grid []float64, newFlow func(rows int) *flow, s *Settings) (Result, error)
}

// Fixed makes a Solver of a method that takes one step for each interval of the grid.
func Fixed(m Method) Solver { return fixed{m} }

type fixed struct{ Method }

// LogDensity carries points along a flow and returns their log-density at the start
// of the grid. With p_t the density of the points that follow dx/dt = f(t, x),
//
//	d/dt log p_t(x_t) = -div f(t, x_t),   hence
//	log p_a(x_a) = log p_b(x_b) + ∫ div f(t, x_t) dt over t from a to b
//
// (the instantaneous change of variables; Chen et al. 2018, arXiv 1806.07366, theorem
// 1), for a = grid[0] and b the last time, in either order. The sign is that of dt: a
// grid from data to noise and one from noise to data both ask for the density at
// grid[0] given that at the end.
//
// x holds points at grid[0] and receives those at the end. base writes the known
// log-density at the end of the grid, one value a point, in nats. The divergence is
// integrated beside the state by the solver, m estimates of it side by side: logp uses
// their mean and stderr is its standard error, 0 for Exact and NaN for one estimate. An
// Adaptive controls the error of the integrals too. NFE counts evaluations of f, not
// those of its derivatives. Trace receives the points.
//
// It panics if the field offers neither derivative that div needs. On an error logp
// and stderr are nil and x is as it was.
func LogDensity(ctx context.Context, f Field, x []float64, base func(dst, x []float64), grid []float64, solver Solver, div Divergence, s *Settings) (logp, stderr []float64, res Result, err error) {
	d, m := f.Dim(), div.estimates()
	if len(x)%d != 0 {
		panic("ode: length of x is not a multiple of the dimension")
	}
	div.newTrace(f, 1) // panics here rather than on another goroutine
	n := len(x) / d
	y := make([]float64, n*(d+m))
	for i := range n {
		copy(y[i*(d+m):], x[i*d:(i+1)*d])
	}
	var inner Settings
	if s != nil {
		inner = *s
	}
	if inner.Trace != nil {
		inner.Trace = &Trace{Rows: inner.Trace.Rows}
	}
	res, err = solver.solveFlow(ctx, y, d+m, grid, func(rows int) *flow {
		return &flow{
			f: f, d: d, m: m, trace: div.newTrace(f, rows),
			x: make([]float64, rows*d), u: make([]float64, rows*d), div: make([]float64, rows),
		}
	}, &inner)
	if err != nil {
		return nil, nil, res, WithModelError(err, f)
	}
	if tr := inner.Trace; tr != nil {
		s.Trace.Rows, s.Trace.X = tr.Rows, make([]float64, 0, len(tr.X)/(d+m)*d)
		for i := 0; i < len(tr.X); i += d + m {
			s.Trace.X = append(s.Trace.X, tr.X[i:i+d]...)
		}
	}
	for i := range n {
		copy(x[i*d:(i+1)*d], y[i*(d+m):])
	}
	logp, stderr = make([]float64, n), make([]float64, n)
	base(logp, x)
	for i := range n {
		est := y[i*(d+m)+d : (i+1)*(d+m)]
		mean, spread := 0.0, 0.0
		for _, v := range est {
			mean += v / float64(m)
		}
		for _, v := range est {
			spread += (v - mean) * (v - mean)
		}
		logp[i] += mean
		if _, exact := div.(Exact); !exact {
			stderr[i] = math.Sqrt(spread / (float64(m) * float64(m-1))) // NaN for m = 1
		}
	}
	return logp, stderr, res, nil
}

// A flow is the field of dimension d+m whose points are a point of f followed by m
// integrals of its divergence. It belongs to one goroutine, since begin tells it
// which points of the batch it will see, and so which probes are theirs.
type flow struct {
	f         Field
	d, m      int
	trace     traceEstimator
	x, u, div []float64
}

func (g *flow) Dim() int { return g.d + g.m }

func (g *flow) Eval(dst, y []float64, t float64) {
	d, w := g.d, g.d+g.m
	rows := len(y) / w
	x, u, div := g.x[:rows*d], g.u[:rows*d], g.div[:rows]
	for r := range rows {
		copy(x[r*d:(r+1)*d], y[r*w:])
	}
	g.f.Eval(u, x, t)
	for r := range rows {
		copy(dst[r*w:], u[r*d:(r+1)*d])
	}
	for j := range g.m {
		g.trace.estimate(div, j, x, t)
		for r, v := range div {
			dst[r*w+d+j] = v
		}
	}
}

func (m fixed) solveFlow(ctx context.Context, x []float64, dim int, grid []float64, newFlow func(rows int) *flow, s *Settings) (Result, error) {
	return March(ctx, x, dim, grid, func(rows int) Stepper {
		g := newFlow(rows)
		return flowStepper{m.NewStepper(g, rows), g}
	}, s)
}

type flowStepper struct {
	Stepper
	flow *flow
}

func (s flowStepper) Begin(first, rows int) {
	s.flow.trace.begin(first, rows)
	s.Stepper.Begin(first, rows)
}

func (a Adaptive) solveFlow(ctx context.Context, x []float64, dim int, grid []float64, newFlow func(rows int) *flow, s *Settings) (Result, error) {
	a = a.withDefaults()
	return run(ctx, x, dim, grid, s, func(int) groupRunner {
		f := newFlow(1) // whose probes are those of one point
		g := newAdaptiveGroup(f, a, 1)
		return func(ctx context.Context, x []float64, first, row int, tick func(int), tr *Trace) (Stats, error) {
			var sum Stats
			for i := range len(x) / dim {
				f.trace.begin(first+row+i, 1)
				st, err := g.solve(ctx, x[i*dim:(i+1)*dim], first, row+i, grid, tick, tr)
				if err != nil {
					return sum, err
				}
				sum.add(st)
			}
			return sum, nil
		}
	})
}
