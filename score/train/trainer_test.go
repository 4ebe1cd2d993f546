package train

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

func smallModel(t testing.TB) (*nn.Model, Objective) {
	t.Helper()
	p := nn.Precond{Kind: nn.EDM, DataStd: 1}
	m, err := nn.NewModel(nn.Spec{Kind: "mlp", Dim: 2, Hidden: 8, Depth: 1}, p, 1)
	require.NoError(t, err)
	return m, &Denoising{Precond: p}
}

func smallSettings(opt string) Settings {
	return Settings{Steps: 60, Batch: 32, Seed: 4, Rate: nn.Schedule{Kind: "cosine", Rate: 0.01, Total: 60, Warmup: 5}, Optimizer: opt,
		Momentum: 0.9, Decay: 1e-3, Clip: 2, Every: 7, Held: Target{density.Moons(0.1)}, HeldRows: 64, CheckpointEvery: 25}
}

// TestResumeIsBitForBit holds a run that was cancelled, one that was killed between checkpoints,
// one on another number of workers, and one that was prolonged to one without a break.
func TestResumeIsBitForBit(t *testing.T) {
	data := Target{density.Moons(0.1)}
	for _, opt := range []string{OptimAdam, OptimSGD, OptimAdaHessian} {
		m, o := smallModel(t)
		whole, err := Run(ctx, m, o, data, smallSettings(opt))
		require.NoError(t, err)
		require.Equal(t, 60, whole.Steps)
		require.Equal(t, Done, whole.Status)

		check := func(name string, interrupt func(set *Settings, run func() error)) {
			file := filepath.Join(t.TempDir(), "run.safetensors")
			set := smallSettings(opt)
			set.Checkpoint = file
			interrupt(&set, func() error {
				m, o := smallModel(t)
				_, err := Run(ctx, m, o, data, set)
				return err
			})
			again, o := smallModel(t)
			set = smallSettings(opt)
			set.Checkpoint, set.Workers = file, 3
			res, err := Run(ctx, again, o, data, set)
			require.NoError(t, err, name)
			assert.Positive(t, res.Resumed, name)
			assert.Equal(t, m.Net.W, again.Net.W, "%s: %s", opt, name)
			assert.Equal(t, whole.History, res.History, "%s: %s", opt, name)
			assert.Equal(t, [2]float64{float64(whole.BestStep), whole.BestHeld}, [2]float64{float64(res.BestStep), res.BestHeld})
		}
		check("cancelled", func(set *Settings, _ func() error) {
			c, cancel := context.WithCancel(ctx)
			set.Progress = func(p Point) {
				if p.Step == 42 {
					cancel()
				}
			}
			m, o := smallModel(t)
			res, err := Run(c, m, o, data, *set)
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, 42, res.Steps)
			require.Error(t, res.Err())
		})
		check("killed", func(set *Settings, run func() error) {
			set.Progress = func(p Point) {
				if p.Step == 42 {
					panic("killed")
				}
			}
			require.Panics(t, func() { _ = run() })
		})
		check("prolonged", func(set *Settings, run func() error) {
			set.Steps = 35
			require.NoError(t, run())
			set.Steps = 60
		})
	}
}

// stepSpy keeps the addresses that it is asked for.
type stepSpy struct {
	Source
	seeds, steps []uint64
}

func (s *stepSpy) Draw(x0, x1 []float64, seed, step uint64) error {
	s.seeds, s.steps = append(s.seeds, seed), append(s.steps, step)
	return s.Source.Draw(x0, x1, seed, step)
}

// TestEveryStepHasItsBatch: steps are addresses, and what is held out has others.
func TestEveryStepHasItsBatch(t *testing.T) {
	m, o := smallModel(t)
	spy, held := &stepSpy{Source: Target{density.Moons(0.1)}}, &stepSpy{Source: Target{density.Moons(0.1)}}
	set := smallSettings("")
	set.Steps, set.Held = 4, held
	_, err := Run(ctx, m, o, spy, set)
	require.NoError(t, err)
	assert.Equal(t, []uint64{0, 1, 2, 3}, spy.steps)
	assert.Equal(t, []uint64{4, 4, 4, 4}, spy.seeds)
	require.Len(t, held.seeds, 1)
	assert.NotEqual(t, uint64(4), held.seeds[0])
}

// TestCheckpointsOfOtherRunsAreRefused covers the files that a run does not go on from.
func TestCheckpointsOfOtherRunsAreRefused(t *testing.T) {
	data, file := Target{density.Moons(0.1)}, filepath.Join(t.TempDir(), "c")
	set := smallSettings("")
	set.Checkpoint = file
	m, o := smallModel(t)
	_, err := Run(ctx, m, o, data, set)
	require.NoError(t, err)
	other := set
	other.Seed++
	_, err = Run(ctx, m, o, data, other)
	assert.ErrorContains(t, err, "another run")
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, cut := range []int{0, 5, 100, len(whole) - 1} {
		require.NoError(t, os.WriteFile(file, whole[:cut], 0o600))
		_, err = Run(ctx, m, o, data, set)
		assert.Error(t, err, "%d bytes", cut)
	}
}

func TestRunStopsEarly(t *testing.T) {
	m, o := smallModel(t)
	set := smallSettings("")
	// a rate of 1e-12 changes nothing, so no point improves on the first but by rounding
	set.Rate, set.Patience, set.Steps, set.Every, set.EMA = nn.Schedule{Rate: 1e-30}, 3, 1000, 1, -1
	set.Decay = 0
	res, err := Run(ctx, m, o, Target{density.Moons(0.1)}, set)
	require.NoError(t, err)
	assert.Equal(t, Stopped, res.Status)
	assert.Equal(t, 4, res.Steps)
	assert.Equal(t, 1, res.BestStep)
}

func TestRunFindsWhatIsNotFinite(t *testing.T) {
	m, o := smallModel(t)
	set := smallSettings(OptimSGD)
	set.Rate, set.Clip = nn.Schedule{Rate: 1e30}, 0
	res, err := Run(ctx, m, o, Target{density.Moons(0.1)}, set)
	require.ErrorIs(t, err, ErrNotFinite)
	assert.Equal(t, Failed, res.Status)
	m, o = smallModel(t)
	_, err = Run(ctx, m, o, &Points{[]float64{1, math.NaN()}, 2}, smallSettings(""))
	require.ErrorIs(t, err, ErrNotFinite)
	_, err = Run(ctx, m, o, &Points{nil, 2}, smallSettings(""))
	assert.Error(t, err)
	broken := errors.New("broken")
	_, err = Run(ctx, m, o, Coupled{Source: Target{density.Moons(0.1)}, Assign: func(_, _ []float64) ([]int, error) { return nil, broken }}, smallSettings(""))
	assert.ErrorIs(t, err, broken)
}

// TestTrainingLearns holds a small run to the loss of the exact denoiser: 400 steps take away
// two thirds at least of what the untrained network has above it (four fifths as measured).
func TestTrainingLearns(t *testing.T) {
	target := density.Ring(3, 1, 0.3)
	for _, opt := range []string{OptimAdam, OptimAdaHessian} {
		p := nn.Precond{Kind: nn.EDM, DataStd: 0.75}
		m, err := nn.NewModel(nn.Spec{Kind: "mlp", Dim: 2, Hidden: 24, Depth: 2}, p, 1)
		require.NoError(t, err)
		o := &Denoising{p, LogUniform{0.2, 3}, WeightNoise, nil}
		rate := map[string]float64{OptimAdam: 0.01, OptimAdaHessian: 0.1}[opt]
		set := Settings{Steps: 400, Batch: 128, Rate: nn.Schedule{Kind: "cosine", Rate: rate, Total: 400}, Optimizer: opt, EMA: 0.98}
		loss := func() (model, exact float64) {
			e, err := NewEvaluator(m.Net, o, 4000, 0)
			require.NoError(t, err)
			b := &Batch{X0: make([]float64, 8000), X1: make([]float64, 8000), Seed: 99}
			require.NoError(t, Target{target}.Draw(b.X0, b.X1, 99, 0))
			model, err = e.Loss(ctx, b, nil)
			require.NoError(t, err)
			r, err := o.terms(e.works[0], b, 0, 4000)
			require.NoError(t, err)
			for i := range 4000 {
				s := math.Exp(4 * r.t[i])
				c := p.At(1, s)
				x, d := []float64{r.x[2*i] / c.In, r.x[2*i+1] / c.In}, make([]float64, 2)
				target.Denoise(d, x, 1, s)
				for j := range d {
					exact += (d[j] - b.X1[2*i+j]) * (d[j] - b.X1[2*i+j]) / (s * s) / 4000
				}
			}
			return model, exact
		}
		before, exact := loss()
		_, err = Run(ctx, m, o, Target{target}, set)
		require.NoError(t, err)
		after, _ := loss()
		t.Logf("%s: %.4f before, %.4f after, exact %.4f", opt, before, after, exact)
		assert.Less(t, after-exact, (before-exact)/3, opt)
	}
}
