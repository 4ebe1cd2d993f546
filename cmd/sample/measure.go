package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A metricEntry is a registered metric of samples against a target.
type metricEntry struct {
	Name, Doc string
	needs     string // what the target must offer, "" if nothing
}

// twoSample returns the metrics between two samples.
func twoSample() []metric.Metric {
	return append(metric.All(), metric.Metric{
		Name: "sinkhorn", Doc: "Sinkhorn divergence for squared distances, squared units; minutes for 20,000 points", Compute: metric.SinkhornDivergence,
	})
}

// mongeGap is measured between the starts and the ends of a run, and so only by compare.
const mongeGap = "monge_gap"

// metricTable lists the two-sample metrics of package metric, which have a Monte Carlo
// floor, and the measures against what a target knows of itself.
func metricTable() []metricEntry {
	var out []metricEntry
	for _, m := range twoSample() {
		e := metricEntry{Name: m.Name, Doc: m.Doc}
		if m.Name == "w2" {
			e.needs = "dimension 1"
		}
		out = append(out, e)
	}
	return append(out,
		metricEntry{"mean_z", "largest |mean - truth| in standard errors over the coordinates", "mean and covariance"},
		metricEntry{"cov_z", "largest |covariance - truth| in standard errors over the entries", "mean and covariance"},
		metricEntry{"mode_tv", "total variation distance of the mode weights from the truth", "modes"},
		metricEntry{"mode_missed", "fraction of the modes with fewer than max(1, nw - 5 sd) points", "modes"},
		metricEntry{mongeGap, "Monge gap of the map from noise to samples: how much longer it is than the shortest", "compare"},
		metricEntry{"nll", "mean negative log-likelihood under the target, nats", "log-density"},
	)
}

// A measurement is the value of a metric and what exact samples of the same size give.
// A pointer is nil where a number does not exist.
type measurement struct {
	Name    string   `json:"name"`
	Value   float64  `json:"value"`
	StdErr  *float64 `json:"stderr,omitempty"`
	Floor   *float64 `json:"floor,omitempty"`    // mean of the metric between exact samples
	FloorSD *float64 `json:"floor_sd,omitempty"` // standard deviation likewise
	Limit   *float64 `json:"limit,omitempty"`    // exact samples stay below it
}

// excess returns the value in units of what exact samples stay below, so that at most 1 is
// the noise floor, and 0 where nothing is known. The likelihood, which errs on both sides
// and may be negative, is taken as its distance from the floor.
func (m measurement) excess() float64 {
	if m.Limit == nil {
		return 0
	}
	value, limit := m.Value, *m.Limit
	if m.Name == "nll" {
		value, limit = math.Abs(m.Value-*m.Floor), *m.Limit-*m.Floor
	}
	// Where exact samples give exactly 0 the limit is 0 too and allows rounding only.
	const rounding, huge = 1e-12, 1e12
	switch {
	case value <= rounding:
		return 0
	case limit <= value/huge:
		return huge
	}
	return value / limit
}

// withinFloor tells whether the value is what exact samples give.
func (m measurement) withinFloor() bool { return m.excess() <= 1 }

// atFloor tells whether all measurements are what exact samples give.
func atFloor(ms []measurement) bool {
	return !slices.ContainsFunc(ms, func(m measurement) bool { return !m.withinFloor() })
}

// A gauge measures samples against one target: the reference sample and the floors are
// computed once.
type gauge struct {
	target density.Target
	dim, n int
	names  []string        // metrics wanted
	two    []metric.Metric // those between two samples
	ref    []float64
	opts   metric.Options
	floors map[string]metric.FloorValue
}

// floorReps is the number of pairs of exact samples behind a floor.
const floorReps = 4

// quick are the metrics that cost little beside the sampling.
var quick = []string{"sliced_w2", "energy", "mmd", "mean_z", "cov_z", "mode_tv", "mode_missed", "nll"}

// parseMetrics reads a --metrics list: "default", "all", "none" or names.
func parseMetrics(text string, dim int) ([]string, error) {
	var all, names []string
	for _, e := range metricTable() {
		names = append(names, e.Name)
		if e.Name != "w2" || dim == 1 {
			all = append(all, e.Name)
		}
	}
	switch text {
	case "default":
		return quick, nil
	case "all":
		return all, nil
	case "none", "":
		return nil, nil
	}
	var out []string
	for _, w := range strings.Split(text, ",") {
		w = strings.TrimSpace(w)
		if !slices.Contains(names, w) {
			return nil, usagef("unknown metric %q%s (see sample list metrics)", w, didYouMean(w, names))
		}
		if w == "w2" && dim != 1 {
			return nil, usagef("metric w2 is for dimension 1, the target has dimension %d; use sliced_w2", dim)
		}
		out = append(out, w)
	}
	return out, nil
}

// newGauge draws the reference sample of n exact points and measures the floors.
func newGauge(t density.Target, n int, names []string, o metric.Options) (*gauge, error) {
	g := &gauge{
		target: t, dim: t.Dim(), n: n, names: names,
		opts:   o,
		floors: map[string]metric.FloorValue{},
	}
	if len(names) == 0 || n < 2 {
		g.names = nil
		return g, nil
	}
	for _, m := range twoSample() {
		if g.wants(m.Name) {
			g.two = append(g.two, m)
		}
	}
	exact := func(set uint64) []float64 { return density.Sample(t, n, o.Seed, set, o.Workers) }
	// Set 0 is the reference; the floors use the sets after it.
	g.ref = exact(0)
	draw := func(dst []float64, i uint64) { copy(dst, exact(1+i)) }
	floors, err := metric.Floor(g.two, draw, n, g.dim, floorReps, g.opts)
	if err != nil {
		return nil, err
	}
	for _, f := range floors {
		g.floors[f.Name] = f
	}
	values := map[string][]float64{}
	for set := range uint64(floorReps) {
		ms, err := g.alone(exact(1 + set))
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			values[m.Name] = append(values[m.Name], m.Value)
		}
	}
	for name, v := range values {
		mean, sd := stat.MeanStdDev(v, nil)
		g.floors[name] = metric.FloorValue{Name: name, Mean: mean, SD: sd}
	}
	return g, nil
}

// measure returns the measurements of n points; those that the target cannot offer are
// left out.
func (g *gauge) measure(x []float64) ([]measurement, error) {
	if len(g.names) == 0 {
		return nil, nil
	}
	var out []measurement
	for _, m := range g.two {
		v, err := m.Compute(x, g.ref, g.dim, g.opts)
		if err != nil {
			return nil, err
		}
		mm := measurement{Name: m.Name, Value: v.Value, StdErr: finite(v.StdErr)}
		if v.NullErr > 0 {
			// The law of an unbiased statistic between equal laws is skewed: 5 standard errors
			// have a false-alarm rate of 0.45 % (package metric).
			mm.Limit = finite(5 * v.NullErr)
		}
		out = append(out, mm)
	}
	alone, err := g.alone(x)
	if err != nil {
		return nil, err
	}
	out = append(out, alone...)
	for i, m := range out {
		if f, ok := g.floors[m.Name]; ok {
			out[i].Floor, out[i].FloorSD = finite(f.Mean), finite(f.SD)
		}
		if out[i].Limit == nil {
			out[i].Limit = g.limit(out[i])
		}
	}
	return out, nil
}

// limit returns the value below which exact samples stay: 1.5 times the floor or 3 of its
// standard deviations above it; for z-scores, the largest of m normals at a false-alarm
// rate of 0.3 %; for the likelihood, 3 standard errors.
func (g *gauge) limit(m measurement) *float64 {
	z := func(count int) *float64 {
		return finite(distuv.UnitNormal.Quantile(1 - 0.003/float64(2*count)))
	}
	switch {
	case m.Name == "mean_z":
		return z(g.dim)
	case m.Name == "cov_z":
		return z(g.dim * (g.dim + 1) / 2)
	case m.Floor == nil || m.FloorSD == nil:
		return nil
	case m.Name == "nll":
		return finite(*m.Floor + 3*math.Hypot(*m.FloorSD/math.Sqrt(floorReps), *m.StdErr))
	}
	return finite(math.Max(1.5**m.Floor, *m.Floor+3**m.FloorSD))
}

// maxMomentDim bounds the dimension in which the covariance is compared, whose standard
// errors cost d² a point.
const maxMomentDim = 128

// alone returns the measurements that need no reference sample.
func (g *gauge) alone(x []float64) ([]measurement, error) {
	var out []measurement
	add := func(name string, v float64) {
		if g.wants(name) && finite(v) != nil {
			out = append(out, measurement{Name: name, Value: v})
		}
	}
	if t, ok := g.target.(density.Momenter); ok && g.wants("mean_z", "cov_z") && g.dim <= maxMomentDim {
		mean, cov := make([]float64, g.dim), make([]float64, g.dim*g.dim)
		t.Mean(mean)
		t.Cov(cov)
		if allFinite(mean) && allFinite(cov) {
			m, err := metric.MomentsOf(x, g.dim, g.opts)
			if err != nil {
				return nil, err
			}
			zm, zc := m.MaxZ(mean, cov)
			add("mean_z", zm)
			add("cov_z", zc)
		}
	}
	if weights, centres, radius := modesOf(g.target); len(weights) > 1 && g.wants("mode_tv", "mode_missed") {
		m, err := metric.CountModes(x, g.dim, weights, centres, radius, g.opts)
		if err != nil {
			return nil, err
		}
		add("mode_tv", m.TV)
		add("mode_missed", math.Round((1-m.Covered)*float64(len(weights)))/float64(len(weights)))
	}
	if t, ok := g.target.(density.CleanLogProber); ok && g.wants("nll") {
		lp := make([]float64, len(x)/g.dim)
		t.CleanLogProb(lp, x)
		v, err := metric.NLL(lp)
		if err != nil {
			return nil, err
		}
		if finite(v.Value) != nil && finite(v.StdErr) != nil {
			out = append(out, measurement{Name: "nll", Value: v.Value, StdErr: &v.StdErr})
		}
	}
	return out, nil
}

// measureMap returns the Monge gap of the map from the starts to x, if it is wanted.
func (g *gauge) measureMap(starts func() []float64, x []float64) ([]measurement, error) {
	if !g.wants(mongeGap) {
		return nil, nil
	}
	v, err := metric.MongeGap(starts(), x, g.dim, g.opts)
	if err != nil {
		return nil, err
	}
	return []measurement{{Name: mongeGap, Value: v.Value, StdErr: finite(v.StdErr)}}, nil
}

// modesOf returns the modes of a target, if it has any.
func modesOf(t density.Target) (weights, centres []float64, radius float64) {
	if m, ok := t.(density.Moder); ok {
		return m.Modes()
	}
	return nil, nil, 0
}

func (g *gauge) wants(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(g.names, n) })
}

func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func allFinite(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// metricMap is the flat form of the JSON line.
func metricMap(ms []measurement) map[string]float64 {
	out := map[string]float64{}
	for _, m := range ms {
		out[m.Name] = m.Value
	}
	return out
}

// printMeasurements writes a table for people.
func printMeasurements(w io.Writer, ms []measurement) {
	if len(ms) == 0 {
		return
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "metric\tvalue\texact samples give\t")
	for _, m := range ms {
		floor, note := "", ""
		if m.Floor != nil && m.FloorSD != nil {
			floor = fmt.Sprintf("%.3g ± %.2g", *m.Floor, *m.FloorSD)
		}
		if !m.withinFloor() {
			note = "outside the noise floor"
		}
		fmt.Fprintf(tw, "%s\t%.4g\t%s\t%s\n", m.Name, m.Value+0, floor, note) // + 0: -0 is 0
	}
	tw.Flush()
}
