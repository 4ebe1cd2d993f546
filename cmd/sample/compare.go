package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
)

// compareSettings decide the numbers of a comparison; the manifest keeps them.
type compareSettings struct {
	Target   string `json:"target"`
	From     string `json:"from,omitempty"`
	Model    string `json:"model,omitempty"`
	Path     string `json:"path"`
	Grid     string `json:"grid,omitempty"`
	Samplers string `json:"samplers"`
	NFE      string `json:"nfe"`
	Metrics  string `json:"metrics"`
	N        int    `json:"n"`
	Seed     uint64 `json:"seed"`
}

func newCompare() *cobra.Command {
	var s compareSettings
	var run runSettings
	var o outputs
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare samplers over budgets of model evaluations, with a report",
		Long: `compare runs every sampler with as many steps as each budget of model evaluations
(NFE) allows, all from the same starting points, and measures the samples. It writes
report.html (self-contained), results.csv and figures into a directory.

The noise floor is the same metric between two independent exact samples of the same
size: below it, samplers cannot be told apart.`,
		Example: `  sample compare --target ring8 --samplers euler,heun,dopri5,em,sra1 --nfe 5,10,20,50 --out report
  sample compare --target grid25 --samplers all --nfe 10,20,50,100 -n 20000 --out report`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.Target, s.From, s.Model, s.Path, s.Grid, s.N, s.Seed = run.Target, run.From, run.Model, run.Path, run.Grid, run.N, run.Seed
			s.Metrics = o.metrics
			return compare(cmd.Context(), s, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addRunFlags(cmd, &run)
	f := cmd.Flags()
	f.StringVar(&s.Samplers, "samplers", "euler,heun,dopri5,em,heun-sde,sra1", "samplers separated by commas, or all")
	f.StringVar(&s.NFE, "nfe", "5,10,20,50,100", "budgets of model evaluations, separated by commas")
	f.StringVar(&o.out, "out", "", "directory for the report")
	f.StringVar(&o.metrics, "metrics", "default", "metrics to compute: default, all, or names separated by commas; the first is drawn")
	addWorkFlags(cmd, &o)
	return cmd
}

// A comparison is the checked form of compareSettings.
type comparison struct {
	settings compareSettings
	target   density.Target
	route    *route
	samplers []*sampler
	budgets  []int
	metrics  []string
}

const maxBudget = 100_000

func (s compareSettings) check(ctx context.Context, workers int) (*comparison, error) {
	if err := (runSettings{Target: s.Target, N: s.N, Steps: 1}).checkCounts(); err != nil {
		return nil, err
	}
	if s.N < 2 {
		return nil, usagef("-n must be at least 2 to compare samples, got %d", s.N)
	}
	c := &comparison{settings: s}
	var err error
	if c.target, err = buildTarget(s.Target); err != nil {
		return nil, err
	}
	if c.route, err = (runSettings{Target: s.Target, From: s.From, Model: s.Model, Path: s.Path, Seed: s.Seed}).route(ctx, c.target, workers); err != nil {
		return nil, err
	}
	if strings.HasPrefix(s.Grid, "list:") {
		return nil, usagef("compare needs grids of several lengths, --grid list: has one; choose uniform, logsnr, karras or quadratic")
	}
	if c.metrics, err = parseMetrics(s.Metrics, c.target.Dim()); err != nil {
		return nil, err
	}
	if len(c.metrics) == 0 {
		return nil, usagef("compare needs at least one metric; see sample list metrics")
	}
	list := splitSpecs(s.Samplers)
	if s.Samplers == "all" {
		list = nil
		for _, e := range samplerTable {
			if smp, err := buildSampler(e.Name); err == nil && c.route.serves(smp) == nil {
				list = append(list, e.Name)
			}
		}
	}
	for _, text := range list {
		smp, err := buildSampler(text)
		if err != nil {
			return nil, err
		}
		if _, err := smp.grid(c.grid(smp), c.route, 2); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(c.samplers, func(s *sampler) bool { return s.text == smp.text }) {
			c.samplers = append(c.samplers, smp)
		}
	}
	if len(c.samplers) == 0 {
		return nil, usagef("--samplers names no sampler; see sample list samplers")
	}
	for _, w := range strings.Split(s.NFE, ",") {
		b, err := strconv.Atoi(strings.TrimSpace(w))
		if err != nil || b < 1 || b > maxBudget {
			return nil, usagef("--nfe: %q is not a whole number from 1 to %d", strings.TrimSpace(w), maxBudget)
		}
		c.budgets = append(c.budgets, b)
	}
	slices.Sort(c.budgets)
	c.budgets = slices.Compact(c.budgets)
	return c, nil
}

func (c *comparison) grid(s *sampler) string {
	if c.settings.Grid != "" {
		return c.settings.Grid
	}
	return s.defaultGrid(c.route)
}

// A cell is one sampler at one budget.
type cell struct {
	Sampler         string        `json:"sampler"`
	Kind            string        `json:"kind"`
	Order           string        `json:"order"`
	Grid            string        `json:"grid"`
	Budget          int           `json:"budget"`
	Steps           int           `json:"steps"`
	NFE             float64       `json:"nfe"`
	Seconds         float64       `json:"seconds"`
	PointsPerSecond float64       `json:"points_per_second"`
	Failed          string        `json:"failed,omitempty"` // why there are no samples
	Measurements    []measurement `json:"measurements,omitempty"`
	samples         []float64     // kept for the pictures, at most galleryPoints
}

// get returns the measurement of a metric.
func (c *cell) get(name string) (measurement, bool) {
	for _, m := range c.Measurements {
		if m.Name == name {
			return m, true
		}
	}
	return measurement{}, false
}

// galleryPoints bounds the samples kept for a picture.
const galleryPoints = 20_000

// A compareReport is the outcome of a comparison, and the JSON line.
type compareReport struct {
	compareSettings
	Dim     int           `json:"dim"`
	Budgets []int         `json:"budgets"`
	Floors  []measurement `json:"floors"`
	Cells   []*cell       `json:"cells"`
	Seconds float64       `json:"seconds"`
}

func compare(ctx context.Context, s compareSettings, o outputs, stdout, stderr io.Writer) error {
	c, err := s.check(ctx, o.workers)
	if err != nil {
		return err
	}
	if o.workers < 0 {
		return usagef("--workers must not be negative, got %d", o.workers)
	}
	if o.out == "-" {
		return usagef("--out must be a directory; the numbers go to stdout with --json")
	}
	if o.out == "" && !o.json {
		return usagef("compare needs --out DIR for the report, or --json")
	}
	if o.quiet {
		stderr = io.Discard
	}
	if err := checkDir(o.out); err != nil {
		return err
	}
	g, err := newGauge(c.target, s.N, c.metrics, metric.Options{Seed: s.Seed, Workers: o.workers, MaxPoints: compareCap})
	if err != nil {
		return err
	}
	rep, err := c.run(ctx, g, o, stderr)
	if rep != nil {
		printCompare(stderr, rep, c.metrics[0])
	}
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writeReport(o.out, c, rep); err != nil {
			return err
		}
		fmt.Fprintln(stderr, "wrote", filepath.Join(o.out, "report.html"))
	}
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}

// compareCap bounds the points of the metrics of quadratic cost where many runs are
// compared.
const compareCap = 2500

// checkDir tells early if the directory cannot be made or is a file.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return usagef("--out %s is a file; compare writes a directory", dir)
		}
		return checkWritable(filepath.Join(dir, "report.html"))
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		return usagef("--out %s: the directory %s does not exist", dir, parent)
	}
	if err := checkWritable(filepath.Join(parent, "."+filepath.Base(dir)+".probe")); err != nil {
		return usagef("--out %s: the directory %s cannot be written", dir, parent)
	}
	return nil
}

// run measures every sampler at every budget. On an interruption it returns what it has
// and the error.
func (c *comparison) run(ctx context.Context, g *gauge, o outputs, stderr io.Writer) (*compareReport, error) {
	begin := time.Now()
	rep := &compareReport{compareSettings: c.settings, Dim: c.target.Dim(), Budgets: c.budgets, Floors: g.floorList()}
	total := int64(len(c.samplers) * len(c.budgets))
	bar := newProgress(stderr, "comparing", o.quiet)
	defer bar.clear()
	for _, smp := range c.samplers {
		for _, budget := range c.budgets {
			if smp.adaptive && len(rep.Cells) > 0 && rep.Cells[len(rep.Cells)-1].Sampler == smp.text {
				continue // an adaptive sampler chooses its own work: one run says all
			}
			cl, err := c.cell(ctx, smp, budget, g, o)
			if err != nil {
				rep.Seconds = time.Since(begin).Seconds()
				return rep, err
			}
			rep.Cells = append(rep.Cells, cl)
			bar.update(int64(len(rep.Cells)), total)
		}
	}
	rep.Seconds = time.Since(begin).Seconds()
	return rep, nil
}

func (c *comparison) cell(ctx context.Context, smp *sampler, budget int, g *gauge, o outputs) (*cell, error) {
	cl := &cell{Sampler: smp.text, Kind: smp.entry.Kind, Order: smp.entry.Order, Grid: c.grid(smp), Budget: budget}
	var err error
	if smp.adaptive {
		cl.Steps = 2
	} else if cl.Steps, err = smp.stepsFor(budget); err != nil {
		return nil, err
	}
	if cl.Steps == 0 {
		cl.Failed = "no step fits the budget"
		return cl, nil
	}
	grid, err := smp.grid(cl.Grid, c.route, cl.Steps)
	if err != nil {
		return nil, err
	}
	x := make([]float64, c.settings.N*c.target.Dim())
	res, err := c.route.draw(ctx, smp, grid, x, c.settings.Seed, &ode.Settings{Workers: o.workers})
	var fail *ode.Error
	switch {
	case errors.As(err, &fail) && fail.Status != ode.Cancelled:
		cl.Failed = fail.Status.String() // a sampler that blows up is a finding, not the end
		return cl, nil
	case err != nil:
		return nil, err
	}
	if smp.adaptive {
		cl.Steps = 0
	}
	cl.NFE, cl.Seconds = res.NFE(), res.Wall.Seconds()
	cl.PointsPerSecond = float64(c.settings.N) / cl.Seconds
	if cl.Measurements, err = g.measure(x); err != nil {
		return nil, err
	}
	gap, err := g.measureMap(func() []float64 { return c.route.start(smp, grid, c.settings.N, c.settings.Seed, o.workers) }, x)
	if err != nil {
		return nil, err
	}
	cl.Measurements = append(cl.Measurements, gap...)
	cl.samples = x[:min(len(x), galleryPoints*c.target.Dim())]
	return cl, nil
}

// floorList returns the floors as measurements, in the order of the metrics.
func (g *gauge) floorList() []measurement {
	var out []measurement
	for _, n := range g.names {
		if f, ok := g.floors[n]; ok {
			out = append(out, measurement{Name: n, Value: f.Mean, StdErr: finite(f.SD)})
		}
	}
	return out
}

// printCompare writes the table of one metric, samplers by budgets.
func printCompare(w io.Writer, rep *compareReport, name string) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "%s at NFE\t", name)
	for _, b := range rep.Budgets {
		fmt.Fprintf(tw, "%d\t", b)
	}
	fmt.Fprintln(tw)
	for i := 0; i < len(rep.Cells); {
		first := rep.Cells[i]
		fmt.Fprintf(tw, "%s %s\t", first.Kind, first.Sampler)
		for ; i < len(rep.Cells) && rep.Cells[i].Sampler == first.Sampler; i++ {
			if m, ok := rep.Cells[i].get(name); ok {
				fmt.Fprintf(tw, "%s\t", rep.Cells[i].text(m))
			} else {
				fmt.Fprintf(tw, "%s\t", rep.Cells[i].short())
			}
		}
		fmt.Fprintln(tw)
	}
	for _, f := range rep.Floors {
		if f.Name == name {
			fmt.Fprintf(tw, "exact samples\t%.3g\t\n", f.Value)
		}
	}
	tw.Flush()
}

// text returns a value of the cell, with the evaluations if the sampler chose them.
func (c *cell) text(m measurement) string {
	if c.Steps == 0 {
		return fmt.Sprintf("%.3g (at %.0f)", m.Value, c.NFE)
	}
	return num3(m.Value)
}

// short names a failure in a word.
func (c *cell) short() string {
	switch c.Failed {
	case "":
		return "-"
	case ode.NonFinite.String():
		return "diverged"
	default:
		return "-"
	}
}

// resultsCSV returns the table of all numbers; the rows "exact" hold the noise floors.
func resultsCSV(rep *compareReport, metrics []string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := []string{"sampler", "kind", "order", "grid", "budget", "steps", "nfe", "seconds", "points_per_second", "failed"}
	for _, m := range metrics {
		head = append(head, m, m+"_stderr")
	}
	num := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	opt := func(v *float64) string {
		if v == nil {
			return ""
		}
		return num(*v)
	}
	rows := [][]string{head}
	floor := []string{"exact", "floor", "", "", "", "", "", "", "", ""}
	for _, name := range metrics {
		v, e := "", ""
		for _, f := range rep.Floors {
			if f.Name == name {
				v, e = num(f.Value), opt(f.StdErr)
			}
		}
		floor = append(floor, v, e)
	}
	rows = append(rows, floor)
	for _, c := range rep.Cells {
		row := []string{
			c.Sampler, c.Kind, c.Order, c.Grid, strconv.Itoa(c.Budget), strconv.Itoa(c.Steps),
			num(c.NFE), num(c.Seconds), num(c.PointsPerSecond), c.Failed,
		}
		for _, name := range metrics {
			v, e := "", ""
			if m, ok := c.get(name); ok {
				v, e = num(m.Value), opt(m.StdErr)
			}
			row = append(row, v, e)
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeReport makes all files in memory and then writes them.
func writeReport(dir string, c *comparison, rep *compareReport) error {
	files, err := reportFiles(c, rep)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return asUsage(err)
	}
	// Pictures of an earlier comparison would contradict the new report.
	old, _ := filepath.Glob(filepath.Join(dir, "samples-*.png"))
	for _, f := range old {
		os.Remove(f)
	}
	for _, f := range files {
		if err := dataio.WriteFile(filepath.Join(dir, f.name), func(w io.Writer) error { _, err := w.Write(f.content); return err }); err != nil {
			return asUsage(err)
		}
	}
	return nil
}

// best returns, for each budget, the lowest value of a metric among the cells.
func (rep *compareReport) best(name string) map[int]float64 {
	out := map[int]float64{}
	for _, c := range rep.Cells {
		if m, ok := c.get(name); ok {
			if b, seen := out[c.Budget]; !seen || m.Value < b {
				out[c.Budget] = m.Value
			}
		}
	}
	return out
}

// floor returns the mean floor of a metric, or NaN.
func (rep *compareReport) floor(name string) float64 {
	for _, f := range rep.Floors {
		if f.Name == name {
			return f.Value
		}
	}
	return math.NaN()
}
