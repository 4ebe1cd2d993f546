package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/score/nn"
)

// run is a training run.
type run struct {
	m        *nn.Model
	set      Settings
	data     Source
	eval     *Evaluator[float32]
	held     *Evaluator[float32]
	batch    Batch
	heldBat  Batch
	grad, hv []float32
	z        []float32
	state
}

// state is all that a checkpoint holds beside the weights of the model.
type state struct {
	step    int
	lossSum float64 // since the last point
	history []Point
	stale   int // points since the best
	best    []float32
	bestAt  int
	bestVal float64
	adam    nn.Adam[float32]
	sgd     nn.SGD[float32]
	hessian nn.AdaHessian[float32]
	ema     nn.EMA[float32]
}

// Run trains a model, whose weights are the start, or goes on from a checkpoint. At the end
// the model has the averaged weights, those of the lowest held-out loss if there is one; after
// an error too.
//
// It returns an error if the objective does not fit the model, data or a file fail, the
// context ends (a checkpoint is then written), or a loss is not finite (ErrNotFinite).
func Run(ctx context.Context, m *nn.Model, o Objective, data Source, set Settings) (*Result, error) {
	r, err := newRun(m, o, data, set)
	res := &Result{Status: Failed}
	if err != nil {
		return res, err
	}
	resumed, err := r.restore()
	if err != nil {
		return res, err
	}
	res.Resumed = resumed
	status, err := r.loop(ctx)
	switch status {
	case Failed:
	default: // also where the context ended: the state is that between two steps
		if e := r.save(); e != nil {
			status, err = Failed, errors.Join(err, e)
		}
	}
	res.Status, res.Steps, res.History = status, r.step, r.history
	res.BestStep, res.BestHeld = r.bestAt, r.bestVal
	r.finish()
	return res, err
}

func newRun(m *nn.Model, o Objective, data Source, set Settings) (*run, error) {
	set.Batch, set.Every = orInt(set.Batch, 512), orInt(set.Every, 100)
	set.HeldRows, set.CheckpointEvery = orInt(set.HeldRows, 4096), orInt(set.CheckpointEvery, 1000)
	set.EMA = or(set.EMA, 0.999)
	if set.Optimizer == "" {
		set.Optimizer = OptimAdam
	}
	d := m.Dim()
	switch {
	case set.Steps < 1 || set.Batch < 1 || set.Every < 1 || set.HeldRows < 1 || set.CheckpointEvery < 1:
		return nil, fmt.Errorf("train: steps, batch, and the steps between points must be positive")
	case !(set.Rate.Rate > 0) || math.IsInf(set.Rate.Rate, 0):
		return nil, fmt.Errorf("train: the learning rate is %g, want a positive number", set.Rate.Rate)
	case set.Patience > 0 && set.Held == nil:
		return nil, fmt.Errorf("train: early stopping needs data held out")
	case set.EMA >= 1:
		return nil, fmt.Errorf("train: the decay of the average is %g, want one below 1", set.EMA)
	case data.Dim() != d || set.Held != nil && set.Held.Dim() != d:
		return nil, fmt.Errorf("train: the data have dimension %d, the model %d", data.Dim(), d)
	}
	switch set.Optimizer {
	case OptimAdam, OptimSGD, OptimAdaHessian:
	default:
		return nil, fmt.Errorf("train: no optimizer %q: there are adam, sgd and adahessian", set.Optimizer)
	}
	r := &run{m: m, set: set, data: data, grad: make([]float32, len(m.Net.W))}
	var err error
	if r.eval, err = NewEvaluator(m.Net, o, set.Batch, set.Workers); err != nil {
		return nil, err
	}
	r.batch = Batch{X0: make([]float64, set.Batch*d), X1: make([]float64, set.Batch*d), Seed: set.Seed}
	if set.Held != nil {
		if r.held, err = NewEvaluator(m.Net, o, set.HeldRows, set.Workers); err != nil {
			return nil, err
		}
		r.heldBat = Batch{X0: make([]float64, set.HeldRows*d), X1: make([]float64, set.HeldRows*d), Seed: heldSeed(set.Seed)}
		if err := set.Held.Draw(r.heldBat.X0, r.heldBat.X1, r.heldBat.Seed, 0); err != nil {
			return nil, err
		}
	}
	r.adam.Decay, r.sgd.Decay, r.hessian.Decay = set.Decay, set.Decay, set.Decay
	r.sgd.Momentum, r.hessian.Params, r.ema.Decay = set.Momentum, m.Net.Params, set.EMA
	if set.Optimizer == OptimAdaHessian {
		r.hv, r.z = make([]float32, len(r.grad)), make([]float32, len(r.grad))
	}
	return r, nil
}

// heldSeed keeps the held-out pairs and their noise apart from those of training.
func heldSeed(seed uint64) uint64 { return seed ^ 0x6865_6c64 }

func (r *run) loop(ctx context.Context) (Status, error) {
	for r.step < r.set.Steps {
		if r.set.Patience > 0 && r.stale >= r.set.Patience {
			return Stopped, nil
		}
		rate := r.set.Rate.Of(r.step)
		norm, err := r.advance(ctx, rate)
		if err != nil {
			if ctx.Err() != nil {
				return Cancelled, ctx.Err()
			}
			return Failed, err
		}
		if r.step%r.set.Every == 0 || r.step == r.set.Steps {
			if err := r.point(rate, norm); err != nil {
				return Failed, err
			}
		}
		if r.step%r.set.CheckpointEvery == 0 {
			if err := r.save(); err != nil {
				return Failed, err
			}
		}
	}
	return Done, nil
}

// advance takes a step. If the context ends, nothing has changed.
func (r *run) advance(ctx context.Context, rate float64) (norm float64, err error) {
	b := &r.batch
	b.Step = uint64(r.step)
	if err := r.data.Draw(b.X0, b.X1, b.Seed, b.Step); err != nil {
		return 0, err
	}
	w := r.m.Net.W
	var loss float64
	if r.set.Optimizer == OptimAdaHessian {
		nn.Signs(r.z, r.set.Seed, b.Step)
		loss, err = r.eval.HVP(ctx, b, r.grad, r.hv, r.z)
		for i, z := range r.z {
			r.hv[i] *= z
		}
	} else {
		loss, err = r.eval.Loss(ctx, b, r.grad)
	}
	if err != nil {
		return 0, err
	}
	norm = nn.Clip(r.grad, r.set.Clip)
	if bad := loss + norm; bad-bad != 0 {
		return 0, fmt.Errorf("train: the loss of step %d is %g and its gradient has the norm %g, %w: a lower learning rate (now %.3g), "+
			"clipped gradients or less extreme data may help", r.step+1, loss, norm, ErrNotFinite, rate)
	}
	switch r.set.Optimizer {
	case OptimSGD:
		r.sgd.Step(w, r.grad, rate)
	case OptimAdaHessian:
		r.hessian.Step(w, r.grad, r.hv, rate)
	default:
		r.adam.Step(w, r.grad, rate)
	}
	if r.set.EMA > 0 {
		r.ema.Update(w)
	}
	r.lossSum += loss
	r.step++
	return norm, nil
}

// point adds to the history.
func (r *run) point(rate, norm float64) error {
	last := 0
	if len(r.history) > 0 {
		last = r.history[len(r.history)-1].Step
	}
	p := Point{Step: r.step, Loss: r.lossSum / float64(r.step-last), Rate: rate, Norm: norm}
	r.lossSum = 0
	if r.held != nil {
		w := r.m.Net.W
		r.m.Net.W = r.average()
		// not cut short by the context: a point belongs to its step
		held, err := r.held.Loss(context.Background(), &r.heldBat, nil)
		r.m.Net.W = w
		if err != nil {
			return err
		}
		if held-held != 0 {
			return fmt.Errorf("train: the held-out loss after step %d is %g, %w", r.step, held, ErrNotFinite)
		}
		p.Held = held
		r.stale++
		if r.best == nil || held < r.bestVal {
			r.best = append(r.best[:0], r.average()...)
			r.bestVal, r.bestAt, r.stale = held, r.step, 0
		}
	}
	r.history = append(r.history, p)
	if r.set.Progress != nil {
		r.set.Progress(p)
	}
	return nil
}

// average returns the weights that the run would end with now.
func (r *run) average() []float32 {
	if r.ema.W != nil {
		return r.ema.W
	}
	return r.m.Net.W
}

// finish gives the model its result.
func (r *run) finish() {
	from := r.average()
	if r.best != nil {
		from = r.best
	}
	copy(r.m.Net.W, from)
}

func orInt(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}
