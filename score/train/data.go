package train

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A Source gives batches of training pairs: starts x₀ and clean points x₁, n·d values each.
// The batch of a seed and a step is always the same, and independent of the other steps'.
type Source interface {
	Dim() int
	Draw(x0, x1 []float64, seed, step uint64) error
}

// Points are a data set. Each row of a batch is one of them, all equally likely, with
// x₀ ~ N(0, I).
type Points struct {
	X []float64
	D int
}

// Dim returns the dimension of a point.
func (p *Points) Dim() int { return p.D }

// Draw fills a batch.
func (p *Points) Draw(x0, x1 []float64, seed, step uint64) error {
	n, d := len(p.X)/p.D, p.D
	if n == 0 || len(p.X) != n*d {
		return fmt.Errorf("train: %d values are no points of dimension %d", len(p.X), d)
	}
	src := stream.New()
	for i := range len(x1) / d {
		j := src.At(seed, stream.Target, uint64(i), step).IntN(n)
		copy(x1[i*d:(i+1)*d], p.X[j*d:(j+1)*d])
	}
	noise(x0, d, seed, step)
	return nil
}

// Split sets a fraction of the points aside, at least one on either side, chosen at random.
func (p *Points) Split(fraction float64, seed uint64) (rest, held *Points, err error) {
	n, d := len(p.X)/p.D, p.D
	k := max(1, int(math.Round(fraction*float64(n))))
	if !(fraction > 0 && fraction < 1) || k >= n {
		return nil, nil, fmt.Errorf("train: cannot set aside %g of %d points", fraction, n)
	}
	order := stream.New().At(seed, stream.Metric, 0, 0).Perm(n)
	rest, held = &Points{D: d}, &Points{D: d}
	for i, j := range order {
		to := rest
		if i < k {
			to = held
		}
		to.X = append(to.X, p.X[j*d:(j+1)*d]...)
	}
	return rest, held, nil
}

// Target draws fresh exact points of a density, with x₀ ~ N(0, I).
type Target struct{ density.Target }

// Draw fills a batch.
func (t Target) Draw(x0, x1 []float64, seed, step uint64) error {
	d := t.Dim()
	err := par.Rows(context.Background(), len(x1)/d, 256, 0, func(_, lo, hi int) error {
		src := stream.New()
		for i := lo; i < hi; i++ {
			t.Rand(x1[i*d:(i+1)*d], src.At(seed, stream.Target, uint64(i), step))
		}
		return nil
	})
	noise(x0, d, seed, step)
	return err
}

// Between pairs the points of two sources, independently.
type Between struct{ Start, End Source }

// Dim returns the dimension of a point.
func (b Between) Dim() int { return b.End.Dim() }

// Draw fills a batch.
func (b Between) Draw(x0, x1 []float64, seed, step uint64) error {
	if b.Start.Dim() != b.End.Dim() {
		return fmt.Errorf("train: starts of dimension %d and ends of dimension %d", b.Start.Dim(), b.End.Dim())
	}
	spare := make([]float64, len(x0))
	if err := b.Start.Draw(spare, x0, ^seed, step); err != nil { // of other streams than End
		return err
	}
	return b.End.Draw(spare, x1, seed, step)
}

// Coupled rearranges each batch of a source: row i of x₀ goes with row Assign(x0, x1)[i] of
// x₁. The least costly assignment (metric.Assign) makes it minibatch optimal transport (Tong
// et al. 2024, arXiv 2302.00482; Pooladian et al. 2023, arXiv 2304.14772). Batches of at most
// Rows rows are assigned together, or whole ones if that is zero.
type Coupled struct {
	Source
	Rows   int
	Assign func(x0, x1 []float64) ([]int, error)
}

// Draw fills a batch.
func (c Coupled) Draw(x0, x1 []float64, seed, step uint64) error {
	if err := c.Source.Draw(x0, x1, seed, step); err != nil {
		return err
	}
	d := c.Dim()
	pairs, err := interpolant.Couple(x0, x1, d, c.Rows, c.Assign)
	if err != nil {
		return err
	}
	old := append([]float64(nil), x1...)
	for i, j := range pairs {
		copy(x1[i*d:(i+1)*d], old[j*d:(j+1)*d])
	}
	return nil
}

// Pairs are fixed pairs, such as those of a flow's starts and ends (SamplePairs). Trained by
// flow matching on them a flow is rectified (Liu, Gong and Liu 2023, arXiv 2209.03003).
type Pairs struct {
	X0, X1 []float64
	D      int
}

// Dim returns the dimension of a point.
func (p *Pairs) Dim() int { return p.D }

// Draw fills a batch.
func (p *Pairs) Draw(x0, x1 []float64, seed, step uint64) error {
	n, d := len(p.X1)/p.D, p.D
	if n == 0 || len(p.X0) != n*d || len(p.X1) != n*d {
		return fmt.Errorf("train: %d and %d values are no pairs of points of dimension %d", len(p.X0), len(p.X1), d)
	}
	src := stream.New()
	for i := range len(x1) / d {
		j := src.At(seed, stream.Target, uint64(i), step).IntN(n)
		copy(x0[i*d:(i+1)*d], p.X0[j*d:(j+1)*d])
		copy(x1[i*d:(i+1)*d], p.X1[j*d:(j+1)*d])
	}
	return nil
}

// SamplePairs draws n samples and returns them with the starts x₀ that they came from, in
// units of the standard deviation of the base: the pairs of reflow, if the solver is that of
// an ODE.
func SamplePairs(ctx context.Context, s *score.Sampler, n int, set *ode.Settings) (*Pairs, error) {
	if len(s.Grid) == 0 {
		return nil, fmt.Errorf("train: the sampler has no grid")
	}
	x1, _, err := s.Draw(ctx, n, set)
	if err != nil {
		return nil, err
	}
	workers, first := 0, 0
	if set != nil {
		workers, first = set.Workers, set.First
	}
	x0 := s.Start(n, first, workers)
	std := s.Path.At(s.Grid[0]).Sigma
	for i := range x0 {
		x0[i] /= std
	}
	return &Pairs{X0: x0, X1: x1, D: s.Model.Dim()}, nil
}

// Centred takes Mean from the clean points of a source. A model trained on it has the Mean
// (nn.Model), so that it denoises the points as they are.
type Centred struct {
	Source
	Mean []float64
}

// Draw fills a batch.
func (c Centred) Draw(x0, x1 []float64, seed, step uint64) error {
	err := c.Source.Draw(x0, x1, seed, step)
	for i := range x1 {
		x1[i] -= c.Mean[i%len(c.Mean)]
	}
	return err
}

// DataMean returns the mean of points.
func DataMean(x []float64, dim int) []float64 {
	mean := make([]float64, dim)
	for i, v := range x {
		mean[i%dim] += v * float64(dim) / float64(len(x))
	}
	return mean
}

// DataStd returns the root mean square of the coordinates of points about their mean, EDM's
// σ_d.
func DataStd(x []float64, dim int) float64 {
	mean, sum := DataMean(x, dim), 0.0
	for i, v := range x {
		sum += (v - mean[i%dim]) * (v - mean[i%dim])
	}
	return math.Sqrt(sum / float64(len(x)))
}

func noise(x0 []float64, d int, seed, step uint64) {
	src := stream.New()
	src.Rows(x0, seed, stream.Base, 0, step, d)
}
