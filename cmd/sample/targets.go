package main

import (
	"math"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A targetEntry is a registered target. Those that read a file have the form name:FILE or
// name:FILE,key=value, and open in place of build.
type targetEntry struct {
	Name    string
	Aliases []string
	Doc     string
	Params  []param
	file    string // what the file is called in help; "" if there is none
	build   func(p *params) (density.Target, error)
	open    func(file string, p *params) (density.Target, error)
}

const maxDim = 100_000

// Thickness of the targets along curves, whose quadrature nodes grow as its inverse.
const minThickness, maxThickness = 1e-3, 10

var stdParam = param{"std", "0.1", "standard deviation of the thickness"}

var targetTable = []targetEntry{
	{
		Name: "gauss", Aliases: []string{"gaussian", "normal"}, Doc: "isotropic Gaussian",
		Params: []param{{"d", "2", "dimension"}, {"mean", "0", "mean of every coordinate"}, {"std", "1", "standard deviation"}},
		build: func(p *params) (density.Target, error) {
			d, mean, std := p.int("d", 1, maxDim), p.float("mean", -1e9, 1e9), p.positive("std")
			m := make([]float64, d)
			for i := range m {
				m[i] = mean
			}
			return density.NewIsotropicMixture([]float64{1}, m, []float64{std}, d)
		},
	},
	{
		Name: "ring8", Aliases: []string{"ring", "8gaussians"}, Doc: "modes on a ring",
		Params: []param{{"modes", "8", "number of modes"}, {"radius", "4", "radius of the ring"}, {"std", "0.3", "standard deviation of a mode"}},
		build: func(p *params) (density.Target, error) {
			return density.Ring(p.int("modes", 1, 10000), p.positive("radius"), p.positive("std")), nil
		},
	},
	{
		Name: "grid25", Aliases: []string{"grid", "25gaussians"}, Doc: "modes on a square grid",
		Params: []param{{"side", "5", "modes along a side"}, {"spacing", "2", "distance of the modes"}, {"std", "0.1", "standard deviation of a mode"}},
		build: func(p *params) (density.Target, error) {
			return density.Grid(p.int("side", 1, 100), p.positive("spacing"), p.positive("std")), nil
		},
	},
	{
		Name: "checkerboard", Doc: "alternate squares of a board, uniform",
		Params: []param{{"n", "4", "squares along a side"}, {"side", "2", "side of a square"}},
		build: func(p *params) (density.Target, error) {
			return density.NewCheckerboard(p.int("n", 1, 64), p.positive("side")), nil
		},
	},
	{
		Name: "moons", Aliases: []string{"two-moons"}, Doc: "two interleaved half circles with Gaussian thickness",
		Params: []param{stdParam},
		build: func(p *params) (density.Target, error) {
			return density.Moons(p.float("std", minThickness, maxThickness)), nil
		},
	},
	{
		Name: "swissroll", Aliases: []string{"swiss-roll"}, Doc: "planar section of the Swiss roll with Gaussian thickness",
		Params: []param{stdParam},
		build: func(p *params) (density.Target, error) {
			return density.SwissRoll(p.float("std", minThickness, maxThickness)), nil
		},
	},
	{
		Name: "spiral", Aliases: []string{"2spirals", "spirals"}, Doc: "spiral arms with Gaussian thickness",
		Params: []param{{"arms", "2", "number of arms"}, stdParam},
		build: func(p *params) (density.Target, error) {
			return density.Spirals(p.int("arms", 1, 12), p.float("std", minThickness, maxThickness)), nil
		},
	},
	{
		Name: "pinwheel", Doc: "bent blades around the origin",
		Params: []param{
			{"arms", "5", "number of blades"}, {"rate", "0.25", "winding"}, {"radial", "0.3", "standard deviation along a blade"},
			{"tangential", "0.1", "standard deviation across a blade"}, stdParam,
		},
		build: func(p *params) (density.Target, error) {
			b := density.Blade{Rate: p.float("rate", 0, 1), Radial: p.float("radial", 1e-3, 1), Tangential: p.float("tangential", 1e-3, 10)}
			return density.Pinwheel(p.int("arms", 1, 12), b, p.float("std", minThickness, maxThickness)), nil
		},
	},
	{
		Name: "box", Aliases: []string{"uniform", "cube"}, Doc: "uniform on a cube",
		Params: []param{{"d", "2", "dimension"}, {"lo", "-1", "lower end of every side"}, {"hi", "1", "upper end"}},
		build: func(p *params) (density.Target, error) {
			lo, hi := p.float("lo", -1e9, 1e9), p.float("hi", -1e9, 1e9)
			if lo >= hi {
				return nil, usagef("%s: lo=%g must be less than hi=%g", p.owner, lo, hi)
			}
			return density.Uniform(p.int("d", 1, maxDim), lo, hi), nil
		},
	},
	{
		Name: "rings", Aliases: []string{"circles"}, Doc: "concentric rings, or spheres in d dimensions, with Gaussian thickness",
		Params: []param{
			{"d", "2", "dimension"}, {"rings", "3", "number of rings, radii evenly spaced"}, {"radius", "4", "radius of the largest"}, stdParam,
		},
		build: func(p *params) (density.Target, error) {
			n, r := p.int("rings", 1, 100), p.positive("radius")
			weights, radii := make([]float64, n), make([]float64, n)
			for i := range radii {
				radii[i] = r * float64(i+1) / float64(n)
				weights[i] = radii[i] // in the plane, the same density along every ring
			}
			return spheres(weights, radii, p.int("d", 1, maxDim), p.float("std", 0, maxThickness))
		},
	},
	{
		Name: "sphere", Doc: "uniform on a sphere in d dimensions",
		Params: []param{{"d", "3", "dimension"}, {"radius", "1", "radius"}, {"std", "0", "standard deviation of the thickness; 0 for none"}},
		build: func(p *params) (density.Target, error) {
			return spheres([]float64{1}, []float64{p.positive("radius")}, p.int("d", 1, maxDim), p.float("std", 0, maxThickness))
		},
	},
	{
		Name: "vmf", Aliases: []string{"von-mises-fisher"}, Doc: "von Mises-Fisher modes on the unit sphere, along the first axes in turn",
		Params: []param{{"d", "3", "dimension"}, {"kappa", "20", "concentration"}, {"modes", "2", "number of modes: +e1, -e1, +e2, …"}},
		build: func(p *params) (density.Target, error) {
			d, n, kappa := p.int("d", 2, maxDim), p.int("modes", 1, 2*maxDim), p.float("kappa", 0, 1e12)
			if n > 2*d {
				return nil, usagef("%s: modes=%d must not exceed twice the dimension, %d", p.owner, n, 2*d)
			}
			mus, kappas := make([]float64, n*d), make([]float64, n)
			for k := range n {
				mus[k*d+k/2] = 1 - 2*float64(k%2)
				kappas[k] = kappa
			}
			return density.NewVMF(nil, mus, kappas, d)
		},
	},
	{
		Name: "laplace", Doc: "symmetric Laplace, a Gaussian scale mixture",
		Params: []param{{"d", "2", "dimension"}, {"scale", "1", "standard deviation of a coordinate over the square root of 2"}},
		build: func(p *params) (density.Target, error) {
			return density.NewLaplace(p.int("d", 1, maxDim), p.positive("scale")), nil
		},
	},
	{
		Name: "student", Aliases: []string{"student-t", "t"}, Doc: "multivariate Student-t, heavy tails",
		Params: []param{{"d", "2", "dimension"}, {"dof", "3", "degrees of freedom"}, {"scale", "1", "scale of a coordinate"}},
		build: func(p *params) (density.Target, error) {
			return density.NewStudentT(p.int("d", 1, maxDim), p.float("dof", 0.1, 1e6), p.positive("scale")), nil
		},
	},
	{
		Name: "funnel", Doc: "Neal's funnel: v ~ N(0, 9), the others N(0, exp(v))",
		Params: []param{{"d", "2", "dimension"}},
		build: func(p *params) (density.Target, error) {
			return density.NewFunnel(p.int("d", 2, 1000)), nil
		},
	},
	{
		Name: "points", file: "FILE", Doc: "the user's own data as an empirical density: .npy or .csv, a point a row",
		Params: []param{{"std", "0", "width of the Gaussian that smooths the data; 0 for none"}},
		open: func(file string, p *params) (density.Target, error) {
			std := p.float("std", 0, math.MaxFloat64)
			x, _, d, err := dataio.ReadPoints(file)
			if err != nil {
				return nil, err
			}
			t, err := density.NewPoints(x, d)
			if err != nil || std == 0 {
				return t, err
			}
			return density.Smooth(t, std), nil
		},
	},
	{
		Name: "image", file: "FILE", Doc: "an image's brightness as a 2-D density: .png or .jpg",
		open: func(file string, _ *params) (density.Target, error) {
			pix, rows, cols, err := dataio.ReadGray(file)
			if err != nil {
				return nil, err
			}
			return density.NewImage(pix, rows, cols)
		},
	},
	{
		Name: "file", file: "SPEC.json", Doc: `a mixture of Gaussians: {"type":"gmm","weights":[…],"means":[[…]],"covs":[[[…]]]} or "stds":[…]`,
		open: func(file string, _ *params) (density.Target, error) { return openSpec(file) },
	},
}

// spheres returns concentric spheres, smoothed if std is positive.
func spheres(weights, radii []float64, d int, std float64) (density.Target, error) {
	t, err := density.NewSpheres(weights, radii, d)
	if err != nil || std == 0 {
		return t, err
	}
	return density.Smooth(t, std), nil
}

func openSpec(file string) (density.Target, error) {
	s, err := dataio.ReadSpec(file)
	if err != nil {
		return nil, err
	}
	d := len(s.Means[0])
	var means, covs []float64
	for _, m := range s.Means {
		means = append(means, m...)
	}
	if s.Stds != nil {
		return density.NewIsotropicMixture(s.Weights, means, s.Stds, d)
	}
	for _, c := range s.Covs {
		for _, row := range c {
			covs = append(covs, row...)
		}
	}
	return density.NewMixture(s.Weights, means, covs, d)
}

// buildTarget returns the target that a spec names.
func buildTarget(text string) (density.Target, error) {
	s := parseSpec(text)
	for _, e := range targetTable {
		if e.file == "" || normalise(s.name) != e.Name {
			continue
		}
		if s.rest == "" {
			return nil, usagef("target %s needs a file, as in --target %s:%s", e.Name, e.Name, strings.ToLower(e.file))
		}
		file, rest := splitFile(s.rest)
		p := parseParams("target "+e.Name, rest, e.Params)
		if p.err() != nil {
			return nil, p.err()
		}
		t, err := e.open(file, p)
		if err != nil && !strings.Contains(err.Error(), file) {
			err = usagef("%s: %v", file, err)
		}
		if err := firstError(p.err(), asUsage(err)); err != nil {
			return nil, err
		}
		return t, nil
	}
	e, p, err := find("target", text, targetTable, func(e *targetEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return nil, err
	}
	t, err := e.build(p)
	if err := firstError(p.err(), asUsage(err)); err != nil {
		return nil, err
	}
	return t, nil
}
