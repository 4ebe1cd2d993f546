package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
)

//go:embed report.html.tmpl
var reportText string

var reportTemplate = template.Must(template.New("report").Parse(reportText))

// A reportFile is a file of the report's directory.
type reportFile struct {
	name    string
	content []byte
}

type reportRow struct {
	Class, Kind, Sampler, Order string
	Cells                       []reportCell
}

type reportCell struct{ Class, Text, Title string }

type reportPicture struct {
	Title string
	Image template.URL
}

type reportAll struct {
	Sampler, Steps, NFE, Seconds string
	Values                       []string
}

// reportFiles makes the files of a comparison's directory.
func reportFiles(c *comparison, rep *compareReport) ([]reportFile, error) {
	results, err := resultsCSV(rep, c.metrics)
	if err != nil {
		return nil, err
	}
	rows := c.rows(rep)
	shown := leading(rows)
	curves := curvesFigure(c, rep, shown)
	png, err := curves.PNG()
	if err != nil {
		return nil, err
	}
	svg, err := curves.SVG()
	if err != nil {
		return nil, err
	}
	files := []reportFile{{"results.csv", results}, {"error.png", png}, {"error.svg", []byte(svg)}}
	uri, err := curves.DataURI()
	if err != nil {
		return nil, err
	}
	data := map[string]any{
		"Target": rep.Target, "Path": rep.Path, "Grid": rep.Grid, "Dim": rep.Dim, "N": rep.N, "Seed": rep.Seed,
		"Main": c.metrics[0], "Floor": num3(rep.floor(c.metrics[0])), "Headline": headline(rep),
		"Curves": template.URL(uri), "Budgets": rep.Budgets, "Rows": rows, "Metrics": c.metrics,
		"Version": version(), "Seconds": num3(rep.Seconds), "Command": c.command(),
	}
	var floors []string
	for _, m := range c.metrics {
		floors = append(floors, num3(rep.floor(m)))
	}
	data["FloorRow"] = floors
	var all []reportAll
	for _, cl := range rep.Cells {
		row := reportAll{Sampler: cl.Sampler, Steps: fmt.Sprint(cl.Steps), NFE: trimFloat(cl.NFE), Seconds: num3(cl.Seconds)}
		for _, m := range c.metrics {
			v, ok := cl.get(m)
			text := cl.short()
			if ok {
				text = num3(v.Value)
			}
			row.Values = append(row.Values, text)
		}
		all = append(all, row)
	}
	data["All"] = all
	var pictures []reportPicture
	if rep.Dim >= 2 {
		for _, b := range pictureBudgets(rep.Budgets) {
			f := galleryFigure(c, rep, b, shown)
			if f == nil {
				continue
			}
			uri, err := f.DataURI()
			if err != nil {
				return nil, err
			}
			pictures = append(pictures, reportPicture{fmt.Sprintf("Samples at %d evaluations", b), template.URL(uri)})
			png, err := f.PNG()
			if err != nil {
				return nil, err
			}
			files = append(files, reportFile{fmt.Sprintf("samples-%d.png", b), png})
		}
	}
	data["Pictures"] = pictures
	var html bytes.Buffer
	if err := reportTemplate.Execute(&html, data); err != nil {
		return nil, err
	}
	manifest, err := json.MarshalIndent(struct {
		Command string         `json:"command"`
		Version string         `json:"version"`
		Report  *compareReport `json:"report"`
	}{"compare", version(), rep}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(files, reportFile{"compare.json", append(manifest, '\n')}, reportFile{"report.html", html.Bytes()}), nil
}

// pictureBudgets chooses the least, a middle and the largest budget.
func pictureBudgets(b []int) []int {
	return slices.Compact([]int{b[0], b[len(b)/2], b[len(b)-1]})
}

// leadingSamplers bounds the samplers of each kind in figures, which show no more.
const leadingSamplers = 6

// leading returns the samplers of each kind that stand first in the table of rows.
func leading(rows []reportRow) map[string]bool {
	out, count := map[string]bool{}, map[string]int{}
	for _, r := range rows {
		if count[r.Kind]++; count[r.Kind] <= leadingSamplers {
			out[r.Sampler] = true
		}
	}
	return out
}

// rows returns the table of the first metric, with the samplers that are near the floor at
// the smallest budgets first.
func (c *comparison) rows(rep *compareReport) []reportRow {
	name := c.metrics[0]
	best := rep.best(name)
	floor := rep.floor(name)
	type ranked struct {
		reportRow
		loss float64 // mean over the budgets of log(value/floor), not below 0
	}
	var rows []ranked
	for _, smp := range c.samplers {
		r := ranked{reportRow: reportRow{
			Class: strings.ToLower(smp.entry.Kind), Kind: smp.entry.Kind, Sampler: smp.text, Order: smp.entry.Order,
		}}
		for _, b := range rep.Budgets {
			cl := rep.find(smp.text, b)
			if cl == nil {
				r.Cells = append(r.Cells, reportCell{})
				continue
			}
			m, ok := cl.get(name)
			if !ok {
				r.Cells = append(r.Cells, reportCell{Class: "fail", Text: cl.short(), Title: cl.Failed})
				r.loss += failedLoss
				continue
			}
			r.loss += max(0, math.Log(m.Value/floor))
			if smp.adaptive && cl.NFE > float64(rep.Budgets[len(rep.Budgets)-1]) {
				r.loss += failedLoss // it kept to no budget
			}
			rc := reportCell{Text: cl.text(m), Title: fmt.Sprintf("%d steps, %s evaluations, %s s", cl.Steps, trimFloat(cl.NFE), num3(cl.Seconds))}
			if m.Value == best[b] && m.Value > floor {
				rc.Class = "best "
			}
			if atFloor(cl.Measurements) {
				rc.Class += "floor"
			}
			r.Cells = append(r.Cells, rc)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b ranked) int { return cmp.Compare(a.loss, b.loss) })
	out := make([]reportRow, len(rows))
	for i, r := range rows {
		out[i] = r.reportRow
	}
	return out
}

// failedLoss stands for a run without samples, as an error of e^20 floors would.
const failedLoss = 20

func (rep *compareReport) find(sampler string, budget int) *cell {
	for _, c := range rep.Cells {
		if c.Sampler == sampler && c.Budget == budget {
			return c
		}
	}
	return nil
}

// headline says in a sentence who needs the least work to reach the noise floor.
func headline(rep *compareReport) string {
	first := map[string]*cell{} // by kind, the cheapest run at the floor
	for _, cl := range rep.Cells {
		if cl.Failed != "" || !atFloor(cl.Measurements) {
			continue
		}
		if f := first[cl.Kind]; f == nil || cl.NFE < f.NFE {
			first[cl.Kind] = cl
		}
	}
	say := func(kind string) string {
		if f := first[kind]; f != nil {
			return fmt.Sprintf("%s with %s evaluations (%s)", kind, trimFloat(f.NFE), f.Sampler)
		}
		return ""
	}
	switch o, s := say(kindODE), say(kindSDE); {
	case o != "" && s != "":
		return "First at the noise floor: " + o + " and " + s + "."
	case o+s != "":
		return "Only one kind reaches the noise floor within these budgets: " + o + s + "."
	}
	return "No sampler reaches the noise floor within these budgets."
}

// command returns the command line that makes the report again.
func (c *comparison) command() string {
	s := c.settings
	out := fmt.Sprintf("sample compare --target %s --path %s --samplers %s --nfe %s -n %d --seed %d", s.Target, s.Path, s.Samplers, s.NFE, s.N, s.Seed)
	if s.Grid != "" {
		out += " --grid " + s.Grid
	}
	if s.Metrics != "default" {
		out += " --metrics " + s.Metrics
	}
	return out
}

func num3(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf("%.3g", v)
}
