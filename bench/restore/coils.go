package main

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// calibrationLines are the numbers of full columns in the middle of k-space.
var calibrationLines = []int{8, 12, 16, 24}

func coilTask(lines int) string { return fmt.Sprintf("%d lines", lines) }

// An estimate makes maps of a k-space from so many full lines.
type estimate struct {
	name string
	make func(kspace []float64, lines int) ([]float64, error)
}

var estimates = []estimate{
	{"low resolution, square", func(k []float64, n int) ([]float64, error) {
		return linop.LowResolutionMaps(k, side, side, linop.Size{Rows: n, Cols: n}, 0.05)
	}},
	{"low resolution, 24 rows", func(k []float64, n int) ([]float64, error) {
		return linop.LowResolutionMaps(k, side, side, linop.Size{Rows: 24, Cols: n}, 0.05)
	}},
	{"ESPIRiT, square", func(k []float64, n int) ([]float64, error) {
		maps, _, err := linop.ESPIRiT{Calib: linop.Size{Rows: n, Cols: n}}.Maps(k, side, side)
		return maps, err
	}},
	{"ESPIRiT, 24 rows", func(k []float64, n int) ([]float64, error) {
		maps, _, err := linop.ESPIRiT{Calib: linop.Size{Rows: 24, Cols: n}}.Maps(k, side, side)
		return maps, err
	}},
}

// coilMaps reconstructs the phantom by l1-wavelets with maps that were estimated from few lines.
func coilMaps(ctx context.Context, s *store) error {
	clean, err := complexPhantom(testSeed, 0, side)
	if err != nil {
		return err
	}
	truth := linop.BirdcageMaps(coils, side, side)
	inBody := append([]float64(nil), truth...) // as estimates are, outside of which pixels stay 0
	body := modulus(clean)
	for i := range body {
		if body[i] == 0 {
			for c := range coils {
				clear(inBody[2*(c*len(body)+i):][:2])
			}
		}
	}
	for _, lines := range calibrationLines {
		mask, err := linop.UniformMask(side, side, acceleration, float64(lines)/side)
		if err != nil {
			return err
		}
		a, err := linop.NewMRI(mask, truth)
		if err != nil {
			return err
		}
		p, err := measure(a, clean, kspaceNoise, uint64(lines))
		if err != nil {
			return err
		}
		kspace := make([]float64, 2*coils*side*side)
		a.ToGrid(kspace, p.Y())
		all := append([]estimate{{"true maps", func([]float64, int) ([]float64, error) { return inBody, nil }}}, estimates...)
		var methods []restorer
		for _, e := range all {
			methods = append(methods, restorer{e.name, func(ctx context.Context) (answer, error) {
				maps, err := e.make(kspace, lines)
				if err != nil {
					return answer{}, err
				}
				b, err := linop.NewMRI(mask, maps)
				if err != nil {
					return answer{}, err
				}
				q, err := inverse.New(b, p.Y(), kspaceNoise)
				if err != nil {
					return answer{}, err
				}
				m := &measurement{rows: side, cols: side, clean: clean, problem: q}
				r, err := magnitude(wavelets(m, 0.005, 40))(ctx)
				for i, v := range body {
					if v == 0 { // of no interest
						r.x[i] = 0
					}
				}
				r.MapError = mapError(maps, truth, body)
				return r, err
			}})
		}
		if _, err := answers(ctx, s, coilTask(lines), methods, body, side, side); err != nil {
			return err
		}
	}
	return nil
}

// mapError is the root mean of 1 - |⟨S, Ŝ⟩|² over the energy of the picture: the share of its
// signal that the maps miss, whatever their phase.
func mapError(maps, truth, body []float64) float64 {
	s, g := fft.Complex(truth), fft.Complex(maps)
	missed, sum := 0.0, 0.0
	for i, v := range body {
		dot := 0i
		for c := range coils {
			dot += cmplx.Conj(s[c*len(body)+i]) * g[c*len(body)+i]
		}
		missed += v * v * max(0, 1-real(dot*cmplx.Conj(dot)))
		sum += v * v
	}
	return math.Sqrt(missed / sum)
}

// coilSection has an estimate a row and a number of lines a column: dB, and the maps' error.
func coilSection(s *store) string {
	var b strings.Builder
	var tasks []string
	b.WriteString("PSNR in the body (dB) / error of the maps:\n\n| maps |")
	for _, n := range calibrationLines {
		tasks = append(tasks, coilTask(n))
		fmt.Fprintf(&b, " %d lines |", n)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(tasks)) + "\n")
	for _, m := range s.methods(tasks...) {
		fmt.Fprintf(&b, "| %s |", m)
		for _, t := range tasks {
			a, _ := s.get(t, m)
			fmt.Fprintf(&b, " %.2f / %.4f |", a.PSNR, a.MapError)
		}
		b.WriteString("\n")
	}
	return b.String()
}
