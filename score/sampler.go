package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// A Sampler draws samples of a model along a path:
//
//  1. x at t = Grid[0] from the base distribution,
//  2. from Grid[0] to the end of the grid by the solver,
//  3. one denoising step x₁ = D(x; α, σ) from the end of the grid, where σ is small.
//
// A grid of K times thus makes K steps. Sample i depends on Seed and i only: not on n,
// the number of workers, or the split into shards (ode.Settings.First).
type Sampler struct {
	Path   interpolant.Path
	Model  Denoiser
	Solver Solver
	Grid   []float64 // ascending times in [0, 1], σ > 0 at the last
	Seed   uint64
	Base   Base // nil means BaseOf(Path, Grid[0])
}

// A Solver carries the points x in place from the start to the end of the sampler's
// grid.
type Solver func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error)

// ODE integrates the probability flow with a fixed-step method.
func ODE(m ode.Method) Solver {
	return func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return ode.Solve(ctx, &Flow{Path: s.Path, Model: s.Model}, x, s.Grid, m, set)
	}
}

// AdaptiveODE integrates the probability flow with error control, each point by itself;
// the grid inside is only for trajectories.
func AdaptiveODE(a ode.Adaptive) Solver {
	return func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return ode.SolveAdaptive(ctx, &Flow{Path: s.Path, Model: s.Model}, x, s.Grid, a, set)
	}
}

// DPMAdaptive integrates the probability flow by adaptive DPM-Solver, each point by itself.
func DPMAdaptive(a ode.DPMAdaptive) Solver {
	return func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		return ode.SolveDPMAdaptive(ctx, &Flow{Path: s.Path, Model: s.Model}, x, s.Grid, a, set)
	}
}

// AdaptiveSDE integrates the reverse process with eta times the natural diffusion and error
// control, each point by itself, on a Brownian tree.
func AdaptiveSDE(a sde.Adaptive, eta float64) Solver {
	return func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		if err := s.checkNoise(eta); err != nil {
			return ode.Result{}, err
		}
		tree := sde.Tree{Seed: s.Seed, T0: 0, T1: 1}
		return sde.SolveAdaptive(ctx, &Reverse{Path: s.Path, Model: s.Model, Eta: eta}, x, s.Grid, a, tree, set)
	}
}

// SDE integrates the reverse process with eta times the natural diffusion. On a
// Brownian tree, runs of one seed and different grids follow the same noise.
func SDE(m sde.Method, eta float64, tree bool) Solver {
	return func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		if err := s.checkNoise(eta); err != nil {
			return ode.Result{}, err
		}
		var noise sde.NoiseSource = sde.Independent{Seed: s.Seed}
		if tree {
			noise = sde.Tree{Seed: s.Seed, T0: 0, T1: 1}
		}
		return sde.Solve(ctx, &Reverse{Path: s.Path, Model: s.Model, Eta: eta}, x, s.Grid, m, noise, set)
	}
}

// OnLogSNR runs a solver on the clock of the log-SNR in place of t: the same grid, but
// derivatives, noise and adaptive steps in λ. Generic methods gain where the path's
// coefficients change faster in t than in λ. The grid must start where λ is finite.
func OnLogSNR(inner Solver) Solver {
	return func(ctx context.Context, s *Sampler, x []float64, set *ode.Settings) (ode.Result, error) {
		c := interpolant.LogSNRClock{Path: s.Path, From: s.Path.At(s.Grid[0]).LogSNR(), To: s.Path.At(s.Grid[len(s.Grid)-1]).LogSNR()}
		if math.IsInf(c.From, 0) {
			return ode.Result{}, fmt.Errorf("score: the log-SNR is infinite at t = %g; start the grid later, as interpolant.LogSNRGrid does", s.Grid[0])
		}
		if len(s.Grid) < 2 {
			return inner(ctx, s, x, set)
		}
		run := *s
		run.Path, run.Grid = c, make([]float64, len(s.Grid))
		for i, t := range s.Grid {
			run.Grid[i] = c.Time(s.Path.At(t).LogSNR())
		}
		run.Grid[len(run.Grid)-1] = 1
		return inner(ctx, &run, x, set)
	}
}

// Draw returns n samples. On an error the result tells how far the run came; the
// samples are then nil.
func (s *Sampler) Draw(ctx context.Context, n int, set *ode.Settings) ([]float64, ode.Result, error) {
	x := make([]float64, n*s.Model.Dim())
	res, err := s.DrawTo(ctx, x, set)
	if err != nil {
		return nil, res, err
	}
	return x, res, nil
}

// DrawTo is Draw of as many samples as fill x, flat, which need not be zero. After an error
// x holds no meaningful values. It panics unless len(x) is a multiple of the dimension.
func (s *Sampler) DrawTo(ctx context.Context, x []float64, set *ode.Settings) (ode.Result, error) {
	d := s.Model.Dim()
	if len(x)%d != 0 {
		panic("score: length of x is not a multiple of the dimension")
	}
	if err := s.check(); err != nil {
		return ode.Result{}, err
	}
	if set == nil {
		set = &ode.Settings{}
	}
	begin, n := time.Now(), len(x)/d
	s.start(x, set.First, set.Workers)
	res, err := s.Solver(ctx, s, x, set)
	if err != nil {
		return res, err
	}
	c := s.Path.At(s.Grid[len(s.Grid)-1])
	size := max(1, min(n, max(16, 8192/d)))
	work := make([][]float64, par.Workers(set.Workers))
	err = par.Rows(ctx, n, size, set.Workers, func(w, lo, hi int) error {
		if work[w] == nil {
			work[w] = make([]float64, size*d)
		}
		part, x1 := x[lo*d:hi*d], work[w][:(hi-lo)*d]
		s.Model.Denoise(x1, part, c.Alpha, c.Sigma)
		if i := ode.FirstNonFinite(x1); i >= 0 {
			return &ode.Error{Status: ode.NonFinite, Row: set.First + lo + i/d, Step: len(s.Grid) - 1, T: s.Grid[len(s.Grid)-1]}
		}
		copy(part, x1)
		return nil
	})
	res.Evals += int64(n)
	res.MaxNFE++
	res.Wall = time.Since(begin)
	var bad *ode.Error
	switch {
	case errors.As(err, &bad):
		res.Status = bad.Status
		err = ode.WithModelError(err, s.Model)
	case err != nil:
		res.Status = ode.Cancelled
		err = &ode.Error{Status: ode.Cancelled, Row: set.First, Step: len(s.Grid) - 1, T: s.Grid[len(s.Grid)-1], Err: err}
	}
	return res, err
}

// DrawDense is Draw with the samples as the rows of a matrix.
func (s *Sampler) DrawDense(ctx context.Context, n int, set *ode.Settings) (*mat.Dense, ode.Result, error) {
	x, res, err := s.Draw(ctx, n, set)
	if err != nil || n == 0 {
		return nil, res, err
	}
	return mat.NewDense(n, s.Model.Dim(), x), res, nil
}

// Start returns the n starting points x at t = Grid[0] of the samples first, first+1, …
func (s *Sampler) Start(n, first, workers int) []float64 {
	x := make([]float64, n*s.Model.Dim())
	s.start(x, first, workers)
	return x
}

func (s *Sampler) start(x []float64, first, workers int) {
	base := s.Base
	if base == nil {
		base = BaseOf(s.Path, s.Grid[0])
	}
	d := s.Model.Dim()
	sources := make([]*stream.Source, par.Workers(workers))
	_ = par.Rows(context.Background(), len(x)/d, 1024, workers, func(w, lo, hi int) error {
		if sources[w] == nil {
			sources[w] = stream.New()
		}
		if normal, ok := base.(Normal); ok {
			part := x[lo*d : hi*d]
			sources[w].Rows(part, s.Seed, stream.Base, uint64(first+lo), 0, d)
			floats.Scale(normal.Std, part)
			return nil
		}
		for i := lo; i < hi; i++ {
			base.Rand(x[i*d:(i+1)*d], sources[w].At(s.Seed, stream.Base, uint64(first+i), 0))
		}
		return nil
	})
}

// checkNoise refuses noise to models of another noise than Gaussian, and where the
// reverse process has none that is finite.
func (s *Sampler) checkNoise(eta float64) error {
	if m, ok := s.Model.(Deterministic); ok && eta != 0 {
		return fmt.Errorf("score: no stochastic sampler serves this model: %s", m.Deterministic())
	}
	if eta != 0 && s.Path.At(s.Grid[0]).Alpha == 0 {
		return fmt.Errorf("score: the noise of the reverse process is infinite at t = %g, where the path has no signal; start the grid later, as interpolant.LogSNRGrid does", s.Grid[0])
	}
	return nil
}

func (s *Sampler) check() error {
	if err := ode.CheckGrid(s.Grid); err != nil {
		return err
	}
	first, last := s.Grid[0], s.Grid[len(s.Grid)-1]
	if first < 0 || last > 1 || first > last {
		return fmt.Errorf("score: the time grid runs from %g to %g, but samplers run upwards within [0, 1] (0 is noise, 1 is data)", first, last)
	}
	if c := s.Path.At(last); !(c.Sigma > 0) {
		return fmt.Errorf("score: the time grid ends at t = %g where the path has no noise left; end before, the final denoising covers the rest", last)
	}
	return nil
}
