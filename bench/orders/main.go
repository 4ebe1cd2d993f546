// Orders measures the order of every registered sampler and prints docs/SAMPLERS.md:
//
//	go run ./bench/orders > docs/SAMPLERS.md
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/internal/weak"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

func main() {
	log.SetFlags(0)
	fmt.Print(head)
	odeTable()
	publishedODE()
	sdeTable()
	publishedSDE()
}

const head = `# Samplers

Made by ` + "`go run ./bench/orders > docs/SAMPLERS.md`" + `; the tests of packages ode and sde hold every
claim below (` + "`go test ./ode ./sde -run 'Order|Records|Weak|Published' -v`" + `).

`

// A flow is a probability flow between two noise levels, with starts and exact ends.
type flow struct {
	name     string
	field    *score.Flow
	t0, t1   float64
	x0, want []float64
}

// newFlow prepares the flow of a mixture in d dimensions from σ/α = far to 0.1.
func newFlow(name string, d int, path interpolant.Path, far float64) *flow {
	const modes, points = 4, 16
	src := stream.New()
	means, stds, x0 := make([]float64, modes*d), []float64{0.5, 0.6, 0.4, 0.5}, make([]float64, points*d)
	src.Normals(means, 1, stream.Test, uint64(d), 0)
	for i := range means {
		means[i] *= 1.5
	}
	m, err := density.NewIsotropicMixture([]float64{0.3, 0.2, 0.4, 0.1}, means, stds, d)
	if err != nil {
		log.Fatal(err)
	}
	f := &flow{name: name, field: &score.Flow{Path: path, Model: m}, t0: path.Time(-math.Log(far)), t1: path.Time(math.Log(10)), x0: x0}
	c := path.At(f.t0)
	src.Normals(x0, 1, stream.Test, uint64(d), 1)
	for i := range x0 {
		x0[i] *= math.Hypot(c.Sigma, 1.6*c.Alpha)
	}
	f.want = append([]float64(nil), x0...)
	// The clock of log σ is the gentlest for a reference.
	a := ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-13, ATol: 1e-13}
	if _, err := ode.SolveAdaptive(context.Background(), f.field, f.want, []float64{f.t0, f.t1}, a, nil); err != nil {
		log.Fatal(err)
	}
	return f
}

// err returns the root mean square error of a method with n steps on a grid.
func (f *flow) err(m ode.Method, karras bool, n int) float64 {
	grid := interpolant.LogSNRGrid(f.field.Path, f.t0, f.t1, n+1)
	if karras {
		grid = interpolant.KarrasGrid(f.field.Path, 7, f.t0, f.t1, n+1)
	}
	x := append([]float64(nil), f.x0...)
	if _, err := ode.Solve(context.Background(), f.field, x, grid, m, nil); err != nil {
		return math.Inf(1)
	}
	sum := 0.0
	for i, v := range x {
		sum += (v - f.want[i]) * (v - f.want[i])
	}
	return math.Sqrt(sum / float64(len(x)))
}

// order returns the slope over the six finest of a sequence of step counts, 20 % apart up
// to 4000, whose errors stand clear of the reference's rounding.
func order(err func(n int) float64) string {
	var xs, ys []float64
	for n := 8.0; n <= 4000; n *= 1.2 {
		e := err(int(n))
		if e < 3e-12 {
			break
		}
		xs, ys = append(xs, math.Log(math.Floor(n))), append(ys, math.Log(e))
	}
	if len(xs) < 4 {
		return "below rounding"
	}
	k := min(6, len(xs))
	return fmt.Sprintf("%.2f", -slope(xs[len(xs)-k:], ys[len(ys)-k:]))
}

func slope(x, y []float64) float64 {
	var mx, my, xy, xx float64
	for i := range x {
		mx += x[i] / float64(len(x))
		my += y[i] / float64(len(x))
	}
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
	}
	return xy / xx
}

func odeTable() {
	small, large := newFlow("d = 2", 2, interpolant.CondOT{}, 20), newFlow("d = 16", 16, interpolant.VP{}, 20)
	fmt.Print(`## ODE samplers

Order: slope of the error at the end of the exact flow of a four-mode mixture from σ/α = 20 to 0.1, in
d = 2 on Cond-OT and in d = 16 on VP, on grids even in λ and Karras' (ρ = 7). Err 50 is the error with 50
steps in d = 2 on the λ grid. NFE is for a step, once warm; multistep methods start with methods of their own order.

| sampler | also known as | claimed | d=2 λ | d=2 Karras | d=16 λ | d=16 Karras | err 50 | NFE | history | source |
|---|---|---|---|---|---|---|---|---|---|---|
`)
	for _, r := range ode.Records() {
		fmt.Printf("| %s | %s | %d |", r.Name, strings.Join(r.Aliases, " "), r.Order)
		for _, f := range []*flow{small, large} {
			for _, karras := range []bool{false, true} {
				if r.Order > 4 {
					fmt.Print(" * |")
					continue
				}
				fmt.Printf(" %s |", order(func(n int) float64 { return f.err(r.Method, karras, n) }))
			}
		}
		fmt.Printf(" %.1e | %d | %d | %s |\n", small.err(r.Method, false, 50), r.NFE, r.History, r.Source)
	}
	fmt.Println(`
\* reaches rounding before its slope settles here; measured in ACCURACY.md.

dpm-adaptive chooses its steps for each point; its error against evaluations has the slopes 2.0 (order 2) and
2.9 (order 3).`)
}

// publishedODE compares multistep methods with the forms in use elsewhere.
func publishedODE() {
	rows := []struct {
		name       string
		ours, them ode.Method
	}{
		{"3M: weight κ = 2 / κ = 1 and order-1 start", ode.DPMSolverPPM{Steps: 3}, ode.DPMSolverPPM{Steps: 3, Published: true, Warmup: ode.PublishedWarmup}},
		{"LMS-4: own start / order-1 start", ode.DEIS{Steps: 4, Clock: ode.RhoClock}, ode.DEIS{Steps: 4, Clock: ode.RhoClock, Warmup: ode.PublishedWarmup}},
		{"DEIS-3: own start / order-1 start", ode.DEIS{}, ode.DEIS{Warmup: ode.PublishedWarmup}},
		{"UniPC-3: own start / lower-order start", ode.UniPC{P: 3}, ode.UniPC{P: 3, Warmup: ode.PublishedWarmup}},
	}
	fmt.Print(`
### Against the released forms

Error at equal numbers of steps, ours / released. From σ/α = 80 the denoiser is nearly constant at first and the
start matters little; there the corrected 3M pays below some 50 steps on Karras' grid.

| | start, grid | 20 steps | 50 | 100 | order ours / released |
|---|---|---|---|---|---|
`)
	for _, row := range rows {
		for _, far := range []float64{3, 80} {
			f := newFlow("", 2, interpolant.CondOT{}, far)
			for _, karras := range []bool{false, true} {
				grid := map[bool]string{false: "λ", true: "Karras"}[karras]
				fmt.Printf("| %s | σ/α = %g, %s |", row.name, far, grid)
				for _, n := range []int{20, 50, 100} {
					fmt.Printf(" %.1e / %.1e |", f.err(row.ours, karras, n), f.err(row.them, karras, n))
				}
				fmt.Printf(" %s / %s |\n", order(func(n int) float64 { return f.err(row.ours, karras, n) }),
					order(func(n int) float64 { return f.err(row.them, karras, n) }))
			}
		}
	}
}

// A gauss is the reverse process of N(0.7, 0.5²) on the trigonometric path, t from 0.1 to
// 0.9, started away from its law, so that no error cancels.
type gauss struct {
	proc       *score.Reverse
	mean, vari float64 // exact at the end
}

const startMean, startVar, tFrom, tTo = 0.4, 0.6, 0.1, 0.9

func newGauss(eta float64) *gauss {
	m, err := density.NewIsotropicMixture([]float64{1}, []float64{0.7}, []float64{0.5}, 1)
	if err != nil {
		log.Fatal(err)
	}
	g := &gauss{proc: &score.Reverse{Path: interpolant.Trig{}, Model: m, Eta: eta}}
	// dM/dt = aM + b and dV/dt = 2aV + g² for drift ax + b.
	moments := ode.Func{D: 2, F: func(dst, x []float64, t float64) {
		var f [2]float64
		g.proc.Drift(f[:], []float64{0, 1}, t)
		a, d := f[1]-f[0], g.proc.Diffusion(t)
		dst[0], dst[1] = a*x[0]+f[0], 2*a*x[1]+d*d
	}}
	x := []float64{startMean, startVar}
	if _, err := ode.SolveAdaptive(context.Background(), moments, x, []float64{tFrom, tTo}, ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-13, ATol: 1e-14}, nil); err != nil {
		log.Fatal(err)
	}
	g.mean, g.vari = x[0], x[1]
	return g
}

// errs returns the errors of mean and variance of a method with n steps.
func (g *gauss) errs(m sde.Method, n int) (mean, vari float64) {
	grid := interpolant.UniformGrid(tFrom, tTo, n+1)
	a, b := weak.Moments(func(noise sde.NoiseSource, rows int) ode.Stepper { return m.NewStepper(g.proc, noise, rows) }, grid, startMean, startVar)
	return math.Abs(a - g.mean), math.Abs(b - g.vari)
}

// orders returns the slopes of mean and variance between 128 and 1024 steps.
func (g *gauss) orders(m sde.Method) (mean, vari string) {
	var xs, ms, vs []float64
	for _, n := range []int{128, 181, 256, 362, 512, 724, 1024} {
		a, b := g.errs(m, n)
		xs, ms, vs = append(xs, math.Log(float64(n))), append(ms, math.Log(a)), append(vs, math.Log(b))
	}
	text := func(y []float64) string {
		if y[0] < math.Log(1e-12) {
			return "exact"
		}
		return fmt.Sprintf("%.2f", -slope(xs, y))
	}
	return text(ms), text(vs)
}

func sdeTable() {
	half, one := newGauss(0.5), newGauss(1)
	fmt.Print(`
## SDE samplers

Weak order of mean / variance at η = 0.5 and 1, by exact propagation through the scheme (no Monte Carlo): the
reverse process of a Gaussian on the trigonometric path, t from 0.1 to 0.9, started away from its law, 128 to 1024
steps. At η = 1 the mean of methods in the denoiser is exact. Claims: order without noise; weak order of mean / variance;
strong order on a Brownian tree.

| sampler | also known as | without noise | weak | strong | η = 0.5 | η = 1 | NFE | history | source |
|---|---|---|---|---|---|---|---|---|---|
`)
	num := func(v float64) string {
		if v == 0 {
			return "–"
		}
		return fmt.Sprintf("%g", v)
	}
	for _, r := range sde.Records() {
		measured := " – | – "
		m := r.Method
		switch e := m.(type) {
		case *sde.SRI:
			m = nil // its output is cubic in the noise, which the propagation cannot follow
		case sde.ERSDE:
			e.Phi = sde.ERSquare // the reverse SDE of the other rows; the default has noise of its own
			m = e
		}
		if m != nil && r.Weak > 0 {
			m1, v1 := half.orders(m)
			m2, v2 := one.orders(m)
			measured = fmt.Sprintf(" %s / %s | %s / %s ", m1, v1, m2, v2)
		}
		fmt.Printf("| %s | %s | %s | %s / %s | %s |%s| %d | %d | %s |\n", r.Name, strings.Join(r.Aliases, " "),
			num(float64(r.Order)), num(r.WeakMean), num(r.Weak), num(r.Strong), measured, r.NFE, r.History, r.Source)
	}
	fmt.Println(`
"Weak 2" of edm-churn and of the second-order ancestral samplers holds only when the run starts from the exact law, which
it does in practice; as schemes for the SDE they are weak order 1. er-sde is measured with φ(s) = s². sriw1 is measured in
the tests of package sde (TestWeakLinear). restart and pc claim no order; their tests hold
the law invariant.`)
}

func publishedSDE() {
	rows := []struct {
		name       string
		ours, them sde.Method
	}{
		{"SDE-3M: κ = 2 / κ = 1 (k-diffusion)", sde.SDEDPMPP{Order: 3}, sde.SDEDPMPP{Order: 3, Weight: sde.ThirdHalf}},
		{"SDE-3M: κ = 2 / sign of diffusers", sde.SDEDPMPP{Order: 3}, sde.SDEDPMPP{Order: 3, Weight: sde.ThirdDiffusers}},
		{"ER-SDE-2: exact quadrature / 100-point left sum", sde.ERSDE{Order: 2, Phi: sde.ERSquare}, sde.ERSDE{Order: 2, Phi: sde.ERSquare, Published: true}},
		{"ER-SDE-3: exact quadrature / 100-point left sum", sde.ERSDE{Order: 3, Phi: sde.ERSquare}, sde.ERSDE{Order: 3, Phi: sde.ERSquare, Published: true}},
	}
	fmt.Print(`
### Against the released forms

Error of the variance, ours / released.

| | η | 20 steps | 50 | 100 | 1000 |
|---|---|---|---|---|---|
`)
	for _, row := range rows {
		for _, eta := range []float64{0.5, 1} {
			g := newGauss(eta)
			fmt.Printf("| %s | %g |", row.name, eta)
			for _, n := range []int{20, 50, 100, 1000} {
				_, a := g.errs(row.ours, n)
				_, b := g.errs(row.them, n)
				fmt.Printf(" %.1e / %.1e |", a, b)
			}
			fmt.Println()
		}
	}
}
