package train

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
)

// Misled is a model whose score has a known error, s = s* + e: that which opens a gap between
// flow and process, without a network. It is safe for concurrent use if Exact and Error are.
type Misled struct {
	Exact score.Denoiser
	// Error writes e(x; α, σ) at points x.
	Error func(dst, x []float64, alpha, sigma float64)

	pool sync.Pool // of *[]float64
}

// Dim returns the dimension of a point.
func (m *Misled) Dim() int { return m.Exact.Dim() }

// Denoise writes D* + (σ²/α)e.
func (m *Misled) Denoise(dst, x []float64, alpha, sigma float64) {
	buf, ok := m.pool.Get().(*[]float64)
	if !ok {
		buf = new([]float64)
	}
	if cap(*buf) < len(x) {
		*buf = make([]float64, len(x))
	}
	e := (*buf)[:len(x)]
	m.Error(e, x, alpha, sigma)
	m.Exact.Denoise(dst, x, alpha, sigma)
	f := sigma * sigma / alpha
	for i, v := range e {
		dst[i] += f * v
	}
	m.pool.Put(buf)
}

// A GaussianGap is what a linear error of the score does to a Gaussian target, exactly but for
// the integration of the covariances.
type GaussianGap struct {
	Flow, Process, Truth *mat.SymDense // covariances of the laws at the end
	// Bound is GapBound on W₂ of the laws of flow and process, with the exact constants.
	Bound float64
	// ScoreError is ∫ h E_q|s_θ - ∇ log q_t|² dt, q the law of the process.
	ScoreError float64
}

// LinearGap returns the laws that the flow and the process of a model with the score
//
//	s_θ = -S⁻¹x + e(t) Mx,   S = α²C + σ²I,
//
// reach at t1 from the exact law N(0, S) at t0, for a target N(0, C). With A = fI + h(-S⁻¹ + eM),
// f = α̇/α and h = g_nat²/2 the covariances of the laws, which stay Gaussian, follow
//
//	flow      Ċ = AC + CAᵀ
//	process   Ċ = BC + CBᵀ + 2hI,   B = A + h(-S⁻¹ + eM)
//
// by RK4 in steps of equal length. C and M have d×d values. A symmetric M is the gradient of a
// potential, an antisymmetric one a rotation: for isotropic C the law does not feel it, and the
// gap is 0 whatever the score error.
func LinearGap(p interpolant.Path, cov, m []float64, e func(t float64) float64, t0, t1 float64, steps int) (*GaussianGap, error) {
	d := int(math.Round(math.Sqrt(float64(len(cov)))))
	if d < 1 || d*d != len(cov) || len(m) != len(cov) || steps < 1 {
		panic("train: two square matrices and a number of steps are needed")
	}
	g := &linearGap{path: p, d: d, cov: mat.NewDense(d, d, cov), m: mat.NewDense(d, d, m), e: e}
	flow, process := g.truth(t0), g.truth(t0)
	times, h, k, rms := make([]float64, steps+1), make([]float64, steps+1), make([]float64, steps+1), make([]float64, steps+1)
	for i := range times {
		t := t0 + (t1-t0)*float64(i)/float64(steps)
		if i > 0 {
			last := times[i-1]
			flow, process = g.rk4(flow, last, t-last, false), g.rk4(process, last, t-last, true)
		}
		times[i] = t
		var err error
		if h[i], k[i], rms[i], err = g.constants(process, t); err != nil {
			return nil, err
		}
	}
	out := &GaussianGap{Flow: symmetric(flow), Process: symmetric(process), Truth: symmetric(g.truth(t1)), Bound: GapBound(times, h, k, rms)}
	for i := 1; i < len(times); i++ {
		out.ScoreError += (times[i] - times[i-1]) * (h[i]*rms[i]*rms[i] + h[i-1]*rms[i-1]*rms[i-1]) / 2
	}
	return out, nil
}

type linearGap struct {
	path   interpolant.Path
	d      int
	cov, m *mat.Dense
	e      func(t float64) float64
}

// truth returns S.
func (g *linearGap) truth(t float64) *mat.Dense {
	c := g.path.At(t)
	s := mat.NewDense(g.d, g.d, nil)
	s.Scale(c.Alpha*c.Alpha, g.cov)
	for i := range g.d {
		s.Set(i, i, s.At(i, i)+c.Sigma*c.Sigma)
	}
	return s
}

// score returns the matrix of s_θ, and f and h.
func (g *linearGap) score(t float64) (s *mat.Dense, f, h float64) {
	f, h = residual{path: g.path}.drift(t)
	s = mat.NewDense(g.d, g.d, nil)
	if err := s.Inverse(g.truth(t)); err != nil {
		panic("train: the covariance of x_t is singular")
	}
	s.Scale(-1, s)
	var em mat.Dense
	em.Scale(g.e(t), g.m)
	s.Add(s, &em)
	return s, f, h
}

func (g *linearGap) slope(c *mat.Dense, t float64, process bool) *mat.Dense {
	a, f, h := g.score(t)
	noise := 0.0
	if process {
		a.Scale(2*h, a)
		noise = 2 * h
	} else {
		a.Scale(h, a)
	}
	for i := range g.d {
		a.Set(i, i, a.At(i, i)+f)
	}
	var left, out mat.Dense
	left.Mul(a, c)
	out.Add(&left, left.T())
	for i := range g.d {
		out.Set(i, i, out.At(i, i)+noise)
	}
	return &out
}

func (g *linearGap) rk4(c *mat.Dense, t, dt float64, process bool) *mat.Dense {
	move := func(by float64, k *mat.Dense) *mat.Dense {
		var to mat.Dense
		to.Scale(by, k)
		to.Add(&to, c)
		return &to
	}
	k1 := g.slope(c, t, process)
	k2 := g.slope(move(dt/2, k1), t+dt/2, process)
	k3 := g.slope(move(dt/2, k2), t+dt/2, process)
	k4 := g.slope(move(dt, k3), t+dt, process)
	k2.Add(k2, k3)
	k2.Scale(2, k2)
	k1.Add(k1, k2)
	k1.Add(k1, k4)
	return move(dt/6, k1)
}

// constants are those of GapBound: h, K = λ_max of the symmetric part of A, and the root of
// E|(C⁻¹ + S_θ)x|² = tr (C⁻¹ + S_θ) C (C⁻¹ + S_θ)ᵀ.
func (g *linearGap) constants(c *mat.Dense, t float64) (h, k, rms float64, err error) {
	s, f, h := g.score(t)
	sym := symmetric(s)
	var eig mat.EigenSym
	var inv mat.Dense
	if !eig.Factorize(sym, false) || inv.Inverse(c) != nil {
		return 0, 0, 0, fmt.Errorf("train: the law of the process at t = %g has a singular covariance: the error of the score is too large", t)
	}
	inv.Add(&inv, s)
	var left, sq mat.Dense
	left.Mul(&inv, c)
	sq.Mul(&left, inv.T())
	return h, f + h*eig.Values(nil)[g.d-1], math.Sqrt(math.Max(mat.Trace(&sq), 0)), nil
}

// symmetric returns the symmetric part.
func symmetric(a *mat.Dense) *mat.SymDense {
	d, _ := a.Dims()
	s := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			s.SetSym(i, j, (a.At(i, j)+a.At(j, i))/2)
		}
	}
	return s
}
