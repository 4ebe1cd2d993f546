package interpolant

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score/density"
)

// A Schrodinger is a Schrödinger bridge: of all processes from ρ(0) to ρ(1) that closest to
// the reference dX = √(2ε) dW, the one with the least KL(·‖reference) = 1/(4ε) ∫ E|u|² dt, u
// the drift. It is known exactly once its two potentials are, φ(1) and φ̂(0): with the heat
// semigroup φ(t) = φ(1) ∗ N(0, 2ε(1-t)I), φ̂(t) = φ̂(0) ∗ N(0, 2εtI),
//
//	ρ = φφ̂/Z,   s = ∇ log φ + ∇ log φ̂,   v = 2ε(1-t) ∇ log φ - 2εt ∇ log φ̂
//	forward drift b + εs = 2ε ∇ log φ,   backward drift b - εs = -2ε ∇ log φ̂
//
// (Léonard 2014, arXiv 1308.0215, theorem 2.4; Pooladian and Niles-Weed 2024, arXiv
// 2408.11686, section 3). Given its ends it is a Brownian bridge, x_t = (1-t)x₀ + tx₁ +
// √(2εt(1-t)) z, so its interpolant is linear, and (x₀, x₁) is the entropic transport plan
//
//	min E|x₁ - x₀|²/2 + 2ε KL(π‖ρ(0)⊗ρ(1)),   π(x₀, x₁) ∝ φ̂(0, x₀) φ(1, x₁) exp(-|x₁ - x₀|²/(4ε)).
//
// A BridgeSampler runs it either way with the constant ε. A point costs an evaluation of
// each potential, and of one alone for the drift of its direction. All methods are safe
// for concurrent use and take t in [0, 1]; where a potential is a set of points the fields
// at its end are their limits on the points.
type Schrodinger struct {
	linear     TwoSided
	eps        float64
	start, end density.Target // φ̂(0) and φ(1), each of mass 1
	logZ       float64
	pool       sync.Pool
}

func newSchrodinger(eps float64, start, end density.Target) *Schrodinger {
	m := &Schrodinger{linear: brownian(eps), eps: eps, start: start, end: end}
	m.pool.New = func() any { return new([]float64) }
	return m
}

// brownian is the interpolant of Brownian bridges, of noise √(2ε) dW.
func brownian(eps float64) TwoSided {
	return TwoSided{
		Alpha: Plain(func(t float64) (float64, float64) { return 1 - t, -1 }),
		Beta:  Plain(func(t float64) (float64, float64) { return t, 1 }),
		Gamma: sqrtGamma(2 * eps),
	}
}

func checkEps(eps float64) error {
	if !(eps > 0) || math.IsInf(eps, 1) {
		return fmt.Errorf("interpolant: the noise ε of a Schrödinger bridge is %g, want a finite number > 0", eps)
	}
	return nil
}

// NewMixtureSchrodinger returns the Schrödinger bridge whose potentials φ̂(0) and φ(1) are
// mixtures, and its laws at the ends, which are mixtures too, of all pairs of components: a
// known answer between laws that are not Gaussian, after the fact (Gushchin et al. 2023,
// arXiv 2306.10161; Korotin, Gushchin and Burnaev 2024, arXiv 2310.01174).
func NewMixtureSchrodinger(eps float64, start, end *density.Mixture) (m *Schrodinger, source, target *density.Mixture, err error) {
	if err := checkEps(eps); err != nil {
		return nil, nil, nil, err
	}
	if start.Dim() != end.Dim() {
		return nil, nil, nil, fmt.Errorf("interpolant: the potentials have dimensions %d and %d", start.Dim(), end.Dim())
	}
	m = newSchrodinger(eps, start, end)
	if source, m.logZ, err = product(start, end, 0, 2*eps); err != nil {
		return nil, nil, nil, err
	}
	if target, _, err = product(start, end, 2*eps, 0); err != nil {
		return nil, nil, nil, err
	}
	return m, source, target, nil
}

// product returns the normalised product of two mixtures, blurred by N(0, vI) each, and the
// logarithm of its mass:
//
//	N(x; a, A) N(x; b, B) = N(a; b, A + B) N(x; b + B(A + B)⁻¹(a - b), B - B(A + B)⁻¹B).
func product(p, q *density.Mixture, vp, vq float64) (*density.Mixture, float64, error) {
	d := p.Dim()
	wp, mp, cp := p.Components()
	wq, mq, cq := q.Components()
	blurred := func(covs []float64, i int, v float64) *mat.SymDense {
		c := mat.NewSymDense(d, append([]float64(nil), covs[i*d*d:(i+1)*d*d]...))
		for j := range d {
			c.SetSym(j, j, c.At(j, j)+v)
		}
		return c
	}
	var logs, means, covs []float64
	var sum mat.SymDense
	var chol mat.Cholesky
	var gain mat.Dense
	for i, w := range wp {
		a := mat.NewVecDense(d, mp[i*d:(i+1)*d])
		for j, u := range wq {
			b, cb := mat.NewVecDense(d, mq[j*d:(j+1)*d]), blurred(cq, j, vq)
			sum.AddSym(blurred(cp, i, vp), cb)
			var r, h, move mat.VecDense
			r.SubVec(a, b)
			if !chol.Factorize(&sum) || chol.SolveVecTo(&h, &r) != nil || chol.SolveTo(&gain, cb) != nil {
				return nil, 0, errors.New("interpolant: the covariances of the potentials are singular to rounding")
			}
			logs = append(logs, math.Log(w)+math.Log(u)-(mat.Dot(&r, &h)+chol.LogDet()+float64(d)*math.Log(2*math.Pi))/2)
			move.MulVec(cb, &h)
			for k := range d {
				means = append(means, b.AtVec(k)+move.AtVec(k))
			}
			gain.Mul(cb, &gain)
			for k := range d * d {
				r, c := k/d, k%d
				covs = append(covs, cb.At(r, c)-(gain.At(r, c)+gain.At(c, r))/2)
			}
		}
	}
	logZ := floats.LogSumExp(logs)
	for i, l := range logs {
		logs[i] = math.Exp(l - logZ)
	}
	m, err := density.NewMixture(logs, means, covs, d)
	if err != nil {
		return nil, 0, fmt.Errorf("interpolant: an end of the Schrödinger bridge: %w", err)
	}
	return m, logZ, nil
}

// Dim returns the dimension of a point.
func (m *Schrodinger) Dim() int { return m.end.Dim() }

// At returns the coefficients of the interpolant, γ = √(2εt(1-t)).
func (m *Schrodinger) At(t float64) TwoCoeffs { return m.linear.At(t) }

// width is the standard deviation of the semigroup after the time tau. A potential on points
// has none of its own: on them any small width does.
func (m *Schrodinger) width(tau float64) float64 { return math.Sqrt(2 * m.eps * max(tau, 1e-12)) }

// factors returns those of ∇ log φ and ∇ log φ̂ in p·v + q·s. What is rounding alone counts
// as 0, so that the drift of either direction asks for one potential.
func (m *Schrodinger) factors(t, p, q float64) (f, h float64) {
	forward, backward := 2*m.eps*(1-t)*p, 2*m.eps*t*p
	f, h = q+forward, q-backward
	const rounding = 1e-15
	if math.Abs(f) <= rounding*math.Abs(p)*m.eps {
		f = 0
	}
	if math.Abs(h) <= rounding*math.Abs(p)*m.eps {
		h = 0
	}
	return f, h
}

// Combine writes p·v + q·s.
func (m *Schrodinger) Combine(dst, x []float64, t, p, q float64) {
	f, h := m.factors(t, p, q)
	m.sum(dst, x, t, f, h, func(dst, x []float64, potential density.Target, width float64) {
		potential.Score(dst, x, 1, width)
	})
}

// sum writes f·(the part of φ) + h·(the part of φ̂).
func (m *Schrodinger) sum(dst, x []float64, t, f, h float64, part func(dst, x []float64, potential density.Target, width float64)) {
	if f == 0 {
		clear(dst)
	} else {
		part(dst, x, m.end, m.width(1-t))
		floats.Scale(f, dst)
	}
	if h == 0 {
		return
	}
	buf := m.pool.Get().(*[]float64)
	*buf = resize(*buf, len(dst))
	part(*buf, x, m.start, m.width(t))
	floats.AddScaled(dst, h, *buf)
	m.pool.Put(buf)
}

// LogProb writes log ρ(t, x).
func (m *Schrodinger) LogProb(dst, x []float64, t float64) {
	m.sum(dst, x, t, 1, 1, func(dst, x []float64, potential density.Target, width float64) {
		potential.LogProb(dst, x, 1, width)
	})
	floats.AddConst(-m.logZ, dst)
}

// JVP writes the Jacobian of p·v + q·s times u, from ∇∇ log φ = (∂D/∂x - I)/σ², D the mean
// of φ(1) given x under the noise σ² = 2ε(1-t). Where a covariance is far above σ², digits
// cancel.
func (m *Schrodinger) JVP(dst, x, u []float64, t, p, q float64) {
	f, h := m.factors(t, p, q)
	m.sum(dst, x, t, f, h, func(dst, x []float64, potential density.Target, width float64) {
		potential.JVP(dst, x, u, 1, width)
		for i, v := range u {
			dst[i] = (dst[i] - v) / (width * width)
		}
	})
}

// Divergence writes the trace of that Jacobian.
func (m *Schrodinger) Divergence(dst, x []float64, t, p, q float64) {
	f, h := m.factors(t, p, q)
	m.sum(dst, x, t, f, h, func(dst, x []float64, potential density.Target, width float64) {
		potential.Divergence(dst, x, 1, width)
		for i := range dst {
			dst[i] = (dst[i] - float64(m.Dim())) / (width * width)
		}
	})
}

var (
	_ BridgeDensity  = (*Schrodinger)(nil)
	_ BridgeJacobian = (*Schrodinger)(nil)
)
