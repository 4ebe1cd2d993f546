package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/metric"
)

// A pairMetric compares two files of points. It may give several named numbers.
type pairMetric struct {
	name, doc string
	slow      bool // not among the default ones
	compute   func(x, y []float64, dim int, o metric.Options) ([]measurement, error)
}

// pairMetrics are the two-sample metrics, tests and scores of package metric.
func pairMetrics() []pairMetric {
	var out []pairMetric
	one := func(m metric.Metric) pairMetric {
		return pairMetric{name: m.Name, doc: m.Doc, compute: func(x, y []float64, dim int, o metric.Options) ([]measurement, error) {
			v, err := m.Compute(x, y, dim, o)
			return []measurement{{Name: m.Name, Value: v.Value, StdErr: finite(v.StdErr)}}, err
		}}
	}
	for _, m := range twoSample() {
		out = append(out, one(m))
	}
	test := func(name, doc string, run func(x, y []float64, dim int, o metric.Options) (metric.TestResult, error)) {
		out = append(out, pairMetric{name: name, doc: doc, slow: true, compute: func(x, y []float64, dim int, o metric.Options) ([]measurement, error) {
			r, err := run(x, y, dim, o)
			return []measurement{{Name: name, Value: r.PValue}}, err
		}})
	}
	test("energy_p", "p-value of the energy test that the two laws are equal", metric.EnergyTest)
	test("mmd_p", "p-value of the MMD test", metric.MMDTest)
	test("classifier_p", "p-value of the classifier test with 5 nearest neighbours", func(x, y []float64, dim int, o metric.Options) (metric.TestResult, error) {
		return metric.ClassifierTest(x, y, dim, 5, o)
	})
	return append(out, pairMetric{
		name: "prdc", doc: "precision, recall, density and coverage with 5 nearest neighbours", slow: true,
		compute: func(x, y []float64, dim int, o metric.Options) ([]measurement, error) {
			r, err := metric.PrecisionRecall(x, y, dim, 5, o)
			return []measurement{
				{Name: "precision", Value: r.Precision.Value}, {Name: "recall", Value: r.Recall.Value},
				{Name: "density", Value: r.Density.Value}, {Name: "coverage", Value: r.Coverage.Value},
			}, err
		},
	})
}

func newMetric() *cobra.Command {
	var names string
	var o outputs
	var seed uint64
	var all []string
	for _, m := range pairMetrics() {
		all = append(all, m.name)
	}
	cmd := &cobra.Command{
		Use:   "metric A B",
		Short: "Compare two files of points from anywhere",
		Long: `metric compares the points of two .npy or .csv files, a point a row: distances, optimal
transport, and two-sample tests. B is the reference. Metrics of quadratic cost use a
random subset of at most some thousand points.

Metrics: ` + strings.Join(all, ", ") + ".",
		Example: "  sample metric mine.npy theirs.csv\n  sample metric a.npy b.npy --metrics energy_p,prdc --json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("metric needs two files of points, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return compareFiles(cmd.Context(), args[0], args[1], names, seed, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&names, "metrics", "default", "metrics to compute: default, all, or names separated by commas")
	f.Uint64Var(&seed, "seed", 0, "seed of directions, subsets and permutations")
	addWorkFlags(cmd, &o)
	return cmd
}

// choosePairMetrics reads a --metrics list.
func choosePairMetrics(text string, dim int) ([]pairMetric, error) {
	table := pairMetrics()
	fits := func(m pairMetric) bool { return m.name != "w2" || dim == 1 }
	if text == "all" || text == "default" {
		return slices.DeleteFunc(table, func(m pairMetric) bool { return !fits(m) || m.slow && text == "default" }), nil
	}
	var names []string
	for _, m := range table {
		names = append(names, m.name)
	}
	var out []pairMetric
	for _, w := range strings.Split(text, ",") {
		i := slices.Index(names, strings.TrimSpace(w))
		if i < 0 {
			return nil, usagef("unknown metric %q%s (known: %s)", w, didYouMean(w, names), strings.Join(names, ", "))
		}
		if !fits(table[i]) {
			return nil, usagef("metric w2 is for dimension 1, the points have dimension %d; use sliced_w2 or w2_exact", dim)
		}
		out = append(out, table[i])
	}
	return out, nil
}

func compareFiles(ctx context.Context, fileA, fileB, names string, seed uint64, o outputs, stdout, stderr io.Writer) error {
	if o.workers < 0 {
		return usagef("--workers must not be negative, got %d", o.workers)
	}
	x, n, d, err := dataio.ReadPoints(fileA)
	if err != nil {
		return asUsage(err)
	}
	y, m, e, err := dataio.ReadPoints(fileB)
	if err != nil {
		return asUsage(err)
	}
	if d != e {
		return usagef("%s has points of dimension %d, %s of dimension %d", fileA, d, fileB, e)
	}
	chosen, err := choosePairMetrics(names, d)
	if err != nil {
		return err
	}
	out := stdout
	if o.json {
		out = stderr
		if o.quiet {
			out = io.Discard
		}
	}
	result := map[string]float64{}
	var table bytes.Buffer
	tw := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	for _, pm := range chosen {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		ms, err := pm.compute(x, y, d, metric.Options{Seed: seed, Workers: o.workers})
		if err != nil {
			return asUsage(fmt.Errorf("%s: %w", pm.name, err))
		}
		for _, v := range ms {
			spread := ""
			if v.StdErr != nil && *v.StdErr > 0 {
				spread = fmt.Sprintf("± %.2g", *v.StdErr)
			}
			fmt.Fprintf(tw, "%s\t%.6g\t%s\n", v.Name, v.Value, spread)
			if !math.IsNaN(v.Value) && !math.IsInf(v.Value, 0) {
				result[v.Name] = v.Value
			}
		}
	}
	tw.Flush()
	fmt.Fprintf(out, "%s: %d points, %s: %d points, dimension %d\n%s", fileA, n, fileB, m, d, &table)
	if o.json {
		return json.NewEncoder(stdout).Encode(result)
	}
	return nil
}
