// Restore measures the posterior samplers of package inverse on pictures: photographs,
// tomography of one slice and of a stack, parallel magnetic resonance imaging, and speed.
// Each experiment prints Markdown tables and, with -out, writes its picture there:
//
//	go run ./bench/restore [-full] [-out DIR] [-only NAME] [-prior P] photos|ct|ct3d|mri|speed|denoise
//
// from the root of the module. -full adds slow methods and settings, -only keeps to one task of
// an experiment, -prior unet takes the network in place of the patch prior in photos and ct;
// denoise compares the two as denoisers.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/seed-dea4846a/sampler/metric"
)

const seed = 1 // of all noise

var (
	full = flag.Bool("full", false, "add slow methods and settings")
	out  = flag.String("out", "", "folder for the pictures; none if empty")
	only = flag.String("only", "", "run only the tasks whose name holds this")
	data = flag.String("data", "bench/restore/testdata", "folder with the photographs")
)

var experiments = []struct {
	name string
	run  func(context.Context) error
}{{"photos", photos}, {"ct", tomography}, {"ct3d", volume}, {"mri", resonance}, {"speed", speed}, {"denoise", denoising}}

func main() {
	log.SetFlags(0)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, e := range experiments {
		if flag.Arg(0) == e.name && flag.NArg() == 1 {
			if err := e.run(ctx); err != nil {
				log.Fatal(err)
			}
			return
		}
	}
	log.Fatal("usage: restore [-full] [-out DIR] [-only NAME] [-prior P] photos|ct|ct3d|mri|speed|denoise")
}

func wanted(name string) bool { return strings.Contains(name, *only) }

// An answer is the picture of one method and what it cost.
type answer struct {
	method     string
	x          []float64
	nfe        float64
	jvp, pairs int64 // Jacobian products; applications of A and Aᵀ in pairs
	seconds    float64
	psnr, ssim float64
}

// A restorer returns a picture.
type restorer struct {
	name string
	run  func(ctx context.Context) (answer, error)
}

// answers runs the methods and scores each against the truth, of so many pictures of
// rows×cols one after another.
func answers(ctx context.Context, methods []restorer, clean []float64, rows, cols int) ([]answer, error) {
	var all []answer
	for _, m := range methods {
		start := time.Now()
		a, err := m.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		a.method, a.seconds = m.name, time.Since(start).Seconds()
		if a.psnr, err = metric.PSNR(a.x, clean, 1); err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		n := rows * cols
		for at := 0; at < len(clean); at += n {
			s, err := metric.SSIM(a.x[at:at+n], clean[at:at+n], rows, cols, 1)
			if err != nil {
				return nil, err
			}
			a.ssim += s * float64(n) / float64(len(clean))
		}
		log.Printf("%-34s %6.2f dB  %.3f  %5.1f s", a.method, a.psnr, a.ssim, a.seconds)
		all = append(all, a)
	}
	return all, nil
}

// table prints the answers, the best figures of each column in bold.
func table(all []answer) {
	best := all[0]
	for _, a := range all {
		best.psnr, best.ssim = max(best.psnr, a.psnr), max(best.ssim, a.ssim)
	}
	bold := func(format string, v, top float64) string {
		s := fmt.Sprintf(format, v)
		if s == fmt.Sprintf(format, top) {
			return "**" + s + "**"
		}
		return s
	}
	count := func(n int64) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	fmt.Println("| method | PSNR (dB) | SSIM | NFE | ∂D/∂x products | A, Aᵀ pairs | s |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, a := range all {
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %.1f |\n", a.method, bold("%.2f", a.psnr, best.psnr), bold("%.3f", a.ssim, best.ssim),
			count(int64(a.nfe)), count(a.jvp), count(a.pairs), a.seconds)
	}
	fmt.Println()
}
