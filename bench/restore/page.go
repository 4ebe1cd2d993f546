package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
)

// replaceSection writes the text between the marks of an experiment on the page.
func replaceSection(name, text string) error {
	file := filepath.Join(*out, "RESTORATION.md")
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := fmt.Sprintf("<!-- measured: %s -->\n", name), fmt.Sprintf("<!-- end: %s -->\n", name)
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s lacks the marks %q and %q", file, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return dataio.WriteFile(file, func(w io.Writer) error {
		_, err := io.WriteString(w, before+begin+"\n"+text+"\n"+end+after)
		return err
	})
}

// scores is PSNR / SSIM.
func scores(a answer) string { return fmt.Sprintf("%.2f / %.3f", a.PSNR, a.SSIM) }

// table writes a header and the rows of a task, the best figures in bold.
func (s *store) table(task string) string {
	names := s.methods(task)
	var best answer
	for _, n := range names {
		a, _ := s.get(task, n)
		best.PSNR, best.SSIM = max(best.PSNR, a.PSNR), max(best.SSIM, a.SSIM)
	}
	bold := func(format string, v, top float64) string {
		t := fmt.Sprintf(format, v)
		if t == fmt.Sprintf(format, top) {
			return "**" + t + "**"
		}
		return t
	}
	count := func(n int64) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	var b strings.Builder
	b.WriteString("| method | PSNR (dB) | SSIM | NFE | ∂D/∂x products | A, Aᵀ pairs | s |\n|---|---|---|---|---|---|---|\n")
	for _, n := range names {
		a, _ := s.get(task, n)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %.1f |\n", n, bold("%.2f", a.PSNR, best.PSNR), bold("%.3f", a.SSIM, best.SSIM),
			count(int64(a.NFE)), count(a.JVP), count(a.Pairs), a.Seconds)
	}
	return b.String()
}

// columns writes a table of methods by tasks, PSNR / SSIM, the best PSNR of each task in bold,
// and before them what head says of a method.
func (s *store) columns(titles string, tasks []string, keep func(method string) bool, head func(method string) string) string {
	best := map[string]float64{}
	for _, a := range s.rows {
		best[a.Task] = max(best[a.Task], a.PSNR)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| method |%s\n|---|%s\n", titles, strings.Repeat("---|", strings.Count(titles, "|")))
	for _, m := range s.methods(tasks...) {
		if keep != nil && !keep(m) {
			continue
		}
		fmt.Fprintf(&b, "| %s |", m)
		if head != nil {
			fmt.Fprintf(&b, " %s |", head(m))
		}
		for _, t := range tasks {
			a, ok := s.get(t, m)
			switch {
			case !ok:
				b.WriteString(" |")
			case a.PSNR == best[t]:
				fmt.Fprintf(&b, " **%.2f** / %.3f |", a.PSNR, a.SSIM)
			default:
				fmt.Fprintf(&b, " %s |", scores(a))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// strip saves the truth and the answers of some methods side by side as restore-NAME.png, values
// from 0 to top from black to white; if one of them was not run now, it leaves the picture as
// it is.
func strip(name string, clean []float64, all []answer, rows, cols int, top float64, methods ...string) error {
	g := figure.Pictures{Prints: []figure.Print{{Title: "truth", Pix: clean}}}
	for _, want := range methods {
		for _, a := range all {
			if a.Method == want {
				g.Prints = append(g.Prints, figure.Print{Title: a.Method, Note: fmt.Sprintf("%.1f dB", a.PSNR), Pix: a.x})
			}
		}
	}
	if len(g.Prints) < 1+len(methods) {
		return nil
	}
	for i := range g.Prints {
		p := &g.Prints[i]
		p.Rows, p.Cols, p.Channels, p.Hi = rows, cols, 1, top
	}
	return g.Figure().Save(filepath.Join(*out, "img", "restore-"+name+".png"))
}
