package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// record is the part of a checkpoint that is no array of weights. JSON keeps a float64 to the
// bit.
type record struct {
	Run     identity `json:"run"`
	Step    int      `json:"step"`
	Average int      `json:"average"` // updates of the average
	LossSum float64  `json:"loss_sum"`
	Stale   int      `json:"stale"`
	BestAt  int      `json:"best_step"`
	BestVal float64  `json:"best_held"`
	History []Point  `json:"history"`
}

// identity is what decides the bits of a run, but for Steps: a run may be prolonged.
type identity struct {
	Architecture string      `json:"architecture"`
	Precond      nn.Precond  `json:"precond"`
	Batch        int         `json:"batch"`
	Seed         uint64      `json:"seed"`
	Rate         nn.Schedule `json:"rate"`
	Optimizer    string      `json:"optimizer"`
	Momentum     float64     `json:"momentum"`
	Decay        float64     `json:"decay"`
	Clip         float64     `json:"clip"`
	EMA          float64     `json:"ema"`
	Every        int         `json:"every"`
	HeldRows     int         `json:"held_rows"`
	Tag          string      `json:"tag"`
}

const recordKey = "training"

func (r *run) identity() identity {
	s := &r.set
	id := identity{Architecture: r.m.Spec.String(), Precond: r.m.Precond, Batch: s.Batch, Seed: s.Seed, Rate: s.Rate, Optimizer: s.Optimizer,
		Momentum: s.Momentum, Decay: s.Decay, Clip: s.Clip, EMA: s.EMA, Every: s.Every, Tag: s.Tag}
	if s.Held != nil {
		id.HeldRows = s.HeldRows
	}
	return id
}

// arrays are the state's, by name. Those that are nil are not kept.
func (r *run) arrays() map[string]*[]float32 {
	a := map[string]*[]float32{"weights": &r.m.Net.W, "average": &r.ema.W, "best": &r.best}
	switch r.set.Optimizer {
	case OptimSGD:
		a["sgd.m"] = &r.sgd.M
	case OptimAdaHessian:
		a["adahessian.m"], a["adahessian.v"] = &r.hessian.M, &r.hessian.V
	default:
		a["adam.m"], a["adam.v"] = &r.adam.M, &r.adam.V
	}
	return a
}

// save writes the checkpoint, which appears whole or not at all.
func (r *run) save() error {
	if r.set.Checkpoint == "" {
		return nil
	}
	text, err := json.Marshal(record{r.identity(), r.step, r.ema.Steps, r.lossSum, r.stale, r.bestAt, r.bestVal, r.history})
	if err != nil {
		return err
	}
	var ts []nn.Tensor
	for name, a := range r.arrays() {
		if *a != nil {
			ts = append(ts, nn.Tensor{Name: name, Shape: []int{len(*a)}, Data: *a})
		}
	}
	return dataio.WriteFile(r.set.Checkpoint, func(w io.Writer) error {
		return nn.WriteTensors(w, map[string]string{recordKey: string(text)}, ts)
	})
}

// restore goes to the state of the checkpoint, if there is one, and returns its steps.
func (r *run) restore() (int, error) {
	if r.set.Checkpoint == "" {
		return 0, nil
	}
	f, err := os.Open(r.set.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	meta, tensors, err := nn.ReadTensors(f)
	if err != nil {
		return 0, fmt.Errorf("the checkpoint %s: %w; remove it to start anew", r.set.Checkpoint, err)
	}
	var rec record
	if err := json.Unmarshal([]byte(meta[recordKey]), &rec); err != nil {
		return 0, fmt.Errorf("%s is no checkpoint of a training run", r.set.Checkpoint)
	}
	now, err := json.Marshal(r.identity())
	if err != nil {
		return 0, err
	}
	if then, err := json.Marshal(rec.Run); err != nil || string(then) != string(now) {
		return 0, fmt.Errorf("the checkpoint %s is of another run: remove it to start anew, or give the settings that it was made with, which are %s; now they are %s",
			r.set.Checkpoint, then, now)
	}
	arrays := r.arrays()
	for _, t := range tensors {
		a, known := arrays[t.Name]
		if !known || len(t.Data) != len(r.grad) {
			return 0, fmt.Errorf("the checkpoint %s holds %d values of %q, which do not fit the network", r.set.Checkpoint, len(t.Data), t.Name)
		}
		if t.Name == "weights" {
			copy(*a, t.Data) // shared with models of other sizes
		} else {
			*a = t.Data
		}
		delete(arrays, t.Name)
	}
	if _, missing := arrays["weights"]; missing || rec.Step > 0 && len(arrays) > 2 {
		return 0, fmt.Errorf("the checkpoint %s is not whole: remove it to start anew", r.set.Checkpoint)
	}
	r.step, r.ema.Steps, r.lossSum, r.stale = rec.Step, rec.Average, rec.LossSum, rec.Stale
	r.bestAt, r.bestVal, r.history = rec.BestAt, rec.BestVal, rec.History
	r.adam.Steps, r.hessian.Steps = r.step, r.step
	return r.step, nil
}
