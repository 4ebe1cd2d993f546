package pfgm

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A Model is an exact PFGM++ model: a denoiser and the derivatives of the law of
// x = αy + σT, T Student's t.
type Model interface {
	score.Denoiser
	score.Scorer
	score.LogProber
	score.JVPer
	score.Diverger
	// Deterministic says why no stochastic sampler serves the model.
	Deterministic() string
}

var _ Model = (*Denoiser)(nil)

// Denoiser is the exact PFGM++ denoiser of any target that is exact under Gaussian noise.
// Student's t is a mixture of Gaussians of variance τ² = σ²D/χ²_D, so with weights w_q and
// noises τ_q of a quadrature over τ and the target's D_q, s_q (denoiser and score) at τ_q
//
//	p(x)    = Σ ω_q p_q(x),   w_q = ω_q p_q(x)/p(x)
//	D       = Σ w_q D_q
//	∇ log p = Σ w_q s_q
//	∂D/∂x   = Σ w_q ∂D_q/∂x + Σ w_q (D_q - D)(s_q - ∇ log p)ᵀ
//
// (the last is not symmetric). The nodes are placed for each point where its posterior of τ
// has mass. The error is below the tolerance: relative in p, in the spread of y given x for
// D, and as 1/σ times that for the derivatives.
//
// A point costs about 20 denoisings and 30 densities of the target where N + D is large, and
// 60 and 70 for N = 2, D = 1 (tolerance 1e-10), as the tail of the law of τ is longer there.
// Methods are safe for concurrent use.
type Denoiser struct {
	tails
	target density.Target
	rule   rule
	pool   sync.Pool
}

// New returns the denoiser of a target at D > 0, finite. A tolerance of zero means 1e-10.
// It panics if D or the tolerance, which must be below 0.1, are out of range.
func New(target density.Target, d, tol float64) *Denoiser {
	checkD(d)
	if tol == 0 {
		tol = 1e-10
	}
	if !(tol >= 1e-15 && tol < 0.1) {
		panic("pfgm: the tolerance must be between 1e-15 and 0.1")
	}
	m := &Denoiser{tails: tails(d), target: target, rule: newRule(float64(target.Dim()), d, tol)}
	m.pool.New = func() any {
		n := target.Dim()
		return &work{
			nodes: nodes{rule: m.rule, target: target},
			mean:  make([]float64, n), y: make([]float64, n), s: make([]float64, n), t: make([]float64, n),
		}
	}
	return m
}

// work is the scratch of one call.
type work struct {
	nodes
	mean, y, s, t []float64
	one           [1]float64
}

// each calls f with a workspace, the point i of x, and the logarithm of the sum over its nodes.
func (m *Denoiser) each(x []float64, alpha, sigma float64, f func(w *work, i int, x []float64, logSum float64)) {
	w := m.pool.Get().(*work)
	d := m.Dim()
	for i := 0; i < len(x)/d; i++ {
		xi := x[i*d : (i+1)*d]
		f(w, i, xi, w.place(xi, alpha, sigma))
	}
	m.pool.Put(w)
}

// Dim returns the dimension N of a point.
func (m *Denoiser) Dim() int { return m.target.Dim() }

// Denoise writes E[y | x].
func (m *Denoiser) Denoise(dst, x []float64, alpha, sigma float64) {
	m.average(dst, x, alpha, sigma, m.target.Denoise)
}

// Score writes ∇ log p(x). Unlike for Gaussian noise it is not (αD - x)/σ².
func (m *Denoiser) Score(dst, x []float64, alpha, sigma float64) {
	m.average(dst, x, alpha, sigma, m.target.Score)
}

// average writes the mean over τ of one of the target's vectors.
func (m *Denoiser) average(dst, x []float64, alpha, sigma float64, of func(dst, x []float64, alpha, tau float64)) {
	d := m.Dim()
	checkBatch(dst, x, d, d)
	m.each(x, alpha, sigma, func(w *work, i int, x []float64, _ float64) {
		row := dst[i*d : (i+1)*d]
		clear(row)
		for _, n := range w.list {
			of(w.y, x, alpha, n.tau)
			floats.AddScaled(row, n.w, w.y)
		}
	})
}

// LogProb writes log p(x) in nats, one value a point.
func (m *Denoiser) LogProb(dst, x []float64, alpha, sigma float64) {
	checkBatch(dst, x, m.Dim(), 1)
	// The density of v is the integrand's factor times a^a e^{-a}/Γ(a), a = D/2.
	a := m.rule.d / 2
	c := math.Log(m.rule.h) + math.Log(a/(2*math.Pi))/2 - stirling(a)
	m.each(x, alpha, sigma, func(_ *work, i int, _ []float64, logSum float64) { dst[i] = c + logSum })
}

// JVP writes (∂D/∂x) v.
func (m *Denoiser) JVP(dst, x, v []float64, alpha, sigma float64) {
	d := m.Dim()
	checkBatch(dst, x, d, d)
	checkBatch(v, x, d, d)
	m.each(x, alpha, sigma, func(w *work, i int, x []float64, _ float64) {
		row, v := dst[i*d:(i+1)*d], v[i*d:(i+1)*d]
		clear(row)
		clear(w.mean)
		xv := floats.Dot(x, v)
		sum, along := 0.0, 0.0 // weights so far, and the mean of s·v over them
		for _, n := range w.list {
			m.target.JVP(w.t, x, v, alpha, n.tau)
			floats.AddScaled(row, n.w, w.t)
			m.target.Denoise(w.y, x, alpha, n.tau)
			g := (alpha*floats.Dot(w.y, v) - xv) / (n.tau * n.tau)
			// Welford's update of means and covariance: nothing cancels.
			sum += n.w
			along += n.w / sum * (g - along)
			for j, mean := range w.mean {
				diff := w.y[j] - mean
				row[j] += n.w * diff * (g - along)
				w.mean[j] = mean + n.w/sum*diff
			}
		}
	})
}

// Divergence writes tr ∂D/∂x, one value a point.
func (m *Denoiser) Divergence(dst, x []float64, alpha, sigma float64) {
	checkBatch(dst, x, m.Dim(), 1)
	m.each(x, alpha, sigma, func(w *work, i int, x []float64, _ float64) {
		clear(w.mean)
		clear(w.s)
		sum, trace := 0.0, 0.0
		for _, n := range w.list {
			m.target.Divergence(w.one[:], x, alpha, n.tau)
			trace += n.w * w.one[0]
			m.target.Denoise(w.y, x, alpha, n.tau)
			sum += n.w
			for j, mean := range w.mean { // as in JVP
				s := (alpha*w.y[j] - x[j]) / (n.tau * n.tau)
				diff := w.y[j] - mean
				w.s[j] += n.w / sum * (s - w.s[j])
				trace += n.w * diff * (s - w.s[j])
				w.mean[j] = mean + n.w/sum*diff
			}
		}
		dst[i] = trace
	})
}
