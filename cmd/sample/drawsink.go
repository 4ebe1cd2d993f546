package main

import (
	"encoding/json"
	"io"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

// A drawSink is where the samples of a draw go: to the file, under a temporary name until all
// else has succeeded, and the first of them to the metrics and the figure.
type drawSink struct {
	p      *plan
	out    string
	keep   int         // numbers to keep
	kept   []float64   // the first samples; all of them if they go to stdout
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
	if o.out == "-" { // nothing is printed before the run has succeeded
		rows = p.settings.N
	}
	s.keep = min(rows, p.settings.N) * p.target.Dim()
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

// take has the form of plan.draw's.
func (s *drawSink) take(x []float64) error {
	s.kept = append(s.kept, x[:min(len(x), s.keep-len(s.kept))]...)
	if s.file == nil {
		return nil
	}
	if err := s.points.Write(x); err != nil {
		return asUsage(err)
	}
	return nil
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
