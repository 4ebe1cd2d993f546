package main

import (
	"context"
	"fmt"
	"io"

	"github.com/seed-dea4846a/sampler/inverse"
)

// Particle methods with growing populations, at d = 8.
var (
	growthSizes   = []int{16, 64, 256, 1024}
	growthMethods = []struct {
		name string
		smc  inverse.SMC
	}{
		{"TDS, r² I", twistedIsotropic},
		{"MCGdiff", mcgdiff},
		{"FPS", fps},
		{"covariance-twisted", twistedTweedie},
		{"covariance-twisted, corrected steps", inverse.SMC{Method: inverse.TwistedCorrected{}}},
	}
)

const growthBudget = 100

func growthName(name string, size int) string { return fmt.Sprintf("particles: %s, %d", name, size) }

func (s *settings) growth(ctx context.Context) error {
	const d = 8
	for _, m := range measurements {
		for i := range min(s.grow, s.problems[0]) {
			var q *problem
			for _, me := range growthMethods {
				for _, size := range growthSizes {
					c := cell{D: d, M: m, I: i, Method: growthName(me.name, size), Budget: growthBudget, N: s.n[0]}
					if err := s.fill(ctx, &c, particles(me.smc, size), func() (*problem, error) {
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

// particleTable writes sliced W1 over the sizes of the population.
func (s *settings) particleTable(w io.Writer) {
	fmt.Fprintf(w, "%d problems for each m.\n\n", min(s.grow, s.problems[0]))
	fmt.Fprint(w, "| method | particles | m = 1 | m = 2 | m = 4 | over exact draws | s for 1000 draws |\n|---|---|---|---|---|---|---|\n")
	for _, me := range growthMethods {
		for _, size := range growthSizes {
			name := growthName(me.name, size)
			fmt.Fprintf(w, "| %s | %d |", me.name, size)
			var t []float64
			for _, m := range measurements {
				cells, failed := s.of(name, 8, m, growthBudget)
				fmt.Fprintf(w, " %s", summary(values(cells, sw1)))
				if failed > 0 {
					fmt.Fprintf(w, ", %d failed", failed)
				}
				fmt.Fprint(w, " |")
				t = append(t, values(cells, seconds)...)
			}
			r := s.compare(name, growthBudget, methods[0].name, 0, sw1, inBenchmark)
			if len(t) == 0 {
				t = []float64{0}
			}
			fmt.Fprintf(w, " %s | %s |\n", r, number(median(t)))
		}
	}
}
