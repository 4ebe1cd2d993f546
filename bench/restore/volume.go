package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
)

const stack = 32

var volumeGeometries = []geometry{geometries[0], geometries[3]}

func volumeTask(g geometry) string {
	if *full {
		return fmt.Sprintf("%s, %d²", g.name, side)
	}
	return fmt.Sprintf("%s, %d²", g.name, side/2)
}

// volume reconstructs a stack of slices: DDS slice by slice, and with total variation across
// slices by ADMM. Without -full the slices have 128² pixels.
func volume(ctx context.Context, s *store) error {
	n := side / 2
	if *full {
		n = side
	}
	fitted := sync.OnceValues(func() (*prior.Model, error) { return ellipsePrior(ctx) })
	for _, g := range volumeGeometries {
		task := volumeTask(g)
		m, err := g.scannedStack(n)
		if err != nil {
			return err
		}
		norm, err := normOf(m.problem.A())
		if err != nil {
			return err
		}
		methods, err := stackMethods(g, m, 1, 1, norm)
		if err != nil {
			return err
		}
		if !s.pending(task, methods) {
			continue
		}
		model, err := fitted()
		if err != nil {
			return err
		}
		m.prior = inverse.Slices{Model: model.New(n, n, nil), Count: stack}
		v, err := s.tuned(task, func() ([]float64, error) { return tuneCT(ctx, g, model) })
		if err != nil {
			return err
		}
		if methods, err = stackMethods(g, m, v[0], v[1], norm); err != nil {
			return err
		}
		all, err := answers(ctx, s, task, methods, m.clean, n, n)
		if err != nil {
			return err
		}
		middle := make([]answer, len(all))
		for i, a := range all {
			middle[i] = a
			middle[i].x = a.x[stack/2*n*n:][:n*n]
		}
		if err := strip("ct3d-"+fmt.Sprint(len(g.angles)), m.clean[stack/2*n*n:][:n*n], middle, n, n, 1.3, "FBP, Hann", "total variation, slice by slice", "DDS-VP, slice by slice", "DDS-VP with ADMM-TV, ρ/‖A‖² = 0.03"); err != nil {
			return err
		}
	}
	return nil
}

func (g geometry) stackScan(n int) linop.Scan {
	scan := g.scan(n)
	scan.Slices = stack
	return scan
}

// scannedStack returns a stack of n×n pixels a slice, and its data.
func (g geometry) scannedStack(n int) (*measurement, error) {
	scan := g.stackScan(n)
	a, err := linop.NewRadon(scan)
	if err != nil {
		return nil, err
	}
	rays, _ := a.Dims()
	clean, y := make([]float64, stack*n*n), make([]float64, rays)
	if err := linop.RandomEllipsoids(testSeed, 0, inside, radius).Stack(clean, y, scan, scan.PixelSize, 8); err != nil {
		return nil, err
	}
	linop.NoisyLines(y, y, lineNoise, seed, 5000)
	p, err := inverse.New(a, y, lineNoise)
	return &measurement{rows: n, cols: n, clean: clean, problem: p}, err
}

func stackMethods(g geometry, m *measurement, lambda, gamma, norm float64) ([]restorer, error) {
	n, y := m.rows, m.problem.Y()
	vp, _, err := budgets[0].paths()
	if err != nil {
		return nil, err
	}
	step := inverse.Recursion{Eta: budgets[0].eta}
	five := inverse.Krylov{Iterations: 5}
	methods := []restorer{
		{"FBP, Hann", func(context.Context) (answer, error) {
			f, err := linop.NewFBP(g.stackScan(n), linop.FBPHann)
			x := make([]float64, len(m.clean))
			if err == nil {
				f.Reconstruct(x, y)
			}
			return answer{x: x}, err
		}},
		{"CGLS", cgls(m)},
		{"total variation, slice by slice", func(ctx context.Context) (answer, error) {
			all := answer{x: make([]float64, len(m.clean))}
			one, err := linop.NewRadon(g.scan(n))
			if err != nil {
				return all, err
			}
			for k := range stack {
				p, err := inverse.New(one, y[k*len(y)/stack:(k+1)*len(y)/stack], lineNoise)
				if err != nil {
					return all, err
				}
				s := &measurement{rows: n, cols: n, problem: p}
				a, err := totalVariation(s, lambda, norm, make([]float64, n*n), 1.5, 300)(ctx)
				if err != nil {
					return all, err
				}
				copy(all.x[k*n*n:], a.x)
				all.Pairs += a.Pairs
			}
			return all, nil
		}},
		{"DDS-VP, slice by slice", vp.conditional(m, inverse.DDS{Gamma: gamma / (norm * norm), Krylov: five})},
	}
	// The authors' λ and ρ go with their scale of A; here both are in units of ‖A‖².
	for _, w := range []float64{0.003, 0.03} {
		tv := inverse.DDSTV{Slices: stack, Lambda: w * w * norm * norm, Rho: w * norm * norm, Krylov: five, Step: step}
		methods = append(methods, restorer{fmt.Sprintf("DDS-VP with ADMM-TV, ρ/‖A‖² = %g", w), vp.stepped(m, tv.Sampler)})
	}
	return methods, nil
}

func volumeSection(s *store) string {
	var b strings.Builder
	for _, g := range volumeGeometries {
		if v := s.settings(volumeTask(g)); v != nil {
			fmt.Fprintf(&b, "%s, %d slices, %d evaluations; total variation with λ = %.2g, DDS with γ‖A‖² = %g:\n\n%s\n", volumeTask(g), stack, budgets[0].nfe, v[0], v[1], s.table(volumeTask(g)))
		}
	}
	return b.String()
}
