// Restore measures the posterior samplers of package inverse on pictures and writes
// docs/RESTORATION.md: its priors as denoisers, photographs, tomography of one slice and of a stack, parallel magnetic
// resonance imaging and its coil maps, and speed. From the root of the module:
//
//	go run ./bench/restore [flags] [denoise|photos|ct|ct3d|mri|coils|speed]...
//
// Each experiment, all of them if none is named, measures its rows and replaces its section of
// the page and its pictures. -full adds slow methods and settings.
//
// With -results what is measured is kept in a file and not measured again, so that a run may be
// interrupted, and cut into pieces by -only, also at the same time in several processes: the
// section is written from all rows of the file. Without it, a run with -only prints and leaves
// the page as it is.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/seed-dea4846a/sampler/metric"
)

const seed = 1 // of all noise

var (
	full    = flag.Bool("full", false, "add slow methods and settings")
	out     = flag.String("out", "docs", "folder of RESTORATION.md and img/restore-*.png")
	only    = flag.String("only", "", "measure only rows whose \"task: method\" holds this")
	results = flag.String("results", "", "file of measurements, one a line, which is read and added to")
	data    = flag.String("data", "bench/restore/testdata", "folder with the photographs")
)

// An experiment measures rows into the store, and writes its section from them.
type experiment struct {
	name    string
	measure func(context.Context, *store) error
	write   func(*store) string
}

var experiments = []experiment{
	{"denoise", denoising, denoisingSection},
	{"photos", photos, photoSection}, {"ct", tomography, tomographySection}, {"ct3d", volume, volumeSection},
	{"mri", resonance, resonanceSection}, {"coils", coilMaps, coilSection}, {"speed", speed, speedSection},
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(experiments, func(e experiment) bool { return e.name == n }) {
			return fmt.Errorf("there is no experiment %q; there are denoise, photos, ct, ct3d, mri, coils and speed", n)
		}
	}
	for _, e := range experiments {
		if len(names) > 0 && !slices.Contains(names, e.name) {
			continue
		}
		s, err := open(e.name, *results)
		if err != nil {
			return err
		}
		if err := e.measure(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if s, err = s.reread(); err != nil { // what other processes measured meanwhile
			return err
		}
		text := e.write(s)
		if *only != "" && *results == "" {
			fmt.Print(text)
			continue
		}
		if err := replaceSection(e.name, text); err != nil {
			return err
		}
	}
	return nil
}

func wanted(task, method string) bool { return strings.Contains(task+": "+method, *only) }

// An answer is the picture of one method and what it cost, a row of the tables.
type answer struct {
	Experiment, Task, Method string

	NFE        float64 `json:",omitempty"`
	JVP, Pairs int64   `json:",omitempty"` // Jacobian products; applications of A and Aᵀ in pairs
	Seconds    float64
	PSNR, SSIM float64
	MapError   float64   `json:",omitempty"` // of estimated coil maps
	Settings   []float64 `json:",omitempty"` // tuned ones of a task, in a row for them

	Note string `json:",omitempty"` // a text in the place of figures

	x []float64
}

// A restorer returns a picture.
type restorer struct {
	name string
	run  func(ctx context.Context) (answer, error)
}

// answers runs the methods of a task that are not in the store and scores each against the
// truth, of so many pictures of rows×cols one after another. It returns what it has run.
func answers(ctx context.Context, s *store, task string, methods []restorer, clean []float64, rows, cols int) ([]answer, error) {
	var all []answer
	for _, m := range methods {
		if !wanted(task, m.name) || s.has(task, m.name) {
			continue
		}
		start := time.Now()
		a, err := m.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		a.Task, a.Method, a.Seconds = task, m.name, time.Since(start).Seconds()
		if a.PSNR, err = metric.PSNR(a.x, clean, 1); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		n := rows * cols
		for at := 0; at < len(clean); at += n {
			v, err := metric.SSIM(a.x[at:at+n], clean[at:at+n], rows, cols, 1)
			if err != nil {
				return nil, err
			}
			a.SSIM += v * float64(n) / float64(len(clean))
		}
		log.Printf("%s: %-34s %6.2f dB  %.3f  %5.1f s", task, a.Method, a.PSNR, a.SSIM, a.Seconds)
		if err := s.keep(a); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}
