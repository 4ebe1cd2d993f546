package interpolant

import (
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// A Bridge is a model of a two-sided interpolant x_t = α x₀ + β x₁ + γ z: with
//
//	v(t, x) = E[α̇x₀ + β̇x₁ | x_t = x]              mean velocity of the interpolant
//	η(t, x) = E[z | x_t = x]                        denoiser
//	s(t, x) = ∇ log ρ(t, x) = -η/γ                  score
//	b(t, x) = E[ẋ_t | x_t = x] = v - γγ̇ s = v + γ̇η   velocity
//
// (Albergo et al. 2023, arXiv 2303.08797, theorems 2.6 and 2.8), all are combinations of
// v and s, and the drifts b ± εs of its stochastic equations are too.
type Bridge interface {
	Dim() int
	// At returns the coefficients of the interpolant.
	At(t float64) TwoCoeffs
	// Combine writes p·v(t, x) + q·s(t, x) for the points x under the rules of ode.Field.
	// A term whose factor is zero is left out.
	Combine(dst, x []float64, t, p, q float64)
}

// A BridgeDensity knows ρ(t, ·).
type BridgeDensity interface {
	Bridge
	// LogProb writes log ρ(t, x) in nats, one value a point.
	LogProb(dst, x []float64, t float64)
}

// A BridgeJacobian knows the derivatives of Combine.
type BridgeJacobian interface {
	Bridge
	// JVP writes (∂/∂x (p·v + q·s)) u.
	JVP(dst, x, u []float64, t, p, q float64)
	// Divergence writes the trace of the same matrix, one value a point.
	Divergence(dst, x []float64, t, p, q float64)
}

// Velocity writes b(t, x).
func Velocity(m Bridge, dst, x []float64, t float64) { m.Combine(dst, x, t, 1, -m.At(t).GDG) }

// MeanVelocity writes v(t, x).
func MeanVelocity(m Bridge, dst, x []float64, t float64) { m.Combine(dst, x, t, 1, 0) }

// Score writes s(t, x).
func Score(m Bridge, dst, x []float64, t float64) { m.Combine(dst, x, t, 0, 1) }

// NoiseMean writes η(t, x) = E[z | x_t = x].
func NoiseMean(m Bridge, dst, x []float64, t float64) { m.Combine(dst, x, t, 0, -m.At(t).Gamma) }

// Denoise writes E[x₁ | x_t = x], which solves x = αη₀ + βη₁ + γη and v = α̇η₀ + β̇η₁,
//
//	E[x₁ | x] = (αv - α̇(x + γ²s)) / (αβ̇ - α̇β),   or (x + γ²s)/β where α = 0,
//
// and NaN where the interpolant knows nothing of x₁ (enc-dec before ½). Where a rate in it
// is infinite at an end, it is the value 1e-12 inside.
func Denoise(m Bridge, dst, x []float64, t float64) { denoise(m, dst, x, t, m.At) }

// DenoiseStart writes E[x₀ | x_t = x].
func DenoiseStart(m Bridge, dst, x []float64, t float64) {
	denoise(m, dst, x, t, func(t float64) TwoCoeffs {
		c := m.At(t)
		c.Alpha, c.Beta, c.DAlpha, c.DBeta = c.Beta, c.Alpha, c.DBeta, c.DAlpha
		return c
	})
}

func denoise(m Bridge, dst, x []float64, t float64, at func(t float64) TwoCoeffs) {
	c := at(t)
	p, q, r := 0.0, c.Gamma*c.Gamma/c.Beta, 1/c.Beta
	if c.Alpha != 0 {
		t, c = inside(at, t)
		det := c.Alpha*c.DBeta - c.DAlpha*c.Beta
		p, q, r = c.Alpha/det, -c.DAlpha*c.Gamma*c.Gamma/det, -c.DAlpha/det
	}
	m.Combine(dst, x, t, p, q)
	for i, v := range x {
		dst[i] += r * v
	}
}

// VelocityFromMean and the conversions below write one field given another and the score,
// element by element; dst may be any of the inputs.
//
//	b = v - γγ̇ s
func VelocityFromMean(dst, v, s []float64, c TwoCoeffs) { addScaled(dst, v, s, -c.GDG) }

// MeanFromVelocity writes v = b + γγ̇ s.
func MeanFromVelocity(dst, b, s []float64, c TwoCoeffs) { addScaled(dst, b, s, c.GDG) }

// VelocityFromNoise writes b = v + γ̇ η, for finite γ̇.
func VelocityFromNoise(dst, v, eta []float64, c TwoCoeffs) { addScaled(dst, v, eta, c.DGamma) }

// ScoreFromNoise writes s = -η/γ, for γ > 0.
func ScoreFromNoise(dst, eta []float64, c TwoCoeffs) {
	for i, e := range eta {
		dst[i] = -e / c.Gamma
	}
}

// NoiseFromScore writes η = -γs.
func NoiseFromScore(dst, s []float64, c TwoCoeffs) {
	for i, v := range s {
		dst[i] = -c.Gamma * v
	}
}

func addScaled(dst, a, b []float64, f float64) {
	for i, v := range a {
		dst[i] = v + f*b[i]
	}
}

// An Estimated is a Bridge of two functions, learned ones as a rule: B or V for the
// velocity, S or Eta for the score. With Eta the score is infinite where γ = 0, so that
// grids must keep away from the ends or ε vanish there.
type Estimated struct {
	Path         TwoSided
	D            int
	B, V, S, Eta func(dst, x []float64, t float64) // safe for concurrent use
}

var estimates = sync.Pool{New: func() any { return new([]float64) }}

// Dim returns the dimension of a point.
func (e *Estimated) Dim() int { return e.D }

// At returns the coefficients of the interpolant.
func (e *Estimated) At(t float64) TwoCoeffs { return e.Path.At(t) }

// Combine writes p·v + q·s, where v = b + γγ̇s if B is given.
func (e *Estimated) Combine(dst, x []float64, t, p, q float64) {
	c, vel := e.At(t), e.V
	if e.B != nil {
		vel = e.B
		q += p * c.GDG
	}
	if p == 0 {
		clear(dst)
	} else {
		vel(dst, x, t)
		for i := range dst {
			dst[i] *= p
		}
	}
	if q == 0 {
		return
	}
	buf := estimates.Get().(*[]float64)
	*buf = resize(*buf, len(x))
	s := *buf
	if e.S != nil {
		e.S(s, x, t)
	} else {
		e.Eta(s, x, t)
		q /= -c.Gamma
	}
	addScaled(dst, dst, s, q)
	estimates.Put(buf)
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// NewBridgeFlow returns the probability flow dx/dt = b(t, x), in either direction of time.
// It is an ode.Diverger and ode.JVPer if m is a BridgeJacobian; then ode.LogDensity gives
// likelihoods at either end from the density at the other. At an end the flow is defined if
// the density there is.
func NewBridgeFlow(m Bridge) ode.Field {
	if j, ok := m.(BridgeJacobian); ok {
		return smoothFlow{bridgeFlow{m}, j}
	}
	return bridgeFlow{m}
}

type bridgeFlow struct{ m Bridge }

func (f bridgeFlow) Dim() int                         { return f.m.Dim() }
func (f bridgeFlow) Eval(dst, x []float64, t float64) { Velocity(f.m, dst, x, t) }
func (f bridgeFlow) Err() error                       { return bridgeErr(f.m) }

type smoothFlow struct {
	bridgeFlow
	j BridgeJacobian
}

func (f smoothFlow) JVP(dst, x, u []float64, t float64) { f.j.JVP(dst, x, u, t, 1, -f.j.At(t).GDG) }

func (f smoothFlow) Divergence(dst, x []float64, t float64) {
	f.j.Divergence(dst, x, t, 1, -f.j.At(t).GDG)
}

func bridgeErr(m Bridge) error {
	if e, ok := m.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

// A BridgeSDE is a stochastic equation whose solutions have the law of x_t at all times
// (Albergo et al. 2023, corollary 2.10), an sde.Process:
//
//	forward    dX = (b + εs) dt + √(2ε) dW      from ρ(0), times rising
//	backward   dX = (b - εs) dt + √(2ε) dW      from ρ(1), times falling, dt < 0
//
// with any ε(t) ≥ 0; nil means 0, the flow.
type BridgeSDE struct {
	Model    Bridge
	Eps      func(t float64) float64
	Backward bool
}

// Dim returns the dimension of a point.
func (p *BridgeSDE) Dim() int { return p.Model.Dim() }

// Drift writes b + εs, or b - εs backward.
func (p *BridgeSDE) Drift(dst, x []float64, t float64) {
	e := p.eps(t)
	if p.Backward {
		e = -e
	}
	p.Model.Combine(dst, x, t, 1, e-p.Model.At(t).GDG)
}

// Diffusion returns √(2ε).
func (p *BridgeSDE) Diffusion(t float64) float64 { return math.Sqrt(2 * p.eps(t)) }

// Err returns the model's first error if it keeps one.
func (p *BridgeSDE) Err() error { return bridgeErr(p.Model) }

func (p *BridgeSDE) eps(t float64) float64 {
	if p.Eps == nil {
		return 0
	}
	return p.Eps(t)
}

var _ sde.Process = (*BridgeSDE)(nil)

// ConstantEps returns ε(t) = eps.
func ConstantEps(eps float64) func(t float64) float64 { return func(float64) float64 { return eps } }

// VanishingEps returns ε(t) = eps·4t(1-t), which is 0 at the ends and eps in the middle.
func VanishingEps(eps float64) func(t float64) float64 {
	return func(t float64) float64 { return eps * 4 * t * (1 - t) }
}

// GammaEps returns ε(t) = eps·γ(t)²; then εs = -eps·γη is finite wherever η is.
func GammaEps(eps float64, p TwoSided) func(t float64) float64 {
	return func(t float64) float64 { g, _, _ := p.Gamma(t); return eps * g * g }
}
