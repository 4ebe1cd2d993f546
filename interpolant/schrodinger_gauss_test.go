package interpolant_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

type gaussPair struct {
	name           string
	m0, c0, m1, c1 []float64
}

var gaussPairs = []gaussPair{
	{"one dimension", []float64{0.5}, []float64{1}, []float64{2}, []float64{0.25}},
	{"isotropic", []float64{1, 0}, []float64{1, 0, 0, 1}, []float64{-1, 2}, []float64{0.09, 0, 0, 0.09}},
	{"commuting", []float64{1, 0}, []float64{1, 0, 0, 0.3}, []float64{-1, 2}, []float64{0.2, 0, 0, 2}},
	{"not commuting", []float64{1, 0, 0}, []float64{1, 0.4, 0, 0.4, 0.3, 0.1, 0, 0.1, 2}, []float64{-1, 2, 1}, []float64{0.2, -0.3, 0.1, -0.3, 2, 0, 0.1, 0, 0.5}},
}

func (g gaussPair) bridge(t testing.TB, eps float64) *interpolant.GaussianSchrodinger {
	m, err := interpolant.NewGaussianSchrodinger(g.m0, g.c0, g.m1, g.c1, eps)
	require.NoError(t, err)
	return m
}

func (g gaussPair) ends(t testing.TB) (a, b *density.Mixture) {
	a, err := density.Gaussian(g.m0, g.c0)
	require.NoError(t, err)
	b, err = density.Gaussian(g.m1, g.c1)
	require.NoError(t, err)
	return a, b
}

// smoothBridge is what the exact models offer.
type smoothBridge interface {
	interpolant.BridgeDensity
	interpolant.BridgeJacobian
}

// checkOptimal holds the forward drift u = b + εs to the conditions that make the process a
// Schrödinger bridge, beside those of checkIdentities: u is a gradient that solves
//
//	∂u/∂t + (u·∇)u + εΔu = 0
//
// (Albergo et al. 2023, equation 5.11, differentiated). Errors of the differences are as in
// checkIdentities, a second difference by the exact Jacobian.
func checkOptimal(t *testing.T, m smoothBridge, x []float64, tm, eps float64) {
	const h = 1e-4
	d := m.Dim()
	u, du, e, jac := make([]float64, d), make([]float64, d), make([]float64, d), mat.NewDense(d, d, nil)
	q := func(tm float64) float64 { return eps - m.At(tm).GDG }
	for lo := 0; lo < len(x); lo += d {
		xi := x[lo : lo+d]
		m.Combine(u, xi, tm, 1, q(tm))
		scale := 1 + floats.Dot(u, u)
		for j := range d {
			clear(e)
			e[j] = 1
			m.JVP(du, xi, e, tm, 1, q(tm))
			jac.SetCol(j, du)
			scale += floats.Dot(du, du)
		}
		y := make([]float64, d)
		for i := range d {
			rate := diff(func(r float64) float64 { m.Combine(du, xi, tm+r, 1, q(tm+r)); return du[i] }, h)
			lap := 0.0
			for j := range d {
				clear(e)
				e[j] = 1
				lap += diff(func(r float64) float64 {
					floats.AddScaledTo(y, xi, r, e)
					m.JVP(du, y, e, tm, 1, q(tm))
					return du[i]
				}, h)
				require.InDelta(t, jac.At(i, j), jac.At(j, i), 1e-9*scale, "u is a gradient, t = %g", tm)
			}
			require.InDelta(t, 0, (rate+floats.Dot(jac.RawRowView(i), u)+eps*lap)/scale, 1e-6, "optimality at t = %g", tm)
		}
	}
}

func TestGaussianSchrodingerIsOptimal(t *testing.T) {
	for _, g := range gaussPairs {
		for _, eps := range []float64{0.01, 0.3, 5} {
			t.Run(fmt.Sprintf("%s, eps %g", g.name, eps), func(t *testing.T) {
				m := g.bridge(t, eps)
				x := normals(4*m.Dim(), 70)
				for _, tm := range []float64{0.05, 0.5, 0.9} {
					checkIdentities(t, m, x, tm)
					checkOptimal(t, m, x, tm, eps)
				}
			})
		}
	}
}

// The plan has the covariances of the ends, and its density is f(x₀) g(x₁) exp(x₀·x₁/(2ε)):
// its precision has the block -I/(2ε). The law between is that of Brownian bridges.
func TestGaussianSchrodingerPlan(t *testing.T) {
	for _, g := range gaussPairs {
		for _, eps := range []float64{0.05, 1, 20} {
			m := g.bridge(t, eps)
			d := m.Dim()
			mean, s0, s1, c, s := make([]float64, d), make([]float64, d*d), make([]float64, d*d), make([]float64, d*d), make([]float64, d*d)
			m.Moments(mean, s0, 0)
			assert.InDeltaSlice(t, g.m0, mean, 1e-15, g.name)
			m.Moments(mean, s1, 1)
			// Products of a few matrices of condition below 30.
			assert.InDeltaSlice(t, g.m1, mean, 1e-15, g.name)
			assert.InDeltaSlice(t, g.c0, s0, 1e-13, g.name)
			assert.InDeltaSlice(t, g.c1, s1, 1e-13, g.name)
			m.Coupling(c)
			joint := mat.NewDense(2*d, 2*d, nil)
			for i := range d {
				for j := range d {
					joint.Set(i, j, g.c0[i*d+j])
					joint.Set(d+i, d+j, g.c1[i*d+j])
					joint.Set(i, d+j, c[i*d+j])
					joint.Set(d+j, i, c[i*d+j])
				}
			}
			var prec mat.Dense
			require.NoError(t, prec.Inverse(joint))
			for i := range d {
				for j := range d {
					want := 0.0
					if i == j {
						want = -1 / (2 * eps)
					}
					// The condition of the plan is about max C/ε.
					assert.InDelta(t, want, prec.At(i, d+j), 1e-11/eps, "%s, ε = %g", g.name, eps)
				}
			}
			const tm = 0.3
			m.Moments(mean, s, tm)
			for i := range d {
				for j := range d {
					want := (1-tm)*(1-tm)*g.c0[i*d+j] + tm*tm*g.c1[i*d+j] + tm*(1-tm)*(c[i*d+j]+c[j*d+i])
					if i == j {
						want += 2 * eps * tm * (1 - tm)
					}
					assert.InDelta(t, want, s[i*d+j], 1e-12*(1+eps), g.name)
				}
			}
		}
	}
	c := make([]float64, 1)
	gaussPairs[0].bridge(t, 0.75).Coupling(c)
	assert.InDelta(t, math.Sqrt(0.25+0.5625)-0.75, c[0], 1e-15) // √(v₀v₁ + ε²) - ε
}

// Energy is the integral of what the drift costs, and its limit for ε → 0 is ½ W₂².
func TestGaussianSchrodingerEnergy(t *testing.T) {
	const n = 40
	tm, w := make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(tm, w, 0, 1)
	for _, g := range gaussPairs {
		d := len(g.m0)
		for _, eps := range []float64{0.1, 1} {
			m := g.bridge(t, eps)
			sum := 0.0
			mean, cov, u, v := make([]float64, d), make([]float64, d*d), make([]float64, d), make([]float64, d)
			for k := range tm {
				m.Moments(mean, cov, tm[k])
				q := eps - m.At(tm[k]).GDG
				m.Combine(u, mean, tm[k], 1, q)
				sum += w[k] * floats.Dot(u, u) / 2
				// E|F r|² = Σ_i (F S)_i · F_i, column after column of S.
				for i := range d {
					m.JVP(u, mean, cov[i*d:(i+1)*d], tm[k], 1, q) // F S_i
					m.JVP(v, mean, u, tm[k], 1, q)                // F F S_i
					sum += w[k] * v[i] / 2
				}
			}
			// Gauss-Legendre of functions with poles at a distance of 0.02 and more.
			assert.InDelta(t, m.Energy(), sum, 1e-6*m.Energy(), "%s, ε = %g", g.name, eps)
		}
	}
	// W₂² = |Δm|² + (√v₀ - √v₁)² = 2.25 + 0.25; the rest is ε log(1/ε).
	assert.InDelta(t, 1.25, gaussPairs[0].bridge(t, 1e-9).Energy(), 1e-7)
}

// The stochastic equation with noise ε carries either end to the other, and its ends are
// coupled as the plan says.
func TestGaussianSchrodingerRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("3 s of stochastic integration")
	}
	const n, eps = 20000, 0.3
	g := gaussPairs[3]
	m := g.bridge(t, eps)
	a, b := g.ends(t)
	c := make([]float64, 9)
	m.Coupling(c)
	for _, backward := range []bool{false, true} {
		s := &interpolant.BridgeSampler{Model: m, Source: a, Seed: 3, Grid: floats.Span(make([]float64, 41), 0, 1)}
		want, cov, end := g.m1, g.c1, c
		if backward {
			s.Source = b
			slices.Reverse(s.Grid)
			want, cov = g.m0, g.c0
		}
		s.Solver = interpolant.BridgeNoise(sde.Heun{}, interpolant.ConstantEps(eps), false)
		from := s.Start(n, 0, 0)
		to, _, err := s.Draw(context.Background(), n, nil)
		require.NoError(t, err)
		col := func(x []float64, k int) []float64 {
			v := make([]float64, n)
			for i := range v {
				v[i] = x[3*i+k]
			}
			return v
		}
		for i := range 3 {
			// Five standard errors, √(v/n), √(2)·v/√n at most; 40 steps of a second-order scheme leave
			// less than a tenth of them.
			assert.InDelta(t, want[i], stat.Mean(col(to, i), nil), 5*math.Sqrt(cov[i*3+i]/n))
			for j := range 3 {
				bound := 5 * math.Sqrt(2*cov[i*3+i]*cov[j*3+j]/n)
				assert.InDelta(t, cov[i*3+j], stat.Covariance(col(to, i), col(to, j), nil), bound)
				x0, x1 := col(from, i), col(to, j)
				if backward {
					x0, x1 = col(to, i), col(from, j)
				}
				assert.InDelta(t, end[i*3+j], stat.Covariance(x0, x1, nil), 5*math.Sqrt(2*g.c0[i*3+i]*g.c1[j*3+j]/n))
			}
		}
	}
}

func TestGaussianSchrodingerAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	m := gaussPairs[3].bridge(t, 0.3)
	x, dst, tr, tm := normals(30, 1), make([]float64, 30), make([]float64, 10), 0.0
	assert.Zero(t, testing.AllocsPerRun(10, func() {
		tm += 0.01
		m.Combine(dst, x, tm, 1, 0.2)
		m.JVP(dst, x, x, tm, 1, 0.2)
		m.Divergence(tr, x, tm, 1, 0.2)
		m.LogProb(tr, x, tm)
	}))
}

func TestSchrodingerErrors(t *testing.T) {
	one := []float64{1}
	for _, f := range []func() error{
		func() error { _, err := interpolant.NewGaussianSchrodinger(one, one, one, one, 0); return err },
		func() error { _, err := interpolant.NewGaussianSchrodinger(one, one, nil, one, 1); return err },
		func() error {
			_, err := interpolant.NewGaussianSchrodinger(one, []float64{-1}, one, one, 1)
			return err
		},
		func() error {
			_, err := interpolant.NewSampleSchrodinger(1, one, one, 1, nil, nil, one, nil)
			return err
		},
		func() error {
			_, err := interpolant.NewSampleSchrodinger(1, []float64{0, 1}, one, 1, nil, nil, []float64{0, 601}, one)
			return err
		},
		func() error { _, err := interpolant.NewPlanBridge(1, one, one, 1, [][2]int{{0, 1}}, one); return err },
		func() error {
			_, err := interpolant.NewPlanBridge(1, one, one, 1, [][2]int{{0, 0}}, []float64{0})
			return err
		},
		func() error {
			_, _, _, err := interpolant.NewMixtureSchrodinger(1, density.Normal(1, 1), density.Normal(2, 1))
			return err
		},
		func() error {
			_, err := interpolant.NewSchrodingerProblem(density.Normal(1, 1), density.Normal(1, 1), 1, &interpolant.SchrodingerSettings{Coupling: []float64{0.9}})
			return err
		},
		func() error {
			_, err := interpolant.NewSchrodingerProblem(density.Normal(1, 1), density.Normal(1, 1), 1, &interpolant.SchrodingerSettings{Draws: 3})
			return err
		},
	} {
		assert.Error(t, f())
	}
}
