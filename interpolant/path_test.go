package interpolant

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// paths is the shared table: a new path adds one row.
func paths(t testing.TB) map[string]Path {
	d, err := FromBetas(LinearBetas(1000, 1e-4, 0.02))
	require.NoError(t, err)
	return map[string]Path{
		"vp": VP{}, "subvp": SubVP{}, "cosine": Cosine{}, "ve": VE{}, "edm": EDM{},
		"condot": CondOT{}, "trig": Trig{}, "ddpm": d,
		"condot clock": LogSNRClock{CondOT{}, -5, 6}, "vp clock": LogSNRClock{VP{}, -4.5, 6},
		"vp narrow": VP{BetaMin: 0.2, BetaMax: 0.2}, "ve song": VE{SigmaMin: 0.01, SigmaMax: 50},
	}
}

func TestDerivatives(t *testing.T) {
	// Central differences of step h have the error h²/6·f‴ + eps/h. Where σ falls like a
	// square root the third derivative grows like (1-t)^-2.5, hence the distance from the
	// end; 0.9805 is no knot of the discrete path, where the second derivative jumps.
	const h = 1e-5
	for name, p := range paths(t) {
		for _, tm := range []float64{0.01, 0.1, 0.33, 0.5, 0.77, 0.9, 0.9805} {
			c, lo, hi := p.At(tm), p.At(tm-h), p.At(tm+h)
			assert.InDelta(t, (hi.Alpha-lo.Alpha)/(2*h), c.DAlpha, 1e-6*(1+math.Abs(c.DAlpha)), "%s: dα/dt at %g", name, tm)
			assert.InDelta(t, (hi.Sigma-lo.Sigma)/(2*h), c.DSigma, 1e-6*(1+math.Abs(c.DSigma)), "%s: dσ/dt at %g", name, tm)
		}
	}
}

func TestTimeInvertsLogSNR(t *testing.T) {
	for name, p := range paths(t) {
		_, t1 := p.Span()
		prev := math.Inf(-1)
		for i := 1; i <= 200; i++ {
			tm := t1 * float64(i) / 200
			l := p.At(tm).LogSNR()
			require.Greater(t, l, prev, "%s: λ must increase at t = %g", name, tm)
			prev = l
			// A time near 1 carries an error of eps, whatever the path; 8 more ulps for the
			// functions in between (measured: at most 6e-16).
			tol := 2e-15
			if _, ok := p.(LogSNRClock); ok {
				tol = 1e-12 // the inner time's eps is eps/σ in λ
			}
			assert.InDelta(t, tm, p.Time(l), tol, "%s: Time(λ(%g))", name, tm)
		}
		// λ to ±700 is e^λ near the ends of float64: the inverse must clip, not overflow.
		for _, l := range []float64{-700, -50, 50, 700, math.Inf(1), math.Inf(-1)} {
			tm := p.Time(l)
			assert.True(t, tm >= 0 && tm <= 1, "%s: Time(%g) = %g", name, l, tm)
		}
	}
}

func TestEnds(t *testing.T) {
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		assert.Equal(t, 0.0, t0, name)
		a, b := p.At(t0), p.At(t1)
		assert.Positive(t, b.Sigma, "%s: σ at the end of the span", name)
		assert.False(t, math.IsNaN(a.DSigma) || math.IsNaN(a.DAlpha) || math.IsNaN(p.At(1).Alpha), name)
		assert.Greater(t, a.Sigma/math.Max(a.Alpha, 1e-300), 40*b.Sigma/b.Alpha, name)
	}
	for _, p := range []Path{CondOT{}, Trig{}} {
		assert.Equal(t, Coeffs{Sigma: 1, DAlpha: p.At(0).DAlpha}, Coeffs{p.At(0).Alpha, p.At(0).Sigma, p.At(0).DAlpha, 0})
		assert.Equal(t, 1.0, p.At(1).Alpha)
		assert.Equal(t, 0.0, p.At(1).Sigma)
	}
	_, t1 := CondOT{End: 1e-5}.Span()
	c := CondOT{}.At(t1)
	// 1 - t carries eps, so σ/α = 1e-5 is met to eps/1e-5.
	assert.InEpsilon(t, 1e-5, c.Sigma/c.Alpha, 1e-10)
}

func TestVariancePreserving(t *testing.T) {
	for name, p := range paths(t) {
		for _, tm := range []float64{0, 0.2, 0.6, 0.95} {
			c := p.At(tm)
			switch p.(type) {
			case VP, Trig, *Discrete:
				assert.InDelta(t, 1, c.Alpha*c.Alpha+c.Sigma*c.Sigma, 4e-16, "%s at %g", name, tm)
			case SubVP:
				assert.InDelta(t, 1-c.Alpha*c.Alpha, c.Sigma, 4e-16, "%s at %g", name, tm)
			case VE, EDM:
				assert.Equal(t, 1.0, c.Alpha)
			}
		}
	}
}

func TestDiscreteStandsOnItsSteps(t *testing.T) {
	betas := LinearBetas(1000, 1e-4, 0.02)
	p, err := FromBetas(betas)
	require.NoError(t, err)
	bar := 1.0
	for k, b := range betas {
		bar *= 1 - b
		c := p.At(p.Index(float64(k)))
		// a product of k+1 factors carries k+1 roundings, λ amplifies them by at most 1
		assert.InEpsilon(t, math.Sqrt(bar), c.Alpha, 1e-12, "step %d", k)
		assert.InEpsilon(t, math.Sqrt(1-bar), c.Sigma, 1e-11, "step %d", k)
	}
	// The 1000 betas are the Euler steps of VP's linear β(τ) = 0.1 … 20 (Song et al. 2021,
	// appendix B), so the two log α agree to O(1/N).
	for _, tm := range []float64{0.1, 0.5, 0.9} {
		assert.InEpsilon(t, math.Log(VP{}.At(tm).Alpha), math.Log(p.At(tm).Alpha), 0.02)
	}
	for _, bad := range [][]float64{nil, {0.1}, {0.1, 1}, {0.1, 0}, {0.1, -1}, {0.1, math.NaN()}} {
		_, err := FromBetas(bad)
		assert.Error(t, err, "%v", bad)
	}
	s := ScaledLinearBetas(1000, 0.00085, 0.012)
	assert.InEpsilon(t, 0.00085, s[0], 1e-14)
	assert.InEpsilon(t, 0.012, s[999], 1e-14)
}

func TestGrids(t *testing.T) {
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		grids := map[string]func(k int) []float64{
			"uniform":   func(k int) []float64 { return UniformGrid(t0, t1, k) },
			"quadratic": func(k int) []float64 { return QuadraticGrid(t0, t1, k) },
			"logsnr":    func(k int) []float64 { return LogSNRGrid(p, t0, t1, k) },
			"karras":    func(k int) []float64 { return KarrasGrid(p, 7, t0, t1, k) },
		}
		for gname, g := range grids {
			for _, k := range []int{1, 2, 3, 18, 1000} {
				ts := g(k)
				require.Len(t, ts, k)
				for i := 1; i < k; i++ {
					require.Greater(t, ts[i], ts[i-1], "%s %s: k = %d, index %d", name, gname, k, i)
				}
				if k > 1 {
					assert.Equal(t, t1, ts[k-1], "%s %s: the last time is exact", name, gname)
				}
				assert.GreaterOrEqual(t, ts[0], t0, "%s %s", name, gname)
			}
		}
	}
}

func TestKarrasGridIsEDMs(t *testing.T) {
	p := EDM{}
	t0, t1 := p.Span()
	const n, rho = 18, 7.0
	for i, tm := range KarrasGrid(p, rho, t0, t1, n) {
		u := float64(i) / (n - 1)
		want := math.Pow(math.Pow(80, 1/rho)+u*(math.Pow(0.002, 1/rho)-math.Pow(80, 1/rho)), rho)
		// σ = 80(1-t): the rounding eps/2 of the last time is 80·eps/2/0.002 = 4.4e-12
		// relative in σ_min, and the grid leads to that last time
		assert.InEpsilon(t, want, p.At(tm).Sigma, 1e-11)
	}
}

func TestLogSNRGridIsEvenInLogSNR(t *testing.T) {
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		g := LogSNRGrid(p, t0, t1, 30)
		step := (p.At(t1).LogSNR() - p.At(g[0]).LogSNR()) / 29
		for i := 1; i < len(g); i++ {
			// the rounding eps of t is eps·dλ/dt in λ, at most eps·80/0.002
			assert.InDelta(t, step, p.At(g[i]).LogSNR()-p.At(g[i-1]).LogSNR(), 3e-11, "%s at %d", name, i)
		}
	}
}

// The curve over λ is the path's own, and its derivatives those in t over λ̇.
func TestAtLogSNR(t *testing.T) {
	seen := 0
	for name, p := range paths(t) {
		curve, ok := p.(LogSNRer)
		if !ok {
			continue
		}
		seen++
		for _, tm := range []float64{0.02, 0.3, 0.5, 0.9, 0.995} {
			c := p.At(tm)
			rate := c.DAlpha/c.Alpha - c.DSigma/c.Sigma
			got := curve.AtLogSNR(c.LogSNR())
			// λ is off by some eps·(1 + |log σ|), and σ of a time near 1 by eps/σ.
			for i, w := range []float64{c.Alpha, c.Sigma, c.DAlpha / rate, c.DSigma / rate} {
				g := []float64{got.Alpha, got.Sigma, got.DAlpha, got.DSigma}[i]
				assert.InDelta(t, w, g, 1e-13*math.Abs(w)+1e-300, "%s at %g: number %d", name, tm, i)
			}
		}
		for _, l := range []float64{-800, 800} {
			c := curve.AtLogSNR(l)
			assert.False(t, math.IsNaN(c.Alpha+c.DAlpha) || l > 0 && math.IsNaN(c.Sigma+c.DSigma), "%s at λ = %g", name, l)
		}
	}
	assert.Equal(t, 8, seen) // VP and VE twice
}
