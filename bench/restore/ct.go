package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"strings"
	"sync"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/metric"
)

const (
	side       = 256
	radius     = 0.9  // of a phantom's body at most; pictures show [-1, 1]²
	inside     = 14   // ellipses in a body
	lineNoise  = 0.01 // of line integrals, which go up to about 1.8
	testSeed   = 11   // of the phantom under test
	trainSeed  = 12   // of those that priors and weights are fitted to
	trainCount = 8
)

// A geometry is a set of views.
type geometry struct {
	name   string
	angles []float64
}

var geometries = []geometry{
	{"8 views", linop.ViewAngles(8, 0, math.Pi)},
	{"18 views", linop.ViewAngles(18, 0, math.Pi)},
	{"60 views", linop.ViewAngles(60, 0, math.Pi)},
	{"90 views over 90°", linop.ViewAngles(90, 0, math.Pi/2)},
}

func (g geometry) scan(n int) linop.Scan {
	return linop.Scan{Rows: n, Cols: n, PixelSize: 2 / float64(n), Angles: g.angles, Detectors: n}
}

// scanned returns the phantom of an address with its exact line integrals and noise: the projector
// that reconstructs has not made the data.
func (g geometry) scanned(s uint64, sample uint64, n int) (*measurement, error) {
	ph, scan := linop.RandomEllipses(s, sample, inside, radius), g.scan(n)
	a, err := linop.NewRadon(scan)
	if err != nil {
		return nil, err
	}
	rays, _ := a.Dims()
	clean, y := make([]float64, n*n), make([]float64, rays)
	if err := ph.Image(clean, scan, 8); err != nil {
		return nil, err
	}
	if err := ph.Sinogram(y, scan); err != nil {
		return nil, err
	}
	linop.NoisyLines(y, y, lineNoise, seed, s*1000+sample)
	p, err := inverse.New(a, y, lineNoise)
	return &measurement{rows: n, cols: n, clean: clean, problem: p}, err
}

// ellipsePrior fits the patch prior to random phantoms other than the test's.
func ellipsePrior(ctx context.Context) (*prior.Model, error) {
	return ellipseModel(ctx, trainCount, side, 30)
}

// ellipseModel fits a number of components to count phantoms of n×n pixels.
func ellipseModel(ctx context.Context, count, n, components int) (*prior.Model, error) {
	images := make([]prior.Image, count)
	scan := geometry{angles: []float64{0}}.scan(n)
	for i := range images {
		pix := make([]float64, n*n)
		if err := linop.RandomEllipses(trainSeed, uint64(i), inside, radius).Image(pix, scan, 8); err != nil {
			return nil, err
		}
		images[i] = prior.Image{Name: fmt.Sprint("phantom ", i), Pix: pix, Rows: n, Cols: n}
	}
	return fitPrior(ctx, images, components)
}

// fitPrior fits a patch prior of a number of components, with 1000 patches for each.
func fitPrior(ctx context.Context, images []prior.Image, components int) (*prior.Model, error) {
	model, res, err := prior.Train(ctx, images, &prior.PatchFit{Components: components, Patches: 1000 * components, Iterations: 12, Seed: seed})
	if err == nil {
		log.Printf("prior: %v after %d iterations, %.1f nats a patch in training, %.1f held out", res.Status, len(res.LogLik)-1, res.LogLik[len(res.LogLik)-1], res.Held)
	}
	return model, err
}

// fbp reconstructs by filtered back-projection.
func fbp(g geometry, m *measurement, f linop.FBPFilter) ([]float64, error) {
	r, err := linop.NewFBP(g.scan(m.rows), f)
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(m.clean))
	r.Reconstruct(x, m.problem.Y())
	return x, nil
}

// cgls stops by the discrepancy principle, at 1.05 of the norm of the noise.
func cgls(m *measurement) func(context.Context) (answer, error) {
	return func(context.Context) (answer, error) {
		x := make([]float64, len(m.clean))
		sigma, _ := m.problem.Sigma()
		res := linop.CGLS(x, m.problem.A(), m.problem.Y(), 0,
			&linop.KrylovOptions{ATol: 1.05 * sigma * math.Sqrt(float64(len(m.problem.Y()))), MaxIter: 200})
		return answer{x: x, Pairs: int64(res.Iterations) + 1}, res.Status.Err()
	}
}

// tune returns the weight c·√2^k, k = 0, -1, …, -depth, with the best PSNR of run on a measurement.
func tune(ctx context.Context, m *measurement, c float64, depth int, run func(weight float64) func(context.Context) (answer, error)) (float64, error) {
	top, best := math.Inf(-1), 0.0
	for k := range depth + 1 {
		w := c * math.Pow(2, -float64(k)/2)
		a, err := run(w)(ctx)
		if err != nil {
			return 0, err
		}
		p, err := metric.PSNR(a.x, m.clean, 1)
		if err != nil {
			return 0, err
		}
		if p > top {
			top, best = p, w
		} else if p < top-1 {
			break
		}
	}
	return best, nil
}

// A budget of DDS, with the authors' η.
type budget struct {
	nfe int
	eta float64
}

var budgets = []budget{{19, 0.15}, {49, 0.5}, {99, 0.8}}

// paths are the two of the paper with DDS's steps: the variance-preserving one of DDPM's schedule on
// times of equal distance, and a variance-exploding one.
func (b budget) paths() (vp, ve chain, err error) {
	p, err := interpolant.FromBetas(interpolant.LinearBetas(1000, 1e-4, 0.02))
	if err != nil {
		return vp, ve, err
	}
	t0, t1 := p.Span()
	vp = chain{path: p, grid: interpolant.UniformGrid(t0, t1, b.nfe), solver: inverse.Recursion{Eta: b.eta}.Solver()}
	e := interpolant.VE{SigmaMin: 0.01, SigmaMax: 10}
	t0, t1 = e.Span()
	ve = chain{path: e, grid: interpolant.UniformGrid(t0, t1, b.nfe), solver: inverse.Recursion{Eta: b.eta, Split: inverse.MixedVE}.Solver()}
	return vp, ve, nil
}

// ddsMethods are DDS on both paths: with γ, with γ = ∞ (the noiseless problem), and with Bayes'
// weight s²/σ², s = σ_t/α_t, in the place of γ. Without -full the last three have so many evaluations as
// variants says, and 99 are left out unless long.
func ddsMethods(m *measurement, gamma float64, variants int, long bool) ([]restorer, error) {
	var methods []restorer
	five := inverse.Krylov{Iterations: 5}
	for _, b := range budgets {
		if b.nfe > 49 && !long && !*full {
			continue
		}
		vp, ve, err := b.paths()
		if err != nil {
			return nil, err
		}
		add := func(name string, c chain, g inverse.Gain) {
			methods = append(methods, restorer{fmt.Sprintf("%s, %d NFE", name, b.nfe), c.conditional(m, g)})
		}
		add("DDS-VP", vp, inverse.DDS{Gamma: gamma, Krylov: five})
		if b.nfe == variants || *full {
			add("DDS-VE", ve, inverse.DDS{Gamma: gamma, Krylov: five})
			add("DDS-VP, γ = ∞", vp, inverse.DDS{Krylov: five})
			add("DDS-VP, Bayes' γ", vp, inverse.Kalman{Cov: inverse.Proximal{}, Krylov: five})
		}
	}
	return methods, nil
}

// tomography reconstructs one slice.
func tomography(ctx context.Context, s *store) error {
	fitted := sync.OnceValues(func() (*prior.Model, error) { return ellipsePrior(ctx) })
	for _, g := range geometries {
		m, err := g.scanned(testSeed, 0, side)
		if err != nil {
			return err
		}
		norm, err := normOf(m.problem.A())
		if err != nil {
			return err
		}
		methods, err := sliceMethods(g, m, nil, 1, 1, norm, []float64{1, 1})
		if err != nil {
			return err
		}
		if !s.pending(g.name, methods) {
			continue
		}
		model, err := fitted()
		if err != nil {
			return err
		}
		m.prior = model.New(side, side, nil)
		v, err := s.tuned(g.name, func() ([]float64, error) {
			v, err := tuneCT(ctx, g, model)
			if err != nil {
				return nil, err
			}
			w, err := tuneSlow(ctx, g, model)
			return append(v, w...), err
		})
		if err != nil {
			return err
		}
		if methods, err = sliceMethods(g, m, model, v[0], v[1], norm, v[2:]); err != nil {
			return err
		}
		all, err := answers(ctx, s, g.name, methods, m.clean, side, side)
		if err != nil {
			return err
		}
		if err := strip("ct-"+strings.ReplaceAll(g.name, " ", "-"), m.clean, all, side, side, 1.3, "FBP, hann", "CGLS", "total variation", "DDS-VP, 49 NFE"); err != nil {
			return err
		}
	}
	return nil
}

// sliceMethods are the rows of the table; the model, of Wiener's filter, may be nil to know
// their names.
func sliceMethods(g geometry, m *measurement, model *prior.Model, lambda, gamma, norm float64, weights []float64) ([]restorer, error) {
	var methods []restorer
	for _, f := range []linop.FBPFilter{linop.FBPRamp, linop.FBPHann} {
		methods = append(methods, restorer{"FBP, " + f.String(), func(context.Context) (answer, error) {
			x, err := fbp(g, m, f)
			return answer{x: x}, err
		}})
	}
	methods = append(methods,
		restorer{"CGLS", cgls(m)},
		restorer{"Wiener", func(ctx context.Context) (answer, error) { return wiener(m, model.Spectrum())(ctx) }},
		restorer{"total variation", totalVariation(m, lambda, norm, make([]float64, len(m.clean)), 1.5, 1000)},
		restorer{splittingName, splitting(m, falling(2, 0.01, 20), splitWeight)},
		restorer{splittingName + byNetwork, splitting(m.network(), falling(2, 0.01, 20), splitWeight)},
		restorer{"splitting, 60 steps", splitting(m, slow, weights[0])},
		restorer{"splitting, 60 steps" + byNetwork, splitting(m.network(), slow, weights[1])},
	)
	vp, _, err := budgets[1].paths()
	if err != nil {
		return nil, err
	}
	methods = append(methods, restorer{fmt.Sprintf("DDS-VP, %d NFE", budgets[1].nfe) + byNetwork,
		vp.conditional(m.network(), inverse.DDS{Gamma: gamma / (norm * norm), Krylov: inverse.Krylov{Iterations: 5}})})
	dds, err := ddsMethods(m, gamma/(norm*norm), 19, len(g.angles) == 18)
	return append(methods, dds...), err
}

// tomographySection has a method a row and a geometry a column.
func tomographySection(s *store) string {
	var b, titles strings.Builder
	var tasks, lambdas, gammas, weights []string
	for _, g := range geometries {
		tasks = append(tasks, g.name)
		fmt.Fprintf(&titles, " %s |", g.name)
		if v := s.settings(g.name); v != nil {
			lambdas, gammas = append(lambdas, fmt.Sprintf("%.2g", v[0])), append(gammas, fmt.Sprintf("%g", v[1]))
			weights = append(weights, fmt.Sprintf("%g and %g", v[2], v[3]))
		}
	}
	fmt.Fprintf(&b, "PSNR (dB) / SSIM; total variation with λ = %s, DDS with γ‖A‖² = %s; 60 steps of splitting with λ = %s (patches and network):\n\n",
		strings.Join(lambdas, ", "), strings.Join(gammas, ", "), strings.Join(weights, ", "))
	b.WriteString(s.columns(titles.String(), tasks, nil, nil))
	return b.String()
}

// tuneCT fits the weight of total variation and DDS's γ, of 10⁻¹ … 10³ over ‖A‖², to a phantom
// of the training set at half the size, and returns them, γ in units of 1/‖A‖².
func tuneCT(ctx context.Context, g geometry, model *prior.Model) ([]float64, error) {
	const n = side / 2 // both weights hold for pixels of any size
	m, err := g.scanned(trainSeed, 0, n)
	if err != nil {
		return nil, err
	}
	m.prior = model.New(n, n, nil)
	norm, err := normOf(m.problem.A())
	if err != nil {
		return nil, err
	}
	start := make([]float64, n*n)
	lambda, err := tune(ctx, m, 0.03, 12, func(w float64) func(context.Context) (answer, error) {
		return totalVariation(m, w, norm, start, 1.5, 300)
	})
	if err != nil {
		return nil, err
	}
	vp, _, err := budgets[0].paths()
	if err != nil {
		return nil, err
	}
	gamma, err := best(ctx, m, []float64{1, 10, 100, 1000}, func(c float64) func(context.Context) (answer, error) {
		return vp.conditional(m, inverse.DDS{Gamma: c / (norm * norm), Krylov: inverse.Krylov{Iterations: 5}})
	})
	return []float64{lambda, gamma}, err
}

// slow are the noises of a splitting of many steps.
var slow = falling(0.5, 0.01, 60)

// tuneSlow fits λ of splitting in many steps, with the patch prior and with the network, to the
// phantom of tuneCT.
func tuneSlow(ctx context.Context, g geometry, model *prior.Model) ([]float64, error) {
	m, err := g.scanned(trainSeed, 0, side/2)
	if err != nil {
		return nil, err
	}
	m.prior = model.New(side/2, side/2, nil)
	var weights []float64
	for _, m := range []*measurement{m, m.network()} {
		w, err := best(ctx, m, []float64{splitWeight, 0.1}, func(w float64) func(context.Context) (answer, error) {
			return splitting(m, slow, w)
		})
		if err != nil {
			return nil, err
		}
		weights = append(weights, w)
	}
	return weights, nil
}

// best returns the value with the best PSNR of run on a measurement.
func best(ctx context.Context, m *measurement, values []float64, run func(v float64) func(context.Context) (answer, error)) (float64, error) {
	top, at := math.Inf(-1), 0.0
	for _, v := range values {
		a, err := run(v)(ctx)
		if err != nil {
			return 0, err
		}
		p, err := metric.PSNR(a.x, m.clean, 1)
		if err != nil {
			return 0, err
		}
		if p > top {
			top, at = p, v
		}
	}
	return at, nil
}

func normOf(a linop.Operator) (float64, error) {
	norm, res := linop.Norm(a, nil)
	return norm, res.Status.Err()
}

// falling returns n noises from hi to lo in equal ratios.
func falling(hi, lo float64, n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = hi * math.Pow(lo/hi, float64(i)/float64(n-1))
	}
	return s
}
