package interpolant

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/score/density"
)

// A TargetBridge is the exact Bridge from Gaussians or points N(a_i, τ_i²I) to any
// density.Target, independently coupled: given the centre i, x - αa_i = βx₁ + σ_i ζ is the
// target under Gaussian noise, σ_i² = α²τ_i² + γ². With D_i = E[x₁ | x, i] and s_i its score,
//
//	v = Σ r_i [α̇a_i + β̇D_i - αα̇τ_i² s_i],   s = Σ r_i s_i,   r_i ∝ w_i ρ_i(x - αa_i; β, σ_i)
//
// It serves samples of one density and of another (density.Points; neither the n₀·n₁ pairs
// nor their weights are ever held), one-sided interpolants of any target (a = 0, τ = 1), and
// a point to a density (τ = 0). A sum over n centres asks the target for n log-densities a
// point, and for D or s only where r_i is not below e⁻⁶⁰ of the largest, which leaves out at
// most n·e⁻⁶⁰ = n·1e-26 of the spread of the fields. All methods are safe for concurrent
// use, treat each point by itself and allocate nothing once warm, and take t in [0, 1];
// where the law is a set of points the fields are their limits on the points. At an end
// outside Span the velocity is infinite, and Combine with p ≠ 0 writes NaN.
type TargetBridge struct {
	path         TwoSided
	zero0, zero1 bool // an end has mean zero
	target       density.Target
	d            int
	centres      []float64
	widths       []float64 // a value a centre, or one
	logW         []float64 // likewise
	pool         sync.Pool
}

// NewTargetBridge returns the bridge from the centres, flat, with weights of any sum > 0,
// one each, or nil for equal weights, and one width ≥ 0 for all or one each, to the target.
// The centres and widths are kept.
func NewTargetBridge(path TwoSided, weights, centres, widths []float64, target density.Target) (*TargetBridge, error) {
	d := target.Dim()
	n := len(centres) / d
	if n == 0 || len(centres)%d != 0 {
		return nil, fmt.Errorf("interpolant: %d values are not a positive number of points of dimension %d", len(centres), d)
	}
	if weights != nil && len(weights) != n {
		return nil, fmt.Errorf("interpolant: %d weights for %d points", len(weights), n)
	}
	if len(widths) != 1 && len(widths) != n {
		return nil, fmt.Errorf("interpolant: %d widths for %d points", len(widths), n)
	}
	for i, w := range widths {
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, fmt.Errorf("interpolant: width %d is %g, want a finite number ≥ 0", i, w)
		}
	}
	if sum := floats.Sum(centres); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("interpolant: a point is not finite")
	}
	logW := []float64{-math.Log(float64(n))}
	if weights != nil {
		sum := floats.Sum(weights)
		logW = make([]float64, n)
		for i, w := range weights {
			if !(w >= 0) || !(sum > 0) || math.IsInf(sum, 1) {
				return nil, fmt.Errorf("interpolant: weight %d is %g, want finite numbers ≥ 0 with a sum above 0", i, w)
			}
			logW[i] = math.Log(w / sum)
		}
	}
	g := &TargetBridge{path: path, target: target, d: d, centres: centres, widths: widths, logW: logW}
	mean := make([]float64, d) // the prior's
	target.Denoise(mean, make([]float64, d), 0, 1)
	g.zero0, g.zero1 = centred(weights, centres, d), floats.Norm(mean, math.Inf(1)) < 1e-12
	g.pool.New = func() any { return new(targetWork) }
	return g, nil
}

// targetWork is the scratch of one call, on one tile of its points.
type targetWork struct {
	n               int // points of the tile
	c               TwoCoeffs
	floor           float64   // of σ
	sigma, variance float64   // of the centre at hand, and τ²
	weight          []float64 // log-densities, then exp of them less top, a line of n a centre
	top, z          []float64
	u, s            []float64 // the mean field and score
	// Of the centre at hand, for the points where it counts:
	rows           []int
	y, den, sc     []float64
	dir, jv, trace []float64
}

// Dim returns the dimension of a point.
func (g *TargetBridge) Dim() int { return g.d }

// At returns the coefficients of the interpolant.
func (g *TargetBridge) At(t float64) TwoCoeffs { return g.path.At(t) }

// Span returns the times between which the velocity is finite: TwoSided.Span, but all of
// [0, 1] where the density with the infinite rate has mean zero.
func (g *TargetBridge) Span() (t0, t1 float64) { return g.path.span(g.zero0, g.zero1) }

const (
	// A centre whose weight is below e⁻⁶⁰ of the largest at a point is passed over there.
	counts = -60
	// Laws on points have σ = 0; on them any small σ does.
	leastSigma = 1e-6
	// The derivatives divide rounding by σ², and see a target that is smoother by σ²:
	// errors of 1e-16/σ² and of σ² are alike here.
	leastSigmaJacobian = 3e-5
)

// each runs f on tiles of the points, of a size that keeps the weights of all centres in a
// megabyte or so.
func (g *TargetBridge) each(x []float64, t, floor float64, f func(w *targetWork, lo, hi int)) {
	if len(x)%g.d != 0 {
		panic("interpolant: length of x is not a multiple of the dimension")
	}
	w := g.pool.Get().(*targetWork)
	_, w.c = inside(g.path.At, t)
	w.floor = floor
	n, k := len(x)/g.d, len(g.centres)/g.d
	tile := min(max((1<<17)/k, 16), n)
	w.weight = resize(w.weight, tile*k)
	for _, s := range []*[]float64{&w.top, &w.z, &w.trace} {
		*s = resize(*s, tile)
	}
	for _, s := range []*[]float64{&w.y, &w.den, &w.sc, &w.u, &w.s, &w.dir, &w.jv} {
		*s = resize(*s, tile*g.d)
	}
	if cap(w.rows) < tile {
		w.rows = make([]int, tile)
	}
	for lo := 0; lo < n; lo += tile {
		w.n = min(tile, n-lo)
		f(w, lo, lo+w.n)
	}
	g.pool.Put(w)
}

// centre moves on to centre i.
func (g *TargetBridge) centre(w *targetWork, i int) (a []float64) {
	tau := g.widths[i%len(g.widths)]
	w.sigma, w.variance = max(math.Hypot(w.c.Alpha*tau, w.c.Gamma), w.floor), tau*tau
	return g.centres[i*g.d : (i+1)*g.d]
}

// weigh writes the weights of all centres at the points x, 0 where they do not count, their
// sums into w.z, and the logarithms of the factors they lack into w.top.
func (g *TargetBridge) weigh(w *targetWork, x []float64) {
	top, z := w.top[:w.n], w.z[:w.n]
	for r := range top {
		top[r], z[r] = math.Inf(-1), 0
	}
	y := w.y[:len(x)]
	for i := range len(g.centres) / g.d {
		l := w.weight[i*w.n : (i+1)*w.n]
		a, logW := g.centre(w, i), g.logW[i%len(g.logW)]
		for j := range y {
			y[j] = x[j] - w.c.Alpha*a[j%g.d]
		}
		g.target.LogProb(l, y, w.c.Beta, w.sigma)
		floats.AddConst(logW, l)
		for r, v := range l {
			top[r] = max(top[r], v)
		}
	}
	for i := range len(g.centres) / g.d {
		l := w.weight[i*w.n : (i+1)*w.n]
		for r, v := range l {
			l[r] = 0
			if v -= top[r]; !(v < counts) && !math.IsInf(top[r], -1) {
				l[r] = math.Exp(v)
				z[r] += l[r]
			}
		}
	}
}

// pick gathers the points at which centre i counts, with the centre's D and s there.
func (g *TargetBridge) pick(w *targetWork, x []float64, i int) (rows []int, weight []float64) {
	a, c := g.centre(w, i), w.c
	weight = w.weight[i*w.n : (i+1)*w.n]
	rows = w.rows[:0]
	y := w.y[:0]
	for r, e := range weight {
		if e == 0 {
			continue
		}
		rows = append(rows, r)
		for j, v := range x[r*g.d : (r+1)*g.d] {
			y = append(y, v-c.Alpha*a[j])
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	// Of D and s = (βD - y)/σ², that one is asked for which the other follows from without
	// cancellation.
	den, sc, s2 := w.den[:len(y)], w.sc[:len(y)], w.sigma*w.sigma
	if w.sigma < 1e-2*c.Beta {
		g.target.Score(sc, y, c.Beta, w.sigma)
		for j, v := range y {
			den[j] = (v + s2*sc[j]) / c.Beta
		}
		return rows, weight
	}
	g.target.Denoise(den, y, c.Beta, w.sigma)
	for j, v := range y {
		sc[j] = (c.Beta*den[j] - v) / s2
	}
	return rows, weight
}

// factors returns the constants of a field p(α̇a + β̇D - αα̇τ²s) + qs = pα̇a + fD + hs.
func (w *targetWork) factors(p, q float64) (f, h float64) {
	return p * w.c.DBeta, q - p*w.c.ADA*w.variance
}

// mean writes the mean field and score into w.u and w.s, after weigh.
func (g *TargetBridge) mean(w *targetWork, x []float64, p, q float64) {
	d := g.d
	u, s := w.u[:len(x)], w.s[:len(x)]
	clear(u)
	clear(s)
	for i := range len(g.centres) / d {
		rows, weight := g.pick(w, x, i)
		f, h := w.factors(p, q)
		a, pa := g.centres[i*d:(i+1)*d], p*w.c.DAlpha
		for k, r := range rows {
			e := weight[r] / w.z[r]
			for j, sc := range w.sc[k*d : (k+1)*d] {
				u[r*d+j] += e * (pa*a[j] + f*w.den[k*d+j] + h*sc)
				s[r*d+j] += e * sc
			}
		}
	}
	for r, z := range w.z[:w.n] {
		if z == 0 { // no centre has a density here that can be told from 0
			floats.AddConst(math.NaN(), u[r*d:(r+1)*d])
		}
	}
}

// Combine writes p·v + q·s.
func (g *TargetBridge) Combine(dst, x []float64, t, p, q float64) {
	if p != 0 && infinite(t, g.Span) {
		floats.AddConst(math.NaN(), dst)
		return
	}
	g.each(x, t, leastSigma, func(w *targetWork, lo, hi int) {
		xs := x[lo*g.d : hi*g.d]
		g.weigh(w, xs)
		g.mean(w, xs, p, q)
		copy(dst[lo*g.d:], w.u[:len(xs)])
	})
}

// LogProb writes log ρ(t, x).
func (g *TargetBridge) LogProb(dst, x []float64, t float64) {
	g.each(x, t, leastSigma, func(w *targetWork, lo, hi int) {
		g.weigh(w, x[lo*g.d:hi*g.d])
		for r := range w.n {
			dst[lo+r] = w.top[r] + math.Log(w.z[r])
		}
	})
}

var _ BridgeDensity = (*TargetBridge)(nil)
