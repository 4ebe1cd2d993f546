package main

import (
	"encoding/json"
	"io"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

// measurePoints bounds the samples that are measured: the floors of the metrics at a million
// are far below what the eye or a paper's table tells apart.
const measurePoints = 1_000_000

// keepValues bounds the numbers that are measured or plotted, 512 MiB; the metrics take about
// three times as many beside them, for exact samples.
const keepValues = 1 << 26

// A drawSink is where the samples of a draw go: to the file, under a temporary name until all
// else has succeeded, and the first of them to the metrics and the figure.
type drawSink struct {
	p      *plan
	out    string
	kept   []float64   // the first samples, as many as it has room for; all of them if they go to stdout
	file   *hashedFile // nil without an output file
	points *dataio.Points
}

func newDrawSink(p *plan, o outputs, metrics []string) (*drawSink, error) {
	s := &drawSink{p: p, out: o.out}
	rows := 0
	if len(metrics) > 0 {
		rows = measurePoints
	}
	if o.plot != "" {
		rows = max(rows, plotPoints)
	}
	rows = min(rows, keepValues/p.target.Dim())
	if o.out == "-" { // nothing is printed before the run has succeeded
		rows = p.settings.N
	}
	s.kept = make([]float64, 0, min(rows, p.settings.N)*p.target.Dim())
	if o.out == "" || o.out == "-" {
		return s, nil
	}
	var err error
	if s.file, err = createHashed(o.out); err != nil {
		return nil, err
	}
	s.points, err = dataio.NewPoints(s.file, o.out, p.settings.N, p.target.Dim())
	return s, err
}

// prepare has the form of plan.draw's.
func (s *drawSink) prepare(x []float64) (put func() error) {
	write := func() error { return nil }
	if s.file != nil {
		write = s.points.Encode(x)
	}
	return func() error {
		s.kept = append(s.kept, x[:min(len(x), cap(s.kept)-len(s.kept))]...)
		return asUsage(write())
	}
}

// abort removes a file that was not finished.
func (s *drawSink) abort() {
	if s.file != nil {
		s.file.Abort()
	}
}

// commit writes what goes to stdout, or gives the file its name and its manifest.
func (s *drawSink) commit(stdout io.Writer, result any) error {
	if s.out == "-" {
		return dataio.EncodeCSV(stdout, s.kept, s.p.target.Dim())
	}
	if s.file == nil {
		return nil
	}
	set := s.p.settings
	settings, err := json.Marshal(set)
	if err != nil {
		return err
	}
	inputs, err := hashInputs(specFile(set.Target), specFile(set.From), set.Model, specFile(set.Grid))
	if err != nil {
		return err
	}
	return s.file.commit(&manifest{Command: "draw", Settings: settings, Grid: s.p.grid, LogSNR: s.p.route.logSNR(s.p.grid), Inputs: inputs, Result: result})
}
