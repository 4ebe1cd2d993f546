package main

import (
	"context"
	"fmt"
	"io"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// What the covariance-corrected step gains is measured at d = 8 against DDIM with the same
// conditional mean, given m measurements and given none (m = 0).
var (
	gainBudgets      = []int{2, 5, 10, 20, 100}
	gainMeasurements = []int{0, 2, 4}
	gainMethods      = []method{
		{name: "step: DDIM, η = 1", draw: plainStep(1)},
		{name: "step: DDIM, η = 0", draw: plainStep(0)},
		{name: "step: corrected, η = 1", draw: correctedStep(1)},
		{name: "step: corrected, η = 0", draw: correctedStep(0)},
	}
)

func (q *problem) conditional() (score.Denoiser, error) {
	if q.m == 0 {
		return q.prior, nil
	}
	return inverse.NewConditional(q.p, q.prior, inverse.MMPS(0))
}

func plainStep(eta float64) draw {
	return func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
		c, err := q.conditional()
		if err != nil {
			return nil, 0, err
		}
		return run(ctx, q.sampler(c, score.SDE(sde.DDIM, eta, false), nfe), n)
	}
}

func correctedStep(eta float64) draw {
	return func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
		c, err := q.conditional()
		if err != nil {
			return nil, 0, err
		}
		return run(ctx, inverse.Corrected{Eta: eta}.Sampler(*q.sampler(c, nil, nfe)), n)
	}
}

// silent is problem i without data: a measurement of pure noise, which leaves the prior.
func silent(d, i, n int) (*problem, error) {
	of, err := mcgProblem(d, 1, i, n)
	if err != nil {
		return nil, err
	}
	weights, means, stds, _ := of.prior.Isotropic()
	q, err := newProblem(fmt.Sprintf("d = %d, no data", d), i, newRow(append([]float64{1}, make([]float64, d-1)...)...), []float64{0}, 1e9,
		weights, means, stds, interpolant.LinearBetas(999, 0.02, 1e-4), n)
	if err != nil {
		return nil, err
	}
	q.m = 0
	return q, nil
}

// gains measures the steps.
func (s *settings) gains(ctx context.Context) error {
	const d = 8
	for _, m := range gainMeasurements {
		problems := s.problems[0]
		if m == 0 {
			problems = min(problems, 3) // of one prior: they differ in the seed alone
		}
		for i := range problems {
			var q *problem
			for _, me := range gainMethods {
				for _, nfe := range gainBudgets {
					c := cell{D: d, M: m, I: i, Method: me.name, Budget: nfe, N: s.n[0]}
					if err := s.fill(ctx, &c, me.draw, func() (*problem, error) {
						var err error
						switch {
						case q != nil:
						case m == 0:
							q, err = silent(d, i, s.n[0])
						default:
							q, err = mcgProblem(d, m, i, s.n[0])
						}
						return q, err
					}); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// gainTable writes what was measured.
func (s *settings) gainTable(w io.Writer) {
	fmt.Fprintln(w, "| data | NFE | step | sliced W2 | error of covariance | mode TV | share in the 90 % region |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, m := range gainMeasurements {
		for _, nfe := range gainBudgets {
			for _, me := range gainMethods {
				cells, failed := s.of(me.name, 8, m, nfe)
				if len(cells)+failed == 0 {
					continue
				}
				fmt.Fprintf(w, "| m = %d | %d | %s | %s | %s | %s | %s |\n", m, nfe, me.name[len("step: "):],
					summary(values(cells, sw2)), number(median(values(cells, covError))), number(median(values(cells, modeTV))), number(median(values(cells, region))))
			}
		}
	}
}
