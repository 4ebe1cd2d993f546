package interpolant

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/score/density"
)

func kineticPaths(t testing.TB) map[string]Path {
	out := map[string]Path{}
	for name, m := range map[string]*MMSE{
		"two": twoPoints(t), "ring8": mustMMSE(t, density.Ring(8, 4, 0.3), 128), "normal": mustMMSE(t, density.Normal(2, 1), 64),
		"box": mustMMSE(t, density.Uniform(2, -0.5, 0.5), 128),
	} {
		for _, floor := range []float64{0.01, 0} {
			p, err := NewKinetic(m, floor)
			require.NoError(t, err)
			vp, err := NewKineticVP(m, floor)
			require.NoError(t, err)
			if floor == 0 {
				out[name], out[name+" vp"] = p, vp
			} else {
				out[name+" sharp"], out[name+" sharp vp"] = p, vp
			}
		}
	}
	return out
}

func TestKineticIsAPath(t *testing.T) {
	for name, p := range kineticPaths(t) {
		a, b := p.At(0), p.At(1)
		assert.Zero(t, a.Alpha, name)
		assert.Zero(t, b.Sigma, name)
		assert.InDelta(t, 1, a.Sigma, 1e-15, name)
		assert.InDelta(t, 1, b.Alpha, 1e-15, name)
		t0, t1 := p.Span()
		assert.Zero(t, t0, name)
		assert.InEpsilon(t, 0.002, p.At(t1).Sigma/p.At(t1).Alpha, 1e-9, "%s: 1 - t carries eps", name)
		for _, c := range []Coeffs{a, b, p.At(t1)} {
			assert.False(t, math.IsNaN(c.DAlpha+c.DSigma) || math.IsInf(c.DAlpha+c.DSigma, 0), "%s: %v", name, c)
		}
		before := math.Inf(-1)
		for i := 1; i <= 400; i++ {
			tm := t1 * float64(i) / 400
			c := p.At(tm)
			l := c.LogSNR()
			require.Greater(t, l, before, "%s: λ must increase at t = %g", name, tm)
			before = l
			require.InDelta(t, tm, p.Time(l), 1e-13, "%s: Time(λ(%g))", name, tm)
			// A central difference over h, 1e-6 of the distance to an end, has a relative error
			// of 1e-12 times a constant, and t ± h is rounded by eps.
			h := 1e-6 * min(tm, 1-tm)
			lo, hi := p.At(tm-h), p.At(tm+h)
			require.InDelta(t, (hi.Alpha-lo.Alpha)/(2*h), c.DAlpha, (1e-6+3e-16/h)*(1+math.Abs(c.DAlpha)), "%s: dα/dt at %g", name, tm)
			require.InDelta(t, (hi.Sigma-lo.Sigma)/(2*h), c.DSigma, (1e-6+3e-16/h)*(1+math.Abs(c.DSigma)), "%s: dσ/dt at %g", name, tm)
			if vp, ok := p.(*KineticVP); ok {
				require.InDelta(t, 1, c.Alpha*c.Alpha+c.Sigma*c.Sigma, 1e-14, name)
				require.NotNil(t, vp)
			}
		}
		for _, l := range []float64{-700, -50, 50, 700, math.Inf(1), math.Inf(-1)} {
			tm := p.Time(l)
			assert.True(t, tm >= 0 && tm <= 1, "%s: Time(%g) = %g", name, l, tm)
		}
		// Times close to 0 keep their relative error: the inverse is by angles from the ends.
		assert.InEpsilon(t, 1e-12, p.Time(p.At(1e-12).LogSNR()), 1e-9, name)
		assert.Zero(t, testing.AllocsPerRun(10, func() { p.At(0.3); p.At(0.9); p.Time(1) }), name)
	}
}

func TestKineticEndsOfTheFamily(t *testing.T) {
	// No error at all: Cond-OT. A Gaussian: the trigonometric path.
	m, err := NewMMSEFunc(2, 2, func(float64) float64 { return 0 })
	require.NoError(t, err)
	p, err := NewKinetic(m, 1e-3)
	require.NoError(t, err)
	q, err := NewKinetic(mustMMSE(t, density.Normal(3, 1), 64), 0.1)
	require.NoError(t, err)
	for _, tm := range []float64{0.01, 0.3, 0.8, 0.99} {
		c := p.At(tm)
		assert.InDelta(t, tm, c.Alpha, 1e-6, "ε² changes Φ by π/4 ε²")
		assert.InDelta(t, 1, c.DAlpha, 1e-5)
		assert.InDelta(t, -1, c.DSigma, 1e-5)
		// ρ sags by Φ²/8 = ε²π²/32 of the arc, and the speed of φ varies by as much.
		assert.InDelta(t, Trig{}.At(tm).Alpha, q.At(tm).Alpha, 0.1*0.1*math.Pi*math.Pi/32*2)
	}
	for _, floor := range []float64{-1, 1e-9, 2, math.NaN()} {
		_, err := NewKinetic(m, floor)
		assert.Error(t, err, "floor %g", floor)
		_, err = NewKineticVP(m, floor)
		assert.Error(t, err, "floor %g", floor)
	}
}

// TestKineticSpeed holds the chord to constant speed in the metric it is straight in,
// dρ² + ρ²(R + ε²) dθ², and to the length Φ(ε) gives it.
func TestKineticSpeed(t *testing.T) {
	m := mustMMSE(t, density.Ring(8, 4, 0.3), 128)
	p, err := NewKinetic(m, 0.2)
	require.NoError(t, err)
	want := square(p.rootS-p.rootD) + 4*p.rootS*p.rootD*square(math.Sin(p.phi/2))
	for i := 1; i < 100; i++ {
		c := p.At(float64(i) / 100)
		rho := math.Hypot(p.rootS*c.Alpha, p.rootD*c.Sigma)
		radial := (square(p.rootS)*c.Alpha*c.DAlpha + square(p.rootD)*c.Sigma*c.DSigma) / rho
		turn := p.rootS * p.rootD * (c.DAlpha*c.Sigma - c.Alpha*c.DSigma) / rho
		f := p.clock.slope(m.logTan(c.LogSNR()))
		assert.InEpsilon(t, want, radial*radial+square(turn*f), 1e-10, "t = %d/100", i)
		// the spline of the path and that of R agree on the metric
		assert.InEpsilon(t, m.ratioAt(m.logTan(c.LogSNR()))+0.04, f*f, 1e-3)
	}
}

func TestKineticAsJSON(t *testing.T) {
	m := mustMMSE(t, density.Ring(3, 2, 0.5), 64)
	p, err := NewKinetic(m, 0.2)
	require.NoError(t, err)
	p.End = 0.01
	vp, err := NewKineticVP(m, 0.2)
	require.NoError(t, err)
	text, err := json.Marshal(p)
	require.NoError(t, err)
	var q Kinetic
	require.NoError(t, json.Unmarshal(text, &q))
	assert.Equal(t, p, &q)
	assert.Equal(t, 0.2, q.Floor())
	assert.Equal(t, m, q.Table())
	text, err = json.Marshal(vp)
	require.NoError(t, err)
	var r KineticVP
	require.NoError(t, json.Unmarshal(text, &r))
	assert.Equal(t, vp, &r)
	for _, bad := range []string{`[]`, `{"floor":0.1}`, `{"floor":7,"table":` + string(mustJSON(t, m)) + `}`} {
		assert.Error(t, json.Unmarshal([]byte(bad), &q), bad)
		assert.Error(t, json.Unmarshal([]byte(bad), &r), bad)
	}
}

func mustJSON(t testing.TB, v any) []byte {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}
