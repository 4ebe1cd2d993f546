package special

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/integrate/quad"
)

// bruteTrunc integrates exp(-ct' - t'²/2) over t' = t - c in [-h, h] where it matters,
// by 32 panels of 16 Gauss-Legendre nodes: each panel sees at most e^{±1.5} of variation,
// so its error is far below the rounding. The exponent is taken from its largest value.
func bruteTrunc(c, h float64) (logAvg, off, v float64) {
	lo, hi := -h, h
	// The mass is near the point of the interval closest to the origin.
	top := max(lo, min(-c, hi))
	width := 10.0
	if a := math.Abs(c + top); a > 1 {
		width = min(10, 45/a)
	}
	lo, hi = max(lo-top, -width), min(hi-top, width)
	const panels, n = 32, 16
	y, w := make([]float64, n), make([]float64, n)
	var m [2]float64
	sum := func(f func(g, s float64)) {
		for p := range panels {
			a, b := lo+(hi-lo)*float64(p)/panels, lo+(hi-lo)*float64(p+1)/panels
			quad.Legendre{}.FixedLocations(y, w, a, b)
			for i := range y {
				f(w[i]*math.Exp(-y[i]*(c+top)-y[i]*y[i]/2), y[i])
			}
		}
	}
	sum(func(g, s float64) { m[0] += g; m[1] += g * s })
	mean := m[1] / m[0]
	sum(func(g, s float64) { v += g * (s - mean) * (s - mean) })
	peak := c + top
	return math.Log(m[0]/(2*h)) - peak*peak/2, (top + mean) / h, v / m[0] / h / h
}

func TestTruncNormal(t *testing.T) {
	var worst [3]float64
	var where [3]string
	see := func(i int, e float64, at string) {
		if !(e <= worst[i]) {
			worst[i], where[i] = e, at
		}
	}
	for _, h := range []float64{1e-9, 1e-6, 1e-3, 0.05, 0.3, 0.7, 0.999, 1.001, 1.5, 2.6, 4, 7, 30, 1e3, 1e6} {
		for _, c := range []float64{0, 1e-9, 0.01, 0.3, 1, 1.7, 2.4, 3, 3.6, 4.2, 5.1, 7, 12, 31, 100, 1e3, 1e4, 1e6} {
			for _, c := range []float64{c, c + h} { // also with the lower end near the origin
				at := fmt.Sprintf("c=%g h=%g", c, h)
				got := TruncNormal(c, h)
				logAvg, off, v := bruteTrunc(c, h)
				see(0, math.Abs(got.LogAvg()-logAvg)/max(1, math.Abs(logAvg)), at)
				see(1, math.Abs(got.Off-off), at)
				see(2, math.Abs(got.Var/v-1), at)
				assert.InDelta(t, c+h*off, got.Mean, 1e-12*max(1, c), at) // quadrature and c's rounding
				assert.InEpsilon(t, got.Var*h*h, got.Spread, 1e-14, at)
				mirror := TruncNormal(-c, h)
				assert.Equal(t, []float64{got.Avg, -got.Mean, -got.Off, got.Var}, []float64{mirror.Avg, mirror.Mean, mirror.Off, mirror.Var})
			}
		}
	}
	for i, name := range []string{"log", "mean", "variance"} {
		t.Logf("%s: worst error %.2g at %s", name, worst[i], where[i])
	}
	assert.Less(t, worst[0], 5e-15) // 20 ulp, most of them the reference's sum
	assert.Less(t, worst[1], 5e-15)
	// The textbook formula loses a factor of 100 at its worst, next to the tail.
	assert.Less(t, worst[2], 1e-13)
}

// TestTailRatios against the recurrence's own anchor, Mills' ratio by math.Erfc, and the
// expansions for large a.
func TestTailRatios(t *testing.T) {
	for a := float64(tailLimit); a < 36; a *= 1.1 {
		r0, r1, r2 := tailRatios(a)
		mills := math.Sqrt(math.Pi/2) * math.Erfc(a/math.Sqrt2) * math.Exp(a*a/2)
		assert.InEpsilon(t, mills, r0, 1e-15*(2+a*a), "a=%g", a) // exp(a²/2) carries a²/2 ulp
		assert.InEpsilon(t, 1/r0-a, r1, 1e-15*(1+a*a), "a=%g", a)
		assert.InEpsilon(t, 1/r1-a, 2*r2, 1e-15*(1+a*a), "a=%g", a)
	}
	for _, a := range []float64{1e4, 1e9} {
		r0, r1, r2 := tailRatios(a)
		// r_n = 1/a (1 - (n+1)/a² + ...)
		for n, r := range []float64{r0, r1, r2} {
			assert.InDelta(t, 1-float64(n+1)/(a*a), a*r, 40/(a*a*a*a)+4e-16)
		}
	}
}

// Narrow and wide limits: the uniform and the free normal variable.
func TestTruncNormalLimits(t *testing.T) {
	for _, c := range []float64{0, 3, 1e6} {
		got := TruncNormal(c, 0)
		assert.InDelta(t, 1, got.Avg, 1e-15)
		assert.Equal(t, c, got.Mean)
		assert.InDelta(t, 1./3, got.Var, 1e-15)
	}
	got := TruncNormal(0.3, 1e12)
	assert.InDelta(t, 0, got.Mean, 1e-15)
	assert.InDelta(t, 1, got.Spread, 1e-15)
}

// TestTruncGrid against TruncNormal; the geometric sequences lose an ulp each interval.
func TestTruncGrid(t *testing.T) {
	const n = 60
	m0, m1, m2 := make([]float64, n), make([]float64, n), make([]float64, n)
	for _, c := range []struct{ c, h float64 }{{-0.1, 1e-6}, {-3, 0.05}, {-5, 0.1}, {-8, 0.13}, {-20, 0.3}, {0, 0.02}} {
		const shift = 3
		assert.True(t, TruncGrid(m0, m1, m2, c.c, c.h, shift))
		for k := range n {
			want := TruncNormal(c.c+2*c.h*float64(k), c.h)
			f := math.Exp(want.LogAvg() + shift/2.)
			assert.InEpsilon(t, f, m0[k], 2e-13) // exp(-200): 200 ulp, and k ulp
			assert.InDelta(t, want.Off, m1[k]/m0[k], 5e-14)
			assert.InDelta(t, want.Var+want.Off*want.Off, m2[k]/m0[k], 5e-14)
		}
	}
	assert.False(t, TruncGrid(m0, m1, m2, 0, 1.01, 0))
	assert.False(t, TruncGrid(m0, m1, m2, 10, 0.9, 0))
}
