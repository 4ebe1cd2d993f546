package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"path/filepath"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score"
)

// photoNoise is the standard deviation of the noise, pixels having the range 0 to 1.
const photoNoise = 0.02

// splits is the number of steps of half-quadratic splitting.
const splits = 12

// A degradation makes the operator for pictures of one size.
type degradation struct {
	name string
	file string // for its picture
	make func(rows, cols int) (linop.Operator, error)
	zeta float64 // DiffPIR's ζ for the task
	last float64 // last noise of splitting, found on training pictures
}

var degradations = []degradation{
	{"Gaussian blur", "gaussian", func(rows, cols int) (linop.Operator, error) { return blur(linop.GaussianPSF(2))(rows, cols) }, 0.1, 0.02},
	{"motion blur", "motion", func(rows, cols int) (linop.Operator, error) { return blur(linop.MotionPSF(15, 30))(rows, cols) }, 0.1, 0.02},
	{"super-resolution ×2", "superres", func(rows, cols int) (linop.Operator, error) { return linop.NewBox(rows, cols, 2), nil }, 0.25, 0.01},
	{"inpainting 70 %", "inpaint", func(rows, cols int) (linop.Operator, error) { return linop.NewRandomMask(rows*cols, 0.3, seed) }, 1, 0.01},
}

func blur(p linop.PSF, err error) func(rows, cols int) (linop.Operator, error) {
	return func(rows, cols int) (linop.Operator, error) {
		if err != nil {
			return nil, err
		}
		return linop.NewCircularConv(p, rows, cols)
	}
}

// back shows data as a picture: A⁺y, or y itself for a blur.
func back(m *measurement) []float64 {
	if _, ok := m.problem.A().(*linop.CircularConv); ok {
		return append([]float64(nil), m.problem.Y()...)
	}
	x := make([]float64, len(m.clean))
	linop.PseudoInverse(m.problem.A().(linop.Spectral), x, m.problem.Y(), nil)
	return x
}

// photos restores the two test photographs.
func photos(ctx context.Context) error {
	training, err := prior.ReadImages(filepath.Join(*data, "train"))
	if err != nil {
		return err
	}
	makePrior, err := picturePrior(prior.Default())
	if err != nil {
		return err
	}
	for _, d := range degradations {
		if !wanted(d.name) {
			continue
		}
		ms, err := trainings(d, training, makePrior)
		if err != nil {
			return err
		}
		lambda, err := tuneTV(ctx, ms)
		if err != nil {
			return err
		}
		hi, err := tuneSplitting(ctx, ms, d)
		if err != nil {
			return err
		}
		for i, name := range []string{"camera.png", "astronaut.png"} {
			log.Printf("%s, %s, λ = %.3g, s from %.2g", d.name, name, lambda, hi)
			clean, rows, cols, err := dataio.ReadGray(filepath.Join(*data, name))
			if err != nil {
				return err
			}
			m, err := photograph(d, clean, rows, cols, uint64(i), makePrior)
			if err != nil {
				return err
			}
			all, err := answers(ctx, photoMethods(m, d, lambda, hi), clean, rows, cols)
			if err != nil {
				return err
			}
			if err := strip("photo-"+d.file+"-"+strings.TrimSuffix(name, ".png"), clean, all, rows, cols, 1, "data", "Wiener", "total variation", "half-quadratic splitting"); err != nil {
				return err
			}
			fmt.Printf("%s, %s; total variation with λ = %.2g, splitting from s = %.2g\n\n", name, d.name, lambda, hi)
			table(all)
		}
	}
	return nil
}

func photograph(d degradation, clean []float64, rows, cols int, sample uint64, makePrior sized) (*measurement, error) {
	a, err := d.make(rows, cols)
	if err != nil {
		return nil, err
	}
	p, err := measure(a, clean, photoNoise, sample)
	if err != nil {
		return nil, err
	}
	m := &measurement{rows: rows, cols: cols, clean: clean, problem: p, prior: makePrior(rows, cols)}
	w, err := wiener(m, prior.Default().Spectrum())(context.Background())
	m.start = w.x // half-quadratic splitting fills no large holes by itself
	return m, err
}

// cropSide is the side of the centres of training pictures that settings are tuned on.
const cropSide = 128

// trainings are the problems that settings of a task are tuned on.
func trainings(d degradation, training []prior.Image, makePrior sized) ([]*measurement, error) {
	var ms []*measurement
	for i, im := range training {
		crop := make([]float64, 0, cropSide*cropSide)
		for r := range cropSide {
			crop = append(crop, im.Pix[((im.Rows-cropSide)/2+r)*im.Cols+(im.Cols-cropSide)/2:][:cropSide]...)
		}
		m, err := photograph(d, crop, cropSide, cropSide, 100+uint64(i), makePrior)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// meanPSNR returns the mean PSNR of a method on the training problems.
func meanPSNR(ctx context.Context, ms []*measurement, run func(*measurement) func(context.Context) (answer, error)) (float64, error) {
	total := 0.0
	for _, m := range ms {
		a, err := run(m)(ctx)
		if err != nil {
			return 0, err
		}
		p, err := metric.PSNR(a.x, m.clean, 1)
		if err != nil {
			return 0, err
		}
		total += p / float64(len(ms))
	}
	return total, nil
}

// tuneTV returns the weight of total variation with the best mean PSNR, among powers of √2.
func tuneTV(ctx context.Context, ms []*measurement) (float64, error) {
	top, best := math.Inf(-1), 0.0
	for k := 0; k <= 10; k++ {
		lambda := photoNoise / 2 * math.Pow(2, -float64(k)/2)
		p, err := meanPSNR(ctx, ms, func(m *measurement) func(context.Context) (answer, error) {
			return totalVariation(m, lambda, 1, back(m), 1, 150)
		})
		if err != nil {
			return 0, err
		}
		if p > top {
			top, best = p, lambda
		} else if p < top-0.3 { // past the peak
			break
		}
	}
	return best, nil
}

// tuneSplitting returns the first noise of half-quadratic splitting with the best mean PSNR.
func tuneSplitting(ctx context.Context, ms []*measurement, d degradation) (float64, error) {
	top, best := math.Inf(-1), 0.0
	for _, hi := range []float64{0.1, 0.2, 0.4, 0.8} {
		p, err := meanPSNR(ctx, ms[:2], func(m *measurement) func(context.Context) (answer, error) {
			return splitting(m, falling(hi, d.last, splits))
		})
		if err != nil {
			return 0, err
		}
		if p > top {
			top, best = p, hi
		}
	}
	return best, nil
}

// photoMethods are the rows of the table, more of them with -full.
func photoMethods(m *measurement, d degradation, lambda, hi float64) []restorer {
	path := interpolant.EDM{SigmaMin: 0.005, SigmaMax: 3}
	t0, t1 := path.Span()
	on := func(k int, s score.Solver) chain {
		return chain{path: path, grid: interpolant.KarrasGrid(path, 7, t0, t1, k), solver: s}
	}
	start := back(m)
	methods := []restorer{
		{"data", func(context.Context) (answer, error) { return answer{x: start}, nil }},
		{"Wiener", wiener(m, prior.Default().Spectrum())},
		{"total variation", totalVariation(m, lambda, 1, start, 1, 2000)},
		{"half-quadratic splitting", splitting(m, falling(hi, d.last, splits))},
		{"DiffPIR, λ = 7", on(16, inverse.Recursion{Eta: math.Sqrt(d.zeta), Posterior: true}.Solver()).conditional(m, inverse.DiffPIR(7))},
	}
	if !*full {
		return methods
	}
	methods = append(methods,
		restorer{"DDRM (= DDNM+)", func(ctx context.Context) (answer, error) {
			return on(20, inverse.DDRM{Problem: m.problem, Eta: 0.85, EtaB: 1}.Solver()).run(ctx, m.prior)
		}},
		restorer{"DDS, γ = 1", on(49, inverse.Recursion{Eta: 0.15, Split: inverse.MixedVE}.Solver()).conditional(m, inverse.DDS{Gamma: 1, Krylov: inverse.Krylov{Iterations: 5}})},
		restorer{"PiGDM, r = s", on(49, song).conditional(m, inverse.PiGDM(1e4))},
		restorer{"MMPS, 3 iterations", on(49, song).conditional(m, inverse.MMPS(3))},
	)
	c := on(20, song)
	c.draws = 8
	methods = append(methods,
		restorer{"PnP-Flow", on(50, nil).stepped(m, inverse.PnPFlow{Power: 0.3, Draws: 5}.Sampler)},
		restorer{"RED-diff", on(100, nil).stepped(m, inverse.REDDiff{Ridge: true}.Sampler)},
		restorer{"DAPS, τ of the noise", on(30, nil).stepped(m, inverse.DAPS{}.Sampler)},
		restorer{"DPS, likelihood, ending with MMPS", on(100, inverse.DPS{Zeta: 1, Form: inverse.Likelihood, Eta: 1}.Solver()).conditional(m, inverse.MMPS(3))},
		restorer{"MMPS, mean of 8", c.conditional(m, inverse.MMPS(5))})
	return methods
}
