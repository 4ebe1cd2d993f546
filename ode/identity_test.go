package ode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// The forms below are written as their papers do, on the path α = 1 with noise σ.

// byHand runs a multistep update over the noise levels of a grid: step gets the levels
// λ_0..λ_{n+1} so far and D at the first n+1 of them.
func byHand(m denoiser, y0, sigmas []float64, step func(y []float64, λ []float64, d [][]float64) []float64) []float64 {
	y := append([]float64{}, y0...)
	λ := []float64{-math.Log(sigmas[0])}
	var ds [][]float64
	for n := 1; n < len(sigmas); n++ {
		d := make([]float64, len(y))
		m.Denoise(d, y, 1, sigmas[n-1])
		ds, λ = append(ds, d), append(λ, -math.Log(sigmas[n]))
		y = step(y, λ, ds)
	}
	return y
}

func linear(terms ...any) []float64 {
	out := make([]float64, len(terms[1].([]float64)))
	for i := 0; i < len(terms); i += 2 {
		for j, v := range terms[i+1].([]float64) {
			out[j] += terms[i].(float64) * v
		}
	}
	return out
}

func last(s [][]float64, back int) []float64 { return s[len(s)-1-back] }

func TestIdentities(t *testing.T) {
	m := newMix(2)
	f := ve(m)
	y0 := startAt(3, 2, 20)
	for _, n := range []int{1, 2, 3, 4, 9, 25} {
		grid := karrasGrid(f, 20, 0.05, n)
		sigmas := make([]float64, n+1)
		for i, v := range grid {
			_, sigmas[i] = f.Noise(v)
		}
		slope := func(y []float64, σ float64) []float64 {
			d := make([]float64, len(y))
			m.Denoise(d, y, 1, σ)
			return linear(1/σ, y, -1/σ, d)
		}
		// singlestep updates of k-diffusion in σ
		plain := func(update func(y []float64, σ, to float64) []float64) []float64 {
			y := append([]float64{}, y0...)
			for i := 1; i < len(sigmas); i++ {
				y = update(y, sigmas[i-1], sigmas[i])
			}
			return y
		}
		euler := plain(func(y []float64, σ, to float64) []float64 { return linear(1.0, y, to-σ, slope(y, σ)) })
		dpm2 := plain(func(y []float64, σ, to float64) []float64 {
			mid := math.Sqrt(σ * to)
			return linear(1.0, y, to-σ, slope(linear(1.0, y, mid-σ, slope(y, σ)), mid))
		})
		heun := plain(func(y []float64, σ, to float64) []float64 {
			d := slope(y, σ)
			return linear(1.0, y, (to-σ)/2, d, (to-σ)/2, slope(linear(1.0, y, to-σ, d), to))
		})
		// DPM-Solver++ 2M and 3M, κ as it should be and as published
		dpmpp2m := byHand(m, y0, sigmas, func(y, λ []float64, d [][]float64) []float64 {
			k := len(λ) - 1
			h := λ[k] - λ[k-1]
			D := last(d, 0)
			if k > 1 {
				r := (λ[k-1] - λ[k-2]) / h
				D = linear(1+1/(2*r), D, -1/(2*r), last(d, 1))
			}
			return linear(math.Exp(-h), y, -math.Expm1(-h), D)
		})
		dpmpp3m := func(κ float64) []float64 {
			return byHand(m, y0, sigmas, func(y, λ []float64, d [][]float64) []float64 {
				k := len(λ) - 1
				h := λ[k] - λ[k-1]
				φ2 := math.Expm1(-h)/h + 1
				φ3 := φ2/h - 0.5
				D := last(d, 0)
				end := linear(math.Exp(-h), y, -math.Expm1(-h), D)
				if k == 1 {
					return end
				}
				r0 := (λ[k-1] - λ[k-2]) / h
				d10 := linear(1/r0, D, -1/r0, last(d, 1))
				if k == 2 {
					if κ == 1 {
						return linear(1.0, end, -math.Expm1(-h)/2, d10)
					}
					return linear(1.0, end, φ2, d10)
				}
				r1 := (λ[k-2] - λ[k-3]) / h
				d11 := linear(1/r1, last(d, 1), -1/r1, last(d, 2))
				second := linear(1/(r0+r1), d10, -1/(r0+r1), d11)
				first := linear(1.0, d10, r0, second)
				return linear(1.0, end, φ2, first, -κ*φ3, second)
			})
		}
		for _, c := range []struct {
			want []float64
			m    Method
		}{
			{euler, DDIM{}}, {euler, DPMSolver{Stages: 1}}, {euler, DPMSolverPP{Stages: 1}},
			{euler, UniPC{P: 1, NoCorrector: true}}, {euler, ExponentialAB{Steps: 1}},
			{euler, DEIS{Steps: 1}}, {euler, DEIS{Steps: 1, Clock: RhoClock}}, {euler, DEIS{Steps: 1, Clock: LogRhoClock}},
			{euler, VelocityAB{Steps: 1}}, {euler, IPNDM{Steps: 1}},
			{dpm2, DPMSolver{}}, {heun, EDMHeun{}},
			{dpmpp2m, DPMSolverPPM{Warmup: PublishedWarmup}},
			{dpmpp2m, UniPC{NoCorrector: true, Warmup: PublishedWarmup}},
			{dpmpp3m(1), DPMSolverPPM{Steps: 3, Published: true, Warmup: PublishedWarmup}},
			{dpmpp3m(2), DPMSolverPPM{Steps: 3, Warmup: PublishedWarmup}},
			{dpmpp3m(2), ExponentialAB{Steps: 3, Warmup: PublishedWarmup}},
			{unipcByHand(m, y0, sigmas, 1, false), UniPC{P: 1, Warmup: PublishedWarmup}},
			{unipcByHand(m, y0, sigmas, 2, false), UniPC{Warmup: PublishedWarmup}},
			{unipcByHand(m, y0, sigmas, 3, false), UniPC{P: 3, Warmup: PublishedWarmup}},
			{unipcByHand(m, y0, sigmas, 1, true), UniPC{P: 1, B1: true, Warmup: PublishedWarmup}},
			{unipcByHand(m, y0, sigmas, 2, true), UniPC{B1: true, Warmup: PublishedWarmup}},
			{ipndmvByHand(m, y0, sigmas), DEIS{Clock: RhoClock, Warmup: PublishedWarmup}},
		} {
			x := runScaled(t, c.m, f, y0, grid)
			// Rounding of points of size 20; formulas with 1/h² lose the rest.
			assert.InDeltaSlice(t, c.want, x, 1e-12, "%s in %d steps", c.m.Name(), n)
		}
	}
}

// unipcByHand solves the systems of equations of UniPC as its paper states them.
func unipcByHand(m denoiser, y0, sigmas []float64, order int, b1 bool) []float64 {
	var (
		predicted func(d []float64) []float64 // the corrected state for D at the predicted one
		pending   bool
	)
	return byHand(m, y0, sigmas, func(y, λ []float64, d [][]float64) []float64 {
		if pending {
			y = predicted(last(d, 0))
		}
		k := len(λ) - 1
		p := min(order, k)
		h := λ[k] - λ[k-1]
		B := math.Expm1(-h)
		if b1 {
			B = -h
		}
		D := last(d, 0)
		var r []float64
		var Δ [][]float64
		for i := 1; i < p; i++ {
			ri := (λ[k-1-i] - λ[k-1]) / h
			r, Δ = append(r, ri), append(Δ, linear(1/ri, last(d, i), -1/ri, D))
		}
		r = append(r, 1)
		// R_kj = r_j^{k-1}, b_k = k! ψ_{k+1}/B
		R, b := mat.NewDense(p, p, nil), mat.NewVecDense(p, nil)
		ψ, fact := math.Expm1(-h)/-h-1, 1.0
		for i := range p {
			fact *= float64(i + 1)
			b.SetVec(i, fact*ψ/B)
			ψ = ψ/-h - 1/(fact*float64(i+2))
			for j := range p {
				R.Set(i, j, math.Pow(r[j], float64(i)))
			}
		}
		solve := func(size int) []float64 {
			if size == 0 {
				return nil
			}
			var ρ mat.VecDense
			if err := ρ.SolveVec(R.Slice(0, size, 0, size), b.SliceVec(0, size)); err != nil {
				panic(err)
			}
			return ρ.RawVector().Data
		}
		base := linear(math.Exp(-h), y, -math.Expm1(-h), D)
		ρp, ρc := solve(p-1), solve(p)
		if p == 2 {
			ρp = []float64{0.5}
		}
		if p == 1 {
			ρc = []float64{0.5}
		}
		end := base
		for i, v := range ρp {
			end = linear(1.0, end, -B*v, Δ[i])
		}
		predicted, pending = func(next []float64) []float64 {
			c := base
			for i := range Δ {
				c = linear(1.0, c, -B*ρc[i], Δ[i])
			}
			return linear(1.0, c, -B*ρc[p-1], next, B*ρc[p-1], D)
		}, true
		return end
	})
}

// ipndmvByHand has the coefficients of iPNDM with variable steps of three levels, as
// ComfyUI writes them.
func ipndmvByHand(m denoiser, y0, sigmas []float64) []float64 {
	var slopes [][]float64
	return byHand(m, y0, sigmas, func(y, λ []float64, d [][]float64) []float64 {
		k := len(λ) - 1
		σ := func(i int) float64 { return math.Exp(-λ[i]) }
		slopes = append(slopes, linear(1/σ(k-1), y, -1/σ(k-1), last(d, 0)))
		h := σ(k) - σ(k-1)
		switch k {
		case 1:
			return linear(1.0, y, h, slopes[0])
		case 2:
			r := h / (σ(1) - σ(0))
			return linear(1.0, y, h*(2+r)/2, slopes[1], -h*r/2, slopes[0])
		}
		h1, h2 := σ(k-1)-σ(k-2), σ(k-2)-σ(k-3)
		tmp := (1 - h/(3*(h+h1))*(h*(h+h1))/(h*(h+h1))) * (h * (h + h1)) / (h1 * (h1 + h2)) / 2
		return linear(1.0, y, h*((2+h/h1)/2+tmp), last(slopes, 0), -h*(h/h1/2+(1+h1/h2)*tmp), last(slopes, 1), h*tmp*h1/h2, last(slopes, 2))
	})
}

// The weights of four steps are integrals of Lagrange polynomials in their clock: the sum
// over the weight's measure by brute force agrees.
func TestAdamsWeightsByQuadrature(t *testing.T) {
	f := vp(newMix(2))
	r := stream.New().At(3, stream.Test, 0, 0)
	for range 20 {
		λ := -2 + r.Float64()
		var past [4]level
		for i := 3; i >= 0; i-- {
			past[i] = levelAt(f, f.time(λ))
			λ += 0.05 + r.Float64()
		}
		to := levelAt(f, f.time(λ))
		for _, c := range []struct {
			form  form
			rule  abRule
			clock func(l level) float64
		}{
			{dataForm, lambdaRule, func(l level) float64 { return l.lambda }},
			{noiseForm, lambdaRule, func(l level) float64 { return l.lambda }},
			{noiseForm, rhoRule, level.rho},
			{noiseForm, timeRule, func(l level) float64 { return l.t }},
			{velocityForm, flowRule, level.flow},
		} {
			s := &expAB{expFlow: expFlow{f: f, form: c.form}}
			var w [4]float64
			c.rule(s, w[:], past[:], to)
			_, scale := c.form.coefs(past[0], to)
			h := to.lambda - past[0].lambda
			for j := range w {
				sum := 0.0
				for p := range 8 {
					for i, x := range legendre.x {
						u := past[0].lambda + h*(float64(p)+x)/8
						at := levelAt(f, f.time(u))
						l := 1.0
						for i := range past {
							if i != j {
								l *= (c.clock(at) - c.clock(past[i])) / (c.clock(past[j]) - c.clock(past[i]))
							}
						}
						dλ := legendre.w[i] / 8 * h
						switch c.form {
						case dataForm:
							sum += to.alpha * math.Exp(u-to.lambda) * l * dλ
						case noiseForm:
							sum -= to.alpha * math.Exp(-u) * l * dλ
						case velocityForm: // ds = -s(1-s) dλ
							s := at.flow()
							sum -= (to.alpha + to.sigma) * s * (1 - s) * l * dλ
						}
					}
				}
				// Weights reach 1e3 where two levels are close, and cancel.
				assert.InDelta(t, sum, scale*w[j], 1e-11, "form %d, weight %d", c.form, j)
			}
		}
	}
}
