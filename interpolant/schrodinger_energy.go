package interpolant

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/samplemv"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/density"
)

// A SchrodingerProblem looks for a Schrödinger bridge among the interpolants between two
// mixtures, whose components are coupled as given and whose points are coupled
// independently within a pair of components: the problem
//
//	max over (α, β, γ)  min over u  ∫ E[½|u|² - (α̇x₀ + β̇x₁ + (γ̇ - ε/γ) z)·u(t, x_t)] dt
//
// (Albergo et al. 2023, section 5.3 and theorem 5.6). As E[ẋ_t|x_t] = b and E[z|x_t] = -γs, the
// inner minimum is at u = b + εs, known in closed form, and is -½∫E|b + εs|²: the outer
// problem is to minimise that energy, 2ε times the KL to the reference √(2ε) dW from ρ(0).
// All of these processes have the ends of the bridge, hence (Pythagoras, for a reference
// that makes the bridge's density a function of the ends)
//
//	energy - energy of the Schrödinger bridge = ½ ∫ E|b + εs - u*|² dt   over the interpolant's law:
//
// what is left of the one is the error of the drift. It is 0 where the family is rich enough,
// as between Gaussians of covariances v₀I and v₁I: there α = 1-t, β = t, and
// γ² = 2√(v₀v₁ + ε²) t(1-t). One γ for all directions is too few where covariances are not
// multiples of I (a drift error of some per cent), and one coupling is too few where the bridge
// would not pair components in that way.
//
// Expectations are over fixed draws, the same for all interpolants, and Gauss-Legendre times, dense at the ends.
// The draws are those of a Halton sequence, antithetic and with exact second moments, so that
// the energy is exact between Gaussians. The numbers do not depend
// on the number of workers.
type SchrodingerProblem struct {
	eps       float64
	model     *PairBridge
	zeta      []float64 // normal points, the draws of every pair in units of its law
	weights   []float64 // of the pairs
	c0, c1    [][]float64
	times, tw []float64
	workers   int
	tol       float64
	buffers   sync.Pool
}

// SchrodingerSettings are those of NewSchrodingerProblem; zero values mean the defaults.
type SchrodingerSettings struct {
	// Coupling is the mass of each pair of components, a row of the target's for each of the
	// source's, with the weights of both as its marginals; nil means independent.
	Coupling []float64
	Draws    int // of each pair of components, even; 0 means 256, or 64d if that is more
	Times    int // 0 means 32
	Seed     uint64
	Workers  int
	Tol      float64 // relative gain of energy in ten steps at which Fit rests; 0 means 1e-9
}

// NewSchrodingerProblem returns the problem between two mixtures.
func NewSchrodingerProblem(source, target *density.Mixture, eps float64, set *SchrodingerSettings) (*SchrodingerProblem, error) {
	if err := checkEps(eps); err != nil {
		return nil, err
	}
	model, err := NewMixtureBridge(brownian(eps), source, target)
	if err != nil {
		return nil, err
	}
	if set == nil {
		set = &SchrodingerSettings{}
	}
	w0, _, c0 := source.Components()
	w1, _, c1 := target.Components()
	masses, err := couple(w0, w1, set.Coupling)
	if err != nil {
		return nil, err
	}
	d, n, nodes := model.d, set.Draws, set.Times
	if n == 0 {
		n = max(256, 64*d)
	}
	if nodes == 0 {
		nodes = 32
	}
	if n%2 != 0 || n < 4*d || nodes < 1 {
		return nil, fmt.Errorf("interpolant: %d draws at %d times, want an even number of 4d = %d draws at least", n, nodes, 4*d)
	}
	p := &SchrodingerProblem{
		eps: eps, model: model, workers: set.Workers, tol: set.Tol,
		times: make([]float64, nodes), tw: make([]float64, nodes),
	}
	// The drift changes over times of the order of a variance/ε at the ends, which
	// t = r³(10 - 15r + 6r²) resolves.
	if p.tol == 0 {
		p.tol = 1e-9
	}
	quad.Legendre{}.FixedLocations(p.times, p.tw, 0, 1)
	for i, r := range p.times {
		p.times[i] = r * r * r * (10 - 15*r + 6*r*r)
		p.tw[i] *= 30 * r * r * (1 - r) * (1 - r)
	}
	if p.zeta, err = matchedNormals(n, d, set.Seed); err != nil {
		return nil, err
	}
	pairs := model.pairs
	model.pairs = nil
	for k, mass := range masses {
		if mass == 0 {
			continue
		}
		i, j := k/len(w1), k%len(w1)
		pairs[k].logW = math.Log(mass)
		model.pairs = append(model.pairs, pairs[k])
		p.weights = append(p.weights, mass)
		p.c0 = append(p.c0, c0[i*d*d:(i+1)*d*d])
		p.c1 = append(p.c1, c1[j*d*d:(j+1)*d*d])
	}
	p.buffers.New = func() any {
		buf := make([]float64, 2*len(p.zeta)+d*d)
		return &buf
	}
	return p, nil
}

// couple returns the masses of all pairs, checked to have the marginals w0 and w1.
func couple(w0, w1, masses []float64) ([]float64, error) {
	if masses == nil {
		for _, a := range w0 {
			for _, b := range w1 {
				masses = append(masses, a*b)
			}
		}
		return masses, nil
	}
	if len(masses) != len(w0)*len(w1) {
		return nil, fmt.Errorf("interpolant: a coupling of %d masses for %d by %d components", len(masses), len(w0), len(w1))
	}
	rest := append(append([]float64(nil), w0...), w1...)
	for k, v := range masses {
		if !(v >= 0) {
			return nil, fmt.Errorf("interpolant: mass %d of the coupling is %g, want a number ≥ 0", k, v)
		}
		rest[k/len(w1)] -= v
		rest[len(w0)+k%len(w1)] -= v
	}
	if off := floats.Norm(rest, 1); !(off <= 1e-6) {
		return nil, fmt.Errorf("interpolant: the marginals of the coupling are off the components' weights by %g", off)
	}
	return masses, nil
}

// matchedNormals returns n normal points of dimension d, a scrambled Halton sequence and its
// negatives, transformed to have the second moments I exactly.
func matchedNormals(n, d int, seed uint64) ([]float64, error) {
	unit := mat.NewSymDense(d, nil)
	for i := range d {
		unit.SetSym(i, i, 1)
	}
	src := stream.New().At(seed, stream.Target, 0, 0)
	normal, _ := distmv.NewNormal(make([]float64, d), unit, nil)
	half, z := mat.NewDense(n/2, d, nil), mat.NewDense(n, d, nil)
	samplemv.Halton{Kind: samplemv.Owen, Q: normal, Src: src}.Sample(half)
	for i := range n / 2 {
		copy(z.RawRowView(2*i), half.RawRowView(i))
		floats.ScaleTo(z.RawRowView(2*i+1), -1, half.RawRowView(i))
	}
	var second mat.SymDense
	second.SymOuterK(1/float64(n), z.T())
	var chol mat.Cholesky
	var l, inverse mat.TriDense
	if !chol.Factorize(&second) {
		return nil, errors.New("interpolant: the draws span no space; take more")
	}
	chol.LTo(&l)
	if err := inverse.InverseTri(&l); err != nil {
		return nil, fmt.Errorf("interpolant: the second moments of the draws: %w", err)
	}
	z.Mul(z, inverse.T())
	return z.RawMatrix().Data, nil
}

// Bridge returns the exact model of an interpolant between the two mixtures.
func (p *SchrodingerProblem) Bridge(path TwoSided) *PairBridge {
	m := &PairBridge{path: path, d: p.model.d, iso: p.model.iso, pairs: p.model.pairs}
	m.ready()
	return m
}

// Energy returns ½∫E|b + εs|²dt of an interpolant, minus the objective of the max-min problem.
func (p *SchrodingerProblem) Energy(path TwoSided) float64 {
	m := p.Bridge(path)
	return p.meanSquare(path, func(dst, x []float64, t float64) { forwardDrift(m, dst, x, t, p.eps) }) / 2
}

// DriftGap returns ∫E|b + εs - u*|²dt over the law of the interpolant, u* the forward drift of
// another model, the true bridge as a rule. Relative to u* it is √(gap/(2·energy*)).
func (p *SchrodingerProblem) DriftGap(path TwoSided, truth Bridge) float64 {
	m := p.Bridge(path)
	return p.meanSquare(path, func(dst, x []float64, t float64) {
		buf := estimates.Get().(*[]float64)
		*buf = resize(*buf, len(x))
		forwardDrift(m, dst, x, t, p.eps)
		forwardDrift(truth, *buf, x, t, p.eps)
		floats.Sub(dst, *buf)
		estimates.Put(buf)
	})
}

// forwardDrift writes b + εs.
func forwardDrift(m Bridge, dst, x []float64, t, eps float64) {
	m.Combine(dst, x, t, 1, eps-m.At(t).GDG)
}

// meanSquare returns ∫E|f(t, x_t)|²dt.
func (p *SchrodingerProblem) meanSquare(path TwoSided, f func(dst, x []float64, t float64)) float64 {
	n, d, sums := len(p.zeta), p.model.d, make([]float64, len(p.times))
	_ = par.Rows(context.Background(), len(p.times), 1, p.workers, func(_, lo, hi int) error {
		buf := p.buffers.Get().(*[]float64)
		x, u, root := (*buf)[:n], (*buf)[n:2*n], (*buf)[2*n:]
		for k := lo; k < hi; k++ {
			t := p.times[k]
			for j, w := range p.weights {
				p.draw(x, root, j, path.At(t))
				f(u, x, t)
				sums[k] += w * floats.Dot(u, u) * float64(d) / float64(n)
			}
		}
		p.buffers.Put(buf)
		return nil
	})
	return floats.Dot(sums, p.tw)
}

// draw writes the draws of x_t of pair j, m + S^½ ζ with S^½ a Cholesky factor. They are NaN
// where S is singular.
func (p *SchrodingerProblem) draw(x, root []float64, j int, c TwoCoeffs) {
	d, pr := p.model.d, &p.model.pairs[j]
	for i, a := range p.c0[j] {
		root[i] = c.Alpha*c.Alpha*a + c.Beta*c.Beta*p.c1[j][i]
	}
	for i := 0; i < len(root); i += d + 1 {
		root[i] += c.Gamma * c.Gamma
	}
	if _, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: d, Stride: d, Data: root}); !ok {
		root[0] = math.NaN()
	}
	for lo := 0; lo < len(x); lo += d {
		row := x[lo : lo+d]
		for i := range row {
			row[i] = c.Alpha*pr.m0[i] + c.Beta*pr.m1[i]
		}
		for i, z := range p.zeta[lo : lo+d] {
			floats.AddScaled(row[i:], z, root[i*d+i:(i+1)*d])
		}
	}
}
