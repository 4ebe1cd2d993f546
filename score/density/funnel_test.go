package density

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func init() {
	two, ten := NewFunnel(2), NewFunnel(10)
	register(
		row{name: "funnel2", target: unmoved{two, two}, scale: 3},
		row{name: "funnel10", target: unmoved{ten, ten}, scale: 3},
	)
}

// bruteFunnel integrates over v with 2,000 nodes on the part above e^{-80} of the largest
// value, which it finds by narrowing the range of all v that could matter.
func bruteFunnel(d int, x0, r, alpha, sigma float64) (p funnelPoint) {
	n := float64(d - 1)
	s0 := funnelVar*alpha*alpha + sigma*sigma
	m, s2 := funnelVar*alpha*x0/s0, funnelVar*sigma*sigma/s0
	logS := func(v float64) float64 {
		return logAdd(2*math.Log(alpha)+v, 2*math.Log(sigma))
	}
	g := func(v float64) float64 {
		l := logS(v)
		return -(v-m)*(v-m)/2/s2 - n/2*l - r*r/2*math.Exp(-l)
	}
	const nodes = 2_000
	// Without the likelihood v is within 12s of m; with it no mode is above v_L or below
	// m - n s²/2.
	s := math.Sqrt(s2)
	lo, hi := m-n*s2/2-12*s, m+12*s
	if r > 0 {
		hi = max(hi, 2*math.Log(r/alpha)+12*s)
	}
	var top float64
	for range 5 {
		h := (hi - lo) / nodes
		top = math.Inf(-1)
		for i := range nodes {
			top = max(top, g(lo+h*float64(i)))
		}
		a, b := hi, lo
		for i := range nodes {
			if v := lo + h*float64(i); g(v) > top-80 {
				a, b = min(a, v), max(b, v)
			}
		}
		lo, hi = a-2*h, b+2*h
	}
	h := (hi - lo) / nodes
	sums := func(f func(w, v, k, o float64)) {
		for i := range nodes {
			v := lo + h*float64(i)
			f(math.Exp(g(v)-top), v, math.Exp(v+math.Log(alpha)-logS(v)), math.Exp(-logS(v)))
		}
	}
	z := 0.0
	sums(func(w, v, k, o float64) { z += w; p.v += w * (v - m); p.k += w * k; p.inv += w * o })
	dv := p.v / z
	p.v, p.k, p.inv = m+dv, p.k/z, p.inv/z
	c := alpha / sigma / sigma / z
	sums(func(w, v, k, o float64) {
		p.vv += c * w * (v - p.v) * (v - p.v)
		p.vk += c * w * (v - p.v) * (k - p.k)
		p.kk += c * w * (k - p.k) * (k - p.k)
	})
	p.score1 = -x0/s0 + alpha*dv/sigma/sigma
	p.logp = top + math.Log(z*h) - math.Log(2*math.Pi*s2)/2 - math.Log(2*math.Pi*s0)/2 - x0*x0/2/s0 - n/2*math.Log(2*math.Pi)
	return p
}

// funnelError is the largest relative error of the posterior at a point.
func funnelError(d int, x0, r, alpha, sigma float64) (float64, string) {
	x := make([]float64, d)
	x[0], x[d-1] = x0, r
	got, want := NewFunnel(d).point(x, alpha, sigma), bruteFunnel(d, x0, r, alpha, sigma)
	return max(math.Abs(got.logp-want.logp)/max(1, math.Abs(want.logp)),
			math.Abs(got.v-want.v)/(1+math.Abs(want.v)), math.Abs(got.k/want.k-1), math.Abs(got.inv/want.inv-1),
			// The score's scale is 1/σ or more, the Jacobian's 1/α or less.
			math.Abs(got.score1-want.score1)/(math.Abs(want.score1)+1/math.Hypot(3*alpha, sigma)),
			math.Abs(got.vv/want.vv-1),
			math.Abs(got.vk-want.vk)/(math.Sqrt(want.vv*want.kk)+1e-30), math.Abs(got.kk-want.kk)/(want.kk+1e-10*want.k/(r*r+1e-30))),
		fmt.Sprintf("d=%d x0=%g r=%g σ=%g\n%+v\n%+v", d, x0, r, sigma, got, want)
}

func TestFunnelQuadrature(t *testing.T) {
	worst, where := 0.0, ""
	const alpha = 0.6
	check := func(d int, x0, r, sigma float64) {
		if e, at := funnelError(d, x0, r, alpha, sigma); !(e <= worst) {
			worst, where = e, at
		}
	}
	ratios := []float64{1e-3, 1e-2, 0.1, 0.5, 1, 3, 10, 100, 1e3}
	if testing.Short() {
		ratios = ratios[2:6]
	}
	for _, d := range []int{2, 10} {
		for _, ratio := range ratios {
			for _, x0 := range []float64{-1e3, -6, -2, 0, 3, 30} {
				for _, r := range []float64{0, 0.01, 0.5, 3, 20, 1e3} {
					check(d, x0, r, alpha*ratio)
				}
			}
		}
	}
	check(101, -3, 8, 0.3)
	t.Logf("worst error %.2g at %s", worst, where)
	assert.Less(t, worst, 1e-10)
}

// TestFunnelTwoModes looks for points where two modes weigh the same with nothing between
// them, and holds the sums just before and after, when either is the larger.
func TestFunnelTwoModes(t *testing.T) {
	const alpha = 1
	for _, c := range []struct{ r, sigma float64 }{{30, 0.3}, {20, 0.1}, {15, 0.03}, {100, 1}} {
		at := func(x0 float64) (f funnelLogit, left, right float64) {
			s0 := funnelVar*alpha*alpha + c.sigma*c.sigma
			f = funnelLogit{
				m: funnelVar * alpha * x0 / s0, s2: funnelVar * c.sigma * c.sigma / s0,
				shift: 2 * math.Log(alpha/c.sigma), a: c.r * c.r / 2 / c.sigma / c.sigma, n2: 0.5,
			}
			left, right = f.modes()
			return f, left, right
		}
		lo, hi := 2*math.Log(c.sigma)-60, 2*math.Log(c.sigma)
		for range 60 {
			mid := (lo + hi) / 2
			f, left, right := at(mid)
			if f.value(right) > f.value(left) {
				left = right
			}
			if w, _ := f.split(left); w < 0.2 { // the larger mode is where x₁ says
				lo = mid
			} else {
				hi = mid
			}
		}
		f, left, right := at(lo)
		valley := 0.0
		for k := range 100 {
			valley = min(valley, f.value(left+(right-left)*float64(k)/100)-f.value(left))
		}
		assert.Less(t, valley, -2.0*negligible, "two modes apart")
		for _, shift := range []float64{-1e-3, 0, 1e-3} {
			e, where := funnelError(2, lo+shift*c.sigma, c.r, alpha, c.sigma)
			// The weights of the modes differ by the rounding of logarithms of 1e3 or so.
			assert.Less(t, e, 1e-9, where)
		}
	}
}

// TestFunnelModes finds the modes that count where a scan of the slope does.
func TestFunnelModes(t *testing.T) {
	two := 0
	for _, a := range []float64{0.1, 1, 3, 8, 20, 60, 1e3, 1e6} {
		for m := -30.; m < 5; m += 0.7 {
			for _, s2 := range []float64{1e-4, 0.1, 0.5, 1, 3, 9} {
				for _, n2 := range []float64{0.5, 4.5} {
					f := funnelLogit{m: m, s2: s2, shift: 0.3, a: a, n2: n2}
					var found []float64
					lo, hi := m-n2*s2-1e-9, max(m, math.Log(a+1))+1
					const nodes = 4000
					last, _ := f.slope(lo)
					for i := 1; i <= nodes; i++ {
						v := lo + (hi-lo)*float64(i)/nodes
						g1, _ := f.slope(v)
						if last > 0 && g1 <= 0 {
							found = append(found, v)
						}
						last = g1
					}
					all := slices.Clone(found)
					found = slices.DeleteFunc(found, func(v float64) bool {
						return slices.ContainsFunc(all, func(u float64) bool { return f.value(v) < f.value(u)-negligible })
					})
					left, right := f.modes()
					near := func(got, want float64) bool {
						_, g2 := f.slope(got)
						return math.Abs(got-want) < (hi-lo)/nodes+0.05/math.Sqrt(math.Abs(g2))
					}
					at := fmt.Sprintf("a=%g m=%g s²=%g n/2=%g: %g %g, want %v", a, m, s2, n2, left, right, found)
					if len(found) == 2 {
						two++
						// A pair closer than the width of either is one hump.
						if found[1]-found[0] > 1 {
							assert.True(t, near(left, found[0]) && near(right, found[1]), at)
						}
					} else if len(found) == 1 {
						assert.True(t, near(left, found[0]) || near(right, found[0]), at)
					}
				}
			}
		}
	}
	assert.Greater(t, two, 20)
}

func TestFunnelClean(t *testing.T) {
	got := make([]float64, 1)
	NewFunnel(3).CleanLogProb(got, []float64{1.5, 0.3, -2})
	want := -1.5*1.5/18 - math.Log(3) - 2*1.5/2 - (0.09+4)/2*math.Exp(-1.5) - 1.5*math.Log(2*math.Pi)
	assert.InDelta(t, want, got[0], 1e-14)
	cov := make([]float64, 4)
	NewFunnel(2).Cov(cov)
	assert.Equal(t, []float64{9, 0, 0, math.Exp(4.5)}, cov)
	assert.Panics(t, func() { NewFunnel(1) })
}
