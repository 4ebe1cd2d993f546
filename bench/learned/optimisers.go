package main

import (
	"fmt"
	"math"
	"time"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// optimisers trains the network of the comparison by each optimiser for the time that Adam
// takes for 3,000 steps, at several learning rates.
func (l *lab) optimisers() error {
	target := density.Ring(8, 4, 0.3)
	sd := std(target)
	j, err := newJudge(target, l.of(20000))
	if err != nil {
		return err
	}
	p := precond(nn.EDM, sd)
	o := &train.Denoising{Precond: p, Levels: levels(sd)}
	data := train.Target{Target: target}
	costs := map[string]float64{}
	list := []struct {
		name, optimiser string
		momentum, decay float64
		rates           []float64
	}{
		{"SGD, momentum 0.9", train.OptimSGD, 0.9, 0, []float64{1e-3, 1e-2, 3e-2}},
		{"AdamW, decay 0.01", train.OptimAdam, 0, 0.01, []float64{1e-3, 3e-3, 1e-2}},
		{"AdaHessian", train.OptimAdaHessian, 0, 0, []float64{0.01, 0.05, 0.15}},
	}
	for _, c := range list {
		if costs[c.optimiser], err = l.cost(p, o, data, c.optimiser); err != nil {
			return err
		}
	}
	fig := figure.Curves{
		Title: "Optimisers at equal time", XLabel: "time, in steps of Adam", YLabel: "held-out loss",
		Caption: "denoising score matching on ring8; the best of three rates each",
	}
	l.printf("Sliced W2 between exact samples is %.4f ± %.4f.\n\n", j.floor.Mean, j.floor.SD)
	l.head("optimiser", "rate", "cost of a step", "steps", "held-out loss", "sliced W2", "error of the noise")
	for _, c := range list {
		relative := costs[c.optimiser] / costs[train.OptimAdam]
		steps := int(float64(l.of(3000)) / relative)
		best, curve := math.Inf(1), figure.Series{}
		for _, rate := range c.rates {
			set := train.Settings{
				Steps: steps, Batch: 256, EMA: 0.998, Rate: schedule(rate, steps), Optimizer: c.optimiser,
				Momentum: c.momentum, Decay: c.decay, Held: data, HeldRows: 1 << 13, Every: max(1, steps/30),
			}
			one, m, err := l.curve(p, o, data, set)
			if err != nil {
				l.row(c.name, fmt.Sprint(rate), fmt.Sprintf("%.2f", relative), fmt.Sprint(steps), err.Error(), "–", "–")
				continue
			}
			x, err := l.byFlow(m, sd, j.n())
			if err != nil {
				return err
			}
			w2, err := j.slicedW2(x)
			if err != nil {
				return err
			}
			loss := one.Y[len(one.Y)-1]
			l.row(c.name, fmt.Sprint(rate), fmt.Sprintf("%.2f", relative), fmt.Sprint(steps), fmt.Sprintf("%.4f", loss), fmt.Sprintf("%.4f", w2),
				fmt.Sprintf("%.3f", noiseError(m, target, sd, l.of(4000))))
			if loss < best {
				best, curve = loss, one
				curve.Name = fmt.Sprintf("%s (%g)", c.name, rate)
				for i := range curve.X {
					curve.X[i] *= relative
				}
			}
		}
		fig.Series = append(fig.Series, curve)
	}
	return l.save("optimisers", "Held-out loss of the optimisers over time", fig.Figure())
}

func (l *lab) curve(p nn.Precond, o train.Objective, data train.Source, set train.Settings) (figure.Series, *nn.Model, error) {
	m, err := nn.NewModel(plane(), p, trainSeed)
	if err != nil {
		return figure.Series{}, nil, err
	}
	set.Seed = trainSeed
	res, err := train.Run(l.ctx, m, o, data, set)
	c := figure.Series{}
	for _, h := range res.History {
		c.X, c.Y = append(c.X, float64(h.Step)), append(c.Y, h.Held)
	}
	return c, m, err
}

// cost returns the seconds of a step: the least of 300, as most are disturbed.
func (l *lab) cost(p nn.Precond, o train.Objective, data train.Source, optimiser string) (float64, error) {
	m, err := nn.NewModel(plane(), p, trainSeed)
	if err != nil {
		return 0, err
	}
	least, last := math.Inf(1), time.Time{}
	_, err = train.Run(l.ctx, m, o, data, train.Settings{
		Steps: 300, Batch: 256, Rate: nn.Schedule{Rate: 1e-6}, Optimizer: optimiser, Every: 1,
		Progress: func(train.Point) {
			now := time.Now()
			if !last.IsZero() {
				least = min(least, now.Sub(last).Seconds())
			}
			last = now
		},
	})
	return least, err
}
