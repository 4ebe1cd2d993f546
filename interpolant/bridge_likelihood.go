package interpolant

import (
	"context"
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/sde"
)

// A BridgeLikelihood estimates the log-density that the stochastic equation of a model
// gives its samples, by paths run against time (Albergo et al. 2023, section 2.6): with
// b_F = b + εs, the density ρ_F of the forward equation is
//
//	ρ_F(1, x) = E[ρ₀(Y_0) exp(-∫ div b_F(t, Y_t) dt)],   dY = b_F dt + √(2ε) dW,   Y_1 = x
//
// with t falling from 1 to 0 (Feynman and Kac), and likewise for the backward equation and
// a rising grid, with b_B = b - εs and ρ₁ in place of ρ₀ and +∫. For ε = 0 a single path
// is exact. For an exact model ρ_F is the target. The flow's own likelihood is
// ode.LogDensity of NewBridgeFlow.
//
// The spread of the estimate grows with the divergence of b_F along the paths.
type BridgeLikelihood struct {
	Model BridgeJacobian
	Eps   func(t float64) float64 // 0 if nil
	// Grid has times falling from the points' end, for the forward equation, or rising.
	Grid []float64
	// Base writes the log-density at the end of the grid, one value a point.
	Base  func(dst, x []float64)
	Paths int // paths for each point; 64 if zero
	Seed  uint64
}

// A BridgeLogProb is an estimate in nats, one value a point.
type BridgeLogProb struct {
	LogProb []float64 // the logarithm of the mean over the paths
	StdErr  []float64 // its standard error, that of the mean divided by the mean
	// Lower is the mean of the logarithm, whose expectation is at most the log-density.
	Lower []float64
}

// LogProb returns the estimates at the points x, which are left as they are. Paths are
// taken by Rößler's SRIW1, of weak order 2; the bias of the step is not in StdErr. Errors
// are those of ode.March. NFE counts evaluations of the drift for each path.
func (l *BridgeLikelihood) LogProb(ctx context.Context, x []float64, set *ode.Settings) (*BridgeLogProb, ode.Result, error) {
	if err := ode.CheckGrid(l.Grid); err != nil {
		return nil, ode.Result{}, err
	}
	d, m := l.Model.Dim(), l.Paths
	if m == 0 {
		m = 64
	}
	if len(x)%d != 0 || m < 0 {
		panic("interpolant: length of x is not a multiple of the dimension, or a negative number of paths")
	}
	n := len(x) / d
	y := make([]float64, 0, n*m*(d+1))
	for i := range n {
		for range m {
			y = append(append(y, x[i*d:(i+1)*d]...), 0)
		}
	}
	inner := ode.Settings{}
	if set != nil {
		inner = *set
		inner.First, inner.Trace = set.First*m, nil
	}
	p := &weightedPaths{model: l.Model, eps: l.Eps, sign: 1}
	if p.eps == nil {
		p.eps = ConstantEps(0)
	}
	if l.Grid[len(l.Grid)-1] > l.Grid[0] {
		p.sign = -1
	}
	res, err := sde.SolveDiagonal(ctx, p, y, l.Grid, sde.SRIW1, sde.Independent{Seed: l.Seed}, &inner)
	if err != nil {
		return nil, res, ode.WithModelError(err, l.Model)
	}
	ends, logw := make([]float64, n*m*d), make([]float64, n*m)
	for i := range logw {
		copy(ends[i*d:(i+1)*d], y[i*(d+1):])
	}
	l.Base(logw, ends)
	for i := range logw {
		// y holds ∫ div dt along the run, which is -∫ over rising times.
		logw[i] += y[i*(d+1)+d]
	}
	out := &BridgeLogProb{make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := range n {
		out.LogProb[i], out.StdErr[i], out.Lower[i] = logMean(logw[i*m : (i+1)*m])
	}
	return out, res, nil
}

// logMean returns the logarithm of the mean of e^{l_j}, its standard error, and the mean
// of the l_j.
func logMean(l []float64) (log, stderr, mean float64) {
	top, m := math.Inf(-1), float64(len(l))
	for _, v := range l {
		top = max(top, v)
		mean += v / m
	}
	sum, sq := 0.0, 0.0
	for _, v := range l {
		sum += math.Exp(v-top) / m
	}
	for _, v := range l {
		e := math.Exp(v-top)/sum - 1
		sq += e * e
	}
	return top + math.Log(sum), math.Sqrt(sq / (m * (m - 1))), mean // NaN for one path
}

// weightedPaths is the equation of a path and of the integral of the divergence, which
// has no noise of its own.
type weightedPaths struct {
	model BridgeJacobian
	eps   func(t float64) float64
	sign  float64 // of εs in the drift
	pool  sync.Pool
}

func (p *weightedPaths) Dim() int { return p.model.Dim() + 1 }

func (p *weightedPaths) Drift(dst, y []float64, t float64) {
	d := p.Dim() - 1
	n := len(y) / (d + 1)
	w, _ := p.pool.Get().(*[3][]float64)
	if w == nil {
		w = new([3][]float64)
	}
	w[0], w[1], w[2] = resize(w[0], n*d), resize(w[1], n*d), resize(w[2], n)
	for r := range n {
		copy(w[0][r*d:(r+1)*d], y[r*(d+1):])
	}
	q := p.sign*p.eps(t) - p.model.At(t).GDG
	p.model.Combine(w[1], w[0], t, 1, q)
	p.model.Divergence(w[2], w[0], t, 1, q)
	for r := range n {
		copy(dst[r*(d+1):], w[1][r*d:(r+1)*d])
		dst[r*(d+1)+d] = w[2][r]
	}
	p.pool.Put(w)
}

func (p *weightedPaths) DiffusionDiag(dst, y []float64, t float64) {
	d, g := p.Dim(), math.Sqrt(2*p.eps(t))
	for i := range dst {
		dst[i] = g
		if i%d == d-1 {
			dst[i] = 0
		}
	}
}
