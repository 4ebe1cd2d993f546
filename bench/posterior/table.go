package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

func sw1(c cell) float64       { return c.SW1 }
func sw2(c cell) float64       { return c.SW2 }
func meanError(c cell) float64 { return c.Mean }
func covError(c cell) float64  { return c.Cov }
func modeTV(c cell) float64    { return c.TV }
func coverage(c cell) float64  { return c.Interval }
func region(c cell) float64    { return c.Region }
func misfit(c cell) float64    { return c.Misfit }
func seconds(c cell) float64   { return c.Seconds }

func values(cells []cell, f func(c cell) float64) []float64 {
	v := make([]float64, len(cells))
	for i, c := range cells {
		v[i] = f(c)
	}
	return v
}

// sorted returns all cells in a fixed order.
func (s *settings) sorted() []cell {
	keys := make([]string, 0, len(s.cells))
	for k := range s.cells {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]cell, len(keys))
	for i, k := range keys {
		out[i] = s.cells[k]
	}
	return out
}

// budgetsOf returns the budgets of a method.
func (s *settings) budgetsOf(me method) []int {
	if me.budgets != nil {
		return me.budgets
	}
	return s.budgets
}

// last is the budget at which a method is judged.
func (s *settings) last(me method) int {
	b := s.budgetsOf(me)
	return b[len(b)-1]
}

// distances writes a table of one distance, mean ± 95 % (median) over the problems.
func (s *settings) distances(w io.Writer, d int, f func(c cell) float64, withReference bool) {
	fmt.Fprint(w, "| method | NFE |")
	for _, m := range measurements {
		fmt.Fprintf(w, " m = %d |", m)
		if withReference {
			fmt.Fprint(w, " reference |")
		}
	}
	columns := len(measurements)
	if withReference {
		columns *= 2
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", 1+columns))
	for _, me := range methods {
		for _, nfe := range s.budgetsOf(me) {
			fmt.Fprintf(w, "| %s | %s |", me.name, s.evals(me, d, nfe))
			for _, m := range measurements {
				cells, failed := s.of(me.name, d, m, nfe)
				fmt.Fprintf(w, " %s", summary(values(cells, f)))
				if failed > 0 && len(cells) > 0 {
					fmt.Fprintf(w, ", %d failed", failed)
				}
				fmt.Fprint(w, " |")
				if withReference {
					ref := ""
					if nfe == 100 || me.budgets != nil && nfe == s.last(me) {
						ref = published(me.source, d, m)
					}
					fmt.Fprintf(w, " %s |", ref)
				}
			}
			fmt.Fprintln(w)
		}
	}
}

// evals is the number of evaluations that a method made at a budget.
func (s *settings) evals(me method, d, nfe int) string {
	for _, m := range measurements {
		if cells, _ := s.of(me.name, d, m, nfe); len(cells) > 0 {
			return fmt.Sprintf("%.0f", cells[0].NFE)
		}
	}
	return "?"
}

// diagnosis writes the medians over the problems of all other measures, for each m.
func (s *settings) diagnosis(w io.Writer, d int) {
	fmt.Fprintln(w, "| method | NFE | mean | covariance | mode TV | intervals | region | misfit | s |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, me := range methods {
		for _, nfe := range s.budgetsOf(me) {
			fmt.Fprintf(w, "| %s | %s |", me.name, s.evals(me, d, nfe))
			for _, f := range []func(c cell) float64{meanError, covError, modeTV, coverage, region, misfit} {
				var all []string
				for _, m := range measurements {
					text := "–"
					if cells, _ := s.of(me.name, d, m, nfe); len(cells) > 0 {
						text = number(median(values(cells, f)))
					}
					all = append(all, text)
				}
				fmt.Fprintf(w, " %s |", strings.Join(all, " / "))
			}
			var t []float64
			for _, m := range measurements {
				cells, _ := s.of(me.name, d, m, nfe)
				t = append(t, values(cells, seconds)...)
			}
			if len(t) == 0 {
				t = []float64{0}
			}
			fmt.Fprintf(w, " %s |\n", number(median(t)))
		}
	}
}

// verdicts says of each method whether it is biased, by its distance at the largest budget
// over that of exact draws, and whether more evaluations help.
func (s *settings) verdicts(w io.Writer) {
	fmt.Fprint(w, "| method | NFE | d = 8 | d = 80 | d = 800 | over the fewest NFE | what stays wrong |\n|---|---|---|---|---|---|---|\n")
	for _, me := range methods[1:] {
		budgets := s.budgetsOf(me)
		hi := s.last(me)
		fmt.Fprintf(w, "| %s | %s |", me.name, s.evals(me, dims[0], hi))
		for _, d := range dims {
			fmt.Fprintf(w, " %s |", s.compare(me.name, hi, methods[0].name, 0, sw1, func(c cell) bool { return c.D == d && inBenchmark(c) }))
		}
		steps := ""
		if len(budgets) > 1 {
			steps = s.compare(me.name, hi, me.name, budgets[0], sw1, inBenchmark).String()
		}
		bias := me.bias
		if bias == "" {
			bias = "nothing"
		}
		fmt.Fprintf(w, " %s | %s |\n", steps, bias)
	}
}

// short writes the findings, drawn from the tables.
func (s *settings) short(w io.Writer) {
	hi := s.budgets[len(s.budgets)-1]
	var biased, near []string
	for _, me := range methods[3:] {
		r := s.compare(me.name, s.last(me), methods[2].name, hi, sw1, inBenchmark)
		text := fmt.Sprintf("%s (%s)", me.name, number(r.mean))
		switch {
		case r.n < 2:
		case r.lo > 1:
			biased = append(biased, text)
		default:
			near = append(near, text)
		}
	}
	fmt.Fprintf(w, "- Farther from the truth than the exact denoiser under DDIM beyond chance, over all problems (how many times): %s.\n", orNone(biased))
	fmt.Fprintf(w, "- Not beyond chance on this number of problems: %s.\n", orNone(near))
	for _, p := range pairs {
		if r := s.compare(p.a, hi, p.b, hi, sw1, inBenchmark); r.n > 1 {
			fmt.Fprintf(w, "- %s against %s, %d evaluations (%s): sliced W1 ×%s, nearer in %d of %d problems.\n", p.a, p.b, hi, p.text, r, r.wins, r.n)
		}
	}
	for _, m := range gainMeasurements {
		var text []string
		for _, nfe := range gainBudgets {
			r := s.compare(gainMethods[2].name, nfe, gainMethods[0].name, nfe, sw2, func(c cell) bool { return c.M == m })
			if r.n > 1 {
				text = append(text, fmt.Sprintf("%s at %d", number(r.mean), nfe))
			}
		}
		fmt.Fprintf(w, "- Corrected step over DDIM, both η = 1, m = %d: sliced W2 × %s evaluations.\n", m, strings.Join(text, ", "))
	}
}

// join writes numbers as a flag takes them.
func join(v []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") }

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func inBenchmark(c cell) bool { return slices.Contains(measurements, c.M) && c.D > 2 }

// pairs are the comparisons of methods that differ in one thing.
var pairs = []struct{ a, b, text string }{
	{"MMPS", "PiGDM", "the Tweedie covariance in the system, not r² I"},
	{"MMPS", "PiGDM, r² of the data", "the same, r² fitted to the prior's variance"},
	{"MMPS", "fixed covariance", "the Tweedie covariance, no r² I anywhere"},
	{"MMPS", "MMPS, 1 iteration", "the system solved, not one iteration"},
	{"TMPD", "MMPS", "row sums in place of A C Aᵀ"},
	{"corrected step", "MMPS", "x₁ drawn, not its mean"},
	{"STSL, ν = 0.02", "STSL, ν = 0", "the trace term of STSL"},
}

func (s *settings) pairTable(w io.Writer) {
	fmt.Fprintln(w, "| A against B | what differs | NFE | sliced W1, A/B | A nearer | mode TV, A - B |\n|---|---|---|---|---|---|")
	for _, p := range pairs {
		for _, nfe := range s.budgets {
			r := s.compare(p.a, nfe, p.b, nfe, sw1, inBenchmark)
			if r.n < 2 {
				continue
			}
			fmt.Fprintf(w, "| %s / %s | %s | %d | %s | %d of %d | %+.2f |\n", p.a, p.b, p.text, nfe, r, r.wins, r.n, s.difference(p.a, p.b, nfe))
		}
	}
}

// difference is the mean difference of mode weights' total variation.
func (s *settings) difference(a, b string, nfe int) float64 {
	sum, n := 0.0, 0.0
	for _, c := range s.sorted() {
		if c.Method != a || c.Budget != nfe || c.Failed != "" || !inBenchmark(c) {
			continue
		}
		c.Method = b
		if o, ok := s.cells[c.key()]; ok && o.Failed == "" {
			sum, n = sum+c.TV-o.TV, n+1
		}
	}
	return sum / n
}

func (s *settings) write(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "%s\n**This page**: -problems %s -n %s -nfe %s -grow %d.\n", head, join(s.problems), join(s.n), join(s.budgets), s.grow)
	fmt.Fprint(w, "\n## In short\n\n")
	s.short(w)
	fmt.Fprint(w, "\n## Gaussian priors, exactly\n\n", textGauss, "\n")
	if err := gaussianTable(w); err != nil {
		return err
	}
	fmt.Fprint(w, "\n", textAnnealed, "\n")
	if err := annealedTable(w); err != nil {
		return err
	}
	fmt.Fprint(w, "\n## Which methods are biased\n\n", textVerdict, "\n")
	s.verdicts(w)
	fmt.Fprint(w, "\n## What the second-order term gives\n\n", textPairs, "\n")
	s.pairTable(w)
	fmt.Fprint(w, "\n## What the covariance-corrected step gives\n\n", textGains, "\n")
	s.gainTable(w)
	fmt.Fprint(w, "\n## More particles\n\n", textParticles, "\n")
	s.particleTable(w)
	fmt.Fprint(w, "\n## In the plane\n\n", textPlane, "\n")
	if err := s.gallery(ctx, w); err != nil {
		return err
	}
	for _, c := range plane {
		fmt.Fprintf(w, "\n![%s](img/posterior-%s.png)\n", c.text, c.name)
	}
	for k, d := range dims {
		fmt.Fprintf(w, "\n## Mixture benchmark, d = %d\n\n%d problems for each m, %d draws of each method. Sliced W1, mean ± 95 %% (median) over the problems:\n\n", d, s.problems[k], s.n[k])
		s.distances(w, d, sw1, true)
		fmt.Fprint(w, "\nSliced W2:\n\n")
		s.distances(w, d, sw2, false)
		fmt.Fprint(w, "\nMedians over the problems, m = 1 / 2 / 4:\n\n")
		s.diagnosis(w, d)
	}
	return nil
}
