package interpolant

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mathext"
)

func TestNamedGrids(t *testing.T) {
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		for gname, g := range map[string]func(k int) []float64{
			"exponential":      func(k int) []float64 { return ExponentialGrid(p, t0, t1, k) },
			"angle":            func(k int) []float64 { return AngleGrid(p, t0, t1, k) },
			"beta":             func(k int) []float64 { return BetaGrid(0.6, 0.6, t0, t1, k) },
			"beta skew":        func(k int) []float64 { return BetaGrid(0.5, 0.7, t0, t1, k) },
			"shift 3":          func(k int) []float64 { return ShiftGrid(3, t0, t1, k) },
			"shift 1/3":        func(k int) []float64 { return ShiftGrid(1./3, t0, t1, k) },
			"linear-quadratic": func(k int) []float64 { return LinearQuadraticGrid(0.025, t0, t1, k) },
			"ays sd15":         func(k int) []float64 { return LevelGrid(p, AlignYourStepsSD15, t0, t1, k) },
			"ays svd":          func(k int) []float64 { return LevelGrid(p, AlignYourStepsSVD, t0, t1, k) },
		} {
			for _, k := range []int{1, 2, 3, 4, 18, 100} {
				ts := g(k)
				require.Len(t, ts, k)
				for i := 1; i < k; i++ {
					require.Greater(t, ts[i], ts[i-1], "%s %s: k = %d, index %d", name, gname, k, i)
				}
				if k > 1 {
					assert.Equal(t, t1, ts[k-1], "%s %s: the last time is exact", name, gname)
				}
				if !(p.At(t0).Alpha == 0 && (gname == "exponential" || gname[:3] == "ays")) {
					assert.Equal(t, t0, ts[0], "%s %s: the first time is exact", name, gname)
				}
			}
		}
	}
}

func TestExponentialGridIsGeometric(t *testing.T) {
	p := VE{SigmaMin: 0.01, SigmaMax: 50}
	for i, tm := range ExponentialGrid(p, 0, 1, 11) {
		assert.InEpsilon(t, 50*math.Pow(0.01/50, float64(i)/10), p.At(tm).Sigma, 1e-13)
	}
}

func TestAngleGridIsEvenInTheAngle(t *testing.T) {
	for name, p := range paths(t) {
		t0, t1 := p.Span()
		g := AngleGrid(p, t0, t1, 25)
		step := (angle(p, t1) - angle(p, t0)) / 24
		for i := 1; i < len(g); i++ {
			// eps of t is eps·dθ/dt in θ; |dθ/dt| is at most 80 (EDM at σ = 1).
			assert.InDelta(t, step, angle(p, g[i])-angle(p, g[i-1]), 1e-13, "%s at %d", name, i)
		}
	}
	// On the trigonometric path and the cosine schedule the angle is linear in time.
	for _, p := range []Path{Trig{}, Cosine{}} {
		want := UniformGrid(0, 0.9, 13)
		for i, tm := range AngleGrid(p, 0, 0.9, 13) {
			assert.InDelta(t, want[i], tm, 1e-15)
		}
	}
}

func TestBetaGridHoldsQuantiles(t *testing.T) {
	for _, ab := range [][2]float64{{0.6, 0.6}, {0.5, 0.7}, {2, 3}} {
		g := BetaGrid(ab[0], ab[1], 0, 1, 21)
		for i, tm := range g[1:20] {
			// The distribution function takes the times back to the equal levels; τ = 1 - t
			// loses eps, which the density, below 40 here, magnifies.
			assert.InDelta(t, 1-float64(i+1)/20, mathext.RegIncBeta(ab[0], ab[1], 1-tm), 1e-13, "Beta(%g, %g)", ab[0], ab[1])
		}
	}
	// Beta(1, 1) is uniform; equal parameters are symmetric; Beta(½, ½) is the arcsine law.
	for i, tm := range BetaGrid(1, 1, 0.2, 0.9, 15) {
		assert.InDelta(t, UniformGrid(0.2, 0.9, 15)[i], tm, 1e-13)
	}
	g := BetaGrid(0.6, 0.6, 0, 1, 12)
	for i := range g {
		assert.InDelta(t, 1-g[11-i], g[i], 1e-13)
	}
	for i, tm := range BetaGrid(0.5, 0.5, 0, 1, 9) {
		s := math.Sin(math.Pi / 2 * float64(i) / 8)
		assert.InDelta(t, s*s, tm, 1e-13)
	}
	assert.Panics(t, func() { BetaGrid(0, 1, 0, 1, 3) })
}

func TestShiftGridMultipliesTheNoise(t *testing.T) {
	p := CondOT{}
	const s = 3.0
	t1 := 1 - 0.02
	g := ShiftGrid(s, 0, t1, 21)
	// Unshifted, σ falls in equal steps; the shift multiplies σ/(1-σ) by s.
	prev := 1.0
	for i, tm := range g[1:] {
		c := p.At(tm)
		ratio := c.Sigma / c.Alpha / s
		sigma := ratio / (1 + ratio)
		end := 0.02 / 0.98 / s
		assert.InDelta(t, (1-end/(1+end))/20, prev-sigma, 1e-14, "step %d", i)
		prev = sigma
	}
	assert.Equal(t, UniformGrid(0, 1, 9), ShiftGrid(1, 0, 1, 9))
	// Esser et al. 2024, equation 23, at σ = ½ and s = 3: ¾.
	assert.InDelta(t, 0.25, ShiftGrid(3, 0, 1, 3)[1], 1e-15)
	assert.Panics(t, func() { ShiftGrid(0, 0, 1, 3) })
}

func TestLinearQuadraticGrid(t *testing.T) {
	// Six steps: three of 0.05/3, then 0.05 + slope·q + c q² with c = (1 - 0.05 - 0.05)/9.
	g := LinearQuadraticGrid(0.05, 0, 1, 7)
	for i, want := range []float64{0, 0.05 / 3, 0.1 / 3, 0.05, 0.05 + 0.05/3 + 0.1, 0.05 + 0.1/3 + 0.4, 1} {
		assert.InDelta(t, want, g[i], 1e-15)
	}
	// Second differences: 0 in the first half, constant in the second, no break between.
	g = LinearQuadraticGrid(0.025, 0, 1, 41)
	c := 2 * (1 - 0.05) / 400
	for i := 1; i < 40; i++ {
		want := 0.0
		if i > 20 {
			want = c
		} else if i == 20 {
			want = c / 2
		}
		assert.InDelta(t, want, g[i+1]-2*g[i]+g[i-1], 1e-15, "step %d", i)
	}
	assert.Panics(t, func() { LinearQuadraticGrid(0.6, 0, 1, 7) })
	assert.Panics(t, func() { LinearQuadraticGrid(0, 0, 1, 7) })
}

func TestLevelGridMeetsTheList(t *testing.T) {
	for name, list := range map[string][]float64{"sd15": AlignYourStepsSD15, "sdxl": AlignYourStepsSDXL, "svd": AlignYourStepsSVD} {
		p := VE{SigmaMin: list[10], SigmaMax: list[0]}
		for i, tm := range LevelGrid(p, list, 0, 1, 11) {
			assert.InEpsilon(t, list[i], p.At(tm).Sigma, 1e-12, "%s at %d", name, i)
		}
		// At 20 steps the list is every second level, with geometric means between.
		for i, tm := range LevelGrid(p, list, 0, 1, 21) {
			want := list[i/2]
			if i%2 == 1 {
				want = math.Sqrt(list[i/2] * list[i/2+1])
			}
			assert.InEpsilon(t, want, p.At(tm).Sigma, 1e-12, "%s at %d", name, i)
		}
		// Any other path has the same σ/α between the same ends.
		q := CondOT{}
		a, b := q.Time(-math.Log(list[0])), q.Time(-math.Log(list[10]))
		for i, tm := range LevelGrid(q, list, a, b, 11) {
			assert.InEpsilon(t, list[i], math.Exp(-q.At(tm).LogSNR()), 1e-11, "%s at %d", name, i)
		}
	}
	for _, bad := range [][]float64{nil, {1}, {1, 1}, {1, 2}, {1, 0}} {
		assert.Panics(t, func() { LevelGrid(VE{}, bad, 0, 1, 5) }, "%v", bad)
	}
}

func TestZeroTerminalSNR(t *testing.T) {
	bars := func(betas []float64) []float64 {
		b, prod := make([]float64, len(betas)), 1.0
		for i, v := range betas {
			prod *= 1 - v
			b[i] = prod
		}
		return b
	}
	for name, betas := range map[string][]float64{"ddpm": LinearBetas(1000, 1e-4, 0.02), "ldm": ScaledLinearBetas(1000, 0.00085, 0.012)} {
		old := bars(betas)
		assert.Equal(t, 1.0, ZeroTerminalSNR(betas, 0)[999], "%s: the paper's last beta", name)
		const last = 1. / (1 << 24)
		out := ZeroTerminalSNR(betas, last)
		got := bars(out)
		assert.Equal(t, betas[0], out[0])
		// The map of √ᾱ is affine: the ratio of any two differences is kept. A product of
		// 1000 factors carries 1000 roundings, the last of which 1 - β magnifies by 1/(1-β) < 200.
		for i := 1; i < 1000; i++ {
			f := (math.Sqrt(old[i]) - math.Sqrt(old[999])) / (math.Sqrt(old[0]) - math.Sqrt(old[999]))
			want := math.Sqrt(last) + f*(math.Sqrt(old[0])-math.Sqrt(last))
			assert.InDelta(t, want, math.Sqrt(got[i]), 1e-11, "%s, step %d", name, i)
		}
		assert.InEpsilon(t, last, got[999], 1e-8, name)
		p, err := FromBetas(out)
		require.NoError(t, err, name)
		c := p.At(0)
		// σ/α = √(1/ᾱ - 1), near 2¹²
		assert.InEpsilon(t, 4096, c.Sigma/c.Alpha, 1e-7, name)
		_, err = FromBetas(ZeroTerminalSNR(betas, 0))
		assert.Error(t, err, "%s: a beta of 1 has no λ", name)
	}
	for _, bad := range [][]float64{nil, {0.1}, {0.1, 1}, {0, 0.1}} {
		assert.Panics(t, func() { ZeroTerminalSNR(bad, 0) }, "%v", bad)
	}
	assert.Panics(t, func() { ZeroTerminalSNR([]float64{0.1, 0.2}, 0.95) })
}
