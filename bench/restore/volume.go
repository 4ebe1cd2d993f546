package main

import (
	"context"
	"fmt"

	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

const stack = 32

// volume reconstructs a stack of slices: DDS slice by slice, and with total variation across
// slices by ADMM. Without -full the slices have 128² pixels.
func volume(ctx context.Context) error {
	n := side / 2
	if *full {
		n = side
	}
	model, err := ellipsePrior(ctx)
	if err != nil {
		return err
	}
	for _, g := range []geometry{geometries[0], geometries[3]} {
		if !wanted(g.name) {
			continue
		}
		scan := g.scan(n)
		scan.Slices = stack
		a, err := linop.NewRadon(scan)
		if err != nil {
			return err
		}
		rays, _ := a.Dims()
		clean, y := make([]float64, stack*n*n), make([]float64, rays)
		if err := linop.RandomEllipsoids(testSeed, 0, inside, radius).Stack(clean, y, scan, scan.PixelSize, 8); err != nil {
			return err
		}
		linop.NoisyLines(y, y, lineNoise, seed, 5000)
		p, err := inverse.New(a, y, lineNoise)
		if err != nil {
			return err
		}
		m := &measurement{rows: n, cols: n, clean: clean, problem: p, prior: inverse.Slices{Model: model.New(n, n, nil), Count: stack}}
		norm, err := normOf(a)
		if err != nil {
			return err
		}
		lambda, gamma, err := tuneCT(ctx, g, patchesOf(model))
		if err != nil {
			return err
		}
		budget := budgets[0]
		vp, _, err := ddsPaths(budget.nfe)
		if err != nil {
			return err
		}
		step := inverse.Recursion{Eta: budget.eta}
		vp.solver = step.Solver()
		five := inverse.Krylov{Iterations: 5}
		methods := []restorer{
			{"FBP, Hann", func(context.Context) (answer, error) {
				f, err := linop.NewFBP(scan, linop.FBPHann)
				x := make([]float64, len(clean))
				if err == nil {
					f.Reconstruct(x, y)
				}
				return answer{x: x}, err
			}},
			{"CGLS", cgls(m)},
			{"total variation, slice by slice", func(ctx context.Context) (answer, error) {
				all := answer{x: make([]float64, len(clean))}
				one, err := linop.NewRadon(g.scan(n))
				if err != nil {
					return all, err
				}
				for k := range stack {
					p, err := inverse.New(one, y[k*rays/stack:(k+1)*rays/stack], lineNoise)
					if err != nil {
						return all, err
					}
					s := &measurement{rows: n, cols: n, problem: p}
					a, err := totalVariation(s, lambda, norm, make([]float64, n*n), 1.5, 300)(ctx)
					if err != nil {
						return all, err
					}
					copy(all.x[k*n*n:], a.x)
					all.pairs += a.pairs
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
		all, err := answers(ctx, methods, clean, n, n)
		if err != nil {
			return err
		}
		middle := make([]answer, len(all))
		for i, a := range all {
			middle[i] = a
			middle[i].x = a.x[stack/2*n*n:][:n*n]
		}
		if err := strip("ct3d-"+fmt.Sprint(len(g.angles)), clean[stack/2*n*n:][:n*n], middle, n, n, 1.3, "FBP, Hann", "total variation, slice by slice", "DDS-VP, slice by slice", "DDS-VP with ADMM-TV, ρ/‖A‖² = 0.003"); err != nil {
			return err
		}
		fmt.Printf("%s, %d slices of %d²; total variation with λ = %.2g, DDS with γ‖A‖² = %.2g, %d NFE\n\n", g.name, stack, n, lambda, gamma, budget.nfe)
		table(all)
	}
	return nil
}
