package sde_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/sde"
)

// λ-dependent η: the clock of the polynomials keeps the order of the mean, 3 and 4.
func TestWeakVaryingEta(t *testing.T) {
	p := gaussian(trigPath, 0)
	p.eta = func(l float64) float64 { return 0.5 + 0.4*math.Sin(2*l) }
	for _, r := range exponential() {
		if r.Weak == 0 || r.Name == "er-sde-3" {
			continue // ER-SDE takes the mean of η² over a step
		}
		m := r.Method
		if er, ok := m.(sde.ERSDE); ok {
			er.Phi = sde.ERSquare
			m = er
		}
		dm, dv := weakErrors(m, p, weakGrids([]int{64, 128, 256, 512}))
		t.Logf("%s: mean %.2f variance %.2f", r.Name, lastSlope(dm), lastSlope(dv))
		assert.InDelta(t, r.WeakMean, lastSlope(dm), weakBand, r.Name)
		assert.InDelta(t, r.Weak, lastSlope(dv), weakBand, r.Name)
	}
}

// What is kept to second order is the law: from the law at the start, methods that solve
// the flow and add noise apart are exact to order 2, churn and restart at any strength.
func TestLawKept(t *testing.T) {
	p := gaussian(trigPath, 1)
	ns := []int{32, 64, 128, 256}
	m0, v0 := p.law(0.1)
	for name, m := range map[string]func(n int) sde.Method{
		"churn, process's": func(int) sde.Method { return sde.Churn{} },
		"churn, EDM's":     func(n int) sde.Method { return sde.Churn{SChurn: 10, Steps: n} },
		"churn, window":    func(n int) sde.Method { return sde.Churn{SChurn: 10, Steps: n, TMin: 0.5, TMax: 2} },
		"restart": func(n int) sde.Method {
			return sde.Restart{Intervals: []sde.RestartInterval{{Min: 0.5, Max: 1.5, Steps: n / 4, Times: 3}}}
		},
		"restart with noise": func(n int) sde.Method {
			return sde.Restart{Inner: sde.SEEDS(2), Intervals: []sde.RestartInterval{{Min: 0.5, Max: 1.5, Steps: n / 4, Times: 3}}}
		},
		"2s ancestral":   func(int) sde.Method { return sde.DPMPP2SAncestral{} },
		"dpm2 ancestral": func(int) sde.Method { return sde.DPM2Ancestral{} },
	} {
		var dm, dv []float64
		for _, n := range ns {
			m, v := weakErrorsFrom(m(n), p, p, [][]float64{uniform(0.1, 0.9, n)}, m0, v0)
			dm, dv = append(dm, m[0]), append(dv, v[0])
		}
		t.Logf("%s: mean %.2f, variance %.2f, errors %.1e %.1e", name, lastSlope(dm), lastSlope(dv), dm[3], dv[3])
		assert.Less(t, dm[3], 1e-13, name) // exact for an affine D at its law
		assert.Greater(t, lastSlope(dv), 2-weakBand, name)
	}
}

// The defects of released forms, beside ours.
func TestPublishedForms(t *testing.T) {
	p := gaussian(trigPath, 1)
	type form struct {
		name  string
		m     sde.Method
		p     reverse
		below float64 // the slope of the variance, less than
		worse float64 // times our error at 100 steps, at least
	}
	er := p
	er.eta = erEta(1)
	flow := gaussian(trigPath, 0)
	ns := []int{20, 50, 100, 1000, 2000}
	for _, c := range []struct {
		ours  sde.Method
		given reverse
		exact reverse
		forms []form
	}{
		{sde.SDEDPMPP{Order: 3}, p, p, []form{
			{"k-diffusion's weight", sde.SDEDPMPP{Order: 3, Weight: sde.ThirdHalf}, p, 2.3, 1.2},
			{"diffusers' sign", sde.SDEDPMPP{Order: 3, Weight: sde.ThirdDiffusers}, p, 1.2, 40},
			{"2M", sde.SDEDPMPP{}, p, 2.3, 2},
			{"order-1 start", sde.SDEDPMPP{Order: 3, Published: true}, p, 2.6, 0},
		}},
		{sde.SDEDPMPP{Order: 3}, flow, flow, []form{
			{"no noise, k-diffusion's weight", sde.SDEDPMPP{Order: 3, Weight: sde.ThirdHalf}, flow, 2.2, 1.2},
			{"no noise, order-1 start", sde.SDEDPMPP{Order: 3, Published: true}, flow, 2.3, 2},
		}},
		{sde.ERSDE{Order: 2}, p, er, []form{
			{"ER-SDE-2, left sum", sde.ERSDE{Order: 2, Published: true}, er, 1.9, 1},
		}},
		{sde.ERSDE{Order: 3}, p, er, []form{
			{"ER-SDE-3, left sum", sde.ERSDE{Order: 3, Published: true}, er, 1.9, 2},
		}},
	} {
		_, ours := weakErrorsOf(c.ours, c.given, c.exact, weakGrids(ns[:3]))
		for _, f := range c.forms {
			_, dv := weakErrorsOf(f.m, c.given, c.exact, weakGrids(ns))
			t.Logf("%-30s variance slope %.2f at 2000; at 20, 50, 100: %s, ours %s", f.name, lastSlope(dv), sci(dv[:3]), sci(ours))
			assert.Less(t, lastSlope(dv), f.below, f.name)
			assert.Greater(t, dv[2], f.worse*ours[2], f.name)
		}
	}
}

func sci(e []float64) (s string) {
	for _, v := range e {
		s += fmt.Sprintf(" %.1e", v)
	}
	return s
}

// Every predictor and corrector of SA-Solver: without noise, and in the mean, order c, or p
// without a corrector; in the variance WeakOrder at least.
func TestSAOrders(t *testing.T) {
	for p := 1; p <= 3; p++ {
		for c := range p + 2 {
			m := sde.SASolver{Predictor: p, Corrector: c}
			want, ns, band := c, []int{128, 256, 512}, weakBand
			switch {
			case c == 0:
				want = p
			case c == p && c > 1 && testing.Short():
				continue
			case c == p && c > 1:
				// The errors of predictor and corrector are of one order and of opposite signs:
				// they cross near 200 steps, and orders come late.
				ns, band = []int{1024, 2048}, 0.5
			}
			dm, _ := weakErrors(m, gaussian(trigPath, 0), weakGrids(ns))
			nm, nv := weakErrors(m, gaussian(trigPath, 0.5), weakGrids(ns))
			t.Logf("P%dC%d: %.2f without noise, weak %.2f and %.2f", p, c, lastSlope(dm), lastSlope(nm), lastSlope(nv))
			assert.InDelta(t, want, lastSlope(dm), band, "P%dC%d", p, c)
			assert.InDelta(t, want, lastSlope(nm), band, "P%dC%d", p, c)
			assert.Greater(t, lastSlope(nv), m.WeakOrder()-weakBand, "P%dC%d", p, c)
		}
	}
}
