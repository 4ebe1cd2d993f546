package main

import (
	"fmt"
	"path/filepath"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/score/density"
)

// pictures writes the figures of the tables to a folder.
func pictures(tables []*table, dir string) error {
	cv := figure.Curves{
		Title: "The gap against the weight of the residual", Caption: "w_R = 0 is drawn at 0.01",
		XLabel: "w_R", YLabel: "W₂² of flow and process",
	}
	for _, t := range tables {
		n := len(t.rows[0].Flow) / 2
		g := figure.Gallery{
			Title: "Flow and process of learned log-densities: " + t.name, Caption: "W₂² to the truth above each panel", D: 2, Cols: 5,
			Truth: figure.Truth{Exact: density.Sample(t.target, n, 9, 0, 1)},
		}
		var x, ours, paper []float64
		for k, r := range t.rows {
			if len(r.Flow) > 0 {
				g.Sheets = append(g.Sheets,
					figure.Sheet{Title: fmt.Sprintf("flow, w_R = %g", weights[k]), Note: fmt.Sprintf("%.4f", r.Densities.W2[1]), X: r.Flow},
					figure.Sheet{Title: fmt.Sprintf("process, w_R = %g", weights[k]), Note: fmt.Sprintf("%.4f", r.Densities.W2[2]), X: r.Process})
			}
			x, ours, paper = append(x, max(weights[k], 0.01)), append(ours, r.Densities.W2[0]), append(paper, t.paper[k][0])
		}
		if err := g.Figure().Save(filepath.Join(dir, "odesde-"+t.name+".png")); err != nil {
			return err
		}
		cv.Series = append(cv.Series, figure.Series{Name: t.name, X: x, Y: ours}, figure.Series{Name: t.name + ", paper", X: x, Y: paper})
	}
	return cv.Figure().Save(filepath.Join(dir, "odesde-gap.png"))
}
