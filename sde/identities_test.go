package sde_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/sde"
)

// oneStep takes a step of a method from x on the trigonometric path with the standard
// normals z of the step, or its two halves.
func oneStep(m sde.Method, p reverse, x, t0, t1, z float64) float64 {
	s := m.NewStepper(p, prescribed{z1: []float64{z}, z2: []float64{0}}, 1)
	s.Begin(0, 1)
	v := []float64{x}
	s.Step(v, t0, t1)
	return v[0]
}

// One-step methods against their formulas as the papers write them, to rounding.
func TestOneStepFormulas(t *testing.T) {
	const t0, t1, x, z = 0.3, 0.42, 0.8, -1.3
	for _, eta := range []float64{0, 0.3, 0.5, 1} {
		p := mixture(trigPath, eta)
		a, s := p.at(t0)
		a1, s1 := p.at(t1)
		den := func(x, a, s float64) float64 {
			d := []float64{0}
			p.Denoise(d, []float64{x}, a, s)
			return d[0]
		}
		d := den(x, a, s)
		eps := (x - a*d) / s
		b, b1 := s/a, s1/a1 // σ̄
		tau := 1 - (b1/b)*(b1/b)
		h := math.Log(b / b1)
		// k-diffusion on y = x/α.
		up := min(b1, eta*math.Sqrt(b1*b1*(b*b-b1*b1)/(b*b)))
		down := math.Sqrt(b1*b1 - up*up)
		y := x / a
		euler := a1 * (y + (down-b)*(y-d)/b + up*z)
		ddim := a1*d + s1*math.Sqrt(1-eta*eta*tau)*eps + eta*s1*math.Sqrt(tau)*z
		mid := math.Sqrt(b * down)
		dMid := den(a*(y+(mid-b)*(y-d)/b), a, a*mid)
		uMid := y + (mid-b)*(y-d)/b
		rate := eta * eta
		dpmpp1 := s1/s*math.Exp(-rate*h)*x - a1*math.Expm1(-(1+rate)*h)*d + s1*math.Sqrt(-math.Expm1(-2*rate*h))*z
		// score_sde: x = r x' + G z.
		r := a / a1
		g := math.Sqrt(s*s - r*r*s1*s1)
		score := (a*d - x) / (s * s)
		revdiff := x - (r-1)*x + (1+rate)/2*g*g*score + eta*g*z
		g1 := math.Sqrt(b*b - b1*b1)
		em := a1 * (y + (1+rate)/2*(b*b-b1*b1)*(d-y)/(b*b) + eta*g1*z)
		// EDM with 1+γ = e^{η²h}.
		hat := b * math.Exp(rate*h)
		yHat := y + math.Sqrt(hat*hat-b*b)*z
		slope := (yHat - den(a*yHat, a, a*hat)) / hat
		e := yHat + (b1-hat)*slope
		heun := yHat + (b1-hat)*(slope+(e-den(a1*e, a1, s1))/b1)/2
		want := map[string]float64{
			"ddpm": ddim, "ddim-eta": ddim, "euler-ancestral": euler,
			"sde-dpmpp-1": dpmpp1, "seeds-1": dpmpp1,
			"reverse-diffusion": revdiff, "em-variance": em,
			"dpmpp-2s-ancestral": a1 * (down/b*y + (1-down/b)*dMid + up*z),
			"dpm2-ancestral":     a1 * (y + (down-b)*(uMid-dMid)/mid + up*z),
			"edm-churn-euler":    a1 * e, "edm-churn": a1 * heun,
		}
		if eta == 1 { // DDPM's posterior, and what equals it
			ddpm := a1*d + s1*math.Sqrt(1-tau)*eps + s1*math.Sqrt(tau)*z
			for _, n := range []string{"ddpm", "ddim-eta", "euler-ancestral", "sde-dpmpp-1", "seeds-1"} {
				assert.InDelta(t, ddpm, want[n], 1e-12, n) // the root of a difference
			}
		}
		for _, rec := range sde.Records() {
			if w, ok := want[rec.Name]; ok {
				assert.InDelta(t, w, oneStep(rec.Method, p, x, t0, t1, z), 1e-13, "%s η %v", rec.Name, eta)
			}
		}
		// ER-SDE with φ = s².
		assert.InDelta(t, dpmpp1, oneStep(sde.ERSDE{Order: 1, Phi: sde.ERSquare}, p, x, t0, t1, z), 1e-13)
		// Its default, at η = 1.
		if eta == 1 {
			q := sde.ERDefault(b1) / sde.ERDefault(b)
			er := a1/a*q*x + a1*(1-q)*d + a1*math.Sqrt(b1*b1-q*q*b*b)*z
			assert.InDelta(t, er, oneStep(sde.ERSDE{Order: 1}, p, x, t0, t1, z), 1e-13)
		}
	}
}

// Runs of ten steps that must be the same.
func TestSameMethods(t *testing.T) {
	run := func(m sde.Method, eta float64) []float64 {
		x := fill(3, 0.4)
		solve(t, mixture(trigPath, eta), x, uniform(0.1, 0.9, 10), m, sde.Independent{Seed: 2}, nil)
		return x
	}
	for _, eta := range []float64{0, 0.6, 1} {
		for _, pair := range [][2]sde.Method{
			{sde.SDEDPMPP{Order: 1}, sde.SEEDS(1)},
			{sde.SDEDPMPP{Order: 1}, sde.SASolver{Predictor: 1}},
			{sde.SDEDPMPP{Order: 2, Heun: true}, sde.SASolver{Predictor: 2}},
			{sde.SDEDPMPP{Order: 3}, sde.SASolver{Predictor: 3}},
			{sde.SDEDPMPP{Order: 1}, sde.ERSDE{Order: 1, Phi: sde.ERSquare}},
			{sde.DDPM, sde.EulerAncestral},
		} {
			// The weights of three nodes are sums of ten terms of size 10.
			assert.InDeltaSlice(t, run(pair[0], eta), run(pair[1], eta), 1e-12, "%s %s", pair[0].Name(), pair[1].Name())
		}
	}
	assert.InDeltaSlice(t, run(sde.DDPM, 1), run(sde.SDEDPMPP{Order: 1}, 1), 1e-12)
	// The published start of 2M is a first-order step, then the same formula.
	assert.NotEqual(t, run(sde.SDEDPMPP{}, 1), run(sde.SDEDPMPP{Published: true}, 1))
}

// Without noise: the multistep methods as dpm-solver and k-diffusion write them, with
// φ functions and differences, and the released start. SA at τ = 0 is the exponential Adams
// method of three steps, which is 3M with its weight κ = 2.
func TestNoNoiseForms(t *testing.T) {
	grid := uniform(0.15, 0.85, 9)
	p := mixture(trigPath, 0)
	type state struct{ d, lambda []float64 }
	for name, c := range map[string]struct {
		m      sde.Method
		order  int
		weight func(h, r0, r1 float64) (w0, w1, w2 float64)
	}{
		"2m midpoint": {sde.SDEDPMPP{Published: true}, 2, func(h, r0, _ float64) (float64, float64, float64) {
			e := -math.Expm1(-h)
			return e + e/2/r0, -e / 2 / r0, 0
		}},
		"2m heun": {sde.SDEDPMPP{Heun: true, Published: true}, 2, func(h, r0, _ float64) (float64, float64, float64) {
			p2 := math.Expm1(-h)/h + 1
			return -math.Expm1(-h) + p2/r0, -p2 / r0, 0
		}},
		"3m": {sde.SASolver{Predictor: 3, Published: true}, 3, func(h, r0, r1 float64) (float64, float64, float64) {
			p2 := math.Expm1(-h)/h + 1
			p3 := p2/h - 0.5
			// D1 = D10 + r0/(r0+r1)(D10-D11), D2 = (D10-D11)/(r0+r1), κ = 2.
			a, b := 1/r0, 1/r1
			d1 := [3]float64{a + r0/(r0+r1)*a, -a - r0/(r0+r1)*(a+b), r0 / (r0 + r1) * b}
			d2 := [3]float64{a / (r0 + r1), -(a + b) / (r0 + r1), b / (r0 + r1)}
			return -math.Expm1(-h) + p2*d1[0] - 2*p3*d2[0], p2*d1[1] - 2*p3*d2[1], p2*d1[2] - 2*p3*d2[2]
		}},
	} {
		x := []float64{0.7}
		solve(t, p, x, grid, c.m, panicNoise{c.m}, nil)
		want := []float64{0.7}
		var past state
		for k := 1; k < len(grid); k++ {
			a0, s0 := p.at(grid[k-1])
			a1, s1 := p.at(grid[k])
			d := []float64{0}
			p.Denoise(d, want, a0, s0)
			past.d = append([]float64{d[0]}, past.d...)
			past.lambda = append([]float64{p.lambda(grid[k-1])}, past.lambda...)
			h := p.lambda(grid[k]) - past.lambda[0]
			var w [3]float64
			switch n := len(past.d); {
			case n == 1:
				w[0] = -math.Expm1(-h)
			case n == 2 || c.order == 2:
				r0 := (past.lambda[0] - past.lambda[1]) / h
				p2 := math.Expm1(-h)/h + 1
				w = [3]float64{-math.Expm1(-h) + p2/r0, -p2 / r0}
				if c.order == 2 {
					w[0], w[1], _ = c.weight(h, r0, 0)
				}
			default:
				w[0], w[1], w[2] = c.weight(h, (past.lambda[0]-past.lambda[1])/h, (past.lambda[1]-past.lambda[2])/h)
			}
			want[0] *= s1 / s0
			for j := range min(len(past.d), 3) {
				want[0] += a1 * w[j] * past.d[j]
			}
		}
		assert.InDelta(t, want[0], x[0], 1e-12, name) // φ₃ by cancellation
	}
}

// Without noise: 2S and 3S of DPM-Solver++, by hand.
func TestNoNoiseStages(t *testing.T) {
	const t0, t1, x = 0.3, 0.42, 0.8
	p := mixture(trigPath, 0)
	_, s := p.at(t0)
	a1, s1 := p.at(t1)
	l0, l1 := p.lambda(t0), p.lambda(t1)
	h := l1 - l0
	den := func(x, l float64) float64 {
		a, s := p.at(p.time(l))
		d := []float64{0}
		p.Denoise(d, []float64{x}, a, s)
		return d[0]
	}
	at := func(l float64) (float64, float64) { return p.at(p.time(l)) }
	d0 := den(x, l0)
	stage := func(r float64) float64 {
		ai, si := at(l0 + r*h)
		return si/s*x - ai*math.Expm1(-r*h)*d0
	}
	mid := den(stage(0.5), l0+h/2)
	two := s1/s*x - a1*math.Expm1(-h)*mid
	d1 := den(stage(1./3), l0+h/3)
	ai, _ := at(l0 + 2*h/3)
	u2 := stage(2./3) + ai*2*(math.Expm1(-2*h/3)/(2*h/3)+1)*(d1-d0)
	d2 := den(u2, l0+2*h/3)
	three := s1/s*x - a1*math.Expm1(-h)*d0 + a1*1.5*(math.Expm1(-h)/h+1)*(d2-d0)
	for m, want := range map[sde.Method]float64{
		sde.SEEDS(2): two, sde.DPMPPSDE{}: two, sde.SEEDS(3): three, sde.DPMPP2SAncestral{}: two,
	} {
		// No noise is drawn: a normal that is not a number would show.
		assert.InDelta(t, want, oneStep(m, p, x, t0, t1, math.NaN()), 1e-13, m.Name())
	}
}
