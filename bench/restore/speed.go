package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
)

// idle is a denoiser that costs nothing.
type idle struct{ dim int }

func (d idle) Dim() int                             { return d.dim }
func (idle) Denoise(dst, x []float64, _, _ float64) { copy(dst, x) }

// speed times one large picture. It has no rows but a text.
func speed(ctx context.Context, s *store) error {
	if s.has(speedTask, speedTask) || !wanted(speedTask, speedTask) {
		return nil
	}
	text, err := speeds(ctx)
	if err != nil {
		return err
	}
	return s.keep(answer{Task: speedTask, Method: speedTask, Note: text})
}

func speedSection(s *store) string {
	a, _ := s.get(speedTask, speedTask)
	return a.Note
}

const speedTask = "speed"

func speeds(ctx context.Context) (string, error) {
	var b strings.Builder
	small, rows, cols, err := dataio.ReadGray(filepath.Join(*data, "camera.png"))
	if err != nil {
		return "", err
	}
	clean := quadruple(small, rows, cols)
	rows, cols = 2*rows, 2*cols
	m, err := photograph(degradations[0], clean, rows, cols, 0)
	if err != nil {
		return "", err
	}
	path := interpolant.EDM{SigmaMin: 0.005, SigmaMax: 3}
	t0, t1 := path.Span()
	grid := interpolant.KarrasGrid(path, 7, t0, t1, 50)
	gain := inverse.DDS{Gamma: 1, Krylov: inverse.Krylov{Iterations: 5}}
	fmt.Fprintf(&b, "%d×%d pixels, Gaussian blur, %s/%s, GOMAXPROCS %d\n\n", rows, cols, runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))

	// The conjugate gradients beside the operator's own time: DDS on a denoiser that costs
	// nothing, and as many applications alone. Five pairs each, of which the least counts.
	ct, err := geometries[2].scanned(testSeed, 0, side)
	if err != nil {
		return "", err
	}
	fmt.Fprintln(&b, "| operator | CG in a step (ms) | its A, Aᵀ pairs alone (ms) | overhead | allocations a step |")
	fmt.Fprintln(&b, "|---|---|---|---|---|")
	for _, o := range []struct {
		name string
		p    *inverse.Problem
	}{{"blur 512²", m.problem}, {"Radon 256², 60 views", ct.problem}} {
		_, d := o.p.Dims()
		c, err := inverse.NewConditional(o.p, idle{d}, gain)
		if err != nil {
			return "", err
		}
		x, dst, back := make([]float64, d), make([]float64, d), make([]float64, len(o.p.Y()))
		c.Denoise(dst, x, 1, 1)
		n := c.Counts()
		step, alone := time.Hour, time.Hour
		for range 9 {
			start := time.Now()
			c.Denoise(dst, x, 1, 1)
			step = min(step, time.Since(start))
			start = time.Now()
			for range n.Apply {
				o.p.A().Apply(back, x)
			}
			for range n.Adjoint {
				o.p.A().Adjoint(dst, back)
			}
			alone = min(alone, time.Since(start))
		}
		allocs := testing.AllocsPerRun(5, func() { c.Denoise(dst, x, 1, 1) })
		fmt.Fprintf(&b, "| %s | %.2f | %.2f (%d and %d) | %.1f %% | %.0f |\n", o.name, step.Seconds()*1e3, alone.Seconds()*1e3, n.Apply, n.Adjoint,
			100*(step.Seconds()/alone.Seconds()-1), allocs)
	}
	same, err := sameBits(ctx, path, gain)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "\n1 and %d cores give the same bits at 256²: %v.\n", runtime.NumCPU(), same)
	start := time.Now()
	a, err := chain{path: path, grid: grid, solver: inverse.Recursion{Eta: 0.15, Split: inverse.MixedVE}.Solver()}.conditional(m, gain)(ctx)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "DDS with 5 iterations of CG: %.0f evaluations, %d pairs of A and Aᵀ, %.1f s.\n", a.NFE, a.Pairs, time.Since(start).Seconds())
	return b.String(), nil
}

// sameBits compares the restoration on one core and on all.
func sameBits(ctx context.Context, path interpolant.Path, gain inverse.Gain) (bool, error) {
	small, rows, cols, err := dataio.ReadGray(filepath.Join(*data, "camera.png"))
	if err != nil {
		return false, err
	}
	m, err := photograph(degradations[0], small, rows, cols, 0)
	if err != nil {
		return false, err
	}
	t0, t1 := path.Span()
	var first []float64
	for _, workers := range []int{1, runtime.NumCPU()} {
		before := runtime.GOMAXPROCS(workers)
		a, err := chain{path: path, grid: interpolant.KarrasGrid(path, 7, t0, t1, 6), solver: song}.conditional(m, gain)(ctx)
		runtime.GOMAXPROCS(before)
		if err != nil {
			return false, err
		}
		if first != nil {
			return slices.Equal(first, a.x), nil
		}
		first = a.x
	}
	return true, nil // of one core
}

// quadruple mirrors a picture to the right and down.
func quadruple(x []float64, rows, cols int) []float64 {
	big := make([]float64, 4*len(x))
	for i := range 2 * rows {
		for j := range 2 * cols {
			big[i*2*cols+j] = x[min(i, 2*rows-1-i)*cols+min(j, 2*cols-1-j)]
		}
	}
	return big
}
