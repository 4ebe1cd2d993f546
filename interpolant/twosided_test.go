package interpolant_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
)

func mustTwoSided(t testing.TB, kind, gamma string, a float64) interpolant.TwoSided {
	p, err := interpolant.NewTwoSided(kind, gamma, a)
	require.NoError(t, err)
	return p
}

// eachInterpolant runs f for every kind with every noise that goes with it.
func eachInterpolant(t *testing.T, f func(t *testing.T, kind, gamma string, p interpolant.TwoSided)) {
	count := 0
	for _, kind := range interpolant.TwoSidedKinds() {
		for _, gamma := range interpolant.GammaKinds() {
			p, err := interpolant.NewTwoSided(kind, gamma, 0.8)
			if err != nil {
				continue
			}
			count++
			t.Run(kind+"/"+gamma, func(t *testing.T) { f(t, kind, gamma, p) })
		}
	}
	require.Equal(t, 3*5-1+1+3+1+5, count) // linear, trig, vp-trig (not sin2), enc-dec, one-sided, diffusive, mirror
}

func TestTwoSidedDerivatives(t *testing.T) {
	eachInterpolant(t, func(t *testing.T, kind, gamma string, p interpolant.TwoSided) {
		const h = 1e-5
		for _, tm := range []float64{0.05, 0.21, 0.5 - 3*h, 0.64, 0.97} {
			c, lo, hi := p.At(tm), p.At(tm-h), p.At(tm+h)
			// h²/6 times a third derivative below 2e3 (square roots at 0.05) is 3e-8.
			assert.InDelta(t, (hi.Alpha-lo.Alpha)/(2*h), c.DAlpha, 1e-7)
			assert.InDelta(t, (hi.Beta-lo.Beta)/(2*h), c.DBeta, 1e-7)
			assert.InDelta(t, (hi.Gamma-lo.Gamma)/(2*h), c.DGamma, 1e-7)
			// The products are equal to rounding.
			assert.InDelta(t, c.Alpha*c.DAlpha, c.ADA, 1e-14)
			assert.InDelta(t, c.Beta*c.DBeta, c.BDB, 1e-14)
			assert.InDelta(t, c.Gamma*c.DGamma, c.GDG, 1e-14)
		}
		// The ends are exact, and the products there are the limits: one-sided differences of
		// the squares, whose second derivatives are below 60 (sin⁴πt), over 2h.
		for _, end := range []float64{0, 1} {
			c, in := p.At(end), p.At(math.Abs(end-h))
			assert.Equal(t, 0.0, c.Gamma)
			if kind != "mirror" {
				assert.Equal(t, 1-end, c.Alpha)
				assert.Equal(t, end, c.Beta)
			}
			sign := (1 - 2*end) / (2 * h)
			assert.InDelta(t, (in.Alpha*in.Alpha-c.Alpha*c.Alpha)*sign, c.ADA, 60*h)
			assert.InDelta(t, (in.Beta*in.Beta-c.Beta*c.Beta)*sign, c.BDB, 60*h)
			assert.InDelta(t, in.Gamma*in.Gamma*sign, c.GDG, 60*h)
		}
	})
}

// The families that keep the variance keep it to rounding.
func TestTwoSidedVariancePreserved(t *testing.T) {
	for _, p := range []interpolant.TwoSided{
		mustTwoSided(t, "vp-trig", "sqrt", 0.8), mustTwoSided(t, "vp-trig", "sigmoid", 0),
		mustTwoSided(t, "linear", "sqrt", 2), mustTwoSided(t, "sbdm", "", 0), mustTwoSided(t, "one-sided-trig", "none", 0),
	} {
		for i := range 21 {
			c := p.At(float64(i) / 20)
			assert.InDelta(t, 1, c.Alpha*c.Alpha+c.Beta*c.Beta+c.Gamma*c.Gamma, 1e-15)
			assert.InDelta(t, 0, c.ADA+c.BDB+c.GDG, 1e-15)
		}
	}
}

// The schedules of ε, and the noise of the diffusive interpolant, 2at(1-t).
func TestTwoSidedNoise(t *testing.T) {
	p := mustTwoSided(t, "diffusive", "", 0.8)
	assert.InDelta(t, 1.6*0.25, p.At(0.5).Gamma*p.At(0.5).Gamma, 1e-15)
	v, g := interpolant.VanishingEps(3), interpolant.GammaEps(3, p)
	assert.Equal(t, []float64{0, 3, 0}, []float64{v(0), v(0.5), v(1)})
	assert.InDelta(t, 3*1.6*0.25*0.75, g(0.25), 1e-15)
}

func TestTwoSidedReverse(t *testing.T) {
	p := mustTwoSided(t, "trig", "sigmoid", 0)
	twice := p.Reverse().Reverse()
	for _, tm := range []float64{0, 0.25, 0.75, 1} { // 1 - (1-t) = t here
		assert.Equal(t, p.At(tm), twice.At(tm))
		a, b := p.At(tm), p.Reverse().At(1-tm)
		assert.Equal(t, []float64{a.Alpha, a.Beta, a.Gamma, a.DAlpha, a.BDB, a.GDG}, []float64{b.Beta, b.Alpha, b.Gamma, -b.DBeta, -b.ADA, -b.GDG})
	}
}

func TestTwoSidedRefuses(t *testing.T) {
	for _, c := range []struct {
		kind, gamma string
		a           float64
		says        string
	}{
		{"line", "sqrt", 1, "choose one of linear"},
		{"linear", "cube", 1, "choose one of sqrt"},
		{"linear", "sqrt", -1, "> 0"},
		{"sbdm", "sqrt", 1, "gamma=none only"},
		{"vp-trig", "sqrt", 4, "needs γ < 1"},
		{"vp-trig", "sin2", 1, "needs γ < 1"},
	} {
		_, err := interpolant.NewTwoSided(c.kind, c.gamma, c.a)
		assert.ErrorContains(t, err, c.says)
	}
}
