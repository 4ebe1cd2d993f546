package score

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
)

// labelled returns a mixture of five components in the plane and, as the law of the
// class y, its first two components.
func labelled(t testing.TB) (all, class *density.Mixture, classWeight float64) {
	w := []float64{0.1, 0.25, 0.3, 0.15, 0.2}
	means := []float64{-1, 0.5, 1.5, 1, 0, -1, 2, -0.3, -0.7, -1.2}
	covs := []float64{
		0.2, 0.05, 0.05, 0.1, 0.3, -0.1, -0.1, 0.2, 0.1, 0, 0, 0.4,
		0.15, 0.02, 0.02, 0.15, 0.25, 0.1, 0.1, 0.3,
	}
	all, err := density.NewMixture(w, means, covs, 2)
	require.NoError(t, err)
	class, err = density.NewMixture(w[:2], means[:4], covs[:8], 2)
	require.NoError(t, err)
	return all, class, w[0] + w[1]
}

// levels are (α, σ) from nearly clean to nearly noise, on and off the usual paths.
var levels = [][2]float64{{1, 0.05}, {0.9, 0.3}, {0.6, 0.8}, {1, 2}, {0.2, 0.98}, {1, 20}}

func TestGuidanceAtZeroAndOneIsTheModel(t *testing.T) {
	all, class, _ := labelled(t)
	x, want, got := normals(40, 10), make([]float64, 40), make([]float64, 40)
	for _, l := range levels {
		for w, m := range []Denoiser{all, class} {
			g := &Guidance{Cond: class, Uncond: all, W: float64(w)}
			m.Denoise(want, x, l[0], l[1])
			g.Denoise(got, x, l[0], l[1])
			assert.Equal(t, want, got, "w = %d", w) // bit for bit: the model itself is called
			if w == 1 {
				(&Rescaled{Guide: g, Phi: 0.7}).Denoise(got, x, l[0], l[1])
				assert.Equal(t, want, got, "rescaled at w = 1")
			}
		}
		// Between them it is linear: half way is the mean of the two, to rounding of values below 10.
		mid := make([]float64, 40)
		all.Denoise(want, x, l[0], l[1])
		class.Denoise(got, x, l[0], l[1])
		(&Guidance{Cond: class, Uncond: all, W: 0.5}).Denoise(mid, x, l[0], l[1])
		for i := range mid {
			assert.InDelta(t, (want[i]+got[i])/2, mid[i], 1e-14)
		}
		// Autoguidance at 3: from the worse model through the better one and twice on.
		(&Guidance{Cond: class, Uncond: all, W: 3}).Denoise(mid, x, l[0], l[1])
		for i := range mid {
			assert.InDelta(t, got[i]+2*(got[i]-want[i]), mid[i], 1e-13)
		}
	}
}

// TestGuidedDerivatives holds JVP and divergence of guided fields to differences of the
// denoiser.
func TestGuidedDerivatives(t *testing.T) {
	all, class, _ := labelled(t)
	x, v := normals(40, 11), normals(40, 12)
	exact, slow := make([]float64, 40), make([]float64, 40)
	div, slowDiv := make([]float64, 20), make([]float64, 20)
	for _, w := range []float64{0, 0.4, 1, 3} {
		g := &Guidance{Cond: class, Uncond: all, W: w}
		for _, l := range levels[1:] {
			g.JVP(exact, x, v, l[0], l[1])
			jvp(bare{g}, slow, x, v, l[0], l[1])
			g.Divergence(div, x, l[0], l[1])
			traceJacobian(bare{g}, slowDiv, x, l[0], l[1])
			// Central differences over 6e-6 σ: eps·|D|/(6e-6 σ) ≈ 4e-10/σ for |D| of some
			// units, times w.
			for i := range exact {
				assert.InDelta(t, exact[i], slow[i], 2e-8, "JVP, w = %g, %v", w, l)
			}
			for i := range div {
				assert.InDelta(t, div[i], slowDiv[i], 2e-8, "divergence, w = %g, %v", w, l)
			}
		}
	}
}

func TestInterval(t *testing.T) {
	w := Interval(3, 0.3, 2)
	for _, tt := range []struct{ ratio, want float64 }{{0.1, 1}, {0.3 * (1 - 1e-9), 1}, {0.31, 3}, {1.99, 3}, {2.01, 1}, {math.Inf(1), 1}} {
		assert.Equal(t, tt.want, w(-math.Log(tt.ratio)), "σ/α = %g", tt.ratio)
	}
	all, class, _ := labelled(t)
	x, got, want := normals(10, 13), make([]float64, 10), make([]float64, 10)
	g := &Guidance{Cond: class, Uncond: all, WOf: w}
	g.Denoise(got, x, 0.5, 2) // σ/α = 4: outside, the conditional model
	class.Denoise(want, x, 0.5, 2)
	assert.Equal(t, want, got)
	g.Denoise(got, x, 1, 1)
	(&Guidance{Cond: class, Uncond: all, W: 3}).Denoise(want, x, 1, 1)
	assert.Equal(t, want, got)
}

// TestCFGPlusPlusIsItsStep: DDIM steps of the guidance are the steps of the paper, which
// renoise with the unconditional noise, on paths of every kind; at w = 0 they are those
// of the unconditional model, and the last denoising is the guided one.
func TestCFGPlusPlusIsItsStep(t *testing.T) {
	all, class, _ := labelled(t)
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		for _, grid := range [][]float64{interpolant.KarrasGrid(p, 7, t0, t1, 9), interpolant.UniformGrid(t0, t1, 6)} {
			for _, w := range []float64{0, 0.3, 1} {
				g := CFGPlusPlus(class, all, w, p, grid)
				x := normals(20, 14)
				for i := range x {
					x[i] *= p.At(grid[0]).Sigma
				}
				want, du, dc, eps, dg := append([]float64(nil), x...), make([]float64, 20), make([]float64, 20), make([]float64, 20), make([]float64, 20)
				for k := 1; k < len(grid); k++ {
					c, b := p.At(grid[k-1]), p.At(grid[k])
					all.Denoise(du, want, c.Alpha, c.Sigma)
					class.Denoise(dc, want, c.Alpha, c.Sigma)
					NoiseFromDenoised(eps, want, du, c.Alpha, c.Sigma)
					for i := range want {
						want[i] = b.Alpha*(du[i]+w*(dc[i]-du[i])) + b.Sigma*eps[i]
					}
					g.Denoise(dg, x, c.Alpha, c.Sigma)
					DDIM(x, x, dg, c.Alpha, c.Sigma, b.Alpha, b.Sigma)
					for i := range x {
						// Rounding of values up to σ, magnified by the flow by less than 100.
						assert.InDelta(t, want[i], x[i], 1e-13*math.Max(1, p.At(grid[0]).Sigma), "%s, w = %g, step %d", name, w, k)
					}
					copy(x, want)
				}
				c := p.At(grid[len(grid)-1])
				g.Denoise(dg, x, c.Alpha, c.Sigma)
				(&Guidance{Cond: class, Uncond: all, W: w}).Denoise(du, x, c.Alpha, c.Sigma)
				assert.Equal(t, du, dg, "%s: last denoising", name)
			}
		}
	}
}

// TestClassifierIsBayes: with the exact gradient of log p(y|x_t), a classifier at w = 1
// makes the unconditional denoiser the conditional one, and at other w it is Guidance.
func TestClassifierIsBayes(t *testing.T) {
	all, class, share := labelled(t)
	// ∇ log p(y|x) = Σ_k (r_k^y - r_k) S_k⁻¹(αμ_k - x), r^y the responsibilities within
	// the class: the difference of the two scores.
	gradient := func(dst, x []float64, alpha, sigma float64) {
		class.Score(dst, x, alpha, sigma)
		s := make([]float64, len(x))
		all.Score(s, x, alpha, sigma)
		for i := range dst {
			dst[i] -= s[i]
		}
	}
	logProb := func(x []float64, alpha, sigma float64) float64 {
		var c, a [1]float64
		class.LogProb(c[:], x, alpha, sigma)
		all.LogProb(a[:], x, alpha, sigma)
		return math.Log(share) + c[0] - a[0]
	}
	x, g, want, got := normals(40, 15), make([]float64, 40), make([]float64, 40), make([]float64, 40)
	for _, l := range levels {
		gradient(g, x, l[0], l[1])
		for i := range x {
			// log p(y|x_t) itself: a probability, whose difference quotient is the gradient.
			// The quotient over 1e-5 σ has the error 1e-10/σ² of curvature and eps·10/(1e-5 σ).
			row := append([]float64(nil), x[i&^1:i&^1+2]...)
			assert.LessOrEqual(t, logProb(row, l[0], l[1]), 1e-12)
			h := 1e-5 * l[1]
			row[i&1] += h
			up := logProb(row, l[0], l[1])
			row[i&1] -= 2 * h
			fd := (up - logProb(row, l[0], l[1])) / (2 * h)
			assert.InDelta(t, fd, g[i], 2e-7*math.Max(1, 1/(l[1]*l[1])), "gradient at %v", l)
		}
		for _, w := range []float64{0, 1, 2.5} {
			(&Classifier{Model: all, Grad: gradient, W: w}).Denoise(got, x, l[0], l[1])
			(&Guidance{Cond: class, Uncond: all, W: w}).Denoise(want, x, l[0], l[1])
			for i := range got {
				// The scores are sums of terms |x|/σ²·ulp; times σ²/α that is |x|/α ulps.
				assert.InDelta(t, want[i], got[i], 1e-10, "w = %g at %v", w, l)
			}
		}
	}
}

// TestGuidedSamplesHaveTheConditionalLaw draws with the exact classifier at w = 1.
func TestGuidedSamplesHaveTheConditionalLaw(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 samples")
	}
	all, class, _ := labelled(t)
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	c := &Classifier{Model: all, W: 1, Grad: func(dst, x []float64, alpha, sigma float64) {
		class.Score(dst, x, alpha, sigma)
		s := make([]float64, len(x))
		all.Score(s, x, alpha, sigma)
		for i := range dst {
			dst[i] -= s[i]
		}
	}}
	const n = 20_000
	s := &Sampler{Path: p, Model: c, Solver: ODE(ode.RK4), Grid: interpolant.LogSNRGrid(p, 0, t1, 40), Seed: 6}
	x, _, err := s.Draw(context.Background(), n, nil)
	require.NoError(t, err)
	mean, cov := make([]float64, 2), make([]float64, 4)
	class.Mean(mean)
	class.Cov(cov)
	for j := range 2 {
		got := 0.0
		for i := j; i < len(x); i += 2 {
			got += x[i] / n
		}
		// 4 standard errors of the mean, and 2e-3 for the noise σ/α = 0.002 and 1000 at the ends
		assert.InDelta(t, mean[j], got, 4*math.Sqrt(cov[j*3]/n)+2e-3)
	}
}

func TestRescaledMatchesTheStandardDeviation(t *testing.T) {
	const d = 6
	a, err := density.NewIsotropicMixture(nil, normals(3*d, 16), []float64{0.5}, d)
	require.NoError(t, err)
	b, err := density.NewIsotropicMixture(nil, normals(2*d, 17), []float64{0.4}, d)
	require.NoError(t, err)
	x := normals(5*d, 18)
	std := func(v []float64) float64 {
		m, s := 0.0, 0.0
		for _, u := range v {
			m += u / d
		}
		for _, u := range v {
			s += (u - m) * (u - m) / d
		}
		return math.Sqrt(s)
	}
	cond, plain, got := make([]float64, 5*d), make([]float64, 5*d), make([]float64, 5*d)
	for _, w := range []float64{0, 4} {
		g := &Guidance{Cond: b, Uncond: a, W: w}
		b.Denoise(cond, x, 0.7, 0.7)
		g.Denoise(plain, x, 0.7, 0.7)
		for _, phi := range []float64{0, 0.3, 1} {
			(&Rescaled{Guide: g, Phi: phi}).Denoise(got, x, 0.7, 0.7)
			for i := 0; i < len(x); i += d {
				s := std(plain[i : i+d])
				assert.InEpsilon(t, phi*std(cond[i:i+d])+(1-phi)*s, std(got[i:i+d]), 1e-13, "w = %g, φ = %g", w, phi)
				for k := i; k < i+d; k++ {
					// in the direction of the guided D
					assert.InDelta(t, plain[k]/s, got[k]/std(got[i:i+d]), 1e-13)
				}
			}
		}
	}
}

func TestThreshold(t *testing.T) {
	// |D| sorted: 0.1 0.5 1 2 4. The quantile ½ is 1, ¾ is 2, 0.9 is at 3.6: 2 + 0.6·2 = 3.2.
	d := []float64{-4, 0.5, 0.1, 2, -1, 0.2, -0.3, 0.1, 0, 1}
	for _, tt := range []struct {
		q, bound, s float64
	}{{0.5, 0, 1}, {0.75, 0, 2}, {0.9, 0, 3.2}, {1, 0, 4}, {0, 0, 1}, {0.75, 3, 3}, {0, 0.25, 0.25}} {
		bound := tt.bound
		if bound == 0 {
			bound = 1
		}
		got := make([]float64, 10)
		(&Threshold{Model: fixed(d), Quantile: tt.q, Bound: tt.bound}).Denoise(got, make([]float64, 10), 1, 1)
		for i, v := range d {
			s := tt.s
			if i >= 5 { // the second point by itself: in range unless the bound is 0.25
				s = bound
			}
			assert.InDelta(t, math.Max(-s, math.Min(s, v))*bound/s, got[i], 1e-15, "q = %g, coordinate %d", tt.q, i)
		}
		if bound >= 1 {
			assert.Equal(t, d[5:], got[5:], "points in range keep their bits")
		}
	}
}

// fixed is a denoiser of dimension 5 that has the given values.
type fixed []float64

func (fixed) Dim() int                                 { return 5 }
func (f fixed) Denoise(dst, _ []float64, _, _ float64) { copy(dst, f) }

func TestWrappersAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties sync.Pool at random")
	}
	all, class, _ := labelled(t)
	p := interpolant.EDM{}
	g := CFGPlusPlus(class, all, 0.5, p, interpolant.KarrasGrid(p, 7, 0, 0.99, 10))
	o, err := NewObserved(all, []bool{false, true}, []float64{0, 0.5})
	require.NoError(t, err)
	x, dst := normals(64, 19), make([]float64, 64)
	for name, m := range map[string]Denoiser{
		"guidance": g, "rescaled": &Rescaled{Guide: g, Phi: 0.7}, "threshold": &Threshold{Model: g, Quantile: 0.9},
		"classifier": &Classifier{Model: all, W: 1, Grad: class.Score}, "observed": o,
		"inpaint": &Inpaint{Model: all, Known: []bool{true, false}, Y: []float64{1, 0}},
	} {
		// A collection may empty a sync.Pool: a few of the runs allocate then.
		assert.Less(t, testing.AllocsPerRun(200, func() { m.Denoise(dst, x, 1, 0.5) }), 1.0, name)
	}
}

func TestWrappersPassTheModelsErrorOn(t *testing.T) {
	all, _, _ := labelled(t)
	bad := failing{bare{all}}
	g := &Guidance{Cond: all, Uncond: bad, W: 2}
	for name, m := range map[string]Denoiser{
		"uncond": g, "cond": &Guidance{Cond: bad, Uncond: all, W: 2}, "rescaled": &Rescaled{Guide: g, Phi: 1},
		"classifier": &Classifier{Model: bad}, "threshold": &Threshold{Model: bad},
		"inpaint": &Inpaint{Model: bad, Known: []bool{true, false}, Y: []float64{1, 0}},
	} {
		assert.ErrorIs(t, modelErr(m), assert.AnError, name)
	}
}
