package ode

import (
	"context"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// mix is a mixture of three isotropic normal densities, whose denoiser is exact.
type mix struct {
	d     int
	w     [3]float64
	means [3][]float64
	v     float64 // variance of a component
	calls *atomic.Int64
}

func newMix(d int) mix {
	m := mix{d: d, w: [3]float64{0.5, 0.3, 0.2}, v: 0.25, calls: new(atomic.Int64)}
	for i := range m.means {
		m.means[i] = cloudFrom(uint64(i), d)
		r := 1.5 / math.Sqrt(distance(m.means[i], make([]float64, d))/math.Sqrt(float64(d)))
		for j := range m.means[i] {
			m.means[i][j] *= r / math.Pow(float64(d), 0.25)
		}
	}
	return m
}

func (m mix) Dim() int { return m.d }

// Denoise writes (α v x + σ² Σ p_i m_i)/(α² v + σ²), p_i the posterior weights of the components.
func (m mix) Denoise(dst, x []float64, alpha, sigma float64) {
	m.calls.Add(int64(len(x) / m.d))
	v := alpha*alpha*m.v + sigma*sigma
	for r := 0; r < len(x); r += m.d {
		var p [3]float64
		for i, mean := range m.means {
			for j, c := range mean {
				e := x[r+j] - alpha*c
				p[i] -= e * e / (2 * v)
			}
		}
		top, sum := max(p[0], p[1], p[2]), 0.0
		for i := range p {
			p[i] = m.w[i] * math.Exp(p[i]-top)
			sum += p[i]
		}
		for j := range m.d {
			c := 0.0
			for i, mean := range m.means {
				c += p[i] / sum * mean[j]
			}
			dst[r+j] = (alpha*m.v*x[r+j] + sigma*sigma*c) / v
		}
	}
}

// A pathFlow is the flow of a denoiser on a Gaussian path.
type pathFlow struct {
	denoiser
	noise func(t float64) (a, s, da, ds float64)
	time  func(λ float64) float64
}

type denoiser interface {
	Dim() int
	Denoise(dst, x []float64, alpha, sigma float64)
}

func (p pathFlow) Noise(t float64) (alpha, sigma float64) {
	a, s, _, _ := p.noise(t)
	return a, s
}
func (p pathFlow) Time(λ float64) float64 { return p.time(λ) }
func (p pathFlow) Eval(dst, x []float64, t float64) {
	a, s, da, ds := p.noise(t)
	p.Denoise(dst, x, a, s)
	for i, v := range x {
		dst[i] = ds/s*v + (da-a*ds/s)*dst[i]
	}
}

func condOT(m denoiser) pathFlow {
	return pathFlow{m,
		func(t float64) (a, s, da, ds float64) { return t, 1 - t, 1, -1 },
		func(λ float64) float64 { return 1 / (1 + math.Exp(-λ)) },
	}
}

func trig(m denoiser) pathFlow {
	const w = math.Pi / 2
	return pathFlow{m,
		func(t float64) (a, s, da, ds float64) {
			a, s = math.Sin(w*t), math.Sin(w*(1-t))
			return a, s, w * s, -w * a
		},
		func(λ float64) float64 { return math.Atan(math.Exp(λ)) / w },
	}
}

// ve has σ from 80 to 0.002, even in log σ.
func ve(m denoiser) pathFlow {
	hi, lo := math.Log(80), math.Log(0.002)
	return pathFlow{m,
		func(t float64) (a, s, da, ds float64) {
			s = math.Exp(hi + t*(lo-hi))
			return 1, s, 0, s * (lo - hi)
		},
		func(λ float64) float64 { return (hi + λ) / (hi - lo) },
	}
}

// vp has β from 0.1 to 20, linear in 1 - t.
func vp(m denoiser) pathFlow {
	const b0, b1 = 0.1, 20.0
	return pathFlow{m,
		func(t float64) (a, s, da, ds float64) {
			u := 1 - t
			la, dla := -u*(u*(b1-b0)/4+b0/2), u*(b1-b0)/2+b0/2
			a, s = math.Exp(la), math.Sqrt(-math.Expm1(2*la))
			return a, s, a * dla, -a * a * dla / s
		},
		func(λ float64) float64 {
			c := math.Log1p(math.Exp(-2*λ)) / 2 // -log α = u² (b1-b0)/4 + u b0/2
			return 1 - 2*c/(b0/2+math.Sqrt(b0*b0/4+(b1-b0)*c))
		},
	}
}

// lambdaGrid and karrasGrid lead from σ/α = r0 to r1 in n steps, even in λ or in (σ/α)^(1/7).
func lambdaGrid(f Semilinear, r0, r1 float64, n int) []float64 {
	return gridOf(f, n, func(u float64) float64 { return -math.Log(r0) + u*math.Log(r0/r1) })
}

func karrasGrid(f Semilinear, r0, r1 float64, n int) []float64 {
	a, b := math.Pow(r0, 1./7), math.Pow(r1, 1./7)
	return gridOf(f, n, func(u float64) float64 { return -7 * math.Log(a+u*(b-a)) })
}

func gridOf(f Semilinear, n int, λ func(u float64) float64) []float64 {
	g := make([]float64, n+1)
	for i := range g {
		g[i] = f.Time(λ(float64(i) / float64(n)))
	}
	return g
}

// exactFlow solves dy/dλ = D(y; 1, e^{-λ}) - y for y = x/α, which no path enters.
func exactFlow(t *testing.T, m denoiser, y0 []float64, λ0, λ1 float64) []float64 {
	f := Func{m.Dim(), func(dst, y []float64, λ float64) {
		m.Denoise(dst, y, 1, math.Exp(-λ))
		for i, v := range y {
			dst[i] -= v
		}
	}}
	y := append([]float64{}, y0...)
	_, err := SolveAdaptive(context.Background(), f, y, []float64{λ0, λ1}, Adaptive{Tableau: DormandPrince853, RTol: 1e-13, ATol: 1e-14}, nil)
	require.NoError(t, err)
	return y
}

// startAt returns n points y = x/α of the noise σ/α.
func startAt(n, d int, rho float64) []float64 {
	y := cloudFrom(99, n*d)
	for i := range y {
		y[i] *= rho
	}
	return y
}

// runScaled solves for y = x/α; where α = 0 at the start, y0 is x itself.
func runScaled(t *testing.T, m Method, f Semilinear, y0, grid []float64) []float64 {
	a, _ := f.Noise(grid[0])
	x := append([]float64{}, y0...)
	if a != 0 {
		for i := range x {
			x[i] *= a
		}
	}
	_, err := Solve(context.Background(), f, x, grid, m, nil)
	require.NoError(t, err, m.Name())
	a, _ = f.Noise(grid[len(grid)-1])
	for i := range x {
		x[i] /= a
	}
	return x
}
