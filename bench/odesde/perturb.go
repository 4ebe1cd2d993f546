package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/train"
)

// The times of the exact scores with a known error.
const (
	linearStart, linearEnd = -3., -0.02
	gridStart, gridEnd     = -2.5, -0.02
)

// A linearCase is a Gaussian target of variances c along the axes and an error e = εMx.
type linearCase struct {
	name string
	c    [2]float64
	m    [4]float64
}

func linearCases() []linearCase {
	round, oval := [2]float64{0.8, 0.8}, [2]float64{1.2, 0.4}
	return []linearCase{
		{"gradient, round law: M = I", round, [4]float64{1, 0, 0, 1}},
		{"curl, round law: M = J", round, [4]float64{0, 1, -1, 0}},
		{"gradient, oval law: M = diag(1, -1)", oval, [4]float64{1, 0, 0, -1}},
		{"gradient, oval law: M = (0 1; 1 0)", oval, [4]float64{0, 1, 1, 0}},
		{"curl, oval law: M = J", oval, [4]float64{0, 1, -1, 0}},
	}
}

// firstOrder returns the limit of W₂/ε as ε → 0. With s_i = α²c_i + σ², and κ = 1 for the flow, 2
// for the process, the covariance of the law is S + εδ with
//
//	δ̇_ij = (2f - κh(1/s_i + 1/s_j)) δ_ij + κh (M_ij s_j + M_ji s_i)
//
// and since h/s = f - ṡ/2s the solution at the end, with f = 1 and T the time left, is
//
//	δ_ij = ∫ κh (M_ij s_j + M_ji s_i) e^{2(1-κ)T} (s_i s_j)(end)^{κ/2} (s_i s_j)^{-κ/2} dt,
//
// while W₂² = ε² Σ_ij Δ_ij²/2(s_i + s_j) for the difference Δ of the two.
func (c linearCase) firstOrder() float64 {
	const n = 20000
	s := func(i int, t float64) float64 {
		k := ou{}.At(t)
		return k.Alpha*k.Alpha*c.c[i] + k.Sigma*k.Sigma
	}
	sum := 0.0
	for i := range 2 {
		for j := range 2 {
			delta := 0.0
			for k := range n {
				left := (linearEnd - linearStart) * (float64(k) + 0.5) / n
				t := linearEnd - left
				ratio := s(i, linearEnd) * s(j, linearEnd) / (s(i, t) * s(j, t))
				push := 0.5 * (c.m[2*i+j]*s(j, t) + c.m[2*j+i]*s(i, t)) // h = 1/2
				delta += push * (math.Sqrt(ratio) - 2*math.Exp(-2*left)*ratio) * (linearEnd - linearStart) / n
			}
			sum += delta * delta / (2 * (s(i, linearEnd) + s(j, linearEnd)))
		}
	}
	return math.Sqrt(sum)
}

// gap returns W₂ of flow and process and the bound on it.
func (c linearCase) gap(eps float64) (w2, bound float64, err error) {
	g, err := train.LinearGap(ou{}, []float64{c.c[0], 0, 0, c.c[1]}, c.m[:], func(float64) float64 { return eps }, linearStart, linearEnd, 2000)
	if err != nil {
		return 0, 0, err
	}
	flat := func(s *mat.SymDense) []float64 { return []float64{s.At(0, 0), s.At(0, 1), s.At(1, 0), s.At(1, 1)} }
	w2, err = metric.BuresW2([]float64{0, 0}, flat(g.Flow), []float64{0, 0}, flat(g.Process))
	return w2, g.Bound, err
}

func printLinear(w io.Writer) error {
	sizes := []float64{0.01, 0.04, 0.16}
	fmt.Fprint(w, "| error | C of theory |")
	for _, e := range sizes {
		fmt.Fprintf(w, " W₂/ε, ε = %g |", e)
	}
	fmt.Fprintln(w, " bound/ε |\n|---|---|---|---|---|---|")
	for _, c := range linearCases() {
		fmt.Fprintf(w, "| %s | %.4f |", c.name, c.firstOrder())
		var last float64
		for i, e := range sizes {
			g, bound, err := c.gap(e)
			if err != nil {
				return err
			}
			if i == 0 {
				last = bound / e
			}
			fmt.Fprintf(w, " %.4f |", g/e)
		}
		fmt.Fprintf(w, " %.3f |\n", last)
	}
	return nil
}

// A fieldCase is an error e of the score of a density, per unit of ε, from the points and s.
type fieldCase struct {
	name string
	of   func(e, x, s []float64)
}

func fieldCases() []fieldCase {
	return []fieldCase{
		{"gradient: e = ε∇x₁", func(e, _, _ []float64) { e[0], e[1] = 1, 0 }},
		{"gradient: e = εs", func(e, _, s []float64) { e[0], e[1] = s[0], s[1] }},
		{"curl: e = εJx", func(e, x, _ []float64) { e[0], e[1] = x[1], -x[0] }},
		{"curl along the level lines: e = εJs", func(e, _, s []float64) { e[0], e[1] = s[1], -s[0] }},
	}
}

// A fieldGap is what an error does to a density, with TV the total variation.
type fieldGap struct{ gap, flow, process, bound, err float64 }

// measure carries the exact density of a target by flow and process of its score and εe.
func (c fieldCase) measure(ctx context.Context, target density.Target, eps float64, cells, times int) (*fieldGap, error) {
	m := &train.Misled{Exact: target, Error: func(dst, x []float64, alpha, sigma float64) {
		s := make([]float64, len(x))
		target.Score(s, x, alpha, sigma)
		for i := 0; i < len(x); i += 2 {
			c.of(dst[i:i+2], x[i:i+2], s[i:i+2])
			dst[i], dst[i+1] = eps*dst[i], eps*dst[i+1]
		}
	}}
	g := &train.Grid{Lo: []float64{-reach, -reach}, Hi: []float64{reach, reach}, N: []int{cells, cells}}
	t := interpolant.UniformGrid(0, 1, times+1)
	for i, u := range t { // even in log τ
		t[i] = -math.Exp((1-u)*math.Log(-gridStart) + u*math.Log(-gridEnd))
	}
	gap, err := train.GridGap(ctx, m, ou{}, g, onGrid(target, g, gridStart), t, 0)
	if err != nil {
		return nil, err
	}
	truth := onGrid(target, g, gridEnd)
	tv := func(a, b []float64) (sum float64) {
		for i, v := range a {
			sum += math.Abs(v-b[i]) / 2 * g.Volume()
		}
		return sum
	}
	out := &fieldGap{gap: tv(gap.Flow, gap.Process), flow: tv(gap.Flow, truth), process: tv(gap.Process, truth), bound: gap.Bound}
	for i := 1; i < len(t); i++ {
		out.err += (t[i] - t[i-1]) * (gap.H[i]*gap.RMS[i]*gap.RMS[i] + gap.H[i-1]*gap.RMS[i-1]*gap.RMS[i-1]) / 2
	}
	return out, nil
}

func printFields(ctx context.Context, w io.Writer, target density.Target) error {
	fmt.Fprintln(w, "| error | ε | TV flow-process | per ε | TV flow-truth | TV process-truth | ∫ h E_q\\|∇ log q - s\\|² dτ | bound on W₂ |\n|---|---|---|---|---|---|---|---|")
	for i, c := range fieldCases() {
		for _, eps := range []float64{0, 0.05, 0.2} {
			if eps == 0 && i > 0 {
				continue
			}
			g, err := c.measure(ctx, target, eps, 96, 60)
			if err != nil {
				return err
			}
			name, per := c.name, fmt.Sprintf("%.3f", g.gap/eps)
			if eps == 0 {
				name, per = "none: the grid's own error", ""
			}
			fmt.Fprintf(w, "| %s | %g | %.4f | %s | %.4f | %.4f | %.4f | %.3g |\n", name, eps, g.gap, per, g.flow, g.process, g.err, g.bound)
		}
	}
	return nil
}
