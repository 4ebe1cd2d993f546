// Learned measures what networks learn and writes the tables and figures of docs/LEARNED.md.
// From the root of the module:
//
//	go run ./bench/learned [flags] EXPERIMENT…
//
// The experiments are default, interpolant, pfgm, kernel, objectives and optimisers. Each
// replaces its own part of the page, between the lines <!-- NAME --> and <!-- /NAME -->, and
// leaves the rest as it is.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
)

// A lab is what an experiment works with.
type lab struct {
	ctx   context.Context
	out   string  // folder of the page
	scale float64 // of the steps of training and the numbers of samples
	text  bytes.Buffer
}

var experiments = []struct {
	name string
	run  func(*lab) error
}{
	{"default", (*lab).byDefault},
	{"interpolant", (*lab).interpolants},
	{"pfgm", (*lab).poisson},
	{"kernel", (*lab).kernels},
	{"objectives", (*lab).objectives},
	{"optimisers", (*lab).optimisers},
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("learned: ")
	out := flag.String("out", "docs", "folder of LEARNED.md and img/learned-*.png")
	scale := flag.Float64("scale", 1, "steps and samples as a multiple of the default; other than 1 prints and keeps no page")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("which experiment? There are ", strings.Join(names(), ", "))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, name := range flag.Args() {
		i := slices.Index(names(), name)
		if i < 0 {
			log.Fatalf("no experiment %q; there are %s", name, strings.Join(names(), ", "))
		}
		l := &lab{ctx: ctx, out: *out, scale: *scale}
		begin := time.Now()
		if err := experiments[i].run(l); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		log.Printf("%s: %.0f s", name, time.Since(begin).Seconds())
		if *scale != 1 {
			fmt.Println(l.text.String())
			continue
		}
		if err := l.keep(name); err != nil {
			log.Fatal(err)
		}
	}
}

func names() []string {
	var all []string
	for _, e := range experiments {
		all = append(all, e.name)
	}
	return all
}

// of returns a number of steps or samples at the lab's scale.
func (l *lab) of(n int) int { return max(int(float64(n)*l.scale), 50) }

func (l *lab) printf(format string, a ...any) { fmt.Fprintf(&l.text, format, a...) }

// row prints a row of a table.
func (l *lab) row(cells ...string) { l.printf("| %s |\n", strings.Join(cells, " | ")) }

// head prints the head of a table.
func (l *lab) head(cells ...string) {
	l.row(cells...)
	l.printf("|%s\n", strings.Repeat("---|", len(cells)))
}

// save writes a figure beside the page and refers to it.
func (l *lab) save(name, what string, f *figure.Figure) error {
	if l.scale != 1 {
		return f.Save(filepath.Join(os.TempDir(), "learned-"+name+".png"))
	}
	l.printf("\n![%s](img/learned-%s.png)\n", what, name)
	return f.Save(filepath.Join(l.out, "img", "learned-"+name+".png"))
}

// keep puts the text in its place on the page.
func (l *lab) keep(name string) error {
	file := filepath.Join(l.out, "LEARNED.md")
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for %s: the lines %q and %q", file, name, begin, end)
	}
	return dataio.WriteFile(file, func(w io.Writer) error {
		_, err := io.WriteString(w, before+begin+l.text.String()+end+after)
		return err
	})
}
