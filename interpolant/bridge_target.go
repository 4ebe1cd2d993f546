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
// nor their weights are ever held, and points too far to count are passed over), one-sided
// interpolants of any target (a = 0, τ = 1), and a point to a density (τ = 0). A sum over
// the centres calls the target once for each. All methods are safe for concurrent use,
// treat each point by itself and allocate nothing once warm, and take t in [0, 1]; where
// the law is a set of points the fields are their limits on the points.
type TargetBridge struct {
	path    TwoSided
	target  density.Target
	d       int
	centres []float64
	widths  []float64 // a value a centre, or one
	logW    []float64 // likewise
	pool    sync.Pool
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
	g.pool.New = func() any { return new(targetWork) }
	return g, nil
}

// targetWork is the scratch of one call on n points.
type targetWork struct {
	n, d             int
	c                TwoCoeffs
	sigma, variance  float64 // of the centre at hand, and τ²
	logp, top, z, tr []float64
	y, den, sc       []float64
	u, s, jv         []float64
}

// Dim returns the dimension of a point.
func (g *TargetBridge) Dim() int { return g.d }

// At returns the coefficients of the interpolant.
func (g *TargetBridge) At(t float64) TwoCoeffs { return g.path.At(t) }

func (g *TargetBridge) begin(x []float64, t float64) *targetWork {
	if len(x)%g.d != 0 {
		panic("interpolant: length of x is not a multiple of the dimension")
	}
	w := g.pool.Get().(*targetWork)
	w.n, w.d, w.c = len(x)/g.d, g.d, g.path.At(t)
	w.c.DAlpha, w.c.DBeta = finiteRate(w.c.DAlpha), finiteRate(w.c.DBeta)
	for _, s := range []*[]float64{&w.logp, &w.top, &w.z, &w.tr} {
		*s = resize(*s, w.n)
	}
	for _, s := range []*[]float64{&w.y, &w.den, &w.sc, &w.u, &w.s, &w.jv} {
		*s = resize(*s, w.n*g.d)
	}
	return w
}

// visit writes the log-density of the points and centre i into w.logp, and with fields
// D and s into w.den and w.sc.
func (g *TargetBridge) visit(w *targetWork, x []float64, i int, fields bool) {
	c := w.c
	tau := g.widths[i%len(g.widths)]
	// A law on points has σ = 0; on them any small σ does.
	w.sigma, w.variance = max(math.Hypot(c.Alpha*tau, c.Gamma), 1e-6), tau*tau
	a := g.centres[i*g.d : (i+1)*g.d]
	for j := range w.y {
		w.y[j] = x[j] - c.Alpha*a[j%g.d]
	}
	g.target.LogProb(w.logp, w.y, c.Beta, w.sigma)
	floats.AddConst(g.logW[i%len(g.logW)], w.logp)
	if !fields {
		return
	}
	// Of D and s = (βD - y)/σ², that one is asked for which the other follows from without
	// cancellation.
	s2 := w.sigma * w.sigma
	if w.sigma < 1e-2*c.Beta {
		g.target.Score(w.sc, w.y, c.Beta, w.sigma)
		for j, y := range w.y {
			w.den[j] = (y + s2*w.sc[j]) / c.Beta
		}
		return
	}
	g.target.Denoise(w.den, w.y, c.Beta, w.sigma)
	for j, y := range w.y {
		w.sc[j] = (c.Beta*w.den[j] - y) / s2
	}
}

// factors returns the constants of a field p(α̇a + β̇D - αα̇τ²s) + qs = pα̇a + fD + hs.
func (w *targetWork) factors(p, q float64) (f, h float64) {
	return p * w.c.DBeta, q - p*w.c.ADA*w.variance
}

// sweep sums over the centres with a running maximum of the log-densities: afterwards top
// and z give log ρ, and u and s the mean field and score if fields are asked for.
func (g *TargetBridge) sweep(w *targetWork, x []float64, p, q float64, fields bool) {
	d := g.d
	for r := range w.top {
		w.top[r], w.z[r] = math.Inf(-1), 0
	}
	clear(w.u)
	clear(w.s)
	for i := range len(g.centres) / d {
		g.visit(w, x, i, fields)
		f, h := w.factors(p, q)
		a, pa := g.centres[i*d:(i+1)*d], p*w.c.DAlpha
		for r, l := range w.logp {
			if math.IsInf(l, -1) {
				continue // weight zero, or too far to count
			}
			u, s := w.u[r*d:(r+1)*d], w.s[r*d:(r+1)*d]
			if l > w.top[r] {
				scale := math.Exp(w.top[r] - l)
				w.top[r] = l
				w.z[r] *= scale
				floats.Scale(scale, u)
				floats.Scale(scale, s)
			}
			e := math.Exp(l - w.top[r])
			w.z[r] += e
			if !fields || e == 0 {
				continue
			}
			for j, sc := range w.sc[r*d : (r+1)*d] {
				u[j] += e * (pa*a[j] + f*w.den[r*d+j] + h*sc)
				s[j] += e * sc
			}
		}
	}
	if !fields {
		return
	}
	for r, z := range w.z {
		floats.Scale(1/z, w.u[r*d:(r+1)*d])
		floats.Scale(1/z, w.s[r*d:(r+1)*d])
	}
}

// Combine writes p·v + q·s.
func (g *TargetBridge) Combine(dst, x []float64, t, p, q float64) {
	w := g.begin(x, t)
	g.sweep(w, x, p, q, true)
	copy(dst, w.u)
	g.pool.Put(w)
}

// LogProb writes log ρ(t, x).
func (g *TargetBridge) LogProb(dst, x []float64, t float64) {
	w := g.begin(x, t)
	g.sweep(w, x, 0, 0, false)
	for r := range dst {
		dst[r] = w.top[r] + math.Log(w.z[r])
	}
	g.pool.Put(w)
}

// JVP writes the Jacobian of p·v + q·s times u, where ∂s_i/∂x = (β ∂D_i/∂x - I)/σ_i².
func (g *TargetBridge) JVP(dst, x, u []float64, t, p, q float64) { g.derive(dst, x, u, t, p, q) }

// Divergence writes the trace of that Jacobian.
func (g *TargetBridge) Divergence(dst, x []float64, t, p, q float64) { g.derive(dst, x, nil, t, p, q) }

func (g *TargetBridge) derive(dst, x, u []float64, t, p, q float64) {
	w := g.begin(x, t)
	g.sweep(w, x, p, q, true)
	clear(dst)
	d := g.d
	for i := range len(g.centres) / d {
		g.visit(w, x, i, true)
		f, h := w.factors(p, q)
		h /= w.sigma * w.sigma
		if u == nil {
			g.target.Divergence(w.tr, w.y, w.c.Beta, w.sigma)
		} else {
			g.target.JVP(w.jv, w.y, u, w.c.Beta, w.sigma)
		}
		a, pa, hs := g.centres[i*d:(i+1)*d], p*w.c.DAlpha, h*w.sigma*w.sigma
		for r, l := range w.logp {
			e := math.Exp(l-w.top[r]) / w.z[r]
			if e == 0 {
				continue
			}
			// The spread of the centres' fields and scores about their means.
			lo, trace, along := r*d, 0.0, 0.0
			if u != nil {
				for j := lo; j < lo+d; j++ {
					along += (w.sc[j] - w.s[j]) * u[j]
				}
			}
			for j := lo; j < lo+d; j++ {
				dev := pa*a[j-lo] + f*w.den[j] + hs*w.sc[j] - w.u[j]
				if u == nil {
					trace += dev * (w.sc[j] - w.s[j])
				} else {
					dst[j] += e * (dev*along + (f+h*w.c.Beta)*w.jv[j] - h*u[j])
				}
			}
			if u == nil {
				dst[r] += e * (trace + (f+h*w.c.Beta)*w.tr[r] - h*float64(d))
			}
		}
	}
	g.pool.Put(w)
}

var (
	_ BridgeDensity  = (*TargetBridge)(nil)
	_ BridgeJacobian = (*TargetBridge)(nil)
)
