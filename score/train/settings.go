package train

import (
	"errors"
	"fmt"

	"github.com/seed-dea4846a/sampler/score/nn"
)

// The optimisers that Settings names.
const (
	OptimAdam       = "adam"
	OptimSGD        = "sgd"
	OptimAdaHessian = "adahessian"
)

// Settings are those of a training run.
type Settings struct {
	Steps     int         // of the optimiser, in all
	Batch     int         // rows a step; zero means 512
	Seed      uint64      // of all that is drawn
	Rate      nn.Schedule // of learning
	Optimizer string      // "" means adam
	Momentum  float64     // of SGD
	Decay     float64     // of the weights, decoupled
	Clip      float64     // longest gradient; zero means no limit
	// EMA is the decay of the average of the weights; zero means 0.999, a negative one that
	// the last weights are the result.
	EMA float64

	// Every is how many steps lie between two points of the history; zero means 100.
	Every int
	// Held, if not nil, gives the batches on which the loss of the average is measured at
	// each point of the history, always the same HeldRows pairs and noise (zero means 4096).
	Held     Source
	HeldRows int
	// Patience ends the run after as many points without a lower held-out loss; zero means
	// never. With Held, the result is the average at the lowest held-out loss.
	Patience int

	// Checkpoint is a file that holds the state of the run. If it is there the run goes on
	// from it; it is written every CheckpointEvery steps (zero means 1000), when the run is
	// cancelled and at its end.
	Checkpoint      string
	CheckpointEvery int
	// Tag names what the settings do not, objective and data: a checkpoint of another tag is
	// refused.
	Tag string

	Progress func(Point) // called at each point of the history
	Workers  int         // goroutines; GOMAXPROCS if not positive. No bit depends on it.
}

// A Point of the history of a run.
type Point struct {
	Step int     `json:"step"` // steps made
	Loss float64 `json:"loss"` // mean over the steps since the last point
	Held float64 `json:"held,omitempty"`
	Rate float64 `json:"rate"`
	Norm float64 `json:"norm"` // of the last gradient, before clipping
}

// A Status says how a run ended.
type Status int

// The ends of a run.
const (
	Done      Status = iota // all steps made
	Stopped                 // the held-out loss rose: Settings.Patience
	Cancelled               // by the context
	Failed
)

var statusNames = [...]string{"done", "stopped early", "cancelled", "failed"}

// String names the status.
func (s Status) String() string { return statusNames[s] }

// A Result tells of a run.
type Result struct {
	Status  Status
	Steps   int // made in all
	Resumed int // steps that a checkpoint had made
	History []Point
	// BestStep and BestHeld are where the held-out loss was lowest, if there is one.
	BestStep int
	BestHeld float64
}

// Err returns an error that says why a run without one did not make its steps, or nil.
func (r *Result) Err() error {
	if r.Status == Failed || r.Status == Cancelled {
		return fmt.Errorf("train: %s after %d steps", r.Status, r.Steps)
	}
	return nil
}

// ErrNotFinite is that of a loss, a gradient or a weight which is infinite or no number.
var ErrNotFinite = errors.New("not finite")
