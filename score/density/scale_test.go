package density

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unmoved hides the moments of a target whose fourth moments are too heavy, or whose
// second do not exist, for a test against draws.
type unmoved struct {
	Target
	CleanLogProber
}

func init() {
	cauchy := NewStudentT(2, 1, 0.5)
	register(
		row{name: "t1", target: NewStudentT(1, 9, 1), scale: 1},
		row{name: "cauchy2", target: unmoved{cauchy, cauchy}, scale: 1},
		row{name: "t64", target: NewStudentT(64, 9, 0.7), scale: 1},
		row{name: "laplace1", target: NewLaplace(1, 1), scale: 1.4},
		row{name: "laplace2", target: NewLaplace(2, 0.5), scale: 0.7},
		row{name: "laplace16", target: NewLaplace(16, 1), scale: 1.4},
	)
}

// bruteScale integrates over τ with a seventh of the step and twice the window, and takes
// the variance of k in a second pass.
func bruteScale(l *scaleLaw, r, alpha, sigma float64) (p radialPoint) {
	lo, hi := l.prior.window(r, alpha, sigma)
	lo, hi = max(lo-(hi-lo)/2, -650), min(hi+(hi-lo)/2, 650)
	h := tauStep(l.prior.shape(r, alpha, sigma)) / 7
	n := int((hi - lo) / h)
	node := func(i int) (g, s, k float64) {
		tau := lo + h*float64(i)
		v := math.Exp(tau)
		s = alpha*alpha*v + sigma*sigma
		return l.prior.logPrior(tau) - float64(l.d)/2*math.Log(2*math.Pi*s) - r*r/2/s, s, alpha * v / s
	}
	top, sum := math.Inf(-1), 0.0
	for i := range n {
		g, _, _ := node(i)
		top = max(top, g)
	}
	for i := range n {
		g, s, k := node(i)
		w := math.Exp(g - top)
		sum += w
		p.score -= w / s
		p.gain += w * k
	}
	p.score /= sum
	p.gain /= sum
	for i := range n {
		g, _, k := node(i)
		p.outer += math.Exp(g-top) / sum * (k - p.gain) * (k - p.gain) * alpha / sigma / sigma
	}
	p.logp = top + math.Log(sum*h)
	return p
}

func TestScaleQuadrature(t *testing.T) {
	targets := map[string]radial{
		"cauchy1": NewStudentT(1, 1, 1).radial, "t2": NewStudentT(2, 3, 0.5).radial,
		"t10": NewStudentT(10, 30, 2).radial, "t1000": NewStudentT(1000, 4, 1).radial,
		"half1":    NewStudentT(1, 0.5, 1).radial,
		"laplace1": NewLaplace(1, 1).radial, "laplace2": NewLaplace(2, 0.3).radial,
		"laplace3": NewLaplace(3, 1).radial, "laplace100": NewLaplace(100, 1).radial,
	}
	worst, where := 0.0, ""
	for name, tg := range targets {
		for _, ratio := range []float64{1e-3, 1e-2, 0.1, 1, 10, 100, 1e3} {
			for _, r := range []float64{0, 1e-3, 0.1, 1, 5, 30, 300, 1e3, 1e6} {
				const alpha = 0.5
				if testing.Short() && r > 1e3 {
					continue
				}
				if r > 1e5 && name[0] == 'l' {
					continue // exp(-1e6): Laplace draws do not go there
				}
				got, want := tg.law.at(r, alpha, alpha*ratio), bruteScale(tg.law.(*scaleLaw), r, alpha, alpha*ratio)
				// outer·r² counts beside gain; the reference has its rounding, squared.
				outer := math.Abs(got.outer-want.outer) / (want.outer + 1e-2*want.gain/(r*r+1e-300))
				e := max(math.Abs(got.logp-want.logp)/max(1, math.Abs(want.logp)),
					math.Abs(got.score/want.score-1), math.Abs(got.gain/want.gain-1), outer)
				if !(e <= worst) {
					worst, where = e, fmt.Sprintf("%s σ/α=%g r=%g: %v, want %v", name, ratio, r, got, want)
				}
			}
		}
	}
	t.Logf("worst error %.2g at %s", worst, where)
	assert.Less(t, worst, 1e-11) // as scaleLaw states
}

// At σ = 0 the quadrature gives the clean densities, which are known.
func TestScaleClean(t *testing.T) {
	got := make([]float64, 1)
	for _, r := range []float64{1e-3, 0.2, 1, 7, 50, 300} {
		const b = 0.7
		want := -r/b - math.Log(2*b)
		assert.InDelta(t, want, NewLaplace(1, b).law.at(r, 1, 0).logp, 1e-11*(1+math.Abs(want)), "d=1 r=%g", r)
		NewLaplace(1, b).CleanLogProb(got, []float64{-r})
		assert.InDelta(t, want, got[0], 1e-14*(1+math.Abs(want)))
		// d = 3: the Green's function exp(-r/b)/(4πb²r).
		NewLaplace(3, b).CleanLogProb(got, []float64{0, -r, 0})
		want = -r/b - math.Log(4*math.Pi*b*b*r)
		assert.InDelta(t, want, got[0], 1e-11*(1+math.Abs(want)), "d=3 r=%g", r)
		// The t distribution's closed form against its own mixture.
		s := NewStudentT(4, 2.5, b)
		s.CleanLogProb(got, []float64{r, 0, 0, 0})
		assert.InDelta(t, got[0], s.law.at(r, 1, 0).logp, 1e-11*(1+math.Abs(got[0])), "t r=%g", r)
	}
	// The Cauchy distribution noised is Voigt's profile; clean it is 1/(π(1+x²)).
	NewStudentT(1, 1, 1).CleanLogProb(got, []float64{2})
	assert.InDelta(t, -math.Log(5*math.Pi), got[0], 1e-14)
	NewLaplace(2, 1).CleanLogProb(got, []float64{0, 0})
	assert.Equal(t, math.Inf(1), got[0])
}

// Far out in the noised Cauchy law the score is that of the clean one, -(ν+d)x/(1+x²).
func TestStudentTail(t *testing.T) {
	s, got := NewStudentT(1, 1, 1), make([]float64, 1)
	for _, x := range []float64{1e4, 1e6, 1e9} {
		s.Score(got, []float64{x}, 1, 1)
		assert.InEpsilon(t, -2/x, got[0], 10/x/x+1e-11) // noise and scale add O(1/x²)
		s.Denoise(got, []float64{x}, 1, 1)
		assert.InEpsilon(t, x-2/x, got[0], 1e-12)
	}
}

func TestGammaVariate(t *testing.T) {
	rng := source(60)
	const n = 40_000
	for _, a := range []float64{0.3, 1, 4.5} {
		var m, m2 float64
		for range n {
			g := gammaVariate(a, rng)
			m += g / n
			m2 += g * g / n
		}
		// Five standard errors; Var g = a, Var g² = a(a+1)((a+2)(a+3) - a(a+1)).
		assert.InDelta(t, a, m, 5*math.Sqrt(a/n))
		assert.InDelta(t, a*(a+1), m2, 5*math.Sqrt(a*(a+1)*((a+2)*(a+3)-a*(a+1))/n))
	}
}

func TestStudentMoments(t *testing.T) {
	m, c := make([]float64, 2), make([]float64, 4)
	s := NewStudentT(2, 1, 1)
	s.Mean(m)
	s.Cov(c)
	require.True(t, math.IsNaN(m[0]) && math.IsInf(c[0], 1) && c[1] == 0)
	assert.Panics(t, func() { NewStudentT(2, 0, 1) })
	assert.Panics(t, func() { NewLaplace(0, 1) })
}
