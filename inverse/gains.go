package inverse

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// A Kalman is the gain of a locally Gaussian prior,
//
//	G = C Aᵀ (A B Aᵀ + R)⁻¹,
//
// where C and B are models of Cov[x₁|x]. With the exact one in both places it is exact
// for a Gaussian prior. The system is solved by conjugate gradients, or in closed form if
// B is a multiple of the identity and the operator is spectral under white noise.
type Kalman struct {
	Cov    Covariance // C
	Inner  Covariance // B; nil means C
	Krylov Krylov
}

// MMPS is the gain with the Tweedie covariance throughout, moment matching (Rozet,
// Andry, Lanusse and Louppe 2024, arXiv 2405.13712, section 4): iterations of conjugate
// gradients, or as many as a relative residual of 1e-10 takes if that is 0. It costs one
// product of the Jacobian more than it makes iterations. The paper has 1 to 5.
func MMPS(iterations int) Kalman {
	return Kalman{Cov: jacobian, Krylov: Krylov{Iterations: iterations}}
}

// PiGDM is the pseudoinverse-guided gain C Aᵀ(r² A Aᵀ + R)⁻¹ with C of Tweedie and r² of
// Isotropic{data} (Song et al. 2023): one product of the Jacobian. C = (σ²/α)(∂D/∂x)
// stands for the transposed Jacobian of the paper, its equal for a posterior mean.
func PiGDM(data float64) Kalman {
	return Kalman{Cov: jacobian, Inner: Isotropic{Data: data}}
}

// Fixed is the gain of a covariance that follows from the prior's alone, such as
// Diagonal or Isotropic, as azula's JFPS: no derivative of the denoiser.
func Fixed(c Covariance, k Krylov) Kalman { return Kalman{Cov: c, Krylov: k} }

// DiffPIR is the proximal gain (Zhu et al. 2023, arXiv 2305.08995, equation 12)
//
//	argmin_x (y - Ax)ᵀR⁻¹(y - Ax) + λ (α²/σ²) |x - x̂0|²,
//
// for white noise σ_n the paper's with ρ = λ σ_n²α²/σ². λ = 1 is Bayes' rule if the prior
// is flat.
func DiffPIR(lambda float64) Kalman { return Kalman{Cov: Proximal{Lambda: lambda}} }

func (g Kalman) check(p *Problem) error {
	for _, c := range []Covariance{g.Cov, g.Inner} {
		if k, ok := c.(interface{ check(p *Problem) error }); ok {
			if err := k.check(p); err != nil {
				return err
			}
		}
	}
	if g.Cov == nil {
		return fmt.Errorf("inverse: a Kalman gain needs a covariance")
	}
	return g.Krylov.check()
}

func (g Kalman) jacobian() bool {
	_, cov := g.Cov.(Tweedie)
	_, inner := g.Inner.(Tweedie)
	return cov || inner
}

// Estimate writes x̂0 + C Aᵀ(A B Aᵀ + R)⁻¹(y - A x̂0).
func (g Kalman) Estimate(dst []float64, l *Local) {
	if g.Inner == nil {
		l.through(dst, g.Cov, l.Residual, g.Krylov)
		floats.Add(dst, l.Mean)
		return
	}
	l.solve(l.m1, g.Inner, l.Residual, g.Krylov)
	l.gainThrough(dst, g.Cov, l.m1)
}

// TMPD replaces A C Aᵀ + R by a diagonal c (Boys et al. 2023, arXiv 2310.06721):
//
//	x̂0 + C Aᵀ (r/c),   c = R 1 + |A C Aᵀ 1|
//
// by its row sums, two products of the Jacobian, exact for one measurement; or with
// Probes > 0 its diagonal by that many random signs (tweedie.DiagonalEstimate says how
// accurate), one product a probe.
//
// Row sums of a covariance may be negative, which makes the paper's c nothing that a
// variance can be; the absolute value is our guard. A measurement with c = 0 is left out.
type TMPD struct {
	Probes int
	Seed   uint64 // of the probes, which are the same at all points
}

func (g TMPD) check(*Problem) error {
	if g.Probes < 0 {
		return fmt.Errorf("inverse: TMPD has %d probes, want 0 (row sums) or more", g.Probes)
	}
	return nil
}

func (TMPD) jacobian() bool { return true }

// Estimate writes x̂0 + C Aᵀ(r/c).
func (g TMPD) Estimate(dst []float64, l *Local) {
	u, c, v := l.m1, l.m2, l.m3
	clear(c)
	for k := range max(1, g.Probes) {
		for i := range v {
			v[i] = 1
		}
		if g.Probes > 0 {
			l.signs(v, g.Seed, uint64(k))
		}
		l.Adjoint(l.d1, v)
		jacobian.Mul(dst, l.d1, l)
		l.Apply(u, dst)
		for i, w := range u {
			c[i] += v[i] * w / float64(max(1, g.Probes))
		}
	}
	for i, r := range l.Residual {
		if s := l.Variance(i) + max(c[i], -c[i]); s > 0 {
			u[i] = r / s
		} else {
			u[i] = 0
		}
	}
	l.gainThrough(dst, jacobian, u)
}

// DDNM is the projection A†, the pseudoinverse (Wang, Yu and Zhang 2022, arXiv
// 2212.00490, equation 13): the data hold exactly. It takes no account of noise. By the
// singular values if the operator is spectral; otherwise by conjugate gradients on the
// normal equations.
type DDNM struct {
	Krylov Krylov // for operators that are not spectral
}

func (g DDNM) check(*Problem) error { return g.Krylov.check() }

// Estimate writes x̂0 + A†(y - A x̂0).
func (g DDNM) Estimate(dst []float64, l *Local) {
	s, ok := l.spectral()
	if !ok {
		DDS{Krylov: g.Krylov}.Estimate(dst, l)
		return
	}
	l.weigh(dst, s, func(float64) float64 { return 1 })
}

// DDNMPlus is DDNM with singular directions that trust the data as far as the noise
// allows (Wang et al. 2022, section 3.3, at η = 0),
//
//	x̂0 + V diag(λ_i/s_i) Uᵀ (y - A x̂0),   λ_i = min(1, s_i σ/(α σ_y)),
//
// here as a denoiser for any solver: σ/α is that of the point, where the published step has
// that of its end, so that the data count for a little more. Step by step as published it
// is DDRM with η_b = 1. It needs a linop.Spectral operator and white noise; Kalman gains
// with Proximal are its equal for other operators.
type DDNMPlus struct{}

func (DDNMPlus) check(p *Problem) error { return needSpectral(p, "DDNM+") }

func needSpectral(p *Problem, method string) error {
	if _, ok := p.spectral(); !ok {
		return fmt.Errorf("inverse: %s needs an operator with a known singular value decomposition (linop.Spectral) and noise of one variance; DiffPIR, DDS and MMPS work with any", method)
	}
	return nil
}

// Estimate writes D(x, y).
func (DDNMPlus) Estimate(dst []float64, l *Local) {
	s, _ := l.spectral()
	ratio := l.NoiseToSignal()
	l.weigh(dst, s, func(sv float64) float64 {
		if ratio*sv >= l.std {
			return 1
		}
		return sv * ratio / l.std
	})
}

// DDS is the data consistency of the decomposed diffusion sampler (Chung, Lee and Ye
// 2024, arXiv 2303.05754, section 3.2): conjugate gradients on
//
//	(I + γAᵀA) x = x̂0 + γAᵀy        or, with γ = ∞,   AᵀA x = Aᵀy
//
// from the start x̂0, by a number of iterations that is part of the method. γ weighs all
// measurements alike, whatever their noise. One application of A and Aᵀ an iteration.
type DDS struct {
	Gamma  float64 // zero means ∞, the noiseless problem; the paper's scripts have 1
	Krylov Krylov  // the paper has 5 iterations
}

func (g DDS) check(*Problem) error {
	if !(g.Gamma >= 0) {
		return fmt.Errorf("inverse: the weight γ of DDS is %g, want a number of 0 (for ∞) or more", g.Gamma)
	}
	return g.Krylov.check()
}

// Estimate writes the last iterate.
func (g DDS) Estimate(dst []float64, l *Local) {
	// For δ = x - x̂0 from 0: the same iterates, the right-hand side free of cancellation.
	l.gamma = g.Gamma
	l.Adjoint(l.d1, l.Residual)
	if g.Gamma != 0 {
		floats.Scale(g.Gamma, l.d1)
	}
	l.cg(dst, l.nrm, l.d1, g.Krylov)
	floats.Add(dst, l.Mean)
}
