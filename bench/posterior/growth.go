package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/seed-dea4846a/sampler/inverse"
)

// Particle methods with growing populations, at d = 8.
var (
	growthSizes   = []int{16, 64, 256, 1024, 4096}
	growthMethods = []struct {
		name   string
		method func(*problem) inverse.ParticleMethod
	}{
		{"TDS, r² of variance 1", twistedIsotropic},
		{"TDS, r² of the data", twistedSpread},
		{"MCGdiff", mcgdiff},
		{"FPS", fps},
		{"covariance-twisted", twistedTweedie},
		{"covariance-twisted, corrected steps", corrected},
	}
	// essShares are the times at which the effective sample size is kept, as shares of the
	// grid; after them comes the end, with the likelihood for the twist.
	essShares = []float64{0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1}
)

const (
	growthBudget = 100
	essSize      = 1024 // particles in the table of effective sample sizes
)

func growthName(name string, size int) string { return fmt.Sprintf("particles: %s, %d", name, size) }

func (s *settings) growth(ctx context.Context) error {
	const d = 8
	for _, m := range measurements {
		for i := range min(s.grow, s.problems[0]) {
			var q *problem
			for _, me := range growthMethods {
				for _, size := range growthSizes {
					c := cell{D: d, M: m, I: i, Method: growthName(me.name, size), Budget: growthBudget, N: s.n[0]}
					if err := s.fill(ctx, &c, func(ctx context.Context, q *problem, n, nfe int) ([]float64, float64, error) {
						out, evals, err := q.populations(ctx, me.method(q), size, n, nfe)
						if err != nil {
							return nil, 0, err
						}
						c.populations(q, out)
						return out.Draws, evals, nil
					}, func() (*problem, error) {
						var err error
						if q == nil {
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

// populations fills in what the populations tell of themselves.
func (c *cell) populations(q *problem, out *inverse.Particles) {
	if logp, _ := out.Evidence(); !math.IsNaN(logp) {
		logp -= q.post.LogEvidence
		c.Evidence = &logp
	}
	runs, size := len(out.LogEvidence), float64(out.Size)
	times := len(out.ESS) / runs // of the grid, and the end
	c.ESS = make([]float64, len(essShares)+1)
	for r, k := range out.Distinct() {
		c.Ancestors += float64(k) / size / float64(runs)
		ess := out.ESS[r*times : (r+1)*times]
		for j, share := range essShares {
			c.ESS[j] += ess[int(math.Round(share*float64(times-2)))] / size / float64(runs)
		}
		c.ESS[len(essShares)] += ess[times-1] / size / float64(runs)
	}
}

// particleTable writes sliced W1 and the error of the evidence over the sizes of the
// population, then how the effective sample size goes.
func (s *settings) particleTable(w io.Writer) {
	fmt.Fprintf(w, "%d problems for each m.\n\n", min(s.grow, s.problems[0]))
	fmt.Fprint(w, "| method | particles | m = 1 | m = 2 | m = 4 | over exact draws | log evidence, m = 1 | m = 2 | m = 4 | ancestors | s for 1000 draws |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, me := range growthMethods {
		for _, size := range growthSizes {
			name := growthName(me.name, size)
			fmt.Fprintf(w, "| %s | %d |", me.name, size)
			var all []cell
			evidence := ""
			for _, m := range measurements {
				cells, failed := s.of(name, 8, m, growthBudget)
				fmt.Fprintf(w, " %s", summary(values(cells, sw1)))
				if failed > 0 {
					fmt.Fprintf(w, ", %d failed", failed)
				}
				fmt.Fprint(w, " |")
				evidence += " " + evidenceText(cells) + " |"
				all = append(all, cells...)
			}
			r := s.compare(name, growthBudget, methods[0].name, 0, sw1, inBenchmark)
			fmt.Fprintf(w, " %s |%s %s | %s |\n", r, evidence, middle(all, func(c cell) float64 { return c.Ancestors }), middle(all, seconds))
		}
	}

	fmt.Fprintf(w, "\n%s\n| method |", textESS)
	for _, share := range essShares {
		fmt.Fprintf(w, " %.0f %% |", 100*share)
	}
	fmt.Fprintf(w, " x₁ |\n|---|%s\n", strings.Repeat("---|", len(essShares)+1))
	for _, me := range growthMethods {
		cells, _ := s.of(growthName(me.name, essSize), 8, measurements[len(measurements)-1], growthBudget)
		fmt.Fprintf(w, "| %s |", me.name)
		for j := range len(essShares) + 1 {
			fmt.Fprintf(w, " %s |", middle(cells, func(c cell) float64 { return c.ESS[j] }))
		}
		fmt.Fprintln(w)
	}
}

// middle is the median of f, if there are cells.
func middle(cells []cell, f func(c cell) float64) string {
	if len(cells) == 0 {
		return "–"
	}
	return number(median(values(cells, f)))
}

// evidenceText is the median error of the log evidence.
func evidenceText(cells []cell) string {
	var v []float64
	for _, c := range cells {
		if c.Evidence != nil {
			v = append(v, *c.Evidence)
		}
	}
	if len(v) == 0 {
		return "–"
	}
	return signed(median(v))
}

// signed is a number of nats, to a hundredth or three digits.
func signed(v float64) string {
	if math.Abs(v) >= 10 {
		return fmt.Sprintf("%+.0f", v)
	}
	return fmt.Sprintf("%+.2f", v)
}
