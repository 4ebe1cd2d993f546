package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/floats"
	lapackgo "gonum.org/v1/gonum/lapack/gonum"
)

// Twisted is the twisted diffusion sampler: the twist is the law of the data if x₁ were
// Gaussian given x,
//
//	ψ(x) = N(y; A D, S),   S = A B Aᵀ + R.
//
// With B = Isotropic{} it is that of Wu, Trippe, Naesseth, Blei and Cunningham (2023, arXiv
// 2306.17775, algorithm 1 and section 3.3), who propose the step of DDIM around
//
//	D(x, y) = D + C AᵀS⁻¹(y - A D),
//
// C the Tweedie covariance, which is the gradient of log ψ. The zero value has B = C, and
// looks ahead: the local Gaussian N(D, C) says what ψ' will be at the end of the step,
//
//	ψ'(x') ≈ N(y; A D(m) + (α'/σ'²) A C'(x' - m), A C'Aᵀ + R),   C' = C (I + κ C)⁻¹,  κ = α'²/σ'² - α²/σ²,
//
// and the proposal is p(x'|x) times this, a Gaussian. C' comes from a projection on the
// range of C Aᵀ: no product of the Jacobian but the m for S. The step of DDIM around
// D(x, y) tends to the same for many steps; with few it goes too far, as its noise leaves
// out C. For many modes B = C has far less variance than a multiple of the identity.
//
// B must not be much too small. Isotropic{} is of data of variance 1: say so if it is
// another, or where noise is high log ψ is wrong by about |y - A D|²/S, more than any number
// of particles makes good: nearly all weight falls to the few whose A D is nearest to y. On data
// of variance 115 (docs/POSTERIOR.md, four measurements) TDS is short of 150 to 1200 nats of
// evidence with Isotropic{}, and within 0.6 of it with Isotropic{Data: 115}.
//
// Up to 64 measurements S is formed and factored, and each particle keeps C Aᵀ. For more,
// and if Quadrature is set, the system is solved by conjugate gradients, log det S estimated
// by stochastic Lanczos quadrature with the same probes at every point, and the proposal is
// that of D(x, y). The twist is then another one than written above, but still a function
// of x alone, so weights and evidence stay as unbiased as they were; its noise costs
// effective sample size only. If B is a multiple of the identity, A spectral and the noise
// white, all is in closed form.
//
// Where an inexact C makes S indefinite, Isotropic{} takes its place, counted as Unfinished.
type Twisted struct {
	Cov        Covariance        // B; nil means Tweedie{}
	Proposal   Gain              // if not nil, the step of DDIM around its estimate, such as MMPS(0) or Fixed
	Krylov     Krylov            // of the matrix-free system
	Quadrature *linop.Quadrature // of the matrix-free determinant; not nil asks for it
}

// formed is the number of measurements up to which S is formed, if not told otherwise.
const formed = 64

func (t Twisted) prepare(r *smcRun) (func() mover, error) {
	if t.Cov == nil {
		t.Cov = jacobian
	}
	if err := (Kalman{Cov: t.Cov, Krylov: t.Krylov}).check(r.c.problem); err != nil {
		return nil, err
	}
	if g, ok := t.Proposal.(interface{ check(p *Problem) error }); ok {
		if err := g.check(r.c.problem); err != nil {
			return nil, err
		}
	}
	m, d := r.c.problem.Dims()
	switch q := t.Quadrature; {
	case q != nil && (q.Probes < 0 || q.Steps < 0):
		return nil, fmt.Errorf("inverse: a quadrature of %d probes and %d Lanczos steps; want numbers of 0 or more", q.Probes, q.Steps)
	case q == nil && m > formed:
		t.Quadrature = &linop.Quadrature{Probes: 4, Steps: 16}
	}
	var rows []float64
	if t.Quadrature == nil {
		rows = operatorRows(r)
	}
	ahead := t.Proposal == nil && rows != nil && isTweedie(t.Cov)
	if ahead {
		r.aux = m * d
	}
	return func() mover {
		w := &twisted{Twisted: t, run: r, l: newLocal(r.c.problem, r.c.model), rows: rows, u: make([]float64, m)}
		if rows != nil {
			w.ca, w.s = make([]float64, m*d), make([]float64, m*m)
		}
		if ahead {
			w.ahead = newLookahead(m)
		}
		return w
	}, nil
}

func isTweedie(c Covariance) bool {
	_, ok := c.(Tweedie)
	return ok
}

// operatorRows returns the rows of A.
func operatorRows(r *smcRun) []float64 {
	m, d := r.c.problem.Dims()
	rows, unit := make([]float64, m*d), make([]float64, m)
	for i := range unit {
		unit[i] = 1
		r.c.problem.a.Adjoint(rows[i*d:(i+1)*d], unit)
		unit[i] = 0
	}
	r.c.counts.add(&Counts{Adjoint: int64(m)})
	return rows
}

type twisted struct {
	Twisted
	run  *smcRun
	l    *Local
	rows []float64 // of A, if S is formed
	ca   []float64 // A B, rows
	s    []float64 // S, and its lower factor
	u    []float64 // S⁻¹(y - A D)

	ahead *lookahead // or nil
}

func (w *twisted) local() *Local { return w.l }

// start leaves the base's draw as it is.
func (w *twisted) start(*particle, []float64) float64 { return 0 }

// look leaves D(x, y) - D in aux, or C Aᵀ if the proposal looks ahead.
func (w *twisted) look(p *particle, k int) {
	c := w.run.at[k]
	w.l.at(p.x, p.mean, c.Alpha, c.Sigma)
	p.twist = logNormal(w.l.Residual, w.u, w.solveTwist())
	switch {
	case w.ahead != nil:
		copy(p.aux, w.ca)
	case w.Proposal != nil:
		w.Proposal.Estimate(p.aux, w.l)
		floats.Sub(p.aux, w.l.Mean)
	default:
		w.l.Adjoint(w.l.d1, w.u)
		jacobian.Mul(p.aux, w.l.d1, w.l)
	}
}

// logNormal returns log N(r; 0, S), given u = S⁻¹r and log det S.
func logNormal(r, u []float64, logDet float64) float64 {
	return -(floats.Dot(r, u) + logDet + float64(len(r))*math.Log(2*math.Pi)) / 2
}

// solveTwist sets u and returns log det S.
func (w *twisted) solveTwist() float64 {
	l := w.l
	scale, scalar := scaleOf(w.Cov, l)
	if sp, ok := l.spectral(); ok && scalar {
		l.solveSpectral(w.u, sp, scale, l.Residual)
		return spectralLogDet(sp, scale, l.std*l.std)
	}
	if w.rows == nil {
		l.solve(w.u, w.Cov, l.Residual, w.Krylov)
		l.cov = w.Cov
		logDet, _, err := linop.LogDet(len(w.u), l.sys, *w.Quadrature)
		if err != nil { // any number will do: that of no prior is on the safe side
			l.counts.Unfinished++
			return 0
		}
		return logDet
	}
	if !w.form(w.Cov) {
		l.counts.Unfinished++
		w.form(Isotropic{})
	}
	copy(w.u, l.Residual)
	return solveFactored(w.u, w.s)
}

// spectralLogDet returns log det(c A Aᵀ + v I).
func spectralLogDet(a linop.Spectral, c, v float64) float64 {
	sv := a.Singular()
	rows, _ := a.Dims()
	sum := float64(rows-len(sv)) * math.Log(v)
	for _, s := range sv {
		sum += math.Log(c*s*s + v)
	}
	return sum
}

// form factors S = A B Aᵀ + R and reports whether it is positive definite.
func (w *twisted) form(b Covariance) bool {
	l := w.l
	m, d := l.Dims()
	for i := range m {
		b.Mul(w.ca[i*d:(i+1)*d], w.rows[i*d:(i+1)*d], l)
	}
	w.product(w.ca, 1)
	return factor(w.s, m)
}

// product sets s to v A Gᵀ + R for the rows of G, symmetrised: a learned Jacobian is not
// symmetric.
func (w *twisted) product(g []float64, v float64) {
	m, d := w.l.Dims()
	for i := range m {
		for j := range i + 1 {
			a := floats.Dot(w.rows[i*d:(i+1)*d], g[j*d:(j+1)*d])
			if i != j {
				a = (a + floats.Dot(w.rows[j*d:(j+1)*d], g[i*d:(i+1)*d])) / 2
			}
			w.s[i*m+j] = v * a
		}
		w.s[i*m+i] += w.l.Variance(i)
	}
}

// factor replaces the lower half of the m×m matrix s by its Cholesky factor and reports
// whether there is one.
func factor(s []float64, m int) bool {
	return lapackgo.Implementation{}.Dpotrf(blas.Lower, m, s, m)
}

// solveFactored replaces u by S⁻¹u and returns log det S.
func solveFactored(u, s []float64) (logDet float64) {
	m := len(u)
	lapackgo.Implementation{}.Dpotrs(blas.Lower, m, 1, s, m, u, 1)
	for i := range m {
		logDet += 2 * math.Log(s[i*m+i])
	}
	return logDet
}

// move steps around the prior's mean m moved by gain (D(x, y) - D).
func (w *twisted) move(p *particle, z []float64, k int) float64 {
	g := w.run.legs[k]
	if w.ahead != nil {
		return w.ahead.move(w, p, z, k)
	}
	root, sum := math.Sqrt(g.v), 0.0
	for i, v := range p.x {
		shift := g.gain * p.aux[i] / root
		sum += shift * (shift/2 + z[i])
		p.x[i] = g.keep*v + g.gain*p.mean[i] + root*(shift+z[i])
	}
	return -sum
}

// finish ends at D(x), with the likelihood as the last twist.
func (w *twisted) finish(p *particle, _ []float64) float64 {
	copy(p.x, p.mean)
	return logLikelihood(w.l, p.x)
}

// logLikelihood returns log N(y; A x, R).
func logLikelihood(l *Local, x []float64) float64 {
	l.Apply(l.m1, x)
	sum := 0.0
	for i, v := range l.m1 {
		r, v := l.y[i]-v, l.Variance(i)
		sum -= (r*r/v + math.Log(2*math.Pi*v)) / 2
	}
	return sum
}
