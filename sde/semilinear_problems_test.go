package sde_test

import (
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/seed-dea4846a/sampler/internal/weak"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// A testPath is a Gaussian path with its log-SNR rate.
type testPath struct {
	at   func(t float64) (alpha, sigma float64)
	time func(lambda float64) float64
	rate func(t float64) float64 // λ̇
	dlog func(t float64) float64 // σ̇/σ
}

var (
	// α = sin, σ = cos: variance preserving, λ = log tan(πt/2).
	trigPath = testPath{
		at:   func(t float64) (float64, float64) { s, c := math.Sincos(math.Pi / 2 * t); return s, c },
		time: func(l float64) float64 { return 2 / math.Pi * math.Atan(math.Exp(l)) },
		rate: func(t float64) float64 { return math.Pi / math.Sin(math.Pi*t) },
		dlog: func(t float64) float64 { return -math.Pi / 2 * math.Tan(math.Pi/2*t) },
	}
	// α = 1, λ = 6t - 3.
	vePath = testPath{
		at:   func(t float64) (float64, float64) { return 1, math.Exp(3 - 6*t) },
		time: func(l float64) float64 { return (l + 3) / 6 },
		rate: func(float64) float64 { return 6 },
		dlog: func(float64) float64 { return -6 },
	}
	// α = t, σ = 1-t: σ = 0 at t = 1, α = 0 at t = 0.
	flowPath = testPath{
		at:   func(t float64) (float64, float64) { return t, 1 - t },
		time: func(l float64) float64 { return 1 / (1 + math.Exp(-l)) },
		rate: func(t float64) float64 { return 1 / (t * (1 - t)) },
		dlog: func(t float64) float64 { return -1 / (1 - t) },
	}
)

func (p testPath) lambda(t float64) float64 {
	a, s := p.at(t)
	return math.Log(a / s)
}

// lambdaGrid has n equal steps in λ.
func (p testPath) lambdaGrid(l0, l1 float64, n int) []float64 {
	g := uniform(l0, l1, n)
	for i, l := range g {
		g[i] = p.time(l)
	}
	return g
}

// A reverse is the sde.Semilinear of a one-dimensional mixture of Gaussians of one
// deviation, weights w, means mu.
type reverse struct {
	testPath
	w, mu []float64
	std   float64
	eta   func(lambda float64) float64
	calls *atomic.Int64 // points denoised, if not nil
}

var _ sde.Semilinear = reverse{}

func constant(v float64) func(float64) float64 { return func(float64) float64 { return v } }

func gaussian(p testPath, eta float64) reverse {
	return reverse{testPath: p, w: []float64{1}, mu: []float64{0.7}, std: 0.5, eta: constant(eta)}
}

// mixture is the target, weights 0.3 and 0.7, means -1.5 and 1.
func mixture(p testPath, eta float64) reverse {
	return reverse{testPath: p, w: []float64{0.3, 0.7}, mu: []float64{-1.5, 1}, std: 0.5, eta: constant(eta)}
}

func (r reverse) Dim() int                           { return 1 }
func (r reverse) Noise(t float64) (float64, float64) { return r.at(t) }
func (r reverse) Time(l float64) float64             { return r.time(l) }
func (r reverse) EtaAt(l float64) float64            { return r.eta(l) }

func (r reverse) Denoise(dst, x []float64, alpha, sigma float64) {
	if r.calls != nil {
		r.calls.Add(int64(len(x)))
	}
	v := alpha*alpha*r.std*r.std + sigma*sigma
	for i, x := range x {
		sum, d := 0.0, 0.0
		for k, mu := range r.mu {
			e := x - alpha*mu
			// Relative to the first component, against underflow.
			e0 := x - alpha*r.mu[0]
			p := r.w[k] * math.Exp((e0*e0-e*e)/(2*v))
			sum += p
			d += p * (mu + alpha*r.std*r.std/v*e)
		}
		dst[i] = d / sum
	}
}

// kappa returns g²/(2σ²).
func (r reverse) kappa(t float64) float64 {
	eta := r.eta(r.lambda(t))
	return eta * eta * r.rate(t)
}

func (r reverse) Diffusion(t float64) float64 {
	_, sigma := r.at(t)
	return sigma * math.Sqrt(2*r.kappa(t))
}

func (r reverse) Drift(dst, x []float64, t float64) {
	alpha, sigma := r.at(t)
	r.Denoise(dst, x, alpha, sigma)
	k := r.kappa(t)
	for i, v := range x {
		dst[i] = (r.dlog(t)-k)*v + alpha*(r.rate(t)+k)*dst[i]
	}
}

// law returns the mean and the variance at t of a Gaussian target.
func (r reverse) law(t float64) (mean, variance float64) {
	alpha, sigma := r.at(t)
	return alpha * r.mu[0], alpha*alpha*r.std*r.std + sigma*sigma
}

// solution returns the exact mean and variance of the process at t1 that starts at t0 from
// any mean and variance. With V = σ̄² + std² deviations from the law shrink by
//
//	(α₁/α₀) √(V₁/V₀) e^{-∫ η² σ̄²/V dλ},
//
// for constant η by (α₁/α₀) (V₁/V₀)^{(1+η²)/2}; 64 Gauss-Legendre nodes serve all.
func (r reverse) solution(t0, t1, mean, variance float64) (float64, float64) {
	m0, v0 := r.law(t0)
	m1, v1 := r.law(t1)
	a0, s0 := r.at(t0)
	a1, s1 := r.at(t1)
	big := func(ratio float64) float64 { return ratio*ratio + r.std*r.std }
	gain := quad.Fixed(func(l float64) float64 {
		e, s := r.eta(l), math.Exp(-l)
		return e * e * s * s / big(s)
	}, r.lambda(t0), r.lambda(t1), 64, nil, 0)
	k := a1 / a0 * math.Sqrt(big(s1/a1)/big(s0/a0)) * math.Exp(-gain)
	return m1 + k*(mean-m0), v1 + k*k*(variance-v0)
}

// weakErrors returns the errors of mean and variance at the end of each grid, from a
// start that is not the law at the first time: one that is would hide errors.
func weakErrors(m sde.Method, p reverse, grids [][]float64) (dm, dv []float64) {
	return weakErrorsOf(m, p, p, grids)
}

// weakErrorsOf gives the method one process and compares with the solution of another.
func weakErrorsOf(m sde.Method, p, exact reverse, grids [][]float64) (dm, dv []float64) {
	m0, v0 := p.law(grids[0][0])
	return weakErrorsFrom(m, p, exact, grids, m0+0.8, v0/2)
}

func weakErrorsFrom(m sde.Method, p, exact reverse, grids [][]float64, m0, v0 float64) (dm, dv []float64) {
	t0, t1 := grids[0][0], grids[0][len(grids[0])-1]
	m1, v1 := exact.solution(t0, t1, m0, v0)
	for _, g := range grids {
		mean, variance := weak.Moments(func(noise sde.NoiseSource, rows int) ode.Stepper {
			return m.NewStepper(p, noise, rows)
		}, g, m0, v0)
		dm = append(dm, math.Abs(mean-m1))
		dv = append(dv, math.Abs(variance-v1))
	}
	return dm, dv
}
