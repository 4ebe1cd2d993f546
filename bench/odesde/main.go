// Command odesde measures how far the flow and the process of learned log-densities lie apart,
// after "Closing the ODE-SDE gap in score-based diffusion models" (Deveney et al. 2023, arXiv
// 2311.15996), and the same of exact scores with a known error. It prints Markdown and writes
// figures:
//
//	go run ./bench/odesde > docs/ODE_SDE_GAP.md
//
// The networks and what was measured of each are kept in -cache. A run that is stopped, or
// trains a part (-only), is taken up again where it ended.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"regexp"

	"github.com/seed-dea4846a/sampler/internal/par"
)

func main() {
	log.SetFlags(log.Ltime)
	var s scale
	flag.IntVar(&s.Steps, "steps", 10000, "of Adam")
	flag.IntVar(&s.Batch, "batch", 256, "rows a step; as many collocation points")
	flag.IntVar(&s.Samples, "n", 3000, "samples of flow and process each")
	flag.IntVar(&s.Times, "times", 40, "intervals of the densities")
	flag.Float64Var(&s.Beta, "beta", 10, "sharpness of softplus; the paper's is 100")
	flag.BoolVar(&s.Plain, "plain", false, "regress on the clean points themselves, not on their mean")
	cache := flag.String("cache", "out/odesde", "folder of networks and measurements")
	img := flag.String("img", "docs/img", "folder of the figures")
	only := flag.String("only", "", "work on these networks alone, a regular expression for names like blob-0.1, and print nothing")
	learn := flag.Bool("train", false, "train, measure nothing")
	jobs := flag.Int("p", 2, "networks at a time")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, beta := range []float64{s.Beta, paperBeta} {
		if err := os.MkdirAll(folder(*cache, beta), 0o755); err != nil {
			log.Fatal(err)
		}
	}
	ps, err := problems()
	if err != nil {
		log.Fatal(err)
	}
	var runs []run
	add := func(r run) {
		if pattern.MatchString(r.String()) {
			runs = append(runs, r)
		}
	}
	for _, k := range []int{0, 3, 1, 2} { // the ends first
		for _, p := range ps {
			add(run{p, k, s})
		}
	}
	for _, p := range ps {
		for _, r := range p.sharp(s) {
			add(r)
		}
	}
	if err := work(ctx, runs, *cache, *jobs, *learn); err != nil {
		log.Fatal(err)
	}
	if *learn || *only != "" {
		return
	}
	if err := page(ctx, os.Stdout, ps, s, *cache, *img); err != nil {
		log.Fatal(err)
	}
}

// work trains the networks and measures them.
func work(ctx context.Context, runs []run, cache string, jobs int, learn bool) error {
	return par.Rows(ctx, len(runs), 1, jobs, func(_, i, _ int) (err error) {
		if learn {
			_, _, err = runs[i].learn(ctx, cache)
		} else {
			_, err = runs[i].measured(ctx, cache)
		}
		return err
	})
}

// page writes the page and its figures from what work left.
func page(ctx context.Context, w io.Writer, ps []problem, s scale, cache, img string) error {
	var tables []*table
	for _, p := range ps {
		t, err := newTable(ctx, p, s, cache)
		if err != nil {
			return err
		}
		tables = append(tables, t)
	}
	fmt.Fprint(w, intro)
	summary(w, tables)
	fmt.Fprint(w, why)
	s.text(w)
	fmt.Fprint(w, learnedText)
	for _, t := range tables {
		t.print(w)
	}
	fmt.Fprintf(w, linearText, -linearStart, -linearEnd)
	if err := printLinear(w); err != nil {
		return err
	}
	fmt.Fprintf(w, fieldText, -gridStart, -gridEnd)
	if err := printFields(ctx, w, ps[0].target); err != nil {
		return err
	}
	fmt.Fprint(w, fieldReading)
	return pictures(tables, img)
}
