// Posterior holds the methods for inverse problems against exact posteriors and writes
// docs/POSTERIOR.md and its figures. From the root of the module:
//
//	go run ./bench/posterior [flags]
//
// What a run has measured it keeps in the file of -results, if given, and does not
// measure again; so a run may be interrupted, and rows of new methods added.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

const (
	seed        = 6
	projections = 256
)

var (
	dims         = []int{8, 80, 800}
	measurements = []int{1, 2, 4}
)

type settings struct {
	problems, n, budgets []int
	grow                 int
	out, results, only   string
	cells                map[string]cell
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("posterior: ")
	var s settings
	list(&s.problems, "problems", "20,10,3", "problems for each m at d = 8, 80, 800")
	list(&s.n, "n", "1000,1000,300", "samples at d = 8, 80, 800")
	list(&s.budgets, "nfe", "20,100", "evaluations of the denoiser for each sample")
	flag.IntVar(&s.grow, "grow", 3, "problems for each m with growing numbers of particles, at most those at d = 8")
	flag.StringVar(&s.out, "out", "docs", "folder for POSTERIOR.md and img/posterior-*.png")
	flag.StringVar(&s.results, "results", "", "file of measurements, one a line, which is read and added to")
	flag.StringVar(&s.only, "only", "", "measure only methods whose name contains this")
	flag.Parse()
	if err := s.run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// list is a flag of whole numbers above 0.
func list(dst *[]int, name, value, usage string) {
	parse := func(text string) error {
		*dst = nil
		for _, word := range strings.Split(text, ",") {
			v, err := strconv.Atoi(word)
			if err != nil || v < 1 {
				return fmt.Errorf("%q is not a positive whole number", word)
			}
			*dst = append(*dst, v)
		}
		return nil
	}
	if err := parse(value); err != nil {
		panic(err)
	}
	flag.Func(name, usage+" (default "+value+")", parse)
}

func (s *settings) run(ctx context.Context) error {
	if len(s.problems) != len(dims) || len(s.n) != len(dims) {
		return errors.New("-problems and -n need three numbers, for d = 8, 80 and 800")
	}
	if err := s.load(); err != nil {
		return err
	}
	begin := cpu()
	for k, d := range dims {
		for _, m := range measurements {
			for i := range s.problems[k] {
				if err := s.measure(ctx, k, d, m, i); err != nil {
					return err
				}
			}
		}
	}
	if err := s.gains(ctx); err != nil {
		return err
	}
	if err := s.growth(ctx); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := s.write(ctx, &page); err != nil {
		return err
	}
	log.Printf("%.0f s of CPU", cpu()-begin)
	return dataio.WriteFile(filepath.Join(s.out, "POSTERIOR.md"), func(w io.Writer) error {
		_, err := page.WriteTo(w)
		return err
	})
}

// measure runs all methods on one problem of the benchmark.
func (s *settings) measure(ctx context.Context, k, d, m, i int) error {
	var q *problem
	for _, me := range methods {
		for _, nfe := range s.budgetsOf(me) {
			c := cell{D: d, M: m, I: i, Method: me.name, Budget: nfe, N: s.n[k]}
			if err := s.fill(ctx, &c, me.draw, func() (*problem, error) {
				var err error
				if q == nil {
					q, err = mcgProblem(d, m, i, s.n[k])
				}
				return q, err
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill measures a cell unless that was done before.
func (s *settings) fill(ctx context.Context, c *cell, f draw, get func() (*problem, error)) error {
	if _, done := s.cells[c.key()]; done || !strings.Contains(c.Method, s.only) {
		return nil
	}
	q, err := get()
	if err != nil {
		return err
	}
	begin := cpu()
	x, nfe, err := f(ctx, q, c.N, c.Budget)
	c.Seconds, c.NFE = (cpu()-begin)*1000/float64(max(1, len(x)/q.d)), nfe
	switch {
	case err != nil:
		c.Failed = err.Error()
	case !finite(x):
		c.Failed = "values that are not finite"
	default:
		if err := c.measure(q, thin(x, q.d, c.N)); err != nil {
			c.Failed = err.Error()
		}
	}
	log.Printf("%s, %s, %d: SW1 %.3g, %.2g s %s", q.name, c.Method, c.Budget, c.SW1, c.Seconds, c.Failed)
	return s.keep(*c)
}

func (c cell) key() string {
	return fmt.Sprintf("%d/%d/%d/%s/%d/%d", c.D, c.M, c.I, c.Method, c.Budget, c.N)
}

func (s *settings) load() error {
	s.cells = map[string]cell{}
	if s.results == "" {
		return nil
	}
	f, err := os.Open(s.results)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		var c cell
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return fmt.Errorf("%s: %w", s.results, err)
		}
		if k := slices.Index(dims, c.D); k >= 0 && c.N == s.n[k] && c.I < s.problems[k] {
			s.cells[c.key()] = c
		}
	}
	return nil
}

func (s *settings) keep(c cell) error {
	s.cells[c.key()] = c
	if s.results == "" {
		return nil
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// of returns the cells of a method and a budget that did not fail, ordered by problem.
func (s *settings) of(method string, d, m, nfe int) (out []cell, failed int) {
	for _, c := range s.cells {
		if c.Method != method || c.D != d || c.M != m || c.Budget != nfe {
			continue
		}
		if c.Failed != "" {
			failed++
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b cell) int { return a.I - b.I })
	return out, failed
}
