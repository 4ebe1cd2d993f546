// Package inverse samples what is not known from data: x₁ given
//
//	y = A x₁ + n,   n ~ N(0, R),
//
// where a denoiser stands for the prior of x₁. A Problem holds the data; operators A are
// those of package linop.
//
// # Conditional denoisers
//
// Most methods estimate E[x₁|x, y] at a noisy point x = α x₁ + σ z from the prior's
// x̂0 = D(x) in one form,
//
//	D(x, y) = x̂0 + G (y - A x̂0),
//
// and differ in the gain G. A Conditional is this denoiser, so every solver of packages
// ode and sde drives every method:
//
//	c, err := inverse.NewConditional(problem, prior, inverse.MMPS(3))
//	s := score.Sampler{Path: path, Model: c, Solver: score.SDE(sde.DDIM, 1, false), Grid: grid}
//
//	gain              G                                     products of ∂D/∂x   needs
//	MMPS              C Aᵀ(A C Aᵀ + R)⁻¹, C of Tweedie      k
//	PiGDM             C Aᵀ(r² A Aᵀ + R)⁻¹                   1
//	TMPD              C Aᵀ diag(A C Aᵀ 1 + R 1)⁻¹           2
//	Fixed             as MMPS, C of the prior alone         0
//	DiffPIR           as MMPS, C = σ²/(α²λ) I               0
//	DDS               k steps of CG on I + γAᵀA, or AᵀA     0
//	DDNM              A†                                    0
//	DDNMPlus          A† damped by the noise                0                   linop.Spectral
//	DMPS              as DiffPIR, the residual at x/α       0
//
// With the exact C, the first is exact for Gaussian priors; the others in special cases.
// For every other prior all are approximations, and biased.
//
// # Solvers
//
// A Recursion is the step with which DDNM, DDS and DiffPIR were published, which mixes the
// noise of the prior with the mean of the posterior, and DDRM its own; on a Gaussian prior
// their laws are known exactly and differ from the posterior at every number of steps.
// Corrected is the covariance-corrected ancestral step, exact for Gaussian priors at every
// number of steps.
//
// DPS, MCG, LGD and STSL descend the misfit through the denoiser in each step, PSLD in the
// latent space of a linear autoencoder (PCA); they take a Guided, whose data may come from a
// Nonlinear map too. DAPS and SplitGibbs alternate a draw given the data with the prior's
// own sampler; REDDiff, FlowChef and PnPFlow are estimates by descent; DDSTV couples the
// Slices of a stack by total variation.
//
// SMC draws populations of particles whose weights are right for the exact model, with an
// estimate of the evidence: Twisted (the covariance twist, and TDS), TwistedCorrected,
// MCGdiff and FPS.
//
// # Truth
//
// MixturePosterior, IsotropicPosterior and StationaryPosterior are the exact law of x₁
// given y for mixture and for stationary Gaussian priors, with evidence; as targets of
// package density they draw, and their denoiser drives the exact conditional sampler.
//
// # How a method joins
//
// A method that estimates E[x₁|x, y] is a Gain: one Estimate, given a Local (the point,
// x̂0, the residual y - A x̂0, and counted products with A, Aᵀ and ∂D/∂x). Gradient
// guidance fits too, as ∇ log p(y|x) enters D(x, y) as (σ²/α)∇ log p(y|x). A method that
// models Cov[x₁|x] is a Covariance, and serves Kalman gains and Corrected at once. A method
// with a step of its own, or with state between steps, is a score.Steps whose NewStepper
// takes its noise from the source it is given, one query a step, and a Solver that checks
// before it runs; a method with particles or an outer loop is a score.Solver. Its test is
// the exact law on Gaussian priors, which the package's tests read off any affine step.
package inverse
