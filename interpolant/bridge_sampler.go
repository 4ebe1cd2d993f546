package interpolant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// A BridgeSampler carries draws of one density to the other along an interpolant:
//
//  1. x at the end of time where the run begins, from Source or given,
//  2. to Grid[0], if that lies inside (0, 1): exactly, by a draw from Target, as
//     αx₀ + βx₁ + γz, or without one by the step x + h v + γz, h = Grid[0] or Grid[0] - 1,
//     which is x_t but for O(h²) and the spread of the other end about its mean given x. The
//     spread is O(h), little beside γ = √(t(1-t)), but not where γ is O(h) or less (bump,
//     sin2, sigmoid, none): without noise all samples of one starting point stay together,
//  3. over the grid by the solver,
//  4. if the grid stops inside, one denoising step to E[x₁ | x], or E[x₀ | x] backward.
//
// A rising grid runs forward, from ρ(0) to ρ(1), a falling one backward. Grids from 0 to 1
// suit models with finite fields at both ends, as the exact ones between densities are;
// others need ends such as 1e-4 and 1 - 1e-4 (Albergo et al. 2023, section 5), or an ε that
// vanishes there. A grid with an end of [0, 1] that the model's Span leaves out is an error.
// Sample i depends on Seed and i only: not on n, the number of workers,
// or the split into shards (ode.Settings.First).
type BridgeSampler struct {
	Model  Bridge
	Source density.Target // law of the starts; needed by Draw only
	// Target is the law of the other end, where the two are independently coupled: the pairs
	// of NewMixtureBridge and NewTargetBridge, not those of NewRowBridge or the mirror.
	Target density.Target
	Solver BridgeSolver
	Grid   []float64 // monotone times in [0, 1]
	Seed   uint64
}

// A BridgeSolver carries the points x in place over the sampler's grid.
type BridgeSolver func(ctx context.Context, s *BridgeSampler, x []float64, set *ode.Settings) (ode.Result, error)

// BridgeODE integrates the flow dx/dt = b with a fixed-step method.
func BridgeODE(m ode.Method) BridgeSolver {
	return func(ctx context.Context, s *BridgeSampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return ode.Solve(ctx, NewBridgeFlow(s.Model), x, s.Grid, m, set)
	}
}

// BridgeAdaptiveODE integrates the flow with error control, each point by itself.
func BridgeAdaptiveODE(a ode.Adaptive) BridgeSolver {
	return func(ctx context.Context, s *BridgeSampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return ode.SolveAdaptive(ctx, NewBridgeFlow(s.Model), x, s.Grid, a, set)
	}
}

// BridgeNoise integrates the stochastic equation with noise ε(t), forward or backward as
// the grid runs. On a Brownian tree, runs of one seed and different grids follow the same
// noise.
func BridgeNoise(m sde.Method, eps func(t float64) float64, tree bool) BridgeSolver {
	return func(ctx context.Context, s *BridgeSampler, x []float64, set *ode.Settings) (ode.Result, error) {
		var noise sde.NoiseSource = sde.Independent{Seed: s.Seed}
		if tree {
			noise = sde.Tree{Seed: s.Seed, T0: 0, T1: 1}
		}
		return sde.Solve(ctx, s.process(eps), x, s.Grid, m, noise, set)
	}
}

// BridgeAdaptiveNoise is BridgeNoise with error control, each point by itself, on a
// Brownian tree.
func BridgeAdaptiveNoise(a sde.Adaptive, eps func(t float64) float64) BridgeSolver {
	return func(ctx context.Context, s *BridgeSampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return sde.SolveAdaptive(ctx, s.process(eps), x, s.Grid, a, sde.Tree{Seed: s.Seed, T0: 0, T1: 1}, set)
	}
}

func (s *BridgeSampler) process(eps func(t float64) float64) *BridgeSDE {
	return &BridgeSDE{Model: s.Model, Eps: eps, Backward: s.backward()}
}

func (s *BridgeSampler) backward() bool { return s.Grid[len(s.Grid)-1] < s.Grid[0] }

// Draw returns n samples from starts drawn from Source. On an error the result tells how
// far the run came; the samples are then nil. It panics if there is no Source, or one of
// another dimension.
func (s *BridgeSampler) Draw(ctx context.Context, n int, set *ode.Settings) ([]float64, ode.Result, error) {
	x := make([]float64, n*s.Model.Dim())
	res, err := s.DrawTo(ctx, x, set)
	if err != nil {
		return nil, res, err
	}
	return x, res, nil
}

// DrawTo is Draw of as many samples as fill x, flat, which need not be zero. After an error
// x holds no meaningful values.
func (s *BridgeSampler) DrawTo(ctx context.Context, x []float64, set *ode.Settings) (ode.Result, error) {
	if set == nil {
		set = &ode.Settings{}
	}
	s.start(x, set.First, set.Workers)
	return s.run(ctx, x, set)
}

// Start returns the starts of Draw of the samples first, first+1, …
func (s *BridgeSampler) Start(n, first, workers int) []float64 {
	x := make([]float64, n*s.Model.Dim())
	s.start(x, first, workers)
	return x
}

func (s *BridgeSampler) start(x []float64, first, workers int) {
	d := s.Model.Dim()
	if s.Source == nil || s.Source.Dim() != d {
		panic("interpolant: Draw needs a source of the model's dimension")
	}
	eachRow(len(x)/d, &ode.Settings{First: first, Workers: workers}, func(src *stream.Source, i int, sample uint64) {
		s.Source.Rand(x[i*d:(i+1)*d], src.At(s.Seed, stream.Base, sample, 0))
	})
}

// DrawFrom is Draw from the given starts, flat, which are left as they are.
func (s *BridgeSampler) DrawFrom(ctx context.Context, x []float64, set *ode.Settings) ([]float64, ode.Result, error) {
	if set == nil {
		set = &ode.Settings{}
	}
	x = append([]float64(nil), x...)
	res, err := s.run(ctx, x, set)
	if err != nil {
		return nil, res, err
	}
	return x, res, nil
}

// eachRow calls f for each of n rows, with a source of the goroutine's own.
func eachRow(n int, set *ode.Settings, f func(src *stream.Source, i int, sample uint64)) {
	sources := make([]*stream.Source, par.Workers(set.Workers))
	_ = par.Rows(context.Background(), n, 1024, set.Workers, func(w, lo, hi int) error {
		if sources[w] == nil {
			sources[w] = stream.New()
		}
		for i := lo; i < hi; i++ {
			f(sources[w], i, uint64(set.First+i))
		}
		return nil
	})
}

// run carries x from the start to the end of the grid, in place.
func (s *BridgeSampler) run(ctx context.Context, x []float64, set *ode.Settings) (ode.Result, error) {
	if len(x)%s.Model.Dim() != 0 {
		panic("interpolant: length of x is not a multiple of the dimension")
	}
	if s.Target != nil && s.Target.Dim() != s.Model.Dim() {
		panic("interpolant: the target has not the model's dimension")
	}
	if err := ode.CheckGrid(s.Grid); err != nil {
		return ode.Result{}, err
	}
	first, last := s.Grid[0], s.Grid[len(s.Grid)-1]
	if min(first, last) < 0 || max(first, last) > 1 {
		return ode.Result{}, fmt.Errorf("interpolant: the time grid runs from %g to %g, outside [0, 1]", first, last)
	}
	if m, ok := s.Model.(interface{ Span() (t0, t1 float64) }); ok {
		if infinite(first, m.Span) || infinite(last, m.Span) {
			t0, t1 := m.Span()
			return ode.Result{}, fmt.Errorf("interpolant: the velocity is infinite at an end of the time grid, which runs from %g to %g; keep it within [%g, %g]", first, last, t0, t1)
		}
	}
	begin, n := time.Now(), len(x)/s.Model.Dim()
	extra := 0 // evaluations a point
	if h := first; s.backward() && first < 1 || !s.backward() && first > 0 {
		if s.backward() {
			h = first - 1
		}
		extra += s.leave(x, h, set)
	}
	res, err := s.Solver(ctx, s, x, set)
	if err == nil && (s.backward() && last > 0 || !s.backward() && last < 1) {
		err = s.arrive(ctx, x, set)
		extra++
	}
	res.Evals += int64(extra * n)
	res.MaxNFE += extra
	res.Wall = time.Since(begin)
	if err != nil {
		var stop *ode.Error
		if errors.As(err, &stop) {
			res.Status = stop.Status
		}
		return res, ode.WithModelError(err, s.Model)
	}
	return res, nil
}

// leave takes the step from the end of time to Grid[0] and returns the evaluations a point.
func (s *BridgeSampler) leave(x []float64, h float64, set *ode.Settings) int {
	d, t := s.Model.Dim(), s.Grid[0]
	c := s.Model.At(t)
	v, z := make([]float64, len(x)), make([]float64, len(x))
	eachRow(len(x)/d, set, func(src *stream.Source, i int, sample uint64) {
		src.Normals(z[i*d:(i+1)*d], s.Seed, stream.Base, sample, 1)
		if s.Target != nil {
			s.Target.Rand(v[i*d:(i+1)*d], src.At(s.Seed, stream.Base, sample, 2))
		}
	})
	if s.Target != nil {
		near, far := c.Alpha, c.Beta
		if s.backward() {
			near, far = far, near
		}
		for i := range x {
			x[i] = near*x[i] + far*v[i] + c.Gamma*z[i]
		}
		return 0
	}
	_ = groups(len(x)/d, d, set.Workers, func(lo, hi int) error {
		MeanVelocity(s.Model, v[lo*d:hi*d], x[lo*d:hi*d], t)
		return nil
	})
	for i := range x {
		x[i] += h*v[i] + c.Gamma*z[i]
	}
	return 1
}

// arrive denoises x at the end of the grid.
func (s *BridgeSampler) arrive(ctx context.Context, x []float64, set *ode.Settings) error {
	d, k := s.Model.Dim(), len(s.Grid)-1
	t := s.Grid[k]
	y := make([]float64, len(x))
	err := groups(len(x)/d, d, set.Workers, func(lo, hi int) error {
		part := y[lo*d : hi*d]
		if s.backward() {
			DenoiseStart(s.Model, part, x[lo*d:hi*d], t)
		} else {
			Denoise(s.Model, part, x[lo*d:hi*d], t)
		}
		if err := ctx.Err(); err != nil {
			return &ode.Error{Status: ode.Cancelled, Row: set.First + lo, Step: k, T: t, Err: err}
		}
		if i := ode.FirstNonFinite(part); i >= 0 {
			return &ode.Error{Status: ode.NonFinite, Row: set.First + lo + i/d, Step: k, T: t}
		}
		return nil
	})
	copy(x, y)
	return err
}

// groups runs f on groups of rows that stay in cache and leave a share to every worker.
func groups(n, d, workers int, f func(lo, hi int) error) error {
	w := par.Workers(workers)
	size := max(1, min(max(16, 8192/d), (n+w-1)/w))
	return par.Rows(context.Background(), n, size, workers, func(_, lo, hi int) error { return f(lo, hi) })
}
