package interpolant_test

import (
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
)

func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 1, stream.Test, 4, index)
	return x
}

// paperMixture is that of Albergo et al. 2023, section 7.2: means N(0, 7.5²I), covariances
// WᵀW/d + I with W of normals.
func paperMixture(t testing.TB, k, d int, spread float64, index uint64) *density.Mixture {
	means := normals(k*d, index)
	floats.Scale(spread, means)
	var covs []float64
	for c := range k {
		w := normals(d*d, index+1+uint64(c))
		for i := range d {
			for j := range d {
				s := 0.0
				for r := range d {
					s += w[r*d+i] * w[r*d+j] / float64(d)
				}
				if i == j {
					s++
				}
				covs = append(covs, s)
			}
		}
	}
	weights := make([]float64, k)
	for c := range weights {
		weights[c] = 1 + float64(c%2)
	}
	m, err := density.NewMixture(weights, means, covs, d)
	require.NoError(t, err)
	return m
}

func mixtureBridge(t testing.TB, p interpolant.TwoSided, a, b *density.Mixture) *interpolant.PairBridge {
	m, err := interpolant.NewMixtureBridge(p, a, b)
	require.NoError(t, err)
	return m
}

func targetBridge(t testing.TB, p interpolant.TwoSided, centres, widths []float64, target density.Target) *interpolant.TargetBridge {
	m, err := interpolant.NewTargetBridge(p, nil, centres, widths, target)
	require.NoError(t, err)
	return m
}

// draws returns n exact draws of x_t, and those of x₀ and x₁ (independent) and z.
func draws(p interpolant.TwoSided, a, b density.Target, n int, tm float64) (x, x0, x1, z []float64) {
	d := a.Dim()
	x0, x1 = density.Sample(a, n, 7, 0, 1), density.Sample(b, n, 7, 1, 1)
	z, x = normals(n*d, 99), make([]float64, n*d)
	interpolant.Interpolate(x, nil, x0, x1, z, p.At(tm))
	return x, x0, x1, z
}

// Every exact model with its laws at the ends.
type fixture struct {
	name string
	m    interface {
		interpolant.BridgeDensity
		interpolant.BridgeJacobian
	}
	a, b density.Target
	path interpolant.TwoSided
	ends bool // the laws have densities, so that fields are finite at both ends
}

func fixtures(t testing.TB) []fixture {
	lin := mustTwoSided(t, "linear", "sqrt", 1)
	trig := mustTwoSided(t, "trig", "sin2", 1)
	diag := func(means, stds []float64) *density.Mixture {
		m, err := density.NewDiagonalMixture(nil, means, stds, 2)
		require.NoError(t, err)
		return m
	}
	iso := func(means, stds []float64) *density.Mixture {
		m, err := density.NewIsotropicMixture([]float64{1, 2, 3}, means, stds, 2)
		require.NoError(t, err)
		return m
	}
	p0, err := density.NewPoints(normals(2*6, 31), 2)
	require.NoError(t, err)
	p1, err := density.NewPoints(append([]float64{3, 0}, normals(2*6, 32)...), 2)
	require.NoError(t, err)
	rows, err := interpolant.NewRowBridge(lin, normals(2*6, 31), normals(2*6, 32), 2, []int{5, 0, 3, 1, 2, 2}, 0.3)
	require.NoError(t, err)
	f0, f1 := paperMixture(t, 3, 2, 2, 10), paperMixture(t, 5, 2, 7.5, 20)
	d0, d1 := diag([]float64{0, 1, -2, 1}, []float64{0.5, 1, 1, 0.3}), diag([]float64{3, 1, -1, -3}, []float64{0.5, 0.2, 1, 0.7})
	i0, i1 := iso([]float64{0, 1, -2, 1, 0, 0}, []float64{0.5, 1, 0.3}), iso([]float64{3, 1, -1, -3, 2, 2}, []float64{0.5, 0.2, 1})
	return []fixture{
		{"full", mixtureBridge(t, lin, f0, f1), f0, f1, lin, true},
		{"commuting", mixtureBridge(t, trig, density.Normal(2, 1), f1), density.Normal(2, 1), f1, trig, true},
		{"diagonal", mixtureBridge(t, trig, d0, d1), d0, d1, trig, true},
		{"isotropic", mixtureBridge(t, lin, i0, i1), i0, i1, lin, true},
		{"enc-dec", mixtureBridge(t, mustTwoSided(t, "enc-dec", "", 0), i0, f1), i0, f1, mustTwoSided(t, "enc-dec", "", 0), true},
		{"sbdm", mixtureBridge(t, mustTwoSided(t, "sbdm", "", 0), density.Normal(2, 1), f1), density.Normal(2, 1), f1, mustTwoSided(t, "sbdm", "", 0), true},
		{"rows", rows, nil, nil, lin, true},
		{"points to points", targetBridge(t, lin, normals(2*6, 31), []float64{0}, p1), p0, p1, lin, false},
		{"normal to checkerboard", targetBridge(t, lin, []float64{0, 0}, []float64{1}, density.NewCheckerboard(4, 2)), density.Normal(2, 1), density.NewCheckerboard(4, 2), lin, false},
		{"blurred to mixture", targetBridge(t, lin, normals(2*6, 31), []float64{0.3}, f1), density.Smooth(p0, 0.3), f1, lin, true},
	}
}

// diff is the five-point difference of f at 0, of the error h⁴f⁽⁵⁾/30 and eps·|f|/h.
func diff(f func(e float64) float64, h float64) float64 {
	return (8*(f(h)-f(-h)) - (f(2*h) - f(-2*h))) / (12 * h)
}

// checkIdentities holds a model to the equations that b and s must solve at the points x:
//
//	s = ∇ log ρ,   ∂ρ/∂t + div(bρ) = 0,   ∂ρ/∂t + div((b+εs)ρ) = εΔρ
//
// the latter two divided by ρ, with exact divergences that are themselves held to the
// Jacobian and to differences of the fields. Directions stand for coordinates where the
// dimension is high.
func checkIdentities(t *testing.T, m interface {
	interpolant.BridgeDensity
	interpolant.BridgeJacobian
}, x []float64, tm float64) {
	// Of the order of 1 are the fields' terms, of which there are d: errors of the differences
	// below are h⁴ = 1e-16 times a fifth derivative, and 1e-16·|log ρ|/h ~ 1e-12·|log ρ|.
	const h, tol = 1e-4, 1e-6
	d := m.Dim()
	one := make([]float64, 1)
	logp := func(x []float64, tm float64) float64 { m.LogProb(one, x, tm); return one[0] }
	div := func(x []float64, p, q float64) float64 { m.Divergence(one, x, tm, p, q); return one[0] }
	b, s, u, y, jv := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
	gdg := m.At(tm).GDG
	for lo := 0; lo < len(x); lo += d {
		xi := x[lo : lo+d]
		interpolant.Velocity(m, b, xi, tm)
		interpolant.Score(m, s, xi, tm)
		rate := diff(func(e float64) float64 { return logp(xi, tm+e) }, h)
		bs, ss := floats.Dot(b, s), floats.Dot(s, s)
		scale := 1 + math.Abs(rate) + math.Abs(bs) + ss
		require.InDelta(t, 0, (rate+div(xi, 1, -gdg)+bs)/scale, tol, "continuity at t = %g", tm)
		const eps = 0.7
		lap := 0.0
		dirs := min(d, 3)
		for k := range dirs {
			dir := normals(d, 50+uint64(k))
			if d <= 3 {
				clear(dir)
				dir[k] = 1
			}
			floats.Scale(1/floats.Norm(dir, 2), dir)
			at := func(e float64) []float64 { floats.AddScaledTo(y, xi, e, dir); return y }
			require.InDelta(t, diff(func(e float64) float64 { return logp(at(e), tm) }, h), floats.Dot(s, dir), tol*scale, "s at t = %g", tm)
			lap += diff(func(e float64) float64 { interpolant.Score(m, u, at(e), tm); return floats.Dot(u, dir) }, h)
			// (∂f/∂x) dir in a direction of its own, for a field that is neither b nor s.
			m.JVP(jv, xi, dir, tm, 0.8, -0.3)
			other := normals(d, 60)
			floats.Scale(1/floats.Norm(other, 2), other)
			require.InDelta(t, diff(func(e float64) float64 { m.Combine(u, at(e), tm, 0.8, -0.3); return floats.Dot(u, other) }, h),
				floats.Dot(jv, other), tol*scale, "JVP at t = %g", tm)
		}
		if d > 3 {
			lap = div(xi, 0, 1)
		}
		require.InDelta(t, 0, (rate+div(xi, 1, eps-gdg)+bs+eps*ss-eps*(lap+ss))/scale, tol, "Fokker-Planck at t = %g", tm)
		tr := 0.0
		for k := range d {
			clear(u)
			u[k] = 1
			m.JVP(jv, xi, u, tm, 0.8, -0.3)
			tr += jv[k]
		}
		// Two ways through the same terms, which differ in rounding.
		require.InDelta(t, tr, div(xi, 0.8, -0.3), 1e-10*(math.Abs(tr)+scale), "trace at t = %g", tm)
	}
}

func TestBridgeIdentities(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			for _, tm := range []float64{0.05, 0.3, 0.52, 0.8, 0.97} {
				var x []float64
				if f.a == nil {
					x = normals(2*8, 70)
				} else {
					x, _, _, _ = draws(f.path, f.a, f.b, 8, tm)
				}
				checkIdentities(t, f.m, x, tm)
			}
		})
	}
}

func TestBridgeIdentitiesHighDimension(t *testing.T) {
	const d = 128
	lin := mustTwoSided(t, "linear", "sqrt", 1)
	b := paperMixture(t, 5, d, 7.5, 20)
	for name, a := range map[string]*density.Mixture{"normal": density.Normal(d, 1), "mixture": paperMixture(t, 2, d, 7.5, 200)} {
		if name == "mixture" && testing.Short() {
			continue // ten pairs to factorise for each of the times
		}
		m := mixtureBridge(t, lin, a, b)
		for _, tm := range []float64{0.1, 0.6} {
			x, _, _, _ := draws(lin, a, b, 2, tm)
			checkIdentities(t, m, x, tm)
		}
	}
}

// In one dimension the conditional means are double integrals over (x₀, x₁), by the
// trapezoidal rule on smooth integrands that vanish at the ends: exact to rounding once
// the spacing 0.04 is below a fifth of the narrowest Gaussian (γ ≥ 0.4).
func TestBridgeAgainstQuadrature(t *testing.T) {
	mix := func(means, stds []float64) *density.Mixture {
		m, err := density.NewIsotropicMixture([]float64{1, 2}, means, stds, 1)
		require.NoError(t, err)
		return m
	}
	a, b := mix([]float64{-1, 1.5}, []float64{0.5, 0.3}), mix([]float64{2, -2}, []float64{0.4, 0.6})
	path := mustTwoSided(t, "trig", "sqrt", 1)
	models := map[string]interpolant.Bridge{"pairs": mixtureBridge(t, path, a, b)}
	// Equal weights only: 1, 2, 2 for the first source.
	models["target"] = targetBridge(t, path, []float64{-1, 1.5, 1.5}, []float64{0.5, 0.3, 0.3}, b)
	const lo, h, n = -7, 0.04, 351
	var x0, p0, p1 [n]float64
	for i := range n {
		x0[i] = lo + h*float64(i)
	}
	a.CleanLogProb(p0[:], x0[:])
	b.CleanLogProb(p1[:], x0[:])
	for _, tm := range []float64{0.25, 0.6} {
		c := path.At(tm)
		for _, x := range []float64{-2, 0.1, 0.9, 2.2} {
			var z, sv, se, s0, s1 float64
			for i, u := range x0 {
				for j, w := range x0 {
					e := (x - c.Alpha*u - c.Beta*w) / c.Gamma
					p := math.Exp(p0[i] + p1[j] - e*e/2)
					z += p
					sv += p * (c.DAlpha*u + c.DBeta*w)
					se += p * e
					s0 += p * u
					s1 += p * w
				}
			}
			v, eta := sv/z, se/z
			for name, m := range models {
				got := make([]float64, 1)
				for what, want := range map[string]float64{"v": v, "eta": eta, "s": -eta / c.Gamma, "b": v + c.DGamma*eta, "E x1": s1 / z, "E x0": s0 / z} {
					f := map[string]func(interpolant.Bridge, []float64, []float64, float64){
						"v": interpolant.MeanVelocity, "eta": interpolant.NoiseMean, "s": interpolant.Score, "b": interpolant.Velocity,
						"E x1": interpolant.Denoise, "E x0": interpolant.DenoiseStart,
					}[what]
					f(m, got, []float64{x}, tm)
					assert.InDelta(t, want, got[0], 1e-9*(1+math.Abs(want)), "%s of %s at t = %g, x = %g", what, name, tm, x)
				}
			}
		}
	}
}

// The two exact models agree where both apply, and so do the forms of covariances: full
// ones nearly isotropic against isotropic ones.
func TestBridgeFormsAgree(t *testing.T) {
	path := mustTwoSided(t, "linear", "bump", 1)
	means := normals(6, 31)
	const tilt = 1e-13 // full in form, isotropic but for rounding
	cov := []float64{0.09, tilt, tilt, 0.09}
	var covs []float64
	for range 3 {
		covs = append(covs, cov...)
	}
	a, err := density.NewMixture(nil, means, covs, 2)
	require.NoError(t, err)
	iso, err := density.NewIsotropicMixture(nil, means, []float64{0.3}, 2)
	require.NoError(t, err)
	diag, err := density.NewDiagonalMixture(nil, means, []float64{0.3, 0.3 + tilt, 0.3, 0.3, 0.3, 0.3}, 2)
	require.NoError(t, err)
	b := density.Ring(5, 3, 0.4)
	f := paperMixture(t, 4, 2, 3, 80)
	for _, c := range []struct {
		name string
		m, n interpolant.BridgeDensity
	}{
		{"commuting, isotropic", mixtureBridge(t, path, a, b), mixtureBridge(t, path, iso, b)},
		{"diagonal, isotropic", mixtureBridge(t, path, diag, b), mixtureBridge(t, path, iso, b)},
		{"factorised, commuting", mixtureBridge(t, path, a, f), mixtureBridge(t, path, iso, f)},
		{"pairs, target", mixtureBridge(t, path, iso, f), targetBridge(t, path, means, []float64{0.3}, f)},
	} {
		for _, tm := range []float64{0, 0.2, 0.7, 0.995, 1} { // σ < β/100 from 0.99 on
			x, _, _, _ := draws(path, iso, f, 10, tm)
			u, w := make([]float64, len(x)), make([]float64, len(x))
			c.m.Combine(u, x, tm, 1, 0.4)
			c.n.Combine(w, x, tm, 1, 0.4)
			// Distances in units of the width reach 30, so that logits, up to 450, and with them the
			// weights carry 450·tilt/0.09 = 5e-10.
			assert.InDeltaSlice(t, w, u, 1e-8, "%s at t = %g", c.name, tm)
			p, q := make([]float64, 10), make([]float64, 10)
			c.m.LogProb(p, x, tm)
			c.n.LogProb(q, x, tm)
			assert.InDeltaSlice(t, q, p, 1e-8, "%s at t = %g", c.name, tm)
		}
	}
}

// At an end every field is the limit of that inside; the derivatives in t of the fields
// are below 1e6 at the points of the law.
func TestBridgeEnds(t *testing.T) {
	for _, f := range fixtures(t) {
		if !f.ends || f.a == nil {
			continue
		}
		for _, end := range []float64{0, 1} {
			x, _, _, _ := draws(f.path, f.a, f.b, 8, end)
			u, w := make([]float64, len(x)), make([]float64, len(x))
			near := math.Abs(end - 1e-10)
			for what, field := range map[string]func(interpolant.Bridge, []float64, []float64, float64){
				"b": interpolant.Velocity, "s": interpolant.Score, "eta": interpolant.NoiseMean,
			} {
				field(f.m, u, x, end)
				field(f.m, w, x, near)
				require.Less(t, ends(u), 1e9, f.name)
				// η ~ γ ~ 1e-5 for the square root.
				assert.InDeltaSlice(t, w, u, 2e-4*(1+ends(u)), "%s: %s at t = %g", f.name, what, end)
			}
			p, q := make([]float64, 8), make([]float64, 8)
			f.m.LogProb(p, x, end)
			f.m.LogProb(q, x, near)
			assert.InDeltaSlice(t, q, p, 1e-6, "%s: log ρ at t = %g", f.name, end)
			clean, ok := map[float64]density.Target{0: f.a, 1: f.b}[end].(density.CleanLogProber)
			if ok {
				clean.CleanLogProb(q, x)
				// TargetBridge sees at t = 1 a noise of 1e-6.
				assert.InDeltaSlice(t, q, p, 1e-9, "%s: log ρ at t = %g", f.name, end)
			}
		}
	}
}

func ends(x []float64) float64 {
	top := 0.0
	for _, v := range x {
		if math.IsNaN(v) {
			return math.Inf(1)
		}
		top = max(top, math.Abs(v))
	}
	return top
}

// A batch is its points, whoever asks at the same time, and asking allocates nothing.
func TestBridgeBatches(t *testing.T) {
	for _, f := range fixtures(t) {
		x := normals(2*40, 5)
		want, tr := make([]float64, len(x)), make([]float64, 40)
		f.m.Combine(want, x, 0.4, 1, 0.2)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				got := make([]float64, 2)
				other := make([]float64, 2)
				f.m.Combine(other, x[2*i:2*i+2], 0.9, 1, -0.2)
				f.m.Combine(got, x[2*i:2*i+2], 0.4, 1, 0.2)
				assert.Equal(t, want[2*i:2*i+2], got, f.name)
			})
		}
		wg.Wait()
		if raceEnabled {
			continue // the race detector empties pools at random
		}
		tm := 0.1
		assert.Zero(t, testing.AllocsPerRun(10, func() {
			tm += 0.01
			f.m.Combine(want, x, tm, 1, 0.2)
			f.m.LogProb(tr, x, tm)
			f.m.Divergence(tr, x, tm, 1, 0.2)
			f.m.JVP(want, x, x, tm, 1, 0.2)
		}), f.name)
	}
}

// The fields are linear in (v, s), and the conversions and the adapter of learned fields
// undo each other.
func TestBridgeConversions(t *testing.T) {
	f := fixtures(t)[0]
	const tm = 0.3
	c := f.m.At(tm)
	x, _, _, _ := draws(f.path, f.a, f.b, 6, tm)
	field := func(g func(interpolant.Bridge, []float64, []float64, float64)) func(dst, x []float64, t float64) {
		return func(dst, x []float64, tm float64) { g(f.m, dst, x, tm) }
	}
	b, v, s, eta, out := make([]float64, 12), make([]float64, 12), make([]float64, 12), make([]float64, 12), make([]float64, 12)
	interpolant.Velocity(f.m, b, x, tm)
	interpolant.MeanVelocity(f.m, v, x, tm)
	interpolant.Score(f.m, s, x, tm)
	interpolant.NoiseMean(f.m, eta, x, tm)
	near := func(want, got []float64) { // a few operations on numbers below 30
		t.Helper()
		assert.InDeltaSlice(t, want, got, 1e-12)
	}
	interpolant.VelocityFromMean(out, v, s, c)
	near(b, out)
	interpolant.VelocityFromNoise(out, v, eta, c)
	near(b, out)
	interpolant.MeanFromVelocity(out, b, s, c)
	near(v, out)
	interpolant.ScoreFromNoise(out, eta, c)
	near(s, out)
	interpolant.NoiseFromScore(out, s, c)
	near(eta, out)
	f.m.Combine(b, x, tm, 0.7, -1.3)
	bv, sc, ev := field(interpolant.Velocity), field(interpolant.Score), field(interpolant.NoiseMean)
	for _, e := range []*interpolant.Estimated{
		{B: bv, S: sc}, {B: bv, Eta: ev}, {V: field(interpolant.MeanVelocity), S: sc}, {V: field(interpolant.MeanVelocity), Eta: ev},
	} {
		e.Path, e.D = f.path, 2
		e.Combine(out, x, tm, 0.7, -1.3)
		near(b, out)
		e.Combine(out, x, tm, 0, 1)
		near(s, out)
	}
}

// Under the mirror interpolant x is x₁ under the noise γ: E[x₁ | x] = τ²/(τ² + γ²) x for
// N(0, τ²I).
func TestBridgeMirrorDenoise(t *testing.T) {
	a := density.Normal(2, 1.5)
	m := mixtureBridge(t, mustTwoSided(t, "mirror", "sqrt", 1), a, a)
	x, got := normals(8, 1), make([]float64, 8)
	interpolant.Denoise(m, got, x, 0.4)
	for i, v := range x {
		assert.InDelta(t, 2.25/(2.25+0.24)*v, got[i], 1e-14)
	}
}
