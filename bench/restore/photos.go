package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
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

// Rows that the section treats by themselves.
const (
	splittingName = "half-quadratic splitting"
	diffPIRName   = "DiffPIR, λ = 7"
)

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

var photographs = []string{"camera", "astronaut"}

func photoTask(picture string, d degradation) string { return picture + ", " + d.name }

// photos restores the two test photographs.
func photos(ctx context.Context, s *store) error {
	training, err := prior.ReadImages(filepath.Join(*data, "train"))
	if err != nil {
		return err
	}
	for _, d := range degradations {
		for i, name := range photographs {
			task := photoTask(name, d)
			clean, rows, cols, err := dataio.ReadGray(filepath.Join(*data, name+".png"))
			if err != nil {
				return err
			}
			m, err := photograph(d, clean, rows, cols, uint64(i))
			if err != nil {
				return err
			}
			averaged := i == 0
			if !s.pending(task, photoMethods(m, d, 0, 1, averaged)) {
				continue
			}
			v, err := s.tuned(d.name, func() ([]float64, error) {
				ms, err := trainings(d, training)
				if err != nil {
					return nil, err
				}
				lambda, err := tuneTV(ctx, ms)
				if err != nil {
					return nil, err
				}
				hi, err := tuneSplitting(ctx, ms, d)
				return []float64{lambda, hi}, err
			})
			if err != nil {
				return err
			}
			all, err := answers(ctx, s, task, photoMethods(m, d, v[0], v[1], averaged), clean, rows, cols)
			if err != nil {
				return err
			}
			if err := strip("photo-"+d.file+"-"+name, clean, all, rows, cols, 1, "data", "Wiener", "total variation", splittingName); err != nil {
				return err
			}
		}
	}
	return nil
}

// photoSection has the classical methods, splitting and DiffPIR in one table, a picture and task
// a row, and all others in one of a method a row.
func photoSection(s *store) string {
	var b strings.Builder
	first := []string{"data", "Wiener", "total variation", splittingName, diffPIRName}
	b.WriteString("PSNR (dB) / SSIM:\n\n| picture, task | data | Wiener | total variation | splitting (13 NFE) | above the better | DiffPIR (16 NFE) |\n|---|---|---|---|---|---|---|\n")
	var tasks, gains []string
	var titles strings.Builder
	var least, most float64
	over := 0
	for _, d := range degradations {
		for _, name := range photographs {
			task := photoTask(name, d)
			tasks = append(tasks, task)
			fmt.Fprintf(&titles, " %s |", task)
			row := make([]answer, len(first))
			complete := true
			for i, m := range first {
				var ok bool
				row[i], ok = s.get(task, m)
				complete = complete && ok
			}
			if !complete {
				continue
			}
			gain := row[3].PSNR - max(row[1].PSNR, row[2].PSNR)
			if len(gains) == 0 {
				least, most = gain, gain
			}
			least, most = min(least, gain), max(most, gain)
			if gain >= 1 {
				over++
			}
			gains = append(gains, task)
			fmt.Fprintf(&b, "| %s | %s | %s | %s | **%s** | %+.2f | %s |\n", task, scores(row[0]), scores(row[1]), scores(row[2]), scores(row[3]), gain, scores(row[4]))
		}
	}
	fmt.Fprintf(&b, "\nSplitting is from %+.2f to %+.2f dB above the better of the two, by 1 dB or more on %d of %d.\n", least, most, over, len(gains))
	for _, d := range degradations {
		if v := s.settings(d.name); v != nil {
			fmt.Fprintf(&b, "%s: total variation with λ = %.2g, splitting from s = %.2g.\n", d.name, v[0], v[1])
		}
	}
	others := func(m string) bool { return !slices.Contains(first[:4], m) }
	if !slices.ContainsFunc(s.methods(tasks...), func(m string) bool { return others(m) && m != diffPIRName }) {
		return b.String()
	}
	b.WriteString("\nPosterior samplers, PSNR (dB) / SSIM of one sample where no mean is named; evaluations, Jacobian products and seconds are those of the first task:\n\n")
	b.WriteString(s.columns(" NFE, products, s |"+titles.String(), tasks, others, func(m string) string {
		for _, t := range tasks {
			if a, ok := s.get(t, m); ok {
				return fmt.Sprintf("%.0f, %d, %.1f", a.NFE, a.JVP, a.Seconds)
			}
		}
		return ""
	}))
	return b.String()
}

func photograph(d degradation, clean []float64, rows, cols int, sample uint64) (*measurement, error) {
	a, err := d.make(rows, cols)
	if err != nil {
		return nil, err
	}
	p, err := measure(a, clean, photoNoise, sample)
	if err != nil {
		return nil, err
	}
	m := &measurement{rows: rows, cols: cols, clean: clean, problem: p, prior: prior.Default().New(rows, cols, nil)}
	w, err := wiener(m, prior.Default().Spectrum())(context.Background())
	m.start = w.x // half-quadratic splitting fills no large holes by itself
	return m, err
}

// cropSide is the side of the centres of training pictures that settings are tuned on.
const cropSide = 128

// trainings are the problems that settings of a task are tuned on.
func trainings(d degradation, training []prior.Image) ([]*measurement, error) {
	var ms []*measurement
	for i, im := range training {
		crop := make([]float64, 0, cropSide*cropSide)
		for r := range cropSide {
			crop = append(crop, im.Pix[((im.Rows-cropSide)/2+r)*im.Cols+(im.Cols-cropSide)/2:][:cropSide]...)
		}
		m, err := photograph(d, crop, cropSide, cropSide, 100+uint64(i))
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
			return splitting(m, falling(hi, d.last, splits), splitWeight)
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

// correctedStep has the settings of sample restore.
var correctedStep = inverse.Corrected{Eta: 1, Krylov: inverse.Krylov{Iterations: 5, RTol: 0.1},
	Cov: inverse.Tweedie{Lanczos: inverse.Krylov{Iterations: 6, RTol: 0.03}}}

// photoMethods are the rows of the table, more of them with -full, and then a mean of samples
// if asked for: the dearest row.
func photoMethods(m *measurement, d degradation, lambda, hi float64, averaged bool) []restorer {
	path := interpolant.EDM{SigmaMin: 0.005, SigmaMax: 3}
	t0, t1 := path.Span()
	on := func(k int, s score.Solver) chain {
		return chain{path: path, grid: interpolant.KarrasGrid(path, 7, t0, t1, k), solver: s}
	}
	start := back(m)
	pir := on(16, inverse.Recursion{Eta: math.Sqrt(d.zeta), Posterior: true}.Solver())
	methods := []restorer{
		{"data", func(context.Context) (answer, error) { return answer{x: start}, nil }},
		{"Wiener", wiener(m, prior.Default().Spectrum())},
		{"total variation", totalVariation(m, lambda, 1, start, 1, 2000)},
		{splittingName, splitting(m, falling(hi, d.last, splits), splitWeight)},
		{diffPIRName, pir.conditional(m, inverse.DiffPIR(7))},
		{splittingName + byNetwork, splitting(m.network(), falling(hi, d.last, splits), splitWeight)},
		{diffPIRName + byNetwork, pir.conditional(m.network(), inverse.DiffPIR(7))},
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
	methods = append(methods,
		restorer{"PnP-Flow", on(50, nil).stepped(m, inverse.PnPFlow{Power: 0.3, Draws: 5}.Sampler)},
		restorer{"RED-diff from the ridge estimate", on(60, nil).stepped(m, inverse.REDDiff{Ridge: true}.Sampler)},
		restorer{"DAPS, τ of the noise", on(30, nil).stepped(m, inverse.DAPS{}.Sampler)},
		restorer{"corrected step", on(12, nil).stepped(m, correctedStep.Sampler)})
	if averaged {
		c := on(12, nil)
		c.draws = 8
		methods = append(methods, restorer{"corrected step, mean of 8", c.stepped(m, correctedStep.Sampler)})
	}
	return methods
}
