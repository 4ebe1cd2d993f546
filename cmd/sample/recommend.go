package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/metric"
)

func newRecommend() *cobra.Command {
	var s compareSettings
	var o outputs
	var paths string
	var budget, top int
	cmd := &cobra.Command{
		Use:   "recommend",
		Short: "Say which sampler to use for a target and a budget, with the evidence",
		Long: `recommend runs every sampler on several paths with as many steps as the budget of model
evaluations (NFE) allows, measures the samples, and ranks them by the metric that is
farthest from what exact samples give. A figure of 1 or less is the noise floor: there the
samples cannot be told from exact ones, and more samples (-n) would be needed to choose.`,
		Example: `  sample recommend --target moons --nfe 10
  sample recommend --target points:my.csv,std=0.1 --nfe 20 --paths condot,edm --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.NFE = fmt.Sprint(budget)
			return recommend(cmd.Context(), s, splitSpecs(paths), top, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.Target, "target", "", "target density; see sample list targets")
	f.IntVar(&budget, "nfe", 20, "model evaluations for each point")
	f.StringVar(&paths, "paths", "condot,edm,vp", "paths to try, separated by commas")
	f.StringVar(&s.Samplers, "samplers", "all", "samplers to try, separated by commas, or all")
	f.StringVar(&s.Metrics, "metrics", "sliced_w2,energy,mmd,mode_tv,nll", "metrics that count")
	f.IntVarP(&s.N, "n", "n", 4000, "number of samples of each run")
	f.Uint64Var(&s.Seed, "seed", 0, "seed of every random number")
	f.IntVar(&top, "top", 10, "rows to print")
	addWorkFlags(cmd, &o)
	return cmd
}

// A candidate is one sampler on one path.
type candidate struct {
	Path  string  `json:"path"`
	Worst float64 `json:"worst"` // largest metric in units of what exact samples stay below
	cell
}

// worst returns the largest excess of the measurements.
func worst(ms []measurement) float64 {
	w := 0.0
	for _, m := range ms {
		w = max(w, m.excess())
	}
	return w
}

func recommend(ctx context.Context, s compareSettings, paths []string, top int, o outputs, stdout, stderr io.Writer) error {
	if o.workers < 0 {
		return usagef("--workers must not be negative, got %d", o.workers)
	}
	if top < 1 {
		return usagef("--top must be at least 1, got %d", top)
	}
	if len(paths) == 0 {
		return usagef("--paths names no path; see sample list paths")
	}
	if o.quiet {
		stderr = io.Discard
	}
	var runs []*comparison
	for _, p := range paths {
		s.Path = p
		c, err := s.check(ctx, o.workers)
		if err != nil {
			return err
		}
		runs = append(runs, c)
	}
	g, err := newGauge(runs[0].target, s.N, runs[0].metrics, metric.Options{Seed: s.Seed, Workers: o.workers, MaxPoints: compareCap})
	if err != nil {
		return err
	}
	var all []candidate
	for _, c := range runs {
		rep, err := c.run(ctx, g, o, stderr)
		if err != nil {
			return err
		}
		for _, cl := range rep.Cells {
			cl.samples = nil
			if cl.Failed == "" && cl.NFE <= float64(c.budgets[0]) {
				all = append(all, candidate{Path: c.settings.Path, Worst: worst(cl.Measurements), cell: *cl})
			}
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("no sampler gave samples within %s evaluations", s.NFE)
	}
	// At the floor the ranking goes by speed.
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(max(a.Worst, 1), max(b.Worst, 1)), cmp.Compare(a.NFE, b.NFE), cmp.Compare(a.Worst, b.Worst))
	})
	table := stdout
	if o.json {
		table = stderr
	}
	printRecommendation(table, all[:min(top, len(all))], s, runs[0].metrics)
	if o.json {
		return json.NewEncoder(stdout).Encode(all)
	}
	return nil
}

func printRecommendation(w io.Writer, rows []candidate, s compareSettings, metrics []string) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "path\tsampler\tkind\tgrid\tsteps\tNFE\tworst\t%s\n", strings.Join(metrics, "\t"))
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\t%.2f", r.Path, r.Sampler, r.Kind, r.Grid, r.Steps, trimFloat(r.NFE), r.Worst)
		for _, name := range metrics {
			text := "-"
			if m, ok := r.get(name); ok {
				text = num3(m.Value)
			}
			fmt.Fprintf(tw, "\t%s", text)
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
	best := rows[0]
	verdict := "its samples cannot be told from exact ones"
	if best.Worst > 1 {
		verdict = fmt.Sprintf("its farthest metric is %.3g times what exact samples stay below", best.Worst)
	}
	fmt.Fprintf(w, "use: sample draw --target %s --path %s --sampler %s --grid %s --steps %d\n     %s\n",
		s.Target, best.Path, best.Sampler, best.Grid, best.Steps, verdict)
}
