package sde_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/sde"
)

// The band asked of strong slopes. An error measured on 256 paths or more has a
// relative deviation of about 10 %, over a factor 32 in the step: the Monte Carlo part
// of a slope is below 0.05, and the rest is the distance from the limit h → 0.
const strongBand = 0.3

// Additive noise: every method on one Brownian tree against SRA3 on a grid eight
// times finer than the finest, whose own error is 8^1.5 ≈ 22 times smaller.
func TestStrongAdditive(t *testing.T) {
	const paths = 256
	ns := []int{8, 16, 32, 64, 128, 256}
	tree := sde.Tree{Seed: 21}
	for _, dir := range [][2]float64{{0, 1}, {1, 0}} {
		ref := fill(paths, 0.5, -0.3)
		solve(t, swirl, ref, uniform(dir[0], dir[1], 2048), sde.SRA3, tree, nil)
		for _, m := range additiveMethods {
			t.Run(fmt.Sprintf("%s from %v", m.Name(), dir[0]), func(t *testing.T) {
				var errs []float64
				for _, n := range ns {
					x := fill(paths, 0.5, -0.3)
					solve(t, swirl, x, uniform(dir[0], dir[1], n), m, tree, nil)
					errs = append(errs, rms(x, ref))
				}
				p := slope(t, ns, errs, 0)
				t.Logf("strong order %.2f (claimed %v), errors %.2g", p, m.StrongOrder(), errs)
				assert.InDelta(t, m.StrongOrder(), p, strongBand)
			})
		}
	}
}

// Diagonal noise: two problems with pathwise solutions, forwards and, for geometric
// Brownian motion, backwards.
func TestStrongDiagonal(t *testing.T) {
	const paths = 500
	ns := []int{8, 16, 32, 64, 128, 256}
	tree := sde.Tree{Seed: 24}
	problem := gbm{a: 0.8, b: 0.7}
	for _, c := range []struct {
		name  string
		p     sde.DiagonalProcess
		x0    []float64
		t0    float64
		exact func(x, w []float64)
	}{
		{"gbm", problem, []float64{1}, 0, func(x, w []float64) {
			x[0] = problem.exact(1, w[0], 0, 1)
		}},
		{"gbm backwards", problem, []float64{1}, 1, func(x, w []float64) {
			x[0] = problem.exact(1, w[0], 1, 0)
		}},
		{"curved", curved{}, []float64{curvedX(0, 0), curvedY(0)}, 0, func(x, w []float64) {
			x[0], x[1] = curvedX(1, w[0]), curvedY(w[1])
		}},
	} {
		d := c.p.Dim()
		exact := increments(tree, d, paths, c.t0, 1-c.t0)
		for i := 0; i < len(exact); i += d {
			c.exact(exact[i:i+d], append([]float64(nil), exact[i:i+d]...))
		}
		check := func(name string, p sde.DiagonalProcess, m sde.DiagonalMethod) {
			t.Run(c.name+" "+name, func(t *testing.T) {
				var errs []float64
				for _, n := range ns {
					x := fill(paths, c.x0...)
					solveDiagonal(t, p, x, uniform(c.t0, 1-c.t0, n), m, tree)
					errs = append(errs, rms(x, exact))
				}
				order := slope(t, ns, errs, 0)
				t.Logf("strong order %.2f (claimed %v), errors %.2g", order, m.StrongOrder(), errs)
				assert.InDelta(t, m.StrongOrder(), order, strongBand)
			})
		}
		for _, m := range diagonalMethods {
			check(m.Name(), c.p, m)
		}
		check("milstein without derivative", noDeriv{c.p}, sde.Milstein{})
	}
}
