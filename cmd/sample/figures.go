package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
)

// plotPoints bounds the points of a picture; more change no pixel.
const plotPoints = 300_000

// plotDraw writes the figure of a draw: samples beside the truth, or trajectories.
func plotDraw(file string, x []float64, tr *ode.Trace, p *plan, rep drawReport) error {
	d := p.target.Dim()
	x = x[:min(len(x), plotPoints*d)]
	caption := fmt.Sprintf("%s on %s, %s", rep.Sampler, rep.Path, work(rep.Steps, rep.NFE, p.sampler.adaptive))
	if v, ok := rep.Metrics["sliced_w2"]; ok {
		caption += fmt.Sprintf(", sliced W2 %.3g", v)
	}
	title := figureTitle(rep.Target)
	if rep.From != "" {
		title = figureTitle(rep.From) + " to " + title
	}
	var f *figure.Figure
	if tr != nil {
		behind := density.Sample(p.target, 20_000, rep.Seed, 0, 0)
		if p.route.bridge != nil {
			behind = append(behind, density.Sample(p.route.bridge.source, 20_000, rep.Seed, 0, 0)...)
		}
		f = figure.Trajectories{
			Title: title, Caption: caption, D: d, T: p.grid, X: scaledTrace(tr, p),
			Samples: behind,
		}.Figure()
	} else {
		f = figure.Samples{
			Title: title, Caption: caption, D: d, X: x, Truth: truthOf(p.target, len(x)/d, rep.Seed),
			Bright: parseSpec(rep.Target).name == "image",
		}.Figure()
	}
	return asUsage(dataio.WriteFile(file, encoded(f, file)))
}

// encoded writes a figure in the format of a file's ending.
func encoded(f *figure.Figure, file string) func(io.Writer) error {
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(file)), ".")
	return func(w io.Writer) error { return f.Encode(w, format) }
}

// figureTitle is the target's name, without the folders of a file.
func figureTitle(target string) string {
	if f := specFile(target); f != "" {
		return filepath.Base(f)
	}
	return target
}

func work(steps int, nfe float64, adaptive bool) string {
	if adaptive {
		return fmt.Sprintf("%.0f evaluations a point", nfe)
	}
	return fmt.Sprintf("%d steps (%s NFE)", steps, trimFloat(nfe))
}

// scaledTrace returns the trajectories of x/√(α² + σ²), or x/√(α² + β² + γ²) on a two-sided
// interpolant, which have about the data's size at all times.
func scaledTrace(tr *ode.Trace, p *plan) []float64 {
	d, times := p.target.Dim(), len(p.grid)
	for k, t := range p.grid {
		s := 1 / p.route.scale(t)
		for r := range tr.Rows {
			for i := (r*times + k) * d; i < (r*times+k+1)*d; i++ {
				tr.X[i] *= s
			}
		}
	}
	return tr.X
}

// truthOf returns n exact draws and, in dimension 1, the density.
func truthOf(t density.Target, n int, seed uint64) figure.Truth {
	tr := figure.Truth{Exact: density.Sample(t, n, seed, 0, 0)}
	if lp, ok := t.(density.CleanLogProber); ok && t.Dim() == 1 {
		tr.LogDensity = lp.CleanLogProb
	}
	return tr
}

// curvesFigure draws the first metric against the evaluations.
func curvesFigure(c *comparison, rep *compareReport, shown map[string]bool) *figure.Figure {
	name := c.metrics[0]
	cv := figure.Curves{
		Title:   figureTitle(rep.Target),
		Caption: fmt.Sprintf("%s path, %d samples", rep.Path, rep.N),
		XLabel:  "model evaluations (NFE)", YLabel: name,
	}
	for _, f := range rep.Floors {
		if f.Name == name && f.StdErr != nil {
			cv.Floor, cv.FloorLo, cv.FloorHi = f.Value, f.Value-2**f.StdErr, f.Value+2**f.StdErr
		}
	}
	widest := 2 * float64(rep.Budgets[len(rep.Budgets)-1]) // an adaptive sampler may spend more
	for _, smp := range c.samplers {
		if !shown[smp.text] {
			continue
		}
		s := figure.Series{Name: smp.text, Stochastic: smp.entry.Kind == kindSDE}
		for _, cl := range rep.Cells {
			if m, ok := cl.get(name); ok && cl.Sampler == smp.text && cl.NFE <= widest {
				s.X, s.Y = append(s.X, cl.NFE), append(s.Y, m.Value)
			}
		}
		cv.Series = append(cv.Series, s)
	}
	return cv.Figure()
}

// galleryFigure draws the samples of every sampler at a budget, or returns nil if there
// are none.
func galleryFigure(c *comparison, rep *compareReport, budget int, shown map[string]bool) *figure.Figure {
	name := c.metrics[0]
	g := figure.Gallery{D: rep.Dim, Caption: fmt.Sprintf("at most %d evaluations; the number is %s", budget, name)}
	for _, cl := range rep.Cells {
		if cl.Budget != budget || cl.samples == nil || !shown[cl.Sampler] {
			continue
		}
		sheet := figure.Sheet{Title: cl.Sampler, X: cl.samples}
		if m, ok := cl.get(name); ok {
			sheet.Note = fmt.Sprintf("%s, %.3g", cl.Kind, m.Value)
		}
		g.Sheets = append(g.Sheets, sheet)
	}
	if len(g.Sheets) == 0 {
		return nil
	}
	g.Truth = truthOf(c.target, min(rep.N, galleryPoints), rep.Seed)
	return g.Figure()
}
